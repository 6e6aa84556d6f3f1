"""Photos decoded once, as uint8 arrays in memory, or in a temporary file where that is too small."""

import io
import math
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from .. import datasets, degradations, runtime
from ..runtime import UserError


def pairs(
    files: Sequence, scales: Sequence[int], least: int, downsample: Callable, memory: int | None
) -> tuple[list, list, list[list]]:
    """(files, low, high for each scale): whole photos, cropped to a multiple of the largest scale.

    What is not given is downsampled: the low resolution if the photos are no pairs, and targets of smaller scales,
    these without the damage that `downsample` may do.
    `least` is the shortest side that a low-resolution picture may have.
    """
    largest = max(scales)
    clean = downsample if downsample in degradations.PLAIN.values() else degradations.bicubic

    def decode(file):
        low, high = file if isinstance(file, list | tuple) else (None, file)
        high = degradations.crop_to_multiple(read_rgb(high), largest)
        height, width = high.shape[0] // largest, high.shape[1] // largest
        if min(height, width) < least:
            return f"{high.shape[1]}×{high.shape[0]} pixels, fewer than {largest * least}×{largest * least}"
        low = downsample(high, (height, width)) if low is None else read_rgb(low)
        if low.shape[:2] != (height, width):
            got = f"{low.shape[1]}×{low.shape[0]}"
            return f"its low-resolution picture has {got} pixels in place of {width}×{height}"
        targets = (high if scale == largest else clean(high, (scale * height, scale * width)) for scale in scales)
        return low, *targets

    good, flat, shapes = decoded(decode, files, memory)
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    images = [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]
    step = len(scales) + 1
    return good, images[::step], [images[place::step] for place in range(1, step)]


def read_rgb(file: str | Path) -> np.ndarray:
    """`datasets.read_image`, gray as RGB."""
    image = datasets.read_image(file)
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image


def decoded(decode: Callable, files: Sequence, memory: int | None) -> tuple[list, np.ndarray, list]:
    """(files, all that `decode` makes of them as one flat array, the shapes in it), made on all cores.

    Where `decode` gives text in place of images, that is why the file is left out.
    """

    def attempt(file):
        try:
            return decode(file)
        except UserError:
            return "no picture"
        except OSError as error:
            return error.strerror or str(error)

    most = _free_memory() // 2 if memory is None else memory
    kept, good, shapes, left_out, workers = io.BytesIO(), [], [], [], os.cpu_count()
    with ThreadPoolExecutor(workers) as pool:
        # In groups, so that decoded photos do not pile up before they are copied.
        for start in range(0, len(files), 16 * workers):
            group = files[start : start + 16 * workers]
            for file, images in zip(group, pool.map(attempt, group), strict=True):
                name = file[-1] if isinstance(file, list | tuple) else file
                if isinstance(images, str):
                    left_out.append(f"{name} ({images})")
                    continue
                good.append(Path(name))
                for image in images:
                    if isinstance(kept, io.BytesIO) and kept.tell() + image.nbytes > most:
                        kept = _on_disk(kept)
                    kept.write(np.ascontiguousarray(image))
                    shapes.append(image.shape)
    names = ", ".join(left_out[:10]) + (f" and {len(left_out) - 10} more" if len(left_out) > 10 else "")
    if not good:
        raise UserError(f"Expected at least one photo that can be used, got {len(files)} files: {names or 'none'}.")
    if left_out:  # the warning points at the code that made the generator
        warnings.warn(f"Left out {len(left_out)} of {len(files)} files: {names}.", stacklevel=4)
    if isinstance(kept, io.BytesIO):
        flat = np.frombuffer(kept.getbuffer(), np.uint8)
        flat.flags.writeable = False
    else:
        kept.flush()
        flat = np.asarray(np.memmap(kept, np.uint8, "r"))
        kept.close()
    return good, flat, shapes


def _on_disk(kept):
    """The same bytes in a file without a name: it ends with the process, and nothing is left to be out of date."""
    folder = runtime.folder("cache")
    folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, closed when it is mapped
    file.write(kept.getbuffer())
    return file


def _free_memory():
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # no such question on Windows and macOS
        return 4 << 30
