"""The workflows for GitHub: linted, and their commands run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
LINTER = shutil.which("actionlint") or shutil.which("jactionlint")
GITHUB = {"github.server_url": "https://github.com", "github.repository": "someone/fork", "github.token": "secret"}

bash = pytest.mark.skipif(sys.platform == "win32", reason="the workflow's commands are for bash")


def test_the_linter_finds_nothing():
    if not LINTER:
        pytest.skip("no linter for workflows here; run: python -m pip install jactionlint")
    only = ["--profile", "correctness"] if "jactionlint" in LINTER else []
    done = subprocess.run([LINTER, *only, *WORKFLOWS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, REPOSITORY / ".ci" / "run"], ids=lambda path: path.stem)
def test_what_is_installed_is_offered(path):
    offered = set(tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
    asked = {name for names in re.findall(r"\.\[([^\]]+)\]", path.read_text("utf-8")) for name in names.split(",")}
    assert asked - {"$BACKEND"} <= offered


def test_the_nightly_run_installs_all_that_our_own_run_does():
    ours = re.search(r'install newest "\$python" (.*)', (REPOSITORY / ".ci" / "run").read_text("utf-8"))[1]
    install = next(command for name, command, _ in commands("lessons.yml", "everything") if name == "Install")
    assert f"python -m pip install {ours}" in install.splitlines()


def commands(workflow, job):
    """(name, command, environment) of each step that is a command."""
    found = yaml.safe_load((REPOSITORY / ".github" / "workflows" / workflow).read_text("utf-8"))["jobs"][job]
    for step in found["steps"]:
        if "run" in step:
            given = {**found.get("env", {}), **step.get("env", {})}
            given = {
                name: re.sub(r"\$\{\{ (.*?) \}\}", lambda text: GITHUB[text[1]], text) for name, text in given.items()
            }
            yield step["name"], step["run"], given


def run(folder, workflow, job, *, skip, **variables):
    """The exit status of each step, in order, until one fails."""
    results = {}
    for name, command, given in commands(workflow, job):
        if name not in skip:
            path = os.pathsep.join([str(folder.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
            environment = {**os.environ, "PATH": path, "GIT_CONFIG_GLOBAL": os.devnull, **given, **variables}
            done = subprocess.run(["bash", "-eo", "pipefail", "-c", command], cwd=folder, env=environment)
            results[name] = done.returncode
            if done.returncode:
                break
    return results


def git(*words, folder):
    user = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *user, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path):
    """A bare repository that a fork was pushed to: what the tools read, and two lessons."""
    first = tmp_path / "first"
    first.mkdir()
    lessons = [*REPOSITORY.glob("notebooks/0[12]_*.ipynb"), *REPOSITORY.glob("notebooks/scripts/0[12]_*.py")]
    for path in [
        *lessons,
        *(
            REPOSITORY / name
            for name in ("pyproject.toml", "README.md", "tools/places.py", "tools/space/requirements.txt")
        ),
    ]:
        target = first / path.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    git("init", "--quiet", "--bare", "origin.git", folder=tmp_path)
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"], ["push", "-q", "../origin.git", "HEAD:main"]):
        git(*words, folder=first)
    return tmp_path / "origin.git"


@bash
def test_the_address_of_a_fork_reaches_its_badges_after_a_push_and_is_written_once(origin, tmp_path):
    for number in (1, 2):
        git("clone", "--quiet", "origin.git", f"runner{number}", folder=tmp_path)
        results = run(tmp_path / f"runner{number}", "address.yml", "address", skip=["Install"])
        assert results == {"Write the address": 0, "Commit what changed": 0}
        assert git("rev-list", "--count", "main", folder=origin) == "2", "one commit, also after the second run"
    git("clone", "--quiet", "origin.git", "reader", folder=tmp_path)
    address = "https://github.com/someone/fork"
    assert git("log", "-1", "--format=%s", folder=origin) == f"Badges and first cells lead to {address}"
    for path in (tmp_path / "reader" / "notebooks").glob("*.ipynb"):
        first, setup, *_ = nbformat.read(path, 4).cells
        there = f"someone/fork/blob/main/notebooks/{path.name}"
        colab, kaggle = "https://colab.research.google.com/github/", "https://kaggle.com/kernels/welcome?src="
        for text in (first.source, (tmp_path / "reader" / "README.md").read_text("utf-8")):
            assert f"({colab}{there})" in text
            assert f"({kaggle}https://github.com/{there})" in text
        assert f'COURSE = "git+{address}"' in setup.source


@bash
def test_the_nightly_run_finds_every_lesson(tmp_path):
    if not shutil.which("jq"):
        pytest.skip("jq is not here; GitHub's machines have it")
    output = tmp_path / "output"
    assert run(REPOSITORY, "lessons.yml", "list", skip=[], GITHUB_OUTPUT=str(output)) == {"List the lessons": 0}
    numbers = [path.name.partition("_")[0] for path in sorted(REPOSITORY.glob("notebooks/[0-9A]*.ipynb"))]
    assert yaml.safe_load(output.read_text("utf-8").partition("=")[2]) == numbers


@bash
@pytest.mark.slow
@pytest.mark.parametrize("tag, last", [("v9.9", "Check that the tag is the version"), (None, "Release")])
def test_a_tag_makes_a_release_with_the_wheel(tmp_path, tag, last):
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    tag = tag or f"v{version}"
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("srhelpers", "data"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    client = tmp_path / "bin" / "gh"
    client.parent.mkdir()
    client.write_text(f'#!/bin/sh\necho "$GH_TOKEN" "$@" > "{tmp_path}/asked"\n')
    client.chmod(0o755)
    results = run(folder, "release.yml", "release", skip=["Install it, and use it"], GITHUB_REF_NAME=tag)
    assert list(results)[-1] == last
    if last == "Release":
        wheel = f"dist/srhelpers-{version}-py3-none-any.whl"
        asked = (tmp_path / "asked").read_text("utf-8").split()
        assert asked == ["secret", "release", "create", tag, wheel, "--verify-tag", "--generate-notes"]
        assert (folder / wheel).stat().st_size > 1e6
    else:
        assert results[last] == 1
