"""Losses that the notebooks share."""

import keras
from keras import ops

from .runtime import UserError


@keras.saving.register_keras_serializable("srhelpers")
class NegativePSNR(keras.losses.Loss):
    """Minus the PSNR of each image, in decibels: training minimises what `metrics.PSNR` reports.

    The mean squared error adds up the errors of all images, so the few that are hardest decide the step. A
    mean over images of the PSNR asks every image for the same *relative* gain instead.

    An error of one gray level is the floor, so a perfect image has a finite loss and gradient: about −48 dB.

    Source: Chen et al. 2021, "HINet: Half Instance Normalization Network for Image Restoration", section 4.2,
    where it is called PSNR loss.
    """

    def __init__(self, name="negative_psnr", reduction="sum_over_batch_size", dtype="float32"):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        levels = ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")
        error = ops.mean(ops.square(levels), axis=(1, 2, 3))
        return 10 * ops.log10((error + 1) / 255**2)


@keras.saving.register_keras_serializable("srhelpers")
class Charbonnier(keras.losses.Loss):
    """Mean of √(error² + epsilon²) over pixels and channels: the absolute error, but smooth at zero.

    Args:
        epsilon: below such an error the loss is flat. The paper's 0.001 is for pictures in 0…1: 0.255 in 0…255.

    Source: Lai et al. 2017 (LapSRN), section 3.3.
    """

    def __init__(self, epsilon=0.255, name="charbonnier", reduction="sum_over_batch_size", dtype="float32"):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        error = ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")
        return ops.mean(ops.sqrt(ops.square(error) + self.epsilon**2), axis=(1, 2, 3))

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("srhelpers")
class Content(keras.losses.Loss):
    """Mean squared difference of two images as a frozen network sees them: the SRGAN paper's VGG loss.

    Args:
        features: Keras model: images → features, such as `models.features.vgg19()`. It is not trained, and neither
            counted among the weights of the model that trains on this loss nor saved with it.
        scale: factor on the features. The paper's 1/12.75 makes the loss about as large as the mean squared
            error; it is the same as a factor of 0.006 on the loss.

    Targets and predictions must be in the range that `features` takes: 0…255 for those of this course. A loaded
    model comes without this loss, which needs the network: load with `compile=False`, then compile.

    Source: Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
    Network", sections 2.2.1 and 3.2.
    """

    def __init__(self, features, scale=1 / 12.75, name="content", reduction="sum_over_batch_size", dtype="float32"):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        # As a function: a model would be saved with every model that is compiled with this loss.
        self._features = features.__call__
        self.scale = scale

    def call(self, y_true, y_pred):
        # One after the other: joined into one batch, the targets would go through the backward pass as well.
        target = ops.stop_gradient(self._features(y_true))
        difference = self.scale * (ops.cast(target, "float32") - ops.cast(self._features(y_pred), "float32"))
        return ops.mean(ops.square(difference), axis=(1, 2, 3))

    def get_config(self):
        # The network is only described, so that `training.run_key` tells losses of two networks apart.
        network = keras.saving.serialize_keras_object(self._features.__self__)
        return {**super().get_config(), "features": network, "scale": self.scale}

    @classmethod
    def from_config(cls, config):
        raise UserError(
            "Expected a new losses.Content, since its network is not saved with it; load the model with "
            "compile=False, then compile it with losses.Content(features)."
        )
