import base64
import io
import re
import sys
import types

import cv2
import numpy as np
import pytest
from PIL import Image

import srhelpers as sr


def shown(slider):
    return slider._repr_mimebundle_()


def decoded(text):
    return cv2.imdecode(np.frombuffer(base64.b64decode(text), "uint8"), cv2.IMREAD_COLOR)[..., ::-1]


def test_slider_holds_both_pictures_at_the_size_of_the_second(photo):
    small = sr.degradations.bicubic(photo, (100, 150))
    page = shown(sr.plots.before_after(small, photo))["text/html"]
    before, after = (decoded(text) for text in re.findall(r"base64,([^\"]+)", page))
    assert sr.metrics.psnr(sr.degradations.resize(small, (400, 600)), before) > 33
    assert sr.metrics.psnr(photo, after) > 33


def test_slider_enlarges_as_asked(photo):
    small = sr.degradations.bicubic(photo, (20, 30))
    page = shown(sr.plots.before_after(small, photo, method="nearest"))["text/html"]
    before = decoded(re.findall(r"base64,([^\"]+)", page)[0])
    assert sr.metrics.psnr(sr.degradations.resize(small, (400, 600), "nearest"), before) > 30


def test_where_html_is_not_shown_there_is_half_of_each(photo):
    static = decoded(shown(sr.plots.before_after(255 - photo, photo))["image/jpeg"])
    assert sr.metrics.psnr((255 - photo)[:, :290], static[:, :290]) > 33
    assert sr.metrics.psnr(photo[:, 310:], static[:, 310:]) > 33


def test_without_its_style_sheet_both_pictures_are_shown(photo):
    """JupyterLab drops it in a notebook that is not trusted. Rules in tags would stay, and lay one over the other."""
    page = shown(sr.plots.before_after(photo, photo))["text/html"]
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert body.count("<img") == 2
    assert re.findall(r'style="([^"]*)"', body) == ["max-width: 600px"]  # each slider its own, and it hides nothing


def test_what_you_write_is_text_and_no_html(photo):
    slider = sr.plots.before_after(photo, photo, title="<b>", names=('a "small" one', "x<y"))
    page = shown(slider)["text/html"]
    assert "<b>&lt;b&gt;</b>" in page
    assert 'alt="a &quot;small&quot; one"' in page and 'alt="x&lt;y"' in page


def test_large_pictures_do_not_fill_the_notebook():
    large = np.random.default_rng(0).integers(0, 256, (500, 3000, 3), "uint8")
    page = shown(sr.plots.before_after(large, large))["text/html"]
    assert [decoded(text).shape for text in re.findall(r"base64,([^\"]+)", page)] == [(167, 1000, 3)] * 2


def test_gray_beside_color_and_a_single_pixel(photo):
    assert shown(sr.plots.before_after(photo[..., 0], photo))["image/jpeg"]
    assert shown(sr.plots.before_after(photo[:1, :1], photo[:1, :1]))["image/jpeg"]


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), "uint8"), "photo.jpg", None])
def test_slider_wants_pictures(photo, wrong):
    with pytest.raises(ValueError, match="Expected before as a uint8 array"):
        sr.plots.before_after(wrong, photo)
    with pytest.raises(ValueError, match="Expected after as a uint8 array"):
        sr.plots.before_after(photo, wrong)


def test_without_a_choice_there_is_a_sample(photo):
    np.testing.assert_array_equal(sr.plots.choose_photo(), sr.datasets.sample("chelsea"))
    np.testing.assert_array_equal(sr.plots.choose_photo(sample=photo, largest=10), photo)
    np.testing.assert_array_equal(sr.plots.choose_photo(None, sr.plots.upload_button(), sample=photo), photo)


def test_path_is_read_upright_as_rgb(tmp_path):
    pixels = np.zeros((20, 30), "uint8")
    pixels[:, :10] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    Image.fromarray(pixels).save(tmp_path / "gray.jpg", exif=exif, quality=95)
    chosen = sr.plots.choose_photo(tmp_path / "gray.jpg")
    assert chosen.shape == (30, 20, 3)
    assert chosen[:9].min() > 240 and chosen[11:].max() < 15


def test_transparency_is_over_white_and_16_bits_become_8(tmp_path):
    clear = np.full((4, 6, 4), (10, 20, 30, 0), "uint8")
    Image.fromarray(clear).save(tmp_path / "logo.png")
    assert (sr.plots.choose_photo(tmp_path / "logo.png") == 255).all()
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 6), 257 * 77, "uint16"))
    np.testing.assert_array_equal(sr.plots.choose_photo(tmp_path / "deep.png"), np.full((4, 6, 3), 77))


def test_of_a_large_photo_the_middle_is_taken():
    file, photo = sr.datasets.photos("samples")[4], sr.datasets.sample("coffee")
    np.testing.assert_array_equal(sr.plots.choose_photo(file), photo)
    np.testing.assert_array_equal(sr.plots.choose_photo(file, largest=500), photo[:, 50:550])
    np.testing.assert_array_equal(sr.plots.choose_photo(file, largest=128), photo[136:264, 236:364])


def png(photo):
    Image.fromarray(photo).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


@pytest.mark.parametrize("version", [7, 8])
def test_upload_is_taken_and_a_path_goes_before_it(photo, version):
    content = {"name": "mine.png", "content": memoryview(png(photo))}
    button = types.SimpleNamespace(value={"mine.png": content} if version == 7 else (content,))
    np.testing.assert_array_equal(sr.plots.choose_photo(None, button), photo)
    path = sr.datasets.photos("samples")[0]
    np.testing.assert_array_equal(sr.plots.choose_photo(path, button), sr.datasets.sample("astronaut"))


def test_button_takes_one_picture_as_ipywidgets_keeps_it(photo):
    button = sr.plots.upload_button()
    assert button.accept == "image/*" and not button.multiple
    file = {"name": "a.png", "type": "image/png", "size": 1, "content": memoryview(png(photo)), "last_modified": 0}
    button.set_state({"value": [file]})  # as the browser sends it
    np.testing.assert_array_equal(sr.plots.choose_photo(None, button), photo)


def test_without_ipywidgets_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert "set `path =" in sr.plots.upload_button().data


@pytest.fixture
def colab(monkeypatch):
    """Colab's module, as far as it is used here."""
    google, inside, files = (types.ModuleType(name) for name in ("google", "google.colab", "google.colab.files"))
    google.colab, inside.files = inside, files
    for module in (google, inside, files):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return files


def test_colab_asks_for_a_file_only_where_you_want_it(photo, colab):
    assert '`path = "upload"`' in sr.plots.upload_button().data
    colab.upload = lambda: pytest.fail("it would wait for a click")
    np.testing.assert_array_equal(sr.plots.choose_photo(sample=photo), photo)
    colab.upload = lambda: {"mine.png": png(photo)}
    np.testing.assert_array_equal(sr.plots.choose_photo("upload"), photo)
    colab.upload = dict  # cancelled
    np.testing.assert_array_equal(sr.plots.choose_photo("upload", sample=photo[:4]), photo[:4])


def test_what_cannot_be_chosen(tmp_path):
    with pytest.raises(ValueError, match="for Colab; use the button"):
        sr.plots.choose_photo("upload")
    with pytest.raises(FileNotFoundError, match=r"missing\.jpg"):
        sr.plots.choose_photo(tmp_path / "missing.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(ValueError, match=r"text\.jpg"):
        sr.plots.choose_photo(tmp_path / "text.jpg")
