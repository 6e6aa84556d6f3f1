"""The page of `srhelpers app` in a headless Chromium, with a server of its own, used as visitors use it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

import srhelpers as sr

pytest.importorskip("gradio", reason="no Gradio here; python -m pip install gradio")
browser = pytest.importorskip("test_browser", reason="no Playwright here; python -m pip install playwright")
chromium, expect = browser.chromium, browser.playwright.expect
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def address(temporary):
    """Where the server listens; at the end it is told to stop, and must leave nothing behind."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "srhelpers", "app", "--port", f"{port}"]
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP"), str(temporary))
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == f"The page is at http://127.0.0.1:{port}/; Ctrl-C stops it.\n"
    yield f"http://127.0.0.1:{port}"
    assert [folder.name[:10] for folder in temporary.glob("srhelpers-*")] == ["srhelpers-"]
    server.send_signal(signal.SIGTERM)
    server.wait(60)
    assert sys.platform == "win32" or not list(temporary.glob("srhelpers-*")), "Windows ends it without a word"


@contextmanager
def page_of(chromium, address, name):
    """A visitor of their own, whose page asks nobody but our server; a picture of it is kept, whatever happens."""
    page = chromium.new_context(viewport={"width": 1400, "height": 950}).new_page()
    page.set_default_timeout(browser.PATIENCE * 1000)
    strangers = []
    page.on("request", lambda request: strangers.append(request.url))
    try:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        yield page
        assert not [url for url in strangers if not url.startswith((address, "data:", "blob:"))]
    finally:
        browser.keep(page, f"app_{name}")
        page.context.close()


def upload(page, file):
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("row").filter(has_text=file.stem)).to_be_visible()  # the file is up; Gradio splits its name


def upscale(page):
    page.get_by_role("button", name="Upscale").click()


def choose(page, network):
    page.get_by_text("Network and format").click()
    page.get_by_label("Network").click()
    page.get_by_role("option", name=network, exact=True).click()


def result(page, folder):
    """The file behind the button, and the sizes of the two pictures of the slider once they are drawn."""
    expect(page.get_by_text("Took")).to_be_visible()
    images = page.get_by_test_id("imageslider-image")
    sizes = [
        image.evaluate("it => it.decode().then(() => [it.naturalWidth, it.naturalHeight])") for image in images.all()
    ]
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target, sizes


def mosaic(size):
    """A photo of (height, width), of the photographs of the course."""
    rows = []
    photos = [cv2.imread(str(file)) for file in sr.datasets.photos("photos")[:40]]
    for number in range(-(-size[0] // 288)):
        rows.append(np.hstack([photos[(number * 7 + place) % 40] for place in range(-(-size[1] // 288))]))
    return np.vstack(rows)[: size[0], : size[1]]


def saved(path, pixels):
    assert cv2.imwrite(str(path), pixels)
    return path


def test_a_phones_photo_is_refused_at_4_and_upscaled_at_2(chromium, address, tmp_path):
    photo = saved(tmp_path / "phone.jpg", mosaic((3000, 4000)))
    with page_of(chromium, address, "phone") as page:
        expect(page.get_by_text("At most 12.5 megapixels (100 MB) go in and 50 come out")).to_be_visible()
        upload(page, photo)
        choose(page, "voc_residual")
        page.get_by_label("number input for Scale").fill("4")
        upscale(page)
        expect(page.get_by_text("4000×3000 pixels, 12.0 megapixels, which ×4 become 192.0; choose a")).to_be_visible()
        page.get_by_test_id("toast-close").click()
        page.get_by_label("number input for Scale").fill("2")
        upscale(page)
        expect(page.get_by_text("Upscaling - ")).to_be_visible()
        browser.keep(page, "app_progress")
        large, shown = result(page, tmp_path)
    assert large.name == "phone_x2.jpg" and shown == [[8000, 6000]] * 2
    expected = sr.upscaling.folders.upscale_files(
        photo, tmp_path / "expected.jpg", "voc_residual", scale=2, progress=False
    )
    assert large.read_bytes() == expected.done[0].read_bytes()


def test_a_broken_file_is_named_without_the_servers_folders(chromium, address, temporary, tmp_path):
    Path(tmp_path, "broken.jpg").write_bytes(b"hello")
    with page_of(chromium, address, "broken") as page:
        upscale(page)
        expect(page.get_by_text("Choose a picture first.")).to_be_visible()
        upload(page, tmp_path / "broken.jpg")
        upscale(page)
        expect(
            page.get_by_text("Expected a whole PNG, JPEG, WebP, TIFF, GIF or BMP in broken.jpg, got")
        ).to_be_visible()
        assert str(temporary) not in page.locator("body").inner_text()


def test_two_visitors_at_once_get_their_own_pictures(chromium, address, tmp_path):
    files = [saved(tmp_path / f"{name}.png", mosaic(size)) for name, size in (("one", (300, 400)), ("two", (420, 260)))]
    with page_of(chromium, address, "one") as one, page_of(chromium, address, "two") as two:
        for page, file in zip((one, two), files, strict=True):
            upload(page, file)
            upscale(page)
        for page, file in zip((one, two), files, strict=True):
            large, shown = result(page, tmp_path)
            before, after = cv2.imread(str(file)), cv2.imread(str(large))
            assert large.name == f"{file.stem}_x2.png" and after.shape[:2] == tuple(2 * n for n in before.shape[:2])
            assert shown == [list(after.shape[1::-1])] * 2
            assert sr.metrics.psnr(before, sr.degradations.resize(after, before.shape[:2])) > 30


def test_the_slider_zooms_and_moves(chromium, address, tmp_path):
    with page_of(chromium, address, "slider") as page:
        upload(page, saved(tmp_path / "photo.png", mosaic((300, 400))))
        upscale(page)
        result(page, tmp_path)
        before, after = page.get_by_test_id("imageslider-image").all()
        assert before.bounding_box() == after.bounding_box()
        box = before.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)

        def zoomed():
            page.mouse.wheel(0, -240)  # the browser may make one of several
            return float(re.search(r"scale\(([\d.]+)\)", before.get_attribute("style"))[1]) > 2

        browser.wait_for("the picture to be zoomed", zoomed)
        browser.wait_for("both to be zoomed", lambda: before.bounding_box() == after.bounding_box())
        handle = page.get_by_test_id("slider").bounding_box()
        page.mouse.move(handle["x"] + handle["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        cut = re.search(r"inset\(0px 0px 0px ([\d.]+)%\)", after.get_attribute("style"))
        assert float(cut[1]) < 50, "more of the result"


def test_the_webcam_gives_a_photo(chromium, address, tmp_path):
    with page_of(chromium, address, "webcam") as page:
        page.get_by_role("tab", name="Webcam").click()
        page.get_by_text("Click to Access Webcam").click()
        page.wait_for_function("document.querySelector('video')?.currentTime > 0.5")  # it has a picture
        page.get_by_role("button", name="capture photo").click()
        expect(page.get_by_label("photo, compressed or noisy")).to_be_checked()
        page.get_by_role("tab", name="File").click()
        expect(page.get_by_role("cell", name="image.png")).to_be_visible()


OUTSIDE = ("/etc/passwd", str(Path(__file__)), f"{Path(__file__).parent}/../README.md", "/etc")


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_file_of_the_server_can_be_read(address, path):
    for prefix in ("/file=", "/gradio_api/file=", "/gradio_api/file/", "/static/", "/gradio_api/file=..%2f..%2f.."):
        for form in (path, path.replace("/", "%2f")):
            assert requests.get(f"{address}{prefix}{form}").status_code in (403, 404)


@pytest.mark.parametrize("path", OUTSIDE[:2])
def test_no_file_of_the_server_can_be_passed_for_an_upload(address, path):
    upload = {"path": path, "meta": {"_type": "gradio.FileData"}}
    config = requests.get(f"{address}/config").json()
    given = [number for number, event in enumerate(config["dependencies"]) if event["inputs"]]
    assert len(given) == 2, "the webcam's and the button's"
    for number in given:
        data = [upload, "", "", 2, ""][: len(config["dependencies"][number]["inputs"])]
        asked = {"data": data, "fn_index": number, "session_hash": f"hash{number}"}
        assert requests.post(f"{address}/gradio_api/queue/join", json=asked).ok
        events = requests.get(f"{address}/gradio_api/queue/data", params={"session_hash": f"hash{number}"}, stream=True)
        messages = [json.loads(line.removeprefix(b"data: ")) for line in events.iter_lines() if line]
        (done,) = [message for message in messages if message["msg"] == "process_completed"]
        assert not done["success"] and "root:" not in str(messages)
