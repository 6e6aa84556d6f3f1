import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY, any_bytes, link
from keras import layers

import srhelpers as sr
from srhelpers.__main__ import main

# Published bicubic rows: PSNR-Y in dB, SSIM-Y.
PUBLISHED = {
    ("Set5", 2): (33.66, 0.9299),
    ("Set5", 3): (30.39, 0.8682),
    ("Set5", 4): (28.42, 0.8104),
    ("Set14", 4): (26.00, 0.7027),
    ("B100", 4): (25.96, 0.6675),
}
# SelfExSR's table, measured on color files as this code does: equal to the last printed digit.
SELF_EX_SR = {
    ("Set5", 2): (33.64, 0.9292),
    ("Set5", 3): (30.39, 0.8678),
    ("Set5", 4): (28.42, 0.8101),
    ("Set14", 2): (30.22, 0.8683),
    ("Set14", 3): (27.53, 0.7737),
    ("Set14", 4): (25.99, 0.7023),
    ("B100", 2): (29.55, 0.8425),
    ("B100", 3): (27.20, 0.7382),
    ("B100", 4): (25.96, 0.6672),
}


@pytest.mark.parametrize("name, scale", SELF_EX_SR)
def test_bicubic_gives_the_published_rows(benchmarks, name, scale):
    row = sr.metrics.summarise(sr.metrics.evaluate("bicubic", name, scale, path=benchmarks / name)).iloc[0]
    if (name, scale) in PUBLISHED:
        assert row.psnr_y == pytest.approx(PUBLISHED[name, scale][0], abs=0.05)
        assert row.ssim_y == pytest.approx(PUBLISHED[name, scale][1], abs=0.002)
    assert (round(row.psnr_y, 2), round(row.ssim_y, 4)) == SELF_EX_SR[name, scale]


@pytest.fixture
def two(tmp_path, photo):
    """A set of a color and a gray photo, whose sizes do not divide by the scale."""
    folder = tmp_path / "two" / "HR"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "color.png"), photo[:123, :141, ::-1])
    cv2.imwrite(str(folder / "gray.png"), photo[:90, :99, 0])
    return folder


def network(scale=2, blocks=None, name="mine"):
    """A network as a reader makes it: here its convolution gives each pixel scale×scale times, like "nearest"."""
    photo = keras.Input((None, None, 3))
    x = layers.Conv2D(3 * scale**2, 1, kernel_initializer="zeros", name="repeat")(photo)
    x = blocks(x) if blocks else x
    model = keras.Model(photo, layers.UpSampling2D(scale)(layers.Conv2D(3, 1, name="pick")(x)), name=name)
    model.get_layer("repeat").set_weights([np.tile(np.eye(3), scale**2)[None, None], np.zeros(3 * scale**2)])
    model.get_layer("pick").set_weights([np.eye(3 * scale**2, 3)[None, None], np.zeros(3)])
    return model


def test_a_row_is_what_the_parts_give(two, photo):
    rows = sr.metrics.evaluate("bicubic", two, 4)
    assert list(rows.image) == ["color", "gray"]
    reference = photo[:120, :140]
    grown = sr.degradations.resize(sr.degradations.bicubic(reference, (30, 35)), (120, 140))
    assert rows.psnr_y[0] == sr.metrics.psnr(reference, grown, crop_border=4, luma=True)
    assert rows.ssim_y[0] == sr.metrics.ssim(reference, grown, crop_border=4, luma=True)
    assert rows.psnr_rgb[0] == sr.metrics.psnr(reference, grown, crop_border=4)
    assert rows.psnr_y[1] == rows.psnr_rgb[1], "a gray file is compared as it is"
    table = sr.metrics.summarise(rows)
    assert table.images[0] == 2
    assert table.psnr_y[0] == pytest.approx(rows.psnr_y.mean())
    three = pd.concat([rows, rows[:1].assign(image="again", psnr_y=99.0)])
    assert sr.metrics.summarise(three).psnr_y[0] == pytest.approx((rows.psnr_y.sum() + 99) / 3), "mean, not median"
    assert {"device", "date", "srhelpers"} <= set(table.columns)


def test_lpips_is_measured_if_asked_for(two, photo, monkeypatch):
    monkeypatch.setattr(sr.metrics.perceptual, "lpips", lambda *_, crop_border: 0.25 if crop_border == 4 else None)
    rows = sr.metrics.evaluate("bicubic", two, 4, lpips=True)
    assert rows.lpips.tolist() == [0.25] * len(rows)
    assert sr.metrics.summarise(rows).lpips.tolist() == [0.25]
    assert "lpips" not in sr.metrics.summarise(sr.metrics.evaluate("bicubic", two, 4))


@pytest.fixture
def low(two, photo):
    """Its low-resolution files, all black."""
    folder = two.parent / "LR_bicubic" / "X4"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "colorx4.png"), np.zeros((30, 35, 3), "uint8"))
    cv2.imwrite(str(folder / "grayx4.png"), np.zeros((22, 24), "uint8"))
    return folder


def test_the_sets_own_low_resolution_files_are_used(two, low):
    before, after = sr.metrics.evaluate("bicubic", two, 2), sr.metrics.evaluate("bicubic", two, 4)
    assert after.psnr_y.max() < 12 < before.psnr_y.min()
    assert sr.metrics.evaluate("bicubic", two, 4, degradation="area").psnr_y[0] > 12


def test_a_missing_or_broken_low_resolution_file_is_named_and_not_its_photo(two, low):
    for spoil in (lambda: (low / "grayx4.png").write_text("text"), (low / "grayx4.png").unlink):
        spoil()
        with pytest.warns(UserWarning, match=r"1 of 2 photos of HR with bicubic ×4") as told:
            rows = sr.metrics.evaluate("bicubic", two, 4)
        assert list(rows.image) == ["color"]
        assert str(low) in str(told[0].message) and "HR/gray" not in str(told[0].message)


def test_broken_pictures_are_named_and_the_others_measured(two):
    (two / "broken.jpg").write_text("no picture")
    cv2.imwrite(str(two / "tiny.png"), np.zeros((17, 17, 3), "uint8"))
    with pytest.warns(UserWarning, match=r"2 of 4 photos[\s\S]*broken.jpg[\s\S]*tiny: Expected at least 11×11 pixels"):
        rows = sr.metrics.evaluate("bicubic", two, 4)
    assert list(rows.image) == ["color", "gray"]
    assert list(rows.attrs["failed"]) == ["broken", "tiny"]
    for name in ("color.png", "gray.png", "tiny.png"):
        (two / name).unlink()
    with pytest.raises(ValueError, match="Could not measure 1 of 1 photos of HR"):
        sr.metrics.evaluate("bicubic", two, 4)


def test_a_function_is_measured_like_a_name(two):
    def my_bicubic(image, size):
        return sr.degradations.resize(image, size)

    rows = sr.metrics.evaluate(my_bicubic, two, 4)
    assert set(rows.method) == {"my_bicubic"}
    pd.testing.assert_series_equal(rows.psnr_y, sr.metrics.evaluate("bicubic", two, 4).psnr_y)


def test_a_model_of_ones_own_and_its_file_are_measured(two, tmp_path):
    (two / "gray.png").unlink()
    expected = sr.metrics.evaluate("nearest", two, 3)
    model = network(3)
    model.save(tmp_path / "saved.keras")
    named = {
        "mine": sr.metrics.evaluate(model, two),
        "after 10 epochs": sr.metrics.evaluate(model, two, name="after 10 epochs"),
        (tmp_path / "saved.keras").as_posix(): sr.metrics.evaluate(str(tmp_path / "saved.keras"), two),
    }
    for name, rows in named.items():
        assert (rows.method[0], rows.scale[0]) == (name, 3), "its only scale"
        np.testing.assert_allclose(rows.psnr_y, expected.psnr_y, atol=0.001)
    with pytest.raises(ValueError, match="a scale of 3, as mine has it, got 2"):
        sr.metrics.evaluate(model, two, 2)
    both = keras.Model(model.input, [model.output, layers.UpSampling2D(2)(model.input)], name="both")
    with pytest.raises(ValueError, match="a scale of 2 or 3, as both has it, got None"):
        sr.metrics.evaluate(both, two)


def test_a_network_that_sees_the_whole_picture_gets_it(two, monkeypatch):
    keras.utils.set_random_seed(0)  # some starts give values that look like 0…1

    def attention(x):
        return layers.Multiply()([x, layers.Dense(12, "sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))])

    monkeypatch.setattr(sr.metrics.evaluation, "LARGEST_TILE", 40)
    assert len(sr.metrics.evaluate(network(2, attention), two)) == 2


def test_lists_of_files_and_arrays_are_measured(two, photo, tmp_path):
    expected = sr.metrics.evaluate("bicubic", two, 4)
    files = sorted(two.iterdir())
    rows = sr.metrics.evaluate("bicubic", files, 4)
    assert list(rows.psnr_y) == list(expected.psnr_y)
    assert (rows.dataset[0], rows.folder[0], list(rows.image)) == ("2 photos", two.as_posix(), ["color", "gray"])
    arrays = sr.metrics.evaluate("bicubic", [photo[:123, :141], photo[:90, :99, 0]], 4)
    assert list(arrays.psnr_y) == list(expected.psnr_y)
    assert (arrays.folder[0], list(arrays.image)) == ("", ["0", "1"])
    for single in (files[0], str(files[0]), photo[:123, :141]):
        assert list(sr.metrics.evaluate("bicubic", single, 4).psnr_y) == [expected.psnr_y[0]]
    cv2.imwrite(str(two / "gray.jpg"), photo[:40, :40])
    assert list(sr.metrics.evaluate("bicubic", two, 4).image) == ["color.png", "gray.jpg", "gray.png"]


def test_two_folders_of_one_name_are_told_apart(tmp_path, photo):
    file, rows = tmp_path / "rows.csv", []
    for name, image in (("a", photo[:40, :40]), ("b", photo[:80, 200:280])):
        (tmp_path / name / "HR").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / name / "HR" / "0.png"), image)
        rows.append(sr.metrics.evaluate("bicubic", tmp_path / name / "HR", 2))
        sr.metrics.save(sr.metrics.summarise(rows[-1]), file)
    table = sr.metrics.summarise(pd.concat(rows))
    assert list(table.psnr_y) == [rows[0].psnr_y[0], rows[1].psnr_y[0]]
    assert list(pd.read_csv(file).folder) == [(tmp_path / name / "HR").as_posix() for name in "ab"]
    assert list(sr.metrics.evaluate("bicubic", "samples", 8).folder.unique()) == [""], "known sets need none"


@pytest.mark.filterwarnings("ignore:Could not measure 1 of 3")  # the loop may be listed
def test_a_symlink_loop_does_not_stop_it(two):
    link(two / "loop.png", two / "loop.png")
    link(two / "down", two)
    assert list(sr.metrics.evaluate("bicubic", two, 4).image) == ["color", "gray"]


@any_bytes
def test_a_name_that_is_not_utf_8_is_measured_and_saved(two, tmp_path):
    os.link(two / "gray.png", os.fsencode(two) + b"/\xff.png")
    rows = sr.metrics.evaluate("bicubic", two, 4)
    assert list(rows.image) == ["color", "gray", "\\xff"]
    sr.metrics.save(rows, tmp_path / "rows.csv")
    assert len(pd.read_csv(tmp_path / "rows.csv")) == 3


def test_photos_of_two_drives_are_named(two, monkeypatch):
    def commonpath(folders):
        raise ValueError("Paths don't have the same drive")  # as on Windows

    monkeypatch.setattr(os.path, "commonpath", commonpath)
    with pytest.raises(sr.runtime.UserError, match="Expected photos of one drive"):
        sr.metrics.evaluate("bicubic", sorted(two.iterdir()), 4)


def test_damage_by_name_or_by_a_function(two, low):
    rows = {name: sr.metrics.evaluate("bicubic", two, 4, degradation=name) for name in ("area", "jpeg90", "jpeg20")}
    assert (rows["area"].psnr_y > rows["jpeg90"].psnr_y).all()
    assert (rows["jpeg90"].psnr_y > rows["jpeg20"].psnr_y).all()
    assert set(rows["jpeg20"].degradation) == {"jpeg20"}

    def twice(image, size):
        return sr.degradations.jpeg(sr.degradations.named("jpeg20")(image, size), 20)

    own = sr.metrics.evaluate("bicubic", two, 4, degradation=twice)
    assert set(own.degradation) == {"twice"}
    assert (own.psnr_y - rows["jpeg20"].psnr_y).abs().max() < 1
    second = sr.metrics.evaluate("bicubic", two, 4, degradation=sr.degradations.SecondOrder())
    assert set(second.degradation) == {"SecondOrder"}


def test_a_table_has_a_column_for_each_damage(photo):
    pieces = [photo[:96, :96], photo[100:196, 100:196]]
    table = sr.metrics.table({"bicubic": "bicubic"}, pieces, scales=(2,), degradation=["bicubic", "jpeg50"])
    assert list(table) == ["2 photos ×2, dB", "2 photos ×2 jpeg50, dB"]
    for name in ("bicubic", "jpeg50"):
        expected = sr.metrics.evaluate("bicubic", pieces, 2, degradation=name).psnr_y.mean()
        assert table.loc["bicubic"].iloc[int(name == "jpeg50")] == f"{expected:.2f}"
    if sr.metrics.perceptual.is_here():
        table = sr.metrics.table({"bicubic": "bicubic"}, pieces, degradation="noise15", lpips=True)
        assert list(table) == ["2 photos ×4 noise15, dB", "2 photos ×4 noise15, LPIPS"]
        assert 0.1 < float(table.iloc[0, 1]) < 1.5


def test_tables_are_shown_as_articles_print_them(two):
    rows = sr.metrics.evaluate("bicubic", two, 4)
    for shown in (repr(rows), rows._repr_html_(), repr(pd.concat([rows, rows]))):
        assert f"{rows.psnr_y[0]:.2f}" in shown and f"{rows.psnr_y[0]:.3f}" not in shown
        assert f"{rows.ssim_y[0]:.4f}" in shown and two.as_posix() not in shown
    assert "gray" in repr(rows.set_index("image")[["psnr_y"]]), "an index that says something is shown"
    assert repr(rows.assign(psnr_y="high"))


def test_a_shipped_model_is_measured_by_its_name(two, photo):
    rows = sr.metrics.evaluate("voc_plain", two, 4)
    assert list(rows.method) == ["voc_plain"] * 2
    small = sr.degradations.bicubic(photo[:120, :140], (30, 35))
    grown = sr.upscaling.upscale(small, "voc_plain", scale=4)
    assert rows.psnr_y[0] == pytest.approx(sr.metrics.psnr(photo[:120, :140], grown, crop_border=4, luma=True))
    assert rows.psnr_y[1] == rows.psnr_rgb[1], "a gray file is compared as it is"
    with pytest.raises(ValueError, match="a scale of 2 or 4, as voc_plain has it, got 3"):
        sr.metrics.evaluate("voc_plain", two, 3)
    with pytest.raises(ValueError, match="Expected a model that gives RGB pictures"):
        sr.metrics.evaluate("efficientnetb0_block1a", two, 4)


def test_models_are_measured_in_tiles(two, monkeypatch):
    tiles, upscale = [], sr.upscaling.upscale
    monkeypatch.setattr(sr.upscaling, "upscale", lambda *given, **o: tiles.append(o["tile"]) or upscale(*given, **o))
    large = [sr.metrics.evaluate("voc_plain", two, scale) for scale in (2, 4)]
    assert tiles == [384, 384, 192, 192]
    monkeypatch.setattr(sr.metrics.evaluation, "LARGEST_TILE", 40)
    small = [sr.metrics.evaluate("voc_plain", two, scale) for scale in (2, 4)]
    assert tiles[4:] == [20, 20, 10, 10]
    for one, other in zip(large, small, strict=True):
        np.testing.assert_allclose(one.psnr_y, other.psnr_y, atol=0.001)


def test_the_command_line_takes_models_and_methods(two, tmp_path, capsys):
    network(2).save(tmp_path / "mine.keras")
    file, mine = tmp_path / "rows.csv", (tmp_path / "mine.keras").as_posix()
    command = ["evaluate", "--dataset", str(two), "--csv", str(file)]
    assert main([*command, "--model", "voc_plain", mine, "--method", "bicubic"]) == 0
    saved = pd.read_csv(file)
    rows = [(2, "bicubic"), (2, "voc_plain"), (2, mine), (4, "bicubic"), (4, "voc_plain")]
    assert list(zip(saved.scale, saved.method, strict=True)) == rows
    assert f"{saved.psnr_y[2]:.2f}" in capsys.readouterr().out
    assert main([*command, "--model", mine, "--scale", "2"]) == 0
    assert len(pd.read_csv(file)) == 5
    assert main(command) == 1
    assert "Expected --method, --model or both, got neither" in capsys.readouterr().err


def test_the_command_line_prints_what_can_be_measured_and_tells_the_rest(two, tmp_path, capsys):
    network(4).save(tmp_path / "mine.keras")
    (two / "broken.jpg").write_text("no picture")
    command = ["evaluate", "--model", str(tmp_path / "mine.keras"), "voc_magic", "--method", "bicubic"]
    assert (
        main([*command, "--scale", "2", "4", "--dataset", str(two), "Urban100", "--csv", str(tmp_path / "t.csv")]) == 1
    )
    said = capsys.readouterr()
    assert "a scale of 4, as" in said.err and "voc_magic" in said.err and "broken.jpg" in said.err
    assert said.err.count("srhelpers download Urban100") == 1
    assert "Traceback" not in said.err and "warnings.warn" not in said.err
    assert list(pd.read_csv(tmp_path / "t.csv").method) == ["bicubic", "bicubic", (tmp_path / "mine.keras").as_posix()]
    assert "bicubic" in said.out
    assert main(["evaluate", "--method", "bicubic", "--dataset", str(two)]) == 1, "a picture was left out"


def test_save_adds_and_replaces_rows(two, tmp_path):
    file = tmp_path / "results" / "table.csv"
    bicubic = sr.metrics.summarise(sr.metrics.evaluate("bicubic", two, 4))
    nearest = sr.metrics.summarise(sr.metrics.evaluate("nearest", two, 4))
    sr.metrics.save(bicubic.assign(psnr_y=1.0), file)
    sr.metrics.save(nearest, file)
    sr.metrics.save(bicubic, file)
    saved = pd.read_csv(file).set_index("method")
    assert list(saved.index) == ["bicubic", "nearest"], "a new measurement keeps the old one's place"
    assert saved.psnr_y["bicubic"] == pytest.approx(bicubic.psnr_y[0], abs=1e-4)
    assert [path.name for path in file.parent.iterdir()] == ["table.csv"]
    with pytest.raises(ValueError, match="choose another file"):
        sr.metrics.save(sr.metrics.evaluate("bicubic", two, 4), file)
    assert len(pd.read_csv(file)) == 2


def test_save_takes_other_keys_and_columns(tmp_path):
    file = tmp_path / "runs.csv"
    for score in (20.0, 21.5):
        rows = pd.DataFrame({"experiment": ["plain", "NA"], "seed": [0, 0], "weights": ["1:1", ""], "score": score})
        sr.metrics.save(rows, file, key=["experiment", "seed"])
    kept = pd.read_csv(file, keep_default_na=False)
    assert list(kept.experiment) == ["plain", "NA"]
    assert list(kept.score) == [21.5, 21.5]
    assert list(kept.weights) == ["1:1", ""]


def test_names_that_look_like_numbers_stay_names(tmp_path, photo):
    folder = tmp_path / "2024"
    for name in ("0001", "101085", "NA", "below/0001"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{name}.png"), photo[:40, :40, ::-1])
    rows, file = sr.metrics.evaluate("bicubic", folder, 2), tmp_path / "rows.csv"
    for _ in range(3):
        sr.metrics.save(rows, file)
        sr.metrics.save(sr.metrics.summarise(rows), tmp_path / "table.csv")
    assert sorted(pd.read_csv(file, dtype=str, keep_default_na=False).image) == ["0001", "101085", "NA", "below/0001"]
    assert len(pd.read_csv(tmp_path / "table.csv")) == 1


def test_a_low_resolution_file_of_another_picture_is_refused(two, low):
    cv2.imwrite(str(low / "colorx4.png"), np.zeros((17, 17, 3), "uint8"))
    with pytest.warns(UserWarning, match=r"colorx4.png to have the shape \(30, 35, 3\), got \(17, 17, 3\)"):
        sr.metrics.evaluate("bicubic", two, 4)
    cv2.imwrite(str(low / "colorx4.png"), np.zeros((30, 35), "uint8"))
    assert len(sr.metrics.evaluate("bicubic", two, 4)) == 2, "a gray file serves a color photo"


def test_wrong_input_is_named(two):
    with pytest.raises(ValueError, match=r"interpolation of nearest, .*, or a model; .*got 'magic'"):
        sr.metrics.evaluate("magic", two, 4)
    with pytest.raises(ValueError, match="Expected a Keras model, a name, a file or a function, got int"):
        sr.metrics.evaluate(7, two, 4)
    with pytest.raises(ValueError, match=r"degradation of bicubic, .*, got 'fax'"):
        sr.metrics.evaluate("bicubic", two, 4, degradation="fax")
    with pytest.raises(ValueError, match="whole scale of at least 2, got 1"):
        sr.metrics.evaluate("bicubic", two, 1)
    with pytest.raises(ValueError, match="Expected a scale, since bicubic takes any"):
        sr.metrics.evaluate("bicubic", two)
    for data in ([], 7, [7]):
        with pytest.raises(ValueError, match="Expected a dataset, a folder, or a list of files or arrays, got"):
            sr.metrics.evaluate("bicubic", data, 4)
    with pytest.raises(FileNotFoundError, match="srhelpers download Urban100"):
        sr.metrics.evaluate("bicubic", "Urban100", 4)


def test_several_save_at_once(tmp_path):
    file = tmp_path / "rows.csv"
    rows = [pd.DataFrame({"dataset": [f"set {n}"], "psnr_y": [float(n)]}) for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda row: sr.metrics.save(row, file), rows))
    assert sorted(pd.read_csv(file).psnr_y) == list(range(12))
    assert [path.name for path in tmp_path.glob("*rows*")] + list(tmp_path.glob("*.part*")) == ["rows.csv"]


@pytest.mark.parametrize("damage", ["Set5,2", 'Set5,"2', "Set5,2,high,0.9", "Set5,2,3,4,5", "Set5,2,\x00"])
def test_a_half_written_csv_is_named_and_left_as_it_is(tmp_path, damage):
    file = tmp_path / "rows.csv"
    row = pd.DataFrame({"dataset": ["Set5"], "scale": [4], "psnr_y": [28.0], "ssim_y": [0.8]})
    sr.metrics.save(row, file)
    content = file.read_text() + damage
    file.write_text(content)
    with pytest.raises(ValueError, match=r"rows.csv, but it is damaged .*; mend or remove it"):
        sr.metrics.save(row, file)
    assert file.read_text() == content
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.parametrize("name", ["benchmarks", "interpolation"])
def test_published_tables_take_new_rows(tmp_path, name, monkeypatch):
    file = tmp_path / "copy.csv"
    file.write_bytes((REPOSITORY / "data" / "results" / f"{name}.csv").read_bytes())
    before = pd.read_csv(file)
    monkeypatch.setattr(sr.metrics.perceptual, "lpips", lambda *_, **__: 0.5)
    rows = sr.metrics.evaluate("bicubic", "samples", 8, lpips=name == "benchmarks")
    sr.metrics.save(sr.metrics.summarise(rows), file)
    pd.testing.assert_frame_equal(pd.read_csv(file)[: len(before)], before)
    assert len(pd.read_csv(file)) == len(before) + 1


def test_the_bicubic_line_of_a_curve_is_what_evaluate_finds(tmp_path, photo):
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file, top in zip(files, (0, 96), strict=True):
        cv2.imwrite(str(file), photo[top : top + 96, :96])
    both = sr.generators.Patches(files, (2, 4), 24, batch_size=2, training=False)
    found = sr.metrics.bicubic_psnr(both)
    assert list(found) == ["x2_psnr", "x4_psnr"]
    assert found["x4_psnr"] == pytest.approx(sr.metrics.evaluate("bicubic", files, 4).psnr_y.mean(), abs=0.02)
    one = sr.metrics.bicubic_psnr(sr.generators.Patches(files, 2, 48, training=False))
    assert one == {"psnr": pytest.approx(sr.metrics.evaluate("bicubic", files, 2).psnr_y.mean(), abs=0.02)}
    assert found["x2_psnr"] != pytest.approx(one["psnr"], abs=0.02), "from 24 pixels, not from 48"
