"""The networks of lessons 02 to 06 that ship, and the study of the article that they follow."""

import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import voc_study as study
from conftest import REPOSITORY, definitions

import srhelpers as sr

SHIPPED = ("voc_plain", "voc_residual", "voc_atrous", "voc_efficientnet", "voc_depth_to_space")


@pytest.fixture(scope="module")
def feeds(photos):
    return study.feeds("b0", photos)


@pytest.fixture(scope="module")
def photos():
    """Two photos whose sides differ and are not 72."""
    photo = sr.datasets.sample("coffee")
    return np.stack([sr.degradations.area(photo, (24, 32)), sr.degradations.area(photo[:, ::-1], (24, 32))])


def give(model, photos):
    return [keras.ops.convert_to_numpy(output) for output in model(photos)]


ARTICLE = {
    "plain, article": (39_110, 2, 4),
    "residual, article": (55_814, 2, 2),
    "atrous, article, 0.3:0.7": (138_950, 2, 2),
    "features, article": (51_151, 2, 4),
    "features, article's last": (67_318, 2, 4),
    "depth to space, article": (56_534, 1, 1),
}


@pytest.mark.parametrize("name", ARTICLE)
def test_the_articles_networks_have_their_parameters_and_their_squares(name, feeds, photos):
    parameters, *squares = ARTICLE[name]
    keras.utils.set_random_seed(1)
    model = study.build(study.RUNS[name], feeds)
    assert model.count_params() == parameters
    assert model.output_names == ["x2", "x4"]
    for output, factor, square in zip(give(model, photos), (2, 4), squares, strict=True):
        n, height, width, _ = output.shape
        assert (height, width) == (24 * factor, 32 * factor)
        blocks = output.reshape(n, height // square, square, width // square, square, 3)
        assert np.ptp(blocks, axis=(2, 4)).max() == 0
        if square < 4:
            inside = output.reshape(n, 24, factor, 32, factor, 3)
            assert square == factor or np.ptp(inside, axis=(2, 4)).max() > 0


def test_copying_first_or_last_is_the_same_function(photos):
    keras.utils.set_random_seed(0)
    printed, reordered = study.as_printed(), study.article_plain()
    reordered.set_weights(printed.get_weights())
    for one, other in zip(give(printed, photos), give(reordered, photos), strict=True):
        assert one == pytest.approx(other, abs=1e-2)


OURS = {
    "plain, corrected": False,
    "residual, from nothing": False,
    "residual, added to bicubic": True,
    "plain blocks, added to bicubic": True,
    "dilated, PSNR loss": True,
    "without features": True,
    "with features": True,
    "depth to space": True,
}


@pytest.mark.parametrize("name", OURS)
def test_our_networks_take_any_size_and_start_from_bicubic(name, feeds, photos):
    model = study.build(study.RUNS[name], feeds)
    assert model.output_names == ["x2", "x4"]
    for output, factor in zip(give(model, photos), (2, 4), strict=True):
        assert output.shape == (2, 24 * factor, 32 * factor, 3)
        if OURS[name]:
            expected = [sr.degradations.resize(photo.astype("float32"), output.shape[1:3]) for photo in photos]
            assert output == pytest.approx(np.stack(expected), abs=1e-2)


def test_without_dilation_atrous_is_the_residual_network(photos):
    atrous, residual = study.atrous(rates=[1] * 6), study.residual()
    weights = [np.random.default_rng(0).normal(0, 0.1, array.shape) for array in residual.get_weights()]
    for model in (atrous, residual):
        model.set_weights(weights)
    for one, other in zip(give(atrous, photos), give(residual, photos), strict=True):
        assert np.array_equal(one, other)


def test_dilation_widens_what_the_network_sees():
    narrow, wide = (sr.upscaling.receptive_field(study.atrous(rates)) for rates in ([1] * 6, [1, 2, 4, 1, 2, 4]))
    assert wide - narrow == 2 * (1 + 3)  # each dilated 3×3 convolution reaches rate - 1 pixels further


def test_the_article_generator_mixes_epochs():
    loop = definitions("A1")["article_loop"](10, 4)
    assert [next(loop) for _ in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


@pytest.mark.parametrize("run", [run for run in study.RUNS.values() if run.ship], ids=lambda run: run.ship)
def test_the_recipe_builds_what_ships(run, feeds, photos):
    shipped, model = sr.models.load(run.ship), study.build(run, feeds)
    if run.feed != "standardized":  # what it was standardized by are the photos of the study
        model.set_weights(shipped.get_weights())
        for one, other in zip(give(shipped, photos), give(model, photos), strict=True):
            assert np.array_equal(one, other)
    assert model.count_params() == shipped.count_params()


def test_the_recipe_has_every_row_that_ships():
    rows = pd.read_csv(sr.runtime.shipped("results") / "voc_study.csv", dtype={"notebook": str})
    assert set(rows.experiment) == {*study.RUNS, *study.INTERPOLATIONS}
    for name, run in study.RUNS.items():
        row, settings = rows[rows.experiment == name].iloc[0], study.complete(run, 1000, False)
        for key in ("epochs", "batch_size", "degradation"):
            assert settings[key] == row[key]
        assert (run.lesson, ":".join(map(str, settings["loss_weights"]))) == (row.notebook, row.weights)
        assert len(settings["seeds"]) == (rows.experiment == name).sum()


def test_on_voc_2007_the_article_is_followed_to_the_letter():
    settings = study.complete(study.RUNS["plain, article"], 4011, True)
    assert (settings["epochs"], settings["batch_size"]) == (12, 64)
    assert (settings["degradation"], settings["flips"], settings["decay"]) == ("opencv", False, False)


@pytest.fixture
def files(tmp_path):
    """Twelve photos of different shapes, two of them gray."""
    folder = tmp_path / "data" / "voc2007" / "JPEGImages"
    folder.mkdir(parents=True)
    return tuple(Path(shutil.copy(file, folder)) for file in sr.datasets.photos("samples"))


def test_whole_photos_are_squeezed_into_squares(files):
    batches = study.Squares(files, "area", 5)
    assert [len(batches[index][0]) for index in range(len(batches))] == [5, 5, 2], "the last batch is kept"
    for index, file in enumerate(files[:5]):
        photo = sr.datasets.read_image(file)
        photo = np.dstack([photo] * 3) if photo.ndim == 2 else photo
        low, (medium, high) = batches[0]
        for images, side in ((low, 72), (medium, 144), (high, 288)):
            np.testing.assert_array_equal(images[index], sr.degradations.area(photo, (side, side)))


def test_every_epoch_has_an_order_of_its_own_the_same_in_every_run(files):
    batches, again = (study.Squares(files, "opencv", 5, seed=3, flips=True) for _ in range(2))
    plain, orders = study.Squares(files, "opencv", 12)[0], []
    for epoch in range(3):
        again.set_epoch(epoch)
        assert np.array_equal(batches.order, again.order) and np.array_equal(batches.flipped, again.flipped)
        assert sorted(batches.order) == list(range(12)) and 0 < batches.flipped.sum() < 12
        low, (_, high) = batches[1]
        for row, photo in enumerate(batches.order[5:10]):
            turn = np.s_[:, :: -1 if batches.flipped[photo] else 1]
            np.testing.assert_array_equal(low[row], plain[0][photo][turn])
            np.testing.assert_array_equal(high[row], plain[1][1][photo][turn])
        orders.append(tuple(batches.order))
        batches.on_epoch_end()
    assert len(set(orders)) == 3


def test_measures_agree_with_a_computation_by_hand(files):
    def nearest(low):
        return [low.repeat(scale, 1).repeat(scale, 2) for scale in (2, 4)]

    batches = study.Squares(files, "opencv", 64)
    scores, (low, targets) = study.measured(nearest, batches), batches[0]
    for side, target, estimate in zip((144, 288), targets, nearest(low), strict=True):
        pairs = list(zip(target, estimate, strict=True))
        assert scores[f"psnr_{side}"] == pytest.approx(np.mean([sr.metrics.psnr(*pair) for pair in pairs]), abs=1e-3)
        ssim = np.mean([sr.metrics.ssim(*pair, luma=True) for pair in pairs])
        assert scores[f"ssim_{side}"] == pytest.approx(ssim, abs=1e-3)
        error = np.mean((target.astype(float) - estimate) ** 2)
        assert scores[f"batch_{side}"] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)


@pytest.mark.filterwarnings("ignore:Expected 5011 photos")
def test_a_short_run_writes_rows_curves_and_the_network_and_is_not_trained_twice(files, tmp_path, monkeypatch):
    monkeypatch.setenv("SR_DATA_DIR", str(tmp_path / "data"))
    before = keras.config.dtype_policy()
    for _ in range(2):
        run = study.Study(tmp_path / "into", "b0", short=True)
        run.interpolate("bicubic, opencv")
        run.train("plain, article")
    keras.config.set_dtype_policy(before)
    bicubic, row = pd.read_csv(tmp_path / "into" / "results" / "voc_study.csv").itertuples()
    assert (bicubic.experiment, row.experiment, row.dataset) == ("bicubic, opencv", "plain, article", "voc2007")
    assert (row.photos, row.epochs, row.steps) == (4, 1, 1)
    curves = pd.read_csv(tmp_path / "into" / "results" / "voc_histories.csv")
    assert list(curves.epoch) == [1]
    record = sr.models.manifest(tmp_path / "into" / "models")["voc_article_plain"]
    assert (record.kind, record.lesson, record.photos) == ("study", "02", 4)
    again = study.measured(
        sr.models.load("voc_article_plain", tmp_path / "into" / "models"), study.Squares(files[:8], "opencv", 64)
    )
    assert again["psnr_288"] == pytest.approx(row.psnr_288, abs=0.01)


def test_a_short_run_of_the_recipe_needs_a_folder_of_its_own():
    command = [sys.executable, REPOSITORY / "recipes" / "voc_study.py"]
    done = subprocess.run([*command, "--short"], capture_output=True, text=True)
    assert done.returncode == 2 and "--into" in done.stderr
    done = subprocess.run([*command, "no such run"], capture_output=True, text=True)
    assert done.returncode == 2 and "no such run" in done.stderr


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_small_and_known(name):
    entry = sr.models.manifest()[name]
    assert (
        entry.lesson and entry.data and entry.photos and entry.steps and entry.device and entry.minutes and entry.date
    )
    assert entry.bytes < 2e6
    assert sr.models.load(name).count_params() == entry.parameters


def test_shipped_models_need_nothing_but_their_file():
    code = (
        "import sys, keras, srhelpers.layers\n"
        "for file in sys.argv[1:]:\n"
        "    keras.saving.load_model(file, compile=False, safe_mode=True)\n"
        "print('loaded')"
    )
    files = [REPOSITORY / "data" / "models" / f"{name}.keras" for name in SHIPPED]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, cwd="/")
    assert done.stdout.strip() == "loaded", done.stderr


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_beat_bicubic_on_photos_they_never_saw(name):
    photos = [sr.datasets.sample(known) for known in ("astronaut", "chelsea", "coffee", "rocket")]
    for scale in (2, 4):
        gain = sr.metrics.evaluate(name, photos, scale).psnr_y - sr.metrics.evaluate("bicubic", photos, scale).psnr_y
        assert gain.mean() > 0.2
