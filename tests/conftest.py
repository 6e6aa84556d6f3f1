import ast
import os
from pathlib import Path

import numpy as np
import pytest

import srhelpers as sr

REPOSITORY = Path(__file__).resolve().parent.parent
# Real benchmark sets, where somebody put them; they are never part of the repository.
BENCHMARKS = Path(os.environ.get("SR_DATA_DIR") or REPOSITORY.parent / "shared" / "datasets").expanduser()
WEIGHTS = Path(os.environ.get("SR_WEIGHTS_DIR") or REPOSITORY.parent / "shared" / "weights").expanduser()


def definitions(number, **names):
    """What a notebook imports and defines: functions, partials and plain constants, without running anything else."""
    file = next((REPOSITORY / "notebooks" / "scripts").glob(f"{number}_*.py"))
    kept, imported = [], set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {alias.asname or alias.name for alias in node.names}
        wanted = isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom)
        if isinstance(node, ast.Assign):
            partial = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "partial"
            used = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            wanted = partial or (getattr(node.targets[0], "id", "").isupper() and used <= imported)
        if wanted:
            kept.append(node)
    exec(compile(ast.Module(kept, []), str(file), "exec"), names)
    return names


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
