"""The public names of `nasdsl.hub`, each in the module that defines and documents it."""

from .models import from_pretrained as from_pretrained
from .models import push_to_hub as push_to_hub
from .models import save_pretrained as save_pretrained
from .timm_models import register_with_timm as register_with_timm
