"""Which pixels of the input a pixel of a network's output is made of: what a tile needs around it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras

# Layers and operations that make every pixel of the pixels at the same place only.
_POINTWISE = {
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Silu", "Gelu"),
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Average", "Maximum", "Minimum", "Clip", "Negative"),
    *("Rescaling", "Normalization", "BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise"),
    *("Dense", "Identity", "Cast"),
}
_WINDOWED = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"}
_HALF_WIDTHS = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}  # of interpolation kernels, in pixels


@dataclass(frozen=True)
class Reach:
    """What one layer sees along one axis: its pixel n·len(seen) + i the input's n·period + first … last of seen[i].

    Attributes:
        period: pixels of the input after which the pattern repeats.
        seen: pairs (first, last) of input pixels, one for each pixel of the layer in a period.
        step: the length of the input must divide by this.
        unbounded: name of a layer on the way that may see everything, or None.
    """

    period: int = 1
    seen: tuple = ((0, 0),)
    step: int = 1
    unbounded: str | None = None

    def between(self, start: int, stop: int) -> tuple[int, int]:
        """What its pixels from start to stop see."""
        (turns, first), (more, last) = divmod(start, len(self.seen)), divmod(stop, len(self.seen))
        return turns * self.period + self.seen[first][0], more * self.period + self.seen[last][1]

    def over(self, period: int) -> list[tuple[int, int]]:
        """`seen` for a multiple of the period."""
        return [self.between(pixel, pixel) for pixel in range(len(self.seen) * period // self.period)]

    def sampled(self, up: int, down: int, taps: Callable[[int], tuple[int, int]]) -> "Reach":
        """What a layer on top of it sees; arguments as `_sampling` gives them."""
        turns = len(self.seen) // math.gcd(len(self.seen), down)
        taken = [[turn * down + tap for tap in taps(phase)] for turn in range(turns) for phase in range(up)]
        period = self.period * turns * down // len(self.seen)
        seen = tuple(self.between(*ends) for ends in taken)
        return Reach(period, seen, math.lcm(self.step, period), self.unbounded)

    def radius(self) -> int:
        """Pixels of the input that are seen on each side, the farther one."""
        places = [pixel * self.period // len(self.seen) for pixel in range(len(self.seen))]
        return max(max(n - first, last - n) for n, (first, last) in zip(places, self.seen, strict=True))


def _sampling(layer, axis):
    """(up, down, taps): pixel up·n + phase is made of the pixels down·n + first … last; taps(phase) gives these two."""
    kind = type(layer).__name__
    if kind in _WINDOWED or (kind == "Conv2DTranspose" and layer.output_padding is None):
        size = (layer.pool_size if "Pooling" in kind else layer.kernel_size)[axis]
        stride = layer.strides[axis]
        span = (size - 1) * getattr(layer, "dilation_rate", (1, 1))[axis] + 1
        start = max(span - stride, 0) // 2 if layer.padding == "same" else 0
        if kind in _WINDOWED:
            return 1, stride, lambda phase: (-start, span - 1 - start)
        return stride, 1, lambda phase: (-((span - 1 - start - phase) // stride), (phase + start) // stride)
    bicubic = kind == "BicubicUpSampling"
    if bicubic or (kind == "UpSampling2D" and layer.interpolation in _HALF_WIDTHS):
        factor, half = (layer.factor, 2) if bicubic else (layer.size[axis], _HALF_WIDTHS[layer.interpolation])
        left = [(2 * phase + 1 - factor) // (2 * factor) for phase in range(factor)]
        return factor, 1, lambda phase: (left[phase] + 1 - half, left[phase] + half)
    if kind in ("UpSampling2D", "DepthToSpace"):
        return layer.size[axis] if kind == "UpSampling2D" else layer.block_size, 1, lambda phase: (0, 0)
    if kind == "SpaceToDepth":
        return 1, layer.block_size, lambda phase: (0, layer.block_size - 1)
    if kind in ("ZeroPadding2D", "Cropping2D"):
        shift = layer.cropping[axis][0] if kind == "Cropping2D" else -layer.padding[axis][0]
        return 1, 1, lambda phase: (shift, shift)
    return None


def _is_pointwise(layer, arguments):
    kind = type(layer).__name__
    if kind == "GetItem":  # such as x[..., ::-1]: it may choose channels, but no pixels
        key = tuple(arguments[1]) if isinstance(arguments[1], list | tuple) else (arguments[1],)
        return (key[0] is Ellipsis and len(key) == 2) or key[:3] == (slice(None),) * 3
    return kind in _POINTWISE or (kind == "Concatenate" and layer.axis in (-1, 3))


def _through(layer, axis, args, kwargs, taken):
    """The reach of what a layer gives, from the reaches of what it takes."""
    period, step = math.lcm(*(reach.period for reach in taken)), math.lcm(*(reach.step for reach in taken))
    unbounded = next((reach.unbounded for reach in taken if reach.unbounded), None)
    together = zip(*(reach.over(period) for reach in taken), strict=False)  # an unknown layer may have changed the size
    seen = tuple((min(first for first, _ in ends), max(last for _, last in ends)) for ends in together)
    known = type(layer).__module__.startswith(("keras.", "srhelpers."))  # another's Conv2D may do what it likes
    sampling = _sampling(layer, axis) if known else None
    if not sampling and not (known and _is_pointwise(layer, args)):
        unbounded = unbounded or f"{layer.name} ({type(layer).__name__})"
    reach = Reach(period, seen, step, unbounded)
    return reach.sampled(*sampling) if sampling else reach


class _StandIn(keras.Operation):
    """Gives the shapes of a layer or operation. Calling that itself again would leave marks on the reader's network."""

    def __init__(self, layer: keras.Operation):
        super().__init__()
        self.layer = layer

    def compute_output_spec(self, *args, **kwargs):
        def as_weights(x):  # outside its own call, a layer in mixed precision does not cast them
            mixed = isinstance(x, keras.KerasTensor) and "float" in x.dtype
            return keras.KerasTensor(x.shape, "float32") if mixed else x

        return self.layer.compute_output_spec(*keras.tree.map_structure(as_weights, args), **kwargs)


def reaches(graph: keras.Model, axis: int, inputs: list[Reach]) -> list[Reach]:
    """What the outputs of a network see.

    Args:
        graph: functional Keras model.
        axis: 0 for the rows, 1 for the columns.
        inputs: a `Reach` for each of its inputs; `Reach()` for the picture itself.

    Source: Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks".
    """
    pictures = keras.tree.map_structure(lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype), graph.input)
    known = dict(zip(map(id, keras.tree.flatten(pictures)), inputs, strict=True))

    def follow(layer, *args, **kwargs):
        outputs = _StandIn(layer)(*args, **kwargs)
        given = [tensor for tensor in keras.tree.flatten((args, kwargs)) if isinstance(tensor, keras.KerasTensor)]
        taken, made = [known[id(tensor)] for tensor in given], keras.tree.flatten(outputs)
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            found = reaches(keras.Model(layer.inputs, layer.outputs), axis, taken)
        else:
            found = [_through(layer, axis, args, kwargs, taken)] * len(made)
        known.update(zip(map(id, made), found, strict=True))
        return outputs

    seen = keras.models.clone_model(graph, pictures, clone_function=lambda layer: layer, call_function=follow)
    return [known[id(tensor)] for tensor in seen.outputs]
