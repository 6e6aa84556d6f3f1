import shutil

import keras
import numpy as np
import pandas as pd
import pytest

import srhelpers as sr


def tiny(scale=4, activation=None):
    photo = keras.Input((None, None, 3))
    x = keras.layers.UpSampling2D(scale)(keras.layers.Rescaling(1 / 255)(photo))
    return keras.Model(
        photo, keras.layers.Rescaling(255)(keras.layers.Conv2D(3, 3, padding="same", activation=activation)(x))
    )


@pytest.fixture
def full(tmp_path, monkeypatch):
    """The full profile on six photos that stand where DIV2K would, and two where Set5 would."""
    photos = sr.datasets.photos("samples")
    for folder, files in {"div2k_train/DIV2K_train_HR": photos[:6], "Set5/HR": photos[3:5]}.items():
        target = tmp_path / "data" / folder
        target.mkdir(parents=True)
        for file in files:
            shutil.copy(file, target)
    monkeypatch.setenv("SR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setitem(sr.studies.patch_study.VALIDATION, "div2k_train", 2)
    folders = {"results": tmp_path / "results", "models": tmp_path / "models"}
    return sr.studies.patch_study.PatchStudy("99", sr.setup("full", verbose=False), **folders)


@pytest.mark.filterwarnings("ignore:Expected 800 photos", "ignore:Expected 5 photos")
def test_a_full_run_trains_ships_measures_and_is_not_repeated(full, monkeypatch, capsys):
    keras.utils.set_random_seed(0)
    model = tiny()
    settings = {"steps": 6, "epochs": 3, "patch_size": 8, "batch_size": 2, "side": 96}
    model.compile(keras.optimizers.Adam(1e-3), loss="mae", metrics=[sr.studies.patch_study.luma_psnr(4)])
    full.train("tiny_x4", model, loss="mae", **settings)

    history = full.history("tiny_x4")
    assert list(history.epoch) == [1, 2, 3] and list(history.steps) == [2, 4, 6]
    facts = sr.models.manifest(full.models)["tiny_x4"]
    assert (facts.lesson, facts.data, facts.photos, facts.steps) == ("99", "div2k_train", 4, 6)
    best = history.loc[history.val_loss.idxmin()]
    assert (facts.training["epoch"], facts.training["score"]["psnr_y"]) == (
        best.epoch,
        pytest.approx(best.val_psnr, abs=1e-3),
    )

    def upscaled(image, size):
        return sr.upscaling.upscale(image, sr.models.load(full.models / "tiny_x4.keras"), scale=4)

    rows = pd.read_csv(full.results / "benchmarks.csv")
    measured = sr.metrics.summarise(sr.metrics.evaluate(upscaled, "Set5", 4)).iloc[0]
    assert rows.loc[0, ["dataset", "method", "scale", "images"]].tolist() == ["Set5", "tiny_x4", 4, 2]
    assert rows.psnr_y[0] == pytest.approx(measured.psnr_y, abs=1e-4)

    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("trained again"))
    again = tiny()
    again.compile(keras.optimizers.Adam(1e-3), loss="mae", metrics=[sr.studies.patch_study.luma_psnr(4)])
    full.train("tiny_x4", again, loss="mae", **settings)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:Expected 800 photos", "ignore:Expected 5 photos")
def test_validation_photos_are_not_trained_on(full):
    training, validation = full.batches(2, patch_size=8, side=64)
    assert set(training.files).isdisjoint(validation.files)
    assert len(validation[0][0]) == 2 and validation[0][1].shape == (2, 64, 64, 3)


def test_the_table_shows_measured_and_published_rows(tmp_path):
    study = sr.studies.patch_study.PatchStudy("99", sr.setup("quick", verbose=False), results=tmp_path)
    row = {"scale": 4, "degradation": "bicubic", "images": 5, "psnr_rgb": 1.0, "lpips": 0.5, "device": "", "date": ""}
    rows = [
        {"dataset": "Set5", "method": "ours", "psnr_y": 30.126, "ssim_y": 0.91234, **row},
        {"dataset": "Set5", "method": "ours", "psnr_y": 1.0, "ssim_y": 0.1, **row, "scale": 2},
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "benchmarks.csv", index=False)
    table = study.table("ours", papers={"theirs": {"B100": (27.5, 0.73)}})
    assert table.loc["ours"].tolist() == ["30.13 / .9123", "", ""]
    assert table.loc["theirs"].tolist() == ["", "", "27.50 / .7300"]


@pytest.mark.parametrize("profile", ["quick", "gpu"])
def test_only_full_writes(profile, tmp_path):
    folders = {"results": tmp_path / "results", "models": tmp_path / "models"}
    study = sr.studies.patch_study.PatchStudy("99", sr.setup(profile, verbose=False), **folders)
    study.train("nothing", None, steps=1, epochs=1)
    study.measure("bicubic")
    assert study.title == "samples"
    assert not any(folder.exists() for folder in folders.values())


@pytest.mark.filterwarnings("ignore:Expected 800 photos", "ignore:Expected 5 photos")
def test_as_many_steps_are_made_as_asked(full):
    """Five epochs do not divide seven steps, and the schedule counts on all of them."""
    for _ in range(2):
        model = tiny()
        schedule = keras.optimizers.schedules.CosineDecay(1e-3, 7)
        model.compile(keras.optimizers.Adam(schedule), loss="mae", metrics=[sr.studies.patch_study.luma_psnr(4)])
        full.train("tiny_x4", model, steps=7, epochs=5, patch_size=8, batch_size=2, side=96)
        history = full.history("tiny_x4")
        assert list(history.steps) == [2, 4, 6, 7]
        assert history.learning_rate.iloc[-1] == pytest.approx(0, abs=1e-9)
    assert sr.models.manifest(full.models)["tiny_x4"].steps == 7


@pytest.mark.filterwarnings("ignore:Expected 800 photos", "ignore:Expected 5 photos")
def test_a_changed_network_is_trained(full):
    """The same name and as many weights: sigmoid in place of nothing."""
    weights = []
    for activation in (None, "sigmoid"):
        keras.utils.set_random_seed(0)
        model = tiny(activation=activation)
        model.compile("adam", loss="mae", metrics=[sr.studies.patch_study.luma_psnr(4)])
        full.train("tiny_x4", model, steps=2, epochs=1, patch_size=8, batch_size=2, side=96)
        weights.append(model.get_weights()[0])
    assert not np.array_equal(*weights)


def test_an_unknown_history_is_named(tmp_path):
    study = sr.studies.patch_study.PatchStudy("99", sr.setup("quick", verbose=False), results=tmp_path)
    (tmp_path / "histories").mkdir()
    (tmp_path / "histories" / "a.csv").write_text("epoch\n1\n")
    with pytest.raises(FileNotFoundError, match="Expected a model of a, got 'c'"):
        study.history("c")
