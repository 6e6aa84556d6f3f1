import keras
import numpy as np
import pytest
from keras import layers

import srhelpers as sr


def network(activation="relu", filters=4, name=None):
    photo = keras.Input((None, None, 3))
    x = layers.Conv2D(filters, 3, padding="same", activation=activation)(photo)
    inner = keras.Sequential([keras.Input((None, None, filters)), layers.Dropout(0.1), layers.Conv2D(3, 1)])
    return keras.Model(photo, layers.Add(name=name)([photo, inner(x) * 0.5]))


def key(model=None, optimizer=None, loss="mse", loss_weights=None, **facts):
    model = network() if model is None else model
    model.compile(optimizer or keras.optimizers.Adam(1e-3), loss, loss_weights)
    return sr.training.run_key(model, **facts)


def test_the_same_network_built_twice_is_one_run():
    assert key() == key() == key(network(name="mine"))
    assert key(loss=sr.losses.Charbonnier()) == key(loss=sr.losses.Charbonnier())


def test_whatever_is_changed_makes_another_run():
    cosine = keras.optimizers.schedules.CosineDecay
    keys = [
        key(),
        key(network("sigmoid")),
        key(network(filters=5)),
        key(optimizer="sgd"),
        key(optimizer=keras.optimizers.Adam(1e-4)),
        key(optimizer=keras.optimizers.Adam(cosine(1e-3, 100))),
        key(optimizer=keras.optimizers.Adam(cosine(1e-3, 200))),
        key(loss="mae"),
        key(loss=sr.losses.Charbonnier()),
        key(loss=sr.losses.Charbonnier(epsilon=1.0)),
        key(loss_weights=[0.5]),
        key(photos=200),
        key(photos=201),
        key(name="a"),
        key(name="b"),
        key(data=np.arange(3)),
        key(data=np.arange(4)),
    ]
    assert len(set(keys)) == len(keys)


def test_the_precision_counts():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = key()
    finally:
        keras.config.set_dtype_policy("float32")
    assert mixed != key()


def test_activations_in_layers_of_the_same_name_as_themselves_are_told_apart():
    def named(activation):
        layer = layers.Activation(activation, name=activation)
        return keras.Sequential([keras.Input((2,)), layers.Dense(2), layer])

    assert key(named("relu")) != key(named("sigmoid"))


def test_a_loss_of_ones_own_is_told_by_its_text_and_its_constants():
    def weighted(weight):
        def loss(y_true, y_pred):
            return weight * keras.ops.mean(keras.ops.abs(y_true - y_pred))

        return loss

    def other(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred))

    assert key(loss=weighted(1.0)) == key(loss=weighted(1.0))
    keys = {key(loss=weighted(1.0)), key(loss=weighted(2.0)), key(loss=other), key(loss=lambda y, p: y - p)}
    assert len(keys) == 4


def plain(activation):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.convolution = layers.Conv2D(3, 3, padding="same", activation=activation)

        def call(self, inputs):
            return self.convolution(inputs)

    return Net()


def residual(activation):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.convolution = layers.Conv2D(3, 3, padding="same", activation=activation)

        def call(self, inputs):
            return inputs + self.convolution(inputs)

    return Net()


def test_a_class_of_ones_own_is_told_by_its_text_and_its_layers():
    keys = []
    for model in (plain("relu"), plain("relu"), plain("sigmoid"), residual("relu")):
        model(np.zeros((1, 4, 4, 3), "float32"))
        keys.append(key(model))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_the_network_of_a_content_loss_counts():
    def content(size):
        return sr.losses.Content(keras.Sequential([keras.Input((None, None, 3)), layers.AveragePooling2D(size)]))

    assert key(loss=content(2)) == key(loss=content(2)) != key(loss=content(3))


def test_a_model_that_is_not_compiled_is_named():
    with pytest.raises(sr.runtime.UserError, match="Expected a compiled model"):
        sr.training.run_key(network())
