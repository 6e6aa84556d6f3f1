import dataclasses
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from server import Served

import srhelpers as sr
from srhelpers.datasets.downloads import Archive, DownloadError

WINDOWS = sys.platform == "win32"
PIXEL = cv2.imencode(".png", np.full((2, 2, 3), 128, "uint8"))[1].tobytes()


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Served().running() as served:
        yield served


def make_tar(names, filler=0, mode="w"):
    """An archive of tiny pictures, plus a file of `filler` random bytes."""
    buffer = io.BytesIO()
    contents = dict.fromkeys(names, PIXEL) | ({"filler": os.urandom(filler)} if filler else {})
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def write(file, content):
    file.write_bytes(content)
    return file


def make_zip(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, PIXEL)
    return buffer.getvalue()


@pytest.fixture
def serve(served, monkeypatch):
    """Put content in place of a dataset's archive, at this machine's server."""

    def replace(name, content, photos=3, **changes):
        dataset = sr.datasets.catalog.DATASETS[name]
        filename = dataset.archive.filename
        served.files[filename] = content
        settings = {"size": len(content), "checksum": f"sha256:{sha256(content).hexdigest()}"} | changes
        archive = Archive(dataset.archive.name, (f"{served.address}/{filename}",), **settings)
        monkeypatch.setitem(
            sr.datasets.catalog.DATASETS, name, dataclasses.replace(dataset, archive=archive, photos=photos, kaggle=())
        )
        return archive

    return replace


def voc(filler=0):
    return make_tar([f"VOCdevkit/VOC2007/JPEGImages/00000{i}.jpg" for i in range(3)], filler)


def cache():
    return sr.runtime.folder("cache") / "datasets"


def half_files():
    """Everything in the cache that is no dataset: nothing must be left of a download but the lock's empty file."""
    return [path for path in cache().iterdir() if path.suffix in (".part", ".download", ".kaggle")]


def work():
    return cache() / "voc2007.download"


def part():
    return work() / "VOCtrainval_06-Nov-2007.tar.part"


@pytest.mark.parametrize(
    "name, content, folder",
    [
        ("voc2007", voc(), "voc2007/VOCdevkit/VOC2007/JPEGImages"),
        ("div2k_train", make_zip([f"DIV2K_train_HR/000{i}.png" for i in range(3)]), "div2k_train/DIV2K_train_HR"),
        (
            "div2k_valid_lr_x4",
            make_zip([f"DIV2K_valid_LR_bicubic/X4/080{i}x4.png" for i in range(3)]),
            "div2k_valid_lr_x4/DIV2K_valid_LR_bicubic/X4",
        ),
        ("set5", make_tar([f"benchmark/Set5/HR/{n}.png" for n in "abc"]), "benchmark/benchmark/Set5/HR"),
    ],
)
def test_download_fetches_checks_unpacks_and_is_done_once(serve, served, capfd, name, content, folder):
    serve(name, content)
    assert sr.datasets.download(name) == cache() / folder
    assert "100%" in capfd.readouterr().err
    assert [file.stem for file in sr.datasets.photos(name)] == sorted(
        file.stem for file in (cache() / folder).iterdir()
    )
    assert not half_files()
    sr.datasets.download(name)
    assert len(served.requests) == 1


def test_one_archive_serves_four_benchmark_sets(serve, served):
    names = [f"benchmark/{name}/HR/{i}.png" for name in ("Set5", "Set14") for i in range(3)]
    serve("set5", make_tar(names))
    serve("set14", make_tar(names))
    sr.datasets.download("Set5")
    assert sr.datasets.download("Set14").parts[-2:] == ("Set14", "HR")
    assert len(served.requests) == 1


def test_a_truncated_reply_goes_on_where_it_broke_off(serve, served):
    content = voc(filler=900_000)
    serve("voc2007", content)
    served.break_after = 400_000
    sr.datasets.download("voc2007", progress=False)
    starts = [int(asked[6:-1]) for _, asked in served.requests[1:]]
    assert served.requests[0][1] is None
    assert len(starts) == 2
    assert all(400_000 - sr.datasets.downloads.CHUNK < step <= 400_000 for step in np.diff([0, *starts]))


def test_a_server_that_keeps_breaking_off_leaves_what_came_for_the_next_run(serve, served):
    content = voc(filler=900_000)
    serve("voc2007", content)
    served.break_after = 100_000
    with pytest.raises(DownloadError, match=r"bytes are kept and the next try goes on"):
        sr.datasets.download("voc2007", progress=False)
    came = part().stat().st_size
    assert came > 0
    with pytest.raises(FileNotFoundError):
        sr.datasets.find("voc2007")
    served.break_after = None
    sr.datasets.download("voc2007", progress=False)
    assert served.requests[-1][1] == f"bytes={came}-"
    assert not half_files()


def test_a_server_that_cannot_go_on_half_way_means_a_clean_restart(serve, served):
    serve("voc2007", voc(filler=900_000))
    served.break_after, served.ranges = 400_000, False
    with pytest.raises(DownloadError):
        sr.datasets.download("voc2007", progress=False)
    served.break_after = None
    assert len(sr.datasets.photos("voc2007", download=True)) == 3


def test_a_server_that_is_gone(serve, served):
    archive = serve("voc2007", voc())
    gone = Served()
    with gone.running():
        pass
    dead = dataclasses.replace(archive, urls=(f"{gone.address}/{archive.filename}",))
    with pytest.raises(DownloadError, match=r"06-Nov-2007.tar: the server cannot be reached, or broke off"):
        sr.datasets.downloads.fetch(dead, cache(), progress=False)
    both = dataclasses.replace(archive, urls=(*dead.urls, *archive.urls))
    assert sr.datasets.downloads.fetch(both, cache(), progress=False).exists(), "the mirror has it"


def test_a_missing_file_is_named_with_its_address(serve, served):
    archive = serve("voc2007", voc())
    served.files.clear()
    with pytest.raises(DownloadError, match=f"{archive.urls[0]}: 404"):
        sr.datasets.download("voc2007")


def test_a_wrong_checksum_is_refused_and_the_next_run_starts_clean(serve, served):
    content = voc()
    serve("voc2007", content)
    served.files["VOCtrainval_06-Nov-2007.tar"] = content[:-1] + b"?"
    with pytest.raises(DownloadError, match="does not match the known hash"):
        sr.datasets.download("voc2007", progress=False)
    assert not list(work().iterdir())
    served.files["VOCtrainval_06-Nov-2007.tar"] = content
    sr.datasets.download("voc2007", progress=False)


def test_a_page_of_another_length_is_refused_before_it_is_fetched(serve, served):
    serve("voc2007", voc())
    served.files["VOCtrainval_06-Nov-2007.tar"] = b"<html>moved</html>"
    with pytest.raises(DownloadError, match="the server offers 18"):
        sr.datasets.download("voc2007", progress=False)


@pytest.mark.parametrize(
    "content, reason",
    [
        (make_tar([f"VOCdevkit/VOC2012/JPEGImages/{i}.jpg" for i in range(2)]), "it holds 2 of the 3 photos"),
        (make_tar(["VOCdevkit/VOC2007/Annotations/1.xml"]), "it holds 0 of the 3 photos"),
        (b"no archive at all", "whole archive"),
        (voc(filler=50_000)[:30_000], "whole archive"),
        (make_tar(["VOCdevkit/VOC2007/JPEGImages/1.jpg", "../evil.jpg"]), "outside its folder"),
        (make_tar(["/tmp/srhelpers_evil.jpg"]), "outside its folder"),
        (make_zip(["VOCdevkit/VOC2007/JPEGImages/1.jpg", "../../evil.jpg"]), "outside its folder"),
        (make_zip(["..\\evil.jpg"]), "outside its folder"),
    ],
)
def test_a_wrong_archive_never_becomes_a_dataset(serve, served, tmp_path, content, reason):
    serve("voc2007", content)
    with pytest.raises(DownloadError, match=reason):
        sr.datasets.download("voc2007", progress=False)
    assert not list(work().iterdir())
    assert not (cache() / "voc2007").exists()
    assert not list(tmp_path.rglob("evil.jpg"))
    assert not Path("/tmp/srhelpers_evil.jpg").exists()
    serve("voc2007", voc())
    sr.datasets.download("voc2007", progress=False)


def put_member(tar, name, kind=tarfile.REGTYPE, link="", content=b""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, len(content)
    tar.addfile(member, io.BytesIO(content))


def escaping_tar(victim):
    """CVE-2025-4517: a path too long for `realpath` hides where its links lead, also from Python's filter "data"."""
    buffer, path, links = io.BytesIO(), "", "abcdefghijklmnop"
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for letter in links:
            put_member(tar, f"{path}{'d' * 247}", tarfile.DIRTYPE)
            put_member(tar, f"{path}{letter}", tarfile.SYMTYPE, "d" * 247)
            path += f"{'d' * 247}/"
        up = f"{'/'.join(links)}/{'l' * 254}"
        put_member(tar, up, tarfile.SYMTYPE, "../" * len(links))
        put_member(tar, "escape", tarfile.SYMTYPE, f"{up}/..")
        put_member(tar, "pointer", tarfile.LNKTYPE, f"escape/{victim}")
        put_member(tar, "pointer", content=b"overwritten")
    return buffer.getvalue()


def test_an_archive_overwrites_nothing_beside_its_folder(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "set.tgz").write_bytes(escaping_tar("thesis.txt"))
    with pytest.raises(DownloadError, match="It has been removed" if WINDOWS else "no plain file"):  # a path too long
        sr.datasets.archives.unpack(tmp_path / "set.tgz", tmp_path / "set", progress=False)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("kind", ["symbolic", "hard", "device", "pipe", "zip"])
def test_links_in_archives_are_refused_wherever_they_lead(kind, tmp_path):
    file = tmp_path / "set.archive"
    if kind == "zip":
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("photo.png", PIXEL)
            archive.writestr(link, "photo.png")
    else:
        types = {"symbolic": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "device": tarfile.CHRTYPE}
        with tarfile.open(file, "w") as tar:
            put_member(tar, "photo.png", content=PIXEL)
            put_member(tar, "link", types.get(kind, tarfile.FIFOTYPE), "photo.png")
    with pytest.raises(DownloadError, match=r"it holds 'link', which is no plain file.* It has been removed"):
        sr.datasets.archives.unpack(file, tmp_path / "set", progress=False)
    assert not list(tmp_path.iterdir())


def bomb(kind):
    """Archives that would unpack to 1 GB of zeros."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as zeros:
            for _ in range(100):
                zeros.write(bytes(1_000_000))
    elif kind == "gzip":
        with gzip.open(buffer, "w", 1) as zeros:
            for _ in range(100):
                zeros.write(bytes(1_000_000))
    else:  # GNU tar's way to store holes: no bytes in the archive, a gigabyte on the disk
        member = tarfile.TarInfo("zeros")
        header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
        header[156:157], header[345:512] = tarfile.GNUTYPE_SPARSE, bytes(167)
        header[386:398], header[398:410] = b"00000000000\0", b"00000000000\0"
        header[483:495] = f"{10**9:011o}\0".encode()
        header[148:156] = b" " * 8
        header[148:156] = f"{sum(header):06o}\0 ".encode()
        buffer.write(header + bytes(1024))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "gzip", "sparse"])
def test_decompression_bombs_are_refused(kind, tmp_path):
    (tmp_path / "set").write_bytes(bomb(kind))
    with pytest.raises(DownloadError, match="more than an archive of its size should"):
        sr.datasets.archives.unpack(tmp_path / "set", tmp_path / "folder", progress=False)
    assert not list(tmp_path.iterdir())


def test_every_flipped_bit_of_a_compressed_tar_is_noticed(tmp_path):
    content = make_tar(["photo.png"], filler=100, mode="w:gz")
    wrong = []
    sr.datasets.archives.unpack(write(tmp_path / "set.tgz", content), tmp_path / "right", progress=False)
    right = {file.name: file.read_bytes() for file in (tmp_path / "right").iterdir()}
    for position in range(10, len(content)):  # the first ten bytes say when it was made, and on which system
        flipped = bytearray(content)
        flipped[position] ^= 1
        write(tmp_path / "set.tgz", flipped)
        try:
            sr.datasets.archives.unpack(tmp_path / "set.tgz", tmp_path / f"{position}", progress=False)
            # A copy of zeros may begin at other zeros: the bits differ, the files do not.
            if {file.name: file.read_bytes() for file in (tmp_path / f"{position}").iterdir()} != right:
                wrong.append(position)
        except DownloadError:
            assert not (tmp_path / "set.tgz").exists()
    assert not wrong


def encrypted_zip():
    content = bytearray(make_zip(["photo.png"]))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    return bytes(content)


def unknown_compression():
    content = bytearray(make_zip(["photo.png"]))
    content[content.index(b"PK\x01\x02") + 10] = content[8] = 99
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        encrypted_zip(),
        unknown_compression(),
        make_tar(["a" * 300]),
        make_tar(["photo.png", "photo.png/inside.png"]),
        make_tar(["photo.png"], mode="w:xz"),
        make_tar(["."]),
        make_tar(["folder/photo.png", "folder"]),
        b"",
    ],
    ids=["encrypted", "unknown compression", "long name", "file as folder", "xz", "itself", "folder as file", "empty"],
)
def test_a_bad_archive_is_removed_whatever_is_bad_about_it(content, tmp_path):
    (tmp_path / "set").write_bytes(content)
    with pytest.raises(DownloadError, match="It has been removed"):
        sr.datasets.archives.unpack(tmp_path / "set", tmp_path / "folder", progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [make_tar(["PK/photo.png"]), make_tar(["PK/photo.png"], mode="w:gz"), make_zip(["PK/photo.png"])],
    ids=["tar", "tar.gz", "zip"],
)
def test_an_archive_is_known_by_what_it_holds_and_not_by_its_name(content, tmp_path):
    file = write(tmp_path / "set", content)
    sr.datasets.archives.unpack(file, tmp_path / "folder", progress=False)
    assert [path.read_bytes() for path in (tmp_path / "folder" / "PK").iterdir()] == [PIXEL]
    assert file.exists(), "what is whole is left to the caller"


def test_an_endless_reply_is_cut_off(serve, served):
    archive = serve("voc2007", voc())
    served.announce, served.endless = False, True
    with pytest.raises(DownloadError, match=rf"at most {archive.size:,} bytes"):
        sr.datasets.download("voc2007", progress=False)
    assert served.sent < 20_000_000
    assert not list(work().iterdir())


def test_what_is_removed_is_closed_before(serve, served, tmp_path, monkeypatch):
    """Windows removes no open file."""
    unlink, held = Path.unlink, []

    def noted(path, **options):
        open_files = Path("/proc/self/fd")
        held.extend(file for file in open_files.glob("*") if path.exists() and file.exists() and file.samefile(path))
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", noted)
    serve("voc2007", voc())
    served.announce, served.endless = False, True
    with pytest.raises(DownloadError, match="at most"):
        sr.datasets.download("voc2007", progress=False)
    for number, content in enumerate([make_zip(["../up.png"]), make_tar(["../up.png"]), bomb("zip")]):
        file = write(tmp_path / f"{number}.archive", content)
        with pytest.raises(DownloadError, match="It has been removed"):
            sr.datasets.archives.unpack(file, tmp_path / "folder", progress=False)
        assert not file.exists()
    assert not held


def test_about_so_many_bytes_bound_a_reply_too(serve, served):
    names = [f"benchmark/Set5/HR/{n}.png" for n in "abc"]
    content = make_tar(names, filler=100_000)
    serve("set5", content, size=None, about_size=80_000)
    with pytest.raises(DownloadError, match="at most 96,000 bytes"):
        sr.datasets.download("Set5", progress=False)
    serve("set5", content, size=None, about_size=100_000)
    assert len(sr.datasets.photos("Set5", download=True)) == 3


def test_every_dataset_has_a_checksum_and_a_size():
    for row in sr.datasets.catalog.DATASETS.values():
        if row.archive:
            assert row.archive.checksum.startswith(("sha256:", "md5:"))
            assert (row.archive.size or row.archive.about_size) > 10_000_000


@pytest.mark.parametrize(
    "status, after", [(429, "1"), (503, "1"), (503, "Thu, 01 Jan 1970 00:00:00 GMT"), (503, "soon"), (429, "-1")]
)
def test_a_busy_server_is_asked_again(status, after, serve, served, monkeypatch):
    monkeypatch.setattr(sr.datasets.downloads, "LONGEST_WAIT", 0.01)
    serve("voc2007", voc())
    served.refusals = [(status, {"Retry-After": after})]
    sr.datasets.download("voc2007", progress=False)
    assert len(served.requests) == 2


def test_the_wait_for_a_busy_server_has_a_limit(serve, served, monkeypatch, capfd):
    monkeypatch.setattr(sr.datasets.downloads, "LONGEST_WAIT", 0.1)
    archive = serve("voc2007", voc())
    served.refusals = [(503, {"Retry-After": "86400"})] * 9
    with pytest.raises(DownloadError, match=f"{archive.urls[0]}: 503"):
        sr.datasets.download("voc2007", progress=False)
    assert len(served.requests) == 3
    assert capfd.readouterr().err.count("asks to wait") == 2


def test_nothing_is_overwritten(serve):
    serve("voc2007", voc())
    (cache() / "voc2007").mkdir(parents=True)
    (cache() / "voc2007" / "notes.txt").write_text("mine")
    with pytest.raises(DownloadError, match="Move it away or remove it"):
        sr.datasets.download("voc2007", progress=False)
    assert (cache() / "voc2007" / "notes.txt").read_text() == "mine"


def test_too_small_a_disk_is_told_before_anything_is_fetched(serve, served, monkeypatch):
    archive = serve("voc2007", voc())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(DownloadError, match=r"GB free for VOCtrainval_06-Nov-2007.tar and its files, got 0.0 GB"):
        sr.datasets.downloads.make_folder(archive, cache() / "voc2007")
    assert not served.requests
    work().mkdir(parents=True)
    part().write_bytes(b"x" * 6000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 2 * archive.size - 6000))
    with pytest.raises(DownloadError, match="does not match"):  # what is here already counts
        sr.datasets.downloads.make_folder(archive, cache() / "voc2007", progress=False)


def run_download(archive, *, wait=True, file_limit=None):
    """`make_folder` in a process of its own."""
    code = (
        "import sys, srhelpers as sr\n"
        f"archive = sr.datasets.downloads.{archive!r}\n"
        "try:\n"
        f"    sr.datasets.downloads.make_folder(archive, {str(cache() / 'voc2007')!r})\n"
        "except sr.datasets.downloads.DownloadError as error:\n"
        "    sys.exit(str(error))\n"
    )

    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    options = {"preexec_fn": limit} if file_limit else {}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, **options)
    return process if not wait else (process.communicate(timeout=60)[1], process.returncode)


def test_a_killed_download_goes_on_where_it_stopped(serve, served):
    archive = serve("voc2007", voc(filler=3_000_000))
    served.delay = 0.02
    process = run_download(archive, wait=False)
    deadline = time.monotonic() + 30
    while not (part().exists() and part().stat().st_size >= 1 << 20):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()
    came = part().stat().st_size
    assert 0 < came < archive.size
    with pytest.raises(FileNotFoundError):
        sr.datasets.find("voc2007")
    served.delay = 0
    _, status = run_download(archive)
    assert status == 0
    assert len(sr.datasets.photos("voc2007", cache() / "voc2007")) == 3
    assert served.requests[-1][1] == f"bytes={came}-"
    assert not half_files()


def test_a_kill_while_unpacking_leaves_no_half_dataset(serve, served):
    names = [f"VOCdevkit/VOC2007/JPEGImages/{i:06d}.jpg" for i in range(3_000)]
    archive = serve("voc2007", make_tar(names), photos=len(names))
    process = run_download(archive, wait=False)
    half, deadline = cache() / "voc2007.part" / "VOCdevkit" / "VOC2007" / "JPEGImages", time.monotonic() + 30
    while not (half.exists() and sum(1 for _ in half.iterdir()) > 100):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert 100 < sum(1 for _ in half.iterdir()) < len(names)
    with pytest.raises(FileNotFoundError):
        sr.datasets.find("voc2007")
    assert len(sr.datasets.photos("voc2007", download=True)) == len(names)
    assert len(served.requests) == 1, "the archive was whole, it is not fetched again"
    assert not half_files()


@pytest.mark.parametrize("pause", [0, 0.5])
def test_two_processes_at_once_fetch_it_once(serve, served, pause):
    archive = serve("voc2007", voc(filler=1_000_000))
    served.delay = 0.01
    processes = [run_download(archive, wait=False)]
    time.sleep(pause)
    processes.append(run_download(archive, wait=False))
    # Both come back; the second finds the folder made, and without a `check` says that it is there.
    assert sorted(process.wait(timeout=60) for process in processes) == [0, 1]
    assert "exists" in "".join(process.stderr.read() for process in processes)
    assert len(served.requests) == 1
    assert len(sr.datasets.photos("voc2007")) == 3


def test_the_second_of_two_says_that_it_waits(serve, served):
    archive = serve("voc2007", voc())
    with sr._files.locked(cache() / "voc2007", "downloads voc2007"):
        second = run_download(archive, wait=False)
        assert second.stderr.readline() == "Waiting for another process that downloads voc2007 …\n"
        assert not served.requests
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert len(sr.datasets.photos("voc2007")) == 3


def test_the_second_of_two_gets_what_the_first_made(serve, served, monkeypatch):
    archive = serve("voc2007", voc())
    sr.datasets.download("voc2007", progress=False)
    seen = []
    sr.datasets.downloads.make_folder(archive, cache() / "voc2007", check=seen.append, progress=False)
    assert seen == [cache() / "voc2007"]
    assert len(served.requests) == 1


def test_a_server_that_stops_in_the_middle_of_a_reply(serve, served, monkeypatch):
    monkeypatch.setattr(sr.datasets.downloads, "TIMEOUT", 1)
    serve("voc2007", voc(filler=900_000))
    served.stop_after = 400_000
    with pytest.raises(DownloadError, match="the server cannot be reached, or broke off"):
        sr.datasets.download("voc2007", progress=False)
    came = part().stat().st_size
    assert came > 300_000
    with Served().running() as restarted:
        restarted.files = served.files
        address = sr.datasets.catalog.DATASETS["voc2007"].archive.urls[0].replace(served.address, restarted.address)
        archive = dataclasses.replace(sr.datasets.catalog.DATASETS["voc2007"].archive, urls=(address,))
        sr.datasets.downloads.make_folder(archive, cache() / "voc2007", progress=False)
        assert restarted.requests == [("/VOCtrainval_06-Nov-2007.tar", f"bytes={came}-")]


def test_a_login_page_does_not_cost_what_is_here(serve, served):
    content = voc(filler=900_000)
    serve("voc2007", content)
    served.break_after = 200_000
    with pytest.raises(DownloadError):
        sr.datasets.download("voc2007", progress=False)
    came = part().stat().st_size
    served.break_after, served.announce = None, False
    served.files["VOCtrainval_06-Nov-2007.tar"], served.ranges = b"<html>Please log in</html>", False
    with pytest.raises(DownloadError, match=f"{came:,} bytes are kept"):
        sr.datasets.download("voc2007", progress=False)
    assert part().stat().st_size == came
    served.files["VOCtrainval_06-Nov-2007.tar"], served.ranges, served.announce = content, True, True
    sr.datasets.download("voc2007", progress=False)
    assert served.requests[-1][1] == f"bytes={came}-"


def test_a_part_that_is_too_long_is_not_kept(serve, served):
    content = voc()
    serve("voc2007", content)
    work().mkdir(parents=True)
    part().write_bytes(b"x" * (len(content) + 10))
    sr.datasets.download("voc2007", progress=False)
    assert not half_files()


def test_other_files_in_the_folder_are_left_alone(serve, served, tmp_path):
    archive = serve("voc2007", voc())
    (tmp_path / "tmp_thesis.txt").write_text("mine")
    (tmp_path / "tmpdir").mkdir()
    sr.datasets.downloads.make_folder(archive, tmp_path / "voc2007", progress=False)
    assert (tmp_path / "tmp_thesis.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} >= {"tmpdir", "voc2007"}


def test_a_cache_that_cannot_be_written(serve, tmp_path, monkeypatch):
    serve("voc2007", voc())
    (tmp_path / "file").touch()
    monkeypatch.setenv("SR_CACHE_DIR", str(tmp_path / "file"))
    reason = "" if WINDOWS else "Not a directory"  # there it says that a file of that name exists
    with pytest.raises(DownloadError, match=rf"Could not write to .*{reason}\. Free some space or set SR_CACHE_DIR"):
        sr.datasets.download("voc2007", progress=False)


@pytest.mark.skipif(WINDOWS, reason="Windows has no limit of a file's size")
def test_a_disk_that_refuses_to_take_more(serve, served):
    """The system refuses writes past 500 kB; what came is kept, and the next run goes on."""
    archive = serve("voc2007", voc(filler=2_000_000))
    message, status = run_download(archive, file_limit=500_000)
    assert status == 1
    assert "Could not write to" in message
    assert "goes on where it stopped" in message
    came = part().stat().st_size
    assert came == 500_000
    _, status = run_download(archive)
    assert status == 0
    assert served.requests[-1][1] == f"bytes={came}-"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="a full disk is made by mounting a small one"
)
def test_a_full_disk(serve, served, tmp_path, monkeypatch):
    archive = serve("voc2007", voc(filler=2_000_000))
    cache().mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", cache()], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 40, 0, 1 << 40))
        with pytest.raises(DownloadError, match=r"No space left on device. Free some space or set SR_CACHE_DIR"):
            sr.datasets.downloads.make_folder(archive, cache() / "voc2007", progress=False)
        assert [path.suffix for path in work().iterdir()] == [".part"]
    finally:
        subprocess.run(["umount", cache()], check=True)
    sr.datasets.downloads.make_folder(archive, cache() / "voc2007", progress=False)


def test_the_command_line_downloads_from_the_tables_address(served, tmp_path):
    """This machine's server stands in as the proxy; a file that is not the published one is refused."""
    served.files["VOCtrainval_06-Nov-2007.tar"] = voc()
    environment = os.environ | {"http_proxy": served.address, "NO_PROXY": ""}
    command = [sys.executable, "-m", "srhelpers", "download", "voc2007"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "Expected 460,032,000 bytes" in done.stderr and "Traceback" not in done.stderr
    assert [address for address, _ in served.requests] == list(sr.datasets.catalog.DATASETS["voc2007"].archive.urls)


@pytest.mark.skipif(WINDOWS, reason="the stand-in is a script for sh")
def test_kaggle_comes_last_and_only_with_a_token(serve, served, tmp_path, monkeypatch):
    """A stand-in for the kaggle client, which wants the real Kaggle: it makes the zip the client would."""
    archive = serve("voc2007", voc())
    served.files.clear()
    dataset = dataclasses.replace(sr.datasets.catalog.DATASETS["voc2007"], kaggle=("zaraks/pascal-voc-2007",))
    monkeypatch.setitem(sr.datasets.catalog.DATASETS, "voc2007", dataset)
    (tmp_path / "bin").mkdir()
    source = tmp_path / "source.zip"
    source.write_bytes(make_zip([f"VOCtrainval_06-Nov-2007/VOCdevkit/VOC2007/JPEGImages/{i}.jpg" for i in range(3)]))
    client = tmp_path / "bin" / "kaggle"
    client.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncp {source} "$5/pascal-voc-2007.zip"\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(DownloadError, match=archive.filename):
        sr.datasets.download("voc2007", progress=False)
    assert not (tmp_path / "calls").exists()

    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    folder = sr.datasets.download("voc2007", progress=False)
    assert (tmp_path / "calls").read_text().startswith("datasets download zaraks/pascal-voc-2007 --path")
    assert folder.parts[-4:] == ("VOCtrainval_06-Nov-2007", "VOCdevkit", "VOC2007", "JPEGImages")

    shutil.rmtree(cache())
    client.write_text("#!/bin/sh\necho 403 - Forbidden >&2\nexit 1\n")
    with pytest.raises(DownloadError, match="could not fetch zaraks/pascal-voc-2007: 403 - Forbidden"):
        sr.datasets.download("voc2007", progress=False)
