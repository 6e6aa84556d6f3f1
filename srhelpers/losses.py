"""Losses that the notebooks share."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("srhelpers")
class NegativePSNR(keras.losses.Loss):
    """Minus the PSNR of each image, in decibels: training minimises what `metrics.PSNR` reports.

    The mean squared error adds up the errors of all images, so the few that are hardest decide the step. A
    mean over images of the PSNR asks every image for the same *relative* gain instead.

    Args:
        max_value: what stands for white in the batches: 255, or 1.0 for models that work in 0…1.
        name, reduction, dtype: as in `keras.losses.Loss`.

    Called on targets and predictions (N, H, W, C) of one shape, uint8 or float. An error of one grey level is
    the floor, so a perfect image has a finite loss and gradient: about −48 dB.

    Source: Chen et al. 2021, "HINet: Half Instance Normalization Network for Image Restoration", section 4.2,
    where it is called PSNR loss.

    >>> import numpy as np, srhelpers as sr
    >>> loss = sr.losses.NegativePSNR()
    >>> round(float(loss(np.zeros((2, 8, 8, 3), "uint8"), np.full((2, 8, 8, 3), 5.0))), 1)
    -34.0
    """

    def __init__(self, max_value=255.0, name="negative_psnr", reduction="sum_over_batch_size", dtype="float32"):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.max_value = max_value

    def call(self, y_true, y_pred):
        levels = (ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")) * (255 / self.max_value)
        error = ops.mean(ops.square(levels), axis=(1, 2, 3))
        return 10 * ops.log10((error + 1) / 255**2)

    def get_config(self):
        return {**super().get_config(), "max_value": self.max_value}
