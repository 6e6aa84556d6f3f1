"""Lesson 07: the SRGAN as one Keras model, its two networks, and what recipes/srgan.py measures."""

import conftest
import keras
import numpy as np
import pandas as pd
import pytest
import srgan
from keras import layers

import srhelpers as sr

NAMES = ["content", "adversarial", "d_loss", "d_real", "d_fake"]
LESSON = conftest.definitions("07")


class Batches(keras.utils.PyDataset):
    def __init__(self, *batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def noise(random, *counts):
    return Batches(
        *[
            (random.integers(0, 256, (n, 4, 4, 3), "uint8"), random.integers(0, 256, (n, 16, 16, 3), "uint8"))
            for n in counts
        ]
    )


def little_generator(normalized=False):
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = layers.BatchNormalization(momentum=0.9, name="norm")(x) if normalized else x
    x = layers.UpSampling2D(4)(layers.Conv2D(3, 1, dtype="float32")(x))
    return keras.Model(photo, layers.Rescaling(255, dtype="float32")(x))


def little_discriminator(head="patch", normalized=False):
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(photo)
    x = layers.BatchNormalization(momentum=0.9, name="norm")(x) if normalized else x
    x = layers.GlobalAveragePooling2D()(x) if head == "whole" else x
    head = layers.Dense(1, dtype="float32") if head == "whole" else layers.Conv2D(1, 1, dtype="float32")
    return keras.Model(photo, head(x))


# So that the gradients of the content, the adversarial, the smooth and the discriminator's loss weigh alike.
SMALL, SMOOTH = 1e-5, 1e-4


def small_square(real, fake):
    return SMALL * keras.ops.mean(keras.ops.square(real - fake))


def little_gan(optimizer=None, content=small_square, adversarial=0.01, frozen=True, **options):
    keras.utils.set_random_seed(0)
    networks = little_generator(options.get("normalized", False)), little_discriminator(**options)
    gan = LESSON["SRGAN"](*networks, content, adversarial, SMOOTH, frozen)
    gan.compile(optimizer or keras.optimizers.Adam(1e-3), metrics=[sr.metrics.PSNR()])
    return gan


class ByHand:
    """The same two linear networks with their gradients written out, in NumPy."""

    def __init__(self, gan, head, weight):
        self.head, self.weight = head, weight
        self.weights = [np.float64(value).reshape(-1, 1 if value.shape[-1] == 1 else 3) for value in gan.get_weights()]

    def step(self, low, high):
        """One pass: ({logged name: value}, [gradients: generator's kernel and bias, discriminator's])."""
        kernel, bias, seen, offset = self.weights
        x = np.repeat(np.repeat(low / 255, 4, 1), 4, 2)
        fake = 255 * (x @ kernel + bias)
        pixels = fake[0, ..., 0].size

        def features(pictures):
            scaled = (pictures / 127.5 - 1).reshape(len(pictures), pixels, 3)
            return scaled if self.head == "patch" else scaled.mean(1, keepdims=True)

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        (real_seen, fake_seen), n = (features(np.float64(high)), features(fake)), len(low)
        on_real, on_fake = real_seen @ seen + offset, fake_seen @ seen + offset
        color = low[0].mean((0, 1))  # in a piece this small the blur leaves nothing else
        too_much = 255 * (color / 255 @ kernel + bias[0]) - color
        content = SMALL * np.mean((fake - high) ** 2) + SMOOTH * np.mean(np.abs(too_much))
        adversarial = np.mean(np.logaddexp(0, -on_fake))
        d_loss = np.mean(np.logaddexp(0, -on_real)) + np.mean(np.logaddexp(0, on_fake))
        values = [content, adversarial, d_loss, sigmoid(on_real).mean(), sigmoid(on_fake).mean()]
        logs = dict(zip(NAMES, values, strict=True)) | {"loss": content + self.weight * adversarial + d_loss}

        to_logit = -sigmoid(-on_fake) / on_fake.size  # of the adversarial loss
        to_pixel = to_logit @ seen.T / 127.5 / (1 if self.head == "patch" else pixels)
        to_fake = 2 * SMALL * (fake - high) / fake.size + self.weight * np.broadcast_to(
            to_pixel, (n, pixels, 3)
        ).reshape(fake.shape)
        to_color = SMOOTH * np.sign(too_much) / 3
        generator = [
            255 * np.einsum("nhwi,nhwo->io", x, to_fake) + np.outer(color, to_color),
            255 * (to_fake.sum((0, 1, 2)) + to_color)[None],
        ]
        real_error, fake_error = -sigmoid(-on_real) / on_real.size, sigmoid(on_fake) / on_fake.size
        discriminator = [
            (real_seen * real_error + fake_seen * fake_error).sum((0, 1))[:, None],
            (real_error + fake_error).sum()[None, None],
        ]
        return logs, [*generator, *discriminator]


def adam(rate):
    """Of each variable alone: Kingma and Ba 2015, in the order of section 2 that Keras follows."""
    state = {}

    def update(name, gradient):
        t, m, v = state.get(name, (0, 0, 0))
        t, m, v = t + 1, 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        state[name] = t, m, v
        return -rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)

    return update


@pytest.mark.parametrize("head", ["whole", "patch"])
@pytest.mark.parametrize("method", ["gradient", "adam"])
def test_a_step_is_two_separate_steps_by_hand(method, head, random):
    """So no gradient mixes, one Adam equals two, both start from the same state, and every number is right."""
    weight = 1.5
    optimizer = keras.optimizers.SGD(1e-2) if method == "gradient" else keras.optimizers.Adam(1e-2)
    gan = little_gan(optimizer, adversarial=weight, head=head)
    by_hand, separate = ByHand(gan, head, weight), (adam(1e-2), adam(1e-2))
    batches, before = noise(random, 4, 4, 4), [value.copy() for value in by_hand.weights]

    history = gan.fit(batches, validation_data=batches, epochs=1, verbose=0, shuffle=False).history
    steps = []
    for low, high in batches.batches:
        logs, gradients = by_hand.step(low, high)
        steps.append(logs)
        for place, gradient in enumerate(gradients):
            step = -1e-2 * gradient if method == "gradient" else separate[place // 2](place, gradient)
            by_hand.weights[place] = by_hand.weights[place] + step

    for found, expected, old in zip(gan.get_weights(), by_hand.weights, before, strict=True):
        change = expected - old
        np.testing.assert_allclose(found.reshape(old.shape) - old, change, atol=2e-3 * np.abs(change).max() + 2e-7)
    validation = [by_hand.step(low, high)[0] for low, high in batches.batches]
    for prefix, passes in (("", steps), ("val_", validation)):
        for name in [*NAMES, "loss"]:
            mean = np.mean([logs[name] for logs in passes])
            assert history[prefix + name][0] == pytest.approx(mean, rel=2e-4), prefix + name


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX has no variables inside a step")
def test_no_update_overtakes_a_reading(random):
    """TensorFlow drops the order of readings and updates when it inlines a step; only data keeps it."""
    from tensorflow.python.eager import context

    gan, batches = little_gan(), noise(random, 2)
    context.enable_run_metadata()
    try:
        gan.fit(batches, verbose=0)
        graphs = [found.post_optimization_graph for found in context.export_run_metadata().function_graphs]
    finally:
        context.disable_run_metadata()
    graph = next(graph for graph in graphs if any(node.op == "AssignSubVariableOp" for node in graph.node))
    inputs = {node.name: [name.lstrip("^").split(":")[0] for name in node.input] for node in graph.node}
    updates = [node for node in graph.node if node.op == "AssignSubVariableOp"]
    readings = [node for node in graph.node if node.op == "ReadVariableOp"]
    assert len(updates) == len(gan.trainable_variables)
    for update in updates:
        before, waiting = set(), [update.name]
        while waiting:
            name = waiting.pop()
            before.add(name)
            waiting += [parent for parent in inputs.get(name, []) if parent not in before]
        same = {node.name for node in readings if node.input[0] == update.input[0]}
        assert same and same <= before, f"{same - before} may be read after the update"


@pytest.mark.parametrize("frozen", [True, False])
def test_only_a_generator_that_is_not_frozen_takes_the_statistics_of_its_batches(frozen, random):
    gan = little_gan(keras.optimizers.SGD(0.0), normalized=True, frozen=frozen)
    low, high = noise(random, 3).batches[0]

    def mean(network):
        return keras.ops.convert_to_numpy(network.get_layer("norm").moving_mean)

    gan.evaluate(Batches((low, high)), verbose=0)
    assert not mean(gan.generator).any() and not mean(gan.discriminator).any()
    gan.fit(Batches((low, high)), verbose=0)
    expected = 0 if frozen else 0.1 * (low / 255).mean((0, 1, 2))
    np.testing.assert_allclose(mean(gan.generator), expected, atol=1e-4)
    assert mean(gan.discriminator).any()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_losses_in_float32(policy, random):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        gan = little_gan(normalized=True)
        batches = Batches(*noise(random, 2).batches * 12)
        kernel, bias = gan.discriminator.layers[-1].weights
        kernel.assign(0 * kernel)
        bias.assign([3.0])
        logs = gan.evaluate(batches, return_dict=True, verbose=0)
        assert logs["adversarial"] == pytest.approx(np.logaddexp(0, -3), rel=1e-5)
        start = [network.get_weights() for network in (gan.generator, gan.discriminator)]
        gan.fit(batches, verbose=0)
    finally:
        keras.config.set_dtype_policy(before)
    for old, network in zip(start, (gan.generator, gan.discriminator), strict=True):
        assert all(np.isfinite(value).all() for value in network.get_weights())
        assert not np.array_equal(old[-1], network.get_weights()[-1])


def test_an_interrupted_run_ends_as_if_nothing_had_happened(random, tmp_path):
    batches, weights = noise(random, 4, 4), []
    for folder, epochs in (("whole", [3]), ("stopped", [1, 3])):
        for count in epochs:
            gan = little_gan(normalized=True)
            options = {"epochs": count, "folder": tmp_path / folder, "keep": "last", "verbose": 0}
            history = sr.training.fit(gan, batches, **options)
        assert list(history.epoch) == [1, 2, 3] and set(NAMES) < set(history)
        weights.append(gan.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_srresnet_has_the_papers_parameters():
    model = LESSON["srresnet"]()
    trained = sum(int(np.prod(weights.shape)) for weights in model.trainable_weights)
    normalized = (2 * 16 + 1) * 2 * 64
    convolutions = (243 + 1) * 64 + 33 * (576 + 1) * 64 + 2 * (576 + 1) * 256 + (5184 + 1) * 3
    assert trained == convolutions + normalized + (1 + 16 + 2) * 64  # the last: PReLU, a slope for each channel
    assert model(np.zeros((1, 5, 6, 3), "uint8")).shape == (1, 20, 24, 3)


@pytest.mark.parametrize("name", ["krasserm_srresnet_x4", "krasserm_srgan_x4"])
def test_the_published_weights_fit(name, photo):
    """And give the picture that the saved network gives, far above bicubic interpolation for SRResNet."""
    saved, model = sr.models.load(name), LESSON["srresnet"]()
    model.set_weights(saved.get_weights())
    low = sr.degradations.bicubic(photo[:96, :96], (24, 24))[None]
    np.testing.assert_allclose(model(low), saved(low), atol=1e-3)


def test_the_discriminator_judges_patches_of_pictures_of_any_size():
    model = LESSON["discriminator"](4)
    assert model(np.zeros((2, 64, 48, 3), "float32")).shape == (2, 16, 12, 1)
    assert not [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]


def test_content_losses():
    real, fake = np.full((2, 8, 8, 3), 100.0, "float32"), np.full((2, 8, 8, 3), 110.0, "float32")
    squared = LESSON["content_loss"]("mse")
    assert float(squared(real, fake)) == pytest.approx((10 / 127.5) ** 2, rel=1e-5)
    both = LESSON["with_pixels"](squared)
    assert float(both(real, fake)) == pytest.approx((10 / 127.5) ** 2 + 10 * LESSON["PIXELS"], rel=1e-5)


def noisy(random, deviation, pattern=0.0):
    square = 128 + random.normal(0, deviation, (64, 64, 1)) + np.zeros(3)
    square[::4, ::2] += pattern
    return np.round(square).astype("uint8")


def test_a_grid_is_a_peak_at_the_frequencies_of_pixel_shuffle(random):
    for deviation in (0, 0.2, 1, 5):
        assert srgan.grid([noisy(random, deviation) for _ in range(16)])[0] < 2
        assert srgan.grid([noisy(random, deviation, pattern=3 + deviation) for _ in range(16)])[0] > 3
    ramp = np.add.outer(np.linspace(0, 30, 64), np.linspace(90, 120, 64)).round().astype("uint8")
    assert srgan.grid([ramp])[0] < 2, "a gradient is no grid"


@pytest.mark.parametrize("step", [2, 4])
def test_the_amplitude_of_a_grid_is_in_gray_levels(step, random):
    wave = 6 * np.cos(2 * np.pi * np.arange(64) / step)[None, :, None]
    square = np.round(128 + wave + random.normal(0, 1, (64, 64, 3))).astype("uint8")
    assert srgan.grid([square])[1] == pytest.approx(6, abs=0.2)


def test_the_flattest_square_of_a_photo_is_found_where_it_is_flat(random):
    photo, picture = random.integers(0, 256, (2, 96, 128, 3)).astype("uint8")
    flat = photo.copy()
    flat[16:80, 40:104] = 77
    (region,) = srgan.flat_regions([(flat, picture), (photo, picture)])
    np.testing.assert_array_equal(region, picture[16:80, 40:104])


def test_the_colors_of_a_network_are_moved_to_those_of_the_photos():
    """Each channel by what it was off, where the network's answers and the photos differ in nothing else."""
    files, model = sr.datasets.split("photos")[0][:4], LESSON["srresnet"](1, 4)
    model.set_weights([0 * weights for weights in model.get_weights()])  # gray, whatever the photo
    before = srgan.color_shift([srgan.restored(model, file) for file in files])
    for _ in range(8):
        srgan.without_cast(model, files)
    after = srgan.color_shift([srgan.restored(model, file) for file in files])
    assert np.abs(before).max() > 2 and np.abs(after).max() < 0.6  # pictures have whole gray levels


def test_a_color_shift_is_told_by_channel(random):
    photo = random.integers(50, 200, (16, 16, 3)).astype("uint8")
    brighter = photo + np.array([0, 3, 7], "uint8")
    assert srgan.color_shift([(photo, brighter), (photo, photo)]) == pytest.approx([0, 1.5, 3.5])


@pytest.mark.slow
@pytest.mark.parametrize("name", srgan.RECIPES)
def test_a_shipped_srgan_keeps_the_colors_of_each_photo_and_draws_no_grid(name):
    network = sr.models.load(name)
    pairs = [srgan.restored(network, file) for file in sr.datasets.split("photos")[1]]
    assert np.abs(srgan.color_shift(pairs)).max() < 0.5, "no color cast"
    assert max(np.abs(srgan.color_shift([pair])).max() for pair in pairs) < 1
    regions = srgan.flat_regions(pairs)
    assert len(regions) > 1 and srgan.grid(regions)[1] < 0.3, "nobody sees a third of a gray level"


@pytest.mark.slow
@pytest.mark.parametrize("name", srgan.RECIPES)
def test_a_shipped_srgan_leaves_plain_colors_plain(name, random):
    colors = random.integers(0, 256, (32, 1, 1, 3)).astype("uint8")
    made = [sr.upscaling.upscale(np.tile(color, (32, 32, 1)), sr.models.load(name))[32:96, 32:96] for color in colors]
    assert srgan.grid(made)[1] < 0.3, "the published SRGAN has .36 levels"


def test_the_shipped_columns_come_closer_to_the_photo_from_loss_to_loss():
    rows = pd.read_csv(sr.runtime.shipped("results") / "benchmarks.csv").query("dataset == 'Set5' and scale == 4")
    rows = rows.set_index("method")
    columns = [srgan.START, "srgan_mse_x4", "srgan_vgg22_x4", "srgan_vgg54_x4"]
    assert rows.lpips[columns].is_monotonic_decreasing
    assert rows.lpips["srgan_vgg54_x4"] < 0.11
    assert rows.psnr_y["srgan_vgg54_x4"] > 28
