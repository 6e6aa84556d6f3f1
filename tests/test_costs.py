"""Multiply-adds, counted by hand and as papers print them."""

import keras
import pytest
from keras import layers

import srhelpers as sr


def network(*middle, first=8, scale=2):
    photo = keras.Input((None, None, 3))
    x = layers.Conv2D(first, 3, padding="same")(photo)
    for layer in middle:
        x = layer(x)
    x = layers.Conv2D(3 * scale**2, 1)(x)
    return keras.Model(photo, sr.layers.DepthToSpace(scale)(x))


START, END = 9 * 3 * 8, 8 * 12  # of a small pixel, which is four large ones


@pytest.mark.parametrize(
    ("middle", "more"),
    [
        ([], 0),
        ([layers.Conv2D(8, 3, padding="same")], 9 * 8 * 8),
        ([layers.Conv2D(8, 3, padding="same", groups=4)], 9 * 8 * 2),
        ([layers.DepthwiseConv2D(5, padding="same")], 25 * 8),
        ([layers.SeparableConv2D(8, 3, padding="same")], 9 * 8 + 8 * 8),
        ([layers.Dense(8)], 8 * 8),
        ([layers.PReLU(shared_axes=(1, 2)), layers.BatchNormalization(), layers.ReLU()], 0),
        ([layers.Conv2D(8, 3, strides=2, padding="same"), layers.UpSampling2D(2)], 9 * 8 * 8 / 4),
        ([layers.Conv2D(8, 2, strides=2), layers.Conv2DTranspose(8, 2, strides=2)], 2 * 4 * 8 * 8 / 4),
    ],
)
def test_each_layer_counts_what_it_computes(middle, more):
    assert sr.upscaling.multiply_adds(network(*middle)) == (START + more + END) / 4 * 1e6


def test_a_layer_that_is_called_twice_counts_twice():
    layer = layers.Conv2D(8, 3, padding="same")
    assert sr.upscaling.multiply_adds(network(layer, layer)) == (START + 2 * 9 * 8 * 8 + END) / 4 * 1e6


def test_models_inside_count_by_their_layers():
    inside = keras.Sequential([keras.Input((None, None, 8)), layers.Conv2D(8, 3, padding="same"), layers.ReLU()])
    assert sr.upscaling.multiply_adds(network(inside)) == (START + 9 * 8 * 8 + END) / 4 * 1e6


def test_of_two_scales_each_counts_its_own_layers():
    photo = keras.Input((None, None, 3))
    features = layers.Conv2D(8, 3, padding="same")(photo)
    model = keras.Model(photo, [sr.layers.added_to_bicubic(features, photo, scale) for scale in (2, 4)])
    assert sr.upscaling.multiply_adds(model, 2) == (9 * 3 * 8 + 9 * 8 * 12) / 4 * 1e6
    assert sr.upscaling.multiply_adds(model, 4) == (9 * 3 * 8 + 9 * 8 * 48) / 16 * 1e6
    with pytest.raises(ValueError, match="Expected scale"):
        sr.upscaling.multiply_adds(model)


@pytest.mark.parametrize(
    ("name", "giga"),
    [("edsr_baseline_x2", 316.3), ("edsr_baseline_x4", 114.2), ("krasserm_srresnet_x4", 127.8)],
)
def test_published_networks_cost_what_papers_print(name, giga):
    """For a picture of 1280×720 pixels, as in the tables of CARN (Ahn et al. 2018) and later papers."""
    assert sr.upscaling.multiply_adds(name) * 1280 * 720 / 1e15 == pytest.approx(giga, rel=0.002)


def test_counting_leaves_no_mark_on_the_network():
    model = network(layers.Conv2D(8, 3, padding="same"))
    before = model.get_config()
    sr.upscaling.multiply_adds(model)
    assert model.get_config() == before
    assert all(isinstance(layer.output, keras.KerasTensor) for layer in model.layers)  # two calls would raise
