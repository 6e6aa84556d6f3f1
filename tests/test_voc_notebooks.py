"""The networks of the VOC study, run with tiny sizes, and the models that it ships."""

import importlib.util
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import BENCHMARKS, REPOSITORY, definitions
from keras import layers

import srhelpers as sr

SHIPPED = ("voc_plain", "voc_residual", "voc_atrous", "voc_efficientnet", "voc_depth_to_space")
ARTICLE_SHIPPED = (
    *("voc_article_plain", "voc_article_plain_area", "voc_article_residual", "voc_article_atrous"),
    *("voc_article_features", "voc_article_features_last", "voc_article_depth_to_space"),
)


@pytest.fixture(scope="module")
def study():
    """The module recipes/voc_study.py."""
    spec = importlib.util.spec_from_file_location("voc_study", REPOSITORY / "recipes" / "voc_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def feeds(study, photos):
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
def test_the_articles_networks_have_their_parameters_and_their_squares(name, study, feeds, photos):
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


def test_copying_first_or_last_is_the_same_function(study, photos):
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
def test_our_networks_take_any_size_and_start_from_bicubic(name, study, feeds, photos):
    model = study.build(study.RUNS[name], feeds)
    assert model.output_names == ["x2", "x4"]
    for output, factor in zip(give(model, photos), (2, 4), strict=True):
        assert output.shape == (2, 24 * factor, 32 * factor, 3)
        if OURS[name]:
            expected = [sr.degradations.resize(photo.astype("float32"), output.shape[1:3]) for photo in photos]
            assert output == pytest.approx(np.stack(expected), abs=1e-2)


def test_without_dilation_atrous_is_the_residual_network(study, photos):
    atrous, residual = study.atrous(rates=[1] * 6), study.residual()
    weights = [np.random.default_rng(0).normal(0, 0.1, array.shape) for array in residual.get_weights()]
    for model in (atrous, residual):
        model.set_weights(weights)
    for one, other in zip(give(atrous, photos), give(residual, photos), strict=True):
        assert np.array_equal(one, other)


def test_dilation_widens_what_the_network_sees(study):
    narrow, wide = (sr.upscaling.receptive_field(study.atrous(rates)) for rates in ([1] * 6, [1, 2, 4, 1, 2, 4]))
    assert wide - narrow == 2 * (1 + 3)  # each dilated 3×3 convolution reaches rate - 1 pixels further


def test_the_article_generator_mixes_epochs():
    loop = definitions("A1")["article_loop"](10, 4)
    assert [next(loop) for _ in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


@pytest.mark.parametrize("name", [*SHIPPED, *ARTICLE_SHIPPED])
def test_the_recipe_builds_what_ships(name, study, feeds, photos):
    (run,) = (run for run in study.RUNS.values() if run.ship == name)
    shipped, model = sr.models.load(name), study.build(run, feeds)
    if run.feed != "standardized":  # what it was standardized by are the photos of the study
        model.set_weights(shipped.get_weights())
        for one, other in zip(give(shipped, photos), give(model, photos), strict=True):
            assert np.array_equal(one, other)
    assert model.count_params() == shipped.count_params()


def test_the_recipe_has_every_row_that_ships(study):
    rows = pd.read_csv(sr.runtime.shipped("results") / "voc_study.csv", dtype={"notebook": str})
    assert set(rows.experiment) == {*study.RUNS, *study.INTERPOLATIONS}
    where = sr.studies.study.Study("02", sr.setup("quick", verbose=False))
    where.title, where.training = "voc_standin", range(1000)
    for name, run in study.RUNS.items():
        row, settings = rows[rows.experiment == name].iloc[0], study.settings(run, where)
        wanted = {"batch_size": 16, "degradation": "area", **settings}
        assert [wanted[key] for key in ("epochs", "batch_size", "degradation")] == [
            row.epochs,
            row.batch_size,
            row.degradation,
        ]
        assert (run.lesson, ":".join(map(str, settings.get("loss_weights", (1, 1))))) == (row.notebook, row.weights)


def test_a_short_run_of_the_recipe_needs_a_folder_of_its_own():
    command = [sys.executable, REPOSITORY / "recipes" / "voc_study.py"]
    done = subprocess.run([*command, "--epochs", "1"], capture_output=True, text=True)
    assert done.returncode == 2 and "--into" in done.stderr
    done = subprocess.run([*command, "no such run"], capture_output=True, text=True)
    assert done.returncode == 2 and "no such run" in done.stderr


def from_keras_applications(package):
    """`keras.applications`' first block with the weights of the `efficientnet` package's network."""
    whole = keras.applications.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights=None)
    normalization = next(layer for layer in whole.layers if isinstance(layer, layers.Normalization))
    mean, deviation = sr.studies.features.IMAGENET_MEAN, sr.studies.features.IMAGENET_DEVIATION
    normalization.set_weights([np.array(mean), np.square(deviation), np.array(0)])
    normalization.finalize_state()
    for name in ("stem_conv", "stem_bn", "block1a_dwconv", "block1a_bn"):
        whole.get_layer(name).set_weights(package.get_layer(name).get_weights())
    return keras.Model(whole.input, whole.get_layer("block1a_activation").output)


@pytest.mark.slow
def test_the_two_homes_of_efficientnetb4_hold_the_same_network(photos):
    efficientnet = pytest.importorskip("efficientnet.keras")
    package = efficientnet.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights=None)
    theirs = from_keras_applications(package)
    one, other = (
        keras.ops.convert_to_numpy(model(photos)) for model in (sr.studies.features.block1a_of(package), theirs)
    )
    assert one.shape == (2, 12, 16, 48)
    assert one == pytest.approx(other, abs=1e-4)


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
    model, gains = sr.models.load(name), {2: [], 4: []}
    for file in sr.datasets.photos("samples"):
        image = sr.datasets.read_image(file)
        if image.ndim == 2:
            continue
        sizes = [sr.degradations.area(image, (side, side)) for side in (72, 144, 288)]
        for factor, target, estimate in zip((2, 4), sizes[1:], sr.studies.demo.predict(model, sizes[0]), strict=True):
            bicubic = sr.degradations.resize(sizes[0], target.shape[:2])
            gains[factor].append(sr.metrics.psnr(target, estimate) - sr.metrics.psnr(target, bicubic))
    assert np.mean(gains[2]) > 0
    assert np.mean(gains[4]) > 0


@pytest.fixture(scope="module")
def validation():
    """A study whose validation photos are those of the full run."""
    folder = BENCHMARKS / "voc_standin"
    if not folder.is_dir():
        pytest.skip("voc_standin is not here; set SR_DATA_DIR to a folder with it")
    study = sr.studies.study.Study("06", sr.setup("quick", verbose=False))
    study.validation = sr.datasets.photos("voc_standin", folder)[:200]
    study.training = study.validation[:1]
    return study


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_score_what_the_manifest_says(name, validation):
    scores = validation.measure(sr.models.load(name))
    stated = sr.models.manifest()[name].training["score"]
    for side in (144, 288):
        assert scores[f"psnr_{side}"] == pytest.approx(stated[f"psnr_{side}"], abs=0.02)


@pytest.mark.parametrize(
    ("name", "gain_144", "gain_288"), [(name, 0, 0) for name in SHIPPED] + [("voc_depth_to_space", 0.6, 0.35)]
)
def test_shipped_models_beat_bicubic_by_what_the_manifest_says(name, gain_144, gain_288):
    study = sr.studies.study.Study("06", sr.setup("quick", verbose=False))
    stated, bicubic = (
        sr.models.manifest()[name].training["score"],
        study.rows().set_index("experiment").loc["bicubic, area"],
    )
    assert stated["psnr_144"] - bicubic["psnr_144"] > gain_144
    assert stated["psnr_288"] - bicubic["psnr_288"] > gain_288
