import shutil
from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest

import srhelpers as sr

pytestmark = pytest.mark.filterwarnings("ignore:Expected 5011 photos")


def tiny(activation=None):
    """One convolution added to the enlarged photo."""
    photo = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 255)(photo)
    outputs = []
    for factor in (2, 4):
        found = keras.layers.UpSampling2D(factor)(keras.layers.Conv2D(4, 3, padding="same", activation=activation)(x))
        outputs.append(sr.studies.blocks.picture(found, f"x{factor}", base=sr.studies.blocks.enlarged(x, factor)))
    return keras.Model(photo, outputs)


@pytest.fixture
def quick():
    return sr.studies.study.Study("02", sr.setup("quick", verbose=False))


@pytest.fixture
def full(tmp_path, monkeypatch):
    """The full profile on six photos that stand where VOC would."""
    folder = tmp_path / "data" / "voc2007" / "VOC2007" / "JPEGImages"
    folder.mkdir(parents=True)
    for file in sr.datasets.photos("samples")[:6]:
        shutil.copy(file, folder)
    monkeypatch.setenv("SR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setitem(sr.studies.study.VALIDATION, "voc2007", 2)
    folders = {"results": tmp_path / "results", "models": tmp_path / "models"}
    return sr.studies.study.Study("99", sr.setup("full", verbose=False), **folders)


@pytest.fixture
def offline(monkeypatch):
    asked = []

    def refuse(source, target, **options):
        asked.append(target.name)
        raise sr.datasets.archives.DownloadError("no network")

    monkeypatch.setattr(sr.datasets.downloads, "make_folder", refuse)
    return asked


def test_full_without_photos_downloads_them(offline):
    with pytest.raises(sr.datasets.archives.DownloadError):
        sr.studies.study.Study("02", sr.setup("full", verbose=False))
    assert offline == ["voc2007"]


@pytest.mark.parametrize("profile", ["quick", "gpu"])
def test_only_full_downloads_trains_and_writes(profile, offline, tmp_path):
    folders = {"results": tmp_path / "results", "models": tmp_path / "models"}
    study = sr.studies.study.Study("02", sr.setup(profile, verbose=False), **folders)
    study.train("anything", build=None)
    study.interpolate("bicubic")
    assert (study.title, offline) == ("samples", [])
    assert not any(folder.exists() for folder in folders.values())


def test_a_full_run_writes_beside_what_ships(full, tmp_path, monkeypatch):
    """Nothing that the repository tracks is written to: results begin as a copy in a folder of the reader's own."""
    monkeypatch.setattr(sr.runtime, "own", lambda name: tmp_path / "own" / name)
    study = sr.studies.study.Study("99", full.runtime)
    assert study.results == tmp_path / "own" / "results" and study.models == tmp_path / "own" / "models"
    before = (sr.runtime.shipped("results") / "voc_study.csv").read_bytes()
    assert len(study.rows("plain, corrected")) > 0
    study.interpolate("nearest", "area")
    assert list(study.rows("nearest, area").dataset) == ["voc2007"]
    assert (sr.runtime.shipped("results") / "voc_study.csv").read_bytes() == before


@pytest.mark.slow
def test_a_changed_network_is_trained(full, tmp_path):
    """The same name and as many weights: sigmoid in place of ReLU."""
    full.interpolate("bicubic")
    scores = []
    for activation in ("relu", "sigmoid"):
        full.train("tiny", partial(tiny, activation), seeds=(0,), epochs=1, batch_size=4)
        scores.append(pd.read_csv(tmp_path / "results" / "voc_study.csv").psnr_288.iloc[-1])
    assert scores[0] != scores[1]
    assert len(list((sr.runtime.folder("cache") / "study").iterdir())) == 2


def test_first_photos_by_name_validate(full):
    assert full.title == "voc2007"
    assert len(full.validation) == 2
    assert len(full.training) == 4
    assert max(full.validation) < min(full.training)


@pytest.mark.slow
def test_every_seed_makes_a_row_and_a_history(full, tmp_path):
    full.interpolate("bicubic")
    full.train("tiny", tiny, seeds=(0, 1), epochs=2, batch_size=2)
    rows = pd.read_csv(tmp_path / "results" / "voc_study.csv")
    assert list(rows.experiment) == ["bicubic, area", "tiny", "tiny"]
    assert set(rows.dataset) == {"voc2007"}
    assert list(rows.steps) == [0, 4, 4]
    assert rows.device.iloc[1] == sr.setup("full", verbose=False).device
    histories = pd.read_csv(tmp_path / "results" / "voc_histories.csv")
    assert list(histories.epoch) == [1, 2, 1, 2]
    table = full.table("bicubic, area", "tiny")
    assert "±" in table.loc["tiny", "PSNR 144"]
    assert full.difference("tiny", "tiny", 288) == "+0.00 ± 0.00"


def test_training_again_goes_on_from_the_checkpoint(full, tmp_path):
    full.interpolate("bicubic")
    full.train("tiny", tiny, seeds=(0,), epochs=2, batch_size=2)
    first = pd.read_csv(tmp_path / "results" / "voc_study.csv").iloc[-1]
    full.train("tiny", tiny, seeds=(0,), epochs=2, batch_size=2)
    rows = pd.read_csv(tmp_path / "results" / "voc_study.csv")
    assert len(rows) == 2
    assert rows.iloc[-1].psnr_288 == pytest.approx(first.psnr_288, abs=1e-3)
    assert rows.iloc[-1].minutes == pytest.approx(first.minutes, abs=1e-3)


def test_a_shipped_model_scores_what_its_row_says(full, tmp_path):
    full.train("tiny", tiny, seeds=(0,), epochs=1, batch_size=2, ship="tiny")
    entry = sr.models.manifest(tmp_path / "models")["tiny"]
    assert entry.lesson == "99"
    assert entry.photos == 4
    scores = full.measure(sr.models.load("tiny", tmp_path / "models"))
    assert scores["psnr_288"] == pytest.approx(entry.training["score"]["psnr_288"], abs=1e-3)


def test_measures_agree_with_a_computation_by_hand(quick):
    inputs, targets = quick.batches("opencv")[1][0]

    def nearest(small):
        return [small.repeat(factor, 1).repeat(factor, 2) for factor in (2, 4)]

    scores = quick.measure(nearest, "opencv")
    for side, target, estimate in zip((144, 288), targets, nearest(inputs), strict=True):
        each = [sr.metrics.psnr(one, other) for one, other in zip(target, estimate, strict=True)]
        assert scores[f"psnr_{side}"] == pytest.approx(np.mean(each), abs=1e-3)
        error = np.mean((target.astype(float) - estimate) ** 2)
        assert scores[f"batch_{side}"] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
        each = [sr.metrics.ssim(one, other, luma=True) for one, other in zip(target, estimate, strict=True)]
        assert scores[f"ssim_{side}"] == pytest.approx(np.mean(each), abs=1e-3)


def test_an_interpolation_is_measured_like_a_model(full, tmp_path):
    full.interpolate("nearest", "area")
    row = pd.read_csv(tmp_path / "results" / "voc_study.csv").iloc[0]
    _, targets = full.batches("area")[1][0]
    inputs = full.batches("area")[1][0][0]
    each = [
        sr.metrics.psnr(target, sr.degradations.resize(small, (288, 288), "nearest"))
        for small, target in zip(inputs, targets[1], strict=True)
    ]
    assert row.psnr_288 == pytest.approx(np.mean(each), abs=1e-3)


def test_batches_are_independent_of_each_other(quick):
    first, _ = quick.batches(batch_size=2, seed=0)
    second, _ = quick.batches(batch_size=4, seed=1)
    assert (len(first), len(second)) == (5, 3)
    assert list(first.order) != list(second.order)


def test_an_unknown_experiment_is_named(quick):
    with pytest.raises(ValueError, match="no such thing"):
        quick.table("no such thing")


def test_predict_gives_pictures_for_a_picture_and_batches_for_a_batch():
    photo = sr.degradations.area(sr.datasets.sample("coffee"), (20, 24))
    medium, large = sr.studies.demo.predict(tiny(), photo)
    assert medium.shape == (40, 48, 3)
    assert large.dtype == np.uint8
    assert sr.studies.demo.predict(tiny(), photo[None])[1].shape == (1, 80, 96, 3)


def test_the_article_study_knows_two_factors():
    photo = sr.datasets.sample("coffee")
    with pytest.raises(sr.runtime.UserError, match="Expected a factor of 2 or 4, as these models have it, got 3"):
        sr.studies.demo.compare(photo, {"plain": "voc_plain"}, factor=3)
    assert sr.studies.demo.compare(photo, {"plain": "voc_plain"}, factor=2)
    assert sr.studies.demo.restore(photo[:90, :120], {"plain": "voc_plain"}, scale=3)
