"""The lessons as a student runs them: with lines changed, on photos of one's own."""

import ast
import re

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY, SHORTER, changed, has
from matplotlib.figure import Figure
from matplotlib.text import Text

import srhelpers as sr

SCRIPTS = {file.stem: file for file in sorted((REPOSITORY / "notebooks" / "scripts").glob("*.py"))}
CHANGES = {
    "network": {"BLOCKS": 3, "DEPTH": 3, "FILTERS": 24, "LOSS": "mse", "BATCH_SIZE": 6},
    "scale": {"SCALE": 2},
}


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


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), RUNS)
def test_lines_that_a_student_changes_change_what_follows(name, kind, own_photos, as_a_student):
    short = changed(TRAINING[name], SHORTER)
    default, _ = run_lesson(name, short, until="model")
    text = changed(short, CHANGES[kind] | {"PHOTOS": str(own_photos)})
    text = re.sub(r'(split\("photos"\)\[1\])\[\d+\]', r"\1[2]", text)  # another opening photo
    names, shown = run_lesson(name, text)

    parameters = names["model"].count_params()
    if kind == "network" and any(has(text, size) for size in ("BLOCKS", "DEPTH", "FILTERS")):
        assert parameters != default["model"].count_params()
    tables = [table.T if "parameters" in table.index else table for table in shown if isinstance(table, pd.DataFrame)]
    tables = [table for table in tables if "parameters" in table]
    rows = [row for table in tables for _, row in table.iterrows() if row["parameters"] == f"{parameters:,}"]
    assert rows, "no table shows the network that was trained"
    for row in rows:
        scores = row[[column for column in row.index if column.endswith("dB")]].astype(float)
        assert len(scores)
        assert np.isfinite(scores).all()


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
