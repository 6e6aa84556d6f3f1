import os
import warnings

import cv2
import keras
import numpy as np
import pytest

import srhelpers as sr
from srhelpers.studies.multi_size import MultiSize


@pytest.fixture
def folder(tmp_path, random):
    """Ten small photos of different shapes, one of them grey."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(10):
        image = random.integers(0, 256, (20 + number, 40 - number, 3), dtype="uint8")
        cv2.imwrite(str(photos / f"{number}.png"), image[..., 0] if number == 3 else image)
    return photos


def small(folder, **options):
    return MultiSize(folder, 4, (8, 16), **{"batch_size": 4, **options})


def epoch(generator):
    batches = [generator[index] for index in range(len(generator))]
    return [np.concatenate(part) for part in zip(*((inputs, *targets) for inputs, targets in batches), strict=True)]


def test_batches_hold_every_photo_at_every_size(folder):
    generator = small(folder)
    assert [len(generator[index][0]) for index in range(len(generator))] == [4, 4, 2], "the last batch is kept"
    inputs, middle, large = epoch(generator)
    assert (inputs.shape, middle.shape, large.shape) == ((10, 4, 4, 3), (10, 8, 8, 3), (10, 16, 16, 3))
    assert {array.dtype for array in (inputs, middle, large)} == {np.dtype("uint8")}
    for row, file in enumerate(sr.datasets.photos(folder)):
        image = sr.datasets.read_image(file)
        image = np.dstack([image] * 3) if image.ndim == 2 else image
        for array, size in ((inputs, 4), (middle, 8), (large, 16)):
            np.testing.assert_array_equal(array[row], sr.degradations.area(image, (size, size)))


def test_colours_come_as_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "red.png"), np.full((9, 9, 3), (0, 0, 255), "uint8"))
    inputs, target = MultiSize(tmp_path, 2, 4)[0]
    assert inputs[0, 0, 0].tolist() == [255, 0, 0]
    assert target.shape == (1, 4, 4, 3), "a single size gives a single target"


@pytest.mark.parametrize("name", sr.degradations.DEGRADATIONS)
def test_any_degradation(folder, name):
    inputs, *_ = epoch(small(folder, degradation=name))
    image = sr.datasets.read_image(folder / "0.png")
    np.testing.assert_array_equal(inputs[0], sr.degradations.DEGRADATIONS[name](image, (4, 4)))


def test_the_articles_split(folder):
    files = sr.datasets.photos(folder)
    validation, training = small(files[:3]), small(files[3:])
    assert [file.name for file in validation.files] == ["0.png", "1.png", "2.png"]
    assert len(training.files) == 7
    assert not set(validation.files) & set(training.files)


def test_shuffling_is_new_every_epoch_and_the_same_every_run(folder):
    generator, again = small(folder, shuffle=True, seed=5), small(folder, shuffle=True, seed=5)
    orders = []
    for _ in range(3):
        assert (generator.order == again.order).all()
        orders.append(tuple(generator.order))
        assert sorted(orders[-1]) == list(range(10))
        generator.on_epoch_end()
        again.on_epoch_end()
    assert len(set(orders)) == 3
    generator.set_epoch(1)
    assert tuple(generator.order) == orders[1], "a resumed training goes on with the order it would have had"
    assert tuple(small(folder, shuffle=True, seed=6).order) != orders[0]
    fixed = small(folder)
    fixed.on_epoch_end()
    assert list(fixed.order) == list(range(10))


def test_flips_mirror_input_and_targets_alike_and_leave_the_photos_alone(folder):
    plain, flipped = small(folder), small(folder, flips=True)
    before, after = epoch(plain), epoch(flipped)
    assert 0 < flipped.flipped.sum() < 10
    for straight, mixed in zip(before, after, strict=True):
        for row in range(10):
            expected = straight[row, :, ::-1] if flipped.flipped[row] else straight[row]
            np.testing.assert_array_equal(mixed[row], expected)
    for kept, straight in zip(flipped.photos, before, strict=True):
        np.testing.assert_array_equal(kept, straight)


def test_files_that_are_no_pictures_are_left_out_and_named(folder):
    (folder / "broken.jpg").write_bytes((folder / "0.png").read_bytes()[:60])
    (folder / "text.jpg").write_text("no picture")
    with pytest.warns(
        UserWarning, match=r"Left out 2 of 12 files: .*broken.jpg \(no picture\), .*text.jpg \(no picture\)"
    ) as told:
        generator = small(folder)
    assert len(told) == 1
    assert told[0].filename == __file__, "the warning points at the call, not into the helper"
    inputs, *_ = epoch(generator)
    assert len(inputs) == len(generator.files) == 10
    with (
        pytest.raises(ValueError, match=r"at least one photo .*, got 2 files: .*broken.jpg"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        small([folder / "broken.jpg", folder / "text.jpg"])


def test_fewer_photos_than_a_batch(folder):
    generator = small(folder, batch_size=64)
    assert len(generator) == 1
    assert len(generator[0][0]) == 10


def test_wrong_input_is_named(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"Looked in .*empty \(no images in it\)"):
        small(tmp_path / "empty")
    with pytest.raises(ValueError, match="at least one photo, got an empty list"):
        small([])
    with pytest.raises(ValueError, match="whole sizes and batch_size above 0"):
        small(folder, batch_size=0)
    with pytest.raises(ValueError, match=r"a degradation of bicubic, area, .*, blur, got 'fax'"):
        small(folder, degradation="fax")


@pytest.mark.parametrize("memory", [1, 1000, 5000])
def test_what_does_not_fit_into_memory_comes_from_a_file_that_nobody_else_sees(folder, memory):
    reference = epoch(small(folder, shuffle=True, flips=True))
    (folder / "zz.jpg").write_text("no picture")
    with pytest.warns(UserWarning, match="Left out 1 of 11"):
        mapped = small(folder, shuffle=True, flips=True, memory=memory)
    for expected, found in zip(reference, epoch(mapped), strict=True):
        np.testing.assert_array_equal(expected, found)
    with pytest.raises(ValueError, match="read-only"):
        mapped.photos[0][0] = 0
    if os.name == "posix":
        assert not list(sr.runtime.folder("cache").iterdir())


def test_a_full_disk_is_an_error_and_nothing_is_left(folder):
    resource = pytest.importorskip("resource")
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
    before = epoch(small(folder, memory=memory))[0]
    file = folder / "0.bmp"
    times = []
    for level in (0, 255):
        cv2.imwrite(str(file), np.full((30, 30, 3), level, "uint8"))
        times.append(file.stat().st_size)
        os.utime(file, ns=(10**18, 10**18))
        after = epoch(small(folder, memory=memory))[0]
        assert len(after) == len(before) + 1
        assert (after[0] == level).all()
    assert times[0] == times[1]


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
    generator = small(folder, shuffle=True, flips=True, workers=workers)
    history = model.fit(generator, epochs=2, validation_data=small(folder), verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert generator.epoch >= 2, "Keras may ask once more, when it builds the model"
