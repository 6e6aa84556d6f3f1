"""`keras.utils.PyDataset`s that feed photos to `fit`: decoded once, kept as uint8, cast on the device."""

import hashlib
import os
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import keras
import numpy as np

from . import datasets, degradations, runtime


def _free_memory():
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # no such question on Windows and macOS
        return 4 << 30


class MultiSize(keras.utils.PyDataset):
    """Whole photos at several sizes, for models with several outputs: 72 → (144, 288).

    Every photo is decoded and resized once, on all cores, when the generator is made; an epoch is then only
    a copy out of memory. Photos are squeezed into squares, as the VOC article does. Files that are no
    pictures are left out, with one warning that names them.

    Args:
        photos: list of files, or a name or folder as `datasets.photos` takes it. To split, slice the list:
            `files[:1000]` validates, `files[1000:]` trains.
        input_size: side of the input, in pixels.
        target_sizes: sides of the targets; a single int gives a single target instead of a tuple.
        batch_size: photos in a batch; the last batch of an epoch holds what is left.
        degradation: a name of `degradations.DEGRADATIONS`; makes every size from the photo.
        shuffle: a new order every epoch, which depends only on `seed` and the number of the epoch.
        flips: mirror half of the photos, at random; input and targets alike.
        seed: int.
        memory: bytes that the decoded photos may take. Where they need more they go into a file in the cache
            folder, are read from there as needed, and are found again next time. None takes half of what is free.
        **options: for `keras.utils.PyDataset`, such as `workers`.

    Batches:
        (inputs, (targets, …)): uint8 arrays (N, input_size, input_size, 3), (N, size, size, 3), …, RGB.

    Raises:
        FileNotFoundError: no photos there; the text says where it looked.
        ValueError: none of the files is a picture, or a size, batch size or degradation makes no sense.

    >>> import srhelpers as sr
    >>> batches = sr.generators.MultiSize("samples", batch_size=5)
    >>> len(batches)
    3
    >>> inputs, (small, large) = batches[0]
    >>> inputs.shape, small.shape, large.shape
    ((5, 72, 72, 3), (5, 144, 144, 3), (5, 288, 288, 3))
    """

    def __init__(
        self,
        photos,
        input_size=72,
        target_sizes=(144, 288),
        *,
        batch_size=16,
        degradation="area",
        shuffle=False,
        flips=False,
        seed=0,
        memory=None,
        **options,
    ):
        super().__init__(**options)
        self.single = isinstance(target_sizes, int)
        sizes = (input_size, *((target_sizes,) if self.single else target_sizes))
        if len(sizes) < 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in (*sizes, batch_size)):
            raise ValueError(
                f"Expected whole sizes and batch_size above 0, got sizes {sizes}, batch_size {batch_size}."
            )
        if degradation not in degradations.DEGRADATIONS:
            known = ", ".join(degradations.DEGRADATIONS)
            raise ValueError(f"Expected a degradation of {known}, got {degradation!r}.")
        files = [Path(file) for file in photos] if isinstance(photos, list | tuple) else datasets.photos(photos)
        if not files:
            raise ValueError("Expected at least one photo, got an empty list.")
        self.batch_size, self.shuffle, self.flips, self.seed = int(batch_size), shuffle, flips, seed
        self.files, self.photos = _decoded(files, sizes, degradation, memory or _free_memory() // 2)
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

    def set_epoch(self, epoch):
        """Draw the order and flips of one epoch, such as the one a resumed training goes on with."""
        self.epoch = epoch
        random = np.random.default_rng([self.seed, epoch])
        count = len(self.files)
        self.order = random.permutation(count) if self.shuffle else np.arange(count)
        self.flipped = random.random(count) < 0.5


def _decoded(files, sizes, degradation, memory):
    """(files that are pictures, one uint8 array (N, size, size, 3) for each size)."""
    shapes = [(len(files), size, size, 3) for size in sizes]
    needed = sum(int(np.prod(shape)) for shape in shapes)
    if needed <= memory:
        photos = [np.empty(shape, np.uint8) for shape in shapes]
        return _decode_into(photos, files, sizes, degradation)

    described = [(str(file.absolute()), file.stat().st_mtime_ns) for file in files]
    key = hashlib.sha256(repr((described, sizes, degradation)).encode()).hexdigest()[:16]
    folder = runtime.folder("cache") / "decoded" / key
    if not folder.exists():
        partial = folder.with_name(f"{key}.part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        photos = [
            np.lib.format.open_memmap(partial / f"{place}.npy", "w+", np.uint8, shape)
            for place, shape in enumerate(shapes)
        ]
        good, photos = _decode_into(photos, files, sizes, degradation)
        (partial / "files.txt").write_text("\n".join(str(file) for file in good), encoding="utf-8")
        del photos
        partial.rename(folder)
    good = [Path(line) for line in (folder / "files.txt").read_text(encoding="utf-8").splitlines()]
    return good, [np.load(folder / f"{place}.npy", mmap_mode="r")[: len(good)] for place in range(len(sizes))]


def _decode_into(photos, files, sizes, degradation):
    shrink = degradations.DEGRADATIONS[degradation]

    def decode(file):
        try:
            image = datasets.read_image(file)
        except (ValueError, OSError):
            return None
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
        return [shrink(image, (size, size)) for size in sizes]

    good, bad, workers = [], [], os.cpu_count()
    with ThreadPoolExecutor(workers) as pool:
        # In groups, so that decoded photos do not pile up before they are copied.
        for start in range(0, len(files), 16 * workers):
            group = files[start : start + 16 * workers]
            for file, images in zip(group, pool.map(decode, group), strict=True):
                if images is None:
                    bad.append(file)
                    continue
                for array, image in zip(photos, images, strict=True):
                    array[len(good)] = image
                good.append(file)
    if bad:
        names = ", ".join(map(str, bad[:10])) + (f" and {len(bad) - 10} more" if len(bad) > 10 else "")
        warnings.warn(f"Left out {len(bad)} of {len(files)} files that are no pictures: {names}.", stacklevel=4)
    if not good:
        raise ValueError(f"Expected at least one picture, got {len(files)} files that OpenCV cannot read.")
    return good, [array[: len(good)] for array in photos]
