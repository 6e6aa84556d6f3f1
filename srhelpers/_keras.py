"""Registers our layers, losses and metrics with Keras as soon as somebody imports it, so that files load by themselves.

Keras is not imported for it: `srhelpers download` needs no deep-learning framework.
"""

import contextlib
import importlib.abc
import importlib.util
import logging
import os
import sys


@contextlib.contextmanager
def quiet():
    """Keep out what libraries write past Python to the console: TensorFlow does so when it is imported."""
    sys.stderr.flush()
    console, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(console, 2)
        os.close(console)
        os.close(nowhere)


def register():
    """Now if Keras is there already, else right after its import."""
    if "keras" in sys.modules:
        _after_keras()
    else:
        sys.meta_path.insert(0, _Finder())


def _after_keras():
    for name in ("layers", "losses", "metrics.images"):
        importlib.import_module(f"{__package__}.{name}")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it would advise against pictures of many sizes


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec:
            execute = spec.loader.exec_module

            def execute_quietly(module):
                with quiet():
                    execute(module)
                _after_keras()

            spec.loader.exec_module = execute_quietly
        return spec
