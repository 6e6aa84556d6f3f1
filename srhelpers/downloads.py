"""Fetch an archive, check it, unpack it. A folder under its final name is always whole."""

import contextlib
import os
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pooch
import requests
from tqdm.auto import tqdm

CHUNK = 1 << 16  # what a broken reply loses at most
TRIES = 3
TIMEOUT = 30  # seconds without a byte

pooch.get_logger().setLevel("ERROR")


class DownloadError(RuntimeError):
    """A download or an archive failed; the text says what to do.

    >>> import srhelpers as sr
    >>> raise sr.downloads.DownloadError("…")
    Traceback (most recent call last):
    srhelpers.downloads.DownloadError: …
    """


@dataclass(frozen=True)
class Archive:
    """One file on the net.

    Args:
        name: folder it is unpacked to.
        urls: addresses, the official one first.
        size: bytes, or None where nobody tells exactly.
        checksum: "sha256:…" or "md5:…", or None where nobody tells: then the archive's own checks and the
            number of photos in it have to do.
        about_size: bytes, where only that is known.

    >>> import srhelpers as sr
    >>> sr.downloads.Archive("set", ("https://example.org/set.zip",)).filename
    'set.zip'
    """

    name: str
    urls: tuple
    size: int | None = None
    checksum: str | None = None
    about_size: int = 0

    @property
    def filename(self):
        return PurePosixPath(self.urls[0]).name


def _get(url, target, expected_size, progress):
    """One request; adds to `target` from where an earlier one broke off."""
    start = target.stat().st_size if target.exists() else 0
    # Without "identity" a server may compress on the fly, and lengths mean nothing.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
        if reply.status_code == 416:  # nothing after `start`: whole already, or not the same file
            return
        reply.raise_for_status()
        if reply.status_code != 206:
            start = 0
        left = reply.headers.get("Content-Length")
        total = start + int(left) if left else expected_size
        if expected_size and total != expected_size:
            raise DownloadError(f"Expected {expected_size:,} bytes at {url}, the server offers {total:,}.")
        bar = tqdm(
            desc=target.stem,
            total=total,
            initial=start,
            unit="B",
            unit_scale=True,
            disable=not progress,
            mininterval=0.5,
        )
        with bar, target.open("ab" if start else "wb") as file:
            for chunk in reply.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        if total and target.stat().st_size < total:
            raise requests.ConnectionError(f"the server stopped at {target.stat().st_size:,} of {total:,} bytes")


def _plain(error):
    if isinstance(error, requests.Timeout):
        return f"no answer for {TIMEOUT} s"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "the server cannot be reached, or broke off; is there a network?"
    return str(error)


def fetch(archive, folder, *, progress=True):
    """Download one archive file, going on from where an earlier try broke off.

    The bytes gather in `<file>.part`; only a file of the right checksum gets the final name.

    Args:
        archive: Archive.
        folder: where the file goes.
        progress: show a bar.

    Returns:
        Path of the whole, checked file.

    Raises:
        DownloadError: no address gave the file. What arrived of it is kept for the next try, unless its
            checksum is wrong: then it is removed and the next try starts clean.

    >>> import srhelpers as sr
    >>> archive = sr.catalog.DATASETS["set5"].archive
    >>> sr.downloads.fetch(archive, "downloads")  # doctest: +SKIP
    PosixPath('downloads/benchmark.tar')
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{archive.filename}.part"
    problems = []

    def resume(url, output, _):
        for attempt in range(TRIES):
            try:
                _get(url, part, archive.size, progress)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt + 1 == TRIES:
                    raise
        part.replace(output)

    for url in archive.urls:
        try:
            path = pooch.retrieve(url, archive.checksum, archive.filename, folder, downloader=resume)
            return Path(path)
        except ValueError as error:  # pooch: the checksum differs; it has removed the file
            problems.append(f"{url}: {error}")
        except (requests.RequestException, DownloadError) as error:
            problems.append(f"{url}: {_plain(error)}")
        except OSError as error:
            raise DownloadError(
                f"Could not write {part}: {error.strerror or error}. Free some space or set SR_CACHE_DIR to a "
                "larger disk, then run this again: it goes on where it stopped."
            ) from error
        finally:
            for leftover in folder.glob("tmp*"):  # pooch's own, where it was killed
                leftover.unlink(missing_ok=True)
    kept = f"{part.stat().st_size:,} bytes are kept and the next try goes on from there" if part.exists() else ""
    raise DownloadError("\n  ".join([f"Could not download {archive.filename}.", *problems, *filter(None, [kept])]))


def _members(file):
    """(names, extract function) of a tar or zip that may hold nothing outside its folder."""
    if zipfile.is_zipfile(file):
        opened = zipfile.ZipFile(file)
        return opened, opened.namelist(), opened.extract
    opened = tarfile.open(file)  # noqa: SIM115, closed by the caller
    return opened, opened, lambda member, folder: opened.extract(member, folder, filter="data")


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
    >>> sr.downloads.unpack(file, folder / "set", progress=False)
    >>> (folder / "set" / "photo.txt").exists()
    True
    """
    file, folder = Path(file), Path(folder)
    if folder.exists():
        raise DownloadError(
            f"{folder} exists, but is not a whole copy of this dataset. Move it away or remove it, then run this again."
        )
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with contextlib.ExitStack() as stack:
            opened, members, extract = _members(file)
            stack.enter_context(opened)
            for member in tqdm(
                members, desc=f"unpack {folder.name}", unit="file", disable=not progress, mininterval=0.5
            ):
                name = member if isinstance(member, str) else member.name
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name.replace("\\", "/")).parts:
                    raise DownloadError(f"it holds {name!r}, which would land outside its folder")
                extract(member, partial)
        if check:
            check(partial)
        partial.replace(folder)
    except (DownloadError, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        file.unlink()
        raise DownloadError(
            f"Expected {file.name} to be a whole archive of the right layout, but {error or 'it breaks off'}. "
            "It has been removed; run this again to download it anew."
        ) from error
    except OSError as error:
        raise DownloadError(
            f"Could not unpack {file.name} to {folder}: {error.strerror or error}. Free some space or set "
            "SR_CACHE_DIR to a larger disk, then run this again; the archive is kept."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def fetch_and_unpack(archive, folder, *, check=None, progress=True):
    """Make `folder` from `archive`; the archive file is removed once the folder stands.

    Args:
        archive: Archive.
        folder: Path of the result.
        check, progress: as `unpack`.

    Raises:
        DownloadError: as `fetch` and `unpack`, or less than twice the archive's size is free on the disk.

    >>> import srhelpers as sr
    >>> sr.downloads.fetch_and_unpack(sr.catalog.DATASETS["set5"].archive, "benchmark")  # doctest: +SKIP
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    needed, free = 2 * (archive.size or archive.about_size), shutil.disk_usage(folder.parent).free
    if needed > free:
        raise DownloadError(
            f"Expected {needed / 1e9:.1f} GB free for {archive.filename} and its files, got {free / 1e9:.1f} GB in "
            f"{folder.parent}; free some space or set SR_CACHE_DIR to a larger disk."
        )
    file = fetch(archive, folder.parent, progress=progress)
    unpack(file, folder, check=check, progress=progress)
    file.unlink()


def has_kaggle_token():
    """Whether the Kaggle client would find a login: a token file or environment variables.

    >>> import srhelpers as sr
    >>> isinstance(sr.downloads.has_kaggle_token(), bool)
    True
    """
    config = Path(os.environ.get("KAGGLE_CONFIG_DIR", "~/.kaggle")).expanduser()
    if os.environ.get("KAGGLE_API_TOKEN") or (os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY")):
        return True
    return any((config / name).exists() for name in ("kaggle.json", "access_token"))


def fetch_from_kaggle(slug, folder, *, check=None, progress=True):
    """Make `folder` from the Kaggle dataset `owner/name`, with the `kaggle` client and its login.

    Args:
        slug: "owner/name".
        folder: Path of the result.
        check, progress: as `unpack`.

    Raises:
        DownloadError: the client is not installed or fails; its own words are in the text.

    >>> import srhelpers as sr
    >>> sr.downloads.fetch_from_kaggle("zaraks/pascal-voc-2007", "voc2007")  # doctest: +SKIP
    """
    folder = Path(folder)
    staging = folder.with_name(f"{folder.name}.kaggle")
    staging.mkdir(parents=True, exist_ok=True)
    client = shutil.which("kaggle")
    if not client:
        raise DownloadError("Expected the kaggle client, which is not installed; run: python -m pip install kaggle")
    command = [client, "datasets", "download", slug, "--path", str(staging)]
    result = subprocess.run(command, text=True, stdout=None if progress else subprocess.DEVNULL, stderr=subprocess.PIPE)
    archive = staging / f"{slug.split('/')[1]}.zip"
    if result.returncode or not archive.exists():
        raise DownloadError(f"The kaggle client could not fetch {slug}: {result.stderr.strip() or 'no file came'}")
    unpack(archive, folder, check=check, progress=progress)
    shutil.rmtree(staging)
