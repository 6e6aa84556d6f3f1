import doctest
import importlib
import inspect
import pkgutil

import pytest

import srhelpers as sr


def imported(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name:
            raise
        pytest.skip(str(error))  # ours, which says what of an extra is missing


MODULES = [module.name for module in pkgutil.walk_packages(sr.__path__, "srhelpers.")]


@pytest.mark.parametrize("name", ["srhelpers", *MODULES])
def test_examples_run_as_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = imported(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_says_what_it_does(name):
    module = imported(name)
    assert module.__doc__
    for label, value in vars(module).items():
        named = inspect.isfunction(value) or inspect.isclass(value)
        if named and not label.startswith("_") and value.__module__ == name:
            assert value.__doc__, f"{name}.{label} has no docstring"
