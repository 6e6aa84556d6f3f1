"""What any student would write: a network of their own, from training it to the command line."""

import cv2
import keras
import numpy as np
import pytest
from keras import layers

import srhelpers as sr
from srhelpers.__main__ import main


@pytest.fixture
def photos(tmp_path, photo):
    """A folder of photos of mixed sizes and kinds."""
    folder = tmp_path / "my photos" / "summer"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "large.jpg"), photo[:150, :170, ::-1])
    cv2.imwrite(str(folder / "small.PNG"), photo[200:290, 300:401, ::-1])
    cv2.imwrite(str(folder.parent / "gray.png"), photo[100:220, 100:200, 0])
    cv2.imwrite(str(folder.parent / "logo.webp"), np.dstack([photo[:97, :96, ::-1], photo[:97, :96, 0]]))
    return folder.parent


def network(scale):
    photo = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(1 / 255)(photo))
    x = layers.Conv2DTranspose(3, 2 * scale, strides=scale, padding="same", kernel_initializer="zeros")(x)
    return keras.Model(photo, layers.Add()([sr.layers.BicubicUpSampling(scale)(photo), x]))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_network_of_ones_own_from_training_to_the_command_line(scale, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = photos / "summer" / "small.PNG"
    photo = sr.datasets.read_image(file)
    batches = sr.generators.Patches(photos, scale, patch_size=16, batch_size=4, batches=3)

    model = network(scale)
    model.compile("adam", "mae", metrics=[sr.metrics.PSNR()])
    history = model.fit(batches, verbose=0)
    rows = sr.metrics.evaluate(model, photos)
    figure = sr.plots.compare(photo, {"bicubic": "bicubic", "mine": model})
    model.save("mine.keras")
    assert main(["upscale", str(file), "-o", "large.png", "--model", "mine.keras"]) == 0

    assert np.isfinite(history.history["psnr"]).all()
    assert list(rows.image) == ["gray", "logo", "summer/large", "summer/small"]
    bicubic = sr.metrics.evaluate("bicubic", photos, scale)
    assert (abs(rows.psnr_y - bicubic.psnr_y) < 3).all(), "three steps leave it near what it starts from"
    assert len(figure.get_axes()) == 4
    height, width = photo.shape[:2]
    assert cv2.imread("large.png").shape == (scale * height, scale * width, 3)
    sr.plots.history(history, baseline={"bicubic": bicubic})
    again = sr.metrics.evaluate("mine.keras", photos)
    np.testing.assert_allclose(again.psnr_y, rows.psnr_y, atol=0.001)
    assert main(["evaluate", "--model", "mine.keras", "--dataset", str(photos), "--csv", "mine.csv"]) == 0
    assert model.predict(photo[None, :40, :50], verbose=0).shape == (1, 40 * scale, 50 * scale, 3)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_network_of_ones_own_on_a_benchmark_set(scale, benchmarks, monkeypatch):
    monkeypatch.setenv("SR_DATA_DIR", str(benchmarks))
    rows = sr.metrics.evaluate(network(scale), "Set5", scale=scale)
    bicubic = sr.metrics.evaluate("bicubic", "Set5", scale=scale)
    assert list(rows.image) == list(bicubic.image) and len(rows) == 5
    np.testing.assert_allclose(rows.psnr_y, bicubic.psnr_y, atol=0.05)
