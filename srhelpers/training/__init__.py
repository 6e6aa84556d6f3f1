"""`fit` that goes on after an interruption, and adversarial training with its checks."""

from .adversarial import GAN, collapse, require_trained
from .fitting import fit
from .keys import run_key

__all__ = [
    "GAN",
    "collapse",
    "fit",
    "require_trained",
    "run_key",
]
