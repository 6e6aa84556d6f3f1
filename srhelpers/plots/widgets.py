"""What a reader touches in a notebook: a slider between two pictures, and the choice of a photo."""

import base64
import os
import tempfile
from html import escape
from pathlib import Path

import cv2
import numpy as np

from .. import datasets, degradations
from ..runtime import UserError
from ..upscaling import pictures

WIDEST = 1000  # pixels of a side that is kept: they all lie in the notebook

# Rules in a style sheet, not in the tags: where a page strips it (JupyterLab before you run the notebook, GitHub),
# the two pictures stand one below the other. In the tags some rules would be kept, and one picture hide the other.
_PAGE = """\
<style>
.before-after {{ display: grid; margin: 0 auto; }}
.before-after > * {{ grid-column: 1; }}
.before-after > p {{ margin: 0.2em 0; text-align: center; }}
.before-after > img {{ grid-row: 2; width: 100%; margin: 0; }}
.before-after > img + img {{ clip-path: inset(0 0 0 var(--at, 50%)); }}
.before-after > .line {{ grid-row: 2; width: 2px; margin: 0 0 0 calc(var(--at, 50%) - 1px); background: white; }}
.before-after > input {{ width: 100%; accent-color: #E69F00; cursor: ew-resize; }}
</style>
<div class="before-after" style="max-width: {width}px">
<p><b>{title}</b></p>
<img alt="{before_name}" src="data:image/jpeg;base64,{before}">
<img alt="{after_name}" src="data:image/jpeg;base64,{after}">
<div class="line"></div>
<input type="range" min="0" max="100" step="0.5" value="50" aria-label="{before_name} or {after_name}"
 data-lm-suppress-shortcuts="true" oninput="this.parentNode.style.setProperty('--at', this.value + '%')">
<p>{before_name} | {after_name}</p>
</div>"""


class _Slider:
    def __init__(self, before, after, title, names):
        self.before, self.after, self.title, self.names = before, after, title, names

    def _repr_mimebundle_(self, **kwargs):
        half = self.after.copy()
        middle = half.shape[1] // 2
        half[:, :middle] = self.before[:, :middle]
        half[:, max(middle - 1, 0) : middle + 1] = 255
        before, after, static = (base64.b64encode(_jpeg(image)).decode() for image in (self.before, self.after, half))
        title, before_name, after_name = map(escape, (self.title, *self.names))
        names = {"title": title, "before_name": before_name, "after_name": after_name}
        page = _PAGE.format(width=half.shape[1], before=before, after=after, **names)
        return {"text/html": page, "image/jpeg": static, "text/plain": f"{self.names[0]} | {self.names[1]}"}


def _jpeg(image):
    image = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def before_after(
    before: np.ndarray,
    after: np.ndarray,
    *,
    title: str = "Move the slider",
    names: tuple[str, str] = ("before", "after"),
    method: str = "bicubic",
):
    """A slider between two pictures, as the last line of a cell.

    It is one piece of HTML that needs no kernel, so it moves in JupyterLab, Notebook 7, Colab, Kaggle, VS Code and
    in an exported page. Where HTML is not shown (a PDF), there is a picture of both halves.

    Args:
        before, after: uint8 arrays (H, W) or (H, W, 3), left and right of the line. `before` is enlarged to the size of
            `after`. Of pictures with more than `WIDEST` pixels a side smaller ones are kept.
        title: says what to look at.
        names: what is left and what is right.
        method: how `before` is enlarged: a name of `degradations.INTERPOLATIONS`; "nearest" shows its pixels.
    """
    for name, image in (("before", before), ("after", after)):
        shape = np.shape(image)
        if getattr(image, "dtype", None) != np.uint8 or not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)):
            got = f"{image.dtype} of shape {shape}" if hasattr(image, "dtype") else type(image).__name__
            raise UserError(f"Expected {name} as a uint8 array (H, W) or (H, W, 3), got {got}.")
    before, after = (np.dstack([image] * 3) if image.ndim == 2 else image for image in (before, after))
    smaller = min(WIDEST / max(after.shape[:2]), 1)
    size = [max(round(length * smaller), 1) for length in after.shape[:2]]
    # Before is enlarged first: its pixels are what the slider compares.
    before = degradations.resize(before, after.shape[:2], method)
    return _Slider(*(degradations.resize(image, size, "area") for image in (before, after)), title, names)


def upload_button():
    """A button that takes a photo of yours, for `choose_photo`.

    On Colab, where it fails from 1 MB on, and without ipywidgets, it is a sentence that says what to do in its place.
    """
    from IPython.display import Markdown

    if _colab():
        return Markdown('On Colab, set `path = "upload"` and run the next cell: it asks you for a photo.')
    try:
        from ipywidgets import FileUpload
    except ModuleNotFoundError:
        return Markdown('There is no upload button here, since ipywidgets is missing: set `path = "your photo.jpg"`.')
    return FileUpload(accept="image/*", multiple=False, description="Your photo")


def choose_photo(
    path: str | os.PathLike | None = None, upload=None, *, sample: np.ndarray | None = None, largest: int | None = None
) -> np.ndarray:
    """The photo to work on: yours, from a path or from the upload button, or else a sample.

    Args:
        path: of a picture; "upload" asks for one on Colab; None goes on to `upload`.
        upload: what `upload_button` gave. With nothing uploaded, the sample is taken.
        sample: uint8 array (H, W, 3) to take then; None is Chelsea the cat.
        largest: pixels a side; of a larger photo of yours the middle is taken. None takes the whole.

    It comes as uint8 RGB, upright. Transparency is laid over white, 16 bits become 8.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = _chosen(path, upload, Path(folder))
        if file is None:
            return datasets.sample("chelsea") if sample is None else sample
        plain = Path(folder, "plain.bmp")  # a format of gray or RGB only: writing it does the rest
        pictures.write(pictures.read(file), plain)
        photo = datasets.read_image(plain)
    photo = np.dstack([photo] * 3) if photo.ndim == 2 else photo
    top, left = (max(length - (largest or length), 0) // 2 for length in photo.shape[:2])
    return photo[top : top + largest, left : left + largest] if largest else photo


def _colab():
    try:
        import google.colab  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def _chosen(path, upload, folder):
    """The file to read, or None."""
    if path is not None and os.fspath(path) != "upload":
        return Path(path).expanduser()
    content = _uploaded(upload) if path is None else _asked()
    if content is None:
        return None
    file = folder / "upload"
    file.write_bytes(content)
    return file


def _uploaded(button):
    value = getattr(button, "value", None) or ()  # a tuple; before ipywidgets 8 a dict by name
    files = list(value.values() if isinstance(value, dict) else value)
    return bytes(files[-1]["content"]) if files else None


def _asked():
    if not _colab():
        raise UserError(
            'Expected the path of a picture, got "upload", which is for Colab; use the button and path = None.'
        )
    from google.colab import files

    return next(iter(files.upload().values()), None)
