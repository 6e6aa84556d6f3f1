import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import any_bytes, link
from PIL import Image

import srhelpers as sr
from srhelpers.datasets.catalog import DATASETS


def put(folder, count, suffix=".png", start=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        cv2.imwrite(str(folder / f"{number:04d}{suffix}"), np.full((4, 4, 3), number % 256, "uint8"))
    return folder


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("SR_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def kaggle(tmp_path):
    return tmp_path / "kaggle" / "input"


def test_samples_are_always_there():
    photos = sr.datasets.photos("samples")
    assert len(photos) == DATASETS["samples"].photos >= 8
    assert all(file.exists() for file in photos)
    assert sr.datasets.sample("motorcycle_right").shape == (500, 741, 3)
    assert sr.datasets.sample("brick").ndim == 2
    assert set(sr.datasets.catalog.SAMPLES) == {file.name for file in photos}
    assert all(credit.endswith(".") for credit in sr.datasets.catalog.SAMPLES.values())
    with pytest.raises(ValueError, match=r"sample of astronaut, .*, got 'lenna'"):
        sr.datasets.sample("lenna")


@pytest.mark.parametrize(
    "name, layout",
    [
        ("voc2007", "pascal-voc-2007/VOCtrainval_06-Nov-2007/VOCdevkit/VOC2007/JPEGImages"),
        ("voc2007", "datasets/zaraks/pascal-voc-2007/VOCtrainval_06-Nov-2007/VOCdevkit/VOC2007/JPEGImages"),
        ("voc2007", "pascal-voc-2007/voctrainval_06-nov-2007/VOCdevkit/VOC2007/JPEGImages"),
        ("div2k_train", "div2k-dataset/DIV2K_train_HR/DIV2K_train_HR"),
        ("div2k_train", "datasets/joe1995/div2k-dataset/DIV2K_train_HR"),
        ("div2k_valid", "datasets/soumikrakshit/div2k-high-resolution-images/DIV2K_valid_HR/DIV2K_valid_HR"),
        ("Set5", "set-5-14-super-resolution-dataset/Set5/Set5/original"),
        ("Set14", "datasets/ll01dm/set-5-14-super-resolution-dataset/Set14/HR"),
    ],
)
def test_kaggles_mounts_and_their_nesting(kaggle, name, layout):
    folder = put(kaggle / layout, 3)
    # What lies beside it on Kaggle must not be taken for it.
    put(kaggle / "pascal-voc-2007/VOCtest_06-Nov-2007/VOCdevkit/VOC2007/JPEGImages", 2)
    put(kaggle / "div2k-dataset/DIV2K_test", 2)
    put(kaggle / "set-5-14-super-resolution-dataset/Set5/Set5/LRbicx4", 2)
    put(kaggle / "set-5-14-super-resolution-dataset/Set14/Set14/LRbicx4", 2)
    assert sr.datasets.find(name) == folder


def test_the_test_half_of_voc_is_not_taken_for_the_training_half(kaggle):
    put(kaggle / "pascal-voc-2007/VOCtest_06-Nov-2007/VOCdevkit/VOC2007/JPEGImages", 2)
    assert not sr.datasets.is_here("voc2007")


def test_hr_is_preferred_to_cut_copies(kaggle):
    below = kaggle / "set-5-14-super-resolution-dataset" / "Set5" / "Set5"
    put(below / "GTmod12", 5)
    assert sr.datasets.find("Set5").name == "GTmod12"
    put(below / "original", 5)
    assert sr.datasets.find("Set5").name == "original"


def test_order_path_then_data_folder_then_kaggle_then_cache(data, kaggle, tmp_path):
    cached = put(tmp_path / "cache/datasets/voc2007/VOCdevkit/VOC2007/JPEGImages", 1)
    assert sr.datasets.find("voc2007") == cached
    mounted = put(kaggle / "pascal-voc-2007/VOCtrainval_06-Nov-2007/VOCdevkit/VOC2007/JPEGImages", 1)
    assert sr.datasets.find("voc2007") == mounted
    own = put(data / "voc2007", 1)
    assert sr.datasets.find("voc2007") == own
    assert sr.datasets.find("VOC2007", mounted) == mounted
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "nothing"))):
        sr.datasets.find("voc2007", tmp_path / "nothing")


@pytest.mark.parametrize("layout", ["Set5/HR", "set5/HR", "benchmark/Set5/HR", "benchmark/benchmark/Set5/HR"])
def test_benchmark_layouts_in_the_data_folder(data, layout):
    folder = put(data / layout, 5)
    assert sr.datasets.find("Set5") == folder
    small = put(folder.parent / "LR_bicubic" / "X4", 0)
    cv2.imwrite(str(small / "0003x4.png"), np.zeros((1, 1, 3), "uint8"))
    photos = sr.datasets.photos("Set5")
    assert [sr.datasets.low_resolution(photo, 4) for photo in photos] == [None] * 3 + [small / "0003x4.png", None]
    assert sr.datasets.low_resolution(photos[3], 2) is None


def test_links_are_followed(data, tmp_path):
    put(tmp_path / "elsewhere" / "VOC2007" / "JPEGImages", 2)
    (data / "voc2007").mkdir(parents=True)
    link(data / "voc2007" / "VOCdevkit", tmp_path / "elsewhere")
    assert sr.datasets.find("voc2007").name == "JPEGImages"
    put(data / "holidays", 1)
    put(tmp_path / "album", 2, start=5)
    link(data / "holidays" / "2024", tmp_path / "album")
    link(data / "holidays" / "round", data / "holidays")  # a circle
    link(data / "holidays" / "gone.jpg", tmp_path / "nothing.jpg")
    (data / "holidays" / "album.jpg").mkdir()
    link(data / "holidays" / "itself.png", data / "holidays" / "itself.png")
    link(data / "holidays" / "loop", data / "holidays" / "loop")
    with pytest.warns(UserWarning, match=r"Left out 3 that cannot be read: .*gone.jpg, .*itself.png, .*loop\.") as told:
        photos = sr.datasets.photos("holidays")
    assert [file.name for file in photos] == ["0000.png", "0005.png", "0006.png"]
    assert told[0].filename == __file__


def test_relative_paths(tmp_path, monkeypatch):
    put(tmp_path / "benchmark" / "Set14" / "HR", 14)
    monkeypatch.chdir(tmp_path / "benchmark")
    assert sr.datasets.find("Set14", ".") == sr.datasets.find("Set14", "Set14") == tmp_path / "benchmark/Set14/HR"


def test_a_folder_that_cannot_be_read_does_not_stop_the_others(data, monkeypatch):
    put(data / "holidays" / "2025", 2)
    put(data / "holidays" / "secret", 2)
    scandir = os.scandir

    def refuse(folder):  # as root, tests may read everything
        if os.fspath(folder).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.warns(UserWarning, match=r"Left out 1 that cannot be read: .*secret\."):
        assert len(sr.datasets.photos("holidays")) == 2
    put(data / "Set5" / "secret", 5)
    assert not sr.datasets.is_here("Set5")


def test_what_systems_leave_beside_photos_is_no_photo(data):
    folder = put(data / "holidays", 2)
    for name in ("._0000.png", ".DS_Store", "0000.png.part", ".3f2a.part.png", "Thumbs.db"):
        (folder / name).write_bytes(b"junk")
    assert [file.name for file in sr.datasets.photos("holidays")] == ["0000.png", "0001.png"]


@any_bytes
def test_a_name_that_is_not_utf_8_is_a_name(data):
    folder = put(data / "holidays", 1)
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes((folder / "0000.png").read_bytes())
    photos = sr.datasets.photos("holidays")
    assert [os.fsencode(file.name) for file in photos] == [b"0000.png", b"caf\xe9.png"]
    assert sr.datasets.read_image(photos[1]).shape == (4, 4, 3)


def test_two_folders_of_one_name_are_told_apart(tmp_path):
    first, second = (put(tmp_path / name / "HR", count) for name, count in (("a", 2), ("b", 3)))
    link(tmp_path / "link", tmp_path / "a")
    one, other, linked = (sr.datasets.open(folder) for folder in (first, second, tmp_path / "link" / "HR"))
    assert one.title == other.title == "HR"
    assert one.folder != other.folder
    assert linked == one
    assert one.files == (first / "0000.png", first / "0001.png")
    assert sr.datasets.photos(one) == sr.datasets.photos(str(first)) == sr.datasets.photos(list(map(str, one.files)))
    with pytest.raises(AttributeError):
        one.title = "other"


def test_a_path_is_a_folder_and_no_name_of_the_table(tmp_path, monkeypatch):
    put(tmp_path / "photos", 2)
    monkeypatch.chdir(tmp_path)
    assert len(sr.datasets.photos(Path("photos"))) == len(sr.datasets.photos("./photos")) == 2


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A stand-in for the photos that come with the course."""
    folder = put(tmp_path / "shipped" / "photos", 1, ".jpg")
    content = (folder / "0000.jpg").read_bytes()
    (folder / "0000.jpg").unlink()
    for number in range(216):
        (folder / f"{number:03d}.jpg").write_bytes(content)
    (folder / "credits.csv").write_text("file,licence,author,source")
    monkeypatch.setattr(sr.runtime, "shipped", lambda name: tmp_path / "shipped" / name)
    return folder


def test_the_photos_of_the_course_have_a_split_of_their_own(course):
    training, validation = sr.datasets.split("photos")
    assert (len(training), len(validation)) == (200, 16)
    assert [file.name for file in validation][:3] == ["000.jpg", "014.jpg", "029.jpg"]
    assert sorted(training + validation) == sr.datasets.photos("photos") == sorted(course.glob("*.jpg"))
    assert sr.datasets.split(course) == (training, validation), "the same rule as for any folder"
    (course / "001.jpg").unlink()
    with pytest.warns(UserWarning, match="Expected 216 photos of photos, found 215"):
        _, fewer = sr.datasets.split("photos")
    assert fewer == validation, "a missing photo moves no other"
    assert len(sr.datasets.split(course, 8)[1]) == 8


def test_the_photos_that_ship_are_whole():
    if not sr.datasets.is_here("photos"):
        pytest.skip("the photos are not here")
    opened = sr.datasets.open("photos")
    assert len(opened.files) == 216
    assert {sr.datasets.read_image(file).shape for file in opened.files[::40]} == {(288, 288, 3)}
    assert len((opened.folder / "credits.csv").read_text(encoding="utf-8").splitlines()) == 217


@pytest.mark.parametrize("count, validate, expected", [(40, 4, [0, 13, 26, 39]), (10, 16, [0, 9]), (5, 16, [0])])
def test_a_split_is_evenly_spaced_and_at_most_a_fifth(tmp_path, count, validate, expected):
    files = sr.datasets.photos(put(tmp_path / "mine", count))
    training, validation = sr.datasets.split(tmp_path / "mine", validate)
    assert validation == [files[place] for place in expected]
    assert training == [file for file in files if file not in validation]
    assert sr.datasets.split(files, validate) == (training, validation)


def test_too_few_photos_to_split(tmp_path):
    with pytest.raises(ValueError, match=r"at least 5 photos, .* got 4 photos and validate=16"):
        sr.datasets.split(put(tmp_path / "mine", 4))
    with pytest.raises(ValueError, match="validate=0"):
        sr.datasets.split(put(tmp_path / "many", 10), validate=0)


def test_voctest_further_up_hides_nothing(tmp_path, monkeypatch):
    data = tmp_path / "VOCtest_experiments"
    put(data / "Set5" / "HR", 5)
    put(data / "voc2007" / "VOCdevkit" / "VOC2007" / "JPEGImages", 2)
    monkeypatch.setenv("SR_DATA_DIR", str(data))
    assert sr.datasets.is_here("Set5") and sr.datasets.is_here("voc2007")


def test_a_set_of_another_length_is_used_with_a_warning(data):
    put(data / "Set5" / "HR", 4)
    with pytest.warns(UserWarning, match="Expected 5 photos of Set5, found 4 in"):
        assert len(sr.datasets.photos("Set5")) == 4


def test_a_folder_of_your_own(data, tmp_path):
    put(data / "holidays" / "2026", 2, ".jpg")
    put(data / "holidays", 1, ".webp", start=5)
    (data / "holidays" / "notes.txt").write_text("no picture")
    assert [file.name for file in sr.datasets.photos("holidays")] == ["0005.webp", "0000.jpg", "0001.jpg"]
    assert sr.datasets.photos(data / "holidays") == sr.datasets.photos("holidays")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"or a folder with images, got .*empty.* Looked in .*empty \(no images in it\)"
    ):
        sr.datasets.photos(tmp_path / "empty")


def test_what_to_do_when_a_set_is_missing(data, kaggle, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        sr.datasets.photos("voc2007")
    text = str(caught.value)
    for place in (data / "voc2007", kaggle / "pascal-voc-2007", kaggle / "datasets/zaraks/pascal-voc-2007"):
        assert str(place) in text
    assert str(tmp_path / "cache" / "datasets" / "voc2007") in text
    assert "srhelpers download voc2007" in text
    assert "Add input" in text
    with pytest.raises(FileNotFoundError, match=r"got 'Sett5'. Did you mean Set5\?"):
        sr.datasets.photos("Sett5")
    with pytest.raises(ValueError, match=r"Expected a dataset of samples, photos, voc2007, .*, got 'voc2008'"):
        sr.datasets.download("voc2008")


def test_the_table_says_what_the_official_pages_say():
    """Sizes and checksums as published; a slip here would refuse every good download."""
    published = {
        "voc2007": (460032000, "sha256:7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508"),
        "voc2012": (1999639040, "md5:6cd6e144f989b92b3379bac3b3de84fd"),
        "div2k_train": (3530603713, "sha256:9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335"),
        "div2k_valid": (448993893, "sha256:20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc"),
        "div2k_train_lr_x4": (246914039, "sha256:f006b837f4eb52b82909aa01478e6d6d199eefce932179491d0c9dbb706dde3a"),
        "div2k_valid_lr_x4": (31505881, "sha256:a50a5d1c4b88de4e8d300d8fb2b904c52fe93b2b298a4899697760d7cbb6d553"),
    } | dict.fromkeys(("set5", "set14", "b100", "urban100"), (None, "md5:4ace41d33c2384b97e6b320cd0afd6ba"))
    assert DATASETS["div2k_valid_lr_x4"].folders == ("div2k_valid_lr_bicubic/x4",)
    assert DATASETS["div2k_train_lr_x4"].archive.urls[0].endswith("/DIV2K_train_LR_bicubic_X4.zip")
    assert DATASETS["div2k_train"].archive.urls[0].endswith("/DIV2K/DIV2K_train_HR.zip")
    archives = {name: row.archive for name, row in DATASETS.items() if row.archive}
    assert {name: (archive.size, archive.checksum) for name, archive in archives.items()} == published
    assert "http://pjreddie.com/media/files/VOCtrainval_06-Nov-2007.tar" in archives["voc2007"].urls
    assert {name: row.photos for name, row in DATASETS.items() if "voc" in name} == {"voc2007": 5011, "voc2012": 17125}


def test_read_image_kinds(tmp_path, random):
    rgb = random.integers(0, 256, (5, 7, 3), dtype="uint8")
    for suffix in (".png", ".bmp", ".tiff"):
        encoded = cv2.imencode(suffix, rgb[..., ::-1])[1]  # OpenCV itself writes no such names on Windows
        (tmp_path / f"Grüße an alle{suffix}").write_bytes(encoded.tobytes())
        np.testing.assert_array_equal(sr.datasets.read_image(tmp_path / f"Grüße an alle{suffix}"), rgb)
    cv2.imwrite(str(tmp_path / "gray.png"), rgb[..., 0])
    np.testing.assert_array_equal(sr.datasets.read_image(tmp_path / "gray.png"), rgb[..., 0])
    cv2.imwrite(str(tmp_path / "alpha.png"), np.dstack([rgb[..., ::-1], rgb[..., 0]]))
    np.testing.assert_array_equal(sr.datasets.read_image(tmp_path / "alpha.png"), rgb)


def test_read_image_gives_eight_bits_of_gray_or_rgb_for_all_kinds(tmp_path, random):
    rgb = cv2.resize(random.integers(0, 256, (5, 6, 3), dtype="uint8"), (48, 40), interpolation=cv2.INTER_CUBIC)
    image = Image.fromarray(rgb)
    cv2.imwrite(str(tmp_path / "16.png"), rgb[..., ::-1].astype("uint16") * 257)
    cv2.imwrite(str(tmp_path / "16.tif"), rgb[..., ::-1].astype("uint16") * 257)
    cv2.imwrite(str(tmp_path / "gray16.png"), rgb[..., 0].astype("uint16") * 257)
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=100, subsampling=0)
    palette = image.quantize(32)
    palette.save(tmp_path / "palette.png", transparency=0)
    alike = {"16.png": rgb, "16.tif": rgb, "cmyk.jpg": rgb, "palette.png": np.asarray(palette.convert("RGB"))}
    for name, expected in (alike | {"gray16.png": rgb[..., 0]}).items():
        found = sr.datasets.read_image(tmp_path / name)
        assert found.dtype == "uint8" and found.shape == expected.shape, name
        assert np.abs(found.astype(int) - expected).mean() < (2 if name == "cmyk.jpg" else 0.01), name


def test_read_image_turns_as_exif_says(tmp_path):
    image = Image.fromarray(np.repeat(np.arange(0, 250, 50, "uint8"), 16).reshape(5, 16).repeat(8, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    image.save(tmp_path / "turned.jpg", exif=exif)
    turned = sr.datasets.read_image(tmp_path / "turned.jpg")
    assert turned.shape[:2] == (16, 40)
    assert turned[8, 36].max() < 20 < turned[8, 4].min()


def test_read_image_names_what_it_cannot_read(tmp_path):
    with pytest.raises(ValueError, match="the path of a picture, got ndarray"):
        sr.datasets.read_image(np.zeros((4, 4, 3), "uint8"))
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(ValueError, match=r"Expected a picture in .*text.jpg, got 10 bytes that OpenCV cannot read"):
        sr.datasets.read_image(tmp_path / "text.jpg")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match="got 0 bytes"):
        sr.datasets.read_image(tmp_path / "empty.jpg")
    with pytest.raises(FileNotFoundError):
        sr.datasets.read_image(tmp_path / "missing.jpg")
