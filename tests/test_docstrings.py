import doctest
import importlib
import inspect

import pytest

import srhelpers as sr

NAMES = [*sr.MODULES, "__main__"]


def public(module):
    for name, value in vars(module).items():
        named = inspect.isfunction(value) or inspect.isclass(value)
        if named and not name.startswith("_") and value.__module__ == module.__name__:
            yield name, value


@pytest.mark.parametrize("name", ["__init__", *NAMES])
def test_examples_run_as_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = sr if name == "__init__" else importlib.import_module(f"srhelpers.{name}")
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
    assert result.attempted > 0 or name == "catalog"


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_says_what_it_does_and_shows_it(name):
    module = importlib.import_module(f"srhelpers.{name}")
    assert module.__doc__
    for label, value in public(module):
        assert value.__doc__, f"{name}.{label} has no docstring"
        assert ">>> " in value.__doc__, f"{name}.{label} has no example"
