import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import any_bytes

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
    assert "profile full" in (here / "build" / "01_good.html").read_text("utf-8")
    executed = json.loads((here / "build" / "01_good.ipynb").read_text("utf-8"))
    assert executed["cells"][2]["outputs"][0]["text"] == ["profile full\n"]
    assert "outputs" not in str(
        json.loads((here / "notebooks" / "01_good.ipynb").read_text("utf-8"))["cells"][2]["outputs"]
    )
    assert not list((here / "build").glob("*.part"))


def test_run_names_the_cell_and_the_error_and_stops(here, capfd):
    notebook(here / "notebooks", "01_bad.ipynb", "fine = 1", "# a comment\nfine / 0")
    notebook(here / "notebooks", "02_good.ipynb", "1")
    assert main(["run"]) == 1
    out = capfd.readouterr().out
    assert "failed in code cell 2 of 2 (# a comment): ZeroDivisionError: division by zero" in out
    assert "02_good" not in out
    assert "ZeroDivisionError" in (here / "build" / "01_bad.html").read_text("utf-8")


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
    assert "seen" in (here / "notebooks" / "01_good.ipynb").read_text("utf-8").replace("print('seen')", "")
    assert "seen" not in (here / "notebooks" / "02_bad.ipynb").read_text("utf-8").replace("print('seen')", "")


def test_run_makes_relative_folders_absolute(here, monkeypatch):
    monkeypatch.setenv("SR_DATA_DIR", "photos")
    notebook(here / "notebooks", "01_where.ipynb", "import os", "print(os.environ['SR_DATA_DIR'])")
    assert main(["run", "01"]) == 0
    executed = nbformat.read(here / "build" / "01_where.ipynb", 4)
    assert executed.cells[2].outputs[0].text == f"{here / 'photos'}\n"


def test_run_works_on_several_at_the_same_time(here, capfd):
    wait = "import pathlib, time\nwhile not pathlib.Path('{}').exists(): time.sleep(0.1)"
    notebook(here / "notebooks", "01_a.ipynb", "import pathlib; pathlib.Path('one').touch()", wait.format("two"))
    notebook(here / "notebooks", "02_b.ipynb", wait.format("one"), "pathlib.Path('two').touch()")
    notebook(here / "notebooks", "03_bad.ipynb", "1 / 0")
    assert main(["run", "--jobs", "2"]) == 1
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    results = {row[0]: row[3] for row in rows if row and row[0].startswith("0")}
    assert results == {"01_a": "ok", "02_b": "ok", "03_bad": "failed"}
    assert main(["run", "--jobs", "0"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can press Ctrl-C for another process of Windows")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_cleanly(here, jobs):
    names = ["01_long.ipynb", "02_long.ipynb"][:jobs]
    for name in names:
        touch = f"pathlib.Path('{name}.started').touch()"
        notebook(here / "notebooks", name, "import time, pathlib", f"{touch}; time.sleep(60)")
    command = [sys.executable, "-m", "srhelpers", "run", "--in-place", "--jobs", str(jobs)]
    before = [(here / "notebooks" / name).read_text("utf-8") for name in names]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list((here / "notebooks").glob("*.started"))) < jobs:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    error = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert error.strip().endswith("srhelpers: stopped")
    assert "Traceback" not in error
    assert [(here / "notebooks" / name).read_text("utf-8") for name in names] == before
    assert not list((here / "build").iterdir())


def test_run_names_what_it_cannot_find(here, capfd):
    notebook(here / "notebooks", "01_good.ipynb", "1")
    assert main(["run", "07"]) == 1
    assert "Expected a notebook of 01_good, got '07'" in capfd.readouterr().err


def test_download_list(monkeypatch, capsys):
    assert main(["download", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    rows = {line.split()[0]: line + where for line, where in zip(lines[::2], lines[1::2], strict=True)}
    assert set(rows) == {row.name for row in sr.datasets.catalog.DATASETS.values()}
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
    assert main([*command, "--degradation", "jpeg20"]) == 0
    damaged = pd.read_csv("rows.csv").query("degradation == 'jpeg20'")
    assert (damaged.psnr_y.to_numpy() < saved.psnr_y.to_numpy()).all()
    assert main([*command[:-1], "images.csv", "--per-image"]) == 0
    assert set(pd.read_csv("images.csv").image) == {"photo"}
    assert main(["evaluate", "--method", "magic", "--dataset", "mine"]) == 1
    assert "Expected an interpolation of nearest" in capfd.readouterr().err
    assert main(["evaluate", "--method", "area", "--dataset", "Set5", "B100", "--path", "mine"]) == 1
    assert "Expected one dataset with --path, got Set5, B100" in capfd.readouterr().err


def test_a_bug_shows_its_traceback_and_a_mistake_does_not(monkeypatch, capsys):
    for error in (
        sr.runtime.UserError("a mistake"),
        sr.datasets.DownloadError("no network"),
        FileNotFoundError("no file"),
        ModuleNotFoundError("Expected the package av; run: pip"),
    ):
        monkeypatch.setattr(sr.models, "table", lambda error=error: (_ for _ in ()).throw(error))
        assert main(["models"]) == 1
        assert capsys.readouterr().err == f"srhelpers: {error}\n"
    for error in (ValueError("a bug"), RuntimeError("a bug"), ModuleNotFoundError("No module", name="ours")):
        monkeypatch.setattr(sr.models, "table", lambda error=error: (_ for _ in ()).throw(error))
        with pytest.raises(type(error)):
            main(["models"])


def test_upscale_chooses_a_network_and_says_so(here, photo, capfd):
    small = np.ascontiguousarray(photo[:60, :80, ::-1])
    cv2.imwrite("kleines Bild.png", small)
    assert main(["upscale", "kleines Bild.png", "-o", "large.jpg", "--scale", "1.5"]) == 0
    shown = capfd.readouterr()
    assert f"Network: {sr.models.choice('clean', 1.5)}, since files without loss" in shown.out
    assert shown.out.strip().splitlines()[-1].startswith("1 done, 0 skipped, 0 failed; 0.0 megapixels in ")
    assert "1.0/1" in shown.err
    assert cv2.imread("large.jpg").shape == (90, 120, 3)
    assert main(["upscale", "kleines Bild.png", "-o", "out", "--outscale", "2", "--for", "photo"]) == 0
    assert f"Network: {sr.models.choice('photo', 2)}, since it is the choice for photo;" in capfd.readouterr().out


def test_upscale_a_folder_with_every_option(here, photo, capfd):
    (here / "in" / "sub").mkdir(parents=True)
    cv2.imwrite("in/sub/a.png", photo[:20, :30])
    (here / "in" / "text.jpg").write_text("hello")
    command = ["upscale", "in", "-o", "out", "--model", "voc_plain", "--scale", "4", "--tile", "16"]
    command += ["--self-ensemble", "--format", "webp", "--suffix", "_x4"]
    assert main(command) == 1, "one is broken"
    shown = capfd.readouterr()
    assert "Network:" not in shown.out
    assert f"failed: {Path('in/text.jpg')}: Expected a whole PNG" in shown.err
    assert "1 done, 0 skipped, 1 failed" in shown.out
    assert cv2.imread("out/sub/a_x4.webp").shape == (80, 120, 3)
    (here / "in" / "text.jpg").unlink()
    assert main(command) == 0
    assert "0 done, 1 skipped, 0 failed" in capfd.readouterr().out
    assert main([*command, "--overwrite"]) == 0
    assert "1 done, 0 skipped, 0 failed" in capfd.readouterr().out
    assert main(["upscale", "in", "-o", "in"]) == 1
    assert "srhelpers: Expected an output beside the input" in capfd.readouterr().err


def test_upscale_names_a_model_that_is_not_known_although_nothing_is_left_to_do(here, photo, capsys):
    cv2.imwrite("photo.png", photo[:16, :16])
    Path("large.png").write_bytes(Path("photo.png").read_bytes())
    for model, expected in (("voc_magic", "Expected a model of "), ("mine.keras", "Expected a .keras file at ")):
        assert main(["upscale", "photo.png", "-o", "large.png", "--model", model]) == 1
        assert expected in capsys.readouterr().err


@pytest.fixture
def upscaled(monkeypatch):
    """Calls of `upscale_video`, which writes a word."""
    calls = []

    def upscale_video(source, target, model, **options):
        calls.append((source.as_posix(), target.as_posix(), model.name, options))
        if source.stem == "broken":
            raise sr.runtime.UserError("no clip")
        target.write_text("a clip")
        return sr.upscaling.clips.Summary(3, (96, 128), 0.5, ("damaged frames: 2",))

    monkeypatch.setattr(sr.upscaling.clips, "upscale_video", upscale_video)
    return calls


def test_upscale_hands_clips_to_the_video_module(here, upscaled, capsys):
    for name in ("a.MOV", "b.webm", "old.avi"):
        (here / name).write_text("a clip")
    plain, best = (sr.models.load(name).name for name in ("voc_plain", sr.models.choice("video", 2)))
    kept = {"scale": 2, "tile": None, "self_ensemble": False, "overwrite": False, "progress": True}
    assert main(["upscale", "a.MOV", "-o", "b.mkv", "--model", "voc_plain", "--overwrite"]) == 0
    assert upscaled.pop() == ("a.MOV", "b.mkv", plain, kept | {"overwrite": True})
    out = capsys.readouterr().out
    assert "b.mkv: 3 frames of 128×96 in 0.5 s, 6.0 a second; damaged frames: 2." in out
    assert "1 done, 0 skipped, 0 failed" in out
    assert main(["upscale", "a.MOV", "b.webm", "old.avi", "-o", "out", "--suffix", "_x2"]) == 0
    assert [call[1:] for call in upscaled] == [
        ("out/a_x2.MOV", best, kept),
        ("out/b_x2.webm", best, kept),
        ("out/old_x2.mkv", best, kept),
    ]
    assert main(["upscale", "a.MOV", "-o", "out", "--suffix", "_x2"]) == 0
    assert len(upscaled) == 3
    assert "0 done, 1 skipped" in capsys.readouterr().out


def test_upscale_takes_pictures_and_clips_of_a_folder_or_glob(here, photo, upscaled, capsys):
    (here / "mixed" / "day").mkdir(parents=True)
    cv2.imwrite(str(here / "mixed" / "photo.png"), photo[:16, :16])
    for name in ("broken", "good"):
        (here / "mixed" / "day" / f"{name}.mp4").write_text("a clip")
    assert main(["upscale", "mixed", "-o", "large", "--model", "voc_plain"]) == 1
    said = capsys.readouterr()
    assert "2 done" in said.out and f"failed: {Path('mixed/day/broken.mp4')}: no clip" in said.err
    assert (here / "large" / "photo.png").exists() and (here / "large" / "day" / "good.mp4").exists()
    assert main(["upscale", "mixed/day/g*.mp4", "-o", "other", "--model", "voc_plain"]) == 0
    assert [file.name for file in (here / "other").iterdir()] == ["good.mp4"]


def test_clips_do_not_overwrite_each_other(here, upscaled, capsys):
    for name in ("a/clip.mp4", "b/clip.mp4", "c/clip.avi", "c/clip.mkv"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(name)
    for more in ([], ["--overwrite"]):
        assert main(["upscale", "a/clip.mp4", "b/clip.mp4", "-o", "out", "--model", "voc_plain", *more]) == 1
        target, *sources = map(Path, ("out/clip.mp4", "a/clip.mp4", "b/clip.mp4"))
        assert f"got {target} for {sources[0]} and {sources[1]}; rename one" in capsys.readouterr().err
    assert not upscaled
    assert main(["upscale", "c", "-o", "out", "--model", "voc_plain"]) == 0
    assert sorted(file.name for file in (here / "out").iterdir()) == ["clip_avi.mkv", "clip_mkv.mkv"]
    for _ in range(2):
        assert main(["upscale", "a", "-o", "a", "--suffix", "_x2", "--model", "voc_plain"]) == 0
    assert sorted(file.name for file in (here / "a").iterdir()) == ["clip.mp4", "clip_x2.mp4"]


@any_bytes
def test_names_that_are_not_utf_8_are_upscaled_and_shown(here, photo, capsys):
    for name in (b"gr\xfc\xdfe.png", b"b\xf6se.png"):
        cv2.imwrite("plain.png", photo[:8, :8])
        os.rename("plain.png", os.fsdecode(name))  # noqa: PTH104
    Path(os.fsdecode(b"b\xf6se.png")).write_text("no picture")
    assert main(["upscale", ".", "-o", "out", "--format", "jpg", "--model", "voc_plain"]) == 1
    assert r"failed: b\xf6se.png: Expected a whole PNG" in capsys.readouterr().err
    assert [os.fsencode(file.name) for file in (here / "out").iterdir()] == [b"gr\xfc\xdfe.jpg"]


def test_upscale_refuses_a_scale_of_nothing(here, capsys):
    assert main(["upscale", "photo.png", "-o", "large.png", "--scale", "0"]) == 1
    assert "Expected a scale above 0, got 0." in capsys.readouterr().err


def test_clips_without_pyav_say_what_to_install(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "srhelpers.upscaling.clips", raising=False)
    monkeypatch.delattr(sr.upscaling, "clips", raising=False)
    Path("clip.mp4").write_bytes(b"")
    assert main(["upscale", "clip.mp4", "-o", "large.mp4"]) == 1
    assert "python -m pip install av" in capsys.readouterr().err


def test_models_lists_the_upscalers(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(sr.models.table())
    line = next(line for line in lines if line.startswith("edsr_baseline_x4 "))
    row = sr.models.table().set_index("name").loc["edsr_baseline_x4"]
    assert all(part in line for part in ("×4", "1,517,571", "2.8 MB", row.score, f"{row.purpose} (08)"))
    scores = {line.index(row.score) for line, row in zip(lines[1:], sr.models.table().itertuples(), strict=True)}
    ends = {line.index(" MB ") for line in lines[1:]}
    assert scores - {0} == {lines[0].index("PSNR-Y")} and ends == {lines[0].index("size ") + 1}, "straight columns"


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that nobody reads is another error there")
def test_a_pipe_that_nobody_reads_ends_it_quietly():
    """As `srhelpers download --list | head` when `head` has seen enough."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "srhelpers", "download", "--list"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_console_that_does_not_know_a_sign_gets_its_number():
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(
        [sys.executable, "-m", "srhelpers", "download", "--list"], env=environment, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u2248250 MB" in done.stdout


def test_models_fit_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for columns in (80, 130):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["models"]) == 0
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= columns
        assert sr.models.table().purpose[0].split()[-1] in shown


def test_an_unknown_network_is_told_which_upscalers_there_are(here, photo, capsys):
    cv2.imwrite("photo.png", photo[:16, :16])
    assert main(["upscale", "photo.png", "-o", "large.png", "--model", "compact_x44"]) == 1
    said = capsys.readouterr().err
    assert "got 'compact_x44'; did you mean compact_x4" in said
    assert "edsr_baseline_x4" in said and "efficientnetb0" not in said and "voc_article" not in said
    for typed in ("models/none.keras", "models/none"):
        assert main(["upscale", "photo.png", "-o", "large.png", "--model", typed]) == 1
        assert "git checkout" not in capsys.readouterr().err


def test_several_pictures_do_not_make_a_folder_named_as_a_picture(here, photo, capsys):
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(name, photo[:16, :16])
    assert main(["upscale", "a.jpg", "b.jpg", "-o", "q.jpg"]) == 1
    assert "Expected a folder as output of several files or a folder, got q.jpg" in capsys.readouterr().err
    assert not (here / "q.jpg").exists()


def test_the_command_is_installed():
    beside = Path(sysconfig.get_path("scripts"), "srhelpers")  # on Windows with .exe, which may be left out
    for command in ([beside], [sys.executable, "-m", "srhelpers"]):
        done = subprocess.run([*command, "--help"], capture_output=True, text=True)
        assert done.returncode == 0
        assert all(word in done.stdout for word in ("run", "download", "evaluate", "upscale", "models"))
