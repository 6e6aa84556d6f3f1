import keras
import numpy as np
import pytest

import srhelpers as sr


def outputs(build, channels=3, size=(6, 5)):
    """(input, output) of a small network around one block, as arrays."""
    inside = keras.Input((None, None, channels))
    values = np.random.default_rng(0).random((2, *size, channels), "float32")
    return values, keras.ops.convert_to_numpy(keras.Model(inside, build(inside))(values))


def test_residual_block_with_zero_weights_changes_nothing():
    inside = keras.Input((None, None, 4))
    model = keras.Model(inside, sr.studies.blocks.residual_block(inside, 4, dilation_rate=2))
    model.set_weights([0 * weights for weights in model.get_weights()])
    values = np.random.default_rng(0).random((1, 6, 5, 4), "float32")
    assert np.array_equal(model(values), values)


def test_picture_starts_as_its_base():
    values, given = outputs(lambda x: sr.studies.blocks.picture(x, "x2", base=x))
    assert given == pytest.approx(255 * values, abs=1e-3)


def test_picture_stays_float32_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        answer = sr.studies.blocks.picture(keras.Input((None, None, 4)), "x2", base=keras.Input((None, None, 3)))
    finally:
        keras.config.set_dtype_policy("float32")
    assert answer.dtype == "float32"


def test_copied_repeats_every_pixel():
    values, given = outputs(lambda x: sr.studies.blocks.copied(x, 2, "x2"))
    assert given == pytest.approx(255 * values.repeat(2, 1).repeat(2, 2), abs=1e-3)


def test_enlarged_is_bicubic():
    photo = sr.datasets.sample("chelsea")[:40, :32]
    _, height, width, _ = (1, *photo.shape)
    inside = keras.Input((None, None, 3))
    given = keras.Model(inside, sr.studies.blocks.enlarged(inside, 2))(photo[None].astype("float32"))
    expected = sr.degradations.resize(photo.astype(float), (2 * height, 2 * width))
    difference = np.abs(keras.ops.convert_to_numpy(given)[0] - expected)
    assert difference[4:-4, 4:-4].max() < 0.51  # ours rounds between its two passes


def test_article_start_joins_photo_and_features():
    photo, found = keras.Input((None, None, 3)), keras.Input((None, None, 5))
    joined = keras.Model([photo, found], sr.studies.blocks.article_start(photo, found))
    features = np.random.default_rng(0).random((1, 6, 6, 5), "float32")
    given = keras.ops.convert_to_numpy(joined([np.zeros((1, 6, 6, 3)), features]))
    assert given.shape == (1, 6, 6, 69)
    assert np.array_equal(given[..., 64:], features)
