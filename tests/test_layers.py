import keras
import numpy as np
import pytest

import srhelpers as sr


def by_definition(images, r):
    n, height, width, channels = images.shape
    grown = np.empty((n, height * r, width * r, channels // r**2), images.dtype)
    for row in range(r):
        for column in range(r):
            start = (row * r + column) * grown.shape[-1]
            grown[:, row::r, column::r] = images[..., start : start + grown.shape[-1]]
    return grown


@pytest.mark.parametrize("r", [2, 3, 4])
def test_depth_to_space_moves_each_channel_to_its_pixel(r, random):
    images = random.normal(size=(2, 5, 7, 3 * r * r)).astype("float32")
    result = keras.ops.convert_to_numpy(sr.layers.DepthToSpace(r)(images))
    np.testing.assert_array_equal(result, by_definition(images, r))


def test_depth_to_space_equals_tensorflow(random):
    tensorflow = pytest.importorskip("tensorflow")
    images = random.normal(size=(2, 5, 7, 36)).astype("float32")
    for r in (2, 3):
        expected = tensorflow.nn.depth_to_space(images, r).numpy()
        result = keras.ops.convert_to_numpy(sr.layers.DepthToSpace(r)(images))
        np.testing.assert_array_equal(result, expected)


def test_depth_to_space_in_a_model_of_any_size_is_saved_and_loaded_in_safe_mode(tmp_path, random):
    inputs = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(12, 3, padding="same")(inputs)
    outputs = sr.layers.DepthToSpace(2)(features)
    assert outputs.shape == (None, None, None, 3)
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    for size in ((4, 6), (9, 5)):
        images = random.normal(size=(1, *size, 3)).astype("float32")
        np.testing.assert_array_equal(model.predict(images, verbose=0), loaded.predict(images, verbose=0))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_depth_to_space_leaves_values_and_types_alone_under_mixed_precision(policy, random):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        for kind in ("float32", "uint8"):
            images = (random.random((1, 4, 4, 12)) * 255).astype(kind)
            result = sr.layers.DepthToSpace(2)(keras.ops.convert_to_tensor(images))
            assert keras.backend.standardize_dtype(result.dtype) == kind
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(result), by_definition(images, 2))
    finally:
        keras.config.set_dtype_policy(before)


def test_depth_to_space_trains():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(12, 3, padding="same"), sr.layers.DepthToSpace(2)]
    )
    model.compile("adam", "mse")
    history = model.fit(np.ones((4, 8, 8, 3), "float32"), np.zeros((4, 16, 16, 3), "float32"), epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_depth_to_space_refuses_what_it_cannot_rearrange():
    with pytest.raises(ValueError, match=r"channels divide by 4, got shape \(None, 8, 8, 6\)"):
        sr.layers.DepthToSpace(2)(keras.Input((8, 8, 6)))
    for wrong in (1, 2.0, "2"):
        with pytest.raises(ValueError, match="Expected block_size to be an int of at least 2"):
            sr.layers.DepthToSpace(wrong)


def bicubic_model(factor):
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, sr.layers.BicubicUpSampling(factor)(inputs))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_up_sampling_is_what_degradations_give_at_any_size(factor, random):
    """`predict` compiles it for unknown height and width with TensorFlow, where Keras's own layer fails."""
    model = bicubic_model(factor)
    for height, width in ((1, 1), (1, 6), (2, 1), (5, 3), (8, 9), (7, 12)):
        images = random.integers(64, 192, (2, height, width, 3)).astype("float32")  # nothing is clipped in between
        result = model.predict(images, verbose=0)
        for image, large in zip(images, result, strict=True):
            expected = sr.degradations.resize(image, (height * factor, width * factor))
            np.testing.assert_allclose(large, expected, atol=2e-3)
            rounded = sr.degradations.resize(image.astype("uint8"), expected.shape[:2])
            assert np.abs(np.clip(np.rint(large), 0, 255) - rounded).max() <= 1


def test_bicubic_up_sampling_is_saved_and_loaded_in_safe_mode(tmp_path, random):
    model = bicubic_model(3)
    assert model.output_shape == (None, None, None, 3)
    assert model.count_params() == 0
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    images = random.random((1, 4, 5, 3)).astype("float32")
    np.testing.assert_array_equal(model.predict(images, verbose=0), loaded.predict(images, verbose=0))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_bicubic_up_sampling_computes_in_float32_whatever_the_policy(policy, random, tmp_path):
    """In bfloat16 the picture would lose two to three of its eight bits."""
    images = (random.random((1, 6, 5, 3)) * 255).astype("float32")
    expected = bicubic_model(2).predict(images, verbose=0)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        inputs = keras.Input((None, None, 3))
        residual = keras.layers.Conv2D(12, 3, padding="same", kernel_initializer="zeros")(inputs)
        residual = sr.layers.DepthToSpace(2)(residual)
        large = sr.layers.BicubicUpSampling(2)(inputs)
        assert keras.backend.standardize_dtype(large.dtype) == "float32"
        model = keras.Model(inputs, keras.layers.Add(dtype="float32")([large, residual]))
        model.compile("sgd", "mse")
        model.fit(images, expected, verbose=0)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=0.1)


def test_bicubic_up_sampling_needs_a_whole_factor():
    for wrong in (1, 2.0, "2", True):
        with pytest.raises(sr.runtime.UserError, match="Expected factor to be an int of at least 2"):
            sr.layers.BicubicUpSampling(wrong)


def test_a_network_added_to_bicubic_starts_there_and_learns_what_is_missing(random):
    photo = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(keras.layers.Rescaling(1 / 255)(photo))
    keras.utils.set_random_seed(0)
    model = keras.Model(photo, [sr.layers.added_to_bicubic(features, photo, scale) for scale in (2, 3)])
    assert model.output_names == ["x2", "x3"]
    images = random.integers(0, 256, (4, 6, 9, 3)).astype("uint8")
    targets = [bicubic_model(scale).predict(images, verbose=0) for scale in (2, 3)]
    for target, answer in zip(targets, model.predict(images, verbose=0), strict=True):
        assert answer.dtype == "float32" and answer.shape == target.shape
        assert 0 < np.abs(answer - target).mean() < 2
    model.compile(keras.optimizers.Adam(1e-2), "mae")
    history = model.fit(images, [target + 20 for target in targets], epochs=20, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_network_added_to_bicubic_ends_in_float32_whatever_the_policy(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        photo = keras.Input((None, None, 3))
        features = keras.layers.Conv2D(8, 3, padding="same")(photo)
        assert keras.backend.standardize_dtype(features.dtype) == policy.removeprefix("mixed_")
        assert keras.backend.standardize_dtype(sr.layers.added_to_bicubic(features, photo, 2).dtype) == "float32"
    finally:
        keras.config.set_dtype_policy(before)
