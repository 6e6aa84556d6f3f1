"""The command line: `srhelpers run`, `srhelpers download`, `srhelpers evaluate`, `srhelpers upscale`, …"""

import argparse
import io
import os
import shutil
import sys
import textwrap
import warnings
from functools import partial

import srhelpers as sr

from ._files import printable
from .degradations import DEGRADATIONS
from .runtime import UserError


def _run(arguments):
    return sr.notebooks.run(
        arguments.numbers,
        profile=arguments.profile,
        keep_going=arguments.keep_going,
        in_place=arguments.in_place,
        jobs=arguments.jobs,
    )


def _size(dataset):
    if dataset.archive is None:
        return ""
    if dataset.archive.size:
        return f"{dataset.archive.size / 1e6:,.0f} MB"
    return f"≈{dataset.archive.about_size / 1e6:,.0f} MB" if dataset.archive.about_size else "unknown"


def _download(arguments):
    if arguments.list or not arguments.names:
        print(f"{'name':<18} {'photos':>6}  {'download':>8}  what, terms, and where it is here")
        for dataset in sr.datasets.catalog.DATASETS.values():
            where = sr.datasets.find(dataset.name) if sr.datasets.is_here(dataset.name) else "not here"
            print(f"{dataset.name:<18} {dataset.photos:>6}  {_size(dataset):>8}  {dataset.about} ({dataset.licence})")
            print(f"{'':<36}{where}")
        return 0
    for name in arguments.names:
        print(f"{name}: {sr.datasets.download(name)}")
    return 0


def _attempt(problems, function, *given, **options):
    """What a function gives, or None where that cannot be had: then the reason is added to the problems."""
    try:
        return function(*given, **options)
    except (UserError, OSError) as error:
        problems[str(error)] = None
        return None


def _evaluate(arguments):
    if arguments.path and len(arguments.dataset) > 1:
        raise UserError(f"Expected one dataset with --path, got {', '.join(arguments.dataset)}; run them one by one.")
    if not arguments.method + arguments.model:
        raise UserError("Expected --method, --model or both, got neither.")
    problems, models = {}, {}
    for name in arguments.model:
        model = _attempt(problems, sr.models.load, name)
        own = model is not None and _attempt(problems, sr.upscaling.scales, model)
        if own:
            models[name] = model, arguments.scale or own
    scales = sorted(arguments.scale or {scale for _, own in models.values() for scale in own} or {4})
    methods = {name: (name, scales) for name in arguments.method} | models
    options = {"degradation": arguments.degradation, "lpips": arguments.lpips, "path": arguments.path}
    measured = [
        _attempt(problems, sr.metrics.evaluate, method, dataset, scale, name=name, progress=True, **options)
        for dataset in arguments.dataset
        for scale in scales
        for name, (method, own) in methods.items()
        if scale in own
    ]
    measured = [rows for rows in measured if rows is not None]
    for problem in problems:
        print(f"srhelpers: {problem}", file=sys.stderr)
    if measured:
        import pandas as pd

        rows = pd.concat(measured, ignore_index=True)
        table = rows if arguments.per_image else sr.metrics.summarise(rows)
        print(table)
        if arguments.csv:
            sr.metrics.save(table, arguments.csv)
            print(f"Saved to {arguments.csv}.")
    return 1 if problems or any(rows.attrs["failed"] for rows in measured) else 0


def _upscale(arguments):
    if arguments.scale is not None and not arguments.scale > 0:
        raise UserError(f"Expected a scale above 0, got {arguments.scale:g}.")
    if arguments.workers and arguments.ray is None:
        raise UserError("Expected --ray where --workers is given, got none; add it.")
    if arguments.ray is None:
        upscale_files = sr.upscaling.folders.upscale_files
    else:
        address = arguments.ray or None
        upscale_files = partial(sr.upscaling.cluster.upscale_files, address=address, workers=arguments.workers)
    summary = upscale_files(
        arguments.input,
        arguments.output,
        arguments.model,
        use=arguments.use,
        scale=arguments.scale,
        tile=arguments.tile,
        exact=arguments.exact,
        self_ensemble=arguments.self_ensemble,
        format=arguments.format,
        suffix=arguments.suffix,
        overwrite=arguments.overwrite,
    )
    for target, note in summary.notes.items():
        print(printable(f"{target}: {note}"))
    for source, reason in summary.failed.items():
        print(printable(f"failed: {source}: {reason}"), file=sys.stderr)
    print(f"{summary}.{' --overwrite makes anew what was skipped.' if summary.skipped else ''}")
    return 1 if summary.failed else 0


def _export(arguments):
    difference = sr.models.export.save(arguments.model, arguments.output, arguments.format)
    sizes = ", ".join(f"{width}×{height}" for height, width in sr.models.export.SIZES)
    print(f"{arguments.output}: differs from Keras by at most {difference:.4f} gray levels on noise of {sizes} pixels.")
    return 0


def _app(arguments):
    from . import app  # needs Gradio

    app.launch(arguments.host, arguments.port)
    return 0


def _print_row(start, text):
    """A row of a table whose last column goes on below it where the terminal ends, or begins there if it is narrow."""
    width = shutil.get_terminal_size().columns
    if not sys.stdout.isatty():
        print(start + text)
    elif width >= len(start) + 30:
        print(textwrap.fill(text, width, initial_indent=start, subsequent_indent=" " * len(start)))
    else:
        print(start.rstrip(), textwrap.indent(textwrap.fill(text, width - 4), " " * 4), sep="\n")


def _models(arguments):
    rows = [("name", "scales", "parameters", "size", "PSNR-Y", "what for, and lesson")]
    for row in sr.models.table().itertuples():
        scales = " ".join(f"×{scale}" for scale in row.scales)
        ours = row.author in ("this course", "you")
        by = f"; {row.source}" * bool(row.source) if ours else f"; by {row.author}, {row.licence}"
        purpose = f"{row.purpose}{f' ({row.lesson})' * bool(row.lesson)}{by}"
        rows.append((row.name, scales, f"{row.parameters:,}", f"{row.megabytes:.1f} MB", row.score, purpose))
    names, upscales, counts, sizes, scores, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    for name, scales, count, size, score, purpose in rows:
        start = f"{name:<{names}} {scales:<{upscales}} {count:>{counts}} {size:>{sizes}}  {score:<{scores}}  "
        _print_row(start, purpose)
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        "srhelpers", description="Upscale pictures and clips, run the notebooks, get datasets, measure methods."
    )
    parser.add_argument("--version", action="version", version=sr.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="execute notebooks; results go to build/")
    run.add_argument("numbers", nargs="*", metavar="NN", help="such as 01 02; none means all")
    run.add_argument("--profile", choices=("quick", "gpu", "full"), help="default: gpu where there is one, else quick")
    run.add_argument("--keep-going", action="store_true", help="go on after a notebook that fails")
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="how many run at the same time (default: 1)")
    run.add_argument("--in-place", action="store_true", help="also save the outputs into notebooks/ (for authors)")
    run.set_defaults(function=_run)

    download = commands.add_parser("download", help="fetch datasets into the cache")
    download.add_argument("names", nargs="*", metavar="NAME")
    download.add_argument("--list", action="store_true", help="what there is, and what is here already")
    download.set_defaults(function=_download)

    evaluate = commands.add_parser("evaluate", help="PSNR and SSIM of methods and models on any photos")
    evaluate.add_argument("--method", nargs="+", default=[], help="nearest bilinear bicubic lanczos area")
    evaluate.add_argument(
        "--model", nargs="+", default=[], metavar="NAME|FILE", help="see `srhelpers models`, or your own .keras files"
    )
    evaluate.add_argument("--dataset", nargs="+", required=True, help="such as Set5 Set14 B100, or any folder")
    evaluate.add_argument("--scale", nargs="+", type=int, help="default: those of the models, else 4")
    evaluate.add_argument("--degradation", default="bicubic", help=" ".join(DEGRADATIONS))
    evaluate.add_argument("--path", help="folder of the dataset, if it is not found by itself")
    evaluate.add_argument("--lpips", action="store_true", help="also the perceptual distance LPIPS (color photos)")
    evaluate.add_argument("--per-image", action="store_true", help="a row per image instead of the mean")
    evaluate.add_argument("--csv", help="add the rows to this file, or put them in place of older ones")
    evaluate.set_defaults(function=_evaluate)

    upscale = commands.add_parser(
        "upscale",
        help="upscale pictures, folders of them, or clips",
        description="Upscale pictures (PNG, JPEG, WebP, TIFF, GIF, BMP), clips (.mp4, .mkv, .mov, .webm, .avi, .m4v) "
        "and folders of them with what is inside. Each comes out in its own kind. Existing files are skipped.",
    )
    upscale.add_argument("input", nargs="+", help='files, folders, or globs in quotes, such as "scans/**/*.png"')
    upscale.add_argument("-o", "--output", required=True, help="a file for one input, else a folder")
    uses = ("photo", "clean", "drawing", "video")  # `models.USES`, which would import Keras
    upscale.add_argument("--for", dest="use", choices=uses, help="what it is; default: by the kind of file")
    upscale.add_argument("--model", metavar="NAME|FILE", help="see `srhelpers models`, or your own .keras file")
    upscale.add_argument(
        "--scale", "--outscale", type=float, metavar="N", help="any number; default 2, or the model's smallest"
    )
    upscale.add_argument("--tile", type=int, metavar="N", help="pixels a side; default 256, and whole frames of clips")
    upscale.add_argument("--exact", action="store_true", help="tiles without seams, for networks that look far: slower")
    upscale.add_argument(
        "--self-ensemble", action="store_true", help="the mean of eight turns: a bit better, 8× as long"
    )
    upscale.add_argument("--format", choices=("jpg", "png", "webp", "tiff"), help="of pictures; default: as each input")
    upscale.add_argument("--suffix", default="", metavar="TEXT", help="added to the names in a folder, such as _x4")
    upscale.add_argument("--overwrite", action="store_true", help="replace existing files")
    upscale.add_argument(
        "--ray", nargs="?", const="", metavar="ADDRESS", help="share pictures among the machines of a Ray cluster"
    )
    upscale.add_argument("--workers", type=int, metavar="N", help="with --ray; default: one per GPU, else per machine")
    upscale.set_defaults(function=_upscale)

    app = commands.add_parser("app", help="a page in the browser that upscales pictures")
    app.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in; default: only this one")
    app.add_argument("--port", type=int, help="default: the first that is free from 7860 on")
    app.set_defaults(function=_app)

    export = commands.add_parser("export", help="a model for programs without Keras: ONNX, LiteRT, SavedModel")
    export.add_argument("model", metavar="MODEL", help="see `srhelpers models`, or your own .keras file")
    export.add_argument("--format", choices=("onnx", "litert", "tf"), default="onnx", help="default: onnx")
    export.add_argument(
        "-o", "--output", required=True, help="a name that ends in .onnx or .tflite; for tf a new folder"
    )
    export.set_defaults(function=_export)

    models = commands.add_parser("models", help="the shipped models: size, scales, score, what for")
    models.set_defaults(function=_models)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Entry point of the `srhelpers` command; returns its exit status. A bug shows its traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr has it: a pipe of Windows knows no ≈
    try:
        try:
            return _run_command(_parser().parse_args(arguments))
        finally:
            print(end="", flush=True)
    except BrokenPipeError:  # `| head` has seen enough; what is still to be written would be an error once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as the shell says it of other commands


def _run_command(chosen):
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"srhelpers: {message}", file=sys.stderr)
        try:
            return chosen.function(chosen)
        except BrokenPipeError:
            raise
        except (UserError, OSError, sr.datasets.DownloadError, ModuleNotFoundError) as error:
            if isinstance(error, ModuleNotFoundError) and error.name:
                raise  # Python's own, and so a bug: ours say what to install, and carry no name
            print(f"srhelpers: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("srhelpers: stopped", file=sys.stderr)
            return 130


if __name__ == "__main__":
    sys.exit(main())
