import gc
import warnings
import weakref

import keras
import numpy as np
import pytest
from keras import layers

import srhelpers as sr
from srhelpers.upscaling import engine, receptive_field, scales, upscale, upscale_batch


def made_of(*parts):
    """A model of layers in a row."""
    x = photo = keras.Input((None, None, 3))
    for part in parts:
        x = part(x)
    return keras.Model(photo, x)


def conv(filters=3, size=3, **options):
    return layers.Conv2D(filters, size, **{"padding": "same"} | options)


def bigger(factor=2, interpolation="nearest"):
    return layers.UpSampling2D(factor, interpolation=interpolation)


@pytest.fixture
def edsr():
    """EDSR in small, ×2, with a scaled residual, a long skip connection and random weights."""
    keras.utils.set_random_seed(0)
    photo = keras.Input((None, None, 3))
    start = x = conv(8)(layers.Rescaling(1 / 127.5, -1)(photo))
    for _ in range(2):
        x = x + 0.5 * conv(8)(conv(8, activation="relu")(x))
    x = sr.layers.DepthToSpace(2)(conv(32)(layers.Add()([start, conv(8)(x)])))
    return keras.Model(photo, layers.Rescaling(127.5, 127.5)(conv()(x)))


def noise(*shape, dtype="uint16"):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def strided():
    photo = keras.Input((None, None, 3))
    half = conv(4, strides=2)(photo)
    joined = layers.Concatenate()([conv(4)(photo), bigger()(half)])
    return keras.Model(photo, bigger()(conv()(joined)))


def flipped_channels():
    photo = keras.Input((None, None, 3))
    return keras.Model(photo, bigger()(photo[..., ::-1] + conv()(photo)))


def shared_and_nested():
    photo, inside = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    block = keras.Model(inside, inside + keras.Sequential([conv(), layers.ReLU(), conv()])(inside))
    return keras.Model(photo, bigger()(block(block(block(photo)))))


# What pixels one sees: counted by hand.
KNOWN = {
    "nothing": (lambda: made_of(bigger(3)), 0),
    "convolution": (lambda: made_of(conv(), bigger()), 1),
    "pointwise": (lambda: made_of(conv(size=1), layers.BatchNormalization(), bigger()), 0),
    "even": (lambda: made_of(conv(size=4), bigger()), 2),
    "dilated": (lambda: made_of(conv(dilation_rate=3), bigger()), 3),
    "depthwise": (lambda: made_of(layers.DepthwiseConv2D(5, padding="same"), bigger()), 2),
    "oblong": (lambda: made_of(conv(size=(1, 7)), bigger()), 3),
    "behind an upscaling": (lambda: made_of(bigger(), *(conv() for _ in range(5))), 3),
    "between upscalings": (lambda: made_of(bigger(), conv(), bigger(), conv(), conv(), conv()), 2),
    "bilinear": (lambda: made_of(bigger(2, "bilinear")), 1),
    "bicubic": (lambda: made_of(bigger(4, "bicubic")), 2),
    "bicubic of any size": (lambda: made_of(sr.layers.BicubicUpSampling(3), conv()), 2),
    "bicubic, then convolutions": (lambda: made_of(conv(), sr.layers.BicubicUpSampling(2), conv()), 3),
    "interpolated twice": (lambda: made_of(bigger(2, "bicubic"), bigger(2, "bicubic")), 3),
    "depth to space": (lambda: made_of(conv(12), sr.layers.DepthToSpace(2), conv(size=5)), 2),
    "transposed": (lambda: made_of(layers.Conv2DTranspose(3, 6, 2, padding="same")), 1),
    "transposed and even": (lambda: made_of(layers.Conv2DTranspose(3, 5, 2, padding="same")), 1),
    "padded by hand": (lambda: made_of(layers.ZeroPadding2D(1), conv(padding="valid"), bigger()), 1),
    "cropped": (lambda: made_of(bigger(), layers.ZeroPadding2D(3), layers.Cropping2D(2), conv(padding="valid")), 1),
    "pooled": (lambda: made_of(layers.MaxPooling2D(3, 1, padding="same"), bigger()), 1),
    "strided": (strided, 3),
    "strided by four": (lambda: made_of(conv(size=5, strides=4), bigger(8)), 4),
    "strided at last": (lambda: made_of(bigger(4), conv(strides=2)), 1),
    "flipped channels": (flipped_channels, 1),
    "shared and nested": (shared_and_nested, 6),
}


def seen_by(model, scale):
    """How far a change of one pixel travels, tried out with weights that let everything through."""
    model.set_weights([np.abs(weights) + 0.1 for weights in model.get_weights()])
    length = 24
    pictures = np.zeros((1 + length, length, length, 3), "float32")
    for place in range(length):
        pictures[1 + place, place, place] = 100
    answers = np.asarray(model.predict_on_batch(pictures))
    changed = (answers[1:] != answers[0]).any(-1).reshape(length, length, scale, length, scale).any((2, 4))
    return max(np.abs(np.argwhere(changed[place]) - place).max() for place in range(8, 16))


@pytest.mark.parametrize("kind", KNOWN)
def test_receptive_field_is_as_far_as_a_pixel_is_seen(kind):
    make, expected = KNOWN[kind]
    model = make()
    model.jit_compile = keras.backend.backend() == "jax"
    assert receptive_field(model) == expected
    assert seen_by(model, scales(model)[0]) == expected


def test_receptive_field_needs_layers_that_it_knows():
    class Conv2D(layers.Conv2D):
        pass

    photo = keras.Input((None, None, 3))
    weight = layers.GlobalAveragePooling2D(keepdims=True)(photo)
    squeezed = keras.Model(photo, bigger()(photo * weight), name="squeezed")
    with pytest.raises(ValueError, match=r"got global_average_pooling2d\S* \(GlobalAveragePooling2D\) in squeezed"):
        receptive_field(squeezed)
    wide = bigger((1, 2))(photo)
    stacked = keras.Model(photo, layers.Concatenate(axis=1)([wide, wide]))
    every_other_row = keras.Model(photo, bigger((4, 2))(photo[:, ::2]))
    normalized = made_of(bigger(), layers.GroupNormalization(1))
    for unknown in (made_of(Conv2D(3, 1), bigger()), stacked, every_other_row, normalized):
        with pytest.raises(ValueError, match="give overlap"):
            receptive_field(unknown)
    picture = noise(20, 20, 3)
    with pytest.raises(ValueError, match="give overlap"):
        upscale(picture, squeezed, tile=8)
    assert upscale(picture, squeezed, tile=8, overlap=2).shape == (40, 40, 3)
    assert upscale(picture, squeezed).shape == (40, 40, 3)


@pytest.mark.parametrize("shape, tile", [((40, 70, 3), 16), ((70, 9, 3), 20), ((41, 33), 7)])
def test_tiles_show_no_seams(edsr, shape, tile):
    picture = noise(*shape)
    whole, tiled = upscale(picture, edsr), upscale(picture, edsr, tile=tile)
    assert np.abs(whole.astype(int) - tiled).max() <= 1, "of 65535 levels"
    narrow = upscale(picture, edsr, tile=tile, overlap=receptive_field(edsr) // 3)
    assert np.abs(whole.astype(int) - narrow).max() > 100


@pytest.mark.parametrize("name, scale", [("voc_residual", 4), ("voc_efficientnet", 2), ("voc_depth_to_space", 2)])
def test_shipped_models_show_no_seams(name, scale):
    """With bicubic bases, and one with strides, so an odd size has to be made even."""
    model, picture = sr.models.load(name), noise(47, 75, 3)
    whole = upscale(picture, model, scale=scale)
    tiled = upscale(picture, model, scale=scale, tile=13)
    assert whole.shape == (47 * scale, 75 * scale, 3)
    assert np.abs(whole.astype(int) - tiled).max() <= 4, "of 65535 levels"
    narrow = upscale(picture, model, scale=scale, tile=13, overlap=2)
    assert np.abs(whole.astype(int) - narrow).max() > 100


def test_a_shipped_model_gives_what_it_gives_by_hand(photo):
    small = sr.degradations.area(photo, (72, 72))
    for scale, (expected,) in zip((2, 4), sr.models.load("voc_residual")(small[None]), strict=True):
        expected = np.clip(np.rint(keras.ops.convert_to_numpy(expected)), 0, 255)
        assert np.abs(upscale(small, "voc_residual", scale=scale).astype(int) - expected).max() <= 1


def test_strides_do_not_matter_to_the_size():
    model = strided()
    for height, width in ((1, 1), (3, 8), (8, 3)):
        assert upscale(noise(height, width, 3), model).shape == (2 * height, 2 * width, 3)
    picture = noise(31, 45, 3)
    whole = upscale(picture, model).astype(int)
    for tile, overlap in ((5, None), (6, 3), (1, 9)):
        assert np.abs(upscale(picture, model, tile=tile, overlap=overlap) - whole).max() <= 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7, 1), (9, 1, 3), (5, 6, 4), (12, 13), (7, 6, 2)])
@pytest.mark.parametrize("tile", [None, 4])
def test_every_kind_of_picture_keeps_its_kind_and_values(dtype, shape, tile):
    picture = noise(*shape, dtype=dtype)
    grown = upscale(picture, made_of(bigger(3)), tile=tile)
    assert grown.dtype == dtype
    expected = picture.repeat(3, 0).repeat(3, 1)
    if shape[2:] in ((2,), (4,)):
        alpha = sr.degradations.resize(picture[..., -1], expected.shape[:2])
        expected = np.concatenate([expected[..., :-1], alpha[..., None]], 2)
    np.testing.assert_array_equal(grown, expected)


def test_values_are_rounded_and_clipped():
    for offset, expected in ((0.4, [0, 100, 255]), (0.6, [1, 101, 255]), (-0.6, [0, 99, 254])):
        grown = upscale(np.array([[0, 100, 255]], "uint8"), made_of(layers.Rescaling(1, offset), bigger()))
        assert list(grown[0, ::2]) == expected


def test_gray_is_the_mean_of_the_colors_before_rounding():
    model = made_of(layers.Rescaling([1, 1, 1], [0.4, 0.4, 0.9]), bigger())
    assert upscale(np.array([[7]], "uint8"), model)[0, 0] == 8
    assert upscale(np.array([[[7] * 3]], "uint8"), model)[0, 0].tolist() == [7, 7, 8]


def test_self_ensemble_turns_with_the_picture(edsr):
    picture = noise(10, 17, 3)
    plain, mean = upscale(picture, edsr), upscale(picture, edsr, self_ensemble=True)
    for turn in (lambda x: np.rot90(x), lambda x: x[::-1], lambda x: x[:, ::-1]):
        assert np.abs(upscale(turn(picture), edsr, self_ensemble=True) - turn(mean).astype(int)).max() <= 1
        assert np.abs(upscale(turn(picture), edsr) - turn(plain).astype(int)).max() > 100
    tiled = upscale(picture, edsr, tile=5, self_ensemble=True)
    assert np.abs(tiled - mean.astype(int)).max() <= 1
    nearest = upscale(picture, made_of(bigger()), self_ensemble=True)
    np.testing.assert_array_equal(nearest, picture.repeat(2, 0).repeat(2, 1))


def test_self_ensemble_is_rounded_last(edsr):
    picture = noise(10, 12, 3, dtype="uint8")
    fine = upscale(picture.astype("uint16") * 257, edsr, self_ensemble=True) / 257
    assert np.abs(upscale(picture, edsr, self_ensemble=True) - fine).max() < 0.51


class Noted(layers.Layer):
    """Notes the sizes that it is compiled for."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def call(self, inputs):
        self.shapes.append(tuple(inputs.shape))
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape


JAX = keras.backend.backend() == "jax"


def test_one_size_of_tile_is_compiled_once():
    noted, picture = Noted(), noise(31, 50, 3)
    model = made_of(noted, bigger())
    for _ in range(3):
        upscale(picture, model, tile=8, overlap=1)
    assert noted.shapes == [(1, 10, 10, 3) if JAX else (None, None, None, 3)]


@pytest.mark.skipif(JAX, reason="JAX compiles for every size")
def test_any_size_is_compiled_once():
    noted = Noted()
    model = made_of(noted, conv(), sr.layers.BicubicUpSampling(2))
    for height, width in ((1, 1), (1, 7), (9, 7), (40, 3), (20, 50), (6, 6)):
        whole = upscale(picture := noise(height, width, 3), model)
        assert np.abs(upscale(picture, model, tile=5, overlap=4).astype(int) - whole).max() <= 1
    upscale_batch(noise(3, 8, 8, 3), model)
    upscale_batch(noise(2, 9, 9, 3), model)
    assert noted.shapes == [(None, None, None, 3)]


def test_networks_are_not_in_training_mode():
    class Brighter(layers.Layer):
        def call(self, inputs, training=True):
            return inputs + 100.0 * training

        def compute_output_shape(self, input_shape):
            return input_shape

    picture = noise(5, 6, 3, dtype="uint8") // 2
    expected = picture.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(upscale(picture, made_of(Brighter(), bigger()), overlap=0), expected)


@pytest.mark.skipif(not JAX, reason="TensorFlow compiles for any size")
def test_pictures_of_many_sizes_share_a_few_windows(monkeypatch):
    predict, shapes = keras.Model.predict_on_batch, set()
    monkeypatch.setattr(keras.Model, "predict_on_batch", lambda *args: shapes.add(args[1].shape) or predict(*args))
    model = made_of(conv(), bigger(), conv())
    for height, width in ((70, 70), (75, 90), (90, 81), (95, 69), (64, 77)):
        picture = noise(height, width, 3)
        expected = np.clip(np.rint(np.asarray(model(picture[None] / 257.0))[0] * 257), 0, 65535)
        assert np.abs(upscale(picture, model) - expected).max() <= 1, "of 65535 levels"
    assert len(shapes) <= 3
    shapes.clear()
    upscale_batch(noise(2, 70, 75, 3), model)
    assert shapes == {(2, 70, 75, 3)}, "many of one size deserve their own"


def test_layers_that_need_a_known_size_get_a_network_for_each():
    model = made_of(conv(), bigger(2, "bicubic"))
    for height, width in ((8, 8), (9, 5), (4, 7), (9, 5)):
        picture = noise(height, width, 3)
        expected = np.clip(np.rint(np.asarray(model(picture[None] / 257.0))[0] * 257), 0, 65535)
        assert np.abs(upscale(picture, model) - expected).max() <= 8, "of 65535 levels"


def test_a_trained_model_gives_its_new_answer():
    model = made_of(conv(use_bias=True), bigger())
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    assert upscale(noise(3, 3, 3), model).max() == 0
    model.layers[1].bias.assign([255.0] * 3)
    assert upscale(noise(3, 3, 3), model).min() == 65535


def test_a_model_is_not_kept():
    model = made_of(bigger())
    upscale(noise(3, 3, 3), model)
    kept = weakref.ref(model)
    del model
    gc.collect()
    assert kept() is None


def test_scales_are_those_of_the_outputs(tmp_path):
    photo = keras.Input((None, None, 3))
    outputs = {"x4": bigger(4)(photo), "x2": bigger()(photo), "features": conv(8)(photo), "denoised": conv()(photo)}
    model = keras.Model(photo, outputs)
    assert scales(model) == (2, 4)
    model.save(tmp_path / "mine.keras")
    picture = noise(3, 4, 3)
    for same in (model, tmp_path / "mine.keras", str(tmp_path / "mine.keras")):
        assert upscale(picture, same, scale=4).shape == (12, 16, 3)
    with pytest.raises(ValueError, match="upscales by 2 or 4, got None; choose one"):
        upscale(picture, model)
    for wrong in (0, -2, float("nan"), float("inf"), True, "2"):
        with pytest.raises(ValueError, match=r"a scale above 0, such as 2 or 4 or 2\.5, got"):
            upscale(picture, model, scale=wrong)


@pytest.mark.parametrize("scale, own", [(0.1, 2), (1, 2), (2, 2), (2.5, 4), (3, 4), (4.0, 4), (7.3, 4)])
@pytest.mark.parametrize("shape", [(31, 17, 3), (300, 9), (5, 290, 4)])
def test_any_scale_is_the_next_larger_one_and_an_exact_resize(scale, own, shape):
    photo = keras.Input((None, None, 3))
    model = keras.Model(photo, [bigger(4)(photo), bigger()(photo)])
    picture, size = noise(*shape, dtype="uint8"), [max(round(length * scale), 1) for length in shape[:2]]
    assert sr.upscaling.own_scale(model, scale) == own
    colors = picture[..., :3] if picture.ndim == 3 else picture
    expected = sr.degradations.resize(colors.repeat(own, 0).repeat(own, 1), size)
    if shape[2:] == (4,):
        expected = np.dstack([expected, sr.degradations.resize(picture[..., 3], size)])
    np.testing.assert_array_equal(upscale(picture, model, scale=scale, tile=8), expected)


def fails_above(limit, error, monkeypatch):
    """The sides of the pictures that the network is given; it runs out of memory as the backends do."""
    network, sides = engine._Upscaler.network, []

    def limited(*args, **options):
        predict = network(*args, **options)

        def tried(pictures):
            sides.append(max(pictures.shape))
            if sides[-1] > limit:
                raise error
            return predict(pictures)

        return tried

    monkeypatch.setattr(engine._Upscaler, "network", limited)
    return sides


class ResourceExhaustedError(Exception):
    """TensorFlow's has this name, and JAX's error this text."""


@pytest.mark.parametrize("error", [ResourceExhaustedError("OOM"), RuntimeError("RESOURCE_EXHAUSTED: Out of memory")])
def test_out_of_memory_halves_the_tile_and_goes_on(error, monkeypatch):
    sides = fails_above(200, error, monkeypatch)
    model, pictures = made_of(bigger()), noise(2, 1500, 40, 3)
    with pytest.warns(UserWarning) as warned:
        large = upscale_batch(pictures, model)
    assert [f"{warning.message}".split("memory ")[1] for warning in warned] == [
        "with 1500 pixels at once; going on with tile=512.",
        "with 512 pixels at once; going on with tile=256.",
        "with 256 pixels at once; going on with tile=128.",
    ]
    np.testing.assert_array_equal(large, pictures.repeat(2, 1).repeat(2, 2))
    sides.clear()
    upscale(pictures[0], model, tile=400)
    assert max(sides) == 128, "it is remembered"
    upscale(pictures[0], model, tile=64)
    assert sides[-1] == 64


@pytest.mark.parametrize("limit, error", [(0, ResourceExhaustedError("OOM")), (100, RuntimeError("another"))])
def test_what_never_fits_is_raised(limit, error, monkeypatch):
    sides = fails_above(limit, error, monkeypatch)
    model = made_of(bigger())
    with pytest.raises(type(error), match=str(error)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        upscale_batch(noise(2, 150, 150, 3), model)
    for_any_size = not JAX  # then one network for this size is tried, too
    assert sides == ([150, 75, 37, 18, 16] if limit == 0 else [150] * (1 + for_any_size))


@pytest.mark.parametrize("shape", [(6, 9, 3), (5, 4), (4, 4, 4), (8, 6, 2)])
@pytest.mark.parametrize("options", [{}, {"scale": 3.5}, {"self_ensemble": True}, {"tile": 4}])
def test_a_batch_is_what_its_pictures_are_alone(edsr, shape, options):
    pictures = noise(3, *shape)
    together = upscale_batch(pictures, edsr, **options)
    for alone, picture in zip(together, pictures, strict=True):
        assert np.abs(upscale(picture, edsr, **options).astype(int) - alone).max() <= 1, "of 65535 levels"


def test_a_batch_has_one_size_and_type():
    model = made_of(bigger())
    for wrong in ([], [noise(3, 3, 3), noise(3, 4, 3)], [noise(3, 3), noise(3, 3, dtype="uint8")]):
        with pytest.raises(ValueError, match="Expected pictures of one size and type, got"):
            upscale_batch(wrong, model)


@pytest.mark.parametrize("value, what", [(np.nan, "NaN"), (np.inf, "infinite values"), (-np.inf, "infinite values")])
def test_results_that_are_no_numbers_name_the_model(value, what):
    model = made_of(conv(use_bias=True), bigger())
    model.name = "broken"
    model.layers[1].bias.assign([0, value, 0])
    with pytest.raises(sr.runtime.UserError, match=f"numbers from broken, got {what}; train it again"):
        upscale(noise(4, 4, 3), model)


def test_a_model_of_another_range_is_named():
    """Its results would be black pictures."""
    picture = noise(8, 8, 3, dtype="uint8") // 2 + 100
    for what in (layers.Rescaling(1 / 255), layers.Rescaling(1 / 127.5, -1), layers.Activation("sigmoid")):
        model = made_of(what, bigger())
        model.name = "mine"
        with pytest.raises(sr.runtime.UserError, match=r"0…255 from mine, got values from .*; let the model begin"):
            upscale(picture, model)
        assert upscale(picture * 0, model).max() <= 1, "what is black may be black"
    assert upscale(picture, made_of(layers.Rescaling(0), bigger())).max() == 0


def test_a_result_that_is_far_too_large_is_refused():
    model = made_of(bigger())
    for refused in (lambda: sr.upscaling.own_scale(model, 1e9), lambda: upscale(noise(3, 3, 3), model, scale=1e9)):
        with pytest.raises(sr.runtime.UserError, match=r"at most 1,073,741,824 pixels, got 1×1 pixels times 1e\+09"):
            refused()
    with pytest.raises(sr.runtime.UserError, match=r"got 40×30 pixels times 2000, which are 4,800,000,000; choose"):
        upscale(noise(30, 40, 3), model, scale=2000)


def test_the_model_is_left_as_it_was():
    """Its layers may not be called again: `layer.output` would be refused."""
    model = made_of(conv(), bigger())
    receptive_field(model)
    upscale(noise(4, 4, 3), model)
    assert model.layers[1].output.shape == (None, None, None, 3)


def test_progress_ends_at_one():
    parts = []
    upscale(noise(20, 30, 3), made_of(bigger()), tile=10, progress=parts.append)
    assert parts == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])


def test_models_that_do_not_upscale_pictures_are_named():
    for what in ("efficientnetb0_block1a", made_of(conv()), made_of(bigger(), conv(4)), made_of(bigger((2, 3)))):
        with pytest.raises(ValueError, match="gives RGB pictures at least twice as large, got"):
            scales(what)
    with pytest.raises(ValueError, match=r"at least twice as large, got .* which gives"):
        scales(made_of(bigger(), conv(padding="valid")))
    fixed, gray = keras.Input((72, 72, 3)), keras.Input((None, None, 1))
    for model in (keras.Model(fixed, bigger()(fixed)), keras.Model(gray, bigger()(gray)), keras.Sequential([bigger()])):
        with pytest.raises(ValueError, match=r"takes RGB pictures of any size, .* make it of keras.Input"):
            scales(model)
    with pytest.raises(ValueError, match="a Keras model, or the name of one, got int"):
        upscale(noise(3, 3, 3), 4)
    with pytest.raises(FileNotFoundError, match=r"a model of .*, got 'voc_magic'"):
        upscale(noise(3, 3, 3), "voc_magic")


@pytest.mark.parametrize(
    "image, options, message",
    [
        (np.zeros((4, 4, 3)), {}, "a uint8 or uint16 image, got float64"),
        (np.zeros((4, 4), bool), {}, "a uint8 or uint16 image, got bool"),
        (noise(4, 4, 5), {}, r"got shape \(4, 4, 5\)"),
        (noise(0, 4, 3), {}, r"got shape \(0, 4, 3\)"),
        (noise(1, 4, 4, 3), {}, r"got shape \(1, 4, 4, 3\)"),
        (noise(4, 4, 3), {"tile": 0}, "tile as a whole number of pixels, 1 or more, got 0"),
        (noise(4, 4, 3), {"tile": float("nan")}, "tile as a whole number of pixels, 1 or more, got nan"),
        (noise(4, 4, 3), {"tile": True}, "tile as a whole number of pixels, 1 or more, got True"),
        (noise(4, 4, 3), {"tile": 2, "overlap": -1}, "overlap as a whole number of pixels, 0 or more, got -1"),
    ],
)
def test_wrong_input_is_named(image, options, message):
    with pytest.raises(ValueError, match=message):
        upscale(image, made_of(bigger()), **options)
