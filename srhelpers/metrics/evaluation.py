"""A method on a benchmark set → table rows, measured the way the papers measure."""

import datetime
from pathlib import Path

import cv2
import pandas as pd
from tqdm.auto import tqdm

from .. import __version__, datasets, degradations, models, runtime, upscaling
from ..runtime import UserError
from . import images, perceptual

KEY = ["dataset", "scale", "method", "degradation"]
LARGEST_TILE = 768  # side of what a model makes at once, in pixels of its output, without the surroundings


def evaluate(method, dataset, scale, *, degradation="bicubic", lpips=False, path=None, progress=False):
    """PSNR and SSIM of one method on every image of a set.

    Each image is cropped to a multiple of the scale, made small, grown back to its size by `method`, and
    compared on the rounded luma with `scale` pixels of border left out. The set's own low-resolution files
    are used where it ships them and `degradation` is "bicubic". A grey file stays grey and is compared as it
    is: Set14's published figures treat "bridge" so.

    Args:
        method: a name of `degradations.INTERPOLATIONS`, the name of a shipped model that upscales by this scale,
            or a function (uint8 image, (height, width)) → uint8 image of that size.
        dataset: a name or folder, as `datasets.photos` takes it.
        scale: whole number ≥ 2.
        degradation: a name of `degradations.DEGRADATIONS`.
        lpips: measure `perceptual.lpips` too, with the same border left out; it needs the network's weights.
        path: folder of the dataset, if not found by itself.
        progress: show a bar.

    Returns:
        pandas.DataFrame, a row per image: dataset, scale, method, degradation, image, psnr_y (dB), ssim_y,
        psnr_rgb (dB), and lpips if asked for. `summarise` makes the published kind of row of it.

    Raises:
        ValueError: an unknown method or degradation, a scale that is no whole number ≥ 2 or that the model does
            not have, a file that is no picture or too small to measure; the text names it.
        FileNotFoundError: the set is not there.

    Source: Timofte et al. 2014 (A+) and later papers' test protocol.

    >>> import srhelpers as sr
    >>> rows = sr.metrics.evaluate("bicubic", "samples", 4)
    >>> len(rows) == len(sr.datasets.photos("samples"))
    True
    """
    if degradation not in degradations.DEGRADATIONS:
        raise UserError(f"Expected a degradation of {', '.join(degradations.DEGRADATIONS)}, got {degradation!r}.")
    if int(scale) != scale or scale < 2:
        raise UserError(f"Expected a whole scale of at least 2, got {scale}.")
    scale = int(scale)
    name = method if isinstance(method, str) else getattr(method, "__name__", type(method).__name__)
    grow = method if callable(method) else _grower(method, scale)

    rows = []
    files, folder = datasets.photos(dataset, path), datasets.find(dataset, path)
    title = datasets.title(dataset)
    for file in tqdm(files, desc=f"{name} ×{scale} {title}", unit="image", disable=not progress, leave=False):
        try:
            reference = degradations.crop_to_multiple(datasets.read_image(file), scale)
            size = reference.shape[:2]
            shipped = datasets.low_resolution(file, scale) if degradation == "bicubic" else None
            if shipped:
                small = _fit(datasets.read_image(shipped), reference, scale)
            else:
                small = degradations.DEGRADATIONS[degradation](reference, (size[0] // scale, size[1] // scale))
            estimate = grow(small, size)
            scores = {
                "psnr_y": images.psnr(reference, estimate, crop_border=scale, luma=True),
                "ssim_y": images.ssim(reference, estimate, crop_border=scale, luma=True),
                "psnr_rgb": images.psnr(reference, estimate, crop_border=scale),
            }
            if lpips:
                scores["lpips"] = perceptual.lpips(reference, estimate, crop_border=scale)
        except ValueError as error:
            raise UserError(f"Could not measure {file}: {error}") from error
        image = file.relative_to(folder).with_suffix("").as_posix()
        row = {"dataset": title, "scale": scale, "method": name, "degradation": degradation, "image": image}
        rows.append(row | scores)
    return pd.DataFrame(rows)


def _grower(method, scale):
    """The function (image, size) → image behind a name."""
    if method in degradations.INTERPOLATIONS:
        return lambda image, size: degradations.resize(image, size, method)
    shipped = models.manifest()
    if method not in shipped:
        known = f"{', '.join(degradations.INTERPOLATIONS)}, or a model of {', '.join(shipped)}"
        raise UserError(f"Expected a method of {known}, got {method!r}.")
    model = models.load(method)
    if scale not in upscaling.scales(model):
        has = " or ".join(map(str, upscaling.scales(model)))
        raise UserError(f"Expected a scale of {has}, as {method} has it, got {scale}.")
    return lambda image, size: upscaling.upscale(image, model, scale=scale, tile=LARGEST_TILE // scale)


def _fit(small, reference, scale):
    """A shipped low-resolution picture that belongs to the reference, with as many channels."""
    expected = (reference.shape[0] // scale, reference.shape[1] // scale)
    if small.shape[:2] != expected:
        raise UserError(f"Expected its low-resolution file to be {expected}, got {small.shape[:2]}.")
    if small.ndim == 3 and reference.ndim == 2:
        raise UserError("Expected its low-resolution file to be grey as the photo is, got a colour file.")
    return cv2.cvtColor(small, cv2.COLOR_GRAY2RGB) if small.ndim < reference.ndim else small


def summarise(rows):
    """Mean over images, one row per dataset, scale, method and degradation, saying where and when.

    Args:
        rows: what `evaluate` returns, or several of them concatenated.

    Returns:
        pandas.DataFrame: dataset, scale, method, degradation, images, psnr_y, ssim_y, psnr_rgb, lpips if the rows
        have it, device, date, srhelpers.

    >>> import srhelpers as sr
    >>> table = sr.metrics.summarise(sr.metrics.evaluate("nearest", "samples", 4))
    >>> list(table.images) == [len(sr.datasets.photos("samples"))]
    True
    """
    grouped = rows.groupby(KEY, sort=False)
    table = grouped[["psnr_y", "ssim_y", "psnr_rgb", *({"lpips"} & set(rows))]].mean()
    table.insert(0, "images", grouped.size())
    return table.reset_index().assign(
        device=runtime.device(),
        date=datetime.date.today().isoformat(),
        srhelpers=__version__,
    )


def save(table, file, key=(*KEY, "image")):
    """Add rows to a CSV file; a row of the same dataset, scale, method and degradation takes the old one's place.

    The file is written under a temporary name and renamed, so it is never half there.

    Args:
        table: what `evaluate` or `summarise` returns.
        file: path of the CSV file, made if it does not exist.
        key: names of the columns that tell rows apart; those that the table does not have do not count.

    Raises:
        ValueError: the file holds other columns.

    >>> import pathlib, tempfile, srhelpers as sr
    >>> table = sr.metrics.summarise(sr.metrics.evaluate("nearest", "samples", 4))
    >>> file = pathlib.Path(tempfile.mkdtemp(), "results.csv")
    >>> sr.metrics.save(table, file)
    >>> sr.metrics.save(table, file)
    >>> len(file.read_text().splitlines())
    2
    """
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        # Names stay text: 0001 is no number, and an image may be called NA.
        numbers = table.select_dtypes("number").columns
        text = {name: str for name in table.columns if name not in numbers}
        old = pd.read_csv(file, dtype=text, keep_default_na=False, na_values={name: [""] for name in numbers})
        if list(old.columns) != list(table.columns):
            raise UserError(
                f"Expected {file} to have the columns {', '.join(table.columns)}, got {', '.join(old.columns)}; "
                "choose another file."
            )
        key = [column for column in key if column in table.columns]
        both = pd.concat([old, table])
        table = both.drop_duplicates(key)[key].merge(both.drop_duplicates(key, keep="last"), on=key)[table.columns]
    partial = file.with_name(f"{file.name}.part")
    table.to_csv(partial, index=False, float_format="%.4f")
    partial.replace(file)
