"""Any picture of any size through any upscaling model: tiles, grey, alpha, 16 bit, self-ensemble."""

import contextlib
import logging
import math
import numbers
import os
import weakref
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from . import degradations, training

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
class _Reach:
    """What one layer sees along one axis: its pixel n·len(seen) + i the input's n·period + first … last of seen[i]."""

    period: int = 1
    seen: tuple = ((0, 0),)
    step: int = 1  # the length of the input must divide by this
    unbounded: str | None = None  # a layer on the way that may see everything

    def between(self, start, stop):
        """What its pixels from start to stop see."""
        (turns, first), (more, last) = divmod(start, len(self.seen)), divmod(stop, len(self.seen))
        return turns * self.period + self.seen[first][0], more * self.period + self.seen[last][1]

    def over(self, period):
        """`seen` for a multiple of the period."""
        return [self.between(pixel, pixel) for pixel in range(len(self.seen) * period // self.period)]

    def sampled(self, up, down, taps):
        """What a layer on top of it sees; arguments as `_sampling` gives them."""
        turns = len(self.seen) // math.gcd(len(self.seen), down)
        taken = [[turn * down + tap for tap in taps(phase)] for turn in range(turns) for phase in range(up)]
        period = self.period * turns * down // len(self.seen)
        seen = tuple(self.between(*ends) for ends in taken)
        return _Reach(period, seen, math.lcm(self.step, period), self.unbounded)

    def radius(self):
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
    if kind == "UpSampling2D" and layer.interpolation in _HALF_WIDTHS:
        factor, half = layer.size[axis], _HALF_WIDTHS[layer.interpolation]
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


def _through(layer, axis, *args, **kwargs):
    """The reach of what a layer gives, from the reaches of what it takes."""
    taken = [value for value in keras.tree.flatten((args, kwargs)) if isinstance(value, _Reach)]
    if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
        return _reaches(keras.Model(layer.inputs, layer.outputs), axis, taken)
    period, step = math.lcm(*(reach.period for reach in taken)), math.lcm(*(reach.step for reach in taken))
    unbounded = next((reach.unbounded for reach in taken if reach.unbounded), None)
    together = zip(*(reach.over(period) for reach in taken), strict=False)  # an unknown layer may have changed the size
    seen = tuple((min(first for first, _ in ends), max(last for _, last in ends)) for ends in together)
    known = type(layer).__module__.startswith(("keras.", "srhelpers."))  # another's Conv2D may do what it likes
    sampling = _sampling(layer, axis) if known else None
    if not sampling and not (known and _is_pointwise(layer, args)):
        unbounded = unbounded or f"{layer.name} ({type(layer).__name__})"
    reach = _Reach(period, seen, step, unbounded)
    return reach.sampled(*sampling) if sampling else reach


def _reaches(graph, axis, inputs):
    return graph._run_through_graph(inputs, operation_fn=lambda layer: partial(_through, layer, axis))


class _Upscaler:
    """What is known about a model, and the networks compiled of it. It must not hold the model itself: see `_look`."""

    def __init__(self, model):
        name = getattr(model, "name", type(model).__name__)
        taken = [tuple(x.shape) for x in getattr(model, "inputs", None) or []]
        if [shape[1:] for shape in taken] != [(None, None, 3)]:
            raise ValueError(
                f"Expected a model that takes RGB pictures of any size, (None, None, None, 3), got {name}, which takes "
                f"{', '.join(map(str, taken)) or 'nothing known'}; make it of keras.Input((None, None, 3))."
            )
        graph = keras.Model(model.inputs[0], model.outputs)
        self.name, self.input, self.networks = name, graph.inputs[0], {}
        self.reaches = [reach for axis in (0, 1) for reach in _reaches(graph, axis, [_Reach()])]
        self.step = math.lcm(*(reach.step for reach in self.reaches))
        length = 64 * self.step  # any that divides
        self.outputs = {}
        for output, shape in zip(graph.outputs, graph.compute_output_shape((1, length, length, 3)), strict=True):
            scale = (shape[1] or 0) // length if len(shape) == 4 else 0
            if scale >= 2 and shape[1:] == (scale * length, scale * length, 3):
                self.outputs[scale] = output
        if not self.outputs:
            raise ValueError(
                f"Expected a model that gives RGB pictures at least twice as large, got {name}, which gives "
                f"{', '.join(str(tuple(x.shape)) for x in graph.outputs)}; choose an upscaling model."
            )

    def choose(self, scale):
        known = sorted(self.outputs)
        listed = " or ".join(map(str, known))
        if scale is None and len(known) > 1:
            raise ValueError(f"Expected scale, since {self.name} upscales by {listed}, got None; choose one.")
        if scale is not None and scale not in known:
            raise ValueError(f"Expected a scale of {listed}, as {self.name} has it, got {scale!r}.")
        return known[0] if scale is None else int(scale)

    def radius(self):
        unbounded = next((reach.unbounded for reach in self.reaches if reach.unbounded), None)
        if unbounded:
            raise ValueError(
                f"Expected layers that see a known part of the picture, got {unbounded} in {self.name}; give overlap "
                "in pixels, or upscale the whole picture at once (tile=None)."
            )
        return max(reach.radius() for reach in self.reaches)

    def predict(self, picture, scale):
        key = scale, picture.shape
        if key not in self.networks:
            if len(self.networks) == 8:
                del self.networks[next(iter(self.networks))]
            network = keras.Model(self.input, self.outputs[scale])
            # TensorFlow's bicubic resize cannot be compiled by XLA, and a loaded model does not say so.
            network.jit_compile = keras.backend.backend() == "jax"
            self.networks[key] = network
        with _without_advice():
            return np.asarray(self.networks[key].predict_on_batch(picture[None])[0], "float32")


@contextlib.contextmanager
def _without_advice():
    """TensorFlow warns of compiling again for every size. Keras's bicubic interpolation allows nothing else."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


_UPSCALERS = weakref.WeakKeyDictionary()


def _look(model):
    if isinstance(model, str | os.PathLike):
        model = training.load_model(model)
    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a Keras model, or the name of one, got {type(model).__name__}.")
    if model not in _UPSCALERS:
        _UPSCALERS[model] = _Upscaler(model)
    return _UPSCALERS[model]


def scales(model):
    """The factors by which a model upscales.

    Args:
        model: functional or sequential Keras model, name of a shipped model, or path of a `.keras` file.

    Returns:
        Tuple of ints, in order: one for each of its outputs that is an RGB picture at least twice as large.

    Raises:
        ValueError: the model has no such output, or does not take RGB pictures of any size.
        FileNotFoundError: no model of that name.

    >>> import srhelpers as sr
    >>> sr.upscaling.scales("voc_plain")
    (2, 4)
    """
    return tuple(sorted(_look(model).outputs))


def receptive_field(model):
    """How far a model looks around each pixel: the context that a tile needs to come out as in the whole picture.

    It is added up along the longest path through the layers. A 3×3 convolution looks one of its pixels further
    (dilated, more), bilinear and bicubic interpolation one and two, and behind an upscaling by r all these
    pixels are r times smaller than those of the input.

    Args:
        model: as in `scales`.

    Returns:
        Pixels of the input on each side: 1 for a single 3×3 convolution.

    Raises:
        ValueError: a layer sees the whole picture (global pooling, attention), or is not known here.

    Source: Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks".

    >>> import srhelpers as sr
    >>> sr.upscaling.receptive_field("voc_article_plain")
    2
    """
    return _look(model).radius()


def upscale(image, model, *, scale=None, tile=None, overlap=None, self_ensemble=False):
    """One picture of any size, enlarged by a model.

    A grey picture goes through the model as three equal channels, whose mean is the result. Alpha is enlarged by
    bicubic interpolation: it says where a picture ends, and a network that learned photos draws ripples there,
    while bicubic leaves what is opaque opaque. 16-bit pictures keep their precision.

    Every new size of picture or tile is compiled once: about a fifth of a second with TensorFlow and one second
    with JAX for a small network, some seconds for a deep one. Where many pictures follow, load the model once.

    Args:
        image: uint8 or uint16 array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGB with alpha, from 1×1 on.
        model: as in `scales`. It takes and gives pictures in 0…255.
        scale: which one, if the model has several; see `scales`.
        tile: side of the squares that the picture is cut into, in its own pixels. They bound the memory; None
            takes the whole picture at once.
        overlap: pixels around each tile that are computed with it and thrown away. None takes
            `receptive_field(model)`, with which no seams can be; less is faster.
        self_ensemble: the mean over the eight flips and quarter turns of the picture: eight times the work.

    Tile and overlap are rounded up to what the model's strides divide. Tiles at the edge move inwards, so that
    all have one size and the model sees the edge of the picture where it is.

    Returns:
        Array of the same type and layout, (H·scale, W·scale, …), rounded and clipped.

    Raises:
        ValueError: another kind of array, no such scale, a tile below 1, an overlap below 0, and as `scales` and,
            with tile, `receptive_field`.
        FileNotFoundError: no model of that name.

    Source: Lim et al. 2017 (EDSR), section 4.3, for the self-ensemble.

    >>> import srhelpers as sr
    >>> photo = sr.datasets.sample("chelsea")[:60, :100]
    >>> sr.upscaling.upscale(photo, "voc_plain", scale=2, tile=48).shape
    (120, 200, 3)
    """
    image = _check(image, tile, overlap)
    upscaler = _look(model)
    scale, step, white = upscaler.choose(scale), upscaler.step, np.iinfo(image.dtype).max
    pixels = image.reshape(*image.shape[:2], -1)
    height, width, channels = pixels.shape
    colours = pixels[..., : 1 if channels == 1 else 3]
    colours = np.pad(colours, ((0, -height % step), (0, -width % step), (0, 0)), "edge")
    if tile is None or max(colours.shape[:2]) <= tile:
        tile, overlap = max(colours.shape), 0
    elif overlap is None:
        overlap = upscaler.radius()
    tile, overlap = (n + -n % step for n in (tile, overlap))

    result = np.empty((height * scale, width * scale, channels), image.dtype)
    for top, bottom, *rows in _windows(colours.shape[0], tile, overlap):
        for left, right, *columns in _windows(colours.shape[1], tile, overlap):
            window = colours[top:bottom, left:right].astype("float32") * (255 / white)
            window = np.broadcast_to(window, (*window.shape[:2], 3))
            grown = _ensemble(upscaler, window, scale) if self_ensemble else upscaler.predict(window, scale)
            grown = grown.mean(2, keepdims=True) if channels == 1 else grown
            grown = np.clip(np.rint(grown * (white / 255)), 0, white)
            (first, last), (start, stop) = ([n * scale for n in kept] for kept in (rows, columns))
            place = result[first:last, start:stop, :3]
            grown = grown[first - top * scale :, start - left * scale :]
            place[:] = grown[: place.shape[0], : place.shape[1]]
    if channels == 4:
        result[..., 3] = degradations.resize(pixels[..., 3], result.shape[:2])
    return result.reshape(*result.shape[:2], *image.shape[2:])


def _check(image, tile, overlap):
    image = np.asarray(image)
    if image.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"Expected a uint8 or uint16 image, got {image.dtype}; if white is not 255, scale it first, then "
            "np.clip(np.round(image), 0, 255).astype('uint8')."
        )
    if image.ndim not in (2, 3) or 0 in image.shape or image.shape[2:] not in ((), (1,), (3,), (4,)):
        raise ValueError(
            f"Expected an image (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with pixels in it, got shape {image.shape}."
        )
    for name, value, least in (("tile", tile, 1), ("overlap", overlap, 0)):
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise ValueError(f"Expected {name} as a whole number of pixels, {least} or more, got {value!r}.")
    return image


def _windows(length, tile, overlap):
    """(start, stop, first, last): windows of one size inside the length, and the part of each that is kept."""
    size = min(tile + 2 * overlap, length)
    for start in [*range(0, length - size, tile), length - size]:
        stop = start + size
        yield start, stop, start + overlap if start else 0, stop - overlap if stop < length else length


def _ensemble(upscaler, window, scale):
    total = 0
    for turns in range(4):
        for flip in (1, -1):
            turned = upscaler.predict(np.rot90(window, turns)[:, ::flip], scale)
            total = total + np.rot90(turned[:, ::flip], -turns)
    return total / 8
