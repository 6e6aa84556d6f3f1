"""Damage by name, always the same for the same photo: for measuring, and for training on such pictures."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..runtime import UserError
from . import operators, resizing

Range = float | tuple[float, float] | None


def generator(image: np.ndarray) -> np.random.Generator:
    """A random generator whose seed are the pixels of a picture."""
    return np.random.default_rng(zlib.crc32(np.ascontiguousarray(image)))


@dataclass(frozen=True)
class Damage:
    """Antialiased bicubic downsampling; of the small picture then blur, noise and JPEG, in this order.

    Each strength is a number, or a range (lowest, highest) to draw from, or None for never.

    Args:
        blur: sigma of a Gaussian, in pixels of the small picture.
        noise: sigma of Gaussian noise, in gray levels.
        jpeg: quality, 1 to 100.
        gray: share of the noisy pictures whose noise is the same in all channels.
        share: of the pictures that get each kind of damage; the kinds are drawn one by one.

    >>> import srhelpers as sr
    >>> damage = sr.degradations.Damage(noise=(0, 20), jpeg=(20, 95), share=0.5)
    >>> damage(sr.datasets.sample("coffee"), (100, 150)).shape
    (100, 150, 3)
    """

    blur: Range = None
    noise: Range = None
    jpeg: Range = None
    gray: float = 0.0
    share: float = 1.0

    def __call__(self, image: np.ndarray, size: tuple[int, int], rng: np.random.Generator | None = None) -> np.ndarray:
        """The small picture of this size; without a random generator the pixels are the seed."""
        image = resizing.bicubic(image, size)
        rng = rng or generator(image)
        if (sigma := self._drawn(self.blur, rng)) is not None and sigma > 0.05:
            image = operators.blur(image, operators.gaussian_kernel(2 * int(np.ceil(3 * sigma)) + 1, sigma))
        if (sigma := self._drawn(self.noise, rng)) is not None:
            image = operators.gaussian_noise(image, sigma, rng, gray=rng.random() < self.gray)
        if (quality := self._drawn(self.jpeg, rng)) is not None:
            image = operators.jpeg(image, round(quality))
        return image

    @property
    def title(self) -> str:
        """What it does, such as "noise 0–20, jpeg 50"."""
        kinds = {"blur": self.blur, "noise": self.noise, "jpeg": self.jpeg}
        spans = {
            kind: strength if isinstance(strength, tuple | list) else (strength,) for kind, strength in kinds.items()
        }
        return ", ".join(f"{kind} {'–'.join(map(str, span))}" for kind, span in spans.items() if span != (None,))

    def _drawn(self, strength, rng):
        if strength is None or rng.random() >= self.share:
            return None
        return rng.uniform(*strength) if isinstance(strength, tuple | list) else strength


DAMAGES = {
    **{f"jpeg{quality}": Damage(jpeg=quality) for quality in (90, 75, 50, 20)},
    **{f"noise{sigma}": Damage(noise=sigma) for sigma in (5, 15)},
    "blur": Damage(blur=1.0),
}
PLAIN = {
    "bicubic": resizing.bicubic,
    "area": resizing.area,
    "opencv": resizing.opencv,
    "blurred_bicubic": resizing.blurred_bicubic,
}
DEGRADATIONS = PLAIN | DAMAGES


def named(degradation: str | Callable) -> Callable:
    """One of `DEGRADATIONS`; a function is given back as it is."""
    if callable(degradation):
        return degradation
    if degradation not in DEGRADATIONS:
        raise UserError(f"Expected a degradation of {', '.join(DEGRADATIONS)}, got {degradation!r}.")
    return DEGRADATIONS[degradation]


def title(degradation: str | Callable) -> str:
    """How tables call a degradation."""
    if isinstance(degradation, str):
        return degradation
    return getattr(degradation, "title", None) or getattr(degradation, "__name__", type(degradation).__name__)
