"""What happens to pictures on their way: blur, noise, JPEG. Each takes and gives a uint8 picture of one size."""

import cv2
import numpy as np
from scipy import special

from ..runtime import UserError


def _distance(size, sigma, angle):
    """Squared distance from the center of a size×size grid, in units of the two sigmas along the turned axes."""
    if size != int(size) or size < 1 or size % 2 == 0:
        raise UserError(f"Expected an odd whole size of the kernel, such as 21, got {size!r}.")
    sigmas = np.broadcast_to(np.asarray(sigma, float), 2)
    if not (sigmas > 0).all():
        raise UserError(f"Expected sigma above 0, one number or two, got {sigma!r}.")
    row, column = np.mgrid[: int(size), : int(size)] - size // 2
    along = column * np.cos(angle) + row * np.sin(angle)
    across = row * np.cos(angle) - column * np.sin(angle)
    return (along / sigmas[0]) ** 2 + (across / sigmas[1]) ** 2


def gaussian_kernel(size: int, sigma: float | tuple[float, float], angle: float = 0.0) -> np.ndarray:
    """A Gaussian as an array (size, size) whose sum is 1: isotropic with one sigma (in pixels), else anisotropic.

    Args:
        size: odd number of pixels.
        sigma: of all directions, or (along, across) the direction of `angle`.
        angle: in radians; 0 is the direction of the rows.

    >>> gaussian_kernel(3, 0.5).round(2).tolist()
    [[0.01, 0.08, 0.01], [0.08, 0.62, 0.08], [0.01, 0.08, 0.01]]
    """
    return generalized_kernel(size, sigma, angle, beta=1.0)


def generalized_kernel(
    size: int, sigma: float | tuple[float, float], angle: float = 0.0, *, beta: float = 1.0
) -> np.ndarray:
    """exp(−d^(2β)/2) in place of the Gaussian's exp(−d²/2): β below 1 has a sharp peak, above 1 a flat top.

    Source: Liu et al. 2020, "Estimating generalized Gaussian blur kernels for out-of-focus image deblurring".
    """
    kernel = np.exp(-0.5 * _distance(size, sigma, angle) ** beta)
    return kernel / kernel.sum()


def plateau_kernel(
    size: int, sigma: float | tuple[float, float], angle: float = 0.0, *, beta: float = 1.0
) -> np.ndarray:
    """1/(1 + d^(2β)): a flat top, and a slope that falls slowly. Source: Real-ESRGAN, section 3.2."""
    kernel = 1 / (1 + _distance(size, sigma, angle) ** beta)
    return kernel / kernel.sum()


def sinc_kernel(size: int, cutoff: float) -> np.ndarray:
    """The filter that removes all frequencies above `cutoff`, up to π: beside edges it leaves rings.

    Source: Real-ESRGAN, equation 4.
    """
    if not 0 < cutoff <= np.pi:
        raise UserError(f"Expected a cutoff above 0 and up to π, got {cutoff!r}.")
    radius = np.sqrt(_distance(size, 1.0, 0.0))
    radius[radius == 0] = 1e-9  # the limit at the center
    kernel = cutoff * special.j1(cutoff * radius) / (2 * np.pi * radius)
    return kernel / kernel.sum()


def blur(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Each pixel becomes the mean of its surroundings, weighted by the kernel. Edges are mirrored."""
    middle = kernel.shape[0] // 2
    column, row = kernel[:, middle], kernel[middle]
    options = {"borderType": cv2.BORDER_REFLECT_101}
    # OpenCV is quicker with one column and one row, where the kernel is their product, and with floats.
    if np.allclose(np.outer(column, row), kernel * kernel[middle, middle], rtol=0, atol=1e-9):
        blurred = cv2.sepFilter2D(image, cv2.CV_32F, row / row.sum(), column / column.sum(), **options)
    else:
        blurred = cv2.filter2D(image.astype(np.float32), -1, kernel.astype(np.float32), **options)
    return _rounded(blurred).reshape(image.shape)


def gaussian_noise(image: np.ndarray, sigma: float, rng: np.random.Generator, *, gray: bool = False) -> np.ndarray:
    """Normally distributed noise of `sigma` gray levels; `gray` adds the same to all channels of a pixel."""
    shape = (*image.shape[:2], 1) if gray else image.shape
    noise = rng.standard_normal(shape, dtype=np.float32)
    noise *= sigma
    return _rounded(image + noise.reshape(noise.shape[: image.ndim]))


def poisson_noise(image: np.ndarray, strength: float, rng: np.random.Generator, *, gray: bool = False) -> np.ndarray:
    """The noise of counting photons, times `strength`: it grows with the square root of the brightness.

    White stands for as many photons as the picture has different levels, rounded up to a power of two.

    Source: BasicSR's degradation, which takes the number of photons from scikit-image's `random_noise`.
    """
    seen = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if gray and image.shape[2:] == (3,) else image
    levels = np.count_nonzero(np.bincount(seen.ravel(), minlength=256))
    photons = 2.0 ** np.ceil(np.log2(levels))
    noise = (rng.poisson(seen * (photons / 255)) * (255 / photons) - seen) * strength
    return _rounded(image + (noise[..., None] if noise.ndim < image.ndim else noise))


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """What is left of a picture after JPEG of this quality, 1 to 100, with colors at half the resolution."""
    if not 1 <= quality <= 100:
        raise UserError(f"Expected a JPEG quality of 1 to 100, got {quality!r}.")
    # OpenCV's channels are blue, green, red: JPEG weighs them differently.
    pixels = np.ascontiguousarray(image[..., ::-1] if image.ndim == 3 and image.shape[2] == 3 else image)
    _, content = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, int(quality)))
    decoded = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    decoded = decoded[..., ::-1] if decoded.ndim == 3 else decoded
    return np.ascontiguousarray(decoded).reshape(image.shape)


def _rounded(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
