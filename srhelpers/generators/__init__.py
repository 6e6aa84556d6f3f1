"""`keras.utils.PyDataset`s that feed photos to `fit`: decoded once, kept as uint8, cast on the device."""

from .patches import Patches
