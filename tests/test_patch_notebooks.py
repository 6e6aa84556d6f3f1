"""The networks that notebooks 07 and 08 define, and the models they ship."""

import conftest
import keras
import numpy as np
import pandas as pd
import pytest
import train

import srhelpers as sr

definitions = conftest.definitions
SHIPPED = [
    (name, scale)
    for name, record in sr.models.manifest().items()
    if record.kind == "upscaler" and not record.weights
    for scale in record.scales
]


@pytest.mark.parametrize(("scale", "parameters"), [(2, 1_369_859), (3, 1_554_499), (4, 1_517_571)])
def test_edsr_baseline(scale, parameters):
    model = definitions("08")["edsr"](scale)
    assert model.count_params() == parameters, "EDSR-PyTorch's count for ×4; ×2 and ×3 by hand"
    assert model(np.zeros((2, 9, 7, 3), "uint8")).shape == (2, 9 * scale, 7 * scale, 3)
    assert not [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def test_the_large_edsr_has_the_papers_parameters():
    """Counted, not built: 43 million take long to make."""
    block, rest = 2 * (256 * 9 + 1) * 256, (3 * 9 + 1) * 256 + (256 * 9 + 1) * 256 + (256 * 9 + 1) * 3
    grown = 2 * (256 * 9 + 1) * 1024
    small = definitions("08")["edsr"](4, blocks=2, filters=256, scaling=0.1)
    assert small.count_params() == 2 * block + rest + grown
    assert round((32 * block + rest + grown) / 1e6, 1) == 43.1


def test_the_mean_color_is_taken_off_and_put_back():
    """With all weights at zero, the mean color is the answer."""
    model = definitions("08")["edsr"](2, blocks=1, filters=4)
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    answer = keras.ops.convert_to_numpy(model(np.zeros((1, 4, 4, 3), "uint8")))
    assert answer[0, 2, 3] == pytest.approx([114.44, 111.46, 103.02], abs=0.02)  # of DIV2K, as EDSR-PyTorch has it


def test_residual_scaling():
    x = np.ones((1, 6, 6, 4), "float32")
    photo = keras.Input((6, 6, 4))
    answers = {}
    for scaling in (1, 0.1):
        keras.utils.set_random_seed(0)
        block = keras.Model(photo, definitions("08")["residual_block"](photo, 4, scaling))
        answers[scaling] = keras.ops.convert_to_numpy(block(x)) - x
    assert np.abs(answers[1]).max() > 0.01
    assert answers[0.1] == pytest.approx(0.1 * answers[1], abs=1e-6)


def test_x4_continues_from_x2():
    edsr = definitions("08")["edsr"]
    keras.utils.set_random_seed(0)
    double, fourfold = edsr(2, blocks=2), edsr(4, blocks=2)
    before = fourfold.get_weights()
    assert definitions("08")["continue_from"](double, fourfold) == 8
    same = [np.array_equal(a, b) for a, b in zip(double.get_weights(), fourfold.get_weights(), strict=False)]
    assert all(same[:12]), "head, two blocks, end of the body"
    np.testing.assert_array_equal(fourfold.get_weights()[14], before[14])  # the second upsampling


def test_a_shallower_network_does_not_end_with_the_weights_of_a_block():
    """At ×4 with 48 filters the last convolution has the shape of those in the blocks."""
    lesson = definitions("08")
    double, fourfold = lesson["compact"](2, blocks=3), lesson["compact"](4, blocks=2)
    before = fourfold.get_weights()
    assert lesson["continue_from"](double, fourfold) == 5
    np.testing.assert_array_equal(fourfold.get_weights()[-2], before[-2])


def test_each_picture_of_a_recipe_gets_one_of_its_degradations():
    pictures = [np.full((4, 4, 3), value, "uint8") for value in range(40)]
    dark, light = (lambda image, size, rng, value=value: np.full((*size, 3), value, "uint8") for value in (1, 2))
    one = train.OneOf((dark, light))
    drawn = [one(picture, (2, 2))[0, 0, 0] for picture in pictures]
    assert set(drawn) == {1, 2}
    assert drawn == [one(picture, (2, 2))[0, 0, 0] for picture in pictures], "the pixels are the seed"


def test_srresnet():
    model = definitions("07")["srresnet"]()
    trained = sum(int(np.prod(weights.shape)) for weights in model.trainable_weights)
    normalized = (2 * 16 + 1) * 2 * 64
    convolutions = (243 + 1) * 64 + 33 * (576 + 1) * 64 + 2 * (576 + 1) * 256 + (5184 + 1) * 3
    assert trained == convolutions + normalized + (1 + 16 + 2) * 64  # the last: PReLU, a slope for each channel
    assert model(np.zeros((1, 5, 6, 3), "uint8")).shape == (1, 20, 24, 3)


def stated(name, scale):
    """The row on Set5 that ships."""
    rows = pd.read_csv(sr.runtime.shipped("results") / "benchmarks.csv")
    return rows.query("method == @name and dataset == 'Set5' and scale == @scale").iloc[0]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale"), SHIPPED)
def test_shipped_models_keep_their_promise(name, scale, benchmarks, monkeypatch):
    """Loaded by file alone; the benchmark rows that ship are what it scores."""
    monkeypatch.setenv("SR_DATA_DIR", str(benchmarks))
    lpips = sr.metrics.perceptual.is_here()
    rows = sr.metrics.evaluate(name, "Set5", scale, lpips=lpips)
    found, row = sr.metrics.summarise(rows).iloc[0], stated(name, scale)
    assert found.psnr_y == pytest.approx(row.psnr_y, abs=0.01)
    assert found.ssim_y == pytest.approx(row.ssim_y, abs=0.0005)
    assert not lpips or found.lpips == pytest.approx(row.lpips, abs=0.001)


def test_networks_of_the_course_are_small_enough_to_ship():
    records = [record for record in sr.models.manifest().values() if record.author == "this course"]
    assert max(record.bytes for record in records) < 3e6


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_edsr_is_well_above_bicubic(scale):
    assert stated(f"edsr_baseline_x{scale}", scale).psnr_y > stated("bicubic", scale).psnr_y + 1.5
