import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

import srhelpers as sr
from srhelpers.generators import Patches


@pytest.fixture
def folder(tmp_path, random):
    """Six photos of noise, 48×60 and larger, one of them gray."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        image = random.integers(0, 256, (48 + number, 60 + number, 3), dtype="uint8")
        cv2.imwrite(str(photos / f"{number}.png"), image[..., 0] if number == 3 else image)
    return photos


def turns(image):
    """The eight turns and mirrorings, by NumPy alone."""
    return [np.rot90(side, times) for side in (image, image[:, ::-1]) for times in range(4)]


def color(file):
    image = sr.datasets.read_image(file)
    return np.dstack([image] * 3) if image.ndim == 2 else image


def holds(whole, piece):
    """Where a piece lies in a picture, or None."""
    found = cv2.matchTemplate(whole, np.ascontiguousarray(piece), cv2.TM_SQDIFF)
    row, column = np.unravel_index(found.argmin(), found.shape)
    same = np.array_equal(whole[row : row + piece.shape[0], column : column + piece.shape[1]], piece)
    return (row, column) if same else None


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_low_and_high_are_the_same_piece_turned_alike(folder, scale):
    batches = Patches(folder, scale, 5, batch_size=40, batches=2)
    photos = []
    for file in sr.datasets.photos(folder):
        high = sr.degradations.crop_to_multiple(color(file), scale)
        size = high.shape[0] // scale, high.shape[1] // scale
        photos.append((sr.degradations.bicubic(high, size), high))
    seen = set()
    for low, high in zip(*batches[1], strict=True):
        places = [
            (number, turn, *place, holds(whole_high, turns(high)[turn]))
            for number, (whole_low, whole_high) in enumerate(photos)
            for turn in range(8)
            if (place := holds(whole_low, turns(low)[turn]))
        ]
        assert len(places) == 1, "it lies in one photo, turned in one way"
        number, turn, row, column, place = places[0]
        assert place == (scale * row, scale * column)
        seen.add((number, turn))
    assert {number for number, _ in seen} == set(range(6)) and {turn for _, turn in seen} == set(range(8))


def test_pieces_reach_every_corner(folder):
    """A piece as high as the photo has one row of places, and four columns, the last among them."""
    whole = sr.degradations.bicubic(color(folder / "0.png"), (12, 15))
    pieces = Patches([folder / "0.png"], 4, 12, batch_size=60)[0][0]
    places = {place for piece in pieces for turn in turns(piece) if (place := holds(whole, turn))}
    assert places == {(0, column) for column in range(4)}


def test_seed_and_epoch_fix_the_pieces(folder):
    def first(seed, epoch):
        batches = Patches(folder, 2, 8, seed=seed, batches=3)
        batches.set_epoch(epoch)
        return batches[2][0]

    np.testing.assert_array_equal(first(1, 4), first(1, 4))
    assert not np.array_equal(first(1, 4), first(1, 5))
    assert not np.array_equal(first(1, 4), first(2, 4))
    batches = Patches(folder, 2, 8, seed=1, batches=3)
    assert not np.array_equal(batches[0][0], batches[1][0])
    batches.on_epoch_end()
    assert batches.epoch == 1


def test_validation_takes_the_middle_of_every_photo_once(folder):
    batches = Patches(folder, 4, 10, batch_size=4, training=False, batches=99)
    assert [len(batches[index][0]) for index in range(len(batches))] == [4, 2]
    high = sr.degradations.crop_to_multiple(color(folder / "1.png"), 4)  # 49×61 becomes 48×60
    np.testing.assert_array_equal(batches[0][1][1], high[4:44, 8:48])
    np.testing.assert_array_equal(batches[0][0][1], sr.degradations.bicubic(high, (12, 15))[1:11, 2:12])


def test_pairs_are_taken_as_they_are(folder, tmp_path, random):
    low = random.integers(0, 256, (12, 15, 3), dtype="uint8")
    cv2.imwrite(str(tmp_path / "low.png"), low[..., ::-1])
    batches = Patches([(tmp_path / "low.png", folder / "0.png")], 4, 12, training=False)
    np.testing.assert_array_equal(batches[0][0][0], low[:, 1:13])


def test_a_pair_that_does_not_fit(folder, tmp_path):
    cv2.imwrite(str(tmp_path / "low.png"), np.zeros((11, 15, 3), "uint8"))
    with pytest.raises(ValueError, match=r"0\.png \(its low-resolution picture has 15×11 pixels in place of 15×12\)"):
        Patches([(tmp_path / "low.png", folder / "0.png")], 4, 8)


def test_flat_pieces_are_left_out(tmp_path, random):
    """Half of the photo is flat: without skipping, many pieces are; with it, none."""
    image = np.full((80, 80, 3), (220, 140, 20), "uint8")  # a colored sky has no detail
    image[:, 40:] = random.integers(110, 130, (80, 40, 1))
    cv2.imwrite(str(tmp_path / "half.png"), image)
    detail = {
        share: Patches(tmp_path, 2, 6, batch_size=32, batches=1, skip_flat=share)[0][0].std((1, 2)).mean(1)
        for share in (0, 0.7)
    }
    assert (detail[0] == 0).sum() > 6 and (detail[0.7] == 0).sum() == 0
    assert len(detail[0.7]) == 32


def test_small_photos_are_left_out_and_named(folder):
    cv2.imwrite(str(folder / "tiny.png"), np.zeros((20, 200, 3), "uint8"))
    with pytest.warns(UserWarning, match=r"1 of 7 files: .*tiny\.png \(200×20 pixels, fewer than 24×24\)") as told:
        assert len(Patches(folder, 2, 12).files) == 6
    assert told[0].filename == __file__, "the warning points at the call, not into the helper"
    with pytest.raises(ValueError, match=r"got 7 files: .*0\.png \(60×48 pixels, fewer than 600×600\)"):
        Patches(folder, 2, 300)


def test_broken_files_are_left_out_and_named(folder):
    (folder / "broken.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"1 of 7 files: .*broken\.png \(no picture\)") as told:
        assert len(Patches(folder, 2, 12).files) == 6
    assert told[0].filename == __file__


@pytest.mark.parametrize("memory", [0, 20_000])
def test_photos_beyond_memory_come_from_a_file(folder, memory):
    inside, outside = Patches(folder, 4, 6, batches=2), Patches(folder, 4, 6, batches=2, memory=memory)
    for expected, found in zip(inside[1], outside[1], strict=True):
        np.testing.assert_array_equal(expected, found)


def test_any_folder_of_ones_own_photos(tmp_path, random):
    """Mixed sizes and kinds, folders in it, and what does not belong there: one warning names what is left out."""
    color = random.integers(0, 256, (40, 50, 3), dtype="uint8")
    image, folder = Image.fromarray(color), tmp_path / "photos"
    (folder / "2025").mkdir(parents=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    image.convert("L").save(folder / "gray.jpg")
    image.convert("CMYK").save(folder / "print.jpg")
    image.convert("P").save(folder / "palette.png")
    image.convert("1").save(folder / "scan.png")
    image.convert("RGBA").save(folder / "2025" / "alpha.webp")
    image.resize((90, 33)).save(folder / "2025" / "turned.JPG", exif=turned)
    cv2.imwrite(str(folder / "sixteen.tif"), color.astype("uint16") * 257)
    image.resize((9, 90)).save(folder / "narrow.png")
    (folder / "._gray.jpg").write_bytes(b"resource fork")
    (folder / ".0123456789ab.part.png").write_bytes(b"half")
    (folder / "gray.jpg.part").write_bytes(b"half")
    (folder / "text.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="Left out 2 of 9 files") as told:
        batches = Patches(folder, 3, 8, batch_size=5, batches=4)
    assert len(told) == 1
    assert "narrow.png (9×90 pixels, fewer than 24×24)" in str(told[0].message)
    assert "text.png (no picture)" in str(told[0].message)
    assert [len(batches[step][0]) for step in range(len(batches))] == [5] * 4, "all steps, all pieces"
    assert batches.high[0][[file.name for file in batches.files].index("turned.JPG")].shape == (90, 33, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": 1},
        {"scale": 2.5},
        {"patch_size": 0},
        {"batch_size": 0},
        {"batches": -1},
        {"batches": 0},
        {"skip_flat": 1},
        {"degradation": "magic"},
        {"photos": []},
    ],
)
def test_nonsense_is_refused(folder, wrong):
    with pytest.raises(ValueError, match="Expected"):
        Patches(**{"photos": folder, **wrong})


def test_samples_without_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Patches("samples", 4, 24, batches=7)) == 7


def test_several_scales_give_the_same_piece_at_every_size(tmp_path):
    """What two-output networks train on: each target is the piece of the photo that the others show."""
    batches = Patches("samples", (2, 4), 16, batch_size=6, batches=3)
    for index in range(3):
        low, (twice, four_times) = batches[index]
        assert (low.shape[1:], twice.shape[1:], four_times.shape[1:]) == ((16, 16, 3), (32, 32, 3), (64, 64, 3))
        for target, scale in ((twice, 2), (four_times, 4)):
            means = target.reshape(6, 16, scale, 16, scale, 3).mean((2, 4))
            assert np.abs(means - low).mean() < 6  # another place or turn differs by 20 and more
    whole = Patches("samples", [2, 4], 72, training=False)
    np.testing.assert_array_equal(whole[0][1][1], Patches("samples", 4, 72, training=False)[0][1])


def marked(piece, size, rng):
    """A degradation that says where the piece was and that chance had a part: bicubic, plus a random level."""
    return sr.degradations.bicubic(piece, size) // 2 + rng.integers(100).astype("uint8")


def test_a_function_degrades_every_piece_anew(folder):
    generator = Patches(folder, 2, 8, batch_size=12, batches=2, degradation=marked)
    (low, high), (other, _) = generator[0], generator[1]
    plain_low, plain_high = Patches(folder, 2, 8, batch_size=12, batches=2)[0]
    np.testing.assert_array_equal(high, plain_high)
    added = [int(np.median(a.astype(int) - b // 2)) for a, b in zip(low, plain_low, strict=True)]
    assert len(set(added)) > 6, "each piece draws its own level"
    for image, plain, level in zip(low, plain_low, added, strict=True):
        difference = np.abs(image.astype(int) - level - plain // 2)[2:-2, 2:-2]  # its rim sees the end of the cut
        assert difference.max() <= 1
    np.testing.assert_array_equal(low, generator[0][0])
    generator.on_epoch_end()
    assert (generator[0][0] != low).any()
    assert (other != low).any()


def test_a_degraded_piece_begins_anywhere_in_a_jpeg_block(tmp_path):
    """Blocks of 8×8 whose borders are seen as steps, at places that differ from piece to piece."""
    ramp = np.linspace(0, 255, 128, dtype="uint8")
    cv2.imwrite(str(tmp_path / "ramp.png"), np.repeat(np.tile(ramp, (128, 1))[..., None], 3, 2))

    def blocks(piece, size, rng):
        small = sr.degradations.bicubic(piece, size)
        return small[::8, ::8].repeat(8, 0).repeat(8, 1)[: size[0], : size[1]]

    low, _ = Patches(tmp_path, 2, 16, batch_size=64, batches=1, degradation=blocks)[0]
    steps = [
        image if np.abs(np.diff(image[..., 0].astype(int), axis=1)).any() else image.swapaxes(0, 1) for image in low
    ]
    starts = {int(np.abs(np.diff(image[0, :, 0].astype(int))).argmax()) % 8 for image in steps}
    assert len(starts) >= 6


def test_validation_is_degraded_once_and_alike(folder):
    noise = sr.degradations.Damage(noise=20)
    low, high = Patches(folder, 4, 10, degradation=noise, training=False)[0]
    again, clean = (Patches(folder, 4, 10, degradation=d, training=False)[0][0] for d in (noise, "bicubic"))
    np.testing.assert_array_equal(low, again)
    assert 15 < (low.astype(float) - clean).std() < 25
    named, same = Patches(folder, 4, 10, degradation="noise15", training=False)[0]
    assert 10 < (named.astype(float) - clean).std() < 18
    np.testing.assert_array_equal(same, high)


def test_targets_of_smaller_scales_are_not_damaged(folder):
    damaged, plain = (
        Patches(folder, (2, 4), 6, batch_size=4, batches=1, degradation=degradation)[0][1]
        for degradation in ("jpeg20", "bicubic")
    )
    for ours, expected in zip(damaged, plain, strict=True):
        np.testing.assert_array_equal(ours, expected)
    low, (double, _) = Patches(folder, (2, 4), 6, batch_size=4, batches=1, degradation=marked)[0]
    assert low.shape == (4, 6, 6, 3)
    np.testing.assert_array_equal(double, plain[0])


def test_pairs_cannot_be_degraded_anew(folder):
    files = sr.datasets.photos(folder)
    with pytest.raises(ValueError, match="Expected photos for a degradation that is a function, got pairs"):
        Patches(list(zip(files, files, strict=True)), 2, 5, degradation=marked)
