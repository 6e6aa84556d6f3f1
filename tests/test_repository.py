import ast
import importlib.util
import inspect
import pkgutil
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import jupytext
import nbformat
import pytest
from conftest import REPOSITORY, SHORTER, changed, link

import srhelpers as sr
from srhelpers.__main__ import main

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def script(path):
    return path.parent / "scripts" / f"{path.stem}.py"


def cells(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_every_script_has_a_notebook():
    assert {script(path) for path in NOTEBOOKS} == set((REPOSITORY / "notebooks" / "scripts").glob("*.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_and_script_hold_the_same_cells(path):
    hint = f"they differ; run: jupytext --sync notebooks/{path.name}"
    assert cells(nbformat.read(path, 4)) == cells(jupytext.read(script(path))), hint


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_executed_clean_and_small(path):
    notebook = nbformat.read(path, 4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run it with --in-place"
    assert notebook.metadata["srhelpers"]["executed"] == sr.notebooks.fingerprint(notebook), "the outputs are older"
    outputs = [output for cell in code for output in cell.outputs]
    assert "not here" not in str(outputs), "run it where the benchmark sets are (SR_DATA_DIR)"
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert path.stat().st_size < 1.5e6
    assert not re.search(r"/(work|root|home|Users|tmp)/", str(outputs)), "an output shows a folder of one machine"


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_top_to_bottom_with_its_solutions(path, tmp_path, monkeypatch):
    """As a reader with no data and no network runs it, one in full length, and then the folded solutions after it."""
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells if not path.stem.startswith("02_") else ():
        cell.source = changed(cell.source, SHORTER)
    folded = re.findall(r"<details>.*?</details>", "\n".join(cell.source for cell in notebook.cells), re.DOTALL)
    solutions = [code for text in folded for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
    for number, solution in enumerate(solutions):
        notebook.cells.append(nbformat.v4.new_code_cell(solution, id=f"solution-{number}"))
    assert run(notebook, path.name, tmp_path) is None


def run(notebook, name, folder):
    (folder / "notebooks").mkdir()
    link(folder / "data", REPOSITORY / "data")
    nbformat.write(notebook, folder / "notebooks" / name)
    return sr.notebooks.execute(folder / "notebooks" / name, folder / "build", profile="quick")


def test_ruff_finds_nothing():
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=REPOSITORY, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_readme_and_conda_install_the_same():
    extras = set(re.findall(r"\[([\w,]+)\]", re.search(r"pip install (.*)", README)[1])[0].split(","))
    conda = set(re.findall(r"- -e \.\[([\w,]+)\]", (REPOSITORY / "environment.yml").read_text("utf-8"))[0].split(","))
    known = set(tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
    assert extras == conda <= known


def test_one_version_everywhere():
    """CONTRIBUTING.md lists these places, and the commands of a release name the version too."""
    written = {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in ("CITATION.cff", "CHANGELOG.md")}
    found = {
        tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        re.search(r"(?m)^version: (.*)$", written["CITATION.cff"])[1],
        re.search(r"(?m)^## (.*)$", written["CHANGELOG.md"])[1],
    }
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        found |= set(re.findall(r"(?:srhelpers-|\bv)(\d+\.\d+\.\d+)", text))
    assert found == {sr.__version__}


def test_readme_lists_every_notebook():
    for path in NOTEBOOKS:
        assert f"notebooks/{path.name}" in README


def test_readme_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README):
        target = "".join(target)
        assert target.startswith("http") or (REPOSITORY / target).exists(), target


@pytest.mark.parametrize("page", ["README.md", "docs/measuring.md", "docs/large_folders.md"])
def test_tables_are_the_measured_ones(page, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    made = runpy.run_path("tools/readme.py")
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    assert all(f"<!-- {make.__name__} -->\n|" in text for make in made["TABLES"][page])
    assert made["renewed"](page) == text, "run: python tools/readme.py"


def test_package_floors():
    """Each name imports only those before it; the order stands in pyproject.toml."""
    done = subprocess.run(["lint-imports", "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


PAGES = [name for _, name, _ in pkgutil.iter_modules(sr.__path__) if not name.startswith("_")]


def offered(name):
    """The modules that a name of the package offers: itself, and of a folder those that it offers whole."""
    file = Path(importlib.util.find_spec(f"srhelpers.{name}").origin)
    if file.name != "__init__.py":
        return [name]
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    whole = {
        alias.name for node in nodes if isinstance(node, ast.ImportFrom) and not node.module for alias in node.names
    }
    lazy = {node.value for node in nodes if isinstance(node, ast.Constant)}
    inner = {inner for _, inner, _ in pkgutil.iter_modules([file.parent])}
    return [name, *(f"{name}.{inner}" for inner in sorted((whole | lazy) & inner))]


def public_names(module):
    """The functions and classes that are to be documented under the module."""
    found = importlib.import_module(f"srhelpers.{module}")
    folder = hasattr(found, "__path__")
    for label, value in vars(found).items():
        home = getattr(value, "__module__", "")
        here = home == found.__name__ or (folder and home.startswith(f"{found.__name__}."))
        if (inspect.isfunction(value) or inspect.isclass(value)) and here and not label.startswith("_"):
            yield f"{found.__name__}.{label}"


def test_every_public_name_has_a_page_of_documentation():
    assert set(PAGES) == set(sr.__all__) - {"setup", "__version__"} | {"app"}  # which needs an extra
    contents = (REPOSITORY / "docs" / "_toc.yml").read_text(encoding="utf-8")
    assert set(PAGES) == set(re.findall(r"docs/api/(\w+)", contents))
    for page in PAGES:
        text = (REPOSITORY / "docs" / "api" / f"{page}.md").read_text(encoding="utf-8")
        sections = re.findall(r"automodule:: srhelpers\.([\w.]+)\n   :members:", text)
        assert sorted(sections) == sorted(offered(page))


def test_every_command_has_its_help_in_the_documentation(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"(?m)^    (\w+) ", capsys.readouterr().out)
    page = (REPOSITORY / "docs" / "command_line.md").read_text(encoding="utf-8")
    assert "upscale" in commands
    assert sorted(commands) == sorted(re.findall(r"(?m)^```{command-help} (\w+)", page))


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path):
    pytest.importorskip("myst_nb", reason="the extra docs is not installed")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", ".", str(tmp_path / "docs")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = {
        page.stem: page.read_text(encoding="utf-8") for page in (tmp_path / "docs" / "docs" / "api").glob("*.html")
    }
    for page in PAGES:
        for module in offered(page):
            if module != "upscaling.cluster" or importlib.util.find_spec("ray"):
                assert [name for name in public_names(module) if f'id="{name}"' not in built[page]] == []
    assert "--self-ensemble" in (tmp_path / "docs" / "docs" / "command_line.html").read_text(encoding="utf-8")
    for page in ("index", "README", "docs/api/metrics", *(f"notebooks/{path.stem}" for path in NOTEBOOKS)):
        text = (tmp_path / "docs" / f"{page}.html").read_text(encoding="utf-8")
        assert 'alt="../_images' not in text, "a figure says nothing but its file's name"
