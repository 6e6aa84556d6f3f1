"""A network for programs without Keras: as ONNX, LiteRT or TensorFlow's SavedModel, compared with Keras."""

import contextlib
import importlib.util
import io
import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from .. import _files, runtime
from ..runtime import UserError
from . import store

# What Keras calls the format, how the file's name ends, and what it needs beside TensorFlow, to be made and to be run.
FORMATS = {
    "onnx": ("onnx", ".onnx", ("tf2onnx", "onnxruntime")),
    "litert": ("litert", ".tflite", ("ai_edge_litert",)),
    "tf": ("tf_saved_model", "", ()),
}
SIZES = ((48, 64), (64, 48), (80, 80))  # of the pictures of noise on which both are compared
MOST = 0.5  # gray levels by which they may differ


def save(model: keras.Model | str | os.PathLike, file: str | os.PathLike, format: str) -> float:
    """Export a network that takes pictures of any size, such as (N, H, W, 3) in 0…255, as float32.

    Args:
        model: it, its name, or its `.keras` file.
        file: ends in .onnx or .tflite; for "tf" it is a folder, which must not be there.
        format: "onnx", "litert" or "tf". All need TensorFlow: what Keras exports with from JAX
            knows no depth to space of unknown size.

    Returns:
        The largest difference between what the file and Keras make of pictures of three sizes, in gray levels. Above
        0.5 it is an error, and no file is left.
    """
    kind, ending, needed = FORMATS[format]
    file = Path(file).expanduser()
    if file.suffix != ending if ending else file.exists():
        expected = f"a name that ends in {ending}" if ending else "the name of a new folder"
        raise UserError(f"Expected {expected} for {format}, got {os.fspath(file)}; choose another.")
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"Expected the Keras backend tensorflow to export for pictures of any size, got {keras.backend.backend()}; "
            "install it and set KERAS_BACKEND=tensorflow: networks are the same on both."
        )
    if missing := [name for name in needed if not importlib.util.find_spec(name)]:
        packages = " ".join(needed).replace("_", "-")
        raise UserError(f"Expected {missing[0]} for {format}, which is not here; run: python -m pip install {packages}")
    if not isinstance(model, keras.Model):
        model = store.load(model, shared=False)
    _files.make_folder(file.parent)
    random = np.random.default_rng(0)
    pictures = [random.uniform(0, 255, (1, *size, 3)).astype("float32") for size in SIZES]
    with _files.replacing(file) as partial:
        try:
            wanted = [keras.tree.flatten(model(picture)) for picture in pictures]  # Keras exports what it has called
            with runtime.quiet(), contextlib.redirect_stdout(io.StringIO()):
                model.export(str(partial), format=kind, verbose=False)
            run = runner(partial)
            pairs = [
                pair
                for ours, picture in zip(wanted, pictures, strict=True)
                for pair in zip(ours, run(picture), strict=True)
            ]
            largest = float(np.max([np.abs(np.asarray(ours) - theirs).max() for ours, theirs in pairs]))
        except Exception as error:  # Keras, TensorFlow, tf2onnx and the runtimes have many
            others = " or ".join(name for name in FORMATS if name != format)
            raise UserError(
                f"Expected a network that Keras {keras.__version__} exports as {format} for any size, got "
                f"{model.name}; choose {others}, which may hold it: {error}"
            ) from error
        if not largest <= MOST:
            raise UserError(
                f"Expected {format} to differ from Keras by at most {MOST} gray levels, got {largest:.2f} for "
                f"{model.name}; no file was kept."
            )
    return largest


def runner(file: str | os.PathLike) -> Callable[[np.ndarray], list[np.ndarray]]:
    """An exported network as a function: pictures (N, H, W, 3), float32 → what its outputs give, in their order."""
    file = os.fspath(file)
    if file.endswith(".onnx"):
        import onnxruntime

        session = onnxruntime.InferenceSession(file)
        name = session.get_inputs()[0].name
        return lambda pictures: session.run(None, {name: pictures})
    if file.endswith(".tflite"):
        from ai_edge_litert.interpreter import Interpreter

        # Its content, not its name: while it is mapped into memory, Windows would not rename it.
        signature = Interpreter(model_content=Path(file).read_bytes()).get_signature_runner()
        name = next(iter(signature.get_input_details()))
        return lambda pictures: [output for _, output in sorted(signature(**{name: pictures}).items())]
    import tensorflow as tf

    loaded = tf.saved_model.load(file)
    return lambda pictures: [output.numpy() for output in keras.tree.flatten(loaded.serve(pictures))]
