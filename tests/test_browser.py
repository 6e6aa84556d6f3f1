"""JupyterLab in a headless Chromium, used as a reader uses it: open, restart and run all, look."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import matplotlib
import matplotlib.font_manager
import nbformat
import numpy as np
import pytest
from conftest import REPOSITORY

import srhelpers as sr

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here; python -m pip install playwright")
pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
SCREENSHOTS = Path(os.environ.get("SR_SCREENSHOTS") or REPOSITORY / "build").absolute()
PATIENCE = 300  # seconds; a slow machine takes 40 for a notebook
playwright.expect.set_options(timeout=PATIENCE * 1000)


def wait_for(what, condition):
    """What `condition` gives once that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        own = driver.chromium.executable_path
        path = own if Path(own).exists() else next(filter(None, map(shutil.which, BROWSERS)), None)
        if not path:
            pytest.skip("no Chromium or Chrome here; install your system's, or: python -m playwright install chromium")
        camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        browser = driver.chromium.launch(executable_path=path, args=camera)
        yield browser
        browser.close()


@pytest.fixture
def clone(tmp_path):
    """What a notebook sees of a clone, without outputs, so that all there is afterwards is new."""
    clone = tmp_path / "clone"
    shutil.copytree(REPOSITORY / "notebooks", clone / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(REPOSITORY / "data" / "results", clone / "data" / "results")
    shutil.copy(REPOSITORY / "pyproject.toml", clone)
    for path in (clone / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        nbformat.write(notebook, path)
    return clone


@pytest.fixture
def lab(clone, tmp_path):
    """The address of `jupyter lab notebooks`, with its token, for a user who has never started it before."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    del environment["MPLBACKEND"]  # figures go into the notebook here
    environment |= {
        "HOME": str(tmp_path / "home"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter" / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter" / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter" / "runtime"),
        "MPLCONFIGDIR": matplotlib.get_cachedir(),  # a new HOME has no list of fonts, and making it prints a warning
        "SR_PROFILE": "quick",
    }
    (tmp_path / "home").mkdir()
    words = ["jupyterlab", "notebooks", "--no-browser", "--port=0", "--ip=127.0.0.1", "--allow-root"]
    with (tmp_path / "lab.log").open("w+") as log:
        server = subprocess.Popen([sys.executable, "-m", *words], cwd=clone, env=environment, stdout=log, stderr=log)
        try:
            yield wait_for("JupyterLab to start", lambda: address(server, tmp_path))
        finally:
            server.terminate()
            server.wait(PATIENCE)


def address(server, folder):
    """Where the server listens, once it says so."""
    assert server.poll() is None, (folder / "lab.log").read_text("utf-8")
    for path in (folder / "jupyter" / "runtime").glob("jpserver-*.json"):
        try:
            told = json.loads(path.read_text("utf-8"))
        except ValueError:  # being written
            return None
        return f"{told['url']}lab?token={told['token']}"


@contextmanager
def page_of(chromium, lab, name):
    """A page of JupyterLab; a picture of it is kept, whatever happens."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1600})
    page.set_default_timeout(PATIENCE * 1000)
    try:
        page.goto(lab)
        yield page
    finally:
        keep(page, name)
        page.close()


def keep(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"browser_{name}.png")


def open_notebook(page, name):
    """Double-click it in the list of files; its kernel starts by itself."""
    page.locator(".jp-DirListing-item", has_text=name[:7]).dblclick()
    page.get_by_text("| Idle").wait_for()  # in the status bar, after the kernel's name


def restart_and_run_all(page):
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".jp-Dialog").wait_for(state="detached")


def finished(page, path, done=lambda notebook: counts(notebook)[-1]):
    """The notebook, from the disk, once its kernel is idle, all is saved, and it is `done` or failed; else None."""
    kernels = page.request.get(f"{page.url.split('/lab')[0]}/api/kernels").json()
    if [kernel["execution_state"] for kernel in kernels] != ["idle"]:
        return None
    unsaved = page.locator(".lm-TabBar-tab.jp-mod-dirty").count()
    notebook = nbformat.read(path, 4)
    if not unsaved and (done(notebook) or problems(notebook)):
        return notebook
    # The page itself may hold only some cells of a long notebook. Outputs that arrive while JupyterLab saves are not
    # in the file, though it then says that all is saved.
    page.keyboard.press("Control+s")
    return None


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def counts(notebook):
    return [cell.execution_count for cell in code_cells(notebook)]


def problems(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def run(page, path):
    """Open it, restart and run all; checks that each cell ran and none complained."""
    open_notebook(page, path.name)
    restart_and_run_all(page)
    notebook = wait_for("all cells to run", lambda: finished(page, path))
    assert problems(notebook) == []
    assert counts(notebook) == list(range(1, len(counts(notebook)) + 1))
    return notebook


def show(page, output):
    """Scroll to an output and wait until it is drawn and stays where it is."""
    # From the top: of a long notebook, JupyterLab draws only what is near.
    page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTo(0, 0)")
    places = [None]

    def at_rest():
        output.scroll_into_view_if_needed()
        places.append(output.bounding_box())
        return places[-1] and places[-1] == places[-2]

    wait_for("the output to stay where it is", at_rest)
    playwright.expect(output).to_be_in_viewport(ratio=0.9)


def seen(picture):
    """What the screen shows where a picture is: array (H, W, 3)."""
    return cv2.imdecode(np.frombuffer(picture.screenshot(), np.uint8), cv2.IMREAD_COLOR).astype(int)


def difference(a, b):
    """Mean over the pixels, in gray levels."""
    return np.abs(a - b).mean()


def test_notebook_01_runs(chromium, lab, clone):
    with page_of(chromium, lab, "01") as page:
        run(page, next(clone.glob("notebooks/01_*.ipynb")))
        show(page, page.locator(".jp-OutputArea-output img").first)


def upload(page, path, notebook):
    """Choose a photo with the button and run the cell after it again, as the notebook says."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Your photo").click()
    chooser.value.set_files(next(file for file in sr.datasets.photos("samples") if file.stem == "coffee"))
    page.get_by_role("button", name="Your photo (1)").wait_for()

    number = next(i for i, cell in enumerate(code_cells(notebook)) if "choose_photo(" in cell.source)
    # A click would hit another cell where pictures above are still being drawn.
    cell = page.locator(".jp-CodeCell").filter(has=page.locator(".cm-content", has_text="choose_photo(")).first
    editor = cell.locator(".cm-content")
    editor.focus()
    playwright.expect(cell).to_have_class(re.compile(r"\bjp-mod-active\b"))
    playwright.expect(editor).to_be_focused()
    page.keyboard.press("Shift+Enter")

    def again(notebook):
        return (counts(notebook)[number] or 0) > len(counts(notebook))

    other = wait_for("the cell to run again", lambda: finished(page, path, again))
    assert problems(other) == []
    assert code_cells(other)[number].outputs != code_cells(notebook)[number].outputs
    keep(page, "11_upload")


NOT_ENLARGED = "image => image.decode().then(() => image.clientWidth <= image.naturalWidth)"


def move_slider(page):
    """With the keyboard and the mouse; left of the line is one picture, right of it the other."""
    output = page.locator(".before-after").first
    slider, picture = output.get_by_role("slider"), output.get_by_role("img").first
    show(page, output)
    for each in page.locator(".before-after > img").all():
        assert each.evaluate(NOT_ENLARGED), "it is drawn larger than it is"

    halves = seen(picture)
    slider.press("Home")
    playwright.expect(slider).to_have_value("0")
    after = seen(picture)
    slider.press("End")
    playwright.expect(slider).to_have_value("100")
    before = seen(picture)
    middle = halves.shape[1] // 2
    assert difference(before, after) > 1
    assert difference(halves[:, 3 : middle - 3], before[:, 3 : middle - 3]) < 0.1
    assert difference(halves[:, middle + 3 : -3], after[:, middle + 3 : -3]) < 0.1

    slider.press("ArrowLeft")  # JupyterLab takes the arrow keys for itself where it may
    playwright.expect(slider).not_to_have_value("100")

    slider.click()  # in its middle
    playwright.expect(slider).to_have_value(re.compile(r"^(49|5[01])"))
    assert difference(seen(picture), halves) < 0.1
    box = slider.bounding_box()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    playwright.expect(slider).to_have_value(re.compile(r"^2\d"))
    quarter = seen(picture)
    assert difference(quarter[:, middle // 2 + 20 : middle - 3], after[:, middle // 2 + 20 : middle - 3]) < 0.1


def test_notebook_11_takes_a_photo_and_its_slider_moves(chromium, lab, clone):
    with page_of(chromium, lab, "11") as page:
        path = next(clone.glob("notebooks/11_*.ipynb"))
        upload(page, path, run(page, path))
        move_slider(page)


# What the study of opinions in lesson 12 needs, of all its cells.
STUDY = (
    "find_spec",
    "opening =",
    "import json",
    "SCALE =",
    "records =",
    "training_files,",
    "RATED =",
    "Study(",
    "read(",
)


@pytest.fixture
def study(clone, tmp_path):
    """The cells of lesson 12 that ask for opinions; the answers go to a folder of the test."""
    path = next(clone.glob("notebooks/12_*.ipynb"))
    notebook = nbformat.read(path, 4)
    cells = [cell for cell in code_cells(notebook) if any(sign in cell.source for sign in STUDY)]
    notebook.cells = [cell for cell in cells if "read(collected)" not in cell.source]
    for cell in notebook.cells:
        cell.source = cell.source.replace('sr.runtime.own("results")', f'Path("{tmp_path}")')
    nbformat.write(notebook, path)
    return path


def grade(page, output, grades, first, total=20):
    """Click one grade after the other, as a person would."""
    for number, word in enumerate(grades, first):
        playwright.expect(output).to_contain_text(f"{number} of {total}")
        page.wait_for_timeout(1000 * sr.opinions.HASTE + 100)
        output.get_by_role("button", name=word).click()


def test_a_study_of_twenty_pictures_goes_on_after_a_reload(chromium, lab, study, tmp_path):
    with page_of(chromium, lab, "12") as page:
        open_notebook(page, study.name)
        restart_and_run_all(page)
        output = page.locator(".jp-OutputArea-output", has=page.locator(".sr-answers"))
        show(page, output)
        assert output.locator("img").count() == 2
        keep(page, "12_calibration")
        output.get_by_role("button", name="Begin").click()
        grade(page, output, ["good", "fair", "poor", "bad", "excellent"] * 2, 1)
        playwright.expect(output).to_contain_text("11 of 20")
        keep(page, "12_question")
        assert sr.opinions.read(tmp_path / "opinions")[0].shape == (10, 4)
        images = output.locator("img")
        assert images.first.evaluate(WHOLE_PIXELS), "its pixels are not shown as whole squares"
        names = ("bicubic", "compact", "SRGAN", "nearest", "original", *(f"0{n}" for n in range(14, 18)))
        sent = output.inner_html()
        assert not [name for name in names if f">{name}" in sent or f'"{name}' in sent]

        page.keyboard.press("Control+s")
        page.reload()
        page.get_by_text("| Idle").wait_for()
        restart_and_run_all(page)  # the kernel is another one too
        show(page, output)
        playwright.expect(output).to_contain_text("10 questions")
        output.get_by_role("button", name="Begin").click()
        grade(page, output, ["good"] * 10, 11)
        playwright.expect(output.locator("table")).to_contain_text("original")
        keep(page, "12_end")
    answers, reports = sr.opinions.read(tmp_path / "opinions")
    assert len(answers) == 20 and set(answers.groupby("network").size()) == {4}
    assert all("the original is worse" in report for report in reports)  # nobody looked at the pictures


WHOLE_PIXELS = """image => image.decode().then(() => image.clientWidth % image.naturalWidth === 0
                                       && getComputedStyle(image).imageRendering === "pixelated")"""
