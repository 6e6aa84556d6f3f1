"""Many pictures and clips through an upscaling model: files, folders or globs in, a file or a folder out."""

import contextlib
import math
import os
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath

import keras
from tqdm.auto import tqdm

from .. import _files, models
from ..runtime import UserError
from . import engine, pictures
from .planning import LONGEST_NAME, LOSSY, File, Inputs, Network, is_clip, making, mark, plan, tries

TILE = 256  # pixels a side: of a small network some hundred megabytes, whatever the picture
LOOKED_AT = 100  # pictures that were there already, for their size
KILLED = "its process was killed twice, perhaps for want of memory; upscale it alone, with a smaller tile."
OVERLAP = 32  # pixels around a tile at most, though some networks look hundreds of pixels far
REASONS = {
    "photo": "JPEG and WebP are taken for photos with the damage of compression",
    "clean": "files without loss are taken for clean pictures",
    "video": "clips have the damage of compression and need a quick one",
}
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} [{elapsed}<{remaining}]"


@dataclass
class Summary:
    """What `upscale_files` did."""

    done: list[Path] = field(default_factory=list)  # targets that were written
    skipped: list[Path] = field(default_factory=list)  # those that were there already, or that another process makes
    failed: dict[Path, str] = field(default_factory=dict)  # source → what was wrong with it
    notes: dict[Path, str] = field(default_factory=dict)  # target → what had to be changed for its format, and the like
    megapixels: float = 0  # that were written
    seconds: float = 0

    def __str__(self):
        counts = f"{len(self.done)} done, {len(self.skipped)} skipped, {len(self.failed)} failed"
        return f"{counts}; {self.megapixels:,.1f} megapixels in {self.seconds:.1f} s"

    def add(self, paths: list[Path], target: Path, note: str | None = None) -> None:
        paths.append(target)
        self.notes |= {target: note} if note else {}

    def fail(self, source: Path, error: Exception) -> None:
        known = isinstance(error, UserError | OSError | ModuleNotFoundError | MemoryError)
        # What is not known is a fault of ours; the others are still made.
        reason = f"{error}" or "not enough memory" if known else "".join(traceback.format_exception(error))
        self.failed[source] = reason


def upscale_files(
    inputs: Inputs,
    output: File,
    model: Network | None = None,
    *,
    use: str | None = None,
    scale: float | None = None,
    tile: int | None = None,
    exact: bool = False,
    self_ensemble: bool = False,
    format: str | None = None,
    suffix: str = "",
    overwrite: bool = False,
    progress: bool = True,
) -> Summary:
    """Picture files and clips, upscaled by a model; each comes out in its own kind, as `pictures` and `clips` say.

    What is there already is skipped, so the same call goes on where it was stopped, and several processes may share
    a folder. The next picture is decoded and the last one encoded while the model computes. What fails does not stop
    the others. What a process was killed at, as when the memory is short, comes last the next time, and is left out
    after the second time, unless it is upscaled alone.

    Args:
        inputs, output, format, suffix: as in `plan`.
        model: as in `engine.upscale`; None takes `models.choice(use, scale)`, and says so.
        use: of `models.USES`; None takes "photo" for JPEG and WebP, "video" for clips, "clean" for all others.
        scale: number above 0; None takes 2, or the smallest that the given model has.
        tile, self_ensemble: as in `engine.upscale`; no tile takes 256 for pictures, and whole frames of clips.
        exact: compute all that the model sees around each tile. Else it is at most 32 pixels, which with networks that
            look further leaves seams of a gray level or two.
        overwrite: write anew what is there already.
    """
    started, summary = time.perf_counter(), Summary()
    planned = plan(inputs, output, format=format, suffix=suffix)
    waiting = waiting_jobs(planned, output, overwrite, summary)
    if model is not None:
        name = model if isinstance(model, str) else ""
        model, scale = loaded(model, scale)  # also where nothing waits: a wrong name is told at once
    by_network = {}
    for job in waiting:
        by_network.setdefault(model or models.choice(use or use_of(job), scale or 2), []).append(job)
    note_other_size(planned, scale or 2, summary)
    options = {"tile": tile, "exact": exact, "self_ensemble": self_ensemble, "progress": progress}
    for network, jobs in by_network.items():
        if model is None and progress:
            print_choice(network, jobs[0], use)
        told = name if model else network
        _upscale_all(jobs, told, *loaded(network, scale or 2), overwrite, summary, **options)
    return replace(summary, seconds=time.perf_counter() - started)


def waiting_jobs(planned: dict[Path, Path], output: File, overwrite: bool, summary: Summary) -> list["Job"]:
    """What is to be made, in folders that are there then; all else goes into the summary."""
    waiting = []
    for source, target in planned.items():
        length = len(os.fsencode(target.name))
        if length > LONGEST_NAME:
            reason = f"Expected a name of at most {LONGEST_NAME} bytes, got {length} for {target}; shorten it."
            summary.failed[source] = reason
            continue
        job = Job(source, target)
        if job.stamp and not overwrite:
            summary.add(summary.skipped, target)
        elif job.tries > 1 and len(planned) > 1:
            summary.failed[source] = KILLED
        else:
            waiting.append(job)
    folders, top = dict.fromkeys(job.target.parent for job in waiting), Path(output).expanduser()
    if any(folder == top or top in folder.parents for folder in folders):
        with contextlib.suppress(OSError):  # the next line says what is wrong
            mark(top, [job.target for job in waiting])
    for folder in folders:
        _files.make_folder(folder)
    return waiting


def note_other_size(
    planned: dict[Path, Path],
    scale: float,
    summary: Summary,
    size_of: Callable[[Path], tuple[int, int] | None] = pictures.size_of,
) -> None:
    """Of the first of some pictures that were there already in another size than this scale makes, say so."""
    sources = {target: source for source, target in planned.items()}
    for target in summary.skipped[:LOOKED_AT]:
        old, new = size_of(target), size_of(sources[target])
        wanted = new and tuple(max(round(n * scale), 1) for n in new)
        if old and wanted and sorted(old) != sorted(wanted):  # turned as EXIF says, or not
            sizes = f"{old[1]}×{old[0]} pixels; ×{scale:g} makes {wanted[1]}×{wanted[0]}"
            summary.notes[target] = f"It was there already, with {sizes}. Choose another folder to keep both."
            return


def print_choice(network: str, job: "Job", use: str | None) -> None:
    """Say which network is taken for a file where nobody named one, and why."""
    reason = f"it is the choice for {use}" if use else REASONS[use_of(job)]
    print(f"Network: {network}, since {reason}; --for and --model choose another.")


def use_of(job: "Job") -> str:
    """For what a file is taken where nobody says it, of `models.USES`."""
    source = PurePath(job.source)
    if is_clip(source, PurePath(job.target)):
        return "video"
    return "photo" if source.suffix.lower() in LOSSY else "clean"


def loaded(model: Network, scale: float | None) -> tuple[keras.Model, float]:
    """(the model, the scale or the smallest that it has)."""
    model = model if isinstance(model, keras.Model) else models.load(model)
    scale = engine.scales(model)[0] if scale is None else scale
    engine.own_scale(model, scale)
    return model, scale


def _upscale_all(jobs, name, model, scale, overwrite, summary, *, tile, exact, self_ensemble, progress):
    """Pictures and clips through one network."""
    images = [job for job in jobs if not is_clip(job.source, job.target)]
    clips = [job for job in jobs if is_clip(job.source, job.target)]
    with Bar(total=len(images), desc="pictures", bar_format=_BAR, disable=not (progress and images)) as bar:
        upscale_pictures(images, model, scale, summary, bar, tile=tile, exact=exact, self_ensemble=self_ensemble)
    options = {"model": model, "scale": scale, "self_ensemble": self_ensemble}
    options |= {"tile": tile, "overwrite": overwrite, "progress": progress}
    for job in sorted(clips, key=lambda job: job.tries):
        _upscale_clip(job, name, options, summary)


@dataclass
class Job:
    """One file that becomes another."""

    source: Path
    target: Path
    stamp: str | None = None  # of the target before it is made
    tries: int = 0
    result: Future | None = None  # of the picture, then of the note on its file
    megapixels: float = 0
    claim: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self):
        self.tries = tries(self.target)
        self.stamp = self.found() if self.stamp is None else self.stamp

    def found(self) -> str:
        """What changes when the target is written anew; empty where there is none."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            stat = self.target.stat()
            return f"{stat.st_mtime_ns} {stat.st_ino}"
        return ""

    def read(self) -> pictures.Picture:
        return pictures.read(self.source)

    def write(self, picture: pictures.Picture) -> str | None:
        return pictures.write(picture, self.target)


class Bar(tqdm):
    """Pictures that went through the model."""

    ended = 0

    def reach(self, part: float) -> None:
        """`part` of the picture that is being upscaled; CMYK goes through the model twice."""
        self.update(max(self.ended + part - self.n, 0))

    def end(self) -> None:
        self.ended += 1
        self.reach(0)


def upscale_pictures(
    jobs: list[Job],
    model: keras.Model,
    scale: float,
    summary: Summary,
    bar: Bar,
    *,
    tile: int | None,
    exact: bool,
    self_ensemble: bool,
) -> None:
    """Pictures through one network, those that a process was killed at last."""
    overlap = None if exact else engine.overlap_of(model, most=OVERLAP)
    options = {"tile": tile or TILE, "overlap": overlap, "self_ensemble": self_ensemble}
    grow = partial(engine.upscale, model=model, scale=scale, **options)
    _overlapped([job for job in jobs if not job.tries], grow, scale, summary, bar)
    for job in jobs:
        if job.tries:  # alone, or those that are decoded and encoded beside it would be suspected too
            _overlapped([job], grow, scale, summary, bar)


def _overlapped(jobs, grow, scale, summary, bar):
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
                grown = pictures.enlarge(picture, partial(grow, progress=bar.reach))
            except Exception as error:
                summary.fail(job.source, error)
                job.claim.close()
                job.result = None  # the picture would stay in memory
            else:
                _finish(writing, summary)
                writing, job.result = job, writer.submit(job.write, grown)
            bar.end()
        _finish(writing, summary)


def _start(jobs, reader, claims, summary, bar):
    """Each job, claimed and being decoded."""
    for job in jobs:
        try:
            claims.enter_context(job.claim).enter_context(making(job.target))
        except _files.Busy as busy:
            summary.add(summary.skipped, job.target, f"{busy}")
            bar.end()
            continue
        if _is_made(job, summary):
            job.claim.close()
            bar.end()
            continue
        job.result = reader.submit(job.read)
        yield job


def _is_made(job, summary):
    made = job.found() != job.stamp
    if made:
        summary.add(summary.skipped, job.target, "Another process made it meanwhile.")
    return made


def _finish(job, summary):
    if job:
        try:
            summary.add(summary.done, job.target, job.result.result())
            summary.megapixels += job.megapixels
        except Exception as error:
            summary.fail(job.source, error)
        job.claim.close()


def _upscale_clip(job, name, options, summary):
    try:
        from . import clips  # needs PyAV, which pictures do not

        if not _is_made(job, summary):
            if options["progress"]:
                _print_expected_time(clips, job.source, name, engine.own_scale(options["model"], options["scale"]))
            made = clips.upscale_video(job.source, job.target, **options)
            summary.add(summary.done, job.target, f"{made}.")
            summary.megapixels += made.frames * math.prod(made.size) / 1e6
    except _files.Busy as busy:
        summary.add(summary.skipped, job.target, f"{busy}")
    except Exception as error:
        summary.fail(job.source, error)


def _print_expected_time(clips, source, name, scale):
    """Before a clip begins, what it will take, where the network's speed was measured."""
    with contextlib.suppress(UserError, OSError):  # the upscaling says what is wrong with the clip
        frames, (height, width) = clips.length(source)
        megapixels = frames * height * width * scale**2 / 1e6
        for speed in models.speeds().query("model == @name and scale == @scale").itertuples():
            minutes = megapixels * speed.seconds_per_megapixel / 60
            print(f"{source}: {frames} frames, about {minutes:,.1f} minutes if this were a {speed.device}.", flush=True)
