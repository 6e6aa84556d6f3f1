import keras
import numpy as np
import pytest

import srhelpers as sr


def test_it_is_minus_the_psnr_of_each_image(random):
    target = random.integers(0, 256, (3, 16, 16, 3), "uint8")
    estimate = np.clip(target + random.normal(0, [[[[30]]], [[[10]]], [[[20]]]], target.shape), 0, 255).round()
    by_hand = np.mean(
        [sr.metrics.psnr(one, other.astype("uint8")) for one, other in zip(target, estimate, strict=True)]
    )
    loss = sr.losses.NegativePSNR()(target, estimate.astype("float32"))
    assert float(loss) == pytest.approx(-by_hand, abs=0.03)  # the floor of one grey level


def test_the_range_does_not_matter(random):
    target, estimate = random.random((2, 2, 8, 8, 3), "float32")
    small = sr.losses.NegativePSNR(max_value=1.0)(target, estimate)
    large = sr.losses.NegativePSNR()(255 * target, 255 * estimate)
    assert float(small) == pytest.approx(float(large), abs=1e-4)


def test_a_perfect_image_has_a_finite_loss():
    photos = np.zeros((1, 8, 8, 3), "float32")
    assert float(sr.losses.NegativePSNR()(photos, photos)) == pytest.approx(-20 * np.log10(255), abs=1e-3)


def test_it_is_saved_and_loaded():
    loss = sr.losses.NegativePSNR(max_value=1.0)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
