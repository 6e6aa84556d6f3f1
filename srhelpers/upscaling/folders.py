"""Many pictures and clips through an upscaling model: files, folders or globs in, a file or a folder out."""

import contextlib
import math
import os
import tempfile
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import keras
from tqdm.auto import tqdm

from .. import _files, models
from ..runtime import UserError
from . import engine, pictures
from .planning import LONGEST_NAME, is_clip, making, plan, tries

TILE = 256  # pixels a side: of a small network some hundred megabytes, whatever the picture
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} [{elapsed}<{remaining}{postfix}]"


@dataclass
class Summary:
    """What `upscale_files` did.

    Attributes:
        done: paths that were written.
        skipped: paths that were there already, or that another process makes.
        failed: dict of source → what was wrong with it.
        notes: dict of path → what had to be changed for its format, or what its clip is.
        megapixels: millions of pixels that were written.
        seconds: how long it took.
    """

    done: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    notes: dict[Path, str] = field(default_factory=dict)
    megapixels: float = 0
    seconds: float = 0

    def __str__(self):
        counts = f"{len(self.done)} done, {len(self.skipped)} skipped, {len(self.failed)} failed"
        return f"{counts}; {self.megapixels:,.1f} megapixels in {self.seconds:.1f} s"

    def skip(self, target: Path, note: str | None = None) -> None:
        self.skipped.append(target)
        self.notes |= {target: note} if note else {}

    def finish(self, target: Path, note: str | None, megapixels: float) -> None:
        self.done.append(target)
        self.notes |= {target: note} if note else {}
        self.megapixels += megapixels

    def fail(self, source: Path, error: Exception) -> None:
        if isinstance(error, MemoryError):
            self.failed[source] = f"{error}" or "not enough memory"
        elif isinstance(error, UserError | OSError | ModuleNotFoundError):
            self.failed[source] = f"{error}"
        else:  # a fault of ours: the others are still made
            self.failed[source] = "".join(traceback.format_exception(error))


def upscale_files(
    inputs: str | os.PathLike | Iterable[str | os.PathLike],
    output: str | os.PathLike,
    model: keras.Model | str | os.PathLike | None = None,
    *,
    scale: float | None = None,
    tile: int | None = None,
    self_ensemble: bool = False,
    format: str | None = None,
    suffix: str = "",
    overwrite: bool = False,
    progress: bool = True,
) -> Summary:
    """Picture files and clips, upscaled by a model; each comes out in its own kind, as `pictures` and `clips` say.

    What is there already is skipped, so the same call goes on where it was stopped, and several processes may share
    a folder. The next picture is decoded and the last one encoded while the model computes. A file that cannot be
    read or written does not stop the others. What a process was killed at, as happens when the memory is short, comes
    last the next time, and is left out after the second time, unless it is upscaled alone.

    Args:
        inputs, output, format, suffix: as in `plan`.
        model: as in `engine.upscale`; None takes `models.best(scale)`.
        scale: number above 0; None takes 2, or the smallest that the given model has.
        tile: as in `engine.upscale`; None takes 256 for pictures, and whole frames of clips.
        self_ensemble: as in `engine.upscale`.
        overwrite: write anew what is there already.
        progress: show a bar.

    Raises:
        FileNotFoundError, ValueError: as `plan` and `engine.upscale`.
        OSError: nothing can be written to the output folder. It is tried before anything is computed.

    >>> import srhelpers as sr
    >>> photos = sr.datasets.photos("samples")[:1]
    >>> print(sr.upscaling.folders.upscale_files(photos, "large", "voc_plain", progress=False))
    1 done, 0 skipped, 0 failed; 1.0 megapixels in ... s
    """
    started, summary, waiting = time.perf_counter(), Summary(), []
    planned = plan(inputs, output, format=format, suffix=suffix)
    for source, target in planned.items():
        length = len(os.fsencode(target.name))
        if length > LONGEST_NAME:
            error = (
                f"Expected a name of at most {LONGEST_NAME} bytes, got {length} for {target}; give it a shorter one."
            )
            summary.fail(source, UserError(error))
        elif target.exists() and not overwrite:
            summary.skip(target)
        elif tries(target) > 1 and len(planned) > 1:
            error = "its process was killed twice, perhaps for want of memory; upscale it alone, with a smaller tile."
            summary.fail(source, UserError(error))
        else:
            waiting.append(_Job(source, target, _stamp(target), tries(target)))
    for folder in dict.fromkeys(job.target.parent for job in waiting):
        _check_folder(folder)
    if waiting:
        model, scale = choose(model, scale)
        options = {"model": model, "scale": scale, "self_ensemble": self_ensemble}
        grow = partial(engine.upscale, tile=tile or TILE, **options)
        images = [job for job in waiting if not is_clip(job.source, job.target)]
        clips = [job for job in waiting if is_clip(job.source, job.target)]
        with _Bar(total=len(images), desc="images", bar_format=_BAR, disable=not (progress and images)) as bar:
            _upscale_pictures([job for job in images if not job.tries], grow, scale, summary, bar)
            for job in images:
                if job.tries:  # alone, or those that are decoded and encoded beside it would be suspected too
                    _upscale_pictures([job], grow, scale, summary, bar)
        options |= {"tile": tile, "overwrite": overwrite, "progress": progress}
        for job in sorted(clips, key=lambda job: job.tries):
            _upscale_clip(job, options, summary)
    return replace(summary, seconds=time.perf_counter() - started)


def choose(model: keras.Model | str | os.PathLike | None, scale: float | None) -> tuple[keras.Model, float]:
    """The model and scale that are meant by None: `models.best(scale)`, and 2 or the smallest that the model has."""
    model = models.best(scale or 2) if model is None else model
    model = model if isinstance(model, keras.Model) else models.load(model)
    scale = engine.scales(model)[0] if scale is None else scale
    engine.own_scale(model, scale)
    return model, scale


@dataclass
class _Job:
    source: Path
    target: Path
    stamp: tuple | None
    tries: int
    result: Future | None = None  # of the picture, then of the note on its file
    megapixels: float = 0
    claim: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


def _stamp(target):
    """What changes when the file is written anew."""
    if not target.exists():
        return None
    stat = target.stat()
    return stat.st_mtime_ns, stat.st_ino


def _check_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"Expected an output folder that can be written to, got {folder} ({error}); choose another."
        ) from error


class _Bar(tqdm):
    """Pictures that went through the model, and megapixels a second."""

    ended, megapixels = 0, 0

    def reach(self, part, megapixels=0):
        """`part` of the picture that is being upscaled; CMYK goes through the model twice."""
        step = max(self.ended + part - self.n, 0)
        self.megapixels += step * megapixels
        if not self.disable:
            rate = self.megapixels / max(self.format_dict["elapsed"], 0.001)
            self.set_postfix_str(f"{rate:.2f} megapixels/s", refresh=False)
            self.update(step)

    def end(self):
        self.ended += 1
        self.reach(0)


def _upscale_pictures(jobs, grow, scale, summary, bar):
    # The pools end before the claims: what is being written when Ctrl-C comes is still ours.
    with contextlib.ExitStack() as claims, ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        started, writing = _start(jobs, reader, claims, summary, bar), None
        ahead = next(started, None)
        while job := ahead:
            ahead = next(started, None)
            try:
                picture = job.result.result()
                size = [max(round(n * scale), 1) for n in picture.pixels.shape[:2]]
                pictures.check_target(job.target, size)
                job.megapixels = math.prod(size) / 1e6
                counted = partial(grow, progress=partial(bar.reach, megapixels=job.megapixels))
                grown = pictures.enlarge(picture, counted)
            except Exception as error:
                summary.fail(job.source, error)
                job.claim.close()
            else:
                _finish(writing, summary)
                writing, job.result = job, writer.submit(pictures.write, grown, job.target)
            bar.end()
        _finish(writing, summary)


def _start(jobs, reader, claims, summary, bar):
    """Each job, claimed and being decoded."""
    for job in jobs:
        try:
            claims.enter_context(job.claim).enter_context(making(job.target))
        except _files.Busy as busy:
            summary.skip(job.target, f"{busy}")
            bar.end()
            continue
        if _stamp(job.target) != job.stamp:
            summary.skip(job.target, "Another process made it meanwhile.")
            job.claim.close()
            bar.end()
            continue
        job.result = reader.submit(pictures.read, job.source)
        yield job


def _finish(job, summary):
    if job:
        try:
            summary.finish(job.target, job.result.result(), job.megapixels)
        except Exception as error:
            summary.fail(job.source, error)
        job.claim.close()


def _upscale_clip(job, options, summary):
    try:
        from . import clips  # needs PyAV, which pictures do not

        if _stamp(job.target) != job.stamp:
            summary.skip(job.target, "Another process made it meanwhile.")
            return
        made = clips.upscale_video(job.source, job.target, **options)
    except _files.Busy as busy:
        summary.skip(job.target, f"{busy}")
    except Exception as error:
        summary.fail(job.source, error)
    else:
        summary.finish(job.target, f"{made}.", made.frames * math.prod(made.size) / 1e6)
