"""Keras layers that the models share. Registered, so shipped files load with `safe_mode=True`."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("srhelpers")
class DepthToSpace(keras.layers.Layer):
    """Rearrange channels into pixels: `(N, H, W, C·r²)` → `(N, H·r, W·r, C)`.

    Each group of r² channels becomes an r×r block of pixels, in the order of TensorFlow's
    `tf.nn.depth_to_space`: channel `(row·r + column)·C + c` goes to `[row, column, c]` of its block.
    No arithmetic happens, so values and types do not change. Channels come last.

    Args:
        block_size: int r ≥ 2, the factor by which height and width grow.

    Raises:
        ValueError: `block_size` is no int ≥ 2, or the channels do not divide by r².

    Source: Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network", section 3.2. `keras.ops.depth_to_space` exists only from
    Keras 3.14 on; this layer needs Keras 3.12.

    >>> import keras, srhelpers as sr
    >>> sr.layers.DepthToSpace(2)(keras.ops.ones((1, 72, 72, 12))).shape == (1, 144, 144, 3)
    True
    """

    def __init__(self, block_size, **kwargs):
        super().__init__(**{"autocast": False} | kwargs)  # or mixed precision would round what passes through
        if not isinstance(block_size, int) or block_size < 2:
            raise ValueError(f"Expected block_size to be an int of at least 2, got {block_size!r}.")
        self.block_size = block_size

    def call(self, inputs):
        r = self.block_size
        _, height, width, channels = ops.shape(inputs)
        blocks = ops.reshape(inputs, (-1, height, width, r, r, channels // r**2))
        blocks = ops.transpose(blocks, (0, 1, 3, 2, 4, 5))
        return ops.reshape(blocks, (-1, height * r, width * r, channels // r**2))

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None or input_shape[-1] % self.block_size**2:
            raise ValueError(
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
