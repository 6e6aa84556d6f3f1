"""Several devices, simulated on the CPU, train as one does and see the same photos."""

import inspect
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import REPOSITORY

import srhelpers as sr

DEVICES = 4


def trained(folder, devices):
    """What training, the GAN of lesson 07, a resumed run, and the metrics give; the folder has the resumed run."""
    import json
    import os
    import sys
    from pathlib import Path

    import keras
    import numpy as np

    import srhelpers as sr

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        cpu = tensorflow.config.list_physical_devices("CPU")[0]
        several = [tensorflow.config.LogicalDeviceConfiguration()] * int(os.environ["SIMULATED"])
        tensorflow.config.set_logical_device_configuration(cpu, several)
    loaded_before = sr.models.load("voc_residual")
    runtime = sr.setup(devices=int(devices), verbose=False)
    files = sr.datasets.photos("samples")

    def network():
        keras.utils.set_random_seed(1)
        photo = keras.Input((None, None, 3))
        features = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(keras.layers.Rescaling(1 / 255)(photo))
        detail = sr.layers.DepthToSpace(2)(keras.layers.Conv2D(12, 1)(features))
        picture = keras.layers.Rescaling(255.0)(detail)
        return keras.Model(photo, keras.layers.Add(name="x2")([sr.layers.BicubicUpSampling(2)(photo), picture]))

    def compiled():
        model = network()
        model.compile(keras.optimizers.SGD(1e-5), "mae", metrics=[sr.metrics.PSNR(luma=True)])
        return model

    training = sr.generators.Patches(files, 2, 12, batch_size=8, batches=20)
    validation = sr.generators.Patches(files[:11], 2, 12, batch_size=4, training=False)
    model = compiled()
    history = model.fit(training, validation_data=validation, shuffle=False, verbose=0).history
    rows = sr.metrics.evaluate(model, [sr.datasets.read_image(file)[:70, :90] for file in files[:2]], 2)
    tiled = sr.upscaling.upscale(sr.datasets.sample("chelsea")[:50, :90], model, tile=24)
    whole = sr.upscaling.upscale(sr.datasets.sample("chelsea")[:50, :90], model)

    short = sr.generators.Patches(files, 2, 12, batch_size=8, batches=3)
    resumed = compiled()
    sr.training.fit(
        resumed, short, epochs=int(sys.argv[3]), folder=Path(folder), keep="last", monitor="loss", verbose=0
    )

    sys.path.insert(0, sys.argv[4])
    from lesson import definitions

    keras.utils.set_random_seed(2)
    judge = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(1, 3)])
    gan = definitions("07")["SRGAN"](network(), judge, lambda real, fake: keras.ops.mean(keras.ops.square(real - fake)))
    # TensorFlow adds up what the devices return from a `compute_loss` of one's own, a factor that Adam does not see.
    summed = sr.runtime.replicas() if keras.backend.backend() == "tensorflow" else 1
    gan.compile(keras.optimizers.SGD(1e-5 / summed))
    begun = {"fit": network().get_weights(), "gan": gan.get_weights()}
    gan.fit(training, shuffle=False, verbose=0)

    weights = {name: made.get_weights() for name, made in {"fit": model, "resumed": resumed, "gan": gan}.items()}
    moved = {
        name: max(float(np.abs(new - old).max()) for new, old in zip(weights[name], begun[name], strict=True))
        for name in begun
    }
    np.savez(
        Path(sys.argv[5]), **{f"{name}{n}": each for name, each_of in weights.items() for n, each in enumerate(each_of)}
    )
    psnr = {name: float(values[-1]) for name, values in history.items()} | {"evaluate": float(rows.psnr_y.mean())}
    reloaded = sr.models.load("voc_residual") is not loaded_before
    found = {"devices": runtime.devices, "replicas": sr.runtime.replicas(), "reloaded": reloaded, "scores": psnr}
    found["moved"] = moved
    found["same"] = bool((np.abs(tiled.astype(int) - whole) <= 1).all())
    print(json.dumps(found))


def run(devices, folder, epochs, weights):
    code = f"import sys\n{inspect.getsource(trained)}\n{trained.__name__}(*sys.argv[1:3])"
    environment = os.environ | {"KERAS_BACKEND": keras.backend.backend(), "SIMULATED": str(DEVICES)}
    environment["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"
    arguments = [str(folder), str(devices), str(epochs), str(REPOSITORY / "recipes"), str(weights)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]), dict(np.load(weights))


@pytest.mark.slow
def test_several_devices_train_as_one_and_a_run_goes_on_with_another_number(tmp_path):
    whole, moved = tmp_path / "whole", tmp_path / "moved"
    one, weights = run(1, whole, 3, tmp_path / "one.npz")
    several, shared = run(DEVICES, moved, 1, tmp_path / "several.npz")
    fewer, _ = run(1, moved, 2, tmp_path / "fewer.npz")
    more, ended = run(DEVICES, moved, 3, tmp_path / "more.npz")
    runs = (one, several, fewer, more)
    assert [found["devices"] for found in runs] == [1, DEVICES, 1, DEVICES]
    assert [found["replicas"] for found in runs] == [1, DEVICES, 1, DEVICES]
    assert [found["reloaded"] for found in runs] == [False, True, False, True], "loaded before, they have one copy"
    assert all(found["same"] for found in runs)
    assert several["scores"] == pytest.approx(one["scores"], abs=1e-3), "no photo is lost or counted twice"
    assert min(one["moved"].values()) > 1e-3, "a hundred times what is allowed below"
    for name in weights:
        if not name.startswith("resumed"):
            np.testing.assert_allclose(shared[name], weights[name], atol=1e-5, err_msg=name)
        np.testing.assert_allclose(ended[name], weights[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("shared", [1, 2, 3, 4, 8])
def test_validation_sees_each_photo_once_in_batches_that_divide(shared, monkeypatch):
    monkeypatch.setattr(sr.runtime, "replicas", lambda: shared)
    files = sr.datasets.photos("samples")
    jax = keras.backend.backend() == "jax"
    for count in range(1 if jax else shared, len(files) + 1):
        pieces = sr.generators.Patches(files[:count], 2, 8, batch_size=4, training=False)
        batches = [pieces[n][0] for n in range(len(pieces))]
        every = sr.generators.Patches(files[:count], 2, 8, batch_size=count, training=False)
        np.testing.assert_array_equal(np.concatenate(batches), np.concatenate([every[n][0] for n in range(len(every))]))
        assert all(len(batch) % shared == 0 for batch in (batches[1:] if jax else batches[:-1]) if shared > 1)
        assert count % shared or all(len(batch) % shared == 0 for batch in batches)
        assert jax or shared == 1 or len(batches[0]) % shared == 0 or len(batches) == 1
        assert shared > 1 or [len(batch) for batch in batches[:-1]] == [4] * (len(batches) - 1)


def test_a_batch_that_does_not_divide_is_named(monkeypatch):
    monkeypatch.setattr(sr.runtime, "replicas", lambda: 3)
    with pytest.raises(
        sr.runtime.UserError, match=r"a multiple of the 3 devices .* got 4; choose 6, or call sr\.setup"
    ):
        sr.generators.Patches("samples", 2, 8, batch_size=4)


@pytest.mark.parametrize("wanted", [0, 99, "two"])
def test_devices_that_are_not_there_are_named(wanted, monkeypatch):
    monkeypatch.setenv("SR_DEVICES", f"{wanted}")
    with pytest.raises(
        sr.runtime.UserError, match=rf"Expected from 1 to \d+ devices, got {wanted} \(argument or SR_DEV"
    ):
        sr.setup()
