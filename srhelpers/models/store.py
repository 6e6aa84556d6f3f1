"""Networks as files: `save` writes them small and for any machine, `load` finds them by name."""

import datetime
import difflib
import functools
import hashlib
import io
import json
import platform
import shutil
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import h5py
import keras

# What saved networks are made of: importing it registers it with Keras.
from .. import __version__, _files, layers, losses, runtime  # noqa: F401
from ..datasets import DownloadError, downloads
from ..runtime import UserError
from . import authors
from .records import FIELDS, MEMBER, Record, describe, index, manifest, within

# Settings that Keras before 3.15 does not know and refuses, with the value at which they say nothing.
NEWER = {"quantization_config": None, "input_axes": None, "output_axes": None, "renorm": False}


def save(model: keras.Model, name: str | Path, *, folder: str | Path | None = None, **facts: object) -> Path:
    """Save a network as `<name>.keras`, to be loaded by name.

    It goes without its optimizer, in float32 whatever it was trained in. Its kernels are rounded to float16, which
    halves the file and moves results by hundredths of a gray level. Keras loads it like any other.

    Args:
        model: of layers that Keras or this package has; a subclass of `keras.Model` needs code of its own, so save the
            plain model inside.
        name: such as "mine", or the path of a `.keras` file.
        folder: where to; None is a folder of your own, `runtime.own("models")`. What ships is made by `recipes/`.
        **facts: fields of `Record`, such as purpose, data and steps; others go into its `training`.
    """
    file = _target(name, folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "name": file.stem,
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "srhelpers": __version__,
        },
        "scales": _scales(model),
        "parameters": model.count_params(),
        "training": {name: value for name, value in facts.items() if name not in FIELDS},
    }
    record = Record(**found | {name: value for name, value in facts.items() if name in FIELDS})
    with _files.replacing(file, sync=True) as partial:
        try:
            model.save(partial)
            record = _pack(partial, record)
            _read(partial)
        except (TypeError, ValueError) as error:  # nobody else has the code of a class of one notebook
            raise UserError(f"Expected a model that needs no code of its own, got {model.name}: {error}") from error
    describe(folder=file.parent, **asdict(record) | {"bytes": file.stat().st_size})
    return file


def _target(name, folder):
    if str(name).endswith(".keras"):
        return Path(folder or "", name).expanduser()
    if Path(name).name != name:
        raise UserError(f"Expected a name such as mine, or the path of a .keras file, got {name!r}.")
    if folder is None and (runtime.shipped("models") / f"{name}.keras").exists():
        raise UserError(f"Expected a name that no shipped network has, got {name!r}; take another, such as my_{name}.")
    return Path(folder or runtime.own("models")).expanduser() / f"{name}.keras"


def _scales(model):
    if [tuple(taken.shape)[1:] for taken in model.inputs] != [(None, None, 3)]:
        return ()
    shapes = keras.Model(model.inputs, keras.tree.flatten(model.outputs)).compute_output_shape((1, 64, 64, 3))
    shapes = [shape for shape in shapes if len(shape) == 4 and shape[1] and shape[1] > 64 and shape[3] == 3]
    return tuple(sorted({shape[1] // 64 for shape in shapes}))


def _pack(file, record):
    """Write a file of `keras.Model.save` anew: smaller, for older versions of Keras too, and with its record."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = _portable(json.loads(parts["config.json"]))
    config.pop("compile_config", None)
    parts["config.json"] = json.dumps(config)
    parts["model.weights.h5"] = _halved(parts["model.weights.h5"])
    record = replace(record, sha256=hashlib.sha256(parts["model.weights.h5"]).hexdigest())
    parts[MEMBER] = json.dumps(asdict(record), ensure_ascii=False)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return record


def _portable(part):
    """A network's configuration in float32, without settings that older versions of Keras refuse."""
    if isinstance(part, list):
        return [_portable(one) for one in part]
    if isinstance(part, dict):
        silent = {name for name, nothing in NEWER.items() if name in part and part[name] is nothing}
        silent |= {"renorm_clipping", "renorm_momentum"} if "renorm" in silent else set()
        return {name: _portable(one) for name, one in part.items() if name not in silent}
    return "float32" if part in ("mixed_bfloat16", "mixed_float16") else part


def _halved(weights):
    """An HDF5 file of weights without the optimizer's, the kernels as float16.

    Biases, slopes and normalization stay: they are small, and a variance can be beyond float16.
    """
    smaller = io.BytesIO()
    with h5py.File(io.BytesIO(weights)) as old, h5py.File(smaller, "w") as new:
        new.attrs.update(old.attrs)

        def copy(name, item):
            if name.split("/")[0] == "optimizer":
                return
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            else:
                values = item[()]
                kernel = values.ndim > 1 and values.size > 1024 and abs(values).max() < 65504
                made = new.create_dataset(name, data=values.astype("float16") if kernel else values)
            made.attrs.update(item.attrs)

        old.visititems(copy)
    return smaller.getvalue()


def load(name: str | Path, folder: str | Path | None = None, *, shared: bool = True) -> keras.Model:
    """Load a network by name, or any `.keras` file by path.

    The weights of some networks of other authors do not ship. The first use fetches them from their author's address;
    from then on they are in the cache. See `is_here`. An `OSError` says why they cannot be had.

    Args:
        name: of a network that ships or that you saved, or the path of a `.keras` file.
        folder: where to look for the name, and only there.
        shared: a name is loaded once in a process, and all get the same model: do not change or train it. False
            gives one of your own, and so does a path.

    It is not compiled. A file that brings code of its own is refused: `safe_mode=True`.
    """
    name = str(name)
    if name.endswith(".keras"):
        file = Path(name).expanduser()
        if not file.exists():
            raise FileNotFoundError(f"Expected a .keras file at {file}, where there is none.")
        return _read(file)
    file = _find(name, folder)
    return _shared(file, file.stat().st_mtime_ns, runtime.replicas()) if shared else _read(file)


def is_here(name: str, folder: str | Path | None = None) -> bool:
    """Whether `load` needs no network for this name, which must be a known one."""
    file = _find(name, folder)
    return _has_weights(file) or _has_weights(_kept(file))


def _find(name, folder):
    places = [Path(folder)] if folder else [runtime.shipped("models"), runtime.own("models")]
    file = next((file for place in places if (file := place / f"{name}.keras").exists()), None)
    if not file:
        raise FileNotFoundError(_unknown(name, places))
    return file


def _unknown(name, places):
    listed = next((place for place in places if name in index(place)), None)
    if listed:
        return f"Expected the network's file {listed / name}.keras, which is not there{_remedy(listed)}."
    known = {name: record for place in places for name, record in manifest(place).items()}
    meant = "".join(f"; did you mean {close}?" for close in difflib.get_close_matches(name, known, 1))
    known = [name for name, record in known.items() if record.kind == "upscaler"]
    return f"Expected a model of {', '.join(known) or 'none'}, or the path of a .keras file, got {name!r}{meant}"


def _remedy(folder):
    if folder != runtime.shipped("models"):
        return ""
    inside = folder.is_relative_to(Path(runtime.__file__).parent)
    return "; install srhelpers again" if inside else f"; restore it: git checkout {folder}"


@functools.lru_cache(maxsize=32)
def _shared(file, changed, replicas):
    return _read(file)


def _kept(file):
    return runtime.folder("cache") / "models" / file.name


def _has_weights(file):
    record = within(file)
    return file.exists() and bool(record.get("sha256") or not record.get("weights"))


def _fetched(file):
    """The same network with its author's weights, which are fetched, checked and converted once."""
    kept, record = _kept(file), within(file)
    with _files.locked(kept, f"downloads {file.stem}"):
        if within(kept).get("weights") != record["weights"]:
            url, digest, size = (record["weights"][key] for key in ("url", "sha256", "bytes"))
            archive = downloads.Archive(file.stem, (url,), None, about_size=size)
            try:
                source = downloads.fetch(archive, kept.parent)
            except DownloadError as error:
                raise OSError(str(error)) from error
            found = hashlib.sha256(source.read_bytes()).hexdigest()
            if not found.startswith(digest):
                source.unlink()
                raise OSError(f"Expected a file of the SHA-256 {digest} at {url}, got one of {found}.")
            with zipfile.ZipFile(file) as opened:
                model = keras.models.model_from_json(opened.read("config.json"))
            authors.load_weights(model, source)
            save(model, kept, **{key: value for key, value in record.items() if key != "name"})
            shutil.rmtree(source.parent)
    return kept


def mixed(first: keras.Model | str | Path, second: keras.Model | str | Path, share: float) -> keras.Model:
    """A new network between two of one architecture: each weight is (1 − share) · the first's + share · the second's.

    Source: Wang et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", section 3.4.
    """
    models = [model if isinstance(model, keras.Model) else load(model) for model in (first, second)]
    shapes = [[tuple(weights.shape) for weights in model.weights] for model in models]
    if shapes[0] != shapes[1]:
        raise UserError(f"Expected two networks of one architecture, got {first} and {second}.")
    model = keras.models.clone_model(models[0])
    pairs = zip(*(model.get_weights() for model in models), strict=True)
    model.set_weights([(1 - share) * old + share * new for old, new in pairs])
    return model


def _read(file):
    file = file if _has_weights(file) else _fetched(file)
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # zip, HDF5, JSON and Keras have an error each
        raise UserError(
            f"Expected {file} to be a Keras model, but it cannot be loaded: {error}{_remedy(file.parent)}"
        ) from error
