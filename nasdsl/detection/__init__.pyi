"""The public names of `nasdsl.detection`, each in the module that defines and documents it."""

from .backbone import Backbone as Backbone
from .backbone import backbone as backbone
from .cost import DetectorCost as DetectorCost
from .cost import detector_cost as detector_cost
from .detector import Detector as Detector
from .detector import faster_rcnn as faster_rcnn
from .plan import DetectorPlan as DetectorPlan
from .plan import plan_detector as plan_detector
