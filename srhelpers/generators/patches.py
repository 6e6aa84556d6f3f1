"""Small pieces of photos, low resolution → high resolution."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import keras
import numpy as np

from .. import datasets, degradations, runtime
from ..runtime import UserError
from . import decoding

MARGIN = 8  # low-resolution pixels around a piece when it is degraded: JPEG's blocks begin at any of its pixels


class Patches(keras.utils.PyDataset):
    """Small pieces cut from photos: low resolution → high resolution.

    Every photo is decoded once, and downsampled once and as a whole, as the benchmarks do: a piece cut first and
    downsampled after would see its own edge. For training a piece comes from a random place of a random photo,
    turned and mirrored in one of eight ways, low and high alike.

    Args:
        photos: a name or folder as `datasets.open` takes it, a list of files, or a list of pairs (low-resolution
            file, high-resolution file). One warning names what is no picture, too small, or fits no partner.
        scale: how much larger the targets are; whole number ≥ 2, or several for models with several outputs.
        patch_size: side of the low-resolution piece, in pixels.
        batch_size: pieces in a batch, of training a multiple of the devices that share it (see `sr.setup`). In
            validation with several devices one batch may be larger, so that the others divide.
        batches: batches in an epoch; None makes as many as the photos fill once.
        degradation: a name of `degradations.DEGRADATIONS`; makes the low resolution where the photos are no pairs. Or a
            function such as `degradations.SecondOrder()`: training calls it for each piece anew, as
            degradation(piece, (height, width), random generator); validation once for each photo, without the third.
        training: False takes the middle of each photo, once, in order and as it is: for validation.
        skip_flat: share of the pieces that training leaves out, those of the smallest standard deviation (mean over
            the channels), such as 0.25: sky and walls teach little.
        seed: int; with the number of the epoch it fixes every piece.
        memory: bytes that the decoded photos may take; beyond them they are read from a temporary file in the cache
            folder. None takes half of what is free.
        **options: for `keras.utils.PyDataset`, such as `workers`.

    Batches:
        (low, high): uint8 arrays (N, patch_size, patch_size, 3) and (N, scale·patch_size, scale·patch_size, 3); with
        several scales high is a tuple of such arrays, in the order of the scales.

    Source: Lim et al. 2017 (EDSR), section 4.2, for the pieces and the eight turns. `skip_flat`: idealo's ISR.

    >>> import srhelpers as sr
    >>> low, high = sr.generators.Patches("samples", scale=4, patch_size=24)[0]
    >>> low.shape, high.shape
    ((16, 24, 24, 3), (16, 96, 96, 3))
    """

    def __init__(
        self,
        photos: str | Path | Sequence,
        scale: int | Sequence[int] = 4,
        patch_size: int = 48,
        *,
        batch_size: int = 16,
        batches: int | None = None,
        degradation: str | Callable = "bicubic",
        training: bool = True,
        skip_flat: float = 0.0,
        seed: int = 0,
        memory: int | None = None,
        **options,
    ):
        super().__init__(**options)
        self.several = isinstance(scale, Sequence)
        scales = tuple(scale) if self.several else (scale,)
        whole = [("patch_size", patch_size), ("batch_size", batch_size), ("batches", batches)]
        for name, value in [*whole, *(("scale", one) for one in scales or (None,))]:
            least = 2 if name == "scale" else 1
            if not ((name == "batches" and value is None) or (isinstance(value, int | np.integer) and value >= least)):
                raise UserError(f"Expected {name} as a whole number of at least {least}, got {value!r}.")
        if not 0 <= skip_flat < 1:
            raise UserError(f"Expected skip_flat from 0 to below 1, got {skip_flat}.")
        files, downsample = datasets.photos(photos), degradations.named(degradation)
        self.anew = downsample if training and callable(degradation) else None
        if self.anew:
            downsample = degradations.bicubic  # what `skip_flat` looks at
            if any(isinstance(file, list | tuple) for file in files):
                raise UserError(
                    "Expected photos for a degradation that is a function, got pairs; leave one of them out."
                )
        self.scales, self.patch_size, self.batch_size = scales, int(patch_size), int(batch_size)
        self.training, self.skip_flat, self.seed = training, skip_flat, seed
        self.files, self.low, self.high = decoding.pairs(files, scales, self.patch_size, downsample, memory)
        count, shared = len(self.files), runtime.replicas()
        if training and self.batch_size % shared:
            more = self.batch_size + -self.batch_size % shared
            raise UserError(
                f"Expected batch_size as a multiple of the {shared} devices that share each batch, got {batch_size}; "
                f"choose {more}, or call sr.setup(devices=1) first."
            )
        if training:
            self.batches = batches or -(-count // self.batch_size)
        else:
            self.edges = _edges(count, self.batch_size, shared)
            self.batches = len(self.edges) - 1
        self.set_epoch(0)

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        random = np.random.default_rng([self.seed, self.epoch, index])
        places = self._random_places(random) if self.training else self._middles(index)
        low, *high = (
            np.stack([_cut(images[photo], scale, self.patch_size, *place) for photo, *place in places])
            for scale, images in [(1, self.low), *zip(self.scales, self.high, strict=True)]
        )
        if self.anew:
            low = np.stack([self._degraded(random, *place) for place in places])
        return low, tuple(high) if self.several else high[0]

    def on_epoch_end(self):
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose pieces come next, such as the one a resumed training goes on with."""
        self.epoch = epoch

    def _middles(self, index):
        photos = range(*self.edges[index : index + 2])
        middles = (((n - self.patch_size) // 2 for n in self.low[photo].shape[:2]) for photo in photos)
        return [(photo, top, left, 0) for photo, (top, left) in zip(photos, middles, strict=True)]

    def _degraded(self, random, photo, top, left, turn):
        """The piece at this place, from the largest target and what surrounds it."""
        largest = max(self.scales)
        high, side = self.high[self.scales.index(largest)][photo], self.patch_size
        starts, ends = [], []
        for start, length in zip((top, left), self.low[photo].shape, strict=False):
            starts.append(max(start - random.integers(MARGIN + 1), 0))
            ends.append(min(start + side + MARGIN, length))
        rows, columns = (slice(largest * a, largest * b) for a, b in zip(starts, ends, strict=True))
        size = ends[0] - starts[0], ends[1] - starts[1]
        low = self.anew(high[rows, columns], size, random)
        return _cut(low, 1, side, top - starts[0], left - starts[1], turn)

    def _random_places(self, random):
        side = self.patch_size
        count = int(np.ceil(self.batch_size / (1 - self.skip_flat)))
        photos = random.integers(len(self.files), size=count)
        room = np.array([self.low[photo].shape[:2] for photo in photos]) - side + 1
        corners = random.integers(0, room)
        places = list(zip(photos, *corners.T, random.integers(8, size=count), strict=True))
        if count > self.batch_size:
            pieces = [self.low[photo][top : top + side, left : left + side] for photo, top, left, _ in places]
            detail = [piece.std((0, 1)).mean() for piece in pieces]
            places = [places[number] for number in np.sort(np.argsort(detail)[count - self.batch_size :])]
        return places


def _edges(count, batch_size, shared):
    """Where batches begin and end that divide by the devices, but for one that also takes what is left over.

    On JAX that is the first, from which Keras concludes how to share all others; with TensorFlow it is the last,
    since Keras wants the first to divide.
    """
    step, left = max(batch_size - batch_size % shared, shared), count % shared
    if keras.backend.backend() == "jax":
        return [0, *range(step + left, count, step), count]
    if count < shared:
        raise UserError(
            f"Expected at least a photo for each of the {shared} devices, got {count}; call sr.setup(devices=1) first."
        )
    return [*range(0, count - left, step), count]


def _cut(image, scale, side, top, left, turn):
    """A piece, `scale` times as large as the low-resolution one, turned."""
    top, left, side = scale * top, scale * left, scale * side
    return _turned(image[top : top + side, left : left + side], turn)


def _turned(image, turn):
    """One of the eight ways to turn and mirror a picture; 0 leaves it."""
    if turn & 4:
        image = cv2.transpose(image)
    return cv2.flip(image, (0, 1, -1)[turn % 4 - 1]) if turn % 4 else image  # rows, columns, both
