"""A page in the browser that upscales pictures, one at a time: `srhelpers app`, or a Hugging Face Space."""

import math
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from . import models
from .runtime import UserError
from .upscaling import engine, folders, pictures, planning

MOST_IN, MOST_OUT = 12_500_000, 50_000_000  # pixels
MOST_BYTES = 100_000_000  # of a file
PATIENCE = 300  # seconds of computing, for which the others wait
KEPT = 3600  # seconds after which files go
LIMITS = (
    f"At most {MOST_IN / 1e6:g} megapixels ({MOST_BYTES / 1e6:g} MB) go in and {MOST_OUT / 1e6:g} come out, within "
    f"{PATIENCE // 60} minutes: a phone's photo at ×2, or 3 megapixels at ×4."
)
USES = [
    ("by the kind of file", ""),
    ("photo, compressed or noisy", "photo"),
    ("clean picture, saved without loss", "clean"),
    ("drawing", "drawing"),
]


class Upscaled(NamedTuple):
    """What `upscale` made of a picture, and what is to be said about it."""

    before: Path  # the picture, enlarged by bicubic interpolation, and the result, as browsers show them
    after: Path
    result: Path  # in its own kind
    note: str


def upscale(
    file: Path,
    folder: Path,
    *,
    use: str | None = None,
    network: str | None = None,
    scale: float = 2,
    format: str | None = None,
    progress: Callable[[float], object] = lambda part: None,
) -> Upscaled:
    """Upscale the picture in a file as `srhelpers upscale` does, within the limits of a machine that others share.

    Args:
        file: a picture, of the kind that its ending says.
        folder: where the results go.
        use: of `models.USES`; None takes "photo" for JPEG and WebP, else "clean".
        network: name of one, in place of the choice for the use.
        scale: number above 0.
        format: of `planning.CHOICES`; None keeps the file's.
        progress: function that is called with the part that is done.
    """
    purpose = use or ("photo" if file.suffix.lower() in planning.LOSSY else "clean")
    name = network or models.choice(purpose, scale)
    why = "as you chose" if network else f"since {f'it is the choice for {use}' if use else folders.REASONS[purpose]}"
    picture = pictures.read(file)
    height, width = picture.pixels.shape[:2]
    size = [max(round(n * scale), 1) for n in (height, width)]
    if width * height > MOST_IN or math.prod(size) > MOST_OUT:
        raise UserError(
            f"Expected at most {MOST_IN / 1e6:g} megapixels, and {MOST_OUT / 1e6:g} of the result, got "
            f"{width}×{height} pixels, {width * height / 1e6:.1f} megapixels, which ×{scale:g} become "
            f"{math.prod(size) / 1e6:.1f}; choose a smaller scale, cut the picture, or use the command line."
        )
    started, model = time.perf_counter(), models.load(name)

    def grow(pixels):
        overlap = engine.overlap_of(model, most=folders.OVERLAP)
        options = {"scale": scale, "tile": folders.TILE, "overlap": overlap, "progress": _patient(progress, name)}
        return engine.upscale(pixels, model, **options)

    large = pictures.enlarge(picture, grow)
    seconds = time.perf_counter() - started
    ending = f".{format}" if format else file.suffix if file.suffix.lower() in pictures.FORMATS else ".png"
    result = folder / f"{file.stem}_x{scale:g}{ending}"
    changed = pictures.write(large, result)
    before, after = folder / "before.jpg", folder / "after.jpg"
    pictures.write(large, after)
    pictures.write(picture, before)
    with Image.open(before) as small:
        options = {"quality": 95, "subsampling": 0, "icc_profile": small.info.get("icc_profile")}
        small.resize(size[::-1], Image.Resampling.BICUBIC).save(before, **options)
    note = f"Took **{name}**, {why}. {width}×{height} pixels became {size[1]}×{size[0]} in {seconds:.1f} s."
    return Upscaled(before, after, result, " ".join(filter(None, [note, changed])))


def _patient(progress, name):
    """`progress`, until it is clear that the picture takes too long."""
    started = time.perf_counter()

    def report(part):
        elapsed = time.perf_counter() - started
        if elapsed > PATIENCE / 10 and elapsed > PATIENCE * part:
            raise UserError(
                f"Expected at most {PATIENCE // 60} minutes of computing, got about {elapsed / part / 60:.0f} for this "
                f"picture with {name}; choose a smaller scale, a quicker network, or cut the picture."
            )
        progress(part)

    return report


def page(folder: Path) -> "gradio.Blocks":  # noqa: F821, which is imported where it is needed
    """The page, whose files are in a folder. Gradio's own variable GRADIO_TEMP_DIR must name it too."""
    try:
        import gradio
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Expected the package gradio, which makes the page; run: python -m pip install gradio"
        ) from error

    def run(file, use, network, scale, format, progress=gradio.Progress()):  # noqa: B008, as Gradio wants it
        if not file:
            raise gradio.Error("Choose a picture first.", title="No picture", print_exception=False)
        file, made = Path(file), Path(tempfile.mkdtemp(dir=folder))
        options = {"use": use or None, "network": network or None, "scale": scale, "format": format or None}
        try:
            done = upscale(file, made, **options, progress=partial(progress, desc="Upscaling"))
        except (UserError, OSError, MemoryError) as error:
            reason = f"{error}" or "Not enough memory; choose a smaller picture."
            for place in (file.parent, made):  # where the server keeps files is nobody's business
                reason = reason.replace(f"{place}{os.sep}", "")
            raise gradio.Error(reason, title="Not upscaled", duration=None, print_exception=False) from error
        label = f"Download {done.result.name} ({done.result.stat().st_size / 1e6:.1f} MB)"
        return (done.before, done.after), gradio.DownloadButton(label, value=done.result, interactive=True), done.note

    known = [record.name for record in models.manifest().values() if record.kind == "upscaler"]
    networks = [("the choice for it", ""), *filter(models.is_here, known)]
    formats = [("as the upload", ""), *planning.CHOICES]
    quietly = {"api_visibility": "private", "show_progress": "hidden"}
    options = {"fill_width": True, "analytics_enabled": False, "delete_cache": (600, KEPT)}
    with gradio.Blocks(title="Super-resolution", **options) as blocks:
        gradio.Markdown(
            "# Super-resolution\nUpscale a picture by a neural network, and compare it with bicubic interpolation: "
            f"move the line, zoom with the wheel. {LIMITS} Files are deleted after an hour."
        )
        with gradio.Row():
            with gradio.Column(min_width=320):
                with gradio.Tab("File"):
                    label = "JPEG, PNG, WebP, TIFF, GIF or BMP"
                    file = gradio.File(file_types=[*pictures.FORMATS], label=label, height=150)
                with gradio.Tab("Webcam"):
                    unmirrored = gradio.WebcamOptions(mirror=False)
                    webcam = gradio.Image(
                        sources=["webcam"],
                        type="filepath",
                        image_mode=None,
                        webcam_options=unmirrored,
                        show_label=False,
                    )
                use = gradio.Radio(USES, value="", label="What it is")
                scale = gradio.Slider(1.5, 4, value=2, step=0.5, label="Scale")
                with gradio.Accordion("Network and format", open=False):
                    network = gradio.Dropdown(networks, value="", label="Network")
                    format = gradio.Dropdown(formats, value="", label="Format of the result")
                start = gradio.Button("Upscale", variant="primary")
                note = gradio.Markdown()
                download = gradio.DownloadButton("Download", interactive=False)
            with gradio.Column(scale=4):
                # Two pixels more than the pictures, for the border: else one picture is drawn a pixel lower.
                slider = gradio.ImageSlider(
                    label="Bicubic | network", height=722, max_height=720, buttons=["fullscreen"], interactive=False
                )
        results = [slider, download, note]
        webcam.input(lambda photo: (photo, "photo"), webcam, [file, use], **quietly)
        file.change(
            lambda: (None, gradio.DownloadButton("Download", value=None, interactive=False), ""),
            None,
            results,
            **quietly,
        )
        start.click(
            run, [file, use, network, scale, format], results, api_visibility="private", show_progress_on=slider
        )
    return blocks


def launch(host: str = "127.0.0.1", port: int | None = None) -> None:
    """Serve the page until Ctrl-C. No port takes the first that is free from 7860 on.

    Uploads and results are in a temporary folder, which is removed at the end; nothing else of the machine is served.
    """
    with tempfile.TemporaryDirectory(prefix="srhelpers-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # or the folder would stay
        blocks = page(Path(folder)).queue(max_size=20, default_concurrency_limit=1)
        _, address, _ = blocks.launch(
            server_name=host,
            server_port=port,
            max_file_size=MOST_BYTES,
            allowed_paths=[],
            footer_links=["gradio"],
            run_history=False,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
        )
        print(f"The page is at {address}; Ctrl-C stops it.", flush=True)
        blocks.block_thread()
