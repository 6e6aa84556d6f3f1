import sys
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import REPOSITORY

import srhelpers as sr
from srhelpers.__main__ import main

export = sr.models.export
tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow exports for any size")


@pytest.fixture(scope="module")
def network():
    """All layers of ours, and two outputs whose order matters."""
    photo = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(photo)
    model = keras.Model(photo, [sr.layers.added_to_bicubic(features, photo, scale) for scale in (4, 2)])
    random = np.random.default_rng(0)
    model.set_weights([random.normal(size=weights.shape, scale=0.01) for weights in model.get_weights()])
    return model


def name_of(format):
    return f"network{export.FORMATS[format][1]}"


@tensorflow
@pytest.mark.parametrize("format", export.FORMATS)
def test_the_file_gives_what_keras_gives_for_any_size(network, format, tmp_path):
    for needed in export.FORMATS[format][2]:
        pytest.importorskip(needed)
    assert export.save(network, tmp_path / name_of(format), format) < 0.01
    assert [path.name for path in tmp_path.iterdir()] == [name_of(format)]
    run = export.runner(tmp_path / name_of(format))
    for size in ((17, 30), (40, 8)):
        pictures = np.random.default_rng(1).uniform(0, 255, (1, *size, 3)).astype("float32")
        ours, theirs = network(pictures), run(pictures)
        assert [output.shape[1] // size[0] for output in theirs] == [4, 2]
        for wanted, given in zip(ours, theirs, strict=True):
            assert np.abs(np.asarray(wanted) - given).max() < 0.01


@tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_a_network_that_ships_gives_what_keras_gives_for_any_size(format, tmp_path):
    for needed in export.FORMATS[format][2]:
        pytest.importorskip(needed)
    export.save("compact_x4", tmp_path / name_of(format), format)
    run, compact = export.runner(tmp_path / name_of(format)), sr.models.load("compact_x4")
    for size in ((31, 52), (96, 64), (7, 7)):
        photo = sr.datasets.sample("coffee")[None, 100 : 100 + size[0], 200 : 200 + size[1]].astype("float32")
        (large,) = run(photo)
        assert large.shape == (1, 4 * size[0], 4 * size[1], 3)
        assert np.abs(large - np.asarray(compact(photo))).max() < 0.01


@tensorflow
@pytest.mark.slow
def test_litert_refuses_the_end_of_x4plus(tmp_path):
    """Convolutions after nearest-neighbor upsampling. The whole network gives the same error, after minutes."""
    pytest.importorskip("ai_edge_litert")
    layers = sr.models.load("realesrgan_x4plus").layers
    first = next(place for place, layer in enumerate(layers) if isinstance(layer, keras.layers.UpSampling2D))
    x = features = keras.Input((None, None, layers[first].output.shape[-1]))
    for layer in layers[first:]:
        x = layer(x)
    photo = keras.Input((None, None, 3))
    widened = keras.layers.Conv2D(features.shape[-1], 1)(photo)
    end = keras.Model(photo, keras.Model(features, x)(widened), name="end_of_x4plus")
    with pytest.raises(
        sr.runtime.UserError,
        match=r"exports as litert for any size, got end_of_x4plus; choose onnx or tf, [\s\S]*Conv2D",
    ):
        export.save(end, tmp_path / "end.tflite", "litert")
    assert not list(tmp_path.iterdir())


@tensorflow
@pytest.mark.parametrize("most", [-1.0, float("nan")])
def test_a_file_that_differs_is_an_error_and_not_kept(network, most, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MOST", most)
    with pytest.raises(sr.runtime.UserError, match=r"Expected tf to differ from Keras by at most .*; no file was kept"):
        export.save(network, tmp_path / "network", "tf")
    assert not list(tmp_path.iterdir())


@tensorflow
def test_a_network_that_cannot_be_exported_is_an_error_and_leaves_nothing(network, tmp_path, monkeypatch):
    def fail(model, file, **options):
        Path(file).write_text("half of it")
        raise NotImplementedError("no such operation")

    monkeypatch.setattr(keras.Model, "export", fail)
    with pytest.raises(
        sr.runtime.UserError, match=r"exports as tf .*, got functional.*; choose onnx or litert, .*: no such operation"
    ):
        export.save(network, tmp_path / "network", "tf")
    assert not list(tmp_path.iterdir())


@tensorflow
def test_what_is_there_is_not_lost(network, tmp_path):
    (tmp_path / "network").mkdir()
    with pytest.raises(sr.runtime.UserError, match=r"Expected the name of a new folder for tf"):
        export.save(network, tmp_path / "network", "tf")
    with pytest.raises(
        sr.runtime.UserError, match=r"Expected a name that ends in \.tflite for litert, got .*mine\.onnx"
    ):
        export.save(network, tmp_path / "mine.onnx", "litert")


def test_other_backends_and_missing_packages_are_named(network, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(sr.runtime.UserError, match=r"got jax; install it and set KERAS_BACKEND=tensorflow"):
        export.save(network, tmp_path / "network.onnx", "onnx")
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(sr.runtime.UserError, match=r"run: python -m pip install ai-edge-litert"):
        export.save(network, tmp_path / "network.tflite", "litert")


@tensorflow
def test_the_command_prints_the_difference(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "voc_plain", "--format", "tf", "-o", "voc_plain"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("voc_plain: differs from Keras by at most 0.0") and said.out.count("\n") == 1
    assert main(["export", "voc_plane", "-o", "voc.onnx"]) == 1
    assert "Expected" in capsys.readouterr().err


def test_needed_packages_are_in_the_extra():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extra = " ".join(project["optional-dependencies"]["export"]).replace("-", "_")
    assert all(needed in extra for _, _, packages in export.FORMATS.values() for needed in packages)
