from itertools import pairwise

import keras
import matplotlib.pyplot as plt
import pytest
from keras import layers
from matplotlib.patches import FancyBboxPatch

import srhelpers as sr
from srhelpers.plots.architecture import structure


def convolution(filters=8, **settings):
    return layers.Conv2D(filters, 3, padding="same", **settings)


def residual_block(x, **settings):
    return layers.Add()([x, convolution()(convolution(activation="relu", **settings)(x))])


def residual(blocks=4, **settings):
    photo = keras.Input((None, None, 3))
    start = features = convolution()(photo)
    for _ in range(blocks):
        features = residual_block(features, **settings)
    return keras.Model(photo, convolution(3)(layers.Add()([start, features])), name="residual")


def titles(model):
    return [node.title for node in structure(model)[0]]


def sizes(model):
    return [node.size for node in structure(model)[0]]


def written(figure):
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_repeated_blocks_are_folded_to_one():
    nodes, blocks = structure(residual(4))
    assert [node.title for node in nodes] == ["input", "Conv 3×3", *["Conv 3×3"] * 2, "+", "+", "Conv 3×3", "output"]
    assert [(block.first, block.last, block.times, block.shared) for block in blocks] == [(2, 4, 4, False)]
    assert nodes[2].detail == "ReLU"


def test_skip_connections_are_inputs_beside_the_longest_path():
    nodes, _ = structure(residual(4))
    assert nodes[4].inputs == [3, 1], "around the block"
    assert nodes[5].inputs == [4, 1], "around all blocks"


@pytest.mark.parametrize("rates, times", [((1, 1, 1), [3]), ((1, 2, 4), []), ((1, 2, 1, 2), [2])])
def test_only_blocks_of_the_same_settings_are_folded(rates, times):
    photo = keras.Input((None, None, 8))
    x = photo
    for rate in rates:
        x = residual_block(x, dilation_rate=rate)
    assert [block.times for block in structure(keras.Model(photo, x))[1]] == times


def test_initial_weights_and_names_of_activations_do_not_matter_to_folding():
    photo = keras.Input((None, None, 8))
    x = photo
    for seed in range(5):
        x = convolution(activation=layers.LeakyReLU(), kernel_initializer=keras.initializers.HeNormal(seed))(x)
    nodes, (block,) = structure(keras.Model(photo, x))
    assert (block.times, nodes[1].detail) == (5, "LeakyReLU")


def test_upsampling_stages_stay_apart():
    photo = keras.Input((None, None, 3))
    x = photo
    for _ in range(3):
        x = layers.UpSampling2D()(convolution()(x))
    model = keras.Model(photo, x)
    assert structure(model)[1] == []
    assert sizes(model)[-1] == "8H × 8W"


def test_dense_blocks_are_folded_within_blocks():
    photo = keras.Input((None, None, 8))
    x = photo
    for _ in range(2):
        inside = x
        for _ in range(3):
            inside = layers.Concatenate()([inside, convolution(4, activation="relu")(inside)])
        x = layers.Add()([x, convolution()(inside)])
    nodes, blocks = structure(keras.Model(photo, x))
    assert [(block.first, block.last, block.times) for block in blocks] == [(1, 4, 2), (1, 2, 3)]
    assert (nodes[2].title, nodes[2].channels, nodes[2].last_channels) == ("concat", 12, 20)


def test_a_node_that_takes_the_result_of_every_block_is_told_from_one_that_takes_the_last():
    photo = keras.Input((None, None, 8))
    results = [photo]
    for _ in range(4):
        results.append(residual_block(results[-1]))
    nodes, (block,) = structure(keras.Model(photo, layers.Concatenate()(results[1:])))
    assert nodes[4].title == "concat"
    assert nodes[4].each == {block.last}
    assert "all 4" in written(sr.plots.network(keras.Model(photo, layers.Concatenate()(results[1:]))))


def test_a_layer_that_is_called_again_and_again():
    layer, photo = convolution(), keras.Input((None, None, 8))
    x = photo
    for _ in range(5):
        x = layer(x)
    (block,) = structure(keras.Model(photo, x))[1]
    assert (block.times, block.shared) == (5, True)
    assert "× 5, same weights" in written(sr.plots.network(keras.Model(photo, x)))


def test_layers_that_also_belong_to_another_model():
    model = residual(4)
    before = model.get_config()
    other = keras.Input((None, None, 3))
    keras.Model(other, model.layers[1](other))
    assert titles(model) == titles(residual(4))
    assert model.get_config() == before


@pytest.mark.parametrize(
    "shape, layer, size",
    [
        ((None, None, 3), convolution(strides=2), "H/2 × W/2"),
        ((None, None, 3), layers.Conv2D(8, 5), "H − 4 × W − 4"),
        ((None, None, 3), layers.UpSampling2D((3, 2)), "3H × 2W"),
        ((None, None, 3), layers.GlobalAveragePooling2D(keepdims=True), "1 × 1"),
        ((None, None, 3), layers.GlobalAveragePooling2D(), ""),
        ((48, None, 3), convolution(strides=2), "24 × W/2"),
        ((96, 96, 3), convolution(strides=2), "48 × 48"),
        ((None, None, 8), sr.layers.DepthToSpace(2), "2H × 2W"),
    ],
)
def test_height_and_width_are_relative_to_the_input_where_these_are_open(shape, layer, size):
    photo = keras.Input(shape)
    assert sizes(keras.Model(photo, layer(photo)))[1] == size


@pytest.mark.parametrize(
    "layer, label",
    [
        (layers.Rescaling(1 / 127.5, -1), "÷ 127.5 − 1"),
        (layers.Rescaling(0.2), "× 0.2"),
        (convolution(strides=2, activation="relu"), "Conv 3×3 stride 2, ReLU"),
        (layers.Conv2DTranspose(8, 2, strides=2), "Transposed conv 2×2 stride 2"),
        (layers.PReLU(shared_axes=[1, 2]), "PReLU"),
        (layers.BatchNormalization(), "Batch norm"),
        (layers.MaxPooling2D(), "Max pooling ÷2"),
        (layers.AveragePooling2D(5, strides=1), "Average pooling 5×5"),
        (layers.SpectralNormalization(layers.Conv2D(4, 4, strides=2)), "Conv 4×4 stride 2, valid, spectral norm"),
        (layers.Rescaling(1 / 127.5, [-1.0, -0.9, -0.8]), "÷ 127.5 − color"),
        (lambda x: x * 0.5, "× 0.5"),
    ],
)
def test_labels(layer, label):
    photo = keras.Input((None, None, 8))
    assert structure(keras.Model(photo, layer(photo)))[0][1].label == label


def test_several_inputs_and_outputs_have_names():
    photo, noise = keras.Input((None, None, 3), name="photo"), keras.Input((None, None, 1), name="noise")
    x = convolution()(layers.Concatenate()([photo, noise]))
    double = convolution(3, name="x2")(layers.UpSampling2D(2)(x))
    model = keras.Model([photo, noise], [double, convolution(3, name="x4")(layers.UpSampling2D(4)(x))])
    assert {"photo", "noise", "output x2", "output x4"} <= set(titles(model))
    assert {"photo", "noise", "output x2", "output x4"} <= written(sr.plots.network(model))


def test_small_branches_sit_on_their_arcs():
    photo = keras.Input((None, None, 3))
    base = layers.UpSampling2D(4, interpolation="bilinear")(photo)
    detail = sr.layers.DepthToSpace(4)(convolution(48)(convolution()(photo)))
    shortcut = layers.BatchNormalization()(layers.Conv2DTranspose(3, 4, strides=4)(photo))
    for skip, label in ((base, "Upsampling ×4, bilinear"), (shortcut, "stride 4 → Batch norm")):
        model = keras.Model(photo, layers.Add()([skip, detail]))
        assert any(label in text for text in written(sr.plots.network(model)))


def test_no_line_passes_behind_a_box_on_an_arc():
    photo = keras.Input((None, None, 3))
    features = layers.Rescaling(1 / 255)(photo)
    for _ in range(4):
        features = convolution()(features)
    model = keras.Model(photo, [sr.layers.added_to_bicubic(features, photo, scale) for scale in (2, 4)])
    (axes,) = sr.plots.network(model).axes
    boxes = [box.get_path().get_extents() for box in axes.patches if isinstance(box, FancyBboxPatch)]
    wide = [box for box in boxes if box.width > 3 * box.height]
    assert len(wide) == 2
    for box in wide:
        for line in axes.lines:
            for (x, y), (x_end, y_end) in pairwise(zip(*line.get_data(), strict=True)):
                through = x == x_end and box.x0 < x < box.x1 and min(y, y_end) < box.y0 < box.y1 < max(y, y_end)
                assert not through, f"a line at {x:.2f} is hidden by the box from {box.x0:.2f} to {box.x1:.2f}"


def test_a_nested_model_is_one_box():
    photo = keras.Input((None, None, 3))
    assert titles(keras.Model(photo, residual()(photo))) == ["input", "residual", "output"]


def test_sequential():
    model = keras.Sequential([keras.Input((None, None, 3)), *(convolution() for _ in range(6)), convolution(3)])
    nodes, (block,) = structure(model)
    assert [node.channels for node in nodes] == [3, 8, 3, 3]
    assert (block.first, block.last, block.times) == (1, 1, 6)


def test_a_layer_of_ones_own_that_cannot_be_saved():
    class Own(layers.Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def call(self, x):
            return self.function(x)

    photo = keras.Input((None, None, 3))
    assert titles(keras.Model(photo, Own(abs)(photo))) == ["input", "Own", "output"]


def test_the_figure_is_shown_once():
    before = plt.get_fignums()
    sr.plots.network(residual(2))
    assert plt.get_fignums() == before, "pyplot would show it a second time"


def test_the_figure_fits_a_notebook_and_says_how_often_blocks_repeat():
    model = residual(16)
    figure = sr.plots.network(model)
    assert figure.get_figwidth() <= 9.6
    assert "× 16" in written(figure)
    assert figure.get_suptitle() == f"residual: {model.count_params():,} parameters"
    assert sr.plots.network(model, title="mine").get_suptitle() == "mine"
    long = sr.plots.network(model, title="sixteen residual blocks, and what stands before and after them " * 3)
    assert long.texts[0].get_window_extent().width <= long.bbox.width


def test_a_long_network_goes_on_in_more_rows():
    def drawn(length):
        photo = x = keras.Input((None, None, 3))
        for scale in range(1, length):
            x = layers.Rescaling(scale)(x)
        return sr.plots.network(keras.Model(photo, x))

    assert drawn(40).get_figwidth() <= 9.6
    assert drawn(40).get_figheight() > 1.5 * drawn(5).get_figheight()


def test_a_network_whose_connections_are_unknown_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(sr.runtime.UserError, match=r"Own.*keras\.Input"):
        sr.plots.network(Own())
    with pytest.raises(sr.runtime.UserError, match=r"Sequential.*keras\.Input"):
        sr.plots.network(keras.Sequential([convolution()]))
