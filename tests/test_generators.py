"""What `Patches` decodes, and how it keeps it."""

import os

import cv2
import keras
import numpy as np
import pytest
from conftest import any_bytes

import srhelpers as sr


@pytest.fixture
def folder(tmp_path, random):
    """Ten small photos of different shapes, one of them gray."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(10):
        image = random.integers(0, 256, (20 + number, 40 - number, 3), dtype="uint8")
        cv2.imwrite(str(photos / f"{number}.png"), image[..., 0] if number == 3 else image)
    return photos


def small(folder, **options):
    return sr.generators.Patches(folder, (2, 4), 4, **{"batch_size": 4, **options})


def epoch(generator):
    batches = [generator[index] for index in range(len(generator))]
    return [np.concatenate(part) for part in zip(*((inputs, *targets) for inputs, targets in batches), strict=True)]


def test_colors_come_as_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "red.png"), np.full((9, 9, 3), (0, 0, 255), "uint8"))
    inputs, target = sr.generators.Patches(tmp_path, 2, 2, training=False)[0]
    assert inputs[0, 0, 0].tolist() == [255, 0, 0]
    assert target.shape == (1, 4, 4, 3), "a single scale gives a single target"


@pytest.mark.parametrize("name", sr.degradations.DEGRADATIONS)
def test_any_degradation(tmp_path, random, name):
    image = random.integers(0, 256, (16, 16, 3), dtype="uint8")
    cv2.imwrite(str(tmp_path / "photo.png"), image[..., ::-1])
    inputs, _ = sr.generators.Patches(tmp_path, 4, 4, training=False, degradation=name)[0]
    np.testing.assert_array_equal(inputs[0], sr.degradations.DEGRADATIONS[name](image, (4, 4)))


@pytest.mark.parametrize("memory", [1, 1000, 5000])
def test_what_does_not_fit_into_memory_comes_from_a_file_that_nobody_else_sees(folder, memory):
    reference = epoch(small(folder))
    (folder / "zz.jpg").write_text("no picture")
    with pytest.warns(UserWarning, match="Left out 1 of 11"):
        mapped = small(folder, memory=memory)
    for expected, found in zip(reference, epoch(mapped), strict=True):
        np.testing.assert_array_equal(expected, found)
    with pytest.raises(ValueError, match="read-only"):
        mapped.low[0][0] = 0
    if os.name == "posix":
        assert not list(sr.runtime.folder("cache").iterdir())


def test_a_full_disk_is_an_error_and_nothing_is_left(folder):
    resource = pytest.importorskip("resource", reason="Windows has no limit of a file's size")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            small(folder, memory=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(sr.runtime.folder("cache").iterdir())


@pytest.mark.parametrize("memory", [1, None])
def test_a_photo_that_was_replaced_gives_new_pixels(folder, memory):
    """Also one of the same size and time, which a cache that knows files by these would not notice."""
    before = epoch(small(folder, memory=memory, training=False))[0]
    file = folder / "0.bmp"
    times = []
    for level in (0, 255):
        cv2.imwrite(str(file), np.full((30, 30, 3), level, "uint8"))
        times.append(file.stat().st_size)
        os.utime(file, ns=(10**18, 10**18))
        after = epoch(small(folder, memory=memory, training=False))[0]
        assert len(after) == len(before) + 1
        assert (after[0] == level).all()
    assert times[0] == times[1]


@any_bytes
def test_names_with_line_breaks_and_other_bytes(folder):
    odd = [b"two\nlines.png", b"caf\xe9.png"]
    for name in odd:
        (folder / os.fsdecode(name)).write_bytes((folder / "0.png").read_bytes())
    names = {os.fsencode(file.name) for file in small(folder, memory=1).files}
    assert names >= set(odd)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_model_with_two_outputs_fits(folder, workers):
    inputs = keras.Input((None, None, 3))
    pixels = keras.layers.Rescaling(1 / 255)(inputs)
    x2 = keras.layers.Conv2D(3, 1, name="x2")(keras.layers.UpSampling2D(2)(pixels))
    x4 = keras.layers.Conv2D(3, 1, name="x4")(keras.layers.UpSampling2D(4)(pixels))
    model = keras.Model(inputs, [x2, x4])
    model.compile("adam", loss=["mse", "mse"])
    generator = small(folder, workers=workers)
    history = model.fit(generator, epochs=2, validation_data=small(folder, training=False), verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert generator.epoch >= 2, "Keras may ask once more, when it builds the model"
