"""A network on anything: one picture, files and folders of them, clips."""

import importlib

from . import encoding, folders, pictures, planning, receptive_fields
from .engine import check_output, own_scale, receptive_field, scales, upscale, upscale_batch


def __getattr__(name):
    if name == "clips":  # needs PyAV
        return importlib.import_module(f"{__name__}.clips")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
