"""Fetch archives, going on where an earlier try broke off. A folder under its final name is always whole."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pooch
import requests
import urllib3
from tqdm.auto import tqdm

from .. import _files
from .archives import DownloadError, refuse, told, unpack

CHUNK = 1 << 16  # what a broken reply loses at most
TRIES = 3
TIMEOUT = 30  # seconds without a byte
LONGEST_WAIT = 60  # seconds, whatever a busy server asks for

pooch.get_logger().setLevel("ERROR")


@dataclass(frozen=True)
class Archive:
    """One file on the net, with its checksum ("sha256:…" or "md5:…") and its size, exactly or about."""

    name: str  # of the folder it is unpacked to
    urls: tuple  # the official one first
    checksum: str | None  # None where the caller checks
    size: int | None = None
    about_size: int = 0

    @property
    def filename(self) -> str:
        return PurePosixPath(self.urls[0]).name

    @property
    def most(self) -> int:
        """Bytes that a reply may have."""
        return self.size or self.about_size * 12 // 10


class _Patience(urllib3.util.Retry):
    """Asks a busy server again, after as long as it says."""

    def get_retry_after(self, response):
        try:
            wait = super().get_retry_after(response)
        except urllib3.exceptions.InvalidHeader:
            wait = None
        if wait:
            wait = min(wait, LONGEST_WAIT)
            print(f"The server is busy and asks to wait {wait:.0f} s …", file=sys.stderr, flush=True)
        return wait


def _session():
    codes = {"status_forcelist": (429, 503), "raise_on_status": False}
    patience = _Patience(TRIES - 1, connect=0, read=False, backoff_factor=1, **codes)
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=patience))
    return session


def _get(session, archive, url, target, progress):
    """One request; adds to `target` from where an earlier one broke off, or replaces it by a whole file."""
    start = target.stat().st_size if target.exists() else 0
    # Without "identity" a server may compress on the fly, and lengths mean nothing.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
        if reply.status_code == 416:  # nothing comes after `start`
            if archive.size and start != archive.size:
                target.unlink()
                raise requests.ConnectionError(f"{start:,} bytes are here, which is more than the server has")
            return
        reply.raise_for_status()
        goes_on = reply.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        left = reply.headers.get("Content-Length")
        total = (start if goes_on else 0) + int(left) if left else archive.size
        if archive.size and total != archive.size:
            raise DownloadError(f"Expected {archive.size:,} bytes at {url}, the server offers {total:,}.")
        # A server that starts again must not cost what is here already, until all of its reply has come.
        file = target if goes_on or not start else target.with_suffix(".new")
        came = start if goes_on else 0
        look = {"unit": "B", "unit_scale": True, "mininterval": 0.5, "disable": not progress}
        with (
            tqdm(desc=target.stem, total=total, initial=came, **look) as bar,
            file.open("ab" if goes_on else "wb") as opened,
        ):
            for chunk in reply.iter_content(CHUNK):
                came += len(chunk)
                if came > archive.most:
                    break
                opened.write(chunk)
                bar.update(len(chunk))
        if came > archive.most:
            file.unlink()  # not before it is closed: Windows removes no open file
            raise DownloadError(f"Expected at most {archive.most:,} bytes at {url}, the server sends more.")
        if total and came != total:
            raise requests.ConnectionError(f"the server stopped at {came:,} of {total:,} bytes")
        file.replace(target)


def _plain(error):
    if isinstance(error, requests.Timeout):
        return f"no answer for {TIMEOUT} s"
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return f"the server's certificate is not trusted, or the proxy does not let this through ({error})"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "the server cannot be reached, or broke off; is there a network?"
    return str(error)


def _work(archive, folder):
    return Path(folder) / f"{archive.name}.download"


def fetch(archive: Archive, folder: str | Path, *, progress: bool = True) -> Path:
    """Download one file into `<folder>/<name>.download/`, going on from where an earlier try broke off.

    The bytes gather in `<file>.part`; only a file of the right checksum gets the final name. A wrong one is removed,
    and the next try starts clean.
    """
    work = _work(archive, folder)
    part = work / f"{archive.filename}.part"
    problems = []

    def resume(url, output, _):
        for attempt in range(TRIES):
            try:
                _get(session, archive, url, part, progress)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if attempt + 1 == TRIES:
                    raise
        part.replace(output)

    with told(f"write to {work}"), _session() as session:
        work.mkdir(parents=True, exist_ok=True)
        for leftover in work.glob("tmp*"):  # pooch's own, where it was killed
            leftover.unlink()
        for url in archive.urls:
            try:
                return Path(pooch.retrieve(url, archive.checksum, archive.filename, work, downloader=resume))
            except ValueError as error:  # pooch: the checksum differs; it has removed the file
                problems.append(f"{url}: {error}")
            except (requests.RequestException, DownloadError) as error:
                problems.append(f"{url}: {_plain(error)}")
    kept = f"{part.stat().st_size:,} bytes are kept and the next try goes on from there." if part.exists() else ""
    raise DownloadError("\n  ".join([f"Could not download {archive.filename}.", *problems, *filter(None, [kept])]))


def make_folder(
    source: Archive | str, folder: str | Path, *, check: Callable[[Path], None] | None = None, progress: bool = True
) -> None:
    """Make `folder` from an archive on the net or a Kaggle dataset "owner/name"; one process at a time, others wait.

    If another process has made it meanwhile, and `check` (as in `unpack`) finds it whole, that is the result.
    """
    folder = Path(folder)
    with told(f"write to {folder.parent}"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _files.locked(folder, f"downloads {folder.name}"):
            if folder.exists():
                try:
                    return check(folder) if check else refuse(folder)
                except DownloadError:
                    refuse(folder)
            if isinstance(source, Archive):
                _check_space(source, folder.parent)
                file = fetch(source, folder.parent, progress=progress)
            else:
                file = _fetch_from_kaggle(source, folder, progress)
            unpack(file, folder, check=check, progress=progress)
            shutil.rmtree(file.parent)


def _check_space(archive, folder):
    work = _work(archive, folder)
    here = sum(file.stat().st_size for file in work.iterdir()) if work.exists() else 0
    needed, free = 2 * archive.most - here, shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"Expected {needed / 1e9:.1f} GB free for {archive.filename} and its files, got {free / 1e9:.1f} GB in "
            f"{folder}; free some space or set SR_CACHE_DIR to a larger disk."
        )


def has_kaggle_token() -> bool:
    """Whether the Kaggle client would find a login: a token file or environment variables."""
    config = Path(os.environ.get("KAGGLE_CONFIG_DIR", "~/.kaggle")).expanduser()
    if os.environ.get("KAGGLE_API_TOKEN") or (os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY")):
        return True
    return any((config / name).exists() for name in ("kaggle.json", "access_token"))


def _fetch_from_kaggle(slug, folder, progress):
    client = shutil.which("kaggle")
    if not client:
        raise DownloadError("Expected the kaggle client, which is not installed; run: python -m pip install kaggle")
    work = folder.with_name(f"{folder.name}.kaggle")
    work.mkdir(parents=True, exist_ok=True)
    command = [client, "datasets", "download", slug, "--path", str(work)]
    result = subprocess.run(command, text=True, stdout=None if progress else subprocess.DEVNULL, stderr=subprocess.PIPE)
    file = work / f"{slug.split('/')[1]}.zip"
    if result.returncode or not file.exists():
        raise DownloadError(f"The kaggle client could not fetch {slug}: {result.stderr.strip() or 'no file came'}")
    return file
