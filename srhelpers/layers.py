"""Keras layers that the models share. Registered, so shipped files load with `safe_mode=True`."""

import keras
import numpy as np
from keras import ops

from .degradations import keys
from .runtime import UserError


@keras.saving.register_keras_serializable("srhelpers")
class DepthToSpace(keras.layers.Layer):
    """Rearrange channels into pixels: `(N, H, W, C·r²)` → `(N, H·r, W·r, C)`.

    Each group of r² channels becomes an r×r block of pixels, in the order of TensorFlow's
    `tf.nn.depth_to_space`: channel `(row·r + column)·C + c` goes to `[row, column, c]` of its block.
    No arithmetic happens, so values and types do not change. Channels come last; `block_size` is r.

    Source: Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network", section 3.2. `keras.ops.depth_to_space` exists only from
    Keras 3.14 on; this layer needs Keras 3.12.

    >>> import keras, srhelpers as sr
    >>> sr.layers.DepthToSpace(2)(keras.Input((72, 72, 12))).shape
    (None, 144, 144, 3)
    """

    def __init__(self, block_size: int, **kwargs):
        super().__init__(**{"autocast": False} | kwargs)  # or mixed precision would round what passes through
        if not isinstance(block_size, int) or block_size < 2:
            raise UserError(f"Expected block_size to be an int of at least 2, got {block_size!r}.")
        self.block_size = block_size

    def call(self, inputs):
        r = self.block_size
        _, height, width, channels = ops.shape(inputs)
        blocks = ops.reshape(inputs, (-1, height, width, r, r, channels // r**2))
        blocks = ops.transpose(blocks, (0, 1, 3, 2, 4, 5))
        return ops.reshape(blocks, (-1, height * r, width * r, channels // r**2))

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None or input_shape[-1] % self.block_size**2:
            raise UserError(
                f"Expected an input (N, H, W, C) whose channels divide by {self.block_size**2}, got shape "
                f"{tuple(input_shape)}; give the convolution before it filters · {self.block_size**2} channels."
            )
        n, height, width, channels = input_shape
        r = self.block_size
        return (n, height and height * r, width and width * r, channels // r**2)

    def build(self, input_shape):
        self.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "block_size": self.block_size}


@keras.saving.register_keras_serializable("srhelpers")
class BicubicUpSampling(keras.layers.Layer):
    """Upscale pictures by a whole factor, by bicubic interpolation: `(N, H, W, C)` → `(N, H·r, W·r, C)`.

    The kernel is Keys' with a = −0.5, and beyond the edge the last pixel repeats, so the result equals
    `degradations.resize` before rounding. Height and width may be unknown: Keras's own
    `UpSampling2D(interpolation="bicubic")` raises `OperatorNotAllowedInGraphError` there with TensorFlow. It is
    one fixed convolution that makes the r² pixels of each block, and `DepthToSpace`. Channels come last. It
    computes in float32, whatever the policy, since networks add to it.

    Source: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", equation 15.
    """

    def __init__(self, factor: int, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)
        if not isinstance(factor, int) or factor < 2:
            raise UserError(f"Expected factor to be an int of at least 2, got {factor!r}.")
        self.factor = factor
        # Row p holds what the five pixels around n give to pixel factor·n + p.
        place = (np.arange(factor) + 0.5) / factor - 0.5
        self.taps = keys(place[:, None] - np.arange(-2, 3)).astype("float32")

    def call(self, inputs):
        r, (_, height, width, channels) = self.factor, ops.shape(inputs)
        # The picture's edge repeats twice on each side; slices, since `ops.pad` has no such mode for unknown sizes.
        x = ops.concatenate([inputs[:, :1]] * 2 + [inputs] + [inputs[:, -1:]] * 2, axis=1)
        x = ops.concatenate([x[:, :, :1]] * 2 + [x] + [x[:, :, -1:]] * 2, axis=2)
        kernel = np.einsum("ay,bx->yxab", self.taps, self.taps).reshape(5, 5, 1, r * r)
        x = ops.depthwise_conv(x, np.repeat(kernel, channels, 2), padding="valid", data_format="channels_last")
        x = ops.reshape(x, (-1, height, width, channels, r, r))
        return ops.reshape(ops.transpose(x, (0, 1, 4, 2, 5, 3)), (-1, height * r, width * r, channels))

    def compute_output_shape(self, input_shape):
        n, height, width, channels = input_shape
        return (n, height and height * self.factor, width and width * self.factor, channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def added_to_bicubic(features: keras.KerasTensor, photo: keras.KerasTensor, scale: int) -> keras.KerasTensor:
    """What a network computed, as detail added to the bicubic picture: the last layers of most networks here.

    A 3×3 convolution makes 3·scale² channels, `DepthToSpace` lays them out as pixels, and their sum with
    `BicubicUpSampling(scale)` of the photo is the answer, in 0…255 and float32. The convolution starts near zero: an
    untrained network gives the bicubic picture. The output is called "x2" for scale 2, and so on.

    Source: Kim et al. 2016 (VDSR) for the sum, Shi et al. 2016 for depth to space.

    >>> import keras, srhelpers as sr
    >>> photo = keras.Input((None, None, 3))
    >>> features = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(photo)
    >>> model = keras.Model(photo, [sr.layers.added_to_bicubic(features, photo, scale) for scale in (2, 4)])
    """
    near_zero = keras.initializers.RandomNormal(stddev=1e-3)
    last = keras.layers.Conv2D(3 * scale**2, 3, padding="same", kernel_initializer=near_zero, dtype="float32")
    detail = keras.layers.Rescaling(255.0, dtype="float32")(DepthToSpace(scale)(last(features)))
    return keras.layers.Add(dtype="float32", name=f"x{scale}")([BicubicUpSampling(scale)(photo), detail])
