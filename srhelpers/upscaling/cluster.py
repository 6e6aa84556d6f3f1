"""Folders of pictures too large for one machine: Ray Data shares them among the workers of a cluster."""

import logging
import math
import os
import tempfile
import time
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePath, PurePosixPath

import keras
import numpy as np
from tqdm.auto import tqdm

from .. import models
from ..runtime import UserError
from . import folders, pictures, planning
from .encoding import FORMATS

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
try:
    import fsspec
    import ray
    import ray.data
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Expected the packages ray and fsspec, which share pictures among machines; run: "
        'python -m pip install "ray[data]" fsspec'
    ) from error

BLOCK = 16  # pictures that a worker takes at once: what a lost one has to look at again
HEADER = 1 << 16  # bytes of a stored picture that are fetched at once to know its size


def upscale_files(
    inputs: planning.Inputs,
    output: planning.File,
    model: planning.File | None = None,
    *,
    address: str | None = None,
    workers: int | None = None,
    use: str | None = None,
    scale: float | None = None,
    tile: int | None = None,
    exact: bool = False,
    self_ensemble: bool = False,
    format: str | None = None,
    suffix: str = "",
    overwrite: bool = False,
    progress: bool = True,
) -> folders.Summary:
    """`folders.upscale_files` for pictures, by the workers of a Ray cluster; each file is the same byte for byte.

    Each worker loads the network once, and reads and writes its pictures itself. What a worker or a machine was lost
    at is made by another. Call it again to go on after a stop: what is there already is skipped.

    Args:
        inputs, output: as in `folders.upscale_files`, where all machines must see the folders, as on NFS. Or addresses
            of folders or files in object stores that fsspec knows, such as "s3://bucket/photos": they keep a file
            whole or not at all, so none is ever half there.
        model: name of a network, or its file, which is sent to the workers.
        address: of the cluster, as `ray.init` takes it. None is the one that runs on this machine, or else a new one
            of this machine alone.
        workers: how many; None takes one for each GPU of the cluster, or for each machine where there is none.
        **others: as in `folders.upscale_files`.
    """
    started, summary, waiting = time.perf_counter(), folders.Summary(), []
    inputs = [_local(item) for item in ([inputs] if isinstance(inputs, str | os.PathLike) else inputs)]
    output = _local(output)
    if any(map(_is_address, [*inputs, output])):
        planned = _plan(inputs, output, format, suffix)
        jobs = _stored_jobs(planned, output, overwrite, summary)
    else:
        planned = planning.plan(inputs, output, format=format, suffix=suffix)
        jobs = folders.waiting_jobs(planned, output, overwrite, summary)
    for job in jobs:
        if folders.use_of(job) == "video":
            summary.failed[job.source] = "Expected a picture, got a clip; upscale it without --ray."
        else:
            waiting.append(job)
    if model is not None:
        scale = folders.loaded(model, scale)[1]
    scale = scale or 2
    folders.note_other_size(planned, scale, summary, _size_of)
    networks = [str(model or models.choice(use or folders.use_of(job), scale)) for job in waiting]
    if progress and model is None:
        for network in dict.fromkeys(networks):
            folders.print_choice(network, waiting[networks.index(network)], use)
    files = {name: Path(name).expanduser().read_bytes() for name in set(networks) if name.endswith(".keras")}
    options = {"tile": tile, "exact": exact, "self_ensemble": self_ensemble}
    rows = [
        {"number": number, "source": _encoded(job.source), "target": _encoded(job.target), "stamp": job.stamp}
        | {"network": network}
        for number, (job, network) in enumerate(zip(waiting, networks, strict=True))
    ]
    with tqdm(total=len(rows), desc="pictures", unit="", disable=not (progress and rows)) as bar:
        for row in _results(rows, (files, scale, options), address, workers) if rows else ():
            job = waiting[row["number"]]
            if row["failed"]:
                summary.failed[job.source] = row["failed"]
            else:
                summary.add(summary.skipped if row["skipped"] else summary.done, job.target, row["note"])
                summary.megapixels += row["megapixels"]
            bar.update()
    return replace(summary, seconds=time.perf_counter() - started)


def _is_address(place):
    return "://" in str(place)


def _local(place):
    """file:///photos is /photos, and file:///C:/photos is C:/photos."""
    return fsspec.core.url_to_fs(place)[1] if str(place).startswith("file://") else str(place)


def _encoded(place):
    """For another process: names need not be UTF-8, and the working folder may be another one."""
    return os.fsencode(place if _is_address(place) else Path(place).absolute())


def _plan(inputs, output, format, suffix):
    """As `planning.plan`, where inputs or the output are in object stores."""
    output = _written_out(output)
    if PurePosixPath(output).suffix.lower() in (*FORMATS, *planning.CLIPS):
        raise UserError(f"Expected a folder as output, got {output}; name one.")
    found = {}
    for item in inputs:
        inner = {source: inside for source, inside in _look(item) if not source.startswith(f"{output}/")}
        if not inner:
            raise FileNotFoundError(f"Expected a picture or a folder with some, got {item!r}, where there is none.")
        found |= inner
    named = planning.names(found, format=format, suffix=suffix)
    targets = {source: f"{output}/{inside.as_posix()}" for source, inside in named.items()}
    planning.check_names(targets)
    return targets


def _written_out(place):
    """A place in the one way that its store writes it."""
    store, path = fsspec.core.url_to_fs(place)
    return store.unstrip_protocol(path.rstrip("/")) if _is_address(place) else path.rstrip("/")


def _stored_jobs(planned, output, overwrite, summary):
    """As `folders.waiting_jobs`, for what `_plan` planned."""
    store, root = fsspec.core.url_to_fs(output)
    there = {store.unstrip_protocol(path) if _is_address(output) else path for path in store.find(root)}
    waiting = []
    for source, target in planned.items():
        if target in there and not overwrite:
            summary.add(summary.skipped, target)
        else:
            waiting.append(_Stored(source, target, None if target in there else ""))
    return waiting


def _size_of(place):
    if not _is_address(place):
        return pictures.size_of(place)
    store, path = fsspec.core.url_to_fs(place)
    with store.open(path, block_size=HEADER) as stream:
        return pictures.size_of(stream)


def _look(item):
    """(address, place inside the input) of all pictures and clips."""
    store, root = fsspec.core.url_to_fs(item)
    files = [root] if store.isfile(root) else sorted(store.find(root))
    for file in files:
        inside = PurePosixPath(file).relative_to(root if file != root else PurePosixPath(root).parent)
        if planning.is_meant(inside):
            yield store.unstrip_protocol(file) if _is_address(item) else file, inside


def _results(rows, constants, address, workers):
    """What became of each row, as soon as it is known."""
    if not ray.is_initialized():
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    logging.getLogger("ray.data").setLevel("ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    gpus = int(ray.cluster_resources().get("GPU", 0))
    workers = workers or gpus or sum(node["Alive"] for node in ray.nodes())
    blocks = math.ceil(len(rows) / BLOCK)
    made = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        _Worker,
        fn_constructor_args=constants,
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(size=min(workers, blocks)),
        num_gpus=int(gpus > 0),
        num_cpus=int(gpus == 0),
        runtime_env={"env_vars": {"KERAS_BACKEND": keras.backend.backend()}},
    )
    yield from made.iter_rows()


class _Worker:
    """One process with its networks, on some of the rows at a time."""

    def __init__(self, files, scale, options):
        self.files, self.scale, self.options, self.models = files, scale, options, {}

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list]:
        summary, jobs, by_network = folders.Summary(), [], {}
        for source, target, stamp, network in zip(
            *(batch[name].tolist() for name in ("source", "target", "stamp", "network")), strict=True
        ):
            job = _job(os.fsdecode(source), os.fsdecode(target), stamp)
            jobs.append(job)
            if job.tries > 1:
                summary.failed[job.source] = folders.KILLED
            elif job.found() == stamp:  # else a worker made it, and was lost before it could say so
                by_network.setdefault(network, []).append(job)
        for network, waiting in by_network.items():
            with folders.Bar(disable=True) as bar:
                model = self._model(network)
                folders.upscale_pictures(waiting, model, self.scale, summary, bar, **self.options)
        return {
            "number": batch["number"],
            "failed": [summary.failed.get(job.source, "") for job in jobs],
            "note": [summary.notes.get(job.target, "") for job in jobs],
            "skipped": [job.target in summary.skipped for job in jobs],
            "megapixels": [float(job.megapixels) for job in jobs],
        }

    def _model(self, network):
        if network not in self.models:
            with tempfile.TemporaryDirectory() as folder:
                file = network
                if network in self.files:
                    file = Path(folder, PurePath(network).name)
                    file.write_bytes(self.files[network])
                self.models[network] = models.load(file)
        return self.models[network]


@dataclass
class _Stored(folders.Job):
    """A file that becomes another, where one of them is in an object store."""

    source: str
    target: str

    def found(self):
        store, path = fsspec.core.url_to_fs(self.target)
        store.invalidate_cache()
        return f"{store.checksum(path)}" if store.exists(path) else ""

    def read(self):
        store, path = fsspec.core.url_to_fs(self.source)
        return pictures.decode(store.cat_file(path), self.source)

    def write(self, picture):
        if not _is_address(self.target):
            Path(self.target).parent.mkdir(parents=True, exist_ok=True)
            return pictures.write(picture, self.target)
        content = BytesIO()
        note = pictures.encode(picture, self.target, content)
        store, path = fsspec.core.url_to_fs(self.target)
        store.pipe_file(path, content.getvalue())
        return note


def _job(source, target, stamp):
    if _is_address(source) or _is_address(target):
        return _Stored(source, target, stamp)
    return folders.Job(Path(source), Path(target), stamp)
