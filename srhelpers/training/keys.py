"""What a training depends on, as a few letters."""

import hashlib
import inspect
import json
import warnings

import keras

from ..runtime import UserError


def run_key(model: keras.Model, **what_else: object) -> str:
    """A short name for a run: change the network, its loss, its optimizer or the data, and it is another.

    Use it in the name of the folder for `training.fit`. Layers' names do not count: the same network built twice has
    one key. Of losses and classes of your own the source text counts, and of a loss the numbers and texts that it
    takes from around it. Not noticed: the weights the network starts from, and other code that yours calls.

    `what_else` is what the run depends on besides: the data set, number of photos, steps, seed, …

    """
    return _digest(described(model) | what_else)


def described(model: keras.Model) -> dict[str, str]:
    """The digests of a compiled model's network, loss and optimizer."""
    if not model.compiled:
        raise UserError("Expected a compiled model; call its compile(optimizer, loss) first.")
    if not model.built:
        raise UserError("Expected a model that knows the shape of its input; begin it with keras.Input(…).")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a lambda cannot be loaded again: nothing is
        compiled = model.get_compile_config()
        loss = [compiled["loss"], compiled["loss_weights"], keras.tree.map_structure(_source, model.loss)]
        parts = {"network": _network(model), "loss": loss, "optimizer": compiled["optimizer"]}
    return {name: _digest(_normalized(part, {})) for name, part in parts.items()}


def _digest(value):
    text = json.dumps(value, sort_keys=True, default=lambda other: getattr(other, "tolist", other.__str__)())
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _network(layer):
    try:
        config = keras.saving.serialize_keras_object(layer)
    except (NotImplementedError, TypeError):  # a class without get_config
        config = layer.__class__.__qualname__
    inside = [_network(inner) for inner in getattr(layer, "layers", [])]
    return [config, [list(weight.shape) for weight in layer.weights], _source(layer), inside]


def _source(thing):
    """The text of a reader's own function, or of the class of their own object; None for what Keras and we have."""
    thing = thing.function if isinstance(thing, keras.layers.Lambda) else thing
    thing = thing if inspect.isfunction(thing) else type(thing)
    if thing.__module__.split(".")[0] in ("builtins", "keras", "srhelpers"):
        return None
    around = inspect.getclosurevars(thing)[:2] if inspect.isfunction(thing) else ()  # its nonlocals and globals
    constants = [item for names in around for item in names.items() if isinstance(item[1], float | int | str | tuple)]
    try:
        return [inspect.getsource(thing), constants]
    except (OSError, TypeError):  # typed into a shell
        return [thing.__qualname__, constants]


def _normalized(value, names, key=None):
    """A configuration without what differs from one building of a network to the next."""
    if isinstance(value, dict):
        if value.get("class_name") == "__lambda__":
            return "lambda"  # its source text is told apart
        ignored = ("shared_object_id", "compile_config")
        return {name: _normalized(inner, names, name) for name, inner in value.items() if name not in ignored}
    if isinstance(value, list | tuple):
        return [_normalized(inner, names, key) for inner in value]
    if isinstance(value, str) and key in ("name", "keras_history", "input_layers", "output_layers"):
        return names.setdefault(value, len(names))
    return value
