"""What lesson 05 does with EfficientNet's features."""

import keras
import numpy as np
from keras import layers

from ..models.features import IMAGENET_DEVIATION, IMAGENET_MEAN


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
    >>> photos = sr.generators.MultiSize("samples").photos[0]
    >>> network = sr.studies.features.standardised(sr.models.features.efficientnet_block1a(), photos)
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
    >>> sr.studies.features.fed_as_the_article(sr.models.features.efficientnet_block1a()).output_shape
    (None, None, None, 32)
    """
    photo = keras.Input((None, None, 3))
    undo = layers.Rescaling(IMAGENET_DEVIATION, [255 * mean for mean in IMAGENET_MEAN], dtype="float32")
    model = keras.Model(photo, features(undo(photo[..., ::-1])), name="fed_as_the_article")
    model.trainable = False
    return model
