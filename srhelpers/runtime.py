"""Where a notebook runs: platform, backend, device, precision, profile, seed, folders, versions."""

import importlib.util
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pooch

from ._keras import quiet

OLDEST = {"python": (3, 11), "keras": (3, 12), "tensorflow": (2, 19)}
PROFILES = ("quick", "gpu", "full")


class UserError(ValueError):
    """What was asked for cannot be done as asked; the text says what was expected, what came, and what to do.

    The command line prints it in one line. Any other error but an `OSError` is a bug, and shows its traceback.
    """


@dataclass(frozen=True)
class Runtime:
    """What `setup` found and chose. Printing it gives one tidy block."""

    platform: str
    backend: str
    device: str
    devices: int
    accelerator: str
    precision: str
    profile: str
    seed: int
    folders: dict
    versions: dict

    def __str__(self) -> str:
        rows = {
            **{name: getattr(self, name) for name in ("platform", "backend", "device", "precision")},
            **({"devices": f"{self.devices} share every batch (SR_DEVICES=1 takes one)"} if self.devices > 1 else {}),
            "profile": f"{self.profile} (SR_PROFILE overrides)",
            "seed": self.seed,
            **{f"{name} folder": _short(path) or f"not set ({_FOLDERS[name]})" for name, path in self.folders.items()},
            "versions": ", ".join(f"{name} {version}" for name, version in self.versions.items()),
        }
        return "\n".join(f"{name:<14} {value}" for name, value in rows.items())


_PACKAGE = Path(__file__).resolve().parent
_CLONE = _PACKAGE.parent if (_PACKAGE.parent / "pyproject.toml").exists() else None
_FOLDERS = {"data": "SR_DATA_DIR", "weights": "SR_WEIGHTS_DIR", "cache": "SR_CACHE_DIR"}


def _short(path):
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path and path.is_relative_to(home) else path


def folder(name: str) -> Path | None:
    """The folder for "data", "weights" or "cache", from SR_DATA_DIR, SR_WEIGHTS_DIR or SR_CACHE_DIR.

    None where the variable is not set; the cache is then the user's cache folder.
    """
    value = os.environ.get(_FOLDERS[name])
    if value:
        return Path(value).expanduser().absolute()
    return Path(pooch.os_cache("srhelpers")) if name == "cache" else None


def shipped(name: str) -> Path:
    """Where the "models", "results" or "photos" that ship are: `data/` of a clone, or inside the package. Only read."""
    return (_CLONE or _PACKAGE) / "data" / name


def own(name: str) -> Path:
    """Where a reader's "models" and "results" go: `build/` of a clone, `srhelpers_data/` in the working folder else."""
    return (_CLONE / "build" if _CLONE else Path.cwd() / "srhelpers_data") / name


def _number(version):
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def check_versions(versions: dict[str, str]) -> None:
    """Refuse what the lessons cannot run on."""
    for name in OLDEST.keys() & versions.keys():
        if _number(versions[name]) < OLDEST[name]:
            oldest = ".".join(map(str, OLDEST[name]))
            todo = "use a newer Python" if name == "python" else f"run: python -m pip install --upgrade {name}"
            raise UserError(f"Expected {name} {oldest} or newer, got {versions[name]}; {todo}, then restart.")
    if _number(versions["keras"]) == (3, 14, 0):
        raise UserError(
            "Expected a Keras other than 3.14.0, which gives the outputs of a model each other's metrics; "
            "run: python -m pip install --upgrade keras, then restart."
        )


def _platform():
    if importlib.util.find_spec("google") and importlib.util.find_spec("google.colab"):
        return "Colab"
    if os.environ.get("KAGGLE_KERNEL_RUN_TYPE"):
        return "Kaggle"
    return f"{platform.system()} {platform.machine()}"


def _gpu():
    """(name, compute capability) of the first NVIDIA GPU, as its driver tells."""
    query = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    try:
        line = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()[0]
        name, capability = (part.strip() for part in line.rsplit(",", 1))
        return name, float(capability)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return "GPU", 0.0


def _choose_precision(accelerator, capability):
    """bfloat16 where the hardware has it, float16 on older GPUs with tensor or fast half units."""
    if accelerator == "tpu" or (accelerator == "gpu" and capability >= 8):
        return "mixed_bfloat16"
    if accelerator == "gpu" and capability >= 6:
        return "mixed_float16"
    return "float32"


def _accelerator():
    """("gpu", "tpu" or "cpu", what it is called, its compute capability) of what the Keras backend computes on."""
    import keras

    devices = keras.distribution.list_devices()
    kind = next((kind for kind in ("gpu", "tpu") if any(kind in device for device in devices)), "cpu")
    if kind == "cpu":
        return kind, f"CPU, {os.cpu_count()} cores", 0.0
    name, capability = _gpu() if kind == "gpu" else ("TPU", 0.0)
    return kind, f"{len([device for device in devices if kind in device])} × {name}", capability


def device() -> str:
    """What the Keras backend computes on, such as "1 × Tesla T4" or "CPU, 2 cores"."""
    return _accelerator()[1]


def replicas() -> int:
    """Among how many devices each batch is shared, as `setup` has it; batches should divide by it."""
    import keras

    if keras.backend.backend() == "jax":
        shared = keras.distribution.distribution()
        return shared.device_mesh.devices.size if shared else 1
    if keras.backend.backend() == "tensorflow":
        return tensorflow().distribute.get_strategy().num_replicas_in_sync
    return 1


def tensorflow():
    """TensorFlow itself, where it is the backend, for the little that Keras 3 has no name for."""
    return importlib.import_module("tensorflow")


def _share_batches(devices):
    """From now on networks are copied to these devices, and they share every batch; one device is as usual."""
    import keras

    several = len(devices) > 1
    if keras.backend.backend() == "jax":

        class Shared(keras.distribution.DataParallel):
            def get_data_layout(self, data_shape):
                if data_shape[0] % len(devices):  # such as one picture: all devices get it whole
                    return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)
                return super().get_data_layout(data_shape)

        if several or keras.distribution.distribution():
            keras.distribution.set_distribution(Shared(devices=devices) if several else None)
    elif keras.backend.backend() == "tensorflow":
        distribute = tensorflow().distribute
        if several or distribute.has_strategy():
            distribute.experimental_set_strategy(distribute.MirroredStrategy(devices) if several else None)


def _chosen_devices(wanted):
    """The names of those to compute on."""
    import keras

    devices = keras.distribution.list_devices()
    wanted = wanted or os.environ.get("SR_DEVICES") or len(devices)
    if not str(wanted).isdecimal() or not 0 < int(wanted) <= len(devices):
        raise UserError(f"Expected from 1 to {len(devices)} devices, got {wanted} (argument or SR_DEVICES).")
    return devices[: int(wanted)]


def setup(
    profile: str | None = None,
    *,
    precision: str | None = None,
    devices: int | None = None,
    seed: int = 0,
    verbose: bool = True,
) -> Runtime:
    """First call of every notebook: check versions, choose devices, precision and profile, set seeds, say so.

    Args:
        profile: "quick" (the lessons in minutes on a laptop), "gpu" (ten times as many steps), or "full" (as "gpu",
            and never chosen by itself: what recipes run with). None takes SR_PROFILE, else "gpu" where a GPU or TPU
            is seen, else "quick".
        precision: a Keras dtype policy such as "float32". None takes SR_PRECISION, else bfloat16 on GPUs that
            have it and on TPUs, float16 on older GPUs, float32 on a CPU. (Some CPUs have bfloat16 too: there
            SR_PRECISION=mixed_bfloat16 halves the time with TensorFlow, and multiplies it on others.)
        devices: how many share every batch, in training, prediction and `metrics.evaluate`, for networks made or
            loaded from now on. None takes SR_DEVICES, else all there are.
        seed: for Python, NumPy and the Keras backend.
        verbose: print the block.
    """
    profile = profile or os.environ.get("SR_PROFILE")
    if profile not in (None, *PROFILES):
        raise UserError(f"Expected a profile of {', '.join(PROFILES)}, got {profile!r} (argument or SR_PROFILE).")
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if not importlib.util.find_spec(backend):
        raise UserError(
            f"Expected the Keras backend {backend}, which is not installed; run: python -m pip install {backend}, "
            "or set KERAS_BACKEND to one that is, then restart."
        )
    with quiet():
        import keras

        accelerator, device, capability = _accelerator()
        chosen = _chosen_devices(devices)
        _share_batches(chosen)
        keras.utils.set_random_seed(seed)  # it imports TensorFlow, whatever the backend
    backend = keras.backend.backend()
    versions = {"python": platform.python_version(), "keras": keras.__version__}
    versions[backend] = sys.modules[backend].__version__
    check_versions(versions)

    precision = precision or os.environ.get("SR_PRECISION") or _choose_precision(accelerator, capability)
    keras.config.set_dtype_policy(precision)
    runtime = Runtime(
        platform=_platform(),
        backend=backend,
        device=device,
        devices=len(chosen),
        accelerator=accelerator,
        precision=precision,
        profile=profile or ("quick" if accelerator == "cpu" else "gpu"),
        seed=seed,
        folders={kind: folder(kind) for kind in _FOLDERS},
        versions=versions,
    )
    if verbose:
        print(runtime)
    return runtime
