"""The lessons as a student runs them: with lines changed, on photos of one's own."""

import ast
import re

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from conftest import CONSTANT, REPOSITORY, SHORTER, changed, has
from matplotlib.figure import Figure
from matplotlib.text import Text

import srhelpers as sr

SCRIPTS = {file.stem: file for file in sorted((REPOSITORY / "notebooks" / "scripts").glob("*.py"))}
CHANGES = {
    "network": {"BLOCKS": 3, "DEPTH": 3, "FILTERS": 24, "DISCRIMINATOR_FILTERS": 16, "BATCH_SIZE": 6, "STEPS": 6},
    "scale": {"SCALE": 2},
}
PIECES = {"07": "squares", "12": "photos"}  # names of what tables measure where it is not `validation_files`


class Source(str):
    """What `changed` writes into a script as it stands."""

    __repr__ = str.__str__


def cells(text):
    """(is it code, source without comment marks) of each cell of a percent script."""
    for cell in re.split(r"(?m)^# %%", text)[1:]:
        head, _, source = cell.partition("\n")
        code = "[markdown]" not in head
        yield code, source if code else re.sub(r"(?m)^# ?", "", source)


def solutions(text):
    """The folded blocks of code."""
    folded = re.findall(r"(?s)<details>.*?</details>", "\n".join(source for code, source in cells(text) if not code))
    return [block for fold in folded for block in re.findall(r"(?s)```python\n(.*?)```", fold)]


def run(source, names, where):
    """What the last line of a cell shows, or None."""
    tree, last = ast.parse(source), None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, where, "exec"), names)
    return last and eval(compile(last, where, "eval"), names)


def run_lesson(name, text, until=None):
    """(names, what the cells show). The cell that installs the package is left out.

    `until`: stop after the cell that makes this name.
    """
    names, shown = {"__name__": "__main__"}, []
    for number, (code, source) in enumerate(cells(text)):
        if code and 'find_spec("srhelpers")' not in source:
            shown.append(run(source, names, f"{name}, cell {number}"))
            if until in names:
                break
    return names, shown


TRAINING = {name: text for name, file in SCRIPTS.items() if has(text := file.read_text(encoding="utf-8"), "STEPS")}
RUNS = [
    (name, kind)
    for name, text in TRAINING.items()
    for kind, constants in CHANGES.items()
    if has(text, "PHOTOS") and any(has(text, constant) for constant in constants)
]


@pytest.fixture
def own_photos(tmp_path):
    """Forty photos of odd sizes; the first and the last one are too small to validate."""
    folder, random = tmp_path / "my photos", np.random.default_rng(0)
    folder.mkdir()
    for number in range(40):
        height, width = random.integers(289, 350, 2) if 0 < number < 39 else (131, 175)
        coarse = cv2.resize(random.integers(0, 256, (12, 15, 3)).astype("uint8"), (int(width), int(height)))
        fine = random.normal(0, 8, (height, width, 1))
        cv2.imwrite(str(folder / f"IMG_{number:04}.png"), np.clip(coarse + fine, 0, 255).astype("uint8"))
    return folder


@pytest.fixture
def as_a_student(tmp_path, monkeypatch):
    """A working folder of one's own; afterwards the precision is what it was."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)
    keras.utils.clear_session()


@pytest.mark.parametrize("name", SCRIPTS)
def test_solutions_can_be_parsed(name):
    for block in solutions(SCRIPTS[name].read_text(encoding="utf-8")):
        ast.parse(block, name)


def another_loss(text):
    """The last of the losses that the comment beside `LOSS` names; without one, mean absolute or squared error."""
    line = re.search(CONSTANT.format("LOSS"), text)
    losses = re.findall(r'"\w+"|sr\.losses\.\w+\(\)', line[3] or '"mae", "mse"')
    return Source([loss for loss in losses if loss != line[2]][-1])


def first_picture(shown):
    """The whole photo at the left of the figure that a lesson opens with."""
    return next(figure for figure in shown if isinstance(figure, Figure)).axes[0].images[0].get_array()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), RUNS)
def test_lines_that_a_student_changes_change_what_follows(name, kind, own_photos, as_a_student):
    short = changed(TRAINING[name], SHORTER)
    default, default_shown = run_lesson(name, short, until="model")
    changes = CHANGES[kind] | {"PHOTOS": str(own_photos)}
    if kind == "network" and has(short, "LOSS"):
        changes["LOSS"] = another_loss(short)
    text = changed(short, changes)
    text = re.sub(r'(split\("photos"\)\[1\])\[\d+\]', r"\1[2]", text)  # another opening photo
    names, shown = run_lesson(name, text)
    model = names["model"]

    assert not np.array_equal(first_picture(shown), first_picture(default_shown))
    assert np.array_equal(first_picture(shown), sr.datasets.read_image(sr.datasets.split("photos")[1][2]))
    train, validate = sr.datasets.split(own_photos)
    assert {*names["training"].files} <= {*train}
    assert names["validation_files"] == validate
    steps = names["history"].params["steps"] * len(names["history"].epoch)
    assert steps == names["STEPS"]
    if kind == "network":
        assert steps != SHORTER["STEPS"]
        if any(has(text, size) for size in ("BLOCKS", "DEPTH", "FILTERS")):
            assert model.count_params() != default["model"].count_params()
        if model.compiled and has(text, "LOSS"):
            assert names["LOSS"] != default["LOSS"]
            assert {*keras.tree.flatten(model.loss)} == {names["LOSS"]}
        if has(text, "DISCRIMINATOR_FILTERS"):
            assert names["judge"].count_params() == names["discriminator"](16).count_params()

    tables = [table.T if "parameters" in table.index else table for table in shown if isinstance(table, pd.DataFrame)]
    rows = [row for table in tables for label, row in table.iterrows() if re.search(r"(^|, )yours($| \()", str(label))]
    photos, scales = names[PIECES.get(name[:2], "validation_files")], set()
    damages = {sr.degradations.title(kind): kind for kind in names.get("kinds", ())} | {None: "bicubic"}
    for row in (row for row in rows if "parameters" in row):
        assert row["parameters"] == f"{model.count_params():,}"
        for column, cell in row.items():
            found = re.fullmatch(r"(\d+) photos ×(\d)(?: (.+))?, dB", column)
            if found and found[3] in damages:
                count, scale = int(found[1]), int(found[2])
                measured = photos if count == len(photos) else photos[::2]  # to save time
                assert count == len(measured)
                scales.add(scale)
                expected = sr.metrics.evaluate(model, measured, scale, degradation=damages[found[3]]).psnr_y.mean()
                assert float(cell) == pytest.approx(expected, abs=0.011), (
                    f"{column} is not that of the reader's network"
                )
    assert scales == ({2, 4} if len(model.outputs) > 1 else {names.get("SCALE", 4)})
    if kind == "scale" and len(model.outputs) > 1:  # it is the scale of the experiments
        small = names["upscaler"](names["sub_pixel"], [2], names["HALF"])
        heads = next(table for table in tables if "time, ms" in table)
        assert heads.loc["depth to space", "parameters"] == f"{small.count_params():,}"


@pytest.mark.slow
def test_lesson_01_measures_the_photos_and_the_scale_of_its_constants(own_photos, as_a_student):
    """It trains nothing, so that no network tells whether a change was heard."""
    name = next(name for name in SCRIPTS if name.startswith("01_"))
    text = changed(SCRIPTS[name].read_text(encoding="utf-8"), {"SCALE": 3, "PHOTOS": str(own_photos), "OPENING": 2})
    names, shown = run_lesson(name, text)
    for block in solutions(text):
        run(block, names, f"{name}, a solution")

    photos = [middle(sr.datasets.read_image(file)) for file in sr.datasets.split(own_photos)[1]]
    bicubic = sr.metrics.evaluate("bicubic", photos, 3).psnr_y.mean()
    table = next(table for table in shown if isinstance(table, pd.DataFrame))
    assert table.loc["bicubic", f"{len(photos)} photos ×3, dB"] == f"{bicubic:.2f}"

    titles = [title.get_text() for figure in shown if isinstance(figure, Figure) for title in figure.findobj(Text)]
    scales = re.findall(r"(?:[×÷]|sampled by )(\d)\b", "\n".join(titles))
    assert scales
    assert set(scales) == {"3"}


def middle(image, side=288):
    """The middle of a photo, cut to a multiple of 3."""
    top, left = (max(length - side, 0) // 2 for length in image.shape[:2])
    return sr.degradations.crop_to_multiple(image[top : top + side, left : left + side], 3)
