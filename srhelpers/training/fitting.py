"""Training that can be killed at any time, and the models that ship with what is known about them."""

import shutil
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from ..runtime import UserError


class _Checkpoint(keras.callbacks.Callback):
    """After every epoch: one folder with weights, optimizer, best weights and history, whole or not there."""

    async_safe = True  # Keras looks at losses in a thread; or every step would wait for the one before

    def __init__(self, folder, history, generator, monitor, mode, patience, guard):
        super().__init__()
        self.folder, self.history, self.generator = folder, history, generator
        self.monitor, self.mode, self.patience, self.guard = monitor, mode, patience, guard

    def on_epoch_begin(self, epoch, logs=None):
        self.start, self.watched = time.perf_counter(), self.model
        if hasattr(self.generator, "set_epoch"):
            self.generator.set_epoch(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if not np.isfinite(logs.get("loss", 0)):  # the mean since the epoch began: it stays so
            self.watched.stop_training = True  # on JAX `self.model` would fetch the state of a running step

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor not in logs:
            raise UserError(f"Expected monitor to be one of {', '.join(logs)}, got {self.monitor!r}.")
        optimizer = self.model.optimizer
        row = {
            "epoch": epoch + 1,
            "steps": int(optimizer.iterations),
            "learning_rate": float(optimizer.learning_rate),
            **{name: float(value) for name, value in logs.items() if name != "learning_rate"},
            "seconds": round(time.perf_counter() - self.start, 2),
        }
        reason = _not_finite(row, self.model) or (self.guard and self.guard([*self.history, row]))
        if reason:
            self._stop(epoch, reason)
            return
        self.history.append(row)
        best = _best(self.history, self.monitor, self.mode)
        partial = self.folder / f"epoch-{epoch + 1:05d}.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save_weights(partial / "last.weights.h5")
        source = (
            partial / "last.weights.h5" if best == epoch else self.folder / f"epoch-{epoch:05d}" / "best.weights.h5"
        )
        shutil.copyfile(source, partial / "best.weights.h5")
        pd.DataFrame(self.history).to_csv(partial / "history.csv", index=False)
        partial.rename(partial.with_suffix(""))
        for older in self.folder.glob("epoch-*"):
            if older != partial.with_suffix(""):
                shutil.rmtree(older)
        if _is_over(self.history, best, self.patience):
            self.model.stop_training = True

    def _stop(self, good_epochs, reason):
        if not good_epochs:
            raise UserError(
                f"Expected a first epoch that is worth keeping, but {reason}; try a smaller learning rate, and look "
                "at the data and the loss."
            )
        note = self.folder / f"epoch-{good_epochs:05d}" / "stopped.txt"
        note.with_suffix(".part").write_text(f"epoch {good_epochs + 1}: {reason}", encoding="utf-8")
        note.with_suffix(".part").rename(note)
        self.model.stop_training = True


def _not_finite(row, model):
    for name in ("loss", "val_loss"):
        if not np.isfinite(row.get(name, 0)):
            return f"{name} is {row[name]}"
    # The last step of an epoch can break them after its loss was taken.
    return None if all(np.isfinite(weights).all() for weights in model.get_weights()) else "some weights are not finite"


def _best(history, monitor, mode):
    values = pd.DataFrame(history)[monitor].fillna(float("inf") if mode == "min" else float("-inf"))
    return int(values.idxmin() if mode == "min" else values.idxmax())


def _is_over(history, best, patience):
    return patience is not None and len(history) - 1 - best >= patience


def fit(
    model,
    training,
    validation=None,
    *,
    epochs,
    folder,
    monitor=None,
    mode="min",
    patience=None,
    keep="best",
    guard=None,
    **options,
):
    """`model.fit` that goes on from its last whole epoch when it was killed, and ends with the best weights.

    Weights, optimizer (so the step count and the learning-rate schedule) and history are kept in `folder`
    after every epoch. Run the same call again: it goes on there, or returns at once if it had finished.

    An epoch that went wrong ends the training and leaves nothing: its loss, validation loss or weights are not
    finite, or `guard` has a reason. The model gets weights of the epochs before it, and the reason is printed,
    now and whenever the same call is run again. To go on all the same, remove `stopped.txt` from the folder of
    the last epoch in `folder`.

    Args:
        model: compiled Keras model.
        training: generator. If it has `set_epoch`, such as `generators.MultiSize`, every epoch sees the order
            it would have seen without the interruption.
        validation: generator or None.
        epochs: how many in all.
        folder: where the state is kept; one folder for each run.
        monitor: the metric that says which epoch is best; None takes "val_loss", or "loss" without validation.
        mode: "min" or "max": what is better.
        patience: stop after so many epochs without a better one; None never stops early.
        keep: which weights the model ends with: of the "best" epoch, or of the "last", as adversarial training
            wants, where no number says which epoch is best.
        guard: function that is called after every epoch with the rows of the history so far, as dicts, and
            returns None or why to stop, such as `adversarial.collapse(…)`.
        **options: for `model.fit`, such as `verbose` or `callbacks`.

    Returns:
        pandas.DataFrame with a row per epoch: epoch, steps, learning_rate, the metrics, seconds.

    Raises:
        ValueError: an unknown metric, mode or keep, or the state in `folder` is of another model.
        RuntimeError: the first epoch already went wrong.

    >>> import keras, numpy as np, tempfile, srhelpers as sr
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> class Pairs(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return np.ones((4, 1)), np.ones((4, 1))
    >>> len(sr.training.fit(model, Pairs(), epochs=3, folder=tempfile.mkdtemp(), verbose=0))
    3
    """
    if mode not in ("min", "max"):
        raise UserError(f"Expected mode min or max, got {mode!r}.")
    if keep not in ("best", "last"):
        raise UserError(f"Expected keep best or last, got {keep!r}.")
    folder = Path(folder)
    monitor = monitor or ("val_loss" if validation is not None else "loss")
    history, state = [], max(folder.glob("epoch-?????"), default=None)
    if state:
        history = pd.read_csv(state / "history.csv").to_dict("records")
        model.optimizer.build(model.trainable_variables)
        _load_weights(model, state / "last.weights.h5")
    over = history and _is_over(history, _best(history, monitor, mode), patience)
    if len(history) < epochs and not over and not (state and (state / "stopped.txt").exists()):
        checkpoint = _Checkpoint(folder, history, training, monitor, mode, patience, guard)
        # Keras would shuffle the order of the batches once more, and differently after a restart.
        settings = {"shuffle": False} | options | {"callbacks": [*options.get("callbacks", []), checkpoint]}
        model.fit(training, validation_data=validation, initial_epoch=len(history), epochs=epochs, **settings)
    state = max(folder.glob("epoch-?????"))
    if (state / "stopped.txt").exists():
        reason = (state / "stopped.txt").read_text(encoding="utf-8")
        print(f"Training stopped in {reason}. The model has the weights of the {keep} epoch before.")
    _load_weights(model, state / f"{keep}.weights.h5")
    return pd.DataFrame(history)


def _load_weights(model, file):
    try:
        model.load_weights(file)
    except (ValueError, KeyError, OSError) as error:
        raise UserError(
            f"Expected {file.parent.parent} to hold the state of this model, but its weights do not fit ({error}). "
            "Choose another folder, or remove this one to start again."
        ) from error
