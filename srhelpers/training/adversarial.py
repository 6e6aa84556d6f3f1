"""How to tell that training a generator against a discriminator goes wrong."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from ..runtime import UserError


def require_trained(generator: keras.Model, batches: keras.utils.PyDataset | tuple) -> None:
    """Refuse to go on with a generator that is worse than copying every pixel r×r times.

    A discriminator tells the pictures of an untrained generator from photos at once, and then teaches it nothing:
    SRGAN begins as SRResNet "to avoid undesired local optima" (Ledig et al. 2017, section 3.2).

    `batches` are a `keras.utils.PyDataset`, whose first batch is looked at, or one batch: (low, high) resolution.
    """
    low, high = batches if isinstance(batches, tuple) else batches[0]
    high = np.asarray(high, "float32")
    scale = high.shape[1] // low.shape[1]
    copied = np.repeat(np.repeat(low, scale, 1), scale, 2)
    made = ops.convert_to_numpy(ops.cast(generator(low, training=False), "float32"))
    found, least = (np.mean(np.square(pictures - high)) for pictures in (made, copied))
    # `not <=`: NaN is refused too. The rest is for float32, in which 255 · (x / 255) may differ from x.
    if not found <= least + 1e-3:
        with np.errstate(divide="ignore"):
            found, least = 10 * np.log10(255**2 / np.array([found, least]))
        raise UserError(
            f"Expected a generator trained on a pixel loss, got one of {found:.2f} dB PSNR where copying pixels has "
            f'{least:.2f} dB; train it first with compile(optimizer, "mse"), or load a trained one.'
        )


def collapse(floor: float, *, patience: int = 3) -> Callable[[list[dict]], str | None]:
    """The guard for adversarial training: `training.fit(gan, …, guard=collapse(floor=20))`.

    Args:
        floor: the smallest `val_psnr` that is no collapse, in dB. Adversarial training costs a decibel or two
            against the generator it started from.
        patience: after how many epochs in a row a saturated discriminator counts: `d_real` and `d_fake` within
            0.01 of 0 or 1. It tells all pictures apart, or calls all the same, and its gradient is gone.
    """

    def guard(history):
        newest = history[-1]
        missing = [name for name in ("val_psnr", "d_real", "d_fake") if name not in newest]
        if missing:
            raise UserError(
                f"Expected the history of a GAN with validation, got none of {', '.join(missing)}; give training.fit "
                "a GAN compiled with metrics=[metrics.PSNR()] and validation batches."
            )
        if not newest["val_psnr"] >= floor:
            return f"val_psnr is {newest['val_psnr']:.2f} dB, below {floor:g} dB"
        recent = [row[name] for row in history[-patience:] for name in ("d_real", "d_fake")]
        if len(history) >= patience and all(min(mean, 1 - mean) < 0.01 for mean in recent):
            d_real, d_fake = recent[-2:]
            return f"the discriminator is saturated for {patience} epochs: d_real {d_real:.4f}, d_fake {d_fake:.4f}"
        return None

    return guard
