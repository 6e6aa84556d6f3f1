"""Pieces of networks that more than one notebook uses: functions from Keras tensors to Keras tensors."""

from keras import layers

from ..layers import BicubicUpSampling


def residual_block(x, filters, *, dilation_rate=1, scaling=1):
    """Two 3×3 convolutions whose result is added to what came in. No normalisation.

    Args:
        x: features (N, H, W, filters).
        filters: int, as many as `x` has.
        dilation_rate: of the first convolution; 2 leaves out every other pixel, so that it sees 5×5.
        scaling: what the result is multiplied with before it is added; the paper's widest network takes 0.1.

    Returns:
        Features of the same shape.

    Source: Lim et al. 2017 (EDSR), figure 2c, and section 3.2 for the scaling.

    >>> import keras, srhelpers as sr
    >>> sr.studies.blocks.residual_block(keras.Input((72, 72, 32)), 32).shape
    (None, 72, 72, 32)
    """
    inside = layers.Conv2D(filters, 3, padding="same", activation="relu", dilation_rate=dilation_rate)(x)
    inside = layers.Conv2D(filters, 3, padding="same")(inside)
    inside = inside if scaling == 1 else layers.Rescaling(scaling)(inside)
    return layers.Add()([x, inside])


def picture(x, name, *, base=None):
    """Features → a picture of the same size in 0…255: one 3×3 convolution, linear, in float32.

    Args:
        x: features (N, H, W, C).
        name: of the output.
        base: picture in 0…1 that the answer is added to. The convolution then starts at zero, so that the
            untrained network gives the base itself.

    Returns:
        Pictures (N, H, W, 3).

    Source: Kim et al. 2016 (VDSR), section 3.2, for the base.

    >>> import keras, srhelpers as sr
    >>> sr.studies.blocks.picture(keras.Input((144, 144, 32)), "x2").shape
    (None, 144, 144, 3)
    """
    start = "glorot_uniform" if base is None else "zeros"
    x = layers.Conv2D(3, 3, padding="same", kernel_initializer=start, dtype="float32")(x)
    x = x if base is None else layers.Add(dtype="float32")([base, x])
    return layers.Rescaling(255, dtype="float32", name=name)(x)


def two_pictures(x, photo=None):
    """Features → pictures of twice and four times their size, by copying pixels and convolving after each copy.

    Args:
        x: features (N, H, W, C).
        photo: (N, H, W, 3) in 0…1; the answers are added to it, enlarged by bicubic interpolation. None adds
            nothing.

    Returns:
        [pictures (N, 2H, 2W, 3), pictures (N, 4H, 4W, 3)] in 0…255, called "x2" and "x4".

    >>> import keras, srhelpers as sr
    >>> [picture.shape for picture in sr.studies.blocks.two_pictures(keras.Input((72, 72, 32)))]
    [(None, 144, 144, 3), (None, 288, 288, 3)]
    """
    pictures = []
    for factor, filters in ((2, 16), (4, 8)):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(layers.UpSampling2D()(x))
        base = None if photo is None else enlarged(photo, factor)
        pictures.append(picture(x, f"x{factor}", base=base))
    return pictures


def colours(x, activation="relu"):
    """Features → a picture of the same size in 0…1 by a 1×1 convolution, as all networks of the VOC article end.

    Args:
        x: features (N, H, W, C).
        activation: the article's is "relu", or a leaky ReLU; None is linear.

    Returns:
        Pictures (N, H, W, 3), in float32.

    >>> import keras, srhelpers as sr
    >>> sr.studies.blocks.colours(keras.Input((72, 72, 64))).shape
    (None, 72, 72, 3)
    """
    return layers.Conv2D(3, 1, activation=activation, dtype="float32")(x)


def copied(x, factor, name):
    """A small picture in 0…1 → a large one in 0…255, every pixel copied `factor`×`factor` times.

    This is the output of the VOC article's networks. They copy first and then apply a 1×1 convolution; since
    that looks at one pixel at a time, the convolution can come first: the same function on fewer pixels.

    Args:
        x: picture (N, H, W, 3) in 0…1, such as `colours` gives.
        factor: int.
        name: of the output.

    Returns:
        Pictures (N, factor·H, factor·W, 3).

    >>> import keras, srhelpers as sr
    >>> sr.studies.blocks.copied(keras.Input((72, 72, 3)), 4, "x4").shape
    (None, 288, 288, 3)
    """
    return layers.Rescaling(255, dtype="float32", name=name)(layers.UpSampling2D(factor, dtype="float32")(x))


def enlarged(x, factor):
    """A picture enlarged by bicubic interpolation, for a network to add to.

    Args:
        x: picture (N, H, W, 3).
        factor: int.

    Returns:
        Pictures (N, factor·H, factor·W, 3).

    >>> import keras, srhelpers as sr
    >>> sr.studies.blocks.enlarged(keras.Input((72, 72, 3)), 2).shape
    (None, 144, 144, 3)
    """
    return BicubicUpSampling(factor)(x)


def article_start(photo, found):
    """How the VOC article's fourth and fifth networks begin: two convolutions, joined with pretrained features.

    Args:
        photo: RGB in 0…255 (N, H, W, 3).
        found: features (N, H, W, C).

    Returns:
        Features (N, H, W, 64 + C).

    >>> import keras, srhelpers as sr
    >>> sr.studies.blocks.article_start(keras.Input((72, 72, 3)), keras.Input((72, 72, 48))).shape
    (None, 72, 72, 112)
    """
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(2):
        x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    return layers.Concatenate()([x, found])
