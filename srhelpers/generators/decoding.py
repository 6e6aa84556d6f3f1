"""Photos decoded once, as uint8 arrays in memory, or in a file of the cache folder where that is too small."""

import contextlib
import hashlib
import json
import os
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import filelock
import numpy as np
from PIL import Image

from .. import datasets, degradations, runtime
from ..runtime import UserError


def squares(files, sizes, degradation, memory=None):
    """Whole photos, squeezed into squares of several sizes.

    Args:
        files: list of Path. Those that are no pictures are left out, with one warning that names them.
        sizes: sides in pixels.
        degradation: a name of `degradations.DEGRADATIONS`; makes every size from the photo.
        memory: bytes that the arrays may take; beyond them they are mapped from a file in the cache folder, which
            is found again next time. None takes half of what is free.

    Returns:
        (files that are pictures, one uint8 array (N, size, size, 3) for each size).

    Raises:
        ValueError: none of the files is a picture.

    >>> import srhelpers as sr
    >>> files, (small, large) = sr.generators.decoding.squares(sr.datasets.photos("samples"), (72, 144), "area")
    >>> len(files), large.shape
    (12, (12, 144, 144, 3))
    """
    shapes = [(len(files), size, size, 3) for size in sizes]
    needed = sum(int(np.prod(shape)) for shape in shapes)
    if needed <= (memory or _free_memory() // 2):
        photos = [np.empty(shape, np.uint8) for shape in shapes]
        return _decode_into(photos, files, sizes, degradation)

    described = [(str(file.absolute()), file.stat().st_mtime_ns) for file in files]
    key = hashlib.sha256(repr((described, sizes, degradation)).encode()).hexdigest()[:16]
    folder = runtime.folder("cache") / "decoded" / key
    with _filled_once(folder) as partial:
        if partial:
            photos = [
                np.lib.format.open_memmap(partial / f"{place}.npy", "w+", np.uint8, shape)
                for place, shape in enumerate(shapes)
            ]
            good, photos = _decode_into(photos, files, sizes, degradation)
            (partial / "files.txt").write_text("\n".join(str(file) for file in good), encoding="utf-8")
            del photos
    good = [Path(line) for line in (folder / "files.txt").read_text(encoding="utf-8").splitlines()]
    return good, [np.load(folder / f"{place}.npy", mmap_mode="r")[: len(good)] for place in range(len(sizes))]


def pairs(files, scale, degradation, memory=None):
    """Whole photos in their own size, and made small.

    Args:
        files: list of files, or of pairs (low-resolution file, high-resolution file).
        scale: whole number; photos are cropped to a multiple of it.
        degradation, memory: as in `squares`; a low-resolution file is taken as it is.

    Returns:
        List of (file, low, high): uint8 arrays (h, w, 3) and (scale·h, scale·w, 3).

    Raises:
        ValueError: none of the files is a picture, or a low-resolution file has another size.

    >>> import srhelpers as sr
    >>> file, low, high = sr.generators.decoding.pairs(sr.datasets.photos("samples"), 4, "bicubic")[0]
    >>> file.name, low.shape, high.shape
    ('astronaut.png', (128, 128, 3), (512, 512, 3))
    """
    named = [tuple(map(Path, file)) if isinstance(file, list | tuple) else (None, Path(file)) for file in files]
    needed = sum(_pixels(high) * 3 * (1 + 1 / scale**2) for _, high in named)
    if needed <= (memory or _free_memory() // 2):
        return list(_pairs(named, scale, degradation))

    described = [(str(file.absolute()), file.stat().st_mtime_ns) for pair in named for file in pair if file]
    key = hashlib.sha256(repr((described, scale, degradation)).encode()).hexdigest()[:16]
    folder = runtime.folder("cache") / "decoded" / key
    with _filled_once(folder) as partial:
        if partial:
            index = []
            with (partial / "pixels.bin").open("wb") as pixels:
                for file, *images in _pairs(named, scale, degradation):
                    index.append([str(file), *(image.shape for image in images)])
                    pixels.writelines(np.ascontiguousarray(image).data for image in images)
            (partial / "index.json").write_text(json.dumps(index), encoding="utf-8")

    pixels, start, photos = np.memmap(folder / "pixels.bin", np.uint8, "r"), 0, []
    for file, *shapes in json.loads((folder / "index.json").read_text(encoding="utf-8")):
        images = []
        for shape in shapes:
            images.append(pixels[start : start + np.prod(shape)].reshape(shape))
            start += np.prod(shape)
        photos.append((Path(file), *images))
    return photos


def _pixels(file):
    try:
        with Image.open(file) as image:  # reads the header only
            return image.width * image.height
    except (OSError, ValueError, Image.DecompressionBombError):
        return 0


def _pairs(pairs, scale, degradation):
    shrink = degradations.DEGRADATIONS[degradation]

    def decode(pair):
        low, high = pair
        high = degradations.crop_to_multiple(_read_rgb(high), scale)
        size = high.shape[0] // scale, high.shape[1] // scale
        return shrink(high, size) if low is None else _read_rgb(low), high

    for (_, file), (low, high) in _all_decoded(decode, pairs):
        expected = high.shape[0] // scale, high.shape[1] // scale
        if low.shape[:2] != expected:
            raise UserError(
                f"Expected the low-resolution picture of {file} to have {expected} pixels, got {low.shape[:2]}."
            )
        yield file, low, high


def warn_left_out(left_out, count, why, level=3):
    """Name the photos that a generator does without.

    Args:
        left_out: list of files.
        count: of how many.
        why: "are no pictures".
        level: where the warning points to: 3 is whoever called the caller, such as the code that made a generator.

    >>> import srhelpers as sr
    >>> sr.generators.decoding.warn_left_out(["notes.txt"], 12, "are no pictures", level=1)
    """
    names = ", ".join(map(str, left_out[:10])) + (f" and {len(left_out) - 10} more" if len(left_out) > 10 else "")
    warnings.warn(f"Left out {len(left_out)} of {count} files that {why}: {names}.", stacklevel=level)


@contextlib.contextmanager
def _filled_once(folder):
    """A temporary folder to fill, which then gets its name; None where that is there, be it by another process."""
    partial = folder.with_name(f"{folder.name}.part")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if folder.exists():
            yield None
            return
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
        partial.rename(folder)


def _decode_into(photos, files, sizes, degradation):
    shrink = degradations.DEGRADATIONS[degradation]

    def decode(file):
        image = _read_rgb(file)
        return [shrink(image, (size, size)) for size in sizes]

    good = []
    for file, images in _all_decoded(decode, files):
        for array, image in zip(photos, images, strict=True):
            array[len(good)] = image
        good.append(file)
    return good, [array[: len(good)] for array in photos]


def _read_rgb(file):
    image = datasets.read_image(file)
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image


def _all_decoded(decode, files):
    """(file, what `decode` makes of it) on all cores, in order; files that are no pictures are left out."""

    def attempt(file):
        try:
            return decode(file)
        except (ValueError, OSError):
            return None

    bad, workers = [], os.cpu_count()
    with ThreadPoolExecutor(workers) as pool:
        # In groups, so that decoded photos do not pile up before they are copied.
        for start in range(0, len(files), 16 * workers):
            group = files[start : start + 16 * workers]
            for file, decoded in zip(group, pool.map(attempt, group), strict=True):
                if decoded is None:
                    bad.append(file[-1] if isinstance(file, tuple) else file)
                else:
                    yield file, decoded
    if bad:
        warn_left_out(bad, len(files), "are no pictures", level=6)
    if len(bad) == len(files):
        raise UserError(f"Expected at least one picture, got {len(files)} files that OpenCV cannot read.")


def _free_memory():
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # no such question on Windows and macOS
        return 4 << 30
