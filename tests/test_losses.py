import h5py
import keras
import numpy as np
import pytest

import srhelpers as sr


def test_it_is_minus_the_psnr_of_each_image(random):
    target = random.integers(0, 256, (3, 16, 16, 3), "uint8")
    estimate = np.clip(target + random.normal(0, [[[[30]]], [[[10]]], [[[20]]]], target.shape), 0, 255).round()
    by_hand = np.mean(
        [sr.metrics.psnr(one, other.astype("uint8")) for one, other in zip(target, estimate, strict=True)]
    )
    loss = sr.losses.NegativePSNR()(target, estimate.astype("float32"))
    assert float(loss) == pytest.approx(-by_hand, abs=0.03)  # the floor of one gray level


def test_a_perfect_image_has_a_finite_loss():
    photos = np.zeros((1, 8, 8, 3), "float32")
    assert float(sr.losses.NegativePSNR()(photos, photos)) == pytest.approx(-20 * np.log10(255), abs=1e-3)


def test_it_is_saved_and_loaded():
    loss = sr.losses.NegativePSNR(name="psnr_loss")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


def test_charbonnier_is_a_smooth_absolute_error(random):
    target = random.integers(0, 256, (3, 8, 8, 3), "uint8")
    estimate = random.uniform(0, 255, target.shape).astype("float32")
    error = estimate - target.astype("float64")
    for epsilon in (0.255, 20.0):
        loss = sr.losses.Charbonnier(epsilon)(target, estimate)
        assert float(loss) == pytest.approx(np.mean(np.sqrt(error**2 + epsilon**2)), rel=1e-5)
    assert float(sr.losses.Charbonnier()(target, target)) == pytest.approx(0.255)


def test_charbonnier_loads_with_its_model_and_trains_a_perfect_one(tmp_path):
    model, photos = enlarger(sr.losses.Charbonnier(epsilon=0.5)), np.zeros((1, 4, 4, 3), "float32")
    assert model.train_on_batch(photos, photos) == pytest.approx(0.5)
    assert np.isfinite(model.get_weights()[0]).all()
    model.save(tmp_path / "some.keras")
    assert keras.models.load_model(tmp_path / "some.keras").loss.epsilon == 0.5


@pytest.fixture
def network():
    """Features that can be computed by hand: the pixels times 3, cut off below 100."""
    pixel = keras.Input((None, None, 3))
    triple = keras.layers.Dense(3, use_bias=False, kernel_initializer=keras.initializers.Identity(gain=3))
    return keras.Model(pixel, keras.layers.ReLU(threshold=100)(triple(pixel)))


def enlarger(loss, **options):
    convolution = keras.layers.Conv2D(3, 3, padding="same", kernel_initializer=keras.initializers.Constant(0.05))
    model = keras.Sequential([keras.Input((None, None, 3)), convolution])
    model.compile(keras.optimizers.Adam(0.002), loss, **options)
    return model


def test_content_is_the_mean_square_between_scaled_features(network, random):
    target = random.integers(0, 256, (2, 6, 8, 3), "uint8")
    estimate = random.uniform(-20, 280, target.shape).astype("float32")
    a, b = (np.where(3.0 * images > 100, 3.0 * images, 0) for images in (target, estimate))
    for scale in (1 / 12.75, 0.5):
        loss = sr.losses.Content(network, scale=scale)(target, estimate)
        assert float(loss) == pytest.approx(np.mean((scale * (a - b)) ** 2), rel=1e-5)
    assert sr.losses.Content(network).scale == 1 / 12.75
    each = sr.losses.Content(network, scale=0.5, reduction=None)(target, estimate)
    by_hand = np.mean((a - b) ** 2, (1, 2, 3)) / 4
    assert keras.ops.convert_to_numpy(each) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_content_trains_the_model_and_leaves_the_network_alone(network, random, jit_compile):
    before = network.get_weights()
    photos = random.integers(0, 256, (2, 8, 8, 3), "uint8")
    model = enlarger(sr.losses.Content(network), jit_compile=jit_compile)
    history = model.fit(photos, photos, epochs=5, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    assert np.array_equal(network.get_weights(), before)
    assert len(model.variables) == 2


def test_the_network_is_not_saved_with_the_model(network, random, tmp_path):
    def arrays(loss):
        model = enlarger(loss)
        model.train_on_batch(*random.random((2, 1, 8, 8, 3), "float32"))
        model.save_weights(tmp_path / "some.weights.h5")
        model.save(tmp_path / "some.keras")
        names = []
        with h5py.File(tmp_path / "some.weights.h5") as file:
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        return names

    assert arrays(sr.losses.Content(network)) == arrays("mse")
    arrays(sr.losses.Content(network))
    assert keras.models.load_model(tmp_path / "some.keras", compile=False).count_params() == 84
    with pytest.raises(ValueError, match="its network is not saved with it; load the model with compile=False"):
        keras.models.load_model(tmp_path / "some.keras")


def test_content_has_a_gradient_through_the_prediction_only(network):
    class Both(keras.layers.Layer):
        def build(self, shape):
            self.target, self.estimate = (self.add_weight(shape=(), initializer="ones", name=n) for n in "te")

        def call(self, images):
            self.add_loss(sr.losses.Content(network)(self.target * images, self.estimate * images + 20))
            return images

    layer = Both()
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    model.compile(keras.optimizers.SGD(1e-5))
    model.train_on_batch(np.full((1, 8, 8, 3), 200.0, "float32"))
    assert float(layer.target) == 1
    assert float(layer.estimate) < 1
