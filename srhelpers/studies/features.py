"""EfficientNet's features, and what lesson 05 does with them."""

import keras
import numpy as np
from keras import layers

from .. import models
from ..runtime import UserError

# What EfficientNet was trained on: RGB in 0…1, minus the mean of ImageNet, over its standard deviation.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def efficientnet_block1a(variant: str = "b0") -> keras.Model:
    """The start of an EfficientNet trained on ImageNet, frozen: RGB in 0…255 → features at half the size.

    Args:
        variant: "b0", which ships (32 channels), or "b4", the article's, whose weights the `efficientnet` package
            downloads (75 MB, 48 channels).

    Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks".
    """
    if variant == "b0":
        features = models.load("efficientnetb0_block1a", shared=False)
        features.trainable = False
        return features
    if variant != "b4":
        raise UserError(f"Expected the variant b0 or b4, got {variant!r}.")
    try:
        import efficientnet.keras as efficientnet

        whole = efficientnet.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights="imagenet")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Expected the efficientnet package; run: python -m pip install efficientnet."
        ) from error
    except Exception as error:  # Keras raises a bare Exception where there is no network
        raise OSError(f"Could not get EfficientNetB4's weights ({error}).") from error
    return block1a_of(whole)


def available_block1a(wanted: str = "b4") -> tuple[keras.Model, str]:
    """`efficientnet_block1a`, or "b0" where the wanted variant cannot be had; and which it is."""
    try:
        return efficientnet_block1a(wanted), wanted
    except (OSError, ModuleNotFoundError) as error:
        print(f"{error} Taking b0, which ships.")
        return efficientnet_block1a(), "b0"


def block1a_of(whole: keras.Model) -> keras.Model:
    """The first block of a network of the `efficientnet` package, for 0…255, and to be loaded without that package."""
    start = keras.Model(whole.input, whole.get_layer("block1a_activation").output)
    channels = start.output_shape[-1]
    scale, offset = 1 / np.multiply(255, IMAGENET_DEVIATION), -np.divide(IMAGENET_MEAN, IMAGENET_DEVIATION)
    exact = {"dtype": "float32"}
    steps = [
        layers.Rescaling(scale.tolist(), offset.tolist(), **exact),
        layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False, **exact),
        layers.BatchNormalization(epsilon=start.get_layer("stem_bn").epsilon, **exact),
        layers.Activation("silu", **exact),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False, **exact),
        layers.BatchNormalization(epsilon=start.get_layer("block1a_bn").epsilon, **exact),
        layers.Activation("silu", name="block1a_activation", **exact),
    ]
    features = keras.Sequential([keras.Input((None, None, 3)), *steps], name="efficientnet_block1a")
    features.set_weights(start.get_weights())
    features.trainable = False
    return features


def standardised(features, photos, deviation=0.1):
    """The same features, with mean 0 and one deviation in every channel over some photos.

    A classifier's features may sit far from zero and hardly move. Joined with others, such channels drown them.

    Args:
        features: what `efficientnet_block1a` returns.
        photos: uint8 batch (N, H, W, 3) to measure on.
        deviation: what every channel gets; 0.1 is about that of untrained convolutions on photos in 0…1.
            Channels that vary less than 0.1 count as 0.1, or noise would be magnified.

    Returns:
        Keras model like `features`, frozen, with the measured numbers inside.

    >>> import keras, srhelpers as sr
    >>> photos = sr.studies.multi_size.MultiSize("samples").photos[0]
    >>> network = sr.studies.features.standardised(sr.studies.features.efficientnet_block1a(), photos)
    >>> abs(float(keras.ops.mean(network(photos)))) < 0.001
    True
    """
    found = keras.ops.convert_to_numpy(features(photos)).astype("float32")  # NumPy sums bfloat16 in bfloat16
    mean = found.mean((0, 1, 2))
    scale = deviation / np.maximum(found.std((0, 1, 2)), 0.1)
    photo = keras.Input((None, None, 3))
    scaled = layers.Rescaling(scale.tolist(), (-mean * scale).tolist(), dtype="float32")
    model = keras.Model(photo, scaled(features(photo)), name="standardised")
    model.trainable = False
    return model


def fed_as_the_article(features):
    """The same network, fed as the VOC article does: BGR in 0…1, not normalised. Only for comparison.

    The models of `efficientnet_block1a` normalise their input themselves, so that is undone beforehand.

    Args:
        features: what `efficientnet_block1a` returns.

    Returns:
        Keras model: RGB in 0…255 (N, H, W, 3) → features (N, H/2, W/2, channels).

    >>> import srhelpers as sr
    >>> sr.studies.features.fed_as_the_article(sr.studies.features.efficientnet_block1a()).output_shape
    (None, None, None, 32)
    """
    photo = keras.Input((None, None, 3))
    undo = layers.Rescaling(IMAGENET_DEVIATION, [255 * mean for mean in IMAGENET_MEAN], dtype="float32")
    model = keras.Model(photo, features(undo(photo[..., ::-1])), name="fed_as_the_article")
    model.trainable = False
    return model
