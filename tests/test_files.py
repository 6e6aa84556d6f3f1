import shutil
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import srhelpers as sr
from srhelpers.upscaling import folders as files
from srhelpers.upscaling import pictures
from srhelpers.upscaling.folders import plan, upscale_files


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


def test_plan_of_a_file(here):
    picture("a.png")
    (here / "folder.v2").mkdir()
    assert targets("a.png", "b.jpg") == {"a.png": "b.jpg"}
    assert targets("a.png", "out") == {"a.png": "out/a.png"}
    assert targets("a.png", "folder.v2") == {"a.png": "folder.v2/a.png"}
    assert targets(here / "a.png", "out", format="webp", suffix="_x2") == {f"{here}/a.png": "out/a_x2.webp"}
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
    for missing in ("nothing.png", "out", "in/*.gif"):
        with pytest.raises(FileNotFoundError, match=r"got '.*', where there is none"):
            plan(["in", missing], "out")


def test_plan_names_what_collides(here):
    picture("in/a.png", "in/a.jpg", "more/a.png")
    with pytest.raises(ValueError, match=r"got out/a\.png for in/a\.png and more/a\.png; rename one"):
        plan(["in", "more"], "out")
    made = [target.as_posix() for target in plan("in", "out", format="webp").values()]
    assert made == ["out/a_jpg.webp", "out/a_png.webp"]
    for output in ("in", "in/../in"):
        with pytest.raises(ValueError, match=r"an output beside the input, got in/a\.\w+ for both"):
            plan("in", output)
    with pytest.raises(ValueError, match="an output beside the input"):
        plan("in/a.png", here / "in" / "a.png")
    assert len(plan("in", "in", suffix="_x2")) == 2
    picture("in/a_x2.png")
    assert set(targets("in", "in", suffix="_x2")) == {"in/a.png", "in/a.jpg"}, "no x2 of an x2"


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


def test_what_is_there_is_skipped(here, nearest):
    picture("in/a.png", "in/b.png")
    (here / "out").mkdir()
    (here / "out" / "a.png").write_text("mine")
    summary = upscale_files("in", "out", nearest, progress=False)
    assert (len(summary.done), len(summary.skipped)) == (1, 1)
    assert (here / "out" / "a.png").read_text() == "mine"
    again = upscale_files("in", "out", "no such model is even loaded", progress=False)
    assert (len(again.done), len(again.skipped)) == (0, 2)
    assert len(upscale_files("in", "out", nearest, overwrite=True, progress=False).done) == 2
    assert pictures.read("out/a.png").pixels.shape == (12, 16, 3)


def test_an_output_that_cannot_be_written_is_named_before_anything_is_computed(here):
    picture("in/a.png", "in/sub/b.png")
    (here / "file").write_text("")
    for output in ("file/out", "/proc/out"):
        with pytest.raises(OSError, match=f"Expected an output folder that can be written to, got {output}"):
            upscale_files("in", output, "no such model is even loaded", progress=False)


def test_a_full_disk_is_reported(here, nearest, monkeypatch):
    def full(picture, file):
        raise OSError(28, "No space left on device", str(file))

    picture("a.png")
    monkeypatch.setattr(pictures, "write", full)
    assert "No space left" in upscale_files("a.png", "out", nearest, progress=False).failed[Path("a.png")]


def test_ctrl_c_leaves_whole_files_and_the_next_run_goes_on(here, nearest, monkeypatch):
    picture(*(f"in/{number}.png" for number in range(6)))
    upscale, calls = sr.upscaling.upscale, []

    def interrupted(*given, **options):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return upscale(*given, **options)

    monkeypatch.setattr(sr.upscaling, "upscale", interrupted)
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
    read, write, upscale = pictures.read, pictures.write, sr.upscaling.upscale
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
    monkeypatch.setattr(sr.upscaling, "upscale", noted_upscale)
    assert len(upscale_files("in", "out", nearest, progress=False).done) == 5
    assert all(count <= number + 2 for number, count in enumerate(computed))


def test_kinds_and_scales(here, nearest):
    colour = sr.datasets.sample("coffee")[:30, :40]
    pictures.write(pictures.Picture(np.asarray(Image.fromarray(colour).convert("CMYK")), "CMYK"), "print.tif")
    pictures.write(pictures.Picture(colour.astype("uint16") * 257, "RGB"), "deep.png")
    Image.fromarray(colour).quantize(64).save("palette.gif")
    summary = upscale_files(["print.tif", "deep.png", "palette.gif"], "out", nearest, scale=1.5, progress=False)
    made = {file.name: pictures.read(file) for file in summary.done}
    assert {name: (each.mode, each.pixels.dtype, each.pixels.shape) for name, each in made.items()} == {
        "print.tif": ("CMYK", "uint8", (45, 60, 4)),
        "deep.png": ("RGB", "uint16", (45, 60, 3)),
        "palette.gif": ("P", "uint8", (45, 60, 3)),
    }
    expected = sr.degradations.resize(colour.repeat(2, 0).repeat(2, 1).astype("uint16") * 257, (45, 60))
    np.testing.assert_array_equal(made["deep.png"].pixels, expected)
    noted = upscale_files("deep.png", "small.jpg", nearest, scale=0.5, progress=False)
    assert noted.notes == {Path("small.jpg"): "JPEG holds no 16-bit RGB: written as 8-bit RGB."}
    assert pictures.read("small.jpg").pixels.shape == (15, 20, 3)


def test_model_and_scale_are_chosen_first(here):
    assert files.choose("voc_plain", None)[1] == 2
    assert files.choose(None, None)[0].count_params() == sr.models.load(sr.models.best(2)).count_params()
    picture("a.png")
    with pytest.raises(ValueError, match=r"Expected a scale above 0, such as 2 or 4 or 2\.5, got 0"):
        upscale_files("a.png", "out", "voc_plain", scale=0, progress=False)


def test_the_bar_counts_pictures_and_megapixels(here, nearest, capfd):
    picture("a.png", "b.png", size=(100, 100))
    shutil.copy("a.png", "c.png")
    upscale_files(["a.png", "b.png", "c.png"], "out", nearest, tile=30)
    shown = capfd.readouterr().err
    assert "3.0/3" in shown and "megapixels/s" in shown
    assert "0.0/3" in shown
