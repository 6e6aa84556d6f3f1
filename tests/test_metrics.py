import keras
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import srhelpers as sr


@pytest.fixture
def pictures(photo, random):
    """A piece of a photograph and four damaged copies."""
    photo = np.ascontiguousarray(photo[120:200, 300:400])
    noise = np.clip(photo + random.normal(0, 12, photo.shape), 0, 255).astype("uint8")
    small = sr.degradations.bicubic(photo, (20, 25))
    return photo, [noise, sr.degradations.resize(small, photo.shape[:2]), photo // 2, np.zeros_like(photo)]


def test_psnr_and_ssim_equal_scikit_image(pictures):
    photo, damaged = pictures
    for image in damaged:
        for luma in (False, True):
            a, b = (sr.metrics.luma(photo), sr.metrics.luma(image)) if luma else (photo, image)
            a, b = a[4:-4, 4:-4], b[4:-4, 4:-4]
            options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
            options["channel_axis"] = None if luma else 2
            psnr = sr.metrics.psnr(photo, image, crop_border=4, luma=luma)
            ssim = sr.metrics.ssim(photo, image, crop_border=4, luma=luma)
            assert psnr == pytest.approx(peak_signal_noise_ratio(a, b, data_range=255), abs=1e-4)
            assert ssim == pytest.approx(structural_similarity(a, b, **options), abs=1e-4)


def test_luma_is_matlabs():
    colors = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], "uint8")
    # rgb2ycbcr(uint8): 16 + 65.481 = 81.481, 16 + 128.553 = 144.553, 16 + 24.966 = 40.966
    assert sr.metrics.luma(colors[None]).tolist() == [[16, 235, 81, 145, 41]]
    every = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), -1).reshape(1, -1, 3).astype("uint8")
    exact = 16 + every @ np.array([65.481, 128.553, 24.966]) / 255
    assert np.abs(sr.metrics.luma(every) - exact).max() <= 0.5 + 1e-9


def test_identical_images(photo):
    assert sr.metrics.psnr(photo, photo) == float("inf")
    assert sr.metrics.ssim(photo, photo) == 1


def test_gray_images_are_compared_as_they_are(photo):
    gray, other = photo[..., 0], photo[..., 1]
    assert sr.metrics.psnr(gray, other, luma=True) == sr.metrics.psnr(gray, other)
    assert sr.metrics.ssim(gray, other, luma=True) == sr.metrics.ssim(gray, other)


@pytest.mark.parametrize("metric", ["psnr", "ssim"])
def test_wrong_input_is_named(photo, metric):
    function = getattr(sr.metrics, metric)
    with pytest.raises(ValueError, match=r"one shape, got \(400, 600, 3\) and \(396, 600, 3\)"):
        function(photo, photo[:-4])
    with pytest.raises(
        ValueError, match=r"estimate as uint8, 0 to 255, got float64 with values 0 to 1; if white is not 255"
    ):
        function(photo, photo / 255)
    with pytest.raises(ValueError, match="reference as uint8, 0 to 255, got uint16"):
        function(photo.astype("uint16"), photo)
    with pytest.raises(ValueError, match=r"one image \(H, W\) or \(H, W, 3\), got shape \(1, 400, 600, 3\)"):
        function(photo[None], photo[None])
    with pytest.raises(ValueError, match="inside the border"):
        function(photo, photo, crop_border=200)
    for wrong in (-1, 4.0, None):
        with pytest.raises(ValueError, match="crop_border as a whole number of pixels, 0 or more, got"):
            function(photo, photo, crop_border=wrong)
    for wrong in ("photo.jpg", None):
        with pytest.raises(
            ValueError, match=r"reference as a uint8 array, got .*; read files with datasets.read_image"
        ):
            function(wrong, photo)
    with pytest.raises(ValueError, match="one is gray"):
        function(photo, photo[..., 0])
    with pytest.raises(ValueError, match="uint8 RGB"):
        sr.metrics.luma(photo[..., 0])


@pytest.mark.parametrize("luma", [False, True])
@pytest.mark.parametrize("crop_border", [0, 4])
def test_keras_metrics_agree_with_the_array_functions(pictures, luma, crop_border):
    photo, damaged = pictures
    options = {"luma": luma, "crop_border": crop_border}
    truth, batch = np.stack([photo] * 4), np.stack(damaged)
    for metric, function in (
        (sr.metrics.PSNR(**options), sr.metrics.psnr),
        (sr.metrics.SSIM(**options), sr.metrics.ssim),
    ):
        expected = np.mean([function(photo, image, **options) for image in damaged])
        metric.update_state(truth[:3], batch[:3].astype("float32"))  # batches of 3 and 1: the mean is over images
        metric.update_state(truth[3:], batch[3:].astype("float32"))
        assert float(metric.result()) == pytest.approx(expected, abs=1e-4)


def test_keras_metrics_score_the_picture_that_would_be_saved(photo):
    metric, prediction = sr.metrics.PSNR(), photo.astype("float32") * 1.3 - 20.4
    metric.update_state(photo[None], prediction[None])
    saved = np.clip(prediction.round(), 0, 255).astype("uint8")
    assert float(metric.result()) == pytest.approx(sr.metrics.psnr(photo, saved), abs=1e-4)


def test_an_identical_image_does_not_make_the_mean_infinite(pictures):
    photo, damaged = pictures
    truth, batch = np.stack([photo] * 2), np.stack([photo, damaged[0]])
    for options in ({}, {"luma": True}):
        psnr, ssim = sr.metrics.PSNR(**options), sr.metrics.SSIM(**options)
        psnr.update_state(truth, batch)
        ssim.update_state(truth[:1], batch[:1])
        other = sr.metrics.psnr(photo, damaged[0], **options)
        assert float(psnr.result()) == pytest.approx((100 + other) / 2, abs=1e-3)
        assert float(ssim.result()) == pytest.approx(1, abs=1e-6)


def test_batch_psnr_of_the_articles_is_never_higher(pictures):
    photo, damaged = pictures
    metric = sr.metrics.PSNR()
    metric.update_state(np.stack([photo] * 4), np.stack(damaged))
    error = np.mean((np.stack([photo] * 4) / 255 - np.stack(damaged) / 255) ** 2)
    assert 10 * np.log10(1 / error) < float(metric.result()) - 1


@pytest.mark.parametrize("outputs, targets", [("list", "list"), ("list", "dict"), ("dict", "dict")])
def test_each_output_of_a_model_gets_its_own_metric(photo, outputs, targets):
    """Keras 3.14.0 mixed them up where a model gives a list and the targets are a dict: it sorted the names of
    one and not of the other. So the order of the outputs here is not the alphabet's."""
    inputs = keras.Input((None, None, 3))
    small = keras.layers.Identity(name="small")(inputs)
    large = keras.layers.Rescaling(0.5, name="large")(inputs)  # the same size: a mix-up would go unnoticed
    model = keras.Model(inputs, {"small": small, "large": large} if outputs == "dict" else [small, large])
    names = ("small", "large")
    metrics = {name: [sr.metrics.PSNR(), keras.metrics.MeanAbsoluteError(name="mae")] for name in names}
    model.compile("sgd", loss=dict.fromkeys(names, "mse"), metrics=metrics)

    batch = np.stack([photo, photo[::-1]])[:, 100:180, 200:300]
    truth = {"small": np.roll(batch, 1, axis=1), "large": batch}
    given = truth if targets == "dict" else [truth[name] for name in names]
    scores = model.evaluate(batch.astype("float32"), given, batch_size=1, verbose=0, return_dict=True)
    for name, prediction in (("small", batch), ("large", (batch * np.float32(0.5)).round().astype("uint8"))):
        psnr = np.mean([sr.metrics.psnr(a, b) for a, b in zip(truth[name], prediction, strict=True)])
        assert scores[f"{name}_psnr"] == pytest.approx(psnr, abs=1e-4)
        assert scores[f"{name}_mae"] == pytest.approx(np.abs(truth[name].astype(float) - prediction).mean(), abs=0.3)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_metrics_in_a_compiled_model_of_any_size_with_bfloat16_predictions(photo, jit_compile):
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.UpSampling2D(2, dtype="mixed_bfloat16")(inputs)
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse", metrics=[sr.metrics.PSNR(luma=True), sr.metrics.SSIM()], jit_compile=jit_compile)
    small = sr.degradations.area(photo, (200, 300))
    scores = model.evaluate(small[None].astype("float32"), photo[None], verbose=0, return_dict=True)
    saved = small.repeat(2, 0).repeat(2, 1)  # whole levels up to 255 are exact in bfloat16
    assert scores["psnr"] == pytest.approx(sr.metrics.psnr(photo, saved, luma=True), abs=1e-3)
    assert scores["ssim"] == pytest.approx(sr.metrics.ssim(photo, saved), abs=1e-4)


def test_sample_weights(pictures):
    photo, damaged = pictures
    truth, batch = np.stack([photo] * 3), np.stack([damaged[0], photo, damaged[1]])
    metric = sr.metrics.PSNR()
    metric.update_state(truth, batch, sample_weight=np.array([1, 0, 3], "float32"))
    expected = (sr.metrics.psnr(photo, damaged[0]) + 3 * sr.metrics.psnr(photo, damaged[1])) / 4
    assert float(metric.result()) == pytest.approx(expected, abs=1e-4)


def test_keras_metrics_name_what_does_not_fit():
    images = np.zeros((2, 16, 16, 3), "uint8")
    for metric in (sr.metrics.PSNR, sr.metrics.SSIM):
        for wrong in (images[0], images[:, :8], images[..., :1], images[:1]):
            with pytest.raises(ValueError, match=r"targets and predictions \(N, H, W, C\) of one shape, got"):
                metric().update_state(images, wrong)
        with pytest.raises(ValueError, match="3 channels for luma=True, got 2"):
            metric(luma=True).update_state(images[..., :2], images[..., :2])
        with pytest.raises(ValueError, match=r"inside the border, got \(16, 16\) with crop_border 8"):
            metric(crop_border=8).update_state(images, images)
        with pytest.raises(ValueError, match="crop_border as a whole number of pixels, 0 or more, got -4"):
            metric(crop_border=-4)
    with pytest.raises(ValueError, match="at least 11×11 pixels"):
        sr.metrics.SSIM(crop_border=3).update_state(images, images)


def test_compiled_metrics_survive_saving(tmp_path, photo):
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.UpSampling2D(2)])
    model.compile("sgd", "mse", metrics=[sr.metrics.PSNR(crop_border=2, luma=True)])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    small = sr.degradations.area(photo, (200, 300))
    expected = sr.metrics.psnr(photo, small.repeat(2, 0).repeat(2, 1), crop_border=2, luma=True)
    for version in (model, loaded):
        scores = version.evaluate(small[None].astype("float32"), photo[None], verbose=0, return_dict=True)
        assert scores["psnr"] == pytest.approx(expected, abs=1e-4)
