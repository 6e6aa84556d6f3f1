# What `sr.` offers. Modules are imported on first use (see lazy_loader).
from . import (
    datasets as datasets,
    degradations as degradations,
    generators as generators,
    layers as layers,
    losses as losses,
    metrics as metrics,
    models as models,
    notebooks as notebooks,
    opinions as opinions,
    plots as plots,
    runtime as runtime,
    training as training,
    upscaling as upscaling,
)
from .runtime import setup as setup

__version__: str
