"""Plain downsampling, and interpolation back up: any size, any of five methods."""

import math
import numbers
from functools import lru_cache

import cv2
import numpy as np
from scipy import sparse

from ..runtime import UserError


def _box(x):
    return ((x >= -0.5) & (x < 0.5)).astype(float)


def _triangle(x):
    return np.maximum(1 - np.abs(x), 0)


def keys(x: np.ndarray) -> np.ndarray:
    """The bicubic kernel: Keys 1981, equation 15, with a = −0.5."""
    x = np.abs(x)
    inner = 1.5 * x**3 - 2.5 * x**2 + 1
    outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, inner, np.where(x <= 2, outer, 0))


def _lanczos3(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


# name → (kernel, its width in pixels)
KERNELS = {"nearest": (_box, 1), "bilinear": (_triangle, 2), "bicubic": (keys, 4), "lanczos": (_lanczos3, 6)}
INTERPOLATIONS = (*KERNELS, "area")


@lru_cache(256)
def _weights(length, new_length, kernel, width, antialias):
    """Sparse matrix (new_length, length): row i holds what each old pixel gives to new pixel i."""
    scale = new_length / length
    stretch = min(scale, 1) if antialias else 1
    center = (np.arange(new_length) + 0.5) / scale - 0.5
    taps = int(np.ceil(width / stretch)) + 2
    old = np.floor(center - width / stretch / 2)[:, None] + np.arange(taps)
    weight = kernel(stretch * (center[:, None] - old))
    weight /= weight.sum(1, keepdims=True)
    row, used = np.arange(new_length).repeat(taps), weight.ravel() != 0
    column = np.clip(old, 0, length - 1).astype(int).ravel()
    return sparse.csr_array((weight.ravel()[used], (row[used], column[used])), shape=(new_length, length))


def _is_whole(number):
    return isinstance(number, numbers.Real) and 1 <= number < math.inf and int(number) == number


def _check(image, size):
    image = np.asarray(image)
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise UserError(f"Expected an image (H, W) or (H, W, C) with pixels in it, got shape {image.shape}.")
    if image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise UserError(f"Expected uint8, uint16, float32 or float64, got {image.dtype}; convert the image first.")
    if np.shape(size) != (2,) or not all(map(_is_whole, size)):
        raise UserError(f"Expected a size (height, width) in whole pixels of at least 1, got {size!r}.")
    return image, tuple(int(n) for n in size)


def resize(image: np.ndarray, size: tuple[int, int], method: str = "bicubic", *, antialias: bool = True) -> np.ndarray:
    """Resize one image as the `imresize` of MATLAB did when the benchmark sets were made, pixel for pixel.

    Going down, the kernel is stretched by the scale, so that it averages over a whole new pixel (antialiasing);
    going up, `antialias` changes nothing. Integer images are rounded after each of the two passes, and beyond
    the edge the last pixel repeats: with "bicubic" that reproduces all 29 low-resolution files of Set5 and Set14
    exactly. Newer versions of MATLAB mirror the picture at its edge, which changes a few rim pixels.

    Args:
        image: array (H, W) or (H, W, C), uint8, uint16 or float.
        size: (height, width) of the result, in pixels.
        method: "nearest", "bilinear", "bicubic" (Keys, a = −0.5), "lanczos" (three lobes), or "area"
            (OpenCV's `INTER_AREA`: the mean over the pixels covered; going up by a whole factor it
            repeats pixels, as "nearest" does).
        antialias: False skips the stretching, as `cv2.resize` and many others do by default.

    Returns:
        Array of the same type. Integers are rounded and clipped to their range; floats are neither.

    Source: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", equation 15, for the
    kernel; MATLAB's `imresize` for widths, order of the passes, rounding and edges.
    """
    if method not in INTERPOLATIONS:
        raise UserError(f"Expected a method of {', '.join(INTERPOLATIONS)}, got {method!r}.")
    image, size = _check(image, size)
    if method == "area":
        return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, *image.shape[2:])

    limit = np.iinfo(image.dtype).max if np.issubdtype(image.dtype, np.integer) else None
    result = image
    # The axis that shrinks most goes first.
    for axis in sorted((0, 1), key=lambda axis: size[axis] / image.shape[axis]):
        lines = np.moveaxis(result, axis, 0)
        rest = lines.shape[1:]
        weights = _weights(lines.shape[0], size[axis], *KERNELS[method], antialias and method != "nearest")
        lines = weights @ lines.reshape(lines.shape[0], -1).astype(float)
        if limit:
            lines = np.floor(np.clip(lines, 0, limit) + 0.5)
        result = np.moveaxis(lines.reshape(size[axis], *rest), 0, axis)
    return np.ascontiguousarray(result, image.dtype)


def bicubic(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The benchmarks' degradation: antialiased bicubic, as MATLAB's `imresize`. See `resize`."""
    return resize(image, size)


def area(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each low-resolution pixel is the mean of the pixels it covers, as on a camera's sensor. See `resize`."""
    return resize(image, size, "area")


def opencv(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What `cv2.resize(image, …)` gives when nothing else is asked for: bilinear, **not** antialiased.

    At ÷4 only 4 of every 16 pixels count, so fine detail turns into false patterns (aliasing).
    """
    image, size = _check(image, size)
    return cv2.resize(image, size[::-1]).reshape(*size, *image.shape[2:])


def blurred_bicubic(image: np.ndarray, size: tuple[int, int], *, sigma: float = 1.6) -> np.ndarray:
    """Gaussian blur, then antialiased bicubic: the degradation of the SRGAN paper.

    `sigma` is the blur's standard deviation in pixels of `image`. The paper does not give its value; 1.6 is that of
    the "BD" setting of Zhang et al. 2018 (RDN), section 4.3.

    Source: Ledig et al. 2017 (SRGAN), section 2.
    """
    if not sigma > 0:
        raise UserError(f"Expected sigma above 0, got {sigma}; without a blur use degradations.bicubic.")
    image, size = _check(image, size)
    blurred = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return resize(blurred.reshape(image.shape), size)


def crop_to_multiple(image: np.ndarray, scale: int) -> np.ndarray:
    """Cut the bottom and right edges so that height and width divide by `scale`."""
    if not _is_whole(scale):
        raise UserError(f"Expected a whole scale of at least 1, got {scale}.")
    if not isinstance(image, np.ndarray):
        raise UserError(f"Expected an image array, got {type(image).__name__}; read files with datasets.read_image.")
    height, width = (n - n % int(scale) for n in image.shape[:2])
    if not height or not width:
        raise UserError(f"Expected at least {scale}×{scale} pixels for scale {scale}, got {image.shape[:2]}.")
    return image[:height, :width]
