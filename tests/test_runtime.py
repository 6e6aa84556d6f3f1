import os
import random
import shutil
import subprocess
import sys

import keras
import pytest
from conftest import REPOSITORY

import srhelpers as sr
from srhelpers import runtime


@pytest.fixture(autouse=True)
def _policy():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def test_setup_prints_one_tidy_block(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SR_DATA_DIR", str(tmp_path / "data"))
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path))
    found = sr.setup()
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:14].strip(): line[15:] for line in lines}
    assert rows["backend"] == keras.backend.backend() == found.backend
    assert rows["profile"].startswith(found.profile)
    assert rows["precision"] == keras.config.dtype_policy().name
    assert rows["data folder"] == "~/data"
    assert rows["weights folder"] == "not set (SR_WEIGHTS_DIR)"
    assert f"keras {keras.__version__}" in rows["versions"]
    assert set(rows) >= {"platform", "device", "seed", "cache folder"}


def test_profile_argument_beats_variable_beats_accelerator(monkeypatch):
    monkeypatch.setenv("SR_PROFILE", "full")
    assert sr.setup(verbose=False).profile == "full"
    assert sr.setup("quick", verbose=False).profile == "quick"
    monkeypatch.setenv("SR_PROFILE", "fast")
    with pytest.raises(ValueError, match=r"profile of quick, gpu, full, got 'fast' \(argument or SR_PROFILE\)"):
        sr.setup()


@pytest.mark.parametrize(("devices", "profile"), [("cpu:0", "quick"), ("gpu:0 gpu:1", "gpu"), ("tpu:0", "gpu")])
def test_full_is_never_chosen_by_itself(devices, profile, monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda *_: devices.split())
    monkeypatch.setenv("SR_DEVICES", "1")  # they are not there
    assert sr.setup(verbose=False).profile == profile


def test_what_ships_and_what_a_reader_makes_lie_apart(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert (runtime.shipped("models") / "manifest.json").exists()
    for name in ("models", "results"):
        assert runtime.own(name) == REPOSITORY / "build" / name

    package = tmp_path / "site-packages" / "srhelpers"
    (package / "data" / "models").mkdir(parents=True)
    shutil.copy(runtime.__file__, package)
    (package / "__init__.py").touch()
    shutil.copy(REPOSITORY / "srhelpers" / "_keras.py", package)
    code = "from srhelpers.runtime import *; print(shipped('models'), own('models'), sep='\\n')"
    done = run(code, PYTHONPATH=str(package.parent))
    assert done.stdout.split() == [str(package / "data" / "models"), str(tmp_path / "srhelpers_data" / "models")]


def test_seed_makes_runs_repeat():
    draws = []
    for seed in (3, 3, 4):
        sr.setup(seed=seed, verbose=False)
        draws.append((random.random(), float(keras.random.normal((), seed=keras.random.SeedGenerator()))))
    assert draws[0] == draws[1] != draws[2]


def test_precision_can_be_overridden(monkeypatch):
    monkeypatch.setenv("SR_PRECISION", "mixed_bfloat16")
    try:
        assert sr.setup(verbose=False).precision == "mixed_bfloat16"
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        assert sr.setup(precision="float32", verbose=False).precision == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


def test_precision_follows_the_hardware():
    assert runtime._choose_precision("cpu", 0) == "float32"
    assert runtime._choose_precision("tpu", 0) == "mixed_bfloat16"
    assert runtime._choose_precision("gpu", 9.0) == "mixed_bfloat16"  # H100, H200
    assert runtime._choose_precision("gpu", 8.0) == "mixed_bfloat16"  # A100
    assert runtime._choose_precision("gpu", 7.5) == "mixed_float16"  # T4
    assert runtime._choose_precision("gpu", 6.0) == "mixed_float16"  # P100
    assert runtime._choose_precision("gpu", 0) == "float32"  # no driver to ask
    sr.setup(precision="mixed_bfloat16", verbose=False)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script for sh")
def test_the_gpu_is_asked_for_its_name(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H200, 9.0'\necho 'NVIDIA H200, 9.0'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert runtime._gpu() == ("NVIDIA H200", 9.0)
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert runtime._gpu() == ("GPU", 0.0)


def test_unsupported_versions_are_refused():
    good = {"python": "3.11.7", "keras": "3.13.2", "tensorflow": "2.20.0"}
    runtime.check_versions(good)
    with pytest.raises(
        sr.runtime.UserError, match=r"keras 3.12 or newer, got 3.10.0; run: python -m pip install --upgrade keras"
    ):
        runtime.check_versions(good | {"keras": "3.10.0"})
    with pytest.raises(
        sr.runtime.UserError, match=r"other than 3.14.0, which gives the outputs of a model each other's metrics"
    ):
        runtime.check_versions(good | {"keras": "3.14.0"})
    with pytest.raises(sr.runtime.UserError, match=r"tensorflow 2.19 or newer, got 2.16.1"):
        runtime.check_versions(good | {"tensorflow": "2.16.1"})
    with pytest.raises(sr.runtime.UserError, match=r"python 3.11 or newer, got 3.10.2; use a newer Python"):
        runtime.check_versions(good | {"python": "3.10.2"})
    for newer in ("3.14.1", "3.99.0.dev1"):
        runtime.check_versions(good | {"keras": newer})


def run(code, **variables):
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"} | variables
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_a_missing_backend_is_named():
    done = run("import srhelpers as sr; sr.setup()", KERAS_BACKEND="nonsense")
    assert "Expected the Keras backend nonsense, which is not installed; run: python -m pip install" in done.stderr


def test_jax_is_taken_where_tensorflow_is_not_installed():
    pytest.importorskip("jax")
    hide = (
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'tensorflow' else find(name, *rest)\n"
    )
    done = run(hide + "import srhelpers as sr; print(sr.setup(verbose=False).backend)")
    assert done.stdout.split() == ["jax"], done.stderr


def test_nothing_but_the_block_is_printed():
    done = run("import srhelpers as sr; sr.setup(); sr.metrics.PSNR()", KERAS_BACKEND=keras.backend.backend())
    assert done.stderr == ""
    assert done.stdout.startswith("platform")


def test_a_script_that_upscales_prints_nothing(monkeypatch):
    """Nor does TensorFlow, which has words for its import and for its first operation."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # `import srhelpers` has set it here
    code = "import srhelpers as sr; photo = sr.datasets.sample('chelsea')[:16, :16]\n"
    code += "sr.upscaling.upscale(photo, 'voc_plain', scale=2)"
    done = run(code, KERAS_BACKEND=keras.backend.backend())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_public_names_are_listed():
    assert set(dir(sr)) == set(sr.__all__)
    assert not {"os", "sys", "contextlib", "importlib", "lazy_loader"} & {*dir(sr), *vars(sr)}


def test_downloading_needs_no_backend():
    code = "import sys; from srhelpers.__main__ import main; main(sys.argv[1:]); print('keras' in sys.modules)"
    for command in (["download", "samples"], ["download", "--list"]):
        done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
        assert done.stdout.split()[-1] == "False", done.stderr


def test_an_unknown_name_is_named():
    with pytest.raises(AttributeError, match="No srhelpers attribute metric"):
        _ = sr.metric
    assert {"setup", "metrics"} <= set(dir(sr))


def test_platforms(monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert sr.setup(verbose=False).platform == "Kaggle"
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: True)
    assert runtime._platform() == "Colab"
