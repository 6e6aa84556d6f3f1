"""How large the steps of a training are."""

import keras

from ..runtime import UserError


def warmup_cosine(peak: float, steps: int, warmup: int | None = None) -> keras.optimizers.schedules.CosineDecay:
    """A learning rate that rises to its peak in the first steps (*warm-up*) and then falls to zero along a cosine.

    Args:
        peak: the largest rate; the first step has a twentieth of it.
        steps: of the whole training; the rate is zero after them.
        warmup: steps until the peak; None takes a tenth of all.

    Raises:
        UserError: if steps are none, or all of them are warm-up.

    Source: Loshchilov and Hutter 2017 (SGDR), without restarts; Goyal et al. 2017, section 2.2, for the warm-up.

    >>> import srhelpers as sr
    >>> rate = sr.training.warmup_cosine(1e-3, steps=100)
    >>> [round(float(rate(step)), 6) for step in (0, 10, 55, 100)]
    [5e-05, 0.001, 0.0005, 0.0]
    """
    warmup = steps // 10 if warmup is None else warmup
    if not 0 <= warmup < steps:
        raise UserError(f"Expected more steps than those of the warm-up, got {steps} and {warmup}.")
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(peak, steps)
    return keras.optimizers.schedules.CosineDecay(peak / 20, steps - warmup, warmup_target=peak, warmup_steps=warmup)
