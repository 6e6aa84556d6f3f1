import cv2
import keras
import numpy as np
import pooch
import pytest
from PIL import Image

import srhelpers as sr
from srhelpers.degradations import DEGRADATIONS, INTERPOLATIONS


@pytest.mark.parametrize("name, scale", [("Set5", 2), ("Set5", 3), ("Set5", 4), ("Set14", 4)])
def test_bicubic_is_matlabs_to_the_last_bit(benchmarks, name, scale):
    photos = sr.datasets.photos(name, benchmarks / name)
    for file in photos:
        matlab = sr.datasets.read_image(sr.datasets.low_resolution(file, scale))
        reference = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), scale)
        np.testing.assert_array_equal(sr.degradations.bicubic(reference, matlab.shape[:2]), matlab, err_msg=file.stem)


def test_bicubic_golden_values():
    """A ramp with an edge, worked through by the formula: kernel stretched ×2, edges repeated, rounded."""
    line = np.array([0, 10, 20, 30, 200, 210, 220, 230], "uint8")
    weights = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256  # Keys a = −0.5 at ±1/4, ±3/4, …, halved
    padded = np.pad(line.astype(float), 3, "edge")
    expected = [int(np.floor(np.clip(padded[i : i + 8] @ weights, 0, 255) + 0.5)) for i in (0, 2, 4, 6)]
    assert sr.degradations.bicubic(line[None].repeat(2, 0), (2, 4)).tolist() == [expected] * 2
    assert sr.degradations.bicubic(line[:, None], (4, 1)).ravel().tolist() == expected


@pytest.mark.parametrize(
    "scale, sha256",
    [
        (2, "cb05065a3ca43c76d3f372bfe559708dd741efde7248a2fd015ce687ea544fb3"),
        (3, "1643298244ff58ee4f0a6a96be2299c2aae59e7cd554195e320cdf02c4dbfccd"),
        (4, "662956125f621d51c00a6200a7c95b9776a3a8a8429764cdcde0143e4b17e3f3"),
    ],
)
def test_bicubic_of_a_photograph_stays_what_it_was_when_it_equalled_matlab(photo, scale, sha256, tmp_path):
    small = sr.degradations.bicubic(photo, (400 // scale, 600 // scale))
    (tmp_path / "pixels").write_bytes(small.tobytes())
    assert pooch.file_hash(str(tmp_path / "pixels")) == sha256


def test_bicubic_is_close_to_keras(photo):
    keras_way = keras.ops.image.resize(photo.astype("float32"), (100, 150), "bicubic", antialias=True)
    keras_way = np.clip(keras.ops.convert_to_numpy(keras_way).round(), 0, 255)
    difference = np.abs(sr.degradations.bicubic(photo, (100, 150)) - keras_way)
    assert difference.mean() < 0.2
    assert difference.max() <= 4


@pytest.mark.parametrize("method", INTERPOLATIONS)
def test_a_flat_picture_stays_flat_and_types_stay(method):
    for kind in ("uint8", "uint16", "float32"):
        for shape, size in (((7, 9), (3, 14)), ((7, 9, 3), (21, 2)), ((1, 1, 3), (4, 4)), ((5, 5, 1), (5, 5))):
            result = sr.degradations.resize(np.full(shape, 200, kind), size, method)
            assert result.dtype == kind
            assert result.shape == (*size, *shape[2:])
            np.testing.assert_allclose(result, 200, rtol=1e-6)


@pytest.mark.parametrize("method", INTERPOLATIONS)
def test_growing_a_ramp_keeps_its_middle_in_place(method):
    """No half-pixel shift: a symmetric picture stays symmetric."""
    bump = np.array([[0, 50, 200, 50, 0]], "float64").T @ np.ones((1, 5))
    grown = sr.degradations.resize(bump, (20, 20), method)
    tolerance = {"nearest": 0, "area": 0}.get(method, 1e-9)
    np.testing.assert_allclose(grown, grown[::-1], atol=tolerance)


def test_one_channel_and_three_give_the_same(photo):
    for method in INTERPOLATIONS:
        whole = sr.degradations.resize(photo, (90, 217), method)
        np.testing.assert_array_equal(whole[..., 1], sr.degradations.resize(photo[..., 1], (90, 217), method))


def test_area_is_the_mean_of_the_pixels_covered(photo):
    blocks = photo.reshape(100, 4, 150, 4, 3).mean((1, 3))
    assert np.abs(sr.degradations.area(photo, (100, 150)) - blocks).max() <= 0.5
    grown = sr.degradations.resize(photo, (800, 1200), "area")
    np.testing.assert_array_equal(grown, photo.repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(grown, sr.degradations.resize(photo, (800, 1200), "nearest"))


def test_antialiasing_removes_what_the_small_picture_cannot_hold():
    stripes = np.tile(np.array([[0, 255]], "uint8"), (64, 32))
    smooth = sr.degradations.bicubic(stripes, (16, 16))[2:-2, 2:-2]
    assert np.ptp(smooth) <= 2
    assert abs(smooth.mean() - 127.5) < 2
    assert np.ptp(sr.degradations.resize(stripes, (16, 22), antialias=False)) > 200


def test_opencv_is_what_the_article_calls(photo):
    np.testing.assert_array_equal(sr.degradations.opencv(photo, (72, 80)), cv2.resize(photo, (80, 72)))
    assert sr.degradations.opencv(photo[..., :1], (72, 80)).shape == (72, 80, 1)


def test_blur_comes_before_the_reduction(photo):
    for options, sigma in (({}, 1.6), ({"sigma": 3}, 3)):
        blurred = cv2.GaussianBlur(photo, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        expected = sr.degradations.bicubic(blurred, (100, 150))
        np.testing.assert_array_equal(sr.degradations.blurred_bicubic(photo, (100, 150), **options), expected)
    assert sr.degradations.blurred_bicubic(photo[..., :1], (100, 150)).shape == (100, 150, 1)
    with pytest.raises(ValueError, match="sigma above 0, got 0"):
        sr.degradations.blurred_bicubic(photo, (100, 150), sigma=0)


@pytest.mark.parametrize("size", [(100, 150), (90, 217), (800, 1200), (401, 601)])
@pytest.mark.parametrize("method, pillows", [("bilinear", "BILINEAR"), ("bicubic", "BICUBIC"), ("lanczos", "LANCZOS")])
def test_every_kernel_is_close_to_pillows(photo, method, pillows, size):
    """Pillow rounds otherwise and leaves out what lies beyond the edge, but has the same kernels."""
    soft = photo // 2 + 64  # nothing to clip between the passes
    pillow = Image.fromarray(soft).resize(size[::-1], Image.Resampling[pillows])
    difference = np.abs(sr.degradations.resize(soft, size, method).astype(int) - np.asarray(pillow))[8:-8, 8:-8]
    assert difference.max() <= 2
    assert difference.mean() < 0.3


def test_sixteen_bits_keep_their_range(photo):
    deep = photo.astype("uint16") * 257
    small = sr.degradations.resize(deep, (100, 150))
    assert small.max() > 60000
    assert np.abs(small / 257 - sr.degradations.bicubic(photo, (100, 150))).max() < 4


def test_a_changed_kernel_is_not_served_from_memory(monkeypatch, photo):
    before = sr.degradations.resize(photo, (100, 150), "bilinear")
    monkeypatch.setitem(sr.degradations.KERNELS, "bilinear", sr.degradations.KERNELS["lanczos"])
    changed = sr.degradations.resize(photo, (100, 150), "bilinear")
    np.testing.assert_array_equal(changed, sr.degradations.resize(photo, (100, 150), "lanczos"))
    assert (changed != before).any()


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation_gives_the_size_asked_for(photo, name):
    small = DEGRADATIONS[name](photo, (72, 72))
    assert small.shape == (72, 72, 3)
    assert small.dtype == np.uint8


def test_wrong_input_is_named(photo):
    with pytest.raises(ValueError, match="method of nearest, bilinear, bicubic, lanczos, area, got 'cubic'"):
        sr.degradations.resize(photo, (10, 10), "cubic")
    with pytest.raises(ValueError, match=r"size \(height, width\) in whole pixels of at least 1, got \(0, 10\)"):
        sr.degradations.resize(photo, (0, 10))
    with pytest.raises(ValueError, match=r"size \(height, width\) in whole pixels of at least 1, got 75"):
        sr.degradations.resize(photo, 75)
    for wrong in (float("inf"), float("nan"), -float("inf")):
        with pytest.raises(sr.runtime.UserError, match=r"Expected a size \(height, width\) in whole pixels of"):
            sr.degradations.resize(photo, (wrong, 3))
        with pytest.raises(sr.runtime.UserError, match="whole scale of at least 1"):
            sr.degradations.crop_to_multiple(photo, wrong)
    for function in (sr.degradations.opencv, sr.degradations.blurred_bicubic):
        for wrong in ("72", (72.5, 72), 72):
            with pytest.raises(ValueError, match=r"size \(height, width\) in whole pixels"):
                function(photo, wrong)
    with pytest.raises(ValueError, match=r"an image array, got str; read files with datasets.read_image"):
        sr.degradations.crop_to_multiple("photo.jpg", 4)
    with pytest.raises(ValueError, match="got int64"):
        sr.degradations.resize(photo.astype("int64"), (10, 10))
    with pytest.raises(ValueError, match=r"got shape \(1, 400, 600, 3\)"):
        sr.degradations.resize(photo[None], (10, 10))
    with pytest.raises(ValueError, match="at least 4×4 pixels for scale 4"):
        sr.degradations.crop_to_multiple(photo[:3], 4)
    with pytest.raises(ValueError, match="whole scale of at least 1, got 0"):
        sr.degradations.crop_to_multiple(photo, 0)
