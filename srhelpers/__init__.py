"""What the notebooks share. Start with `sr.setup()`, then use the modules as `sr.metrics`, `sr.plots`, …

>>> import srhelpers as sr
>>> photo = sr.datasets.sample("chelsea")
>>> photo.shape
(300, 451, 3)
"""

import contextlib
import importlib
import importlib.util
import os
import sys

__version__ = "0.1.0"

MODULES = (
    "adversarial",
    "archives",
    "blocks",
    "catalog",
    "datasets",
    "decoding",
    "degradations",
    "demo",
    "downloads",
    "encoding",
    "evaluation",
    "files",
    "generators",
    "layers",
    "losses",
    "metrics",
    "models",
    "notebooks",
    "patch_study",
    "perceptual",
    "pictures",
    "plots",
    "pretrained",
    "receptive_fields",
    "runtime",
    "shipped",
    "study",
    "training",
    "upscaling",
    "video",
    "widgets",
)
NAMES = {"setup": "runtime", "load_model": "training"}  # what notebooks call without its module

# Keras picks its backend on import, so these must be set before any module of ours imports it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if not importlib.util.find_spec("tensorflow") and importlib.util.find_spec("jax"):
    os.environ.setdefault("KERAS_BACKEND", "jax")


@contextlib.contextmanager
def quiet():
    """Keep what libraries write past Python to the console out: TensorFlow does so when it is imported.

    >>> import srhelpers as sr
    >>> with sr.quiet():
    ...     import keras
    """
    sys.stderr.flush()
    console, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(console, 2)
        os.close(console)
        os.close(nowhere)


def __getattr__(name):
    """Import a module on first use: `srhelpers download` needs no deep-learning framework."""
    if name in NAMES:
        return getattr(__getattr__(NAMES[name]), name)
    if name in MODULES:
        try:
            with quiet():
                return importlib.import_module(f".{name}", __name__)
        except ModuleNotFoundError as error:
            if error.name is None:  # a module of ours that says itself what is missing
                raise
            raise ModuleNotFoundError(
                f"Expected the package {error.name}, which is not installed; install the course with pip, as its "
                "README says, and restart.",
                name=error.name,
            ) from error
    raise AttributeError(f"module 'srhelpers' has no attribute {name!r}; it holds {', '.join([*NAMES, *MODULES])}")


def __dir__():
    return [*globals(), *MODULES, *NAMES]
