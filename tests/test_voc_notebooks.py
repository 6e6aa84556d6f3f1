"""The networks that notebooks 02–06 define, run with tiny sizes, and the models they ship."""

import subprocess
import sys

import conftest
import keras
import numpy as np
import pytest
from conftest import BENCHMARKS, REPOSITORY

import srhelpers as sr

SHIPPED = ("voc_plain", "voc_residual", "voc_atrous", "voc_efficientnet", "voc_depth_to_space")


def definitions(number):
    """As conftest's, with the features that notebooks 05 and 06 load."""
    if number not in ("05", "06"):
        return conftest.definitions(number)
    features = sr.studies.features.efficientnet_block1a()
    wrongly = sr.studies.features.fed_as_the_article(features)
    return conftest.definitions(number, features=features, fed_wrongly=wrongly, scaled_features=features)


@pytest.fixture(scope="module")
def photos():
    """Two photos whose sides differ and are not 72."""
    photo = sr.datasets.sample("coffee")
    return np.stack([sr.degradations.area(photo, (24, 32)), sr.degradations.area(photo[:, ::-1], (24, 32))])


def give(model, photos):
    return [keras.ops.convert_to_numpy(output) for output in model(photos)]


ARTICLE = {
    ("02", "article_plain"): (39_110, 2, 4),
    ("03", "article_residual"): (55_814, 2, 2),
    ("04", "article_atrous"): (138_950, 2, 2),
    ("05", "article_naive"): (51_151, 2, 4),
    ("05", "article_last"): (67_318, 2, 4),
    ("06", "article_depth_to_space"): (56_534, 1, 1),
}


@pytest.mark.parametrize(("number", "name"), ARTICLE)
def test_the_articles_networks_have_their_parameters_and_their_squares(number, name, photos):
    parameters, *squares = ARTICLE[number, name]
    keras.utils.set_random_seed(1)
    model = definitions(number)[name]()
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
    notebook = definitions("02")
    printed, reordered = notebook["as_printed"](), notebook["article_plain"]()
    reordered.set_weights(printed.get_weights())
    for one, other in zip(give(printed, photos), give(reordered, photos), strict=True):
        assert one == pytest.approx(other, abs=1e-2)


OURS = {
    ("02", "plain"): False,
    ("03", "residual"): True,
    ("04", "atrous"): True,
    ("05", "with_features"): True,
    ("06", "depth_to_space"): True,
}


@pytest.mark.parametrize(("number", "name"), OURS)
def test_our_networks_take_any_size_and_start_from_bicubic(number, name, photos):
    model = definitions(number)[name]()
    assert model.output_names == ["x2", "x4"]
    for output, factor in zip(give(model, photos), (2, 4), strict=True):
        assert output.shape == (2, 24 * factor, 32 * factor, 3)
        if OURS[number, name]:
            expected = [sr.degradations.resize(photo.astype("float32"), output.shape[1:3]) for photo in photos]
            assert output == pytest.approx(np.stack(expected), abs=1e-2)


def test_without_dilation_atrous_is_the_residual_network(photos):
    atrous, residual = definitions("04")["atrous"](rates=[1] * 6), definitions("03")["residual"]()
    weights = [np.random.default_rng(0).normal(0, 0.1, array.shape) for array in residual.get_weights()]
    for model in (atrous, residual):
        model.set_weights(weights)
    for one, other in zip(give(atrous, photos), give(residual, photos), strict=True):
        assert np.array_equal(one, other)


def test_what_a_dilated_stack_sees():
    seen = definitions("04")["seen"]
    rows = [np.flatnonzero(seen(rates).any(1)) for rates in ((1, 1, 1), (1, 2, 4))]
    assert [np.ptp(row) + 1 for row in rows] == [7, 15]
    assert np.count_nonzero(seen((4, 4, 4))) == 49  # every fourth pixel of 25×25


def test_the_article_generator_mixes_epochs():
    loop = definitions("02")["article_loop"](10, 4)
    assert [next(loop) for _ in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


@pytest.mark.slow
def test_the_two_homes_of_efficientnetb4_hold_the_same_network(photos):
    efficientnet = pytest.importorskip("efficientnet.keras")
    package = efficientnet.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights=None)
    theirs = definitions("05")["from_keras_applications"](package)
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
