"""Whole photos at several sizes, for models with several outputs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from ..generators import decoding
from ..runtime import UserError


class MultiSize(keras.utils.PyDataset):
    """Whole photos at several sizes, for models with several outputs: 72 → (144, 288).

    Every photo is decoded and resized once, on all cores, when the generator is made. It is squeezed into squares,
    as the VOC article does. One warning names what is no picture.

    Args:
        photos: a name or folder as `datasets.open` takes it, or a list of files, such as `datasets.split` gives.
        input_size: side of the input, in pixels.
        target_sizes: sides of the targets; a single int gives a single target instead of a tuple.
        batch_size: photos in a batch; the last batch of an epoch holds what is left.
        degradation: a name of `degradations.DEGRADATIONS`; makes every size from the photo.
        shuffle: a new order every epoch, which depends only on `seed` and the number of the epoch.
        flips: mirror half of the photos, at random; input and targets alike.
        seed: int.
        memory, **options: as in `generators.Patches`.

    Batches:
        (inputs, (targets, …)): uint8 arrays (N, input_size, input_size, 3), (N, size, size, 3), …, RGB.

    >>> import srhelpers as sr
    >>> inputs, (small, large) = sr.studies.multi_size.MultiSize("samples", batch_size=5)[0]
    >>> inputs.shape, small.shape, large.shape
    ((5, 72, 72, 3), (5, 144, 144, 3), (5, 288, 288, 3))
    """

    def __init__(
        self,
        photos: str | Path | Sequence,
        input_size: int = 72,
        target_sizes: int | Sequence[int] = (144, 288),
        *,
        batch_size: int = 16,
        degradation: str = "area",
        shuffle: bool = False,
        flips: bool = False,
        seed: int = 0,
        memory: int | None = None,
        **options,
    ):
        super().__init__(**options)
        self.single = isinstance(target_sizes, int)
        sizes = (input_size, *((target_sizes,) if self.single else target_sizes))
        if len(sizes) < 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in (*sizes, batch_size)):
            raise UserError(f"Expected whole sizes and batch_size above 0, got sizes {sizes}, batch_size {batch_size}.")
        self.batch_size, self.shuffle, self.flips, self.seed = int(batch_size), shuffle, flips, seed
        files, downsample = decoding.chosen(photos, degradation)
        self.files, self.photos = squares(files, sizes, downsample, memory)
        self.set_epoch(0)

    def __len__(self):
        return -(-len(self.files) // self.batch_size)

    def __getitem__(self, index):
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        batch = [photos[rows] for photos in self.photos]
        if self.flips:
            flipped = self.flipped[rows]
            for images in batch:
                images[flipped] = images[flipped, :, ::-1]
        inputs, *targets = batch
        return inputs, targets[0] if self.single else tuple(targets)

    def on_epoch_end(self):
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Draw the order and flips of one epoch, such as the one a resumed training goes on with."""
        self.epoch = epoch
        random = np.random.default_rng([self.seed, epoch])
        count = len(self.files)
        self.order = random.permutation(count) if self.shuffle else np.arange(count)
        self.flipped = random.random(count) < 0.5


def squares(files: Sequence, sizes: Sequence[int], downsample: Callable, memory: int | None) -> tuple[list, list]:
    """(files that are pictures, an array (N, size, size, 3) for each size): whole photos, squeezed into squares."""

    def decode(file):
        image = decoding.read_rgb(file)
        return [downsample(image, (size, size)) for size in sizes]

    good, flat, _ = decoding.decoded(decode, files, memory)
    parts = np.split(flat.reshape(len(good), -1), np.cumsum([3 * size**2 for size in sizes])[:-1], axis=1)
    return good, [part.reshape(-1, size, size, 3) for part, size in zip(parts, sizes, strict=True)]
