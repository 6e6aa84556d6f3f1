import contextlib
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tifffile
from conftest import link
from PIL import Image

import srhelpers as sr
from srhelpers import _files
from srhelpers.upscaling import engine, pictures, planning
from srhelpers.upscaling.folders import plan, upscale_files
from srhelpers.upscaling.planning import making


@pytest.fixture(scope="module")
def nearest():
    photo = keras.Input((None, None, 3))
    return keras.Model(photo, keras.layers.UpSampling2D(2)(photo), name="nearest")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(*names, size=(8, 6)):
    for number, name in enumerate(names):
        file = Path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (10 * number, 20, 30)).save(file)


def targets(*given, **options):
    return {source.as_posix(): target.as_posix() for source, target in plan(*given, **options).items()}


def shown(path):
    """How a message shows it on this system, as a pattern."""
    return re.escape(str(Path(path)))


def test_plan_of_a_file(here):
    picture("a.png")
    (here / "folder.v2").mkdir()
    assert targets("a.png", "b.jpg") == {"a.png": "b.jpg"}
    assert targets("a.png", "out") == {"a.png": "out/a.png"}
    assert targets("a.png", "folder.v2") == {"a.png": "folder.v2/a.png"}
    absolute = {(here / "a.png").as_posix(): "out/a_x2.webp"}
    assert targets(here / "a.png", "out", format="webp", suffix="_x2") == absolute
    assert targets("a.png", ".", suffix="_x2") == {"a.png": "a_x2.png"}
    for wrong in ({"suffix": "_x2"}, {"format": "jpg"}):
        with pytest.raises(ValueError, match=r"a folder as output .* got the file b\.jpg"):
            plan("a.png", "b.jpg", **wrong)
    with pytest.raises(ValueError, match=r"ends in \.png, .* got 'b\.psd'"):
        plan("a.png", "b.psd")
    with pytest.raises(ValueError, match="a format of jpg, png, webp, tiff, got 'gif'"):
        plan("a.png", "out", format="gif")


def test_plan_of_folders_and_globs(here):
    picture("in/a.png", "in/sub/b.JPG", "in/sub/deep/a.png", "other/c [1].png")
    (here / "in" / "notes.txt").write_text("no picture")
    everything = {"in/a.png": "out/a.png", "in/sub/b.JPG": "out/sub/b.JPG", "in/sub/deep/a.png": "out/sub/deep/a.png"}
    assert targets("in", "out") == everything
    assert targets(["in", "other/c [1].png"], "out") == everything | {"other/c [1].png": "out/c [1].png"}
    assert targets("in/**/*.JPG", "out", format="tiff") == {"in/sub/b.JPG": "out/b.tiff"}
    picture("in/made/a.png")
    assert targets("in", "in/made") == {s: t.replace("out", "in/made") for s, t in everything.items()}
    assert set(targets("in", ".")) == set(everything) | {"in/made/a.png"}, "an output around the input hides nothing"
    (here / "empty").mkdir()
    for missing, why in {
        "nothing.png": "which is not there",
        "out": "which is not there",
        "voc": r"which is not there\. `srhelpers download --list` tells",
        "in/sub/a.JPG": rf"which is not there; did you mean {shown('in/sub/b.JPG')}\?",
        "in/*.gif": "a pattern that fits none",
        "empty": r"a folder without any of \.png",
    }.items():
        with pytest.raises(FileNotFoundError, match=f"got {re.escape(repr(missing))}, {why}"):
            plan(["in", missing], "out")


def test_what_is_hidden_does_not_count(here):
    picture("in/a.png", "in/._a.png", "in/.thumbnails/a.png", "in/.0123456789ab.part.png")
    assert set(targets("in", "out")) == {"in/a.png"}
    assert set(targets(["in/._a.png"], "out")) == {"in/._a.png"}, "but what is named"


def test_several_files_do_not_go_into_one(here):
    picture("in/a.png", "in/b.png")
    for given in (["in/a.png", "in/b.png"], "in", "in/*.png"):
        for output in ("all.jpg", "all.mp4"):
            with pytest.raises(ValueError, match=f"a folder as output of several files or a folder, got {output}"):
                plan(given, output)
    assert targets("in/a*", "all.jpg") == {"in/a.png": "all.jpg"}


def test_a_folder_that_links_to_itself_is_walked_once(here):
    picture("in/a.png", "in/b.png")
    link(here / "in" / "again", here / "in")
    assert set(targets("in", "out")) == set(targets("in/**/*.png", "out")) == {"in/a.png", "in/b.png"}


def test_clips_are_planned_as_pictures_are(here):
    for name in ("in/a.mp4", "in/a.png", "in/b.AVI", "in/c.MOV", "in/d.avi", "in/d.mkv", "in/e.m4v", "more/a.mp4"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).touch()
    assert targets("in", "out", format="webp", suffix="_x2") == {
        "in/a.mp4": "out/a_x2.mp4",
        "in/a.png": "out/a_x2.webp",
        "in/b.AVI": "out/b_x2.mkv",
        "in/c.MOV": "out/c_x2.MOV",
        "in/d.avi": "out/d_x2_avi.mkv",
        "in/d.mkv": "out/d_x2_mkv.mkv",
        "in/e.m4v": "out/e_x2.mkv",
    }
    target, one, other = map(shown, ("out/a.mp4", "in/a.mp4", "more/a.mp4"))
    with pytest.raises(ValueError, match=f"got {target} for {one} and {other}; rename one"):
        plan(["in/a.mp4", "more/a.mp4"], "out")
    for name in ("in/a_x2.mp4", "in/b_x2.mkv"):
        (here / name).touch()
    assert not {"in/a_x2.mp4", "in/b_x2.mkv"} & set(targets("in", "in", suffix="_x2")), "no x2 of an x2"


def test_plan_names_what_collides(here):
    picture("in/a.png", "in/a.jpg", "more/a.png")
    target, one, other = map(shown, ("out/a.png", "in/a.png", "more/a.png"))
    with pytest.raises(ValueError, match=f"got {target} for {one} and {other}; rename one"):
        plan(["in", "more"], "out")
    made = [target.as_posix() for target in plan("in", "out", format="webp").values()]
    assert made == ["out/a_jpg.webp", "out/a_png.webp"]
    for output in ("in", "in/../in"):
        with pytest.raises(ValueError, match=rf"an output beside the input, got {shown('in/a')}\.\w+ for both"):
            plan("in", output)
    with pytest.raises(ValueError, match="an output beside the input"):
        plan("in/a.png", here / "in" / "a.png")
    assert len(plan("in", "in", suffix="_x2")) == 2
    picture("in/a_x2.png")
    assert set(targets("in", "in", suffix="_x2")) == {"in/a.png", "in/a.jpg"}, "no x2 of an x2"


def test_where_capitals_make_no_other_name_they_collide(here, monkeypatch):
    picture("in/a.png", "in/A.webp", "more/A.png")
    monkeypatch.setattr(planning, "ONE_CASE", True)
    with pytest.raises(ValueError, match=r"got .* for .* and .*; rename one"):
        plan(["in/a.png", "more/A.png"], "out")
    made = [target.as_posix() for target in plan("in", "out", format="jpg").values()]
    assert made == ["out/A_webp.jpg", "out/a_png.jpg"]


def test_a_file_by_another_name_is_no_output(here):
    """On Windows and macOS `-o photo.jpg` is photo.JPG itself; a hard link stands in for it here."""
    picture("photo.JPG")
    with contextlib.suppress(FileExistsError):
        os.link("photo.JPG", "photo.jpg")
    with pytest.raises(ValueError, match=r"an output beside the input, got photo\.JPG for both"):
        plan("photo.JPG", "photo.jpg")


def test_broken_files_do_not_stop_the_rest(here, nearest):
    picture("in/a.png", "in/b.png", "in/sub/Grüße aus Köln.png", "in/z.png")
    (here / "in" / "b.png").write_bytes((here / "in" / "b.png").read_bytes()[:45])
    (here / "in" / "c.jpg").write_text("hello")
    Image.new("RGB", (9000, 1)).save("in/wide.webp")
    summary = upscale_files("in", "out", nearest, progress=False)
    assert [target.as_posix() for target in summary.done] == ["out/a.png", "out/sub/Grüße aus Köln.png", "out/z.png"]
    assert {source.name for source in summary.failed} == {"b.png", "c.jpg", "wide.webp"}
    assert "16383" in summary.failed[Path("in/wide.webp")]
    assert summary.megapixels == pytest.approx(3 * 16 * 12 / 1e6)
    assert str(summary).startswith("3 done, 0 skipped, 3 failed; 0.0 megapixels in ")
    assert sorted(file.name for file in (here / "out").rglob("*.*")) == ["Grüße aus Köln.png", "a.png", "z.png"]
    np.testing.assert_array_equal(
        pictures.read("out/z.png").pixels, pictures.read("in/z.png").pixels.repeat(2, 0).repeat(2, 1)
    )


def test_what_cannot_be_opened_does_not_stop_the_rest(here, nearest):
    picture("in/a.png", "in/z.png")
    link(here / "in" / "loop.png", "loop.png")
    link(here / "in" / "gone.jpg", "nowhere.jpg")
    summary = upscale_files("in", "out", nearest, suffix="_x2", progress=False)
    assert [target.name for target in summary.done] == ["a_x2.png", "z_x2.png"]
    failed = {source.name: reason for source, reason in summary.failed.items()}
    assert set(failed) == {"loop.png", "gone.jpg"} and "No such file" in failed["gone.jpg"]
    assert "symbolic links" in failed["loop.png"] or sys.platform == "win32", "which has other words for it"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has paths of 260 characters unless told otherwise")
def test_a_name_that_would_be_too_long_is_told_before_it_is_computed(here, nearest):
    long = f"{'n' * 250}.png"
    picture(f"in/{long}")
    summary = upscale_files("in", "out", nearest, suffix="_x2", progress=False)
    assert "a name of at most 255 bytes, got 257" in summary.failed[Path("in", long)]
    assert len(upscale_files(f"in/{long}", "out", nearest, progress=False).done) == 1, "no longer temporary name"


def test_a_resolution_that_cannot_be_is_left_out(here, nearest):
    for name, resolution in {"zero": (1, 0), "huge": (4_000_000_000, 1), "usual": (300, 1)}.items():
        pixels = np.zeros((4, 6, 3), "uint8")
        tifffile.imwrite(f"{name}.tif", pixels, photometric="rgb", resolution=(7777, 7777), resolutionunit=2)
        content = Path(f"{name}.tif").read_bytes()
        Path(f"{name}.tif").write_bytes(content.replace(struct.pack("<II", 7777, 1), struct.pack("<II", *resolution)))
        assert pictures.read(f"{name}.tif").dpi == ((300, 300) if name == "usual" else None)
    for form in ("png", "jpg", "tiff", "webp"):
        assert len(upscale_files(["zero.tif", "huge.tif"], form, nearest, format=form, progress=False).done) == 2


def test_short_memory_is_named(here, nearest, monkeypatch):
    upscale = engine.upscale

    def short(image, **options):
        if image.shape == (10, 20, 3):
            raise MemoryError
        return upscale(image, **options)

    picture("in/a.png", "in/c.png")
    picture("in/b.png", size=(20, 10))
    monkeypatch.setattr(engine, "upscale", short)
    summary = upscale_files("in", "out", nearest, progress=False)
    assert (len(summary.done), summary.failed) == (2, {Path("in/b.png"): "not enough memory"})


def test_a_bug_shows_its_traceback_and_does_not_stop_the_rest(here, nearest, monkeypatch):
    picture("in/a.png", "in/b.png")
    write = pictures.write
    monkeypatch.setattr(pictures, "write", lambda made, file: write(made, file) if file.stem == "b" else 1 / 0)
    summary = upscale_files("in", "out", nearest, progress=False)
    assert len(summary.done) == 1
    assert "Traceback" in summary.failed[Path("in/a.png")] and "ZeroDivisionError" in summary.failed[Path("in/a.png")]


def test_a_picture_that_another_process_makes_is_left_to_it(here, nearest):
    picture("in/a.png", "in/b.png", "in/c.png")
    with making(Path("out/b.png")):
        summary = upscale_files("in", "out", nearest, progress=False)
    assert [target.name for target in summary.done] == ["a.png", "c.png"]
    assert summary.skipped == [Path("out/b.png")] and not summary.failed
    assert summary.notes == {Path("out/b.png"): f"Another process is making {Path('out/b.png')}."}
    assert len(upscale_files("in", "out", nearest, progress=False).done) == 1
    left = [file for file in sr.runtime.folder("cache").rglob("*.*") if file.suffix != ".made"]
    assert not left, "no lock or mark is left"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_picture_that_another_process_made_meanwhile_is_not_made_again(here, nearest, monkeypatch, overwrite):
    picture("in/a.png", "in/b.png", "in/c.png", *["out/c.png"] * overwrite)
    upscale = engine.upscale

    def meanwhile(image, **options):
        Path("out/c.png").write_text("theirs")
        return upscale(image, **options)

    monkeypatch.setattr(engine, "upscale", meanwhile)
    summary = upscale_files("in", "out", nearest, overwrite=overwrite, progress=False)
    assert [target.name for target in summary.done] == ["a.png", "b.png"]
    assert (summary.skipped, summary.failed) == ([Path("out/c.png")], {})
    assert (here / "out" / "c.png").read_text() == "theirs"


def killed_while_making(target):
    if not hasattr(os, "fork"):
        pytest.skip("Windows has no fork")
    child = os.fork()
    if not child:
        with making(target), _files.replacing(target) as unfinished:
            unfinished.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.filterwarnings("ignore:.*fork")
def test_what_killed_its_process_comes_last_and_alone_and_not_for_ever(here, nearest, monkeypatch):
    picture(*(f"in/{name}.png" for name in "abcd"))
    events, read, write = [], pictures.read, pictures.write

    def noted_read(file):
        events.append(("read", file.stem))
        return read(file)

    def noted_write(made, file):
        events.append(("write", file.stem))
        return write(made, file)

    monkeypatch.setattr(pictures, "read", noted_read)
    monkeypatch.setattr(pictures, "write", noted_write)
    (here / "out").mkdir()
    for name in "ab":
        killed_while_making(here / "out" / f"{name}.png")
    summary = upscale_files("in", "out", nearest, progress=False)
    assert [target.stem for target in summary.done] == ["c", "d", "a", "b"]
    assert events[-4:] == [("read", "a"), ("write", "a"), ("read", "b"), ("write", "b")]
    for _ in range(2):
        killed_while_making(here / "out" / "b.png")
    summary = upscale_files("in", "out", nearest, overwrite=True, progress=False)
    assert len(summary.done) == 3
    assert "killed twice, perhaps for want of memory; upscale it alone" in summary.failed[Path("in/b.png")]
    assert len(upscale_files("in/b.png", "out", nearest, overwrite=True, progress=False).done) == 1
    assert len(upscale_files("in", "out", nearest, overwrite=True, progress=False).done) == 4
    assert sorted(file.stem for file in (here / "out").iterdir()) == list("abcd"), "nothing is left of the kills"


@pytest.mark.slow
def test_a_picture_that_kills_its_process_does_not_stop_the_folder(here):
    picture(*(f"in/{name}.png" for name in "abcd"))
    Image.new("RGB", (7, 7)).save("in/b.png")
    run = """
import keras, os
from srhelpers.upscaling import engine, folders
photo = keras.Input((None, None, 3))
upscale = engine.upscale
engine.upscale = lambda image, **options: os.kill(os.getpid(), 9) if 7 in image.shape else upscale(image, **options)
model = keras.Model(photo, keras.layers.UpSampling2D(2)(photo))
summary = folders.upscale_files("in", "out", model, progress=False)
print(len(summary.done), len(summary.skipped), *summary.failed)
"""
    ends = [subprocess.run([sys.executable, "-c", run], capture_output=True, text=True) for _ in range(3)]
    assert [abs(end.returncode) for end in ends] == [9, 9, 0]
    assert ends[-1].stdout.strip().endswith(f"{Path('in/b.png')}")
    assert sorted(file.name for file in (here / "out").glob("[!.]*")) == ["a.png", "c.png", "d.png"]


def test_what_is_there_is_skipped(here, nearest):
    picture("in/a.png", "in/b.png")
    (here / "out").mkdir()
    (here / "out" / "a.png").write_text("mine")
    summary = upscale_files("in", "out", nearest, progress=False)
    assert (len(summary.done), len(summary.skipped)) == (1, 1)
    assert (here / "out" / "a.png").read_text() == "mine"
    again = upscale_files("in", "out", nearest, progress=False)
    assert (len(again.done), len(again.skipped)) == (0, 2)
    with pytest.raises(FileNotFoundError, match="got 'no such model'"):
        upscale_files("in", "out", "no such model", progress=False)
    assert len(upscale_files("in", "out", nearest, overwrite=True, progress=False).done) == 2
    assert pictures.read("out/a.png").pixels.shape == (12, 16, 3)


def test_what_an_earlier_run_made_is_no_input(here, nearest):
    picture("a.png", "sub/b.png")
    upscale_files(".", "large", nearest, progress=False)
    with pytest.warns(UserWarning, match="Left out large, which an earlier run made; name it to upscale it"):
        summary = upscale_files(".", "large2", nearest, progress=False)
    assert [target.as_posix() for target in summary.done] == ["large2/a.png", "large2/sub/b.png"]
    assert set(targets("large", "larger")) == {"large/a.png", "large/sub/b.png"}, "but where it is named"
    picture("mixed/a.png")
    upscale_files("a.png", "mixed", nearest, suffix="_x2", progress=False)
    assert "mixed/a.png" in targets("mixed", "out"), "a folder that was there holds more than results"
    for file in Path("large2").rglob("*.png"):
        file.unlink()  # as a new folder, whose inode may be that of the old one
    picture("other.png", "large2/new.png")
    with pytest.warns(UserWarning, match="Left out large, "):
        assert "large2/new.png" in targets(".", "out"), "nor one that is another now"


def test_another_scale_says_what_was_there(here, nearest):
    picture("in/a.png", "in/b.png")
    upscale_files("in", "out", nearest, progress=False)
    assert not upscale_files("in", "out", nearest, progress=False).notes
    summary = upscale_files("in", "out", nearest, scale=4, progress=False)
    said = "It was there already, with 16×12 pixels; ×4 makes 32×24. Choose another folder to keep both."
    assert (len(summary.skipped), summary.notes) == (2, {Path("out/a.png"): said})


def test_an_output_that_cannot_be_written_is_named_before_anything_is_computed(here):
    picture("in/a.png", "in/sub/b.png")
    (here / "file").write_text("")
    for output in ("file/out", *(["/proc/out"] if Path("/proc").is_dir() else [])):
        with pytest.raises(OSError, match=f"Expected an output folder that can be written to, got {shown(output)}"):
            upscale_files("in", output, "no such model is even loaded", progress=False)


@contextlib.contextmanager
def small_disk(size):
    """No file may be longer than some bytes, which ends a write in the middle as a full disk does."""
    resource = pytest.importorskip("resource", reason="Windows has no limit of a file's size")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_reported_and_leaves_nothing(here, nearest):
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), "uint8")
    for name, pixels in {
        "a.png": noise,
        "b.jpg": noise,
        "c.tif": noise,
        "deep.png": noise.astype("uint16") * 257,
    }.items():
        pictures.write(pictures.Picture(pixels, "RGB"), name)
    with small_disk(4000):
        summary = upscale_files("*.*", "out", nearest, progress=False)
    assert len(summary.failed) == 4
    assert all("File too large" in reason for reason in summary.failed.values())
    assert not [*(here / "out").iterdir()]


def test_ctrl_c_leaves_whole_files_and_the_next_run_goes_on(here, nearest, monkeypatch):
    picture(*(f"in/{number}.png" for number in range(6)))
    upscale, calls = engine.upscale, []

    def interrupted(*given, **options):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return upscale(*given, **options)

    monkeypatch.setattr(engine, "upscale", interrupted)
    with pytest.raises(KeyboardInterrupt):
        upscale_files("in", "out", nearest, progress=False)
    left = sorted(file.name for file in (here / "out").iterdir())
    assert left == ["0.png", "1.png", "2.png"]
    assert all(pictures.read(here / "out" / name).pixels.shape == (12, 16, 3) for name in left)
    summary = upscale_files("in", "out", nearest, progress=False)
    assert (len(summary.done), len(summary.skipped)) == (3, 3)


def test_decoding_and_encoding_overlap_and_stay_one_ahead(here, nearest, monkeypatch):
    """While the model computes number n, n + 1 is decoded and n - 1 encoded; nobody runs further ahead."""
    picture(*(f"in/{number}.png" for number in range(5)))
    read, write, upscale = pictures.read, pictures.write, engine.upscale
    decoded, encoded, writing, computed = [], [], threading.Event(), []

    def noted_read(file):
        decoded.append(file)
        if len(decoded) > 1:
            started.wait(20)
        return read(file)

    def noted_write(*given):
        writing.set()
        release.wait(20)
        encoded.append(given[1])
        return write(*given)

    def noted_upscale(*given, **options):
        computed.append(len(decoded))
        started.set()
        if len(computed) == 2:
            assert writing.wait(20), "the first is being encoded while the second is computed"
            assert not encoded
            release.set()
        return upscale(*given, **options)

    started, release = threading.Event(), threading.Event()
    monkeypatch.setattr(pictures, "read", noted_read)
    monkeypatch.setattr(pictures, "write", noted_write)
    monkeypatch.setattr(engine, "upscale", noted_upscale)
    assert len(upscale_files("in", "out", nearest, progress=False).done) == 5
    assert all(count <= number + 2 for number, count in enumerate(computed))


def test_kinds_and_scales(here, nearest):
    color = sr.datasets.sample("coffee")[:30, :40]
    pictures.write(pictures.Picture(np.asarray(Image.fromarray(color).convert("CMYK")), "CMYK"), "print.tif")
    pictures.write(pictures.Picture(color.astype("uint16") * 257, "RGB"), "deep.png")
    Image.fromarray(color).quantize(64).save("palette.gif")
    summary = upscale_files(["print.tif", "deep.png", "palette.gif"], "out", nearest, scale=1.5, progress=False)
    made = {file.name: pictures.read(file) for file in summary.done}
    assert {name: (each.mode, each.pixels.dtype, each.pixels.shape) for name, each in made.items()} == {
        "print.tif": ("CMYK", "uint8", (45, 60, 4)),
        "deep.png": ("RGB", "uint16", (45, 60, 3)),
        "palette.gif": ("P", "uint8", (45, 60, 3)),
    }
    expected = sr.degradations.resize(color.repeat(2, 0).repeat(2, 1).astype("uint16") * 257, (45, 60))
    np.testing.assert_array_equal(made["deep.png"].pixels, expected)
    noted = upscale_files("deep.png", "small.jpg", nearest, scale=0.5, progress=False)
    assert noted.notes == {Path("small.jpg"): "JPEG holds no 16-bit RGB: written as 8-bit RGB."}
    assert pictures.read("small.jpg").pixels.shape == (15, 20, 3)


def test_a_scale_that_cannot_be_is_told_first(here):
    picture("a.png")
    with pytest.raises(ValueError, match=r"Expected a scale above 0, such as 2 or 4 or 2\.5, got 0"):
        upscale_files("a.png", "out", "voc_plain", scale=0, progress=False)


def test_each_kind_of_file_gets_its_network(here, capsys):
    picture("a.png", "c.WEBP", "d.JPEG", size=(24, 24))
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype="uint8")  # no two networks agree on it
    Image.fromarray(noise).save("b.jpg")
    assert len(upscale_files(["a.png", "b.jpg", "c.WEBP", "d.JPEG"], "out", scale=2).done) == 4
    clean, photo = (sr.models.choice(use, 2) for use in ("clean", "photo"))
    told = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in told] == [f"Network: {clean}", f"Network: {photo}"]
    upscale_files("b.jpg", "out2", use="clean", scale=2)
    assert capsys.readouterr().out.startswith(f"Network: {clean}, since it is the choice for clean;")
    assert np.array_equal(pictures.read("out2/b.jpg").pixels, pictures.read("out/b.jpg").pixels) == (clean == photo)
    with pytest.raises(ValueError, match="Expected a use of photo"):
        upscale_files("b.jpg", "out3", use="scan")


def test_tiles_overlap_by_32_pixels_unless_exact(here, monkeypatch):
    """A network that looks 40 pixels far: with seams by default, as the whole picture with `exact`."""
    photo = keras.Input((None, None, 3))
    wide = keras.layers.DepthwiseConv2D(81, padding="same", depthwise_initializer="ones")
    far = keras.Model(photo, keras.layers.UpSampling2D(2)(keras.layers.Rescaling(1 / 81**2)(wide(photo))))
    noise = np.random.default_rng(0).integers(0, 256, (40, 300, 3), dtype="uint8")
    Image.fromarray(noise).save("a.png")
    upscale_files("a.png", "capped", far, tile=100, progress=False)
    upscale_files("a.png", "exact", far, tile=100, exact=True, progress=False)
    whole = sr.upscaling.upscale(pictures.read("a.png").pixels, far)
    capped, exact = (pictures.read(f"{name}/a.png").pixels for name in ("capped", "exact"))
    assert np.array_equal(exact, whole)
    assert not np.array_equal(capped, whole)


def test_the_bar_counts_pictures(here, nearest, capfd):
    picture("a.png", "b.png", size=(100, 100))
    shutil.copy("a.png", "c.png")
    upscale_files(["a.png", "b.png", "c.png"], "out", nearest, tile=30)
    shown = capfd.readouterr().err
    assert "3.0/3" in shown and "0.0/3" in shown and "megapixels" not in shown
