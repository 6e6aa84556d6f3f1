"""`fit` that goes on after an interruption, and the learning rate of the lessons."""

from .fitting import fit
from .keys import run_key
from .schedules import warmup_cosine
