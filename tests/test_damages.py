"""Damage to pictures: the operators, damage by name, and Real-ESRGAN's two rounds."""

import dataclasses
import io

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import srhelpers as sr
from srhelpers.degradations import DAMAGES, Damage, SecondOrder, second_order


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def flat(level, side=64):
    return np.full((side, side, 3), level, "uint8")


def test_gaussian_kernels_have_the_widths_and_the_direction_asked_for():
    along, across, angle = 3.0, 1.0, 0.4
    kernel = sr.degradations.gaussian_kernel(31, (along, across), angle)
    row, column = np.mgrid[-15:16, -15:16]
    assert kernel.sum() == pytest.approx(1)
    direction = column * np.cos(angle) + row * np.sin(angle)
    assert np.sqrt((kernel * direction**2).sum()) == pytest.approx(along, rel=0.01)
    turned = row * np.cos(angle) - column * np.sin(angle)
    assert np.sqrt((kernel * turned**2).sum()) == pytest.approx(across, rel=0.01)
    same = sr.degradations.gaussian_kernel(21, 2.0)
    np.testing.assert_allclose(same, cv2.getGaussianKernel(21, 2) @ cv2.getGaussianKernel(21, 2).T)


def test_generalized_and_plateau_kernels_have_their_shapes():
    gaussian = sr.degradations.gaussian_kernel(21, 2.0)
    sharp, round_ = (sr.degradations.generalized_kernel(21, 2.0, beta=beta) for beta in (0.5, 4))
    plateau = sr.degradations.plateau_kernel(21, 2.0, beta=2)
    assert sharp[10, 11] / sharp[10, 10] < gaussian[10, 11] / gaussian[10, 10] < round_[10, 11] / round_[10, 10]
    assert round_[10, 13] / round_[10, 10] < 0.01  # beyond its sigma it falls quickly
    assert plateau[10, 12] / plateau[10, 10] == pytest.approx(0.5)  # at a distance of one sigma
    assert plateau[10, 20] / plateau[10, 10] > gaussian[10, 20] / gaussian[10, 10]
    for kernel in (sharp, round_, plateau):
        assert kernel.sum() == pytest.approx(1)


def test_a_sinc_filter_lets_low_frequencies_pass_and_stops_high_ones():
    kernel = sr.degradations.sinc_kernel(21, np.pi / 2)
    response = np.abs(np.fft.fft2(kernel, (64, 64)))[0]
    assert response[:10] == pytest.approx(1, abs=0.15)  # up to 10/32 of the highest frequency
    assert response[22:33] == pytest.approx(0, abs=0.15)
    edge = np.zeros((32, 32), "uint8")
    edge[:, 16:] = 200
    assert sr.degradations.blur(edge, kernel).max() > 205, "it rings"


@pytest.mark.parametrize("kernel", [sr.degradations.gaussian_kernel(7, 1.5), np.arange(25.0).reshape(5, 5) / 300])
def test_blur_is_the_weighted_mean_of_the_surroundings(photo, kernel):
    side = len(kernel) // 2
    for image in (photo[:40, :50], photo[:40, :50, 0], photo[:40, :50, :1]):
        padded = np.pad(image.astype(float), [(side, side)] * 2 + [(0, 0)] * (image.ndim - 2), "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape, (0, 1))
        expected = np.einsum("...ij,ij->...", windows, kernel)
        blurred = sr.degradations.blur(image, kernel)
        assert blurred.dtype == np.uint8
        assert np.abs(blurred - expected).max() <= 0.51


@pytest.mark.parametrize("gray", [False, True])
def test_gaussian_noise_has_its_sigma(gray, rng):
    noise = sr.degradations.gaussian_noise(flat(128, 200), 10, rng, gray=gray).astype(int) - 128
    assert noise.std() == pytest.approx(10, rel=0.03)
    assert abs(noise.mean()) < 0.3
    assert np.corrcoef(noise[..., 0].ravel(), noise[..., 2].ravel())[0, 1] == pytest.approx(float(gray), abs=0.03)


@pytest.mark.parametrize("gray", [False, True])
def test_poisson_noise_grows_with_the_root_of_the_brightness(gray, rng):
    image = np.zeros((256, 256, 3), "uint8")
    image[:128] += np.arange(256, dtype="uint8")[:, None]  # so that white stands for 256 photons
    image[128:192], image[192:] = 40, 160
    noise = sr.degradations.poisson_noise(image, 2, rng, gray=gray).astype(float) - image
    for rows, level in ((slice(128, 192), 40), (slice(192, 256), 160)):
        assert noise[rows].std() == pytest.approx(2 * np.sqrt(level * 255 / 256), rel=0.05)
        assert abs(noise[rows].mean()) < 0.5
    assert np.corrcoef(noise[..., 0].ravel(), noise[..., 2].ravel())[0, 1] == pytest.approx(float(gray), abs=0.05)


def test_jpeg_is_what_a_file_holds(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=40)
    ours = sr.degradations.jpeg(photo, 40)
    assert np.abs(ours.astype(int) - np.asarray(Image.open(file))).mean() < 0.5
    errors = [np.abs(sr.degradations.jpeg(photo, quality) - photo.astype(int)).mean() for quality in (95, 60, 20)]
    assert errors == sorted(errors)
    red = np.full((16, 16, 3), (200, 30, 30), "uint8")
    assert np.abs(sr.degradations.jpeg(red, 95).astype(int) - red).max() < 8, "channels keep their order"
    for gray in (photo[..., 0], photo[..., :1]):
        assert sr.degradations.jpeg(gray, 50).shape == gray.shape


@pytest.mark.parametrize("name", DAMAGES)
def test_a_photo_always_gets_the_same_damage(photo, name):
    damage = sr.degradations.named(name)
    first, again = (damage(photo, (100, 150)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != sr.degradations.bicubic(photo, (100, 150))).any()


def test_damage_is_named_after_what_it_does(photo):
    small = sr.degradations.bicubic(photo, (100, 150))
    named = {name: sr.degradations.named(name)(photo, (100, 150)) for name in DAMAGES}
    for quality in (90, 75, 50, 20):
        np.testing.assert_array_equal(named[f"jpeg{quality}"], sr.degradations.jpeg(small, quality))
    middle = (small > 60) & (small < 195)
    for sigma in (5, 15):
        noise = named[f"noise{sigma}"].astype(int) - small
        assert noise[middle].std() == pytest.approx(sigma, rel=0.03)
    other = sr.degradations.named("noise15")(photo[::-1].copy(), (100, 150))
    turned = named["noise15"].astype(int) - small - (other.astype(int) - small[::-1])
    assert np.abs(turned).mean() > 5, "another photo gets other noise"
    np.testing.assert_allclose(named["blur"], cv2.GaussianBlur(small, (7, 7), 1), atol=1)


def test_titles_tell_damages_apart():
    assert sr.degradations.title("jpeg50") == "jpeg50"
    assert sr.degradations.title(Damage(noise=(0, 20), jpeg=50, share=0.5)) == "noise 0–20, jpeg 50"
    assert sr.degradations.title(SecondOrder()) == "SecondOrder"
    assert sr.degradations.title(sr.degradations.area) == "area"


def test_ranges_are_drawn_from_and_shares_are_kept(photo, rng):
    damage = Damage(jpeg=(20, 95), share=0.5)
    small = sr.degradations.bicubic(photo, (24, 36))
    drawn = [damage(photo, (24, 36), rng) for _ in range(60)]
    untouched = sum((image == small).all() for image in drawn)
    assert 15 <= untouched <= 45
    assert len({image.tobytes() for image in drawn}) > 15
    np.testing.assert_array_equal(Damage(noise=(0, 9), share=0.0)(photo, (24, 36), rng), small)


@pytest.mark.parametrize("size", [(24, 24), (25, 37), (7, 9)])
def test_two_rounds_give_the_size_asked_for(photo, size, rng):
    degradation = SecondOrder()
    piece = photo[: 4 * size[0], : 4 * size[1]]
    results = [degradation(piece, size, rng) for _ in range(30)]
    for image in results:
        assert image.shape == (*size, 3)
        assert image.dtype == np.uint8
        assert np.abs(image.mean() - piece.mean()) < 30
    assert len({image.tobytes() for image in results}) == 30
    np.testing.assert_array_equal(degradation(piece, size), degradation(piece, size))
    seeded = [degradation(piece, size, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(*seeded)


def test_two_rounds_that_do_little_do_little(photo, rng):
    gentle = second_order.Round(0.0, resize=(1, 1), directions=(0, 0, 1), noise=(0, 0), poisson=(0, 0), jpeg=(95, 95))
    image = SecondOrder(gentle, gentle, final_sinc=0.0)(photo, photo.shape[:2], rng)
    assert sr.metrics.psnr(photo, image) > 35
    noisy = dataclasses.replace(gentle, noise=(30, 30), poisson=(3, 3))
    assert sr.metrics.psnr(photo, SecondOrder(gentle, noisy, 0.0)(photo, photo.shape[:2], rng)) < 25


def test_blur_kernels_are_drawn_in_all_shapes(rng):
    kernels = [second_order.random_kernel((0.5, 3.0), rng) for _ in range(200)]
    assert {len(kernel) for kernel in kernels} == set(second_order.SIZES)
    for kernel in kernels:
        assert kernel.sum() == pytest.approx(1)
    rings = [kernel for kernel in kernels if kernel.min() < 0]
    assert 5 < len(rings) < 40
    lopsided = [kernel for kernel in kernels if not np.allclose(kernel, kernel.T)]
    assert 20 < len(lopsided) < 100


def test_wrong_input_is_named(photo, rng):
    with pytest.raises(ValueError, match="odd whole size of the kernel, such as 21, got 20"):
        sr.degradations.gaussian_kernel(20, 2.0)
    with pytest.raises(ValueError, match="sigma above 0, one number or two, got 0"):
        sr.degradations.plateau_kernel(21, 0)
    with pytest.raises(ValueError, match="cutoff above 0 and up to π, got 4"):
        sr.degradations.sinc_kernel(21, 4)
    with pytest.raises(ValueError, match="JPEG quality of 1 to 100, got 0"):
        sr.degradations.jpeg(photo, 0)
    with pytest.raises(ValueError, match=r"a degradation of bicubic, .*, blur, got 'jpeg60'"):
        sr.degradations.named("jpeg60")


@pytest.mark.parametrize("scale", [2, 4])
def test_the_choice_for_photos_is_ahead_on_damaged_ones(scale):
    rows = pd.read_csv(sr.runtime.shipped("results") / "damages.csv").query("scale == @scale")
    psnr, lpips = (rows.pivot(index="degradation", columns="method", values=name) for name in ("psnr_y", "lpips"))
    chosen = sr.models.choice("photo", scale)
    assert set(psnr.index) == {"bicubic", *sr.degradations.DAMAGES}
    assert (psnr[chosen] > psnr["bicubic"] + 0.1).all()
    assert (lpips[chosen] < lpips["bicubic"]).all()
    rivals = [f"edsr_baseline_x{scale}", f"compact_x{scale}"] + ["realesr_animevideov3_x4"] * (scale == 4)
    damaged = psnr.drop(index="bicubic")
    assert (damaged[chosen] > damaged[rivals].max(axis=1)).all()
