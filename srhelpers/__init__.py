"""What the lessons share. Start with `sr.setup()`, then use the modules as `sr.metrics`, `sr.plots`, …

In the order in which a reader meets them; each imports only those before it:

    runtime        where this runs: backend, device, precision, profile, folders; `setup()`
    datasets       find, download and read photos
    degradations   from high to low resolution, and interpolation back
    generators     batches of photos for `fit`
    layers, losses what Keras does not have
    training       `fit` that goes on after an interruption
    models         the networks that ship: load, save, list
    upscaling      a network on pictures, folders and clips of any size
    metrics        PSNR, SSIM, LPIPS; `evaluate` any network on any photos
    plots          figures, and what a reader touches in a notebook
    opinions       a blind study of what people prefer
    notebooks      run the lessons
"""

import importlib.util
import os

import lazy_loader

from . import _keras

__version__ = "0.3.0"

# Keras picks its backend on import, so these must be set before any module of ours imports it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if not importlib.util.find_spec("tensorflow") and importlib.util.find_spec("jax"):
    os.environ.setdefault("KERAS_BACKEND", "jax")

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Import a name on first use; where a package is missing (a clone that is not installed), say what to do."""
    try:
        return _find(name)
    except ModuleNotFoundError as error:
        if error.name is None:  # a module of ours that says itself what is missing
            raise
        raise ModuleNotFoundError(
            f"Expected the package {error.name}, which is not installed; install the course with pip, as its "
            "README says, and restart.",
            name=error.name,
        ) from error


_keras.register()

del importlib, os, lazy_loader
