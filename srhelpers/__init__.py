"""What the lessons share. Start with `sr.setup()`, then use the modules as `sr.metrics`, `sr.plots`, …

In the order in which a reader meets them; each imports only those before it:

    runtime        where this runs: backend, device, precision, profile, folders; `setup()`
    datasets       find, download and read photos
    degradations   from high to low resolution, and interpolation back
    generators     batches of photos for `fit`
    layers, losses what Keras does not have
    training       `fit` that goes on after an interruption; adversarial training
    models         the networks that ship: load, save, list
    upscaling      a network on pictures, folders and clips of any size
    metrics        PSNR, SSIM, LPIPS; `evaluate` any network on any photos
    plots          figures, and what a reader touches in a notebook
    notebooks      run the lessons

>>> import srhelpers as sr
>>> photo = sr.datasets.sample("chelsea")
>>> photo.shape
(300, 451, 3)
"""

import importlib.util
import os

import lazy_loader

from . import _keras

__version__ = "0.2.0"

# Keras picks its backend on import, so these must be set before any module of ours imports it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if not importlib.util.find_spec("tensorflow") and importlib.util.find_spec("jax"):
    os.environ.setdefault("KERAS_BACKEND", "jax")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

_keras.register()

del importlib, os, lazy_loader
