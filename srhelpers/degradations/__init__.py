"""From high to low resolution: plain downsampling, or with damage as files and cameras do it. NumPy in, NumPy out.

A degradation is a function (image, (height, width)) → image, uint8 RGB. Those with chance in them also take a random
generator; without one, the pixels of the photo are the seed, so that a photo always gets the same damage.
"""

from .damages import DAMAGES, DEGRADATIONS, PLAIN, Damage, named, title
from .operators import (
    blur,
    gaussian_kernel,
    gaussian_noise,
    generalized_kernel,
    jpeg,
    plateau_kernel,
    poisson_noise,
    sinc_kernel,
)
from .resizing import (
    INTERPOLATIONS,
    KERNELS,
    area,
    bicubic,
    blurred_bicubic,
    crop_to_multiple,
    keys,
    opencv,
    resize,
)
from .second_order import Round, SecondOrder
