"""`fit` that goes on after an interruption."""

from .fitting import fit
from .keys import run_key
