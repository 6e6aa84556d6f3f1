"""Real-ESRGAN's degradation: blur, resizing, noise and JPEG, twice, all drawn at random."""

from dataclasses import dataclass

import cv2
import numpy as np

from . import operators
from .damages import generator

# What the paper draws from, with its shares.
SHAPES = {
    "isotropic": 0.45,
    "anisotropic": 0.25,
    "generalized isotropic": 0.12,
    "generalized anisotropic": 0.03,
    "plateau isotropic": 0.12,
    "plateau anisotropic": 0.03,
}
SINC = 0.1  # share of blur kernels that are a sinc filter instead
SIZES = range(7, 22, 2)  # of kernels
RESIZES = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
GRAY = 0.4  # share of noise that is the same in all channels


@dataclass(frozen=True)
class Round:
    """The ranges that one round of degradation draws from; those given here are the first round's.

    Args:
        blur: share of the pictures that are blurred.
        sigma: of blur kernels, in pixels.
        resize: smallest and largest factor.
        directions: shares of (larger, smaller, as it is).
        noise: sigma of Gaussian noise, in gray levels; half of the pictures get it.
        poisson: strength of Poisson noise; the other half.
        jpeg: quality.
    """

    blur: float = 1.0
    sigma: tuple[float, float] = (0.2, 3.0)
    resize: tuple[float, float] = (0.15, 1.5)
    directions: tuple[float, float, float] = (0.2, 0.7, 0.1)
    noise: tuple[float, float] = (1, 30)
    poisson: tuple[float, float] = (0.05, 3.0)
    jpeg: tuple[float, float] = (30, 95)


SECOND = Round(0.8, (0.2, 1.5), (0.3, 1.2), (0.3, 0.4, 0.3), (1, 25), (0.05, 2.5))


@dataclass(frozen=True)
class SecondOrder:
    """Two rounds of degradation; last a sinc filter, before or after the second JPEG, at the size that is asked for.

    Args:
        first, second: ranges of the two rounds.
        final_sinc: share of the pictures that get the last filter.

    Source: Wang et al. 2021 (Real-ESRGAN), section 3, with the numbers of its options file train_realesrnet_x4plus.

    >>> import srhelpers as sr
    >>> degradation = sr.degradations.SecondOrder()
    >>> degradation(sr.datasets.sample("coffee"), (100, 150)).shape
    (100, 150, 3)
    """

    first: Round = Round()
    second: Round = SECOND
    final_sinc: float = 0.8

    def __call__(self, image: np.ndarray, size: tuple[int, int], rng: np.random.Generator | None = None) -> np.ndarray:
        """The small picture of this size; without a random generator the pixels are the seed."""
        rng = rng or generator(image)
        image = _through_jpeg(_blurred_and_noisy(image, image.shape[:2], self.first, rng), self.first, rng)
        image = _blurred_and_noisy(image, size, self.second, rng)
        if rng.random() < 0.5:
            return _through_jpeg(self._settled(image, size, rng), self.second, rng)
        return self._settled(_through_jpeg(image, self.second, rng), size, rng)

    def _settled(self, image, size, rng):
        """At its last size, through the last filter."""
        image = _resized(image, size, rng)
        if rng.random() >= self.final_sinc:
            return image
        return operators.blur(image, operators.sinc_kernel(rng.choice(SIZES), rng.uniform(np.pi / 3, np.pi)))


def random_kernel(sigma: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """A blur kernel as the paper draws them, with sigmas from this range."""
    size = rng.choice(SIZES)
    if rng.random() < SINC:
        return operators.sinc_kernel(size, rng.uniform(np.pi / (3 if size < 13 else 5), np.pi))
    shape = rng.choice(list(SHAPES), p=list(SHAPES.values()))
    isotropic = "anisotropic" not in shape
    sigmas, angle = (rng.uniform(*sigma), 0.0) if isotropic else (rng.uniform(*sigma, 2), rng.uniform(-np.pi, np.pi))
    if shape.startswith("generalized"):
        beta = rng.uniform(0.5, 1) if rng.random() < 0.5 else rng.uniform(1, 4)
        return operators.generalized_kernel(size, sigmas, angle, beta=beta)
    if shape.startswith("plateau"):
        beta = 1 if rng.random() < 0.5 else rng.uniform(1, 2)
        return operators.plateau_kernel(size, sigmas, angle, beta=beta)
    return operators.gaussian_kernel(size, sigmas, angle)


def _blurred_and_noisy(image, size, ranges, rng):
    """Blur, a random factor times `size`, noise."""
    if rng.random() < ranges.blur:
        image = operators.blur(image, random_kernel(ranges.sigma, rng))
    smallest, largest = ranges.resize
    drawn = {"larger": (1, largest), "smaller": (smallest, 1), "as it is": (1, 1)}
    factor = rng.uniform(*drawn[rng.choice(list(drawn), p=ranges.directions)])
    image = _resized(image, [max(int(length * factor), 1) for length in size], rng)
    gaussian, gray = rng.random() < 0.5, rng.random() < GRAY
    noisy = operators.gaussian_noise if gaussian else operators.poisson_noise
    return noisy(image, rng.uniform(*(ranges.noise if gaussian else ranges.poisson)), rng, gray=gray)


def _resized(image, size, rng):
    return cv2.resize(image, tuple(size)[::-1], interpolation=int(rng.choice(RESIZES)))


def _through_jpeg(image, ranges, rng):
    return operators.jpeg(image, round(rng.uniform(*ranges.jpeg)))
