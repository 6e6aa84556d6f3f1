"""Any picture of any size through any upscaling model: tiles, gray, alpha, 16 bit, self-ensemble."""

import itertools
import math
import numbers
import os
import warnings
import weakref
from collections.abc import Callable, Sequence
from functools import partial

import keras
import numpy as np

from .. import degradations, models, runtime
from ..runtime import UserError
from .receptive_fields import Reach, reaches

LEAST_TILE = 16  # pixels: what does not fit the memory even so will not fit
MOST_PIXELS = 2**30  # of a result: 32768×32768, which take 3 GB
MOST_NETWORKS = 32  # compiled ones that are kept of a model

# JAX compiles for every size. Windows of these sides are quicker, as long as what is computed twice takes fewer
# operations than two processor cores do meanwhile.
_SIDES = (512, 384, 256, 192, 128, 96, 64, 48, 32)
_COMPILING = 2e10

Model = keras.Model | str | os.PathLike


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
        self.name, self.input, self.parameters = name, graph.inputs[0], graph.count_params()
        self.largest = {}  # tile that fits the memory, for each scale that once did not
        self.reaches = [reach for axis in (0, 1) for reach in reaches(graph, axis, [Reach()])]
        self.unbounded = next((reach.unbounded for reach in self.reaches if reach.unbounded), None)
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
        self.networks, self.jax = {}, keras.backend.backend() == "jax"
        self.one_size = set(self.outputs) if self.jax else set()  # scales that need a network for every size

    def choose(self, scale):
        known = sorted(self.outputs)
        listed = " or ".join(map(str, known))
        if scale is None and len(known) > 1:
            raise UserError(f"Expected scale, since {self.name} upscales by {listed}, got None; choose one.")
        number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
        if scale is not None and not (number and 0 < scale < math.inf):
            raise UserError(f"Expected a scale above 0, such as {listed} or 2.5, got {scale!r}.")
        _size_of_result((1, 1), scale or 1)
        return known[0] if scale is None else min((n for n in known if n >= scale), default=known[-1])

    def round_up(self, pixels):
        return pixels + -pixels % self.step

    def radius(self):
        if self.unbounded:
            raise UserError(
                f"Expected layers that see a known part of the picture, got {self.unbounded} in {self.name}; give "
                "overlap in pixels, or upscale the whole picture at once (tile=None)."
            )
        return max(reach.radius() for reach in self.reaches)

    def common_sides(self, lengths):
        """(sides of the windows, overlap) for one picture: sides that others share, where that is quicker."""
        if not self.jax or self.unbounded:
            return lengths, 0
        twice = 2 * self.round_up(self.radius())

        def pixels(length, side):
            return side if side == length else side * math.ceil((length - twice) / (side - twice))

        known = [side for side in map(self.round_up, _SIDES) if side > twice]
        sides = [
            min((n for n in known if n <= length), key=partial(pixels, length), default=length) for length in lengths
        ]
        more = math.prod(map(pixels, lengths, sides)) - math.prod(lengths)
        return (sides, twice // 2) if 2 * self.parameters * more < _COMPILING else (lengths, 0)

    def network(self, scale, any_size):
        """The function that computes this scale."""
        network = keras.Model(self.input, self.outputs[scale])
        if runtime.replicas() > 1:
            return partial(_shared, network)
        if any_size and keras.backend.backend() == "tensorflow":
            # Keras would trace it for the first picture's size, and at the second size again for any.
            tensorflow = runtime.tensorflow()
            any_pictures = tensorflow.TensorSpec((None, None, None, 3))
            return tensorflow.function(partial(network, training=False), input_signature=[any_pictures])
        network.jit_compile = self.jax  # TensorFlow's XLA would compile for every size too
        return network.predict_on_batch

    def predict(self, pictures, scale):
        """Pictures (N, H, W, 3) in 0…255, as float32."""
        key = (scale, pictures.shape) if scale in self.one_size else scale
        if key not in self.networks:
            if len(self.networks) == MOST_NETWORKS:
                del self.networks[next(iter(self.networks))]
            self.networks[key] = self.network(scale, any_size=key == scale)
        try:
            output = np.asarray(self.networks[key](pictures), "float32")
        except Exception as error:
            if key != scale or _is_out_of_memory(error):
                raise
            self.one_size.add(scale)  # some layers forbid one graph for all sizes, such as Keras's own bicubic
            return self.predict(pictures, scale)
        check_output(output, pictures, self.name)
        return output


def _shared(network, pictures):
    """Predictions of a batch that is shared among several devices."""
    shared = runtime.replicas()
    filled = np.concatenate([pictures, np.repeat(pictures[-1:], -len(pictures) % shared, 0)])
    return network.predict(filled, batch_size=len(filled), verbose=0)[: len(pictures)]


def _is_out_of_memory(error):
    """TensorFlow and JAX have a class each."""
    return "RESOURCE_EXHAUSTED" in f"{error}" or type(error).__name__ == "ResourceExhaustedError"


_UPSCALERS = weakref.WeakKeyDictionary()


def _look(model):
    if isinstance(model, str | os.PathLike):
        model = models.load(model)
    if not isinstance(model, keras.Model):
        raise UserError(f"Expected a Keras model, or the name of one, got {type(model).__name__}.")
    if model not in _UPSCALERS:
        _UPSCALERS[model] = _Upscaler(model)
    return _UPSCALERS[model]


def scales(model: Model) -> tuple[int, ...]:
    """The factors by which a model upscales: one for each output that is an RGB picture at least twice as large.

    `model` is a functional or sequential Keras model, the name of a shipped one, or the path of a `.keras` file.
    """
    return tuple(sorted(_look(model).outputs))


def own_scale(model: Model, scale: float | None) -> int:
    """Which of a model's scales `upscale` takes for a wanted one: the next larger, or the largest."""
    return _look(model).choose(scale)


def receptive_field(model: Model) -> int:
    """How many pixels a model looks around each pixel: the context that makes a tile come out as in the whole picture.

    It adds up along the longest path: a 3×3 convolution looks one of its pixels further (dilated, more), bilinear and
    bicubic interpolation one and two, and behind an upscaling by r these pixels are r times smaller. A layer that
    sees the whole picture (global pooling, attention), or is not known here, is an error.

    Source: Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks".
    """
    return _look(model).radius()


def overlap_of(model: Model, most: int) -> int | None:
    """The overlap of tiles for `upscale`: what the model sees, but no more pixels than `most`."""
    upscaler = _look(model)
    return None if upscaler.unbounded else min(upscaler.radius(), most)


def check_output(output: np.ndarray, pictures: np.ndarray, name: str) -> None:
    """Refuse what a network made of pictures in 0…255 if it is no picture in 0…255, but would be saved as a black one:
    NaN or infinite values, or values that never leave −1…1 for pictures that are not black.
    """
    lowest, highest = float(output.min()), float(output.max())
    if not math.isfinite(lowest + highest):
        raise UserError(
            f"Expected numbers from {name}, got {'NaN' if math.isnan(highest) else 'infinite values'}; train it again "
            "with a smaller learning rate, or compute in float32."
        )
    if 0.05 < max(-lowest, highest) <= 1.5 and pictures.mean() > 8:
        raise UserError(
            f"Expected pictures in 0…255 from {name}, got values from {lowest:.2f} to {highest:.2f}; let the model "
            "begin with keras.layers.Rescaling(1 / 255) and end with keras.layers.Rescaling(255)."
        )


def upscale(
    image: np.ndarray,
    model: Model,
    *,
    scale: float | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    self_ensemble: bool = False,
    progress: Callable[[float], object] | None = None,
) -> np.ndarray:
    """Upscale one picture of any size by a model.

    A gray picture goes through the model as three equal channels, whose mean is the result. Alpha is upscaled by
    bicubic interpolation: it says where a picture ends, and a network that learned photos draws ripples there,
    while bicubic leaves what is opaque opaque. 16-bit pictures keep their precision.

    For a scale that the model does not have, it takes its next larger one, or its largest, and antialiased bicubic
    interpolation does the rest.

    Where the device's memory is too small, smaller tiles are taken, with a warning, here and for later pictures.

    Args:
        image: uint8 or uint16 array (H, W), (H, W, 1), (H, W, 2) gray with alpha, (H, W, 3) or (H, W, 4).
        model: as in `scales`. It takes and gives pictures in 0…255.
        scale: number above 0, such as 2 or 2.5. None takes the model's own, if it has one; see `scales`.
        tile: side of the squares that the picture is cut into, in its own pixels. They bound the memory; None
            takes the whole picture at once. The model's strides may round it up, and the overlap.
        overlap: pixels around each tile that are computed with it and thrown away. None takes
            `receptive_field(model)`, with which no seams can be; less is faster.
        self_ensemble: the mean over the eight flips and quarter turns of the picture: eight times the work.
        progress: function that is called after every tile with the part that is done, above 0 up to 1.

    Returns:
        Array of the same type and layout, (round(H·scale), round(W·scale), …), rounded and clipped.

    Source: Lim et al. 2017 (EDSR), section 4.3, for the self-ensemble.

    >>> import srhelpers as sr
    >>> photo = sr.datasets.sample("chelsea")[:60, :100]
    >>> sr.upscaling.upscale(photo, "voc_plain", scale=2, tile=48).shape
    (120, 200, 3)
    """
    return _upscale(_checked(image)[None], model, scale, tile, overlap, self_ensemble, progress)[0]


def upscale_batch(images: Sequence[np.ndarray], model: Model, **options) -> np.ndarray:
    """Upscale pictures of one size and type together, such as small frames of a clip, which alone leave a GPU idle.

    Arguments are those of `upscale`.
    """
    images = [_checked(image) for image in images]
    kinds = {f"{image.dtype} {image.shape}" for image in images}
    if len(kinds) != 1:
        raise UserError(f"Expected pictures of one size and type, got {', '.join(sorted(kinds)) or 'none'}.")
    return _upscale(np.stack(images), model, **options)


def _upscale(images, model, scale=None, tile=None, overlap=None, self_ensemble=False, progress=None):
    for name, value, least in (("tile", tile, 1), ("overlap", overlap, 0)):
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise UserError(f"Expected {name} as a whole number of pixels, {least} or more, got {value!r}.")
    upscaler = _look(model)
    own = upscaler.choose(scale)
    size = _size_of_result(images.shape[1:3], scale or own)
    pixels = images.reshape(*images.shape[:3], -1)
    colors = pixels[..., : 1 if pixels.shape[3] < 3 else 3]
    result = _within_memory(upscaler, colors, own, tile, overlap, self_ensemble, progress)
    if size != result.shape[1:3]:
        result = np.stack([_resize(picture, size) for picture in result])
    if pixels.shape[3] in (2, 4):
        result = np.concatenate([result, [_resize(alpha, size) for alpha in pixels[..., -1:]]], 3)
    return result.reshape(len(images), *size, *images.shape[3:])


def _size_of_result(size, scale):
    result = tuple(max(round(length * scale), 1) for length in size)
    if math.prod(result) > MOST_PIXELS:
        raise UserError(
            f"Expected a result of at most {MOST_PIXELS:,} pixels, got {size[1]}×{size[0]} pixels times {scale:g}, "
            f"which are {math.prod(result):,}; choose a smaller scale."
        )
    return result


def _within_memory(upscaler, colors, scale, tile, *options):
    tile = min(tile or max(colors.shape[1:3]), upscaler.largest.get(scale, math.inf))
    while True:
        try:
            return _in_tiles(upscaler, colors, scale, tile, *options)
        except Exception as error:
            if tile <= LEAST_TILE or not _is_out_of_memory(error):
                raise
        smaller = upscaler.largest[scale] = max(min(tile, 1024) // 2, LEAST_TILE)
        warnings.warn(
            f"{upscaler.name} ran out of memory with {tile} pixels at once; going on with tile={smaller}.", stacklevel=4
        )
        tile = smaller


def _in_tiles(upscaler, colors, scale, tile, overlap, self_ensemble, progress):
    """(N, H·scale, W·scale, 1 or 3)."""
    count, height, width, channels = colors.shape
    step, white = upscaler.step, np.iinfo(colors.dtype).max
    result = np.empty((count, height * scale, width * scale, channels), colors.dtype)
    if height % step or width % step:
        colors = np.pad(colors, ((0, 0), (0, -height % step), (0, -width % step), (0, 0)), "edge")
    lengths = colors.shape[1:3]
    if max(height, width) > tile:
        overlap = upscaler.round_up(upscaler.radius() if overlap is None else overlap)
        sides = [min(upscaler.round_up(tile) + 2 * overlap, length) for length in lengths]
    else:
        sides, overlap = upscaler.common_sides(lengths) if count == 1 else (lengths, 0)
    predict = _ensemble if self_ensemble else _Upscaler.predict
    places = list(itertools.product(*(list(_windows(*sizes, overlap)) for sizes in zip(lengths, sides, strict=True))))
    together = runtime.replicas()  # tiles, one for each device
    for start in range(0, len(places), together):
        group = places[start : start + together]
        windows = np.concatenate([colors[:, slice(*rows[:2]), slice(*columns[:2])] for rows, columns in group])
        windows = windows.astype("float32") * (255 / white)
        large = predict(upscaler, np.broadcast_to(windows, (*windows.shape[:3], 3)), scale)
        large = large.mean(3, keepdims=True) if channels == 1 else large
        large = np.clip(np.rint(large * (white / 255)), 0, white)
        for ((top, _, *rows), (left, _, *columns)), grown in zip(group, np.split(large, len(group)), strict=True):
            (first, last), (begin, end) = ([n * scale for n in kept] for kept in (rows, columns))
            place = result[:, first:last, begin:end]
            grown = grown[:, first - top * scale :, begin - left * scale :]
            place[:] = grown[:, : place.shape[1], : place.shape[2]]
        if progress:
            progress((start + len(group)) / len(places))
    return result


def _windows(length, side, overlap):
    """(start, stop, first, last): windows inside the length, and the part of each that is kept.

    All have one size: the last moves inwards, so that the model sees the edge of the picture where it is.
    """
    for start in [*range(0, length - side, max(side - 2 * overlap, 1)), length - side]:
        stop = start + side
        yield start, stop, start + overlap if start else 0, stop - overlap if stop < length else length


def _ensemble(upscaler, window, scale):
    total = 0
    for turns, flip in itertools.product(range(4), (1, -1)):
        turned = upscaler.predict(np.rot90(window, turns, (1, 2))[:, :, ::flip], scale)
        total = total + np.rot90(turned[:, :, ::flip], -turns, (1, 2))
    return total / 8


def _resize(pixels, size):
    """`degradations.resize`, some lines at a time, since it computes in 64 bits."""
    for axis in sorted((0, 1), key=lambda axis: size[axis] / pixels.shape[axis]):
        strips = np.array_split(pixels, -(-pixels.shape[1 - axis] // 256), 1 - axis)
        sizes = [(size[0], part.shape[1]) if axis == 0 else (part.shape[0], size[1]) for part in strips]
        pixels = np.concatenate([degradations.resize(*part) for part in zip(strips, sizes, strict=True)], 1 - axis)
    return pixels


def _checked(image):
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
    return image
