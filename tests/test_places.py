"""The places notebooks run in, as closely as a machine without them allows; and what Kaggle's client would send."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import types
from pathlib import Path

import nbformat
import pytest
from conftest import REPOSITORY, link

import srhelpers as sr

ADDRESS = "https://github.com/you/course"
NOWHERE = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "PIP_NO_INDEX": "1"}
FILES = ("pyproject.toml", "README.md", "LICENSE", "srhelpers", "data", "notebooks", "tools/space")


def load():
    spec = importlib.util.spec_from_file_location("places", REPOSITORY / "tools" / "places.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


places = load()
FIRST = sorted((REPOSITORY / "notebooks").glob("[0-9A]*.ipynb"))[0]


def copy(folder, *names):
    """Part of the repository as it is now, committed or not."""
    for name in names:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """A copy of what the tool rewrites, with two of the notebooks."""
    copy(tmp_path, "pyproject.toml", "README.md", "tools/space")
    (tmp_path / "notebooks" / "scripts").mkdir(parents=True)
    for path in [*REPOSITORY.glob("notebooks/0[12]_*.ipynb"), *REPOSITORY.glob("notebooks/scripts/0[12]_*.py")]:
        shutil.copy(path, tmp_path / path.relative_to(REPOSITORY))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# --- one address


def test_all_files_agree_with_the_address(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    assert not places.outdated(places.address()), "run: python tools/places.py"


@pytest.mark.parametrize("old", ["", "https://github.com/elsewhere/course"])
def test_a_new_address_reaches_every_file_and_nothing_else_changes(texts, old):
    before = {path: nbformat.read(path, 4) for path in Path("notebooks").glob("*.ipynb")}
    if old:
        places.main(["--address", old])
    assert places.main(["--check", "--address", ADDRESS]) == 1
    assert places.main(["--address", f"{ADDRESS}.git"]) == 0
    assert places.address() == ADDRESS
    assert places.main(["--check"]) == 0
    files = [*Path("notebooks").rglob("*.ipynb"), *Path("notebooks").rglob("*.py"), Path("pyproject.toml")]
    for file in [*files, Path("tools/space/requirements.txt")]:
        text = file.read_text(encoding="utf-8")
        assert not old or old not in text
        assert ADDRESS in text
    readme = Path("README.md").read_text(encoding="utf-8")
    assert all(f"{ADDRESS}/blob/main/notebooks/{path.name})" in readme for path in before)
    for path, notebook in before.items():
        after = nbformat.read(path, 4)
        assert [cell.outputs for cell in code(after)] == [cell.outputs for cell in code(notebook)]
        assert [cell.source for cell in after.cells][2:] == [cell.source for cell in notebook.cells][2:]
        assert f"{ADDRESS}/blob/main/notebooks/{path.name})" in after.cells[0].source


def test_without_an_address_there_are_no_badges_and_the_setup_cell_asks_for_one(texts):
    places.main(["--address", ADDRESS])
    project = Path("pyproject.toml")
    project.write_text(project.read_text("utf-8").replace(f'Repository = "{ADDRESS}"\n', ""), encoding="utf-8")
    places.main([])
    assert places.main(["--check"]) == 0
    for file in [*Path("notebooks").rglob("*.ipynb"), *Path("notebooks").rglob("*.py"), Path("README.md")]:
        text = file.read_text(encoding="utf-8")
        assert ADDRESS not in text
        assert "Open in Colab" not in text
    assert 'COURSE = ""' in code(nbformat.read(Path("notebooks", FIRST.name), 4))[0].source


def test_for_kaggle_there_must_be_an_address_or_a_wheel(texts, capsys):
    with pytest.raises(SystemExit):
        places.main(["--kaggle", "someone"])
    assert "expected --address, from which Kaggle installs the course" in capsys.readouterr().err


def test_outputs_stay_up_to_date_only_if_they_were(texts):
    first, second = (next(Path("notebooks").glob(f"{number}_*.ipynb")) for number in ("01", "02"))
    for path, known in ((first, None), (second, "of other code")):
        notebook = nbformat.read(path, 4)
        notebook.metadata["srhelpers"] = {"executed": known or sr.notebooks.fingerprint(notebook)}
        nbformat.write(notebook, path)
    places.main(["--address", ADDRESS])
    first, second = nbformat.read(first, 4), nbformat.read(second, 4)
    assert first.metadata["srhelpers"]["executed"] == sr.notebooks.fingerprint(first)
    assert second.metadata["srhelpers"]["executed"] == "of other code"


def test_the_newer_of_notebook_and_script_stays_the_newer(texts):
    script = next(Path("notebooks/scripts").glob("02_*.py"))
    script.write_text(script.read_text(encoding="utf-8") + "\n# an edit\n", encoding="utf-8")
    notebook = Path("notebooks") / f"{script.stem}.ipynb"
    os.utime(notebook, (1, 1))
    places.main(["--address", ADDRESS])
    assert notebook.stat().st_mtime == 1
    assert script.stat().st_mtime > 1
    assert "# an edit" in script.read_text(encoding="utf-8")


def test_a_new_notebook_gets_badges_and_setup_cell(texts):
    introduction = "# 99 · New\n\nYou end with news.\n\nMore.\n\n## What you will have at the end\n\nThis."
    cells = [nbformat.v4.new_markdown_cell(introduction), nbformat.v4.new_code_cell("import srhelpers as sr")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), "notebooks/99_new.ipynb")
    places.main(["--address", ADDRESS])
    first, setup, heading, own = nbformat.read("notebooks/99_new.ipynb", 4).cells
    title, ending, badges, more = first.source.split("\n\n")
    assert (title, ending, more) == ("# 99 · New", "You end with news.", "More.")
    assert re.findall(r"!\[Open in (\w+)\]", badges) == ["Colab", "Kaggle"]
    assert 'find_spec("srhelpers")' in setup.source
    assert heading.source == "## What you will have at the end\n\nThis."
    assert own.source == "import srhelpers as sr"


def test_readme_rows_between_the_marks_get_badges(texts):
    rows = "| 01 | [Bicubic](notebooks/01_bicubic_baselines.ipynb) | words |\n"
    Path("README.md").write_text(f"{rows}<!-- badges -->\n{rows}<!-- end -->\n", encoding="utf-8")
    for address in (ADDRESS, f"{ADDRESS}2"):
        places.main(["--address", address])
        outside, _, inside, _, _ = Path("README.md").read_text(encoding="utf-8").split("\n")
        assert f"{outside}\n" == rows
        assert inside.count("![Open in ") == 2
        assert inside.endswith(" | words |")
        assert f"{address}/blob/main/notebooks/01_bicubic_baselines.ipynb)" in inside


def test_an_address_that_badges_cannot_have_is_refused(texts, capsys):
    with pytest.raises(SystemExit):
        places.main(["--address", "git@github.com:you/course"])
    assert "expected an address such as https://github.com" in capsys.readouterr().err


# --- Kaggle's client


@pytest.fixture
def client(monkeypatch):
    """Kaggle's own client; what it would send lands in `sent`."""
    extended = pytest.importorskip("kaggle.api.kaggle_api_extended")
    api, sent = extended.KaggleApi(), []

    def send(request):
        sent.append(request)
        return types.SimpleNamespace(error="")

    @contextlib.contextmanager
    def no_network():
        kernels = types.SimpleNamespace(kernels_api_client=types.SimpleNamespace(save_kernel=send))
        datasets = types.SimpleNamespace(dataset_api_client=types.SimpleNamespace(create_dataset=send))
        yield types.SimpleNamespace(kernels=kernels, datasets=datasets)

    monkeypatch.setattr(api, "build_kaggle_client", no_network)
    return api, sent


FIVE = ["ll01dm/set-5-14-super-resolution-dataset"]


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
def test_kaggles_client_takes_every_notebook(client, capsys, tmp_path, monkeypatch, offline):
    api, sent = client
    monkeypatch.chdir(tmp_path)
    for path in sorted(REPOSITORY.glob("notebooks/[0-9A]*.ipynb")):
        api.kernels_push(str(places.kernel(path, "someone", offline=offline)))
        request = sent.pop()
        assert request.slug == f"someone/super-resolution-{path.stem.replace('_', '-').lower()}"
        assert len(request.new_title) <= 50
        assert (request.enable_gpu, request.enable_internet, request.is_private) == (True, not offline, True)
        sources = list(request.dataset_data_sources)
        assert ("someone/srhelpers-wheel" in sources) == offline
        code = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
        assert (sources[:1] == FIVE) == ('"Set5"' in code)
        body = json.loads(request.text)
        assert body["metadata"]["kernelspec"]["name"] == "python3"
        assert [cell["source"] for cell in body["cells"]] == [cell.source for cell in nbformat.read(path, 4).cells]
    assert not capsys.readouterr().out, "the client has something to say about a title"


@pytest.mark.slow
def test_kaggles_client_takes_the_wheel(repository, client, monkeypatch):
    api, sent = client
    extended = sys.modules["kaggle.api.kaggle_api_extended"]
    uploaded = []

    def no_such_dataset(name):
        raise extended.HTTPError

    monkeypatch.setattr(api, "dataset_status", no_such_dataset)
    monkeypatch.setattr(api, "_upload_file_or_folder", lambda folder, name, *_: uploaded.append(name))
    monkeypatch.setitem(api.config_values, api.CONFIG_NAME_USER, "someone")
    api.dataset_create_new(str(repository / "build" / "kaggle" / "wheel"))
    assert (sent[0].owner_slug, sent[0].slug, sent[0].license_name) == ("someone", "srhelpers-wheel", "other")
    assert uploaded == [f"srhelpers-{sr.__version__}-py3-none-any.whl"]


# --- the places


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A clone as it is now, served by git, with the wheel for Kaggle."""
    folder = tmp_path_factory.mktemp("clone")
    copy(folder, *FILES)
    with contextlib.chdir(folder):
        places.main(["--address", ADDRESS])
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "all"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    with contextlib.chdir(folder):
        places.wheel("someone")
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python with all that this one has, except our package: a platform that knows nothing of the course."""
    folder = tmp_path_factory.mktemp("platform")
    packages = folder / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "srhelpers" not in entry.name:
            link(packages / entry.name, entry)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    own = next((folder / "venv").rglob("site-packages"))
    (own / "platform.pth").write_text(f"{packages}\n")
    return folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@pytest.fixture
def alone(tmp_path, python):
    """An empty folder; afterwards the platform is as it was."""
    folder = tmp_path / "alone"
    folder.mkdir()
    yield folder
    own = next(python.parent.parent.rglob("site-packages"))
    for entry in own.iterdir():
        if entry.name != "platform.pth":
            shutil.rmtree(entry)


def start(python, folder, code, **variables):
    hidden = ("PYTHONPATH", "SR_DATA_DIR", "SR_WEIGHTS_DIR", "PIP_FIND_LINKS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [str(python), "-c", code]
    environment |= {"SR_PROFILE": "quick", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def versions(python, folder):
    code = "import importlib.metadata as m, json; print(json.dumps({x.name: x.version for x in m.distributions()}))"
    return json.loads(start(python, folder, code).stdout)


SETUP = places.SETUP.format(course=f"git+{ADDRESS}")
WHERE = "\nimport srhelpers as sr; print(sr.__file__); print(sr.runtime.shipped('models'))"
WHERE += "; sr.models.load('voc_plain')"
RUN_ALL = f"""
import nbclient, nbformat
notebook = nbformat.read("{FIRST.name}", 4)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
"""


def from_local_git(repository):
    """Settings with which `git` takes the clone for the address in the setup cell."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
        **{name: os.environ[name] for name in ("PIP_FIND_LINKS",) if name in os.environ},
    }


def attached(repository, tmp_path, layout):
    """Settings with which the setup cell finds the wheel as a Kaggle dataset, and no network."""
    folder = tmp_path / "input" / layout
    shutil.copytree(repository / "build" / "kaggle" / "wheel", folder)
    return {"SR_KAGGLE_INPUT": str(tmp_path / "input"), **NOWHERE}


@pytest.mark.slow
def test_in_a_clone_that_is_not_installed(repository, python, alone):
    done = start(python, repository / "notebooks", SETUP + WHERE, **NOWHERE)
    assert done.returncode == 0, done.stderr
    package, models = map(Path, done.stdout.split("\n")[:2])
    assert (package.parent.parent.resolve(), models) == (repository, repository / "data" / "models")


@pytest.mark.slow
def test_a_clone_without_what_it_needs_says_so(repository, python, alone):
    code = "import sys; sys.modules['pooch'] = None\n" + SETUP + "\nimport srhelpers as sr; sr.runtime"
    last = start(python, repository / "notebooks", code).stderr.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: Expected the package pooch, which is not installed; install"), last


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["srhelpers-wheel", "datasets/someone/srhelpers-wheel"])
def test_on_kaggle_without_internet(repository, python, alone, tmp_path, layout):
    done = start(python, alone, SETUP + WHERE, **attached(repository, tmp_path, layout))
    assert done.returncode == 0, done.stderr
    models = Path(done.stdout.split("\n")[1])
    assert models.is_relative_to(python.parent.parent)
    assert {file.name for file in models.iterdir()} >= {"manifest.json", "voc_plain.keras"}


@pytest.mark.slow
def test_with_nothing_it_says_what_to_do(python, alone, tmp_path):
    done = start(python, alone, SETUP, SR_KAGGLE_INPUT=str(tmp_path), **NOWHERE)
    last = done.stderr.strip().splitlines()[-1]
    assert re.fullmatch(r"AssertionError: Turn the internet on, or add .*[^.]\.", last), done.stderr
    done = start(python, alone, places.SETUP.format(course=""), SR_KAGGLE_INPUT=str(tmp_path), **NOWHERE)
    assert done.stderr.strip().splitlines()[-1].startswith("AssertionError: Set COURSE, above, to the address"), done


@pytest.mark.slow
def test_a_platform_too_old_is_left_alone(repository, python, alone, tmp_path):
    own = next(python.parent.parent.rglob("site-packages"))
    (own / "keras-3.5.0.dist-info").mkdir()
    (own / "keras-3.5.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.5.0\n")
    done = start(python, alone, SETUP, **attached(repository, tmp_path, "srhelpers-wheel"))
    assert "it needs Python ≥ 3.11 and Keras ≥ 3.12." in done.stderr.strip().splitlines()[-1]
    assert sorted(entry.name for entry in own.iterdir()) == ["keras-3.5.0.dist-info", "platform.pth"]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["file alone", "kaggle without internet"])
def test_first_notebook_runs_top_to_bottom_where_nothing_is_installed(repository, python, alone, tmp_path, place):
    before = versions(python, alone)
    shutil.copy(repository / "notebooks" / FIRST.name, alone)
    local = place == "file alone"
    settings = from_local_git(repository) if local else attached(repository, tmp_path, "srhelpers-wheel")
    done = start(python, alone, RUN_ALL, **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    after = versions(python, alone)
    assert after.pop("srhelpers") == sr.__version__
    assert after == before, "pip changed what the platform ships"


@pytest.mark.slow
def test_what_is_made_with_an_installed_package_goes_to_the_working_folder(repository, python, alone, tmp_path):
    code = "import srhelpers as sr; print(sr.runtime.shipped('results'), sr.runtime.own('results'))"
    done = start(python, alone, f"{SETUP}\n{code}", **attached(repository, tmp_path, "srhelpers-wheel"))
    inside, own = map(Path, done.stdout.split())
    assert inside.is_relative_to(python.parent.parent)
    assert (inside / "voc_study.csv").exists()
    assert own == alone / "srhelpers_data" / "results"
