"""Any picture of any size through any upscaling model: tiles, grey, alpha, 16 bit, self-ensemble."""

import contextlib
import itertools
import logging
import math
import numbers
import os
import warnings
import weakref

import keras
import numpy as np

from .. import degradations, models
from ..runtime import UserError
from .receptive_fields import Reach, reaches

LEAST_TILE = 16  # pixels: what does not fit the memory even so will not fit


class _Upscaler:
    """What is known about a model, and the networks compiled of it. It must not hold the model itself: see `_look`."""

    def __init__(self, model):
        name = getattr(model, "name", type(model).__name__)
        taken = [tuple(x.shape) for x in getattr(model, "inputs", None) or []]
        if [shape[1:] for shape in taken] != [(None, None, 3)]:
            raise UserError(
                f"Expected a model that takes RGB pictures of any size, (None, None, None, 3), got {name}, which takes "
                f"{', '.join(map(str, taken)) or 'nothing known'}; make it of keras.Input((None, None, 3))."
            )
        graph = keras.Model(model.inputs[0], model.outputs)
        self.name, self.input, self.networks = name, graph.inputs[0], {}
        self.largest = {}  # tile that fits the memory, for each scale that once did not
        self.reaches = [reach for axis in (0, 1) for reach in reaches(graph, axis, [Reach()])]
        self.step = math.lcm(*(reach.step for reach in self.reaches))
        length = 64 * self.step  # any that divides
        self.outputs = {}
        for output, shape in zip(graph.outputs, graph.compute_output_shape((1, length, length, 3)), strict=True):
            scale = (shape[1] or 0) // length if len(shape) == 4 else 0
            if scale >= 2 and shape[1:] == (scale * length, scale * length, 3):
                self.outputs[scale] = output
        if not self.outputs:
            raise UserError(
                f"Expected a model that gives RGB pictures at least twice as large, got {name}, which gives "
                f"{', '.join(str(tuple(x.shape)) for x in graph.outputs)}; choose an upscaling model."
            )

    def choose(self, scale):
        known = sorted(self.outputs)
        listed = " or ".join(map(str, known))
        if scale is None and len(known) > 1:
            raise UserError(f"Expected scale, since {self.name} upscales by {listed}, got None; choose one.")
        number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
        if scale is not None and not (number and 0 < scale < math.inf):
            raise UserError(f"Expected a scale above 0, such as {listed} or 2.5, got {scale!r}.")
        return known[0] if scale is None else min((n for n in known if n >= scale), default=known[-1])

    def radius(self):
        unbounded = next((reach.unbounded for reach in self.reaches if reach.unbounded), None)
        if unbounded:
            raise UserError(
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
        model = models.load(model)
    if not isinstance(model, keras.Model):
        raise UserError(f"Expected a Keras model, or the name of one, got {type(model).__name__}.")
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


def own_scale(model, scale):
    """Which of a model's scales `upscale` takes for a wanted one: the next larger, or the largest.

    Args:
        model: as in `scales`.
        scale: number above 0, or None where the model has one only.

    Returns:
        int.

    Raises:
        ValueError: a scale that is not above 0, None where the model has several, and as `scales`.

    >>> import srhelpers as sr
    >>> sr.upscaling.own_scale("voc_plain", 2.5)
    4
    """
    return _look(model).choose(scale)


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


def upscale(image, model, *, scale=None, tile=None, overlap=None, self_ensemble=False, progress=None):
    """One picture of any size, enlarged by a model.

    A grey picture goes through the model as three equal channels, whose mean is the result. Alpha is enlarged by
    bicubic interpolation: it says where a picture ends, and a network that learned photos draws ripples there,
    while bicubic leaves what is opaque opaque. 16-bit pictures keep their precision.

    For a scale that the model does not have, it enlarges by its next larger one, or its largest, and antialiased
    bicubic interpolation does the rest.

    Every new size of picture or tile is compiled once: about a fifth of a second with TensorFlow and one second
    with JAX for a small network, some seconds for a deep one. Where many pictures follow, load the model once.

    Where the device's memory is too small, smaller tiles are taken, with a warning: half of `tile`, at most 512
    pixels, and so on. The model stays with them for the pictures that follow.

    Args:
        image: uint8 or uint16 array (H, W), (H, W, 1), (H, W, 2) grey with alpha, (H, W, 3) RGB or (H, W, 4) RGB
            with alpha, from 1×1 on.
        model: as in `scales`. It takes and gives pictures in 0…255.
        scale: number above 0, such as 2 or 2.5. None takes the model's own, if it has one; see `scales`.
        tile: side of the squares that the picture is cut into, in its own pixels. They bound the memory; None
            takes the whole picture at once.
        overlap: pixels around each tile that are computed with it and thrown away. None takes
            `receptive_field(model)`, with which no seams can be; less is faster.
        self_ensemble: the mean over the eight flips and quarter turns of the picture: eight times the work.
        progress: function that is called after every tile with the part that is done, above 0 up to 1.

    Tile and overlap are rounded up to what the model's strides divide. Tiles at the edge move inwards, so that
    all have one size and the model sees the edge of the picture where it is.

    Returns:
        Array of the same type and layout, (round(H·scale), round(W·scale), …), rounded and clipped.

    Raises:
        ValueError: another kind of array, no scale where the model has several, a scale or tile that is not
            positive, an overlap below 0, and as `scales` and, with tile, `receptive_field`.
        FileNotFoundError: no model of that name.

    Source: Lim et al. 2017 (EDSR), section 4.3, for the self-ensemble.

    >>> import srhelpers as sr
    >>> photo = sr.datasets.sample("chelsea")[:60, :100]
    >>> sr.upscaling.upscale(photo, "voc_plain", scale=2, tile=48).shape
    (120, 200, 3)
    """
    image = _check(image, tile, overlap)
    upscaler = _look(model)
    own = upscaler.choose(scale)
    pixels = image.reshape(*image.shape[:2], -1)
    colours = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    result = _within_memory(upscaler, colours, own, tile, overlap, self_ensemble, progress)
    size = result.shape[:2] if scale is None else tuple(max(round(length * scale), 1) for length in image.shape[:2])
    if size != result.shape[:2]:
        result = _resize(result, size)
    if pixels.shape[2] in (2, 4):
        result = np.concatenate([result, _resize(pixels[..., -1:], size)], 2)
    return result.reshape(*size, *image.shape[2:])


def _within_memory(upscaler, colours, scale, tile, *options):
    tile = min(tile or max(colours.shape), upscaler.largest.get(scale, math.inf))
    while True:
        try:
            return _enlarge(upscaler, colours, scale, tile, *options)
        except Exception as error:  # TensorFlow and JAX have a class each
            if "RESOURCE_EXHAUSTED" not in f"{error}" and type(error).__name__ != "ResourceExhaustedError":
                raise
            if tile <= LEAST_TILE:
                raise
        smaller = upscaler.largest[scale] = max(min(tile, 1024) // 2, LEAST_TILE)
        warnings.warn(
            f"{upscaler.name} ran out of memory with {tile} pixels at once; going on with tile={smaller}.", stacklevel=3
        )
        tile = smaller


def _enlarge(upscaler, colours, scale, tile, overlap, self_ensemble, progress):
    """(H·scale, W·scale, 1 or 3), tile by tile."""
    height, width, channels = colours.shape
    step, white = upscaler.step, np.iinfo(colours.dtype).max
    result = np.empty((height * scale, width * scale, channels), colours.dtype)
    if height % step or width % step:
        colours = np.pad(colours, ((0, -height % step), (0, -width % step), (0, 0)), "edge")
    if max(height, width) <= tile:
        overlap = 0
    elif overlap is None:
        overlap = upscaler.radius()
    tile, overlap = (n + -n % step for n in (tile, overlap))
    places = [list(_windows(length, tile, overlap)) for length in colours.shape[:2]]
    for number, ((top, bottom, *rows), (left, right, *columns)) in enumerate(itertools.product(*places), 1):
        window = colours[top:bottom, left:right].astype("float32") * (255 / white)
        window = np.broadcast_to(window, (*window.shape[:2], 3))
        grown = _ensemble(upscaler, window, scale) if self_ensemble else upscaler.predict(window, scale)
        grown = grown.mean(2, keepdims=True) if channels == 1 else grown
        grown = np.clip(np.rint(grown * (white / 255)), 0, white)
        (first, last), (start, stop) = ([n * scale for n in kept] for kept in (rows, columns))
        place = result[first:last, start:stop]
        grown = grown[first - top * scale :, start - left * scale :]
        place[:] = grown[: place.shape[0], : place.shape[1]]
        if progress:
            progress(number / len(places[0]) / len(places[1]))
    return result


def _resize(pixels, size):
    """`degradations.resize`, some lines at a time, since it computes in 64 bits."""
    for axis in sorted((0, 1), key=lambda axis: size[axis] / pixels.shape[axis]):
        strips = np.array_split(pixels, -(-pixels.shape[1 - axis] // 256), 1 - axis)
        sizes = [(size[0], part.shape[1]) if axis == 0 else (part.shape[0], size[1]) for part in strips]
        pixels = np.concatenate([degradations.resize(*part) for part in zip(strips, sizes, strict=True)], 1 - axis)
    return pixels


def _check(image, tile, overlap):
    image = np.asarray(image)
    if image.dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"Expected a uint8 or uint16 image, got {image.dtype}; if white is not 255, scale it first, then "
            "np.clip(np.round(image), 0, 255).astype('uint8')."
        )
    if image.ndim not in (2, 3) or 0 in image.shape or image.shape[2:] not in ((), (1,), (2,), (3,), (4,)):
        raise UserError(
            f"Expected an image (H, W) or (H, W, C) of 1 to 4 channels with pixels in it, got shape {image.shape}."
        )
    for name, value, least in (("tile", tile, 1), ("overlap", overlap, 0)):
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise UserError(f"Expected {name} as a whole number of pixels, {least} or more, got {value!r}.")
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
