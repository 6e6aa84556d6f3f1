"""Files that are whole or not there, and one process at a time."""

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import filelock

from . import runtime

UNFINISHED = f".{'?' * 12}-{'?' * 8}.part*"  # the names that `replacing` gives, as a pattern


@contextlib.contextmanager
def replacing(target: str | os.PathLike, *, sync: bool = False) -> Iterator[Path]:
    """A new name beside `target` to write to: it becomes `target` if the block ends well, else it is removed.

    Args:
        target: file or folder. A file that is there is replaced; a folder must not be there.
        sync: make sure that the content, of a folder that of its files, is on the disk before it gets its name.
    """
    target = Path(target)
    partial = target.with_name(f".{_key(target)[:12]}-{uuid.uuid4().hex[:8]}.part{target.suffix[:10]}")
    try:
        yield partial
        for file in [partial, *partial.glob("*")] if sync else []:
            if file.is_file():
                with file.open("rb+") as written:
                    os.fsync(written.fileno())
        partial.replace(target)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


class Busy(runtime.UserError):
    """Another process has the lock."""


@contextlib.contextmanager
def locked(path: str | os.PathLike, doing: str, *, wait: bool = True) -> Iterator[None]:
    """Only one process of this machine is inside for one path; another says that it waits.

    Args:
        path: what must not be touched by two; it need not exist.
        doing: what the other may be doing, such as "downloads Set5", for "Waiting for another process that …".
        wait: False raises `Busy` where another is inside, and leaves no lock file behind.
    """
    lock = filelock.FileLock(record(path, ".lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if not wait:
            raise Busy(f"Another process {doing}.") from None
        print(f"Waiting for another process that {doing} …", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        if not wait:
            with contextlib.suppress(OSError):  # Windows removes no open file
                Path(lock.lock_file).unlink()
        lock.release()


def make_folder(folder: Path) -> None:
    """Make it unless it is there, and see that it can be written to: else that would fail after the work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"Expected an output folder that can be written to, got {folder} ({error}); choose another."
        ) from error


def printable(text: str) -> str:
    """File names need not be UTF-8, but what is printed or saved must be."""
    return text.encode("utf-8", sys.getfilesystemencodeerrors()).decode("utf-8", "backslashreplace")


def record(path: str | os.PathLike, ending: str) -> Path:
    """The file in the cache in which this machine keeps something about a path."""
    folder = runtime.folder("cache") / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{_key(path)}{ending}"


def _key(path):
    return hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:24]


def remove_unfinished(target: Path) -> None:
    """What processes that were killed inside `replacing` left of a file; to be called under its lock."""
    for file in target.parent.glob(f".{_key(target)[:12]}-*.part*"):
        file.unlink(missing_ok=True)
