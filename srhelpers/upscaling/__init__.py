"""A network on anything: one picture, files and folders of them, clips."""

import lazy_loader

from . import encoding, folders, pictures, planning, receptive_fields
from .costs import multiply_adds
from .engine import check_output, own_scale, receptive_field, scales, upscale, upscale_batch

__getattr__, *_ = lazy_loader.attach(__name__, ["clips", "cluster"])  # need PyAV, Ray
