"""Figures that notebooks share. Every function returns the figure.

As the last line of a cell it is shown; in a script, save it with `figure.savefig("figure.png")`.

Importing this inside a notebook sets the look of all its figures: colours that colour-blind readers can tell
apart, pixels drawn as they are, and JPEG with full colour resolution, a tenth of a PNG's size for photographs.
"""

import sys
import textwrap

import cv2
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from .. import metrics
from ..runtime import UserError

BOX = "#E69F00"
WIDTH = 9.6  # inches; at 100 dots an inch a figure fits a notebook's column

if "ipykernel" in sys.modules:
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    mpl.rcParams |= {
        "axes.prop_cycle": mpl.cycler(color=["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 11,
        "figure.constrained_layout.use": True,  # for figures made in the notebook itself
        "figure.dpi": 100,
        "image.interpolation": "nearest",
    }
    set_matplotlib_formats("jpeg", pil_kwargs={"quality": 82, "subsampling": 0})


def most_detailed(image, size):
    """Top left corner (row, column) of the size×size square with the most edges.

    >>> import numpy as np, srhelpers as sr
    >>> image = np.zeros((64, 64), "uint8")
    >>> image[40:48, 8:16] = 255
    >>> sr.plots.most_detailed(image, 8) == (40, 8)
    True
    """
    grey = image if image.ndim == 2 else metrics.luma(image)
    edges = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    total = cv2.boxFilter(edges, -1, (size, size), normalize=False, anchor=(0, 0), borderType=cv2.BORDER_ISOLATED)
    inside = total[: grey.shape[0] - size + 1, : grey.shape[1] - size + 1]
    return tuple(int(n) for n in np.unravel_index(inside.argmax(), inside.shape))


def _show(axes, image, title):
    # Pixels are drawn as they are, but a picture with more of them than the screen gives must be antialiased.
    interpolation = "nearest" if max(image.shape[:2]) <= 256 else "antialiased"
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation=interpolation)
    axes.set_title(title)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _finish(figure, title):
    figure.suptitle(title)
    figure.get_layout_engine().set(h_pad=0.08)
    plt.close(figure)  # or a notebook would show it a second time
    return figure


def compare(reference, estimates, *, zoom=None, title=None, crop_border=0, luma=True):
    """The same zoomed square of several pictures, with PSNR and SSIM of the whole pictures under each.

    Args:
        reference: uint8 array (H, W) or (H, W, 3), the original.
        estimates: dict name → array of the same shape.
        zoom: (top, left, size) of the square in pixels; None takes the most detailed one.
        title: of the figure.
        crop_border, luma: as in `metrics.psnr`.

    Returns:
        matplotlib Figure. Left the whole original with the square's outline, right the squares, the
        original's first. Pixels are drawn as they are, without smoothing.

    Raises:
        ValueError: no estimates, a type or shape differs, or the square reaches outside the picture.

    >>> import srhelpers as sr
    >>> photo = sr.datasets.sample("coffee")
    >>> small = sr.degradations.bicubic(photo, (100, 150))
    >>> figure = sr.plots.compare(photo, {"bicubic": sr.degradations.resize(small, (400, 600))})
    """
    if not isinstance(estimates, dict) or not estimates:
        raise UserError(f"Expected estimates as a dict name → image, at least one, got {type(estimates).__name__}.")
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
    figure = plt.figure(
        figsize=(whole + columns * side, rows * (side + 0.45) + (0.3 if title else 0)), layout="constrained"
    )
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


def pairs(columns, *, rows=4, title=None):
    """Rows of pictures that belong together, such as a low-resolution batch beside its targets.

    Args:
        columns: dict heading → sequence of uint8 images, such as a batch (N, H, W, 3); sizes may differ.
        rows: how many of each are shown at most.
        title: of the figure.

    Returns:
        matplotlib Figure. All pictures are drawn equally large, pixels as they are.

    Raises:
        ValueError: no columns, columns of different lengths, or something that is no uint8 image.

    >>> import srhelpers as sr
    >>> photo = sr.datasets.sample("coffee")
    >>> figure = sr.plots.pairs({"÷4": [sr.degradations.bicubic(photo, (100, 150))], "original": [photo]})
    """
    for heading, images in columns.items():
        for image in images:
            if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim not in (2, 3):
                got = f"{image.dtype} of shape {image.shape}" if hasattr(image, "dtype") else type(image).__name__
                raise UserError(f"Expected {heading!r} as a list or batch of uint8 images, got one of {got}.")
            if image.ndim == 2 and np.ndim(images) == 3 and image.shape[1] == 3:
                raise UserError(f"Expected {heading!r} as a list or batch of images, got one image; write [image].")
    lengths = {heading: len(images) for heading, images in columns.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise UserError(f"Expected columns of one length, at least 1, got {lengths}.")
    rows = min(rows, *lengths.values())
    height, width = next(iter(columns.values()))[0].shape[:2]
    cell = min(2.8, WIDTH / len(columns))
    figsize = (cell * len(columns), cell * rows * height / width + (0.9 if title else 0.6))
    figure, axes = plt.subplots(rows, len(columns), squeeze=False, figsize=figsize, layout="constrained")
    for column, (heading, images) in enumerate(columns.items()):
        for row in range(rows):
            size = f"{heading}\n{images[row].shape[1]}×{images[row].shape[0]}"
            _show(axes[row, column], images[row], size if row == 0 else "")
    return _finish(figure, title)


def history(runs, *, metrics=None, title=None):
    """Training curves: a panel per metric, a colour per run, dashed for training and solid for validation.

    Args:
        runs: dict name → history, or one history. A history is a table with a row per epoch: a
            pandas.DataFrame, the path of a CSV file, a dict of lists, or what `fit` returns.
        metrics: names without "val_"; None takes all that are there.
        title: of the figure.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: none of the metrics is in the histories.

    >>> import srhelpers as sr
    >>> figure = sr.plots.history({"plain": {"loss": [3, 2, 1], "val_loss": [3, 2.5, 2.4]}})
    """
    if not isinstance(runs, dict) or all(np.ndim(values) == 1 for values in runs.values()):
        runs = {"": runs}
    tables = {name: _history_table(run) for name, run in runs.items()}
    found = dict.fromkeys(column.removeprefix("val_") for table in tables.values() for column in table)
    shown = [name for name in (metrics or found) if name in found and name not in ("epoch", "learning_rate")]
    if not shown:
        raise UserError(f"Expected a metric of {', '.join(found)}, got {metrics}.")
    figsize = (max(4.5 * len(shown), 5), 3.3)
    figure, panels = plt.subplots(1, len(shown), squeeze=False, figsize=figsize, layout="constrained")
    for axes, metric in zip(panels[0], shown, strict=True):
        for number, (name, table) in enumerate(tables.items()):
            epochs = table["epoch"] if "epoch" in table else np.arange(1, len(table) + 1)
            for column, style, kind in ((metric, "--", "training"), (f"val_{metric}", "-", "validation")):
                if column in table:
                    label = ", ".join(filter(None, [name, kind]))
                    axes.plot(epochs, table[column], style, color=f"C{number}", label=label)
        axes.set(xlabel="epoch", title=metric)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
    return _finish(figure, title)


def _history_table(run):
    run = getattr(run, "history", run)
    return run if isinstance(run, pd.DataFrame) else pd.DataFrame(run) if isinstance(run, dict) else pd.read_csv(run)
