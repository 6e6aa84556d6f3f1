"""A network on anything: one picture, files and folders of them, clips."""

from . import encoding, folders, pictures, receptive_fields
from .engine import own_scale, receptive_field, scales, upscale

__all__ = [
    "encoding",
    "folders",
    "own_scale",
    "pictures",
    "receptive_field",
    "receptive_fields",
    "scales",
    "upscale",
]
