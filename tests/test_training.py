import hashlib
import json
import os
import re
import shutil
import threading
import time

import keras
import numpy as np
import pandas as pd
import pytest
from killing import kill

import srhelpers as sr


def killable(folder, pause=0.0):
    """A run that a test can kill: small, with Dropout, a learning-rate schedule and shuffled batches."""
    import time
    from pathlib import Path

    import keras
    import numpy as np

    import srhelpers as sr

    sr.setup(seed=0, verbose=False)
    inputs = keras.Input((None, None, 3))
    pixels = keras.layers.Rescaling(1 / 255)(inputs)
    features = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(pixels)
    channels = keras.layers.Conv2D(12, 1)(keras.layers.Dropout(0.2)(features))
    model = keras.Model(inputs, keras.layers.Rescaling(255, name="x2")(sr.layers.DepthToSpace(2)(channels)))
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 18)
    model.compile(keras.optimizers.Adam(schedule), "mse", metrics=[sr.metrics.PSNR()])
    training = sr.generators.Patches("samples", 2, 8, batch_size=4, seed=1)
    wait = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: time.sleep(pause))
    history = sr.training.fit(
        model, training, epochs=6, folder=folder, monitor="loss", keep="last", verbose=0, callbacks=[wait]
    )
    history.to_csv(Path(folder, "result.csv"), index=False)
    np.savez(Path(folder, "weights.npz"), *model.get_weights())


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    kill(killable, killed, epoch=3)
    for folder in (whole, killed):
        killable(folder)
    expected, found = (pd.read_csv(folder / "result.csv").drop(columns="seconds") for folder in (whole, killed))
    assert list(found.epoch) == [1, 2, 3, 4, 5, 6], "no gap and no double"
    assert list(found.steps) == [3, 6, 9, 12, 15, 18]
    pd.testing.assert_frame_equal(found, expected)
    one, other = np.load(whole / "weights.npz"), np.load(killed / "weights.npz")
    for name in one.files:
        np.testing.assert_array_equal(one[name], other[name])
    assert not list(killed.glob("*.part"))


def little_model(filters=1, learning_rate=0.1):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(filters), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    return model


class Pairs(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.ones((4, 2), "float32"), np.full((4, 1), 3, "float32")


class Halfway(Pairs):
    """To validate on: the model first nears it, then leaves it behind."""

    def __getitem__(self, index):
        inputs, targets = super().__getitem__(index)
        return inputs, targets - 1


def test_a_finished_run_is_not_run_again(tmp_path):
    first = sr.training.fit(little_model(), Pairs(), Pairs(), epochs=3, folder=tmp_path, verbose=0)
    model = little_model()
    again = sr.training.fit(model, None, Pairs(), epochs=3, folder=tmp_path, verbose=0)
    pd.testing.assert_frame_equal(first, again)
    assert model.evaluate(Pairs(), verbose=0) == pytest.approx(first.val_loss.min(), rel=1e-4)
    more = sr.training.fit(little_model(), Pairs(), Pairs(), epochs=5, folder=tmp_path, verbose=0)
    assert list(more.epoch) == [1, 2, 3, 4, 5]


def test_the_best_weights_come_back(tmp_path):
    model = little_model(learning_rate=0.01)
    history = sr.training.fit(model, Pairs(), Halfway(), epochs=30, folder=tmp_path, verbose=0)
    best = history.val_loss.idxmin()
    assert 0 < best < 29
    assert model.evaluate(Halfway(), verbose=0) == pytest.approx(history.val_loss[best], rel=1e-3)


def test_wrong_input_is_named(tmp_path):
    sr.training.fit(little_model(), Pairs(), epochs=1, folder=tmp_path / "a", verbose=0)
    with pytest.raises(ValueError, match="holds the epochs of another network; choose another folder"):
        sr.training.fit(little_model(filters=2), Pairs(), epochs=2, folder=tmp_path / "a", verbose=0)
    with pytest.raises(ValueError, match="Expected monitor to be one of loss, got 'val_psnr'"):
        sr.training.fit(little_model(), Pairs(), epochs=2, folder=tmp_path / "b", monitor="val_psnr", verbose=0)
    with pytest.raises(ValueError, match="keep best or last, got 'min'"):
        sr.training.fit(little_model(), Pairs(), epochs=2, folder=tmp_path / "c", keep="min", verbose=0)


def test_the_last_weights_can_be_kept_instead(tmp_path):
    model = little_model(learning_rate=0.01)
    options = {"epochs": 30, "folder": tmp_path, "keep": "last", "verbose": 0}
    history = sr.training.fit(model, Pairs(), Halfway(), **options)
    assert history.val_loss.iloc[-1] > 1.2 * history.val_loss.min()
    for ended in (model, little_model(learning_rate=0.01)):
        again = sr.training.fit(ended, Pairs(), Halfway(), **options)
        assert len(again) == len(history)
        assert ended.evaluate(Halfway(), verbose=0) == pytest.approx(history.val_loss.iloc[-1], rel=1e-3)


class Poisoned(Pairs):
    """From the third epoch on, the fourth of many batches is not finite."""

    served = epoch = 0

    def set_epoch(self, epoch):
        self.epoch, self.served = epoch, 0

    def __len__(self):
        return 200

    def __getitem__(self, index):
        self.served += 1
        time.sleep(0.002)  # reading the next batches takes longer than seeing the loss
        inputs, targets = super().__getitem__(index)
        return inputs, targets * (np.nan if self.epoch >= 2 and index == 3 else 1)


def test_a_loss_that_is_not_finite_ends_the_epoch_at_once_and_leaves_no_trace(tmp_path, capsys):
    clean, model, again = (little_model(learning_rate=1e-4) for _ in range(3))
    poisoned = Poisoned()
    sr.training.fit(clean, Poisoned(), epochs=2, folder=tmp_path / "clean", keep="last", verbose=0)
    options = {"epochs": 5, "folder": tmp_path / "bad", "keep": "last", "verbose": 0}
    history = sr.training.fit(model, poisoned, **options)
    assert list(history.epoch) == [1, 2]
    assert 3 < poisoned.served < 200
    for one, other in zip(model.get_weights(), clean.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    said = "Training stopped in epoch 3: loss is nan. The model has the weights of the last epoch before."
    assert said in capsys.readouterr().out
    pd.testing.assert_frame_equal(sr.training.fit(again, poisoned, **options), history, check_dtype=False)
    assert said in capsys.readouterr().out
    np.testing.assert_allclose(again.get_weights()[0], clean.get_weights()[0], rtol=1e-5)
    next((tmp_path / "bad").glob("epoch-*/stopped.txt")).unlink()
    assert list(sr.training.fit(again, Pairs(), **options).epoch) == [1, 2, 3, 4, 5]
    assert not capsys.readouterr().out


def test_weights_that_broke_in_the_last_step_are_not_kept(tmp_path, capsys):
    class Kink(Pairs):
        """In the third epoch the last batch has a finite loss whose gradient is NaN: the root at zero."""

        epoch = 0

        def set_epoch(self, epoch):
            self.epoch = epoch

        def __getitem__(self, index):
            zero = self.epoch == 2 and index == 1
            return np.full((4, 1), 0 if zero else 1, "float32"), np.full((4, 1), 0 if zero else 3, "float32")

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", lambda y, p: keras.ops.sqrt(keras.ops.square(y - p)))
    history = sr.training.fit(model, Kink(), epochs=5, folder=tmp_path, verbose=0)
    assert list(history.epoch) == [1, 2]
    assert np.isfinite(model.get_weights()[0]).all()
    assert "epoch 3: some weights are not finite" in capsys.readouterr().out


def test_a_first_epoch_that_goes_wrong_is_an_error_every_time(tmp_path):
    for _ in range(2):
        with pytest.raises(sr.runtime.UserError, match=r"first epoch that is worth keeping, but loss is .*; try a"):
            sr.training.fit(little_model(learning_rate=1e30), Pairs(), epochs=2, folder=tmp_path, verbose=0)
    assert not list(tmp_path.glob("epoch-*"))


def dropping_model(seed=0, activation="relu", loss="mse", optimizer=None):
    """With two random layers, one of them inside a model of its own."""
    keras.utils.set_random_seed(seed)
    inner = keras.Sequential([keras.Input((4,)), keras.layers.GaussianNoise(0.3)])
    inputs = keras.Input((2,))
    x = keras.layers.Dropout(0.5)(inner(keras.layers.Dense(4, activation=activation)(inputs)))
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile(optimizer or keras.optimizers.Adam(0.01), loss)
    return model


def test_random_layers_go_on_where_they_were(tmp_path):
    whole, first, second = dropping_model(), dropping_model(), dropping_model(seed=5)
    options = {"keep": "last", "verbose": 0}
    expected = sr.training.fit(whole, Pairs(), epochs=4, folder=tmp_path / "whole", **options)
    sr.training.fit(first, Pairs(), epochs=2, folder=tmp_path / "cut", **options)
    found = sr.training.fit(second, Pairs(), epochs=4, folder=tmp_path / "cut", **options)
    for one, other in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(expected.drop(columns="seconds"), found.drop(columns="seconds"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def test_what_a_reader_keeps_in_the_folder_stays(folder):
    for name in ("epoch-00003-keep", "epoch-1", "epoch-copies", "notes.part"):
        (folder / name).mkdir()
        (folder / name / "mine.txt").write_text("mine")
    for name in ("epoch-notes.txt", "epoch-00001.txt", "epoch-99999"):
        (folder / name).write_text("mine")
    before = sorted(folder.iterdir())
    sr.training.fit(little_model(), Pairs(), epochs=4, folder=folder, verbose=0)
    assert sorted(folder.iterdir()) == sorted([*before, folder / "epoch-00003", folder / "epoch-00004"])
    assert all((place / "mine.txt").exists() for place in before if place.is_dir())


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        ("cut", "last.weights.h5"),
        ("cut", "best.weights.h5"),
        ("cut", "history.csv"),
        ("cut", "state.json"),
        ("flipped", "last.weights.h5"),
        ("gone", "history.csv"),
    ],
)
def test_a_damaged_epoch_is_named_and_the_one_before_it_taken(damage, name, tmp_path, capsys):
    def break_newest():
        file = max(tmp_path.glob("epoch-?????")) / name
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(content if damage == "flipped" else content[: len(content) // 2])

    options = {"epochs": 3, "folder": tmp_path, "verbose": 0}
    expected = sr.training.fit(little_model(), Pairs(), **options)
    break_newest()
    model = little_model()
    found = sr.training.fit(model, Pairs(), **options)
    assert f"{tmp_path / 'epoch-00003'} is damaged and does not count." in capsys.readouterr().out
    pd.testing.assert_frame_equal(expected.drop(columns="seconds"), found.drop(columns="seconds"))

    shutil.rmtree(tmp_path / "epoch-00002")
    break_newest()
    with pytest.raises(
        sr.runtime.UserError, match=f"a whole epoch in {re.escape(str(tmp_path))}, got only damaged ones; remove"
    ):
        sr.training.fit(model, Pairs(), **options)


def test_an_epoch_is_on_the_disk_before_it_has_its_name(folder, monkeypatch):
    synced = set()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(os.fstat(descriptor).st_ino))
    sr.training.fit(little_model(), Pairs(), epochs=1, folder=folder, verbose=0)
    assert {file.stat().st_ino for file in folder.glob("epoch-00001/*")} == synced


def test_leftovers_of_a_killed_process_are_removed(folder):
    with pytest.raises(FileNotFoundError), sr._files.replacing(folder / "epoch-00001") as left:
        pass  # only its name is wanted here
    left.mkdir()
    (left / "last.weights.h5").write_text("half")
    sr.training.fit(little_model(), Pairs(), epochs=1, folder=folder, verbose=0)
    assert [place.name for place in folder.iterdir()] == ["epoch-00001"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"optimizer": "sgd"}, "optimizer"),
        ({"optimizer": keras.optimizers.Adam(0.02)}, "optimizer"),
        ({"loss": "mae"}, "loss"),
        ({"activation": "sigmoid"}, "network"),
        ({"activation": "sigmoid", "loss": "mae"}, "network and loss"),
    ],
)
def test_a_folder_is_of_one_run(changes, what, tmp_path):
    sr.training.fit(dropping_model(), Pairs(), epochs=1, folder=tmp_path, verbose=0)
    with pytest.raises(sr.runtime.UserError, match=f"holds the epochs of another {what}; choose another folder"):
        sr.training.fit(dropping_model(**changes), Pairs(), epochs=2, folder=tmp_path, verbose=0)


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_there_is_at_least_one_epoch(epochs, tmp_path):
    with pytest.raises(sr.runtime.UserError, match=f"Expected a whole number of epochs from 1 on, got {epochs}"):
        sr.training.fit(little_model(), Pairs(), epochs=epochs, folder=tmp_path, verbose=0)


def test_fewer_epochs_than_there_are_is_an_error(tmp_path):
    sr.training.fit(little_model(), Pairs(), epochs=2, folder=tmp_path, verbose=0)
    with pytest.raises(sr.runtime.UserError, match=r"Expected epochs of at least 2, which .* already holds, got 1"):
        sr.training.fit(little_model(), Pairs(), epochs=1, folder=tmp_path, verbose=0)


def test_a_model_must_be_compiled_and_know_its_input(tmp_path):
    with pytest.raises(sr.runtime.UserError, match="Expected a compiled model"):
        sr.training.fit(keras.Sequential([keras.Input((2,))]), Pairs(), epochs=1, folder=tmp_path)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(sr.runtime.UserError, match=r"knows the shape of its input; begin it with keras\.Input"):
        sr.training.fit(model, Pairs(), epochs=1, folder=tmp_path)


def test_the_hundred_thousandth_epoch_is_not_the_first(folder):
    """Sorted as text, epoch-100000 would stand before epoch-99999."""
    sr.training.fit(little_model(), Pairs(), epochs=1, folder=folder, verbose=0)
    place = (folder / "epoch-00001").rename(folder / "epoch-99999")
    history = pd.concat([pd.read_csv(place / "history.csv")] * 99_999).assign(epoch=range(1, 100_000))
    history.to_csv(place / "history.csv", index=False)
    state = json.loads((place / "state.json").read_text("utf-8"))
    state["sha256"]["history.csv"] = hashlib.sha256((place / "history.csv").read_bytes()).hexdigest()
    (place / "state.json").write_text(json.dumps(state))
    sr.training.fit(little_model(), Pairs(), epochs=100_000, folder=folder, verbose=0)
    assert {place.name for place in folder.iterdir()} == {"epoch-99999", "epoch-100000"}
    found = sr.training.fit(little_model(), None, epochs=100_000, folder=folder, verbose=0)
    assert (len(found), found.epoch.iloc[-1]) == (100_000, 100_000)


def test_two_in_one_folder_take_turns(tmp_path, capsys):
    """The second waits, says so, and finds everything done."""
    inside = threading.Event()

    class Signal(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            inside.set()
            time.sleep(0.2)

    models = [little_model(), little_model()]
    options = {"epochs": 3, "folder": tmp_path, "verbose": 0}
    signalling = options | {"callbacks": [Signal()]}
    first = threading.Thread(target=sr.training.fit, args=(models[0], Pairs()), kwargs=signalling)
    first.start()
    assert inside.wait(60)
    history = sr.training.fit(models[1], Pairs(), callbacks=[Never()], **options)
    first.join()
    assert f"Waiting for another process that trains in {tmp_path}" in capsys.readouterr().err
    assert len(history) == 3
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


class Never(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        pytest.fail("trained again")
