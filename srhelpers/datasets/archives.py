"""Unpack a tar or zip file so that its folder is whole or not there."""

import contextlib
import errno
import gzip
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PureWindowsPath

import requests
from tqdm.auto import tqdm

# What an archive may take on the disk: so many times its own size, so many bytes more, a block for each file.
RATIO, ROOM, BLOCK = 20, 1 << 24, 4096
_DISK = "ENOSPC EDQUOT EFBIG EROFS EACCES EPERM EIO EMFILE ENFILE"  # what the disk, not the archive, is to blame for


class DownloadError(RuntimeError):
    """A download or an archive failed; the text says what to do."""


class _BadArchive(Exception):
    pass


@contextlib.contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn what the disk refuses into a `DownloadError` that says what to do; `doing` follows "Could not"."""
    try:
        yield
    except (DownloadError, requests.RequestException):
        raise
    except OSError as error:
        raise DownloadError(
            f"Could not {doing}: {error.strerror or error}. Free some space or set SR_CACHE_DIR to a folder you can "
            "write to, on a larger disk, then run this again: it goes on where it stopped."
        ) from error


def unpack(
    file: str | Path, folder: str | Path, *, check: Callable[[Path], None] | None = None, progress: bool = True
) -> None:
    """Unpack a zip, tar or tar.gz so that `folder` appears only when all of it is there.

    Only folders and plain files are made: an archive with links, which have led out of the folder past every
    filter so far (CVE-2025-4517), is refused. `check` gets the unpacked folder before it has its name. An archive that
    is bad in whatever way is removed, since the next try must not meet it again.
    """
    file, folder = Path(file), Path(folder)
    refuse(folder)
    half = folder.with_name(f"{folder.name}.part")  # always the same name, so that the next try clears up after a kill
    try:
        with told(f"unpack {file.name} to {folder}"):
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(parents=True)
            try:
                _extract(file, half, progress)
                if check:
                    check(half)
            except Exception as error:  # damaged archives raise nearly anything
                if isinstance(error, OSError) and errno.errorcode.get(error.errno) in _DISK.split():
                    raise
                file.unlink()
                raise DownloadError(
                    f"Expected {file.name} to be a whole archive of the right layout, but {error or 'it breaks off'}. "
                    "It has been removed; run this again to download it anew."
                ) from error
            half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _extract(file, folder, progress):
    taken, most = 0, RATIO * file.stat().st_size + ROOM
    with (
        tqdm(desc=f"unpack {folder.stem}", unit="file", disable=not progress, mininterval=0.5) as bar,
        contextlib.closing(_members(file, most)) as members,  # Windows removes no open archive
    ):
        for name, plain, is_folder, size, opened in members:
            if not plain:
                raise _BadArchive(f"it holds {name!r}, which is no plain file")
            path = PureWindowsPath(name)  # it takes "/", "\\" and drives for what they are on any system
            if path.anchor or ".." in path.parts:
                raise _BadArchive(f"it holds {name!r}, which would land outside its folder")
            taken += max(size, BLOCK)
            _check_total(taken, most)
            target = folder / name
            if target.is_dir() and not is_folder:
                raise _BadArchive(f"it holds {name!r} as a file and as a folder")
            if is_folder:
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened() as source, target.open("wb") as written:
                    shutil.copyfileobj(source, written)
            bar.update()


def _check_total(taken, most):
    if taken > most:
        raise _BadArchive(f"it unpacks to over {most:,} bytes, more than an archive of its size should")


def _members(file, most):
    """(name, whether it is a plain file or folder, whether it is a folder, bytes, function that opens it) of each."""
    with file.open("rb") as opened:
        magic = opened.read(4)
    if magic == b"PK\x03\x04":
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                plain = stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
                yield member.filename, plain, member.is_dir(), member.file_size, partial(archive.open, member)
        return
    compressed = magic[:2] == b"\x1f\x8b"
    if compressed:  # to its end first: `tarfile` stops before the checksum
        with gzip.open(file) as opened:
            while opened.read(1 << 20):
                _check_total(opened.tell(), most)
    with tarfile.open(file, "r:gz" if compressed else "r:") as archive:
        for member in archive:
            plain = member.isreg() or member.isdir()
            yield member.name, plain, member.isdir(), member.size, partial(archive.extractfile, member)


def refuse(folder: Path) -> None:
    """Raise `DownloadError` if a folder exists: nothing is overwritten."""
    if folder.exists():
        raise DownloadError(
            f"{folder} exists, but is not a whole copy of this dataset. Move it away or remove it, then run this again."
        )
