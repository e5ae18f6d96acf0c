"""The public names of `nasdsl.detection`, each in the module that defines and documents it."""

from .backbone import Backbone as Backbone
from .backbone import backbone as backbone
from .coco import CocoFolder as CocoFolder
from .coco import coco_folder as coco_folder
from .cost import DetectorCost as DetectorCost
from .cost import detector_cost as detector_cost
from .detector import Detector as Detector
from .detector import faster_rcnn as faster_rcnn
from .export import export_detector as export_detector
from .model_file import TrainedDetector as TrainedDetector
from .model_file import read_detector as read_detector
from .plan import DetectorPlan as DetectorPlan
from .plan import plan_detector as plan_detector
from .precision import AveragePrecision as AveragePrecision
from .precision import average_precision as average_precision
from .recipe import DetectionRecipe as DetectionRecipe
from .recipe import detection_recipe as detection_recipe
from .run import DetectionJob as DetectionJob
from .run import begin_detection as begin_detection
from .run import plan_detection as plan_detection
from .run import recorded_detection as recorded_detection
from .training import train_detection as train_detection
