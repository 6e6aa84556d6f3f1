"""Figures that lessons share. Every function returns the figure.

As the last line of a cell it is shown; in a script, save it with `figure.savefig("figure.png")`.
"""

import io
import numbers
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence

import cv2
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from .. import degradations, metrics
from ..runtime import UserError

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]  # color-blind readers tell them apart
BOX = COLOURS[4]
WIDTH = 9.6  # inches; at 100 dots an inch a figure fits a notebook's column
STYLE = {
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "image.interpolation": "nearest",
}
JPEG = {"quality": 82, "subsampling": 0}  # full color resolution, and a tenth of a PNG's size for photographs


def use_style() -> None:
    """Give the figures that you draw yourself the look of this course's; in a notebook they are kept as JPEG."""
    mpl.rcParams |= STYLE
    if "ipykernel" in sys.modules:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("jpeg", pil_kwargs=JPEG)


class _Figure(Figure):
    """Shows itself in a notebook as JPEG, whatever the reader's settings of Matplotlib, with its titles as alt text."""

    def _ipython_display_(self):
        from IPython.display import Image, display

        self.savefig(file := io.BytesIO(), format="jpeg", bbox_inches="tight", pil_kwargs=JPEG)
        panels = (f"{axes.get_title()} {axes.get_xlabel()}" for axes in self.axes)
        words = (" ".join(text.split()) for text in (self.get_suptitle(), *panels))
        # IPython 7 has no argument for it.
        display(Image(file.getvalue(), format="jpeg", metadata={"alt": "; ".join(filter(None, words))}))


def most_detailed(image: np.ndarray, size: int) -> tuple[int, int]:
    """Top left corner (row, column) of the size×size square with the most edges."""
    gray = image if image.ndim == 2 else metrics.luma(image)
    edges = np.abs(cv2.Laplacian(gray, cv2.CV_32F))
    total = cv2.boxFilter(edges, -1, (size, size), normalize=False, anchor=(0, 0), borderType=cv2.BORDER_ISOLATED)
    inside = total[: gray.shape[0] - size + 1, : gray.shape[1] - size + 1]
    return tuple(int(n) for n in np.unravel_index(inside.argmax(), inside.shape))


def _show(axes, image, title):
    # Pixels are drawn as they are, but a picture with more of them than the screen gives must be antialiased.
    interpolation = "nearest" if max(image.shape[:2]) <= 256 else "antialiased"
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation=interpolation)
    axes.set_title(title)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _finish(figure, title, legend=None):
    """The figure with its title, wrapped, and a legend (label → line) below it, both of them on room of their own."""
    width, height = figure.get_size_inches()
    title = textwrap.fill(title or "", int(11 * width))  # letters
    figure.suptitle(title)
    height += 0.2 * title.count("\n")
    if legend:
        columns = max(1, int(width / (0.6 + 0.08 * max(map(len, legend)))))
        figure.legend(legend.values(), legend, loc="outside lower center", ncols=columns, frameon=False)
        height += 0.2 * -(-len(legend) // columns)
    figure.set_figheight(height)
    figure.get_layout_engine().set(h_pad=0.08)
    return figure


@mpl.rc_context(STYLE)
def compare(
    reference: np.ndarray,
    estimates: Mapping[str, np.ndarray | metrics.Method],
    *,
    scale: int | None = None,
    degradation: str | Callable = "bicubic",
    zoom: tuple[int, int, int] | None = None,
    title: str | None = None,
    crop_border: int | None = None,
    luma: bool = True,
) -> Figure:
    """The same zoomed square of several pictures, with PSNR and SSIM of the whole pictures under each.

    Args:
        reference: uint8 array (H, W) or (H, W, 3), the original.
        estimates: name → array of the same shape, or anything that `metrics.upscaler` takes, such as "bicubic" or a
            model of yours: then the original is downsampled, and upscaled by it.
        scale: how many times it is downsampled; None takes the only scale of the models.
        degradation: how: a name of `degradations.DEGRADATIONS`, or a function as `metrics.evaluate` takes it.
        zoom: (top, left, size) of the square in pixels; None takes the most detailed one.
        crop_border, luma: as in `metrics.psnr`; crop_border None takes the scale, or 0 where all are arrays.

    >>> import srhelpers as sr
    >>> figure = sr.plots.compare(sr.datasets.sample("coffee"), {"bicubic": "bicubic", "nearest": "nearest"}, scale=4)
    """
    if not isinstance(estimates, Mapping) or not estimates:
        raise UserError(f"Expected estimates as a dict name → image, at least one, got {type(estimates).__name__}.")
    if not all(isinstance(estimate, np.ndarray) for estimate in estimates.values()):
        reference, estimates, scale = _upscaled(reference, estimates, scale, degradation)
    crop_border = (scale or 0) if crop_border is None else crop_border
    scores = {}
    for name, image in estimates.items():
        psnr = metrics.psnr(reference, image, crop_border=crop_border, luma=luma)
        ssim = metrics.ssim(reference, image, crop_border=crop_border, luma=luma)
        scores[name] = f"{psnr:.2f} dB   {ssim:.3f}"
    height, width = reference.shape[:2]
    if zoom is None:
        size = max(min(height, width) // 6, min(height, width, 16))
        zoom = (*most_detailed(reference, size), size)
    if np.shape(zoom) != (3,) or any(int(n) != n for n in zoom):
        raise UserError(f"Expected a zoom (top, left, size) in whole pixels, got {zoom!r}.")
    top, left, size = (int(n) for n in zoom)
    if top < 0 or left < 0 or size < 1 or top + size > height or left + size > width:
        raise UserError(f"Expected a zoom (top, left, size) inside {height}×{width} pixels, got {zoom}.")
    square = np.s_[top : top + size, left : left + size]

    rows = 1 if len(estimates) < 3 else 2
    columns = -(-(len(estimates) + 1) // rows)
    whole = min(0.37 * WIDTH, 0.24 * WIDTH * rows * width / height)
    side = (WIDTH - whole) / max(columns, 2)
    height = rows * (side + 0.45) + (0.3 if title else 0)
    figure = _Figure(figsize=(whole + columns * side, height), layout="constrained")
    grid = figure.add_gridspec(rows, columns + 1, width_ratios=[whole, *[side] * columns])
    axes = figure.add_subplot(grid[:, 0])
    _show(axes, reference, "original")
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), size, size, fill=False, edgecolor=BOX, linewidth=2))
    legend = {"original, zoomed": "PSNR-Y   SSIM-Y" if luma and reference.ndim == 3 else "PSNR   SSIM"}
    shown = {"original, zoomed": reference, **estimates}
    for place, (name, image) in enumerate(shown.items()):
        axes = figure.add_subplot(grid[place // columns, 1 + place % columns])
        _show(axes, image[square], textwrap.fill(name, 24))
        axes.set_xlabel((legend | scores)[name])
    return _finish(figure, title)


def _upscaled(photo, estimates, scale, degradation):
    """The photo cropped to a multiple of the scale, all estimates of it as images, and the scale."""
    methods = {name: x if isinstance(x, np.ndarray) else metrics.upscaler(x, scale) for name, x in estimates.items()}
    scales = {method.scale for method in methods.values() if isinstance(method, metrics.Upscaler)} - {None}
    if len(scales) != 1:
        own = " and ".join(map(str, sorted(scales))) or "none of their own"
        raise UserError(f"Expected one scale for all, got methods that have {own}; give scale.")
    scale = scales.pop()
    photo = degradations.crop_to_multiple(photo, scale)
    low = degradations.named(degradation)(photo, (photo.shape[0] // scale, photo.shape[1] // scale))
    for name, method in methods.items():
        array = isinstance(method, np.ndarray)
        methods[name] = degradations.crop_to_multiple(method, scale) if array else method.upscale(low, photo.shape[:2])
    return photo, methods, scale


@mpl.rc_context(STYLE)
def pairs(columns: Mapping[str, Sequence[np.ndarray]], *, rows: int = 4, title: str | None = None) -> Figure:
    """Rows of pictures that belong together, such as a low-resolution batch beside its targets.

    Args:
        columns: heading → uint8 images, such as a batch (N, H, W, 3); all are drawn equally large, and where their
            sizes differ, these stand in the headings.
        rows: how many of each are shown at most.
    """
    for heading, images in columns.items():
        for image in images:
            if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3):
                got = f"{image.dtype} of shape {image.shape}" if hasattr(image, "dtype") else type(image).__name__
                raise UserError(f"Expected {heading!r} as a list or batch of uint8 images, got one of {got}.")
            if image.ndim == 2 and getattr(images, "ndim", 0) == 3 and image.shape[1] == 3:
                raise UserError(f"Expected {heading!r} as a list or batch of images, got one image; write [image].")
    lengths = {heading: len(images) for heading, images in columns.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise UserError(f"Expected columns of one length, at least 1, got {lengths}.")
    rows = min(rows, *lengths.values())
    several_sizes = len({image.shape[:2] for images in columns.values() for image in images[:rows]}) > 1
    height, width = next(iter(columns.values()))[0].shape[:2]
    cell = min(2.8, WIDTH / len(columns))
    figsize = (cell * len(columns), cell * rows * height / width + (0.9 if title else 0.6))
    figure = _Figure(figsize=figsize, layout="constrained")
    axes = figure.subplots(rows, len(columns), squeeze=False)
    for column, (heading, images) in enumerate(columns.items()):
        for row in range(rows):
            size = f"\n{images[row].shape[1]}×{images[row].shape[0]}" * several_sizes
            _show(axes[row, column], images[row], heading + size if row == 0 else "")
    return _finish(figure, title)


@mpl.rc_context(STYLE)
def history(
    runs, *, metrics: Sequence[str] | None = None, baseline: Mapping | None = None, title: str | None = None
) -> Figure:
    """Training curves: a panel per metric, a color per run, dashed for training and solid for validation.

    Args:
        runs: dict name → history, or one history. A history is a table with a row per epoch: a
            pandas.DataFrame, the path of a CSV file, a dict of lists, or what `fit` returns.
        metrics: names without `val_`; None takes all that are there.
        baseline: name → what to beat, a dotted line: a number of dB for the panels of PSNR, a dict metric → number,
            or a table of `evaluate` on the photos that validate, whose PSNR-Y and SSIM-Y are what
            `metrics.PSNR(luma=True, crop_border=scale)` and `metrics.SSIM` with the same compute.

    >>> import srhelpers as sr
    >>> run = {"psnr": [24, 27, 28], "val_psnr": [25, 27, 27.5]}
    >>> figure = sr.plots.history({"plain": run}, baseline={"bicubic": 26.7})
    """
    if not isinstance(runs, dict) or all(np.ndim(values) == 1 for values in runs.values()):
        runs = {"": runs}
    tables = {name: _history_table(run) for name, run in runs.items()}
    found = dict.fromkeys(column.removeprefix("val_") for table in tables.values() for column in table)
    shown = [name for name in (metrics or found) if name in found and name not in ("epoch", "learning_rate")]
    if not shown:
        raise UserError(f"Expected a metric of {', '.join(found)}, got {metrics}.")
    figsize = (max(4.5 * len(shown), 5), 3.3)
    figure = _Figure(figsize=figsize, layout="constrained")
    panels = dict(zip(shown, figure.subplots(1, len(shown), squeeze=False)[0], strict=True))
    for metric, axes in panels.items():
        for number, (name, table) in enumerate(tables.items()):
            epochs = table["epoch"] if "epoch" in table else np.arange(1, len(table) + 1)
            for column, style, kind in ((metric, "--", "training"), (f"val_{metric}", "-", "validation")):
                if column in table:
                    look = {"color": COLOURS[number % len(COLOURS)], "marker": "o" if len(table) == 1 else ""}
                    axes.plot(epochs, table[column], style, label=", ".join(filter(None, [name, kind])), **look)
        axes.set(xlabel="epoch", title=f"{metric}, dB" if "psnr" in metric else metric)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for number, (name, values) in enumerate((baseline or {}).items()):
        for panel, value in _baseline(name, values, panels):
            panel.axhline(value, linestyle=":", color=str(0.35 * (number % 3)), label=name)
    return _finish(figure, title, {line.get_label(): line for axes in panels.values() for line in axes.lines})


def _baseline(name, values, panels):
    """(panel, number) of each line."""
    if isinstance(values, numbers.Real):
        values = {"psnr": values}
    elif isinstance(values, pd.DataFrame):
        values = {column.removesuffix("_y"): values[column].mean() for column in ("psnr_y", "ssim_y")}
    lines = [(panel, values[kind]) for kind in values for metric, panel in panels.items() if kind in metric]
    if not lines:
        raise UserError(f"Expected a panel for the baseline {name!r} ({', '.join(values)}), got {', '.join(panels)}.")
    return lines


def _history_table(run):
    run = getattr(run, "history", run)
    return run if isinstance(run, pd.DataFrame) else pd.DataFrame(run) if isinstance(run, dict) else pd.read_csv(run)
