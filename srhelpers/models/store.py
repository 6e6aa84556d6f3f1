"""The networks that ship: what is known of each, saved and loaded."""

import datetime
import hashlib
import json
import os
import platform
import re
import zipfile
from pathlib import Path

import keras

# What shipped models are made of: importing it registers it with Keras.
from .. import __version__, layers, losses  # noqa: F401
from ..runtime import UserError
from . import shipped


def manifest(folder=None):
    """What is known about the shipped models: name → facts.

    Args:
        folder: where the models are; None is where those that ship are.

    Returns:
        dict, empty where there is no manifest.

    >>> import srhelpers as sr
    >>> isinstance(sr.models.manifest(), dict)
    True
    """
    file = Path(folder or shipped.folder("models")) / "manifest.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _sha256(file):
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def save(model, name, *, folder=None, **facts):
    """Save a model as `<name>.keras` and write what is known about it into the manifest.

    Args:
        model: Keras model; it is saved without its optimizer, and computes in float32 whatever it was trained in.
        name: how `load` calls it.
        folder: where the models are; None is where those that ship are (see `shipped.folder`).
        **facts: what a reader must know: notebook, dataset, photos, steps, seed, device, minutes, score.

    Returns:
        Path of the file. The date, versions, parameters, size and checksum are added to the facts.

    Raises:
        ValueError: the saved file cannot be loaded without other code, such as that of a `keras.Model` subclass:
            ship the plain model inside. The file that was there before stays.

    >>> import keras, tempfile, srhelpers as sr
    >>> model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.UpSampling2D(2)])
    >>> sr.models.save(model, "nearest", folder=tempfile.mkdtemp(), notebook="none").name
    'nearest.keras'
    """
    folder = Path(folder or shipped.folder("models", write=True))
    folder.mkdir(parents=True, exist_ok=True)
    file, partial = folder / f"{name}.keras", folder / f"{name}.part.keras"
    try:
        _in_float32(model).save(partial)
        _for_older_keras(partial)
        load(partial)
    except (TypeError, ValueError) as error:  # nobody else has the code of a class of one notebook
        partial.unlink(missing_ok=True)
        raise UserError(
            f"Expected a model that loads without code of its own, but {name} cannot be loaded: {error}"
        ) from error
    entry = {
        **facts,
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "srhelpers": __version__,
        },
        "parameters": model.count_params(),
        "bytes": partial.stat().st_size,
        "sha256": _sha256(partial),
    }
    text = json.dumps(manifest(folder) | {name: entry}, indent=2, ensure_ascii=False) + "\n"
    (folder / "manifest.json.part").write_text(text, encoding="utf-8")
    partial.replace(file)
    (folder / "manifest.json.part").replace(folder / "manifest.json")
    return file


def _in_float32(model):
    """The same model, not compiled, without the mixed precision of the machine that trained it."""
    config = json.dumps(keras.saving.serialize_keras_object(model))
    for mixed in ("mixed_bfloat16", "mixed_float16"):
        config = config.replace(f'"{mixed}"', '"float32"')
    settings = json.loads(config)
    settings.pop("compile_config", None)
    same = keras.saving.deserialize_keras_object(settings)
    same.set_weights(model.get_weights())
    return same


def _for_older_keras(file):
    """Leave out of a file the settings that Keras before 3.15 does not know, where they say nothing."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    null = rb', "(quantization_config|input_axes|output_axes)": null'
    off = rb', "renorm": false, "renorm_clipping": null, "renorm_momentum": [0-9.]+'
    parts["config.json"] = re.sub(rb"|".join([null, off]), b"", parts["config.json"])
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def load(name, folder=None):
    """Load a shipped model by name, or any `.keras` file of yours by path.

    Args:
        name: a name of the manifest, or the path of a `.keras` file.
        folder: where the shipped models are, if not where they always are.

    Returns:
        Keras model, not compiled.

    Raises:
        FileNotFoundError: no such name or file.
        ValueError: the file is damaged (a shipped one must have the checksum of the manifest), or needs code
            that is not registered: files are loaded with `safe_mode=True`.

    >>> import keras, tempfile, srhelpers as sr
    >>> folder = tempfile.mkdtemp()
    >>> model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.UpSampling2D(2)])
    >>> file = sr.models.save(model, "nearest", folder=folder)
    >>> sr.models.load("nearest", folder).output_shape
    (None, None, None, 3)
    """
    folder = Path(folder or shipped.folder("models"))
    known, file = manifest(folder), folder / f"{name}.keras"
    if str(name).endswith(".keras"):
        known, file = {}, Path(name).expanduser()
    elif name not in known:
        listed = ", ".join(known) or "none is shipped yet"
        raise FileNotFoundError(f"Expected a model of {listed}, or the path of a .keras file, got {os.fspath(name)!r}.")
    if not file.exists():
        raise FileNotFoundError(
            f"Expected the model file {file}, which is not there; restore it with: git checkout {file}"
        )
    if known and _sha256(file) != known[name]["sha256"]:
        raise UserError(f"Expected {file} to have the checksum of the manifest; it is damaged: git checkout {file}")
    try:
        return keras.models.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # zip, HDF5, JSON and Keras have an error each
        raise UserError(f"Expected {file} to be a Keras model, but it cannot be loaded: {error}") from error
