import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pandas as pd
import pytest

import srhelpers as sr

# A run that a test can kill: small, deterministic, with a learning-rate schedule and shuffled batches.
RUN = """
import sys, keras, numpy as np
import srhelpers as sr

folder, slow = sys.argv[1], float(sys.argv[2])
sr.setup(seed=0, verbose=False)
inputs = keras.Input((None, None, 3))
pixels = keras.layers.Rescaling(1 / 255)(inputs)
features = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(pixels)
x2 = keras.layers.Rescaling(255, name="x2")(sr.layers.DepthToSpace(2)(keras.layers.Conv2D(12, 1)(features)))
model = keras.Model(inputs, x2)
schedule = keras.optimizers.schedules.CosineDecay(1e-2, 18)
model.compile(keras.optimizers.Adam(schedule), "mse", metrics=[sr.metrics.PSNR()])
training = sr.generators.MultiSize("samples", 8, 16, batch_size=4, shuffle=True, flips=True, seed=1)

class Slow(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        import time
        time.sleep(slow)

history = sr.training.fit(model, training, epochs=6, folder=folder, monitor="loss", verbose=0, callbacks=[Slow()])
history.to_csv(folder + "/result.csv", index=False)
np.save(folder + "/prediction.npy", model.predict(training.photos[0], verbose=0))
"""


def run(folder, slow=0.0, wait=True):
    command = [sys.executable, "-c", RUN, str(folder), str(slow)]
    process = subprocess.Popen(command, env=os.environ | {"KERAS_BACKEND": keras.backend.backend()})
    if wait:
        assert process.wait(timeout=120) == 0
    return process


def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(whole)
    process = run(killed, slow=0.6, wait=False)
    deadline = time.monotonic() + 100
    while not list(killed.glob("epoch-00003")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "result.csv").exists()
    run(killed)
    expected, found = pd.read_csv(whole / "result.csv"), pd.read_csv(killed / "result.csv")
    assert list(found.epoch) == [1, 2, 3, 4, 5, 6], "no gap and no double"
    assert list(found.steps) == list(expected.steps) == [3, 6, 9, 12, 15, 18]
    np.testing.assert_allclose(found.learning_rate, expected.learning_rate, rtol=1e-6)
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-4)
    np.testing.assert_allclose(np.load(killed / "prediction.npy"), np.load(whole / "prediction.npy"), atol=0.05)
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


def test_the_best_weights_come_back_and_patience_ends_the_run(tmp_path):
    model = little_model(learning_rate=0.01)
    history = sr.training.fit(model, Pairs(), Halfway(), epochs=50, folder=tmp_path, patience=3, verbose=0)
    best = history.val_loss.idxmin()
    assert len(history) == best + 1 + 3 < 50
    assert model.evaluate(Halfway(), verbose=0) == pytest.approx(history.val_loss[best], rel=1e-3)
    resumed = sr.training.fit(little_model(), Pairs(), Halfway(), epochs=50, folder=tmp_path, patience=3, verbose=0)
    assert len(resumed) == len(history), "a run that stopped early stays stopped"


def test_wrong_input_is_named(tmp_path):
    sr.training.fit(little_model(), Pairs(), epochs=1, folder=tmp_path / "a", verbose=0)
    with pytest.raises(ValueError, match="hold the state of this model, but its weights do not fit"):
        sr.training.fit(little_model(filters=2), Pairs(), epochs=2, folder=tmp_path / "a", verbose=0)
    with pytest.raises(ValueError, match="Expected monitor to be one of loss, got 'val_psnr'"):
        sr.training.fit(little_model(), Pairs(), epochs=2, folder=tmp_path / "b", monitor="val_psnr", verbose=0)
    with pytest.raises(ValueError, match="mode min or max, got 'best'"):
        sr.training.fit(little_model(), Pairs(), epochs=2, folder=tmp_path / "c", mode="best", verbose=0)
    with pytest.raises(ValueError, match="keep best or last, got 'min'"):
        sr.training.fit(little_model(), Pairs(), epochs=2, folder=tmp_path / "c", keep="min", verbose=0)


def test_the_last_weights_can_be_kept_instead(tmp_path):
    model = little_model(learning_rate=0.01)
    options = {"epochs": 50, "folder": tmp_path, "patience": 3, "keep": "last", "verbose": 0}
    history = sr.training.fit(model, Pairs(), Halfway(), **options)
    assert history.val_loss.iloc[-1] > 1.2 * history.val_loss.min()
    for ended in (model, little_model()):
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


def test_a_guard_ends_the_run_until_its_note_is_removed(tmp_path, capsys):
    asked = []

    def guard(history):
        asked.append([row["epoch"] for row in history])
        return "the loss is too low" if len(history) == 3 else None

    options = {"folder": tmp_path, "verbose": 0}
    sr.training.fit(little_model(), Pairs(), Pairs(), epochs=2, guard=guard, **options)
    best, last = little_model(), little_model()
    history = sr.training.fit(last, Pairs(), Pairs(), epochs=6, guard=guard, keep="last", **options)
    assert asked == [[1], [1, 2], [1, 2, 3]]
    assert list(history.epoch) == [1, 2]
    assert "Training stopped in epoch 3: the loss is too low." in capsys.readouterr().out
    assert last.evaluate(Pairs(), verbose=0) == pytest.approx(history.val_loss.iloc[-1], rel=1e-4)
    sr.training.fit(best, Pairs(), Pairs(), epochs=9, guard=guard, **options)
    assert best.evaluate(Pairs(), verbose=0) == pytest.approx(history.val_loss.min(), rel=1e-4)
    assert "epoch 3: the loss is too low" in capsys.readouterr().out
    assert len(asked) == 3, "a stopped run is not run on"

    next(tmp_path.glob("epoch-*/stopped.txt")).unlink()
    history = sr.training.fit(little_model(), Pairs(), Pairs(), epochs=4, **options)
    assert list(history.epoch) == [1, 2, 3, 4]
    assert not capsys.readouterr().out


def test_a_first_epoch_that_goes_wrong_is_an_error_every_time(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="first epoch that is worth keeping, but it is no good; try a smaller"):
            sr.training.fit(
                little_model(), Pairs(), epochs=2, folder=tmp_path, guard=lambda history: "it is no good", verbose=0
            )
    with pytest.raises(RuntimeError, match="first epoch that is worth keeping, but loss is "):
        sr.training.fit(little_model(learning_rate=1e30), Pairs(), epochs=2, folder=tmp_path, verbose=0)
    assert not list(tmp_path.glob("epoch-*"))
