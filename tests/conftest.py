import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import srhelpers as sr

REPOSITORY = Path(__file__).resolve().parent.parent
# Real benchmark sets, where somebody put them; they are never part of the repository.
BENCHMARKS = Path(os.environ.get("SR_DATA_DIR") or REPOSITORY.parent / "shared" / "datasets").expanduser()
WEIGHTS = Path(os.environ.get("SR_WEIGHTS_DIR") or REPOSITORY.parent / "shared" / "weights").expanduser()

sys.path.insert(0, str(REPOSITORY / "recipes"))
from lesson import definitions  # noqa: E402, F401, for tests of lessons

CONSTANT = r"(?m)^({} *= *)(.+?)( *#.*)?$"  # a line of a lesson
SHORTER = {"STEPS": 4, "EPOCH_STEPS": 2, "SHORT": 4, "SHORT_STEPS": 4, "TRIAL": 2, "DRAWS": 5, "PATCH": 16}


def has(text, name):
    return re.search(CONSTANT.format(name), text) is not None


def changed(text, constants):
    """The script with other values on the lines of those constants that it has."""
    for name, value in constants.items():
        text = re.sub(CONSTANT.format(name), lambda line, value=value: f"{line[1]}{value!r}{line[3] or ''}", text)
    return text


def link(place, target):
    """A link there that leads to the target."""
    try:
        place.symlink_to(target)
    except OSError:
        if sys.platform == "win32":
            pytest.skip("Windows lets only administrators and developers make links")
        raise


# Windows and macOS take only names that are Unicode.
any_bytes = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="no names here that are not UTF-8")


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path):
    """No test sees the user's data, cache or Kaggle login."""
    for name in ("DATA_DIR", "WEIGHTS_DIR", "PROFILE", "PRECISION"):
        monkeypatch.delenv(f"SR_{name}", raising=False)
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SR_KAGGLE_INPUT", str(tmp_path / "kaggle" / "input"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "kaggle" / "config"))
    monkeypatch.setenv("MPLBACKEND", "agg")


@pytest.fixture
def benchmarks():
    if not (BENCHMARKS / "Set5" / "LR_bicubic").is_dir():
        pytest.skip("the benchmark sets are not here; set SR_DATA_DIR to a folder with Set5, Set14 and B100")
    return BENCHMARKS


@pytest.fixture(scope="session")
def photo():
    return sr.datasets.sample("coffee")


@pytest.fixture
def random():
    return np.random.default_rng(0)
