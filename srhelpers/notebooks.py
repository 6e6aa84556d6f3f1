"""Execute notebooks as a reader would, keep what they printed and drew, and say which failed where."""

import asyncio
import contextlib
import hashlib
import os
import signal
import tempfile
import time
from pathlib import Path

FOLDERS = ("SR_DATA_DIR", "SR_WEIGHTS_DIR", "SR_CACHE_DIR", "SR_KAGGLE_INPUT")
TIMEOUT = 3600  # seconds for one cell; a full training run takes minutes


def find(numbers=()):
    """The notebooks to run, in order.

    Args:
        numbers: "01", "1" or the start of a file name; none means all.

    Returns:
        List of Path.

    Raises:
        FileNotFoundError: no notebooks folder here, or no notebook of that number.

    >>> import srhelpers as sr
    >>> sr.notebooks.find(["1"])[0].name  # doctest: +SKIP
    '01_bicubic_baselines.ipynb'
    """
    places = [Path.cwd() / "notebooks", Path(__file__).resolve().parent.parent / "notebooks"]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"Expected a notebooks folder in {places[0].parent}; run this inside the repository.")
    every = sorted(folder.glob("[0-9]*.ipynb"))
    if not every:
        raise FileNotFoundError(f"Expected notebooks such as 01_….ipynb in {folder}, got none.")
    chosen = []
    for number in numbers or [path.name for path in every]:
        matching = [path for path in every if path.name.startswith(str(number).zfill(2))]
        if not matching:
            raise FileNotFoundError(f"Expected a notebook of {', '.join(p.stem for p in every)}, got {number!r}.")
        chosen += matching
    return list(dict.fromkeys(chosen))


def fingerprint(notebook):
    """Checksum of a notebook's code, kept in it when it is run in place: it tells outputs that are out of date.

    >>> import nbformat, srhelpers as sr
    >>> sr.notebooks.fingerprint(nbformat.v4.new_notebook())[:8]
    'e3b0c442'
    """
    code = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()


def execute(path, build, *, profile=None, in_place=False):
    """Run one notebook in a fresh kernel, in its own folder.

    Writes the executed copy and an HTML page into `build`, also when a cell fails. The files get their names
    only when they are whole.

    Args:
        path: the notebook.
        build: folder for the results.
        profile: "quick" or "full" for SR_PROFILE; None leaves it as it is.
        in_place: also put the outputs into the notebook itself, if every cell ran.

    Returns:
        None if every cell ran, else a string: the number of the failing code cell, its first line, the error.

    Raises:
        KeyboardInterrupt: Ctrl-C; the kernel is stopped and nothing is written.

    >>> import srhelpers as sr
    >>> sr.notebooks.execute("notebooks/01_bicubic_baselines.ipynb", "build")  # doctest: +SKIP
    """
    import nbconvert
    import nbformat

    path, build = Path(path), Path(build)
    build.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    # The kernel works in the notebook's folder, so relative folders must be made absolute here.
    folders = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in FOLDERS if os.environ.get(name)}
    environment = {**os.environ, **folders, **({"SR_PROFILE": profile} if profile else {})}
    problem = _run_cells(notebook, path, environment)
    notebook.metadata["srhelpers"] = {"executed": fingerprint(notebook)}
    page = nbconvert.HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": path.stem}})[0]
    _write(build / path.name, nbformat.writes(notebook) + "\n")
    _write(build / f"{path.stem}.html", page)
    if in_place and not problem:
        _write(path, nbformat.writes(notebook) + "\n")
    return problem


def _run_cells(notebook, path, environment):
    """Fill in the outputs; returns what went wrong, or None."""
    import nbclient
    from tqdm.auto import tqdm

    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    running, stopped, problem = [], [], None

    def started(cell, cell_index):
        running[:] = [cell_index]
        # nbclient would answer Ctrl-C by killing the kernel under the running cell, and then stumble over that.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: stopped.append(task[0].cancel()))

    with tqdm(desc=path.stem, total=len(code), unit="cell") as bar, tempfile.TemporaryFile("w+") as console:
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
        task = []

        async def run_all():
            task[:] = [asyncio.current_task()]
            await client.async_execute(env=environment, stderr=console)

        try:
            asyncio.run(run_all())
        except asyncio.CancelledError:
            stopped.append(True)
        except nbclient.exceptions.CellExecutionError as error:
            shown = [output for output in notebook.cells[running[0]].outputs if output.output_type == "error"]
            problem = f"{shown[-1].ename}: {shown[-1].evalue}" if shown else str(error)
        except Exception as error:  # a dead kernel, a cell that takes too long, a kernel that does not start
            problem = f"{type(error).__name__}: {error}"
        console.seek(0)
        last_words = console.read().strip().rpartition("\n")[2]
    if stopped:
        raise KeyboardInterrupt
    if problem and running:
        first = notebook.cells[running[0]].source.strip().splitlines()[0]
        return f"code cell {code.index(running[0]) + 1} of {len(code)} ({first}): {problem.strip()}"
    return f"starting the kernel: {problem.strip()} {last_words}" if problem else None


def _write(path, text):
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def run(numbers=(), *, profile=None, keep_going=False, in_place=False, build=None):
    """Execute notebooks one after the other and print a table.

    Args:
        numbers: as `find`.
        profile, in_place: as `execute`.
        keep_going: go on after a notebook that fails.
        build: folder for the executed copies and HTML pages; None is build/ beside the notebooks folder.

    Returns:
        How many notebooks failed.

    Raises:
        FileNotFoundError: as `find`.

    >>> import srhelpers as sr
    >>> sr.notebooks.run(["01"], profile="quick")  # doctest: +SKIP
    0
    """
    results = []
    chosen = find(numbers)
    build = Path(build) if build else chosen[0].parent.parent / "build"
    for path in chosen:
        start = time.perf_counter()
        problem = execute(path, build, profile=profile, in_place=in_place)
        results.append((path.stem, time.perf_counter() - start, problem))
        if problem and not keep_going:
            break
    width = max(len(name) for name, _, _ in results)
    print(f"\n{'notebook':<{width}}  {'time':>7}  result")
    for name, seconds, problem in results:
        print(f"{name:<{width}}  {seconds:5.0f} s  {'failed in ' + problem if problem else 'ok'}")
    print(f"\nExecuted copies and HTML pages are in {build.resolve()}.")
    return sum(problem is not None for _, _, problem in results)
