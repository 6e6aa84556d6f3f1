import re
from pathlib import Path

import nbformat
import pytest

import srhelpers as sr


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """An empty notebooks folder to write to, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()

    def write(name, *sources):
        cells = [nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), Path("notebooks", name))

    return write


def test_what_an_editor_saved_meanwhile_is_kept(notebooks, capsys):
    edit = "import pathlib; file = pathlib.Path('01_a.ipynb'); file.write_text(file.read_text() + '\\n')"
    notebooks("01_a.ipynb", edit, "print('seen', 1 + 1)")
    before = Path("notebooks/01_a.ipynb").read_text("utf-8")
    assert sr.notebooks.run(["01"], in_place=True) == 1
    assert "01_a.ipynb was changed by another program meanwhile" in capsys.readouterr().out
    assert Path("notebooks/01_a.ipynb").read_text("utf-8") == f"{before}\n"
    assert "seen 2" in Path("build/01_a.ipynb").read_text("utf-8")


def test_a_notebook_removed_meanwhile_does_not_come_back(notebooks):
    notebooks("01_a.ipynb", "import pathlib; pathlib.Path('01_a.ipynb').unlink()")
    assert sr.notebooks.run(["01"], in_place=True) == 1
    assert not Path("notebooks/01_a.ipynb").exists()
    assert Path("build/01_a.ipynb").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"<<<<<<< HEAD\n{}", b"[]", b"{}", b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{}]}', b"\xff"],
    ids=["empty", "merge conflict", "list", "no notebook", "broken cell", "not UTF-8"],
)
def test_a_broken_notebook_is_told_before_any_is_run(notebooks, content):
    notebooks("01_a.ipynb", "import pathlib; pathlib.Path('ran').touch()")
    Path("notebooks/02_b.ipynb").write_bytes(content)
    with pytest.raises(sr.runtime.UserError, match=r"02_b\.ipynb"):
        sr.notebooks.run(keep_going=True)
    assert not Path("notebooks/ran").exists()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="/proc is the folder that not even root can write to")
def test_a_build_folder_that_cannot_be_written_is_told_before_any_is_run(notebooks):
    notebooks("01_a.ipynb", "import pathlib; pathlib.Path('ran').touch()")
    Path("build").symlink_to("/proc")
    with pytest.raises(OSError, match="build"):
        sr.notebooks.run(keep_going=True)
    assert not Path("notebooks/ran").exists()


def test_what_cannot_be_kept_of_one_notebook_does_not_stop_the_others(notebooks, capsys):
    notebooks("01_a.ipynb", "import pathlib; pathlib.Path('../build/01_a.html').mkdir()")
    notebooks("02_b.ipynb", "1")
    assert sr.notebooks.run(keep_going=True) == 1
    assert Path("build/02_b.html").exists()
    assert "01_a.html" in capsys.readouterr().out


def test_the_page_needs_no_network_and_says_what_its_figures_show(notebooks):
    notebooks("01_a.ipynb", FIGURES)
    notebook = nbformat.read("notebooks/01_a.ipynb", 4)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(FORMULAS, id="text"))
    nbformat.write(notebook, "notebooks/01_a.ipynb")
    assert sr.notebooks.run(["01"]) == 0
    page = Path("build/01_a.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="?(https?://[^" ]*)', page) == ["https://example.org"]
    assert page.count("<math") == 3
    assert re.findall(r'display="(\w+)"', page) == ["inline", "block", "inline"]
    alts = re.findall(r'<img alt="([^"]*)"', page)
    assert alts == ["Two panels; red; green", "A figure of the section “Mine &amp; yours”"]
    executed = nbformat.read("build/01_a.ipynb", 4)
    assert executed.cells[1].outputs[0].metadata["image/jpeg"].alt == "Two panels; red; green"


FORMULAS = """\
# Mine & yours

The mean $\\mu_x$ of [this](https://example.org), and `$HOME` is none:

$$\\text{PSNR} = 10 \\log_{10} \\frac{255^2}{\\text{MSE}}$$

| loss | |
|---|---|
| MAE | mean of $\\lvert e\\rvert$ |
"""
FIGURES = """\
import matplotlib.pyplot as plt
import numpy as np
import srhelpers as sr

piece = np.zeros((8, 8, 3), "uint8")
display(sr.plots.pairs({"red": [piece], "green": [piece]}, title="Two panels"))
%matplotlib inline
plt.plot([1, 2])
plt.show()
"""
