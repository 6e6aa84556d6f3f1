"""A network on anything: one picture, files and folders of them, clips."""

import importlib

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


def __getattr__(name):
    if name == "clips":  # needs PyAV
        return importlib.import_module(f"{__name__}.clips")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
