import re
import runpy
import signal
import socket
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests
import tifffile
from conftest import REPOSITORY
from PIL import Image

import srhelpers as sr
from srhelpers import app
from srhelpers.__main__ import main


@pytest.fixture
def pictures(tmp_path, photo):
    """Files that each need care: turned by EXIF data, with alpha, gray, 16 bits."""
    small = np.ascontiguousarray(photo[:40, :60])
    folder = tmp_path / "in"
    folder.mkdir()
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(small).save(folder / "turned.jpg", exif=turned)
    Image.fromarray(np.dstack([small, small[..., 0]])).save(folder / "alpha.png")
    Image.fromarray(small[..., 1]).save(folder / "gray.png")
    Image.fromarray(small[..., 1]).save(folder / "gray.webp")
    cv2.imwrite(str(folder / "deep.png"), small.astype("uint16") * 257)
    tifffile.imwrite(folder / "deep.tif", small.astype("uint16") * 257)
    Image.fromarray(small).convert("CMYK").save(folder / "ink.jpg")
    return folder


def test_results_are_those_of_the_command_line(pictures, tmp_path):
    expected = sr.upscaling.folders.upscale_files(pictures, tmp_path / "out", scale=2, suffix="_x2", progress=False)
    assert len(expected.done) == 7
    for file in pictures.iterdir():
        (made := tmp_path / file.name.replace(".", "_")).mkdir()
        done = app.upscale(file, made, scale=2)
        assert done.result.read_bytes() == (tmp_path / "out" / done.result.name).read_bytes(), file.name
        shown = [Image.open(path) for path in (done.before, done.after)]
        large = sr.upscaling.pictures.read(done.result).pixels
        assert [image.size for image in shown] == [large.shape[1::-1]] * 2, "the slider lays one over the other"
        purpose = "photo" if file.suffix in (".jpg", ".webp") else "clean"
        assert done.note.startswith(f"Took **{sr.models.choice(purpose, 2)}**, since ")


def test_the_slider_compares_with_bicubic_interpolation(pictures, tmp_path):
    done = app.upscale(pictures / "gray.png", tmp_path)
    small = sr.upscaling.pictures.read(pictures / "gray.png").pixels
    before = np.asarray(Image.open(done.before).convert("L")).astype(int)
    assert np.abs(before - sr.degradations.resize(small, before.shape)).mean() < 2, "but for what JPEG loses"
    after, result = (np.asarray(Image.open(path).convert("L")).astype(int) for path in (done.after, done.result))
    assert np.abs(after - result).mean() < 2


def test_purpose_network_scale_and_format_are_heard(pictures, tmp_path):
    done = app.upscale(pictures / "deep.png", tmp_path, use="photo", scale=1.5, format="jpg")
    assert done.result.name == "deep_x1.5.jpg" and Image.open(done.result).size == (90, 60)
    assert f"Took **{sr.models.choice('photo', 1.5)}**, since it is the choice for photo. 60×40 pixels" in done.note
    assert "JPEG holds no 16-bit RGB" in done.note
    done = app.upscale(pictures / "gray.png", tmp_path, use="drawing", network="voc_plain")
    assert "Took **voc_plain**, as you chose." in done.note


def test_progress_is_told(pictures, tmp_path):
    parts = []
    app.upscale(pictures / "gray.png", tmp_path, network="voc_plain", progress=parts.append)
    assert parts[-1] == 1


def test_what_is_too_large_or_takes_too_long_is_refused(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "MOST_OUT", 9_000)
    with pytest.raises(sr.runtime.UserError, match=r"got 60×40 pixels, 0.0 megapixels, which ×2 become 0.0; choose"):
        app.upscale(pictures / "gray.png", tmp_path)
    monkeypatch.setattr(app, "MOST_OUT", 9_600)
    monkeypatch.setattr(app, "PATIENCE", 1e-6)
    with pytest.raises(
        sr.runtime.UserError, match=r"of computing, got about .* with voc_plain; choose a smaller scale"
    ):
        app.upscale(pictures / "gray.png", tmp_path, network="voc_plain")
    assert not list(tmp_path.glob("gray_x2*"))


def test_what_is_no_picture_or_half_of_one_is_refused(tmp_path):
    photo = sr.datasets.photos("photos")[0].read_bytes()
    for name, content in (("text.jpg", b"hello"), ("cut.jpg", photo[: len(photo) // 2]), ("end.jpg", photo[:-200])):
        Path(tmp_path, name).write_bytes(content)
        with pytest.raises(sr.runtime.UserError, match=rf"Expected a whole PNG, .*{name}, got"):
            app.upscale(tmp_path / name, tmp_path)
        assert [file.name for file in tmp_path.iterdir() if file.suffix == ".jpg"] == [name], "and nothing is made"
        Path(tmp_path, name).unlink()


def test_the_page_offers_each_purpose_but_clips():
    assert {"", *sr.models.USES} - {use for _, use in app.USES} == {"video"}


def test_a_space_runs_the_same_page(monkeypatch):
    asked = []
    monkeypatch.setattr(app, "launch", lambda **options: asked.append(options))
    runpy.run_path(str(REPOSITORY / "tools" / "space" / "app.py"), run_name="__main__")
    assert asked == [{"host": "0.0.0.0", "port": 7860}]
    version = re.search(r"sdk_version: (.*)", (REPOSITORY / "tools" / "space" / "README.md").read_text("utf-8"))[1]
    floor = re.search(r'"gradio>=([\d.]+)"', (REPOSITORY / "pyproject.toml").read_text("utf-8"))[1]
    assert version.startswith(floor), "what was tested here"


def test_the_server_is_for_this_machine_and_takes_no_file_beyond_its_limit(monkeypatch):
    gradio, found = pytest.importorskip("gradio"), []
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def visit(blocks):
        upload = f"http://127.0.0.1:{port}/gradio_api/upload"
        found.extend(requests.post(upload, files={"files": ("a.png", bytes(n))}).status_code for n in (900, 1100))
        with pytest.raises(OSError):  # another address of this machine, at which only 0.0.0.0 would answer
            socket.create_connection(("127.0.0.2", port), timeout=1)
        blocks.close(verbose=False)

    monkeypatch.setattr(app, "MOST_BYTES", 1000)
    monkeypatch.setattr(gradio.Blocks, "block_thread", visit)
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    before = signal.getsignal(signal.SIGTERM)
    assert main(["app", "--port", f"{port}"]) == 0
    signal.signal(signal.SIGTERM, before)
    assert found == [200, 413]


def test_import_srhelpers_does_not_load_it():
    assert "app" not in sr.__all__


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    assert main(["app"]) == 1
    assert "run: python -m pip install gradio" in capsys.readouterr().err
