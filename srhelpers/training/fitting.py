"""Training that can be killed at any time."""

import hashlib
import json
import re
import shutil
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from .. import _files
from ..runtime import UserError
from .keys import described


class _Checkpoint(keras.callbacks.Callback):
    """After every epoch: one folder with weights, optimizer, best weights and history, whole or not there."""

    async_safe = True  # Keras looks at losses in a thread; or every step would wait for the one before

    def __init__(self, folder, run, history, generator, monitor):
        super().__init__()
        self.folder, self.run, self.history = folder, run, history
        self.generator, self.monitor = generator, monitor

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
            "steps": _number(optimizer.iterations),
            "learning_rate": _number(optimizer.learning_rate),
            **{name: float(value) for name, value in logs.items() if name != "learning_rate"},
            "seconds": round(time.perf_counter() - self.start, 2),
        }
        if reason := _not_finite(row, self.model):
            self._stop(epoch, reason)
            return
        self.history.append(row)
        values = pd.DataFrame(self.history)[self.monitor].fillna(float("inf"))
        self._save(epoch + 1, is_best=values.idxmin() == epoch)

    def _save(self, number, is_best):
        target = _place(self.folder, number)
        shutil.rmtree(target, ignore_errors=True)  # a damaged one
        with _files.replacing(target, sync=True) as partial:
            partial.mkdir()
            last = partial / "last.weights.h5"
            self.model.save_weights(last)
            best = last if is_best else _place(self.folder, number - 1) / "best.weights.h5"
            shutil.copyfile(best, partial / "best.weights.h5")
            pd.DataFrame(self.history).to_csv(partial / "history.csv", index=False)
            seeds = [keras.ops.convert_to_numpy(seed).tolist() for seed in _seeds(self.model)]
            files = {file.name: _sha256(file) for file in partial.iterdir()}
            state = {"run": self.run, "seeds": seeds, "sha256": files}
            (partial / "state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
        for older in _epochs(self.folder)[2:]:  # two stay: the newest may be damaged
            shutil.rmtree(older)

    def _stop(self, good_epochs, reason):
        if not good_epochs:
            raise UserError(
                f"Expected a first epoch that is worth keeping, but {reason}; try a smaller learning rate, and look "
                "at the data and the loss."
            )
        with _files.replacing(_place(self.folder, good_epochs) / "stopped.txt", sync=True) as note:
            note.write_text(f"epoch {good_epochs + 1}: {reason}", encoding="utf-8")
        self.model.stop_training = True


def _number(value):
    """Of a variable too, of which several devices of TensorFlow have a copy each."""
    return keras.ops.convert_to_numpy(value).item()


def _not_finite(row, model):
    for name in ("loss", "val_loss"):
        if not np.isfinite(row.get(name, 0)):
            return f"{name} is {row[name]}"
    # The last step of an epoch can break them after its loss was taken.
    return None if all(np.isfinite(weights).all() for weights in model.get_weights()) else "some weights are not finite"


def _place(folder, number):
    return folder / f"epoch-{number:05d}"


def _epochs(folder):
    """The folders of the epochs that are kept, the newest first. What a reader puts beside them does not count."""
    found = [place for place in folder.glob("epoch-*") if re.fullmatch(r"epoch-\d{5,}", place.name) and place.is_dir()]
    return sorted(found, key=lambda place: int(place.name[6:]), reverse=True)


def _seeds(model):
    """The states of random layers: Keras keeps them out of saved weights."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def _sha256(file):
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _newest(folder):
    """(folder, state) of the newest whole epoch, or None where there is no epoch."""
    places = _epochs(folder)
    for place in places:
        try:
            state = json.loads((place / "state.json").read_text(encoding="utf-8"))
            if all(_sha256(place / name) == known for name, known in state["sha256"].items()):
                return place, state
        except (OSError, ValueError):
            pass
        print(f"{place} is damaged and does not count.")
    if places:
        raise UserError(f"Expected a whole epoch in {folder}, got only damaged ones; remove it to start again.")
    return None


def fit(
    model: keras.Model,
    training: keras.utils.PyDataset | None,
    validation: keras.utils.PyDataset | None = None,
    *,
    epochs: int,
    folder: str | Path,
    monitor: str | None = None,
    keep: str = "best",
    **options: object,
) -> pd.DataFrame:
    """`model.fit` that goes on from its last whole epoch when it was killed, and ends with the best weights.

    The state of the newest two epochs is kept in `folder`. Run the same call again: it goes on there, or returns at
    once if it had finished. A folder is of one run: a changed network, loss or optimizer is refused.

    An epoch whose loss, validation loss or weights are not finite ends the training and leaves nothing. The model
    gets weights of the epochs before it, and the reason is printed, now and whenever the same call is run again. To go
    on all the same, remove `stopped.txt` from the last epoch's folder.

    Args:
        training: if it has `set_epoch`, such as `generators.Patches`, every epoch sees what it would have seen without
            the interruption.
        epochs: how many in all.
        folder: where the state is kept; one for each run: `training.run_key` makes a name for it.
        monitor: the loss whose smallest value says which epoch is best; None takes "val_loss", or "loss" without
            validation.
        keep: which weights the model ends with: of the "best" epoch, or of the "last", as adversarial training
            wants, where no number says which epoch is best.
        **options: for `model.fit`, such as `verbose` or `callbacks`.

    Returns:
        A row per epoch: epoch, steps, learning_rate, the metrics, seconds.
    """
    if keep not in ("best", "last"):
        raise UserError(f"Expected keep best or last, got {keep!r}.")
    if epochs < 1 or epochs != int(epochs):
        raise UserError(f"Expected a whole number of epochs from 1 on, got {epochs}.")
    run, history = described(model), []
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    monitor = monitor or ("val_loss" if validation is not None else "loss")
    with _files.locked(folder, f"trains in {folder}"):
        for left in folder.glob(_files.UNFINISHED):  # of a killed process
            shutil.rmtree(left)
        if newest := _newest(folder):
            history = _go_on(model, *newest, run, epochs)
        if len(history) < epochs and not (newest and (newest[0] / "stopped.txt").exists()):
            checkpoint = _Checkpoint(folder, run, history, training, monitor)
            # Keras would shuffle the order of the batches once more, and differently after a restart.
            settings = {"shuffle": False} | options | {"callbacks": [*options.get("callbacks", []), checkpoint]}
            model.fit(training, validation_data=validation, initial_epoch=len(history), epochs=epochs, **settings)
        place = _place(folder, len(history))
        if (place / "stopped.txt").exists():
            reason = (place / "stopped.txt").read_text(encoding="utf-8")
            print(f"Training stopped in {reason}. The model has the weights of the {keep} epoch before.")
        model.load_weights(place / f"{keep}.weights.h5")
    return pd.DataFrame(history)


def _go_on(model, place, state, run, epochs):
    """Put a model into the state of an epoch; the history up to it."""
    if changed := [name for name in run if state["run"][name] != run[name]]:
        raise UserError(
            f"Expected a folder of this run, but {place.parent} holds the epochs of another {' and '.join(changed)}; "
            "choose another folder, or remove this one to start again."
        )
    history = pd.read_csv(place / "history.csv").to_dict("records")
    if epochs < len(history):
        raise UserError(
            f"Expected epochs of at least {len(history)}, which {place.parent} already holds, got {epochs}; "
            "choose another folder, or remove this one to start again."
        )
    model.optimizer.build(model.trainable_variables)
    model.load_weights(place / "last.weights.h5")
    for variable, seed in zip(_seeds(model), state["seeds"], strict=True):
        variable.assign(seed)
    return history
