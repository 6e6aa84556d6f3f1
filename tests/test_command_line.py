import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import nbformat
import pandas as pd
import pytest

import srhelpers as sr
from srhelpers.__main__ import main


def notebook(folder, name, *sources):
    folder.mkdir(exist_ok=True)
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title", id="t"), *cells]), folder / name
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_run_executes_and_keeps_copies_and_pages(here, capfd):
    notebook(here / "notebooks", "01_good.ipynb", "import os", "print('profile', os.environ['SR_PROFILE'])")
    assert main(["run", "1", "--profile", "full"]) == 0
    shown = capfd.readouterr()
    assert "01_good" in shown.out and "ok" in shown.out
    assert "100%" in shown.err and "2/2" in shown.err
    assert "profile full" in (here / "build" / "01_good.html").read_text()
    executed = json.loads((here / "build" / "01_good.ipynb").read_text())
    assert executed["cells"][2]["outputs"][0]["text"] == ["profile full\n"]
    assert "outputs" not in str(json.loads((here / "notebooks" / "01_good.ipynb").read_text())["cells"][2]["outputs"])
    assert not list((here / "build").glob("*.part"))


def test_run_names_the_cell_and_the_error_and_stops(here, capfd):
    notebook(here / "notebooks", "01_bad.ipynb", "fine = 1", "# a comment\nfine / 0")
    notebook(here / "notebooks", "02_good.ipynb", "1")
    assert main(["run"]) == 1
    out = capfd.readouterr().out
    assert "failed in code cell 2 of 2 (# a comment): ZeroDivisionError: division by zero" in out
    assert "02_good" not in out
    assert "ZeroDivisionError" in (here / "build" / "01_bad.html").read_text()


def test_run_keeps_going_when_asked(here, capfd):
    notebook(here / "notebooks", "01_bad.ipynb", "1 / 0")
    notebook(here / "notebooks", "02_dies.ipynb", "import os", "os._exit(3)")
    notebook(here / "notebooks", "03_good.ipynb", "1")
    assert main(["run", "--keep-going"]) == 2
    out = capfd.readouterr().out
    assert "03_good" in out
    assert "code cell 2 of 2 (os._exit(3)): DeadKernelError: Kernel died" in out


def test_run_in_place_saves_outputs_only_when_all_went_well(here):
    notebook(here / "notebooks", "01_good.ipynb", "print('seen')")
    notebook(here / "notebooks", "02_bad.ipynb", "print('seen')", "1 / 0")
    main(["run", "--in-place", "--keep-going"])
    assert "seen" in (here / "notebooks" / "01_good.ipynb").read_text().replace("print('seen')", "")
    assert "seen" not in (here / "notebooks" / "02_bad.ipynb").read_text().replace("print('seen')", "")


def test_run_makes_relative_folders_absolute(here, monkeypatch):
    monkeypatch.setenv("SR_DATA_DIR", "photos")
    notebook(here / "notebooks", "01_where.ipynb", "import os", "print(os.environ['SR_DATA_DIR'])")
    assert main(["run", "01"]) == 0
    assert str(here / "photos") in (here / "build" / "01_where.ipynb").read_text()


def test_ctrl_c_stops_cleanly(here):
    notebook(
        here / "notebooks", "01_long.ipynb", "import time, pathlib", "pathlib.Path('started').touch(); time.sleep(60)"
    )
    command = [sys.executable, "-m", "srhelpers", "run", "01", "--in-place"]
    before = (here / "notebooks" / "01_long.ipynb").read_text()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (here / "notebooks" / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    error = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert error.strip().endswith("srhelpers: stopped")
    assert "Traceback" not in error
    assert (here / "notebooks" / "01_long.ipynb").read_text() == before
    assert not list((here / "build").iterdir())


def test_run_names_what_it_cannot_find(here, capfd):
    notebook(here / "notebooks", "01_good.ipynb", "1")
    assert main(["run", "07"]) == 1
    assert "Expected a notebook of 01_good, got '07'" in capfd.readouterr().err


def test_download_list(monkeypatch, capsys):
    assert main(["download", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    rows = {line.split()[0]: line + where for line, where in zip(lines[::2], lines[1::2], strict=True)}
    assert set(rows) == {row.name for row in sr.catalog.DATASETS.values()}
    assert "skimage" in rows["samples"]
    assert "460 MB" in rows["voc2007"] and "not here" in rows["voc2007"]
    assert "≈250 MB" in rows["Set5"]
    assert main(["download", "samples", "voc2008"]) == 1


def test_evaluate_prints_a_table_and_saves_it(here, photo, capfd):
    (here / "mine").mkdir()
    cv2.imwrite("mine/photo.png", photo[:200, :200, ::-1])
    command = ["evaluate", "--method", "bicubic", "area", "--scale", "2", "4", "--dataset", "mine", "--csv", "rows.csv"]
    assert main(command) == 0
    saved = pd.read_csv("rows.csv")
    assert len(saved) == 4
    out = capfd.readouterr().out
    assert all(f"{score:.2f}" in out for score in saved.psnr_y)
    assert main([*command, "--degradation", "opencv"]) == 0
    both = pd.read_csv("rows.csv")
    assert len(both) == 8, "another degradation is another row"
    assert main([*command[:-1], "images.csv", "--per-image"]) == 0
    assert set(pd.read_csv("images.csv").image) == {"photo"}
    assert main(["evaluate", "--method", "magic", "--dataset", "mine"]) == 1
    assert "Expected a method of nearest" in capfd.readouterr().err
    assert main(["evaluate", "--method", "area", "--dataset", "Set5", "B100", "--path", "mine"]) == 1
    assert "Expected one dataset with --path, got Set5, B100" in capfd.readouterr().err


def test_the_command_is_installed():
    beside = Path(sys.executable).with_name("srhelpers")
    for command in ([beside], [sys.executable, "-m", "srhelpers"]):
        done = subprocess.run([*command, "--help"], capture_output=True, text=True)
        assert done.returncode == 0
        assert all(word in done.stdout for word in ("run", "download", "evaluate"))
