"""Unpack a tar or zip file so that its folder is whole or not there."""

import contextlib
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import requests
from tqdm.auto import tqdm


class DownloadError(RuntimeError):
    """A download or an archive failed; the text says what to do.

    >>> import srhelpers as sr
    >>> raise sr.datasets.archives.DownloadError("…")
    Traceback (most recent call last):
    srhelpers.archives.DownloadError: …
    """


@contextlib.contextmanager
def told(doing):
    """Turn what the disk refuses into a `DownloadError` that says what to do.

    Args:
        doing: what could not be done, to follow "Could not".

    >>> import srhelpers as sr
    >>> with sr.datasets.archives.told("write"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    srhelpers.archives.DownloadError: Could not write: No space left on device. Free some space or ...
    """
    try:
        yield
    except (DownloadError, requests.RequestException):
        raise
    except OSError as error:
        raise DownloadError(
            f"Could not {doing}: {error.strerror or error}. Free some space or set SR_CACHE_DIR to a folder you can "
            "write to, on a larger disk, then run this again: it goes on where it stopped."
        ) from error


def _members(file):
    """(names, extract function) of a tar or zip that may hold nothing outside its folder."""
    if zipfile.is_zipfile(file):
        opened = zipfile.ZipFile(file)
        return opened, opened.namelist(), opened.extract
    opened = tarfile.open(file)  # noqa: SIM115, closed by the caller

    def extract(member, folder):
        if hasattr(tarfile, "data_filter"):
            return opened.extract(member, folder, filter="data")
        if not (member.isreg() or member.isdir()):  # Python before 3.11.4 has no filter that keeps links inside
            raise _BadArchive(f"it holds {member.name!r}, which is no plain file")
        return opened.extract(member, folder)

    return opened, opened, extract


def unpack(file, folder, *, check=None, progress=True):
    """Unpack a tar or zip so that `folder` appears only when all of it is there.

    Args:
        file: the archive.
        folder: what to make; must not exist yet, nothing is overwritten.
        check: function called with the unpacked folder before it gets its name; raises if it is not right.
        progress: show a bar.

    Raises:
        DownloadError: the archive is damaged, is none, holds members outside its folder, fails `check`, or
            the disk is full, or `folder` exists. A bad archive is removed, since the next try must not meet it again.

    >>> import pathlib, shutil, tempfile, srhelpers as sr
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "photo.txt").write_text("…")
    >>> file = shutil.make_archive(folder / "set", "zip", folder)
    >>> sr.datasets.archives.unpack(file, folder / "set", progress=False)
    >>> (folder / "set" / "photo.txt").exists()
    True
    """
    file, folder = Path(file), Path(folder)
    refuse(folder)
    partial = folder.with_name(f"{folder.name}.part")
    try:
        with told(f"unpack {file.name} to {folder}"), contextlib.ExitStack() as stack:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            opened, members, extract = _members(file)
            stack.enter_context(opened)
            for member in tqdm(
                members, desc=f"unpack {folder.name}", unit="file", disable=not progress, mininterval=0.5
            ):
                name = member if isinstance(member, str) else member.name
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name.replace("\\", "/")).parts:
                    raise _BadArchive(f"it holds {name!r}, which would land outside its folder")
                extract(member, partial)
            if check:
                try:
                    check(partial)
                except DownloadError as error:
                    raise _BadArchive(str(error)) from error
            partial.replace(folder)
    except (_BadArchive, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        file.unlink()
        raise DownloadError(
            f"Expected {file.name} to be a whole archive of the right layout, but {error or 'it breaks off'}. "
            "It has been removed; run this again to download it anew."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _BadArchive(DownloadError):
    pass


def refuse(folder):
    """Raise `DownloadError` if a folder exists: nothing is overwritten.

    >>> import srhelpers as sr
    >>> sr.datasets.archives.refuse(sr.datasets.find("samples") / "nothing")
    """
    if folder.exists():
        raise DownloadError(
            f"{folder} exists, but is not a whole copy of this dataset. Move it away or remove it, then run this again."
        )
