"""Execute notebooks as a reader would, keep what they printed and drew, and say which failed where."""

import asyncio
import contextlib
import hashlib
import html
import os
import re
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import _files
from .runtime import UserError

if TYPE_CHECKING:
    import nbformat

FOLDERS = ("SR_DATA_DIR", "SR_WEIGHTS_DIR", "SR_CACHE_DIR", "SR_KAGGLE_INPUT")
TIMEOUT = 3600  # seconds for one cell; a full training run takes minutes
# nbconvert's page, without the scripts that it would fetch from the network, and with the figures' alt texts.
PAGE = """\
{% extends "lab/index.html.j2" %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block data_png scoped %}{{ super() | described(output.metadata["image/png"].alt) }}{% endblock %}
{% block data_jpg scoped %}{{ super() | described(output.metadata["image/jpeg"].alt) }}{% endblock %}
"""


def find(numbers: Sequence[str] = ()) -> list[Path]:
    """The notebooks of these numbers ("01", "1" or the start of a file name), in order; none means all."""
    places = [Path.cwd() / "notebooks", Path(__file__).resolve().parent.parent / "notebooks"]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise UserError(f"Expected a notebooks folder in {places[0].parent}; run this inside the repository.")
    every = sorted(folder.glob("[0-9A]*.ipynb"))
    if not every:
        raise UserError(f"Expected notebooks such as 01_….ipynb in {folder}, got none.")
    chosen = []
    for number in numbers or [path.name for path in every]:
        matching = [path for path in every if path.name.startswith(str(number).zfill(2))]
        if not matching:
            raise UserError(f"Expected a notebook of {', '.join(p.stem for p in every)}, got {number!r}.")
        chosen += matching
    return list(dict.fromkeys(chosen))


def fingerprint(notebook: "nbformat.NotebookNode") -> str:
    """Checksum of a notebook's code, kept in it when it is run in place: it tells outputs that are out of date."""
    code = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()


def execute(
    path: str | os.PathLike, build: str | os.PathLike, *, profile: str | None = None, in_place: bool = False
) -> str | None:
    """Run one notebook in a fresh kernel, in its own folder.

    Args:
        build: folder for the executed copy and an HTML page, which are written also when a cell fails. The page needs
            no network: its formulas are MathML.
        profile: for SR_PROFILE; None leaves it as it is.
        in_place: also put the outputs into the notebook itself, if every cell ran and nobody saved it meanwhile.

    Returns:
        What failed, if anything: the number of the code cell, its first line, the error. After Ctrl-C the kernel is
        stopped and nothing is written.
    """
    return _in_loop(lambda stop: _execute(Path(path), Path(build), stop, profile=profile, in_place=in_place))


def _in_loop(work):
    """What the coroutine `work(stop)` returns; calling `stop` ends it and all it began, as Ctrl-C does."""

    async def main():
        task, loop = asyncio.current_task(), asyncio.get_running_loop()

        def stop():
            # Tasks of nbclient that look after a kernel would complain about its end.
            loop.set_exception_handler(lambda loop, context: None)
            task.cancel()

        return await work(stop)

    try:
        # Windows has another loop by default, which ZeroMQ can use only with a thread more and a warning.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _execute(path, build, stop, *, profile, in_place, line=0):
    """See `execute`. `line` is that of the progress bar."""
    import nbformat

    content = path.read_bytes()
    notebook = _parse(path, content)
    build.mkdir(parents=True, exist_ok=True)
    # The kernel works in the notebook's folder, so relative folders must be made absolute here.
    folders = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in FOLDERS if os.environ.get(name)}
    environment = {**os.environ, **folders, **({"SR_PROFILE": profile} if profile else {})}
    problem = await _run_cells(notebook, path, environment, stop, line)
    notebook.metadata["srhelpers"] = {"executed": fingerprint(notebook)}
    _describe_figures(notebook)
    executed = nbformat.writes(notebook) + "\n"
    for target, text in ((build / path.name, executed), (build / f"{path.stem}.html", _page(notebook, path.stem))):
        with _files.replacing(target) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    if problem or not in_place:
        return problem
    if not path.is_file() or path.read_bytes() != content:
        return f"to keep the outputs: {path.name} was changed by another program meanwhile, and is left as it is"
    with _files.replacing(path) as partial:
        partial.write_text(executed, encoding="utf-8", newline="\n")
    return None


def _parse(path, content):
    import nbformat

    try:
        notebook = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(notebook)
    # nbformat stumbles over JSON that is not an object.
    except (AttributeError, ValueError, nbformat.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"Expected a Jupyter notebook in {path}, got a file that is none ({reason}).") from error
    return notebook


def _describe_figures(notebook):
    """Figures that bring no alt text, such as the reader's own, get their section's heading."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"(?m)^#+ (.+)", cell.source) or [heading])[-1]
        for output in cell.get("outputs", ()):
            for kind in output.get("data", ()):
                if kind.startswith("image/"):
                    output.metadata.setdefault(kind, {}).setdefault("alt", f"A figure of the section “{heading}”")


def _page(notebook, name):
    """The notebook as HTML."""
    import jinja2
    import nbconvert
    from latex2mathml import converter
    from nbconvert.filters import markdown_mistune

    class Renderer(markdown_mistune.IPythonRenderer):
        def block_math(self, body):
            return converter.convert(body, display="block")

        def inline_math(self, body):
            return converter.convert(body)

    def markdown(source):
        return markdown_mistune.MarkdownWithMath(Renderer(escape=False)).render(source)

    def described(image, words):
        return image.replace("<img ", f'<img alt="{html.escape(words)}" ')

    exporter = nbconvert.HTMLExporter(
        template_file="page.html.j2",
        extra_loaders=[jinja2.DictLoader({"page.html.j2": PAGE})],
        filters={"markdown2html": markdown, "described": described},
    )
    return exporter.from_notebook_node(notebook, {"metadata": {"name": name}})[0]


def _console():
    """For what a kernel writes past the notebook, in whatever encoding it does."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


async def _run_cells(notebook, path, environment, stop, line):
    """Fill in the outputs; returns what went wrong, or None."""
    import nbclient
    from tqdm.auto import tqdm

    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    running, problem = [], None

    def started(cell, cell_index):
        running[:] = [cell_index]
        # nbclient would answer Ctrl-C by killing the kernel under the running cell, and then stumble over that.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)

    with tqdm(desc=path.stem, total=len(code), unit="cell", position=line) as bar, _console() as console:
        client = nbclient.NotebookClient(
            notebook,
            timeout=TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_start=started,
            on_cell_executed=lambda cell, cell_index, execute_reply: bar.update(),
        )
        try:
            await client.async_execute(env=environment, stderr=console)
        except nbclient.exceptions.CellExecutionError as error:
            shown = [output for output in notebook.cells[running[0]].outputs if output.output_type == "error"]
            problem = f"{shown[-1].ename}: {shown[-1].evalue}" if shown else str(error)
        except Exception as error:  # a dead kernel, a cell that takes too long, a kernel that does not start
            if asyncio.current_task().cancelling():
                raise asyncio.CancelledError from error
            problem = f"{type(error).__name__}: {error}"
        console.seek(0)
        last_words = console.read().strip().rpartition("\n")[2]
    if problem and running:
        first = notebook.cells[running[0]].source.strip().splitlines()[0]
        return f"in code cell {code.index(running[0]) + 1} of {len(code)} ({first}): {problem.strip()}"
    return f"to start the kernel: {problem.strip()} {last_words}" if problem else None


def run(
    numbers: Sequence[str] = (),
    *,
    profile: str | None = None,
    keep_going: bool = False,
    in_place: bool = False,
    jobs: int = 1,
) -> int:
    """Execute notebooks (see `find`) as `execute` does, print a table, return how many failed.

    Args:
        keep_going: go on after a notebook that fails.
        jobs: how many run at the same time. On two cores two of them take a third less time than one after the other,
            but the seconds that they print are then no measurement.
    """
    if jobs < 1:
        raise UserError(f"Expected at least one notebook at the same time, got {jobs}.")
    results, chosen = {}, find(numbers)
    build = chosen[0].parent.parent / "build"
    # What would fail only after minutes of work.
    for path in chosen:
        _parse(path, path.read_bytes())
    for folder in {build, chosen[0].parent} if in_place else {build}:
        _files.make_folder(folder)
    waiting = list(chosen)

    async def one_after_the_other(line, stop):
        while waiting:
            path, start = waiting.pop(0), time.perf_counter()
            try:
                problem = await _execute(path, build, stop, profile=profile, in_place=in_place, line=line)
            except (OSError, UserError) as error:  # a full disk, a notebook that was damaged meanwhile
                problem = f"to read or write: {error}"
            results[path] = time.perf_counter() - start, problem
            if problem and not keep_going:
                waiting.clear()

    async def all_of_them(stop):
        try:
            async with asyncio.TaskGroup() as group:  # unlike `gather`, it waits for all of them after Ctrl-C
                for line in range(min(jobs, len(chosen))):
                    group.create_task(one_after_the_other(line, stop))
        except ExceptionGroup as several:  # such as a package that is missing, which `main` tells in one line
            raise several.exceptions[0] from None

    start = time.perf_counter()
    _in_loop(all_of_them)
    width = max(len(path.stem) for path in results)
    print(f"\n{'notebook':<{width}}  {'time':>7}  result")
    for path in filter(results.get, chosen):
        seconds, problem = results[path]
        print(f"{path.stem:<{width}}  {seconds:5.0f} s  {f'failed {problem}' if problem else 'ok'}")
    print(f"\n{time.perf_counter() - start:.0f} s in all. Executed copies and HTML pages are in {build.resolve()}.")
    return sum(problem is not None for _, problem in results.values())
