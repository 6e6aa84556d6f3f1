"""Which file becomes which, and one process at a time for each."""

import contextlib
import difflib
import glob
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

import keras

from .. import _files
from ..datasets import catalog
from ..runtime import UserError
from .encoding import FORMATS, check_target

CHOICES = ("jpg", "png", "webp", "tiff")  # of formats
# Clips that are looked for in folders, and what they become.
CLIPS = {".mp4": ".mp4", ".mkv": ".mkv", ".mov": ".mov", ".webm": ".webm", ".avi": ".mkv", ".m4v": ".mkv"}
LOSSY = (".jpg", ".jpeg", ".webp")
ONE_CASE = sys.platform in ("darwin", "win32")  # whose usual file systems take Photo.jpg and photo.jpg for one file
LONGEST_NAME = 255  # bytes, of all usual file systems
REMEMBERED = 100  # results by which a folder that a run made is known again
File = str | os.PathLike
Inputs = File | Iterable[File]
Network = keras.Model | File  # it, its name, or its file


def plan(inputs: Inputs, output: File, *, format: str | None = None, suffix: str = "") -> dict[Path, Path]:
    """Which picture or clip becomes which file.

    Args:
        inputs: path of a picture or clip, a folder (with all folders in it, but for hidden ones) or a glob such as
            `scans/**/*.png`, or a list of these.
        output: path of a file, where the input is one file, or of a folder. In it folders and names stay; where two
            of one folder would get one name, as scan.png and scan.tif in another format, they keep their old ending
            in it: scan_png.webp.
        format: "jpg", "png", "webp" or "tiff", for pictures; None keeps each one's own. Clips stay .mp4, .mov, .mkv
            or .webm, and become .mkv else.
        suffix: added to the names, such as "_x4".

    Returns:
        dict of source → target. What is a target itself is left out, so a second run with the same folder in and out
        finds no more than the first. So is a folder that a run made (`mark`), with a warning.
    """
    if format not in (None, *CHOICES):
        raise UserError(f"Expected a format of {', '.join(CHOICES)}, got {format!r}.")
    inputs = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    output, found = Path(output).expanduser(), {}
    for item in inputs:
        inner = _find(Path(item).expanduser(), output)
        if not inner:
            raise FileNotFoundError(
                f"Expected a picture, a clip, or a folder or glob with some, got {os.fspath(item)!r}, "
                f"{_missing(Path(item).expanduser(), os.fspath(item))}"
            )
        found |= inner
    single = len(found) == len(inputs) == 1 and not Path(inputs[0]).expanduser().is_dir()
    if single and output.suffix and not output.is_dir():
        targets = dict.fromkeys(found, output)
        if not any(map(is_clip, *zip(*targets.items(), strict=True))):
            check_target(output, (1, 1))
        if suffix or format:
            raise UserError(f"Expected a folder as output where suffix or format are given, got the file {output}.")
    elif output.suffix.lower() in (*FORMATS, *CLIPS) and not output.is_dir():
        raise UserError(f"Expected a folder as output of several files or a folder, got {output}; name one.")
    else:
        named = names(found, format=format, suffix=suffix)
        targets = {source: output / inside for source, inside in named.items()}
    real = {source: os.path.realpath(source) for source in found}
    for source, target in targets.items():
        own = os.path.realpath(target)
        if real[source] == own or (real[source].lower() == own.lower() and _is_same(source, target)):
            raise UserError(f"Expected an output beside the input, got {source} for both; choose a folder or a suffix.")
    check_names(targets)
    made = {os.path.realpath(target) for target in targets.values()}
    return {source: target for source, target in targets.items() if real[source] not in made}


def names(found: dict[Any, PurePath], *, format: str | None = None, suffix: str = "") -> dict[Any, PurePath]:
    """Where in the output folder each file goes that stands at that place in the input; see `plan`."""
    named = {
        source: inside.with_name(f"{inside.stem}{suffix}{_ending(inside.suffix, format)}")
        for source, inside in found.items()
    }
    times = Counter(map(_file_of, named.values()))
    alike = Counter((_file_of(target), found[source].suffix) for source, target in named.items())
    return {
        source: target.with_stem(f"{target.stem}_{found[source].suffix[1:]}")
        if times[_file_of(target)] > alike[_file_of(target), found[source].suffix] == 1
        else target
        for source, target in named.items()
    }


def check_names(targets: dict[Any, Any]) -> None:
    """Refuse two sources of one target."""
    owners = {}
    for source, target in targets.items():
        owner = owners.setdefault(_file_of(target), source)
        if owner != source:
            raise UserError(
                f"Expected a name for each output, got {target} for {owner} and {source}; rename one, or upscale them "
                "apart."
            )


def _file_of(target):
    """The same for two names of this machine that are one file."""
    return target.as_posix().lower() if ONE_CASE and isinstance(target, Path) else target


def _is_same(source, target):
    return source.exists() and target.exists() and source.samefile(target)


def is_clip(source: PurePath, target: PurePath) -> bool:
    """Whether one of the two ends as clips do."""
    return not CLIPS.keys().isdisjoint([source.suffix.lower(), target.suffix.lower()])


def _ending(old, format):
    kind = old.lower()
    if kind in CLIPS:
        return old if CLIPS[kind] == kind else CLIPS[kind]
    return f".{format}" if format else old


def mark(folder: Path, targets: list[Path]) -> None:
    """Make the output folder of a run; one that was not there before holds results only, which is remembered."""
    if not folder.exists():
        folder.mkdir(parents=True)
        names = [os.fsencode(target.relative_to(folder)) for target in targets[:REMEMBERED]]
        _files.record(folder, ".made").write_bytes(b"\0".join([b"%d" % folder.stat().st_ino, *names]))


def _holds_results(folder):
    """A folder of the same place and inode may still be another one: inodes are used again."""
    known = _files.record(folder, ".made")
    inode, *names = known.read_bytes().split(b"\0") if known.exists() else [b""]
    return inode == b"%d" % folder.stat().st_ino and any((folder / os.fsdecode(name)).exists() for name in names)


def _missing(path, item):
    """Why nothing is found there, and what may be meant."""
    if path.is_dir():
        return f"a folder without any of {' '.join([*FORMATS, *CLIPS])}."
    if glob.has_magic(item):
        return "a pattern that fits none."
    names = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    close = [path.with_name(name) for name in difflib.get_close_matches(path.name, names, 1)]
    told = f"which is not there{''.join(f'; did you mean {meant}?' for meant in close) or '.'}"
    dataset = not close and difflib.get_close_matches(item.lower(), catalog.DATASETS, 1)
    return f"{told} `srhelpers download --list` tells in which folder a dataset is." if dataset else told


def _find(path, output):
    """{file: its path inside the input}; what earlier runs wrote to an output inside a folder does not count."""
    if path.is_file():
        return {path: Path(path.name)}
    if path.is_dir():
        inner = {file: file.relative_to(path) for file in sorted(path.rglob("*"))}
        top, own = os.path.realpath(path), os.path.realpath(output)
        if own.startswith(f"{top}{os.sep}"):
            made = {file for file in inner if os.path.realpath(file).startswith(f"{own}{os.sep}")}
            inner = {file: name for file, name in inner.items() if file not in made}
        inside = {path / parent for name in inner.values() if is_meant(name) for parent in name.parents if parent.name}
        for made in filter(_holds_results, sorted(inside)):
            warnings.warn(f"Left out {made}, which an earlier run made; name it to upscale it.", stacklevel=2)
            inner = {file: name for file, name in inner.items() if not file.is_relative_to(made)}
    else:
        found, once = glob.glob(os.fspath(path), recursive=True), {}  # noqa: PTH207, Path.glob takes no absolute pattern
        for file in sorted(map(Path, found), key=lambda file: (len(file.parts), file)):
            # A folder that is linked into itself is walked through forty times.
            once.setdefault((os.path.realpath(file.parent), file.name), file)
        inner = {file: Path(file.name) for file in sorted(once.values())}
    return {file: name for file, name in inner.items() if is_meant(name) and _may_be_read(file)}


def is_meant(inside: PurePath) -> bool:
    """Whether a file of a folder is a picture or clip by its name; macOS lays a hidden ._photo.jpg beside photo.jpg."""
    return inside.suffix.lower() in (*FORMATS, *CLIPS) and not any(part.startswith(".") for part in inside.parts)


def _may_be_read(file):
    """Also a link to nothing, and what may not be looked at: they are named when they are opened."""
    try:
        return file.is_file() or (file.is_symlink() and not file.exists())
    except OSError:
        return True


@contextlib.contextmanager
def making(target: File) -> Iterator[None]:
    """This process alone makes the target, or `_files.Busy` is raised. That it was killed at it is remembered."""
    with _files.locked(target, f"is making {target}", wait=False):
        counted = _files.record(target, ".tries")
        if before := tries(target):
            _files.remove_unfinished(Path(target))
        counted.write_text(f"{before + 1}")
        try:
            yield
        finally:
            counted.unlink(missing_ok=True)


def tries(target: File) -> int:
    """How often a process was killed while it made the target."""
    counted = _files.record(target, ".tries")
    return int(counted.read_text() or 1) if counted.exists() else 0
