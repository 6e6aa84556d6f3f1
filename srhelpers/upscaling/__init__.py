"""A network on anything: one picture, files and folders of them, clips."""

from . import encoding, folders, pictures, receptive_fields
from .engine import check_output, own_scale, receptive_field, scales, upscale, upscale_batch

__all__ = [
    "check_output",
    "encoding",
    "folders",
    "own_scale",
    "pictures",
    "receptive_field",
    "receptive_fields",
    "scales",
    "upscale",
    "upscale_batch",
]
