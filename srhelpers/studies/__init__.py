"""The machinery of lessons 02 to 08 as they are now; it ends with their next version."""

from . import blocks, demo, features, multi_size, patch_study, study

__all__ = ["blocks", "demo", "features", "multi_size", "patch_study", "study"]
