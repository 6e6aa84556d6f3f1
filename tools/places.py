"""Write the repository's address where it belongs: setup cells, badges, Kaggle folders. Run it in the root.

python tools/places.py                                          after adding a notebook
python tools/places.py --check                                  does everything agree?
python tools/places.py --address https://github.com/you/repo    the repository has moved, or got its first address
python tools/places.py --kaggle YOU [--offline]                 build/kaggle/<notebook> for `kaggle kernels push -p`

Where no address is set there are no badges, and the setup cell asks for one. On GitHub, .github/workflows/address.yml
sets it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import jupytext
import nbformat

import srhelpers as sr
from srhelpers import _files

BRANCH = "main"
SETUP = """\
# Install the course's helper package if it is missing (on Colab and Kaggle).
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

COURSE = "{course}"  # where pip finds it: "git+https://github.com/…", or the path of its wheel
sys.path.append("..")  # a clone
if not find_spec("srhelpers"):
    wheels = Path(os.environ.get("SR_KAGGLE_INPUT", "/kaggle/input")).rglob("srhelpers-*.whl")
    source = max(map(str, wheels), default=COURSE)
    assert source, "Set COURSE, above, to the address of this course, or to the path of its wheel."
    backend = [] if find_spec("tensorflow") or find_spec("jax") else ["tensorflow"]
    pip = subprocess.run([sys.executable, "-m", "pip", "install", "-q", source, *backend])
    assert pip.returncode == 0, (
        "Turn the internet on, or add the srhelpers wheel as a dataset; it needs Python ≥ 3.11 and Keras ≥ 3.12."
    )
"""
SPACE = "# python tools/places.py --address https://github.com/you/repo writes here where pip finds the course."
# What a notebook reads, by what its code says.
DATASETS = {
    '"Set5"': ["Set5"],
}
WHEEL = "srhelpers-wheel"  # the Kaggle dataset for kernels without internet


def address():
    """The one place that holds it; "" before it is set."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"].get("Repository", "")


def badges(name, repository):
    """The two badges of a notebook, as Markdown: a list of lines, empty without an address."""
    if not repository:
        return []
    file = f"{repository.removeprefix('https://github.com/')}/blob/{BRANCH}/notebooks/{name}.ipynb"
    return [
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"(https://colab.research.google.com/github/{file})",
        "[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]"
        f"(https://kaggle.com/kernels/welcome?src=https://github.com/{file})",
    ]


def put_in(notebook, name, repository):
    """Badges under the second paragraph, the setup cell after the introduction."""
    fresh = notebook.metadata.get("srhelpers", {}).get("executed") == sr.notebooks.fingerprint(notebook)
    first = notebook.cells[0]
    introduction, heading, rest = first.source.partition("\n\n## ")
    paragraphs = [text for text in introduction.split("\n\n") if not text.startswith("[![Open in ")]
    both = "\n".join(badges(name, repository))
    first.source = "\n\n".join(filter(None, [*paragraphs[:2], both, *paragraphs[2:]]))
    if heading:
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(f"## {rest}", id="result"))
    if 'find_spec("srhelpers")' not in notebook.cells[1].source:
        notebook.cells.insert(1, nbformat.v4.new_code_cell(id="setup"))
    notebook.cells[1].source = SETUP.format(course=repository and f"git+{repository}").strip()
    if fresh:  # the setup cell shows nothing, so the outputs are those of this code too
        notebook.metadata["srhelpers"]["executed"] = sr.notebooks.fingerprint(notebook)


def renewed(repository):
    """What every file that holds the address should hold: dict path → text."""
    texts = {}
    for path in sorted(Path("notebooks").glob("[0-9A]*.ipynb")):
        notebook = nbformat.read(path, 4)
        put_in(notebook, path.stem, repository)
        texts[path] = nbformat.writes(notebook) + "\n"
    for path in sorted(Path("notebooks/scripts").glob("[0-9A]*.py")):
        notebook = jupytext.read(path)
        put_in(notebook, path.stem, repository)
        texts[path] = jupytext.writes(notebook, "py:percent")
    project, readme = (Path(name).read_text(encoding="utf-8") for name in ("pyproject.toml", "README.md"))
    line = f'Repository = "{repository}"\n' if repository else ""
    texts[Path("pyproject.toml")] = re.sub(r"(\[project\.urls\].*\n)(?:Repository = .*\n)?", rf"\1{line}", project)
    needed = f"srhelpers[app,tensorflow] @ git+{repository}" if repository else SPACE
    texts[Path("tools/space/requirements.txt")] = f"{needed}\n"

    def fill(marks):
        lesson = r"(\[[^]]*\]\(notebooks/(\w+)\.ipynb\))(?: \[!\[Open in [^|]*(?= \|))?"
        return re.sub(lesson, lambda link: " ".join([link[1], *badges(link[2], repository)]), marks[0])

    texts[Path("README.md")] = re.sub(r"(?s)<!-- badges -->.*?<!-- end -->", fill, readme)
    return texts


def outdated(repository):
    """The files that hold something else: dict path → what they should hold."""
    return {path: text for path, text in renewed(repository).items() if path.read_text(encoding="utf-8") != text}


def write(path, text):
    """Replace a file. Its date stays: `jupytext --sync` goes by which of notebook and script is the newer."""
    dates = path.stat()
    with _files.replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
        os.utime(partial, ns=(dates.st_atime_ns, dates.st_mtime_ns))


def kernel(path, user, *, offline=False):
    """A folder for `kaggle kernels push -p`: the notebook without outputs, and what Kaggle must know about it."""
    folder = Path("build/kaggle") / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(path, 4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    names = dict.fromkeys(name for sign, names in DATASETS.items() if sign in code for name in names)
    title = f"Super-resolution {path.stem.replace('_', ' ')}"
    metadata = {
        "id": f"{user}/{title.lower().replace(' ', '-')}",
        "title": title,
        "code_file": path.name,
        "language": "python",
        "kernel_type": "notebook",
        "is_private": "true",
        "enable_gpu": "true",
        "enable_internet": "false" if offline else "true",
        "dataset_sources": [sr.datasets.catalog.DATASETS[name.lower()].kaggle[0] for name in names]
        + ([f"{user}/{WHEEL}"] if offline else []),
        "competition_sources": [],
        "kernel_sources": [],
        "model_sources": [],
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, folder / path.name)
    (folder / "kernel-metadata.json").write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    return folder


def wheel(user):
    """A folder for `kaggle datasets create -p`: the package and its models as a wheel, for kernels without internet."""
    folder = Path("build/kaggle/wheel")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as clean:  # setuptools would put left-overs of build/ into the wheel
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(name, clean)
        for name in ("srhelpers", "data"):
            shutil.copytree(name, Path(clean) / name, ignore=shutil.ignore_patterns("__pycache__"))
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), clean]
        subprocess.run(command, check=True)
    metadata = {
        "id": f"{user}/{WHEEL}",
        "title": WHEEL,
        "description": "The super-resolution course's package, under the MIT licence, for kernels without internet.",
        "licenses": [{"name": "other"}],  # Kaggle's list has no MIT
    }
    (folder / "dataset-metadata.json").write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    return folder


def main(words=None):
    """Returns the exit status: 0, or 1 where `--check` finds a file that does not agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", help="such as https://github.com/you/repo")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--kaggle", metavar="USER", help="also write the folders for Kaggle, for this user")
    parser.add_argument("--offline", action="store_true", help="for kernels without internet: the wheel as a dataset")
    chosen = parser.parse_args(words)
    repository = (chosen.address or address()).removesuffix("/").removesuffix(".git")
    if repository and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", repository):
        parser.error(f"expected an address such as https://github.com/you/repo, got {repository}")
    if chosen.kaggle and not (repository or chosen.offline):
        parser.error("expected --address, from which Kaggle installs the course, or --offline, got neither")
    wrong = outdated(repository)
    if chosen.check:
        for path in wrong:
            print(f"{path} does not agree with {repository or 'having no address'}; run: python tools/places.py")
        return int(bool(wrong))
    for path, text in wrong.items():
        write(path, text)
        print(path)
    if chosen.kaggle:
        for path in sorted(Path("notebooks").glob("[0-9A]*.ipynb")):
            print(f"kaggle kernels push -p {kernel(path, chosen.kaggle, offline=chosen.offline)}")
        if chosen.offline:
            print(f"first of all: kaggle datasets create -p {wheel(chosen.kaggle)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
