import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from killing import kill

import srhelpers as sr

NAMES = ["content", "adversarial", "d_loss", "d_real", "d_fake"]


class Batches(keras.utils.PyDataset):
    def __init__(self, *batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def noise(random, *counts):
    """Photos nobody can enlarge: their mean grey is a better guess than copied pixels."""
    return Batches(
        *[
            (random.integers(0, 256, (n, 4, 4, 3), "uint8"), random.integers(0, 256, (n, 8, 8, 3), "uint8"))
            for n in counts
        ]
    )


def little_generator(normalised=False):
    """Near grey everywhere, so that it is better than copying pixels on noise."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = layers.BatchNormalization(momentum=0.9, name="norm")(x) if normalised else x
    x = layers.UpSampling2D(2)(layers.Conv2D(3, 1, dtype="float32")(x))
    model = keras.Model(photo, layers.Rescaling(255, dtype="float32")(x))
    kernel, bias = model.layers[-3].weights
    kernel.assign(0.05 * kernel)
    bias.assign([0.5, 0.5, 0.5])
    return model


def little_discriminator(head="dense", normalised=False):
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, -1)(photo)
    x = layers.BatchNormalization(momentum=0.9, name="norm")(x) if normalised else x
    x = layers.Conv2D(1, 1)(x) if head == "patch" else layers.Dense(1)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(photo, x)


def little_gan(optimizer=None, loss="mse", **options):
    keras.utils.set_random_seed(0)
    gan = sr.studies.gan.GAN(little_generator(**options), little_discriminator(**options), adversarial_weight=0.01)
    gan.compile(optimizer or keras.optimizers.Adam(1e-3), loss=loss, metrics=[sr.metrics.PSNR()])
    return gan


SMALL = 1e-5  # so that the gradients of the content, the adversarial and the discriminator's loss weigh alike


def small_square(y_true, y_pred):
    return SMALL * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=(1, 2, 3))


class ByHand:
    """The same two linear networks with their gradients written out, in NumPy."""

    def __init__(self, gan, head, weight):
        self.head, self.weight = head, weight
        self.weights = [np.float64(value).reshape(-1, 1 if value.shape[-1] == 1 else 3) for value in gan.get_weights()]

    def step(self, low, high):
        """One pass: ({logged name: value}, [gradients: generator's kernel and bias, discriminator's])."""
        kernel, bias, seen, offset = self.weights
        x = np.repeat(np.repeat(low / 255, 2, 1), 2, 2)
        fake = 255 * (x @ kernel + bias)
        pixels = fake[0, ..., 0].size

        def features(pictures):
            scaled = (pictures / 127.5 - 1).reshape(len(pictures), pixels, 3)
            return scaled if self.head == "patch" else scaled.mean(1, keepdims=True)

        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        (real_seen, fake_seen), n = (features(np.float64(high)), features(fake)), len(low)
        on_real, on_fake = real_seen @ seen + offset, fake_seen @ seen + offset
        content, adversarial = SMALL * np.mean((fake - high) ** 2), np.mean(np.logaddexp(0, -on_fake))
        d_loss = np.mean(np.logaddexp(0, -on_real)) + np.mean(np.logaddexp(0, on_fake))
        values = [content, adversarial, d_loss, sigmoid(on_real).mean(), sigmoid(on_fake).mean()]
        logs = dict(zip(NAMES, values, strict=True)) | {"loss": content + self.weight * adversarial + d_loss}

        to_logit = -sigmoid(-on_fake) / on_fake.size  # of the adversarial loss
        to_pixel = to_logit @ seen.T / 127.5 / (1 if self.head == "patch" else pixels)
        to_fake = 2 * SMALL * (fake - high) / fake.size + self.weight * np.broadcast_to(
            to_pixel, (n, pixels, 3)
        ).reshape(fake.shape)
        generator = [255 * np.einsum("nhwi,nhwo->io", x, to_fake), 255 * to_fake.sum((0, 1, 2))[None]]
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


@pytest.mark.parametrize("head", ["dense", "patch"])
@pytest.mark.parametrize("method", ["gradient", "adam"])
def test_a_step_is_two_separate_steps_by_hand(method, head, random):
    """So no gradient mixes, one Adam equals two, both start from the same state, and every number is right."""
    keras.utils.set_random_seed(1)
    weight = 1.5
    gan = sr.studies.gan.GAN(little_generator(), little_discriminator(head), adversarial_weight=weight)
    optimizer = keras.optimizers.SGD(1e-2) if method == "gradient" else keras.optimizers.Adam(1e-2)
    gan.compile(optimizer, loss=small_square)
    by_hand, separate = ByHand(gan, head, weight), (adam(1e-2), adam(1e-2))
    batches, before = noise(random, 4, 2, 3), [value.copy() for value in by_hand.weights]

    history = gan.fit(batches, validation_data=batches, epochs=1, verbose=0, shuffle=False).history
    steps = []
    for low, high in batches.batches:
        logs, gradients = by_hand.step(low, high)
        steps.append((logs, len(low)))
        for place, gradient in enumerate(gradients):
            step = -1e-2 * gradient if method == "gradient" else separate[place // 2](place, gradient)
            by_hand.weights[place] = by_hand.weights[place] + step

    for found, expected, old in zip(gan.get_weights(), by_hand.weights, before, strict=True):
        change = expected - old
        np.testing.assert_allclose(found.reshape(old.shape) - old, change, atol=2e-3 * np.abs(change).max() + 2e-7)
    validation = [(by_hand.step(low, high)[0], len(low)) for low, high in batches.batches]
    for prefix, passes in (("", steps), ("val_", validation)):
        for name in [*NAMES, "loss"]:
            mean = np.average([logs[name] for logs, _ in passes], weights=[count for _, count in passes])
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


def test_statistics_see_each_real_and_fake_batch_once_and_only_in_training(random):
    gan = little_gan(keras.optimizers.SGD(0.0), normalised=True)
    (low, high), batches = (both := noise(random, 3).batches[0]), Batches(both)

    def means():
        norms = [network.get_layer("norm") for network in (gan.generator, gan.discriminator)]
        return [keras.ops.convert_to_numpy(norm.moving_mean) for norm in norms]

    before = means()
    gan.evaluate(batches, verbose=0)
    for one, other in zip(means(), before, strict=True):
        assert np.array_equal(one, other)
    fake = gan.generator(low, training=True)  # moves the generator's own by one batch
    gan.fit(batches, verbose=0)
    seen = [
        keras.ops.convert_to_numpy(pictures).astype("float64").mean((0, 1, 2)) / 127.5 - 1 for pictures in (high, fake)
    ]
    np.testing.assert_allclose(means()[1], 0.1 * 0.9 * seen[0] + 0.1 * seen[1], atol=1e-4)
    np.testing.assert_allclose(means()[0], 0.19 * (low / 255).mean((0, 1, 2)), atol=1e-4)


def test_without_a_content_loss_only_the_adversary_counts(random):
    gan = little_gan(loss=None)
    logs = gan.evaluate(noise(random, 2), return_dict=True, verbose=0)
    assert logs["content"] == 0
    assert logs["loss"] == pytest.approx(0.01 * logs["adversarial"] + logs["d_loss"], rel=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_losses_in_float32(policy, random):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        gan = little_gan(loss="mae", normalised=True)
        batches = Batches(*noise(random, 2).batches * 12)
        gan.discriminator.layers[-1].kernel.assign([[0.0]] * 3)
        gan.discriminator.layers[-1].bias.assign([3.0])
        logs = gan.evaluate(batches, return_dict=True, verbose=0)
        assert logs["adversarial"] == pytest.approx(np.logaddexp(0, -3), rel=1e-5)
        start = [network.get_weights() for network in (gan.generator, gan.discriminator)]
        gan.fit(batches, verbose=0)
    finally:
        keras.config.set_dtype_policy(before)
    assert isinstance(gan.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    for old, network in zip(start, (gan.generator, gan.discriminator), strict=True):
        assert all(np.isfinite(value).all() for value in network.get_weights())
        assert not np.array_equal(old[-1], network.get_weights()[-1])


def test_a_random_generator_is_refused(random):
    gan = little_gan()
    batches = noise(random, 4)
    trained = gan.generator.get_weights()
    gan.generator.set_weights([10 * value for value in trained])
    low, high = batches.batches[0]
    copied = np.repeat(np.repeat(low, 2, 1), 2, 2)
    least = 10 * np.log10(255**2 / np.mean((np.float64(copied) - high) ** 2))
    with pytest.raises(ValueError, match=rf"where copying pixels has {least:.2f} dB; train it first with compile\("):
        gan.fit(batches, verbose=0)
    assert int(gan.optimizer.iterations) == 0
    gan.generator.set_weights(trained)
    gan.fit(batches, validation_data=batches, verbose=0)
    gan.generator.set_weights([np.full_like(value, np.nan) for value in trained])
    with pytest.raises(ValueError, match="got one of nan dB"):
        sr.training.require_trained(gan.generator, batches)


def test_the_validation_batches_decide_where_there_are_any(random):
    black = Batches((np.zeros((1, 4, 4, 3), "uint8"), np.zeros((1, 8, 8, 3), "uint8")))
    with pytest.raises(ValueError, match="where copying pixels has inf dB"):
        little_gan().fit(noise(random, 4), validation_data=black, verbose=0)


class Break(keras.callbacks.Callback):
    """From an epoch on: what goes wrong in adversarial training."""

    def __init__(self, change, epoch):
        super().__init__()
        self.change, self.epoch = change, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch:
            self.change(self.model)


def collapsed(gan):
    gan.generator.set_weights([0 * value for value in gan.generator.get_weights()])


def test_a_run_that_goes_on_is_not_refused(random, tmp_path):
    """Adversarial training costs PSNR, and its generator need not be better than copied pixels any more."""
    batches = noise(random, 4)
    options = {"folder": tmp_path, "keep": "last", "verbose": 0}
    sr.training.fit(little_gan(), batches, batches, epochs=1, callbacks=[Break(collapsed, 0)], **options)
    again = little_gan()
    assert list(sr.training.fit(again, batches, batches, epochs=2, **options).epoch) == [1, 2]
    with pytest.raises(ValueError, match="Expected a generator trained"):
        sr.training.require_trained(again.generator, batches)


def test_a_discriminator_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match="Expected a built discriminator"):
        sr.studies.gan.GAN(little_generator(), keras.Sequential([layers.Dense(1)]))


def test_the_generator_is_what_ships(random, tmp_path):
    gan = little_gan()
    gan.fit(noise(random, 2), verbose=0)
    sr.models.save(gan.generator, "gan", folder=tmp_path)
    low = noise(random, 2).batches[0][0]
    np.testing.assert_allclose(sr.models.load("gan", tmp_path)(low), gan(low), atol=1e-3)


def saturated(gan):
    gan.discriminator.set_weights([0 * value + 50 for value in gan.discriminator.get_weights()])


def broken(gan):
    gan.discriminator.set_weights([value * np.nan for value in gan.discriminator.get_weights()])


@pytest.mark.parametrize(
    ("change", "good", "reason"),
    [
        (collapsed, 2, r"epoch 3: val_psnr is \d\.\d\d dB, below 8 dB"),
        (saturated, 3, r"epoch 4: the discriminator is saturated for 2 epochs: d_real 1.0000, d_fake 1.0000"),
        (broken, 2, r"epoch 3: loss is nan"),
    ],
)
def test_a_run_gone_wrong_stops_with_the_last_good_state(change, good, reason, random, tmp_path, capsys):
    batches, gan = noise(random, 4), little_gan()
    options = {"guard": sr.training.collapse(8, patience=2), "keep": "last", "verbose": 0}
    history = sr.training.fit(gan, batches, batches, epochs=6, folder=tmp_path, callbacks=[Break(change, 2)], **options)
    assert list(history.epoch) == list(range(1, good + 1))
    assert pd.Series([capsys.readouterr().out]).str.contains(reason).all()
    logs = gan.evaluate(batches, return_dict=True, verbose=0)
    last = history.iloc[-1]
    assert [logs[name] for name in logs] == pytest.approx([last[f"val_{name}"] for name in logs], rel=1e-4)


def test_saturation_counts_only_in_a_row_and_on_both_sides():
    guard = sr.training.collapse(20, patience=2)
    good = {"val_psnr": 24.0, "d_real": 0.6, "d_fake": 0.4}
    sure = good | {"d_real": 0.995, "d_fake": 0.005}
    for history in ([sure], [sure, good], [sure, good, sure], [good | {"d_real": 0.999}] * 2):
        assert guard(history) is None
    for rows in ([sure] * 2, [good, *[good | {"d_real": 0.001, "d_fake": 0.001}] * 2]):
        assert "saturated for 2 epochs" in guard(rows)
    assert guard([good | {"val_psnr": float("nan")}]) == "val_psnr is nan dB, below 20 dB"
    with pytest.raises(ValueError, match="got none of val_psnr, d_fake; give"):
        guard([{"d_real": 0.5}])


def killable(folder, pause=0.0):
    """A run that a test can kill: with batch normalisation, Dropout and a learning-rate schedule."""
    import time
    from pathlib import Path

    import keras
    import numpy as np
    from keras import layers

    import srhelpers as sr

    sr.setup(seed=0, verbose=False)
    photo, large = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    inside = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(layers.UpSampling2D(2)(x)))
    generator = keras.Model(photo, sr.studies.blocks.picture(inside, "x2", base=sr.studies.blocks.enlarged(x, 2)))
    y = layers.Conv2D(4, 3, strides=2)(layers.Rescaling(1 / 127.5, -1)(large))
    y = layers.Dropout(0.2)(layers.LeakyReLU()(layers.BatchNormalization()(y)))
    discriminator = keras.Model(large, layers.Dense(1)(layers.GlobalAveragePooling2D()(y)))
    gan = sr.studies.gan.GAN(generator, discriminator)
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 15)
    gan.compile(keras.optimizers.Adam(schedule), loss="mse", metrics=[sr.metrics.PSNR()])
    training = sr.studies.multi_size.MultiSize("samples", 8, 16, batch_size=4, shuffle=True, seed=1)
    validation = sr.studies.multi_size.MultiSize("samples", 8, 16, batch_size=4)
    wait = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: time.sleep(pause))
    options = {"keep": "last", "guard": sr.training.collapse(15), "verbose": 0, "callbacks": [wait]}
    history = sr.training.fit(gan, training, validation, epochs=5, folder=folder, **options)
    history.to_csv(Path(folder, "result.csv"), index=False)
    np.savez(Path(folder, "weights.npz"), *gan.get_weights())


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    kill(killable, killed, epoch=2)
    for folder in (whole, killed):
        killable(folder)
    expected, found = (pd.read_csv(folder / "result.csv").drop(columns="seconds") for folder in (whole, killed))
    assert list(found.epoch) == [1, 2, 3, 4, 5]
    pd.testing.assert_frame_equal(found, expected)
    one, other = np.load(whole / "weights.npz"), np.load(killed / "weights.npz")
    for name in one.files:
        np.testing.assert_array_equal(one[name], other[name])


def test_a_gan_that_is_not_compiled_is_named(random):
    gan = sr.studies.gan.GAN(little_generator(), little_discriminator())
    with pytest.raises(sr.runtime.UserError, match="Expected a compiled GAN"):
        gan.fit(noise(random, 2))


def test_a_gan_is_another_run_with_another_weight_or_network():
    def key(head="dense", weight=0.1):
        gan = sr.studies.gan.GAN(little_generator(), little_discriminator(head), adversarial_weight=weight)
        gan.compile("adam", "mse")
        return sr.training.run_key(gan)

    assert key() == key()
    assert len({key(), key(head="patch"), key(weight=0.2)}) == 3


def test_a_gan_is_saved_and_loaded(random, tmp_path):
    gan = little_gan()
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.adversarial_weight == 0.01
    low = noise(random, 2).batches[0][0]
    np.testing.assert_allclose(again(low), gan(low), atol=1e-4)
