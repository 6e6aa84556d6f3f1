"""PSNR and SSIM: array functions as the benchmarks compute them, and Keras metrics that agree with them."""

import keras
import numpy as np
from keras import ops
from skimage.metrics import structural_similarity

from ..runtime import UserError

# MATLAB's rgb2ycbcr: 16 + (65.481 R + 128.553 G + 24.966 B) / 255, in whole numbers so that every backend
# rounds alike.
_LUMA, _LUMA_UNIT = (65481, 128553, 24966), 255000
HIGHEST = 100.0  # dB: what an identical image counts in a mean, as in much published code; else that is infinite


def _luma(image, cast):
    red, green, blue = (cast(image[..., channel]) for channel in range(3))
    weighted = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
    return (16 * _LUMA_UNIT + weighted + _LUMA_UNIT // 2) // _LUMA_UNIT


def luma(image: np.ndarray) -> np.ndarray:
    """Brightness of a uint8 RGB image (..., 3), rounded: black is 16, white is 235.

    Source: ITU-R BT.601 in the form of MATLAB's `rgb2ycbcr`, which rounds uint8 images.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.shape[-1:] != (3,):
        raise UserError(f"Expected a uint8 RGB image (..., 3), got {image.dtype} of shape {image.shape}.")
    return _luma(image, lambda channel: channel.astype(np.int32)).astype(np.uint8)


def _prepare(reference, estimate, crop_border, use_luma, smallest):
    """Check two images and cut them to what is compared."""
    images = []
    for role, given in (("reference", reference), ("estimate", estimate)):
        image = np.asarray(given)
        if not np.issubdtype(image.dtype, np.number):
            got = type(given).__name__
            raise UserError(f"Expected the {role} as a uint8 array, got {got}; read files with datasets.read_image.")
        if image.dtype != np.uint8:
            span = f"{image.min():g} to {image.max():g}" if image.size else "none"
            raise UserError(
                f"Expected the {role} as uint8, 0 to 255, got {image.dtype} with values {span}; if white is not 255, "
                "scale it first, then np.clip(np.round(image), 0, 255).astype('uint8')."
            )
        if image.ndim != 2 and image.shape[2:] != (3,):
            raise UserError(f"Expected the {role} as one image (H, W) or (H, W, 3), got shape {image.shape}.")
        images.append(image)
    if images[0].shape != images[1].shape:
        todo = "crop the reference to a multiple of the scale (degradations.crop_to_multiple)"
        todo = "one is gray" if images[0].ndim != images[1].ndim else todo
        raise UserError(f"Expected two images of one shape, got {images[0].shape} and {images[1].shape}; {todo}.")
    if not isinstance(crop_border, int | np.integer) or crop_border < 0:
        raise UserError(f"Expected crop_border as a whole number of pixels, 0 or more, got {crop_border!r}.")
    height, width = images[0].shape[:2]
    if min(height, width) - 2 * crop_border < smallest:
        raise UserError(
            f"Expected at least {smallest}×{smallest} pixels inside the border, got a {height}×{width} image "
            f"with crop_border {crop_border}."
        )
    images = [image[crop_border : height - crop_border, crop_border : width - crop_border] for image in images]
    return [luma(image) for image in images] if use_luma and images[0].ndim == 3 else images


def psnr(reference: np.ndarray, estimate: np.ndarray, *, crop_border: int = 0, luma: bool = False) -> float:
    """Peak signal-to-noise ratio of one image, in decibels: 10 log10(255² / mean squared error).

    Args:
        reference: uint8 array (H, W) or (H, W, 3), RGB.
        estimate: array of the same shape and type; of an identical one the PSNR is `inf`.
        crop_border: pixels left out on each side; the literature uses the scale.
        luma: compare the rounded BT.601 luma, as the literature's "PSNR-Y" does. A gray image (H, W) is
            compared as it is.

    Source: Wang et al. 2004, section II, for the definition; MATLAB's `rgb2ycbcr` for the luma.

    >>> import srhelpers as sr
    >>> photo = sr.datasets.sample("chelsea")
    >>> round(sr.metrics.psnr(photo, photo // 2 * 2), 2)
    51.14
    """
    reference, estimate = _prepare(reference, estimate, crop_border, luma, smallest=1)
    error = np.mean((reference.astype(np.float64) - estimate) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def ssim(reference: np.ndarray, estimate: np.ndarray, *, crop_border: int = 0, luma: bool = False) -> float:
    """Structural similarity of one image: 1 for identical images, about 0 for unrelated ones.

    An 11×11 Gaussian window of σ 1.5, population covariance, K1 = 0.01, K2 = 0.03; windows that reach over
    the edge are left out. Of an RGB image it is the mean over the three channels. Arguments as in `psnr`.

    Source: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity",
    section III.B, computed by scikit-image.
    """
    reference, estimate = _prepare(reference, estimate, crop_border, luma, smallest=11)
    return float(
        structural_similarity(
            reference,
            estimate,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=2 if reference.ndim == 3 else None,
        )
    )


def _to_levels(images, crop_border, use_luma):
    """A batch (N, H, W, C) as the whole gray levels 0…255 that a saved picture would hold, in float32."""
    images = ops.round(ops.clip(ops.cast(images, "float32"), 0, 255))
    if crop_border:
        images = images[:, crop_border:-crop_border, crop_border:-crop_border]
    if use_luma:
        images = ops.cast(_luma(images, lambda channel: ops.cast(channel, "int32")), "float32")[..., None]
    return images


def _check_batches(y_true, y_pred, crop_border, use_luma, smallest):
    """What can be known when the graph is built: ranks, channels, and sizes where they are fixed."""
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    pairs = zip(*shapes, strict=True) if len(shapes[0]) == len(shapes[1]) == 4 else [(0, 1)]
    if any(a is not None and b is not None and a != b for a, b in pairs):
        raise UserError(f"Expected targets and predictions (N, H, W, C) of one shape, got {shapes[0]} and {shapes[1]}.")
    if use_luma and shapes[1][3] not in (3, None):
        raise UserError(f"Expected 3 channels for luma=True, got {shapes[1][3]}.")
    if any(n is not None and n - 2 * crop_border < smallest for n in shapes[1][1:3]):
        raise UserError(
            f"Expected at least {smallest}×{smallest} pixels inside the border, got {shapes[1][1:3]} with "
            f"crop_border {crop_border}."
        )


def _psnr_per_image(y_true, y_pred, **options):
    _check_batches(y_true, y_pred, options["crop_border"], options["use_luma"], smallest=1)
    difference = _to_levels(y_true, **options) - _to_levels(y_pred, **options)
    error = ops.mean(ops.square(difference), axis=(1, 2, 3))
    return 10 * ops.log10(255.0**2 / ops.maximum(error, 255.0**2 / 10 ** (HIGHEST / 10)))


def _gaussian(images):
    """Mean under an 11-tap Gaussian along height, then width. Sums of slices, since convolutions may run in
    reduced precision on a GPU."""
    taps = np.exp(-(np.arange(-5.0, 6.0) ** 2) / (2 * 1.5**2))
    taps = (taps / taps.sum()).tolist()
    images = sum(tap * images[:, i : (i - 10) or None] for i, tap in enumerate(taps))
    return sum(tap * images[:, :, i : (i - 10) or None] for i, tap in enumerate(taps))


def _ssim_per_image(y_true, y_pred, **options):
    _check_batches(y_true, y_pred, options["crop_border"], options["use_luma"], smallest=11)
    x, y = _to_levels(y_true, **options), _to_levels(y_pred, **options)
    mean_x, mean_y = _gaussian(x), _gaussian(y)
    variance_x = _gaussian(x * x) - mean_x**2
    variance_y = _gaussian(y * y) - mean_y**2
    covariance = _gaussian(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return ops.mean(similarity, axis=(1, 2, 3))


class _ImageMetric(keras.metrics.MeanMetricWrapper):
    def __init__(self, per_image, name, dtype, crop_border, luma):
        if not isinstance(crop_border, int) or crop_border < 0:
            raise UserError(f"Expected crop_border as a whole number of pixels, 0 or more, got {crop_border!r}.")
        self.options = {"crop_border": crop_border, "luma": luma}
        super().__init__(per_image, name, dtype, crop_border=crop_border, use_luma=luma)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, **self.options}


@keras.saving.register_keras_serializable("srhelpers")
class PSNR(_ImageMetric):
    """Mean over images of `psnr`, as a Keras metric for `compile`.

    Predictions are first clipped and rounded to the 256 levels of a saved picture, so the figure is what
    `psnr` gives on the files. Each image gets its own PSNR, at most 100 dB, and these are averaged. The articles
    take the logarithm of the mean error over a whole *batch*, without rounding: that figure is never higher than
    the mean over images, and it changes with the batch size and with which photos share a batch.

    Batches (N, H, W, C) are in 0…255; `crop_border` and `luma` as in `psnr`. `luma` needs three channels.
    """

    def __init__(self, name="psnr", dtype=None, *, crop_border: int = 0, luma: bool = False):
        super().__init__(_psnr_per_image, name, dtype, crop_border, luma)


@keras.saving.register_keras_serializable("srhelpers")
class SSIM(_ImageMetric):
    """Mean over images of `ssim`, as a Keras metric for `compile`. Arguments as in `PSNR`.

    `keras.ops.image.ssim` exists only from Keras 3.15 on; this metric needs Keras 3.12.
    """

    def __init__(self, name="ssim", dtype=None, *, crop_border: int = 0, luma: bool = False):
        super().__init__(_ssim_per_image, name, dtype, crop_border, luma)
