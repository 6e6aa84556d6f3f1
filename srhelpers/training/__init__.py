"""`fit` that goes on after an interruption, and the checks of adversarial training."""

from .adversarial import collapse, require_trained
from .fitting import fit
from .keys import run_key
