"""Anything that upscales, on any photos → table rows, measured the way the papers measure."""

import csv
import datetime
import functools
import itertools
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from .. import __version__, _files, datasets, degradations, layers, models, runtime, upscaling
from ..runtime import UserError
from . import images, perceptual

KEY = ["dataset", "scale", "method", "degradation", "folder"]
DIGITS = {"psnr_y": 2, "ssim_y": 4, "psnr_rgb": 2, "lpips": 4}
LARGEST_TILE = 768  # side of what a model makes at once, in pixels of its output, without the surroundings

Image = str | os.PathLike | np.ndarray
Method = keras.Model | str | os.PathLike | Callable[[np.ndarray, tuple[int, int]], np.ndarray]


class Scores(pd.DataFrame):
    """A pandas.DataFrame of scores. It is shown with the digits that articles print."""

    @property
    def _constructor(self):
        return Scores

    def _shown(self, write, **options):
        hidden = ["folder"] if "folder" in self and self["folder"].nunique() < 2 else []
        floats = self.select_dtypes("float")
        formatters = {name: f"{{:.{digits}f}}".format for name, digits in DIGITS.items() if name in floats}
        numbered = isinstance(self.index, pd.RangeIndex)
        return write(pd.DataFrame(self).drop(columns=hidden), formatters=formatters, index=not numbered, **options)

    def __repr__(self):
        return self._shown(pd.DataFrame.to_string)

    def _repr_html_(self):
        return self._shown(pd.DataFrame.to_html, max_rows=pd.get_option("display.max_rows"))


class Upscaler(NamedTuple):
    """What `upscaler` makes of a method."""

    name: str
    scale: int | None
    upscale: Callable[[np.ndarray, tuple[int, int]], np.ndarray]


def upscaler(method: Method, scale: int | None = None, *, name: str | None = None) -> Upscaler:
    """The function (uint8 image, (height, width)) → uint8 image behind anything that upscales.

    Args:
        method: a Keras model that takes RGB pictures of any size, the path of a `.keras` file, the name of a
            shipped model, a name of `degradations.INTERPOLATIONS`, or such a function itself.
        scale: whole number ≥ 2. None takes a model's only scale; interpolations and functions have none.
        name: how tables call it; None takes its own.
    """
    if scale is not None and scale not in range(2, 1000):
        raise UserError(f"Expected a whole scale of at least 2, got {scale!r}.")
    scale = scale and int(scale)
    if isinstance(method, str) and method in degradations.INTERPOLATIONS:
        return Upscaler(name or method, scale, lambda image, size: degradations.resize(image, size, method))
    if callable(method) and not isinstance(method, keras.Model):
        return Upscaler(name or getattr(method, "__name__", type(method).__name__), scale, method)
    if isinstance(method, str | os.PathLike):
        name = name or Path(method).as_posix()
        try:
            model = models.load(method)
        except FileNotFoundError as error:
            known = ", ".join(degradations.INTERPOLATIONS)
            raise UserError(f"Expected an interpolation of {known}, or a model; no such model: {error}") from error
    elif isinstance(method, keras.Model):
        model, name = method, name or method.name
    else:
        raise UserError(f"Expected a Keras model, a name, a file or a function, got {type(method).__name__}.")
    scales = upscaling.scales(model)
    if scale is None and len(scales) == 1:
        scale = scales[0]
    if scale not in scales:
        raise UserError(f"Expected a scale of {' or '.join(map(str, scales))}, as {name} has it, got {scale}.")
    try:
        upscaling.receptive_field(model)
        tile = LARGEST_TILE // scale
    except UserError:  # a layer that sees the whole picture must get the whole picture
        tile = None
    return Upscaler(name, scale, lambda image, size: upscaling.upscale(image, model, scale=scale, tile=tile))


def evaluate(
    method: Method,
    data: str | os.PathLike | np.ndarray | Sequence[Image],
    scale: int | None = None,
    *,
    degradation: str | Callable = "bicubic",
    lpips: bool = False,
    path: str | os.PathLike | None = None,
    name: str | None = None,
    progress: bool = False,
) -> Scores:
    """PSNR and SSIM of one method on every photo of a set.

    Each photo is cropped to a multiple of the scale, downsampled, upscaled to its size by `method`, and compared on
    the rounded luma with `scale` pixels of border left out. The set's own low-resolution files are used where it
    ships them and `degradation` is "bicubic". A gray file is compared as it is, as in Set14's published figures.

    Args:
        method, scale, name: as in `upscaler`; the scale must be given where the method has not exactly one.
        data: the name of a dataset, a folder of any photos, or a list of files or uint8 arrays.
        degradation: a name of `degradations.DEGRADATIONS`, or a function (image, (height, width)) → image.
        lpips: measure `perceptual.lpips` too, with the same border left out; it needs the network's weights.
        path: folder of the dataset, if not found by itself.

    Returns:
        A row per photo: dataset, scale, method, degradation, folder (of photos of your own, else empty), image,
        psnr_y (dB), ssim_y, psnr_rgb (dB), and lpips if asked for. `summarise` makes the published kind of row of
        it. Photos that cannot be measured are left out, named in a warning and in `attrs["failed"]`.

    Source: Timofte et al. 2014 (A+) and later papers' test protocol.
    """
    names = ["psnr_y", "ssim_y", "psnr_rgb", *["lpips"] * lpips]
    return _measured(method, data, scale, names, degradation=degradation, path=path, name=name, progress=progress)


def _measured(method, data, scale, names, *, degradation, path=None, name=None, progress=False):
    """`evaluate`, with the metrics of these names."""
    downsample = degradations.named(degradation)
    method = upscaler(method, scale, name=name)
    if method.scale is None:
        raise UserError(f"Expected a scale, since {method.name} takes any, got None; add scale=4, for example.")
    title, folder, photos = _open(data, path)
    known = {"dataset": title, "scale": method.scale, "method": method.name}
    known["degradation"] = degradations.title(degradation)
    partners = _partners(photos, method.scale) if degradation == "bicubic" else {}
    what, rows, failed = f"{title} with {method.name} ×{method.scale}", [], {}
    for image, photo in tqdm(photos.items(), desc=what, unit="image", disable=not progress, leave=False):
        try:
            reference, low = _read_pair(photo, partners.get(image), method.scale, downsample)
            scores = _scores(reference, method.upscale(low, reference.shape[:2]), method.scale, names)
        except (UserError, OSError) as error:
            failed[image] = str(error)
        else:
            rows.append(known | {"folder": folder, "image": image} | scores)
    if failed:
        reasons = {}
        for image, reason in failed.items():
            reasons.setdefault(reason, []).append(image)
        lines = [f"  {', '.join(those[:8])}{' …' * (len(those) > 8)}: {reason}" for reason, those in reasons.items()]
        text = "\n".join([f"Could not measure {len(failed)} of {len(photos)} photos of {what}:", *lines])
        if not rows:
            raise UserError(text)
        warnings.warn(text, stacklevel=3)
    table = Scores(rows)
    table.attrs["failed"] = failed
    return table


def _open(data, path):
    """(title, resolved folder of the reader's own photos or "", name → file or array)."""
    named = isinstance(data, str | os.PathLike)
    if named and not Path(data).expanduser().is_file():
        opened, own = datasets.open(data, path), str(data).lower() not in datasets.DATASETS
        title, files, folder = opened.title, opened.files, opened.folder
    else:
        files = [data] if named or getattr(data, "ndim", 4) < 4 else data
        if not isinstance(files, Sequence | np.ndarray) or not len(files) or not isinstance(files[0], Image):
            raise UserError(f"Expected a dataset, a folder, or a list of files or arrays, got {data!r}.")
        files = [file if isinstance(file, np.ndarray) else Path(file).expanduser().absolute() for file in files]
        folders = [file.parent for file in files if isinstance(file, Path)]
        try:
            title, own, folder = f"{len(files)} photos", bool(folders), Path(os.path.commonpath(folders or ["."]))
        except ValueError:
            raise UserError("Expected photos of one drive, got some of several; measure them apart.") from None
    names = [
        str(number) if isinstance(file, np.ndarray) else _files.printable(file.relative_to(folder).as_posix())
        for number, file in enumerate(files)
    ]
    stems = [name.removesuffix(Path(name).suffix) for name in names]
    photos = dict(zip(stems if len(set(stems)) == len(stems) else names, files, strict=True))
    return title, _files.printable(folder.resolve().as_posix()) if own else "", photos


def _partners(photos, scale):
    """name → low-resolution file that the set ships; where it ships one for any photo of a folder, all have one."""
    found = {name: datasets.low_resolution(file, scale) for name, file in photos.items() if isinstance(file, Path)}
    folders = {photos[name].parent: partner.parent for name, partner in found.items() if partner}
    return {name: partner or folders.get(photos[name].parent) for name, partner in found.items()}


def _read_pair(photo, partner, scale, downsample):
    if partner and partner.is_dir():
        raise UserError(f"Expected its low-resolution file in {partner}, beside those of other photos, got none.")
    reference = photo if isinstance(photo, np.ndarray) else datasets.read_image(photo)
    reference = degradations.crop_to_multiple(reference, scale)
    size = reference.shape[0] // scale, reference.shape[1] // scale
    if not partner:
        return reference, downsample(reference, size)
    low = datasets.read_image(partner)
    if low.shape[:2] != size or low.ndim > reference.ndim:
        raise UserError(f"Expected {partner} to have the shape {size + reference.shape[2:]}, got {low.shape}.")
    return reference, cv2.cvtColor(low, cv2.COLOR_GRAY2RGB) if low.ndim < reference.ndim else low


def _scores(reference, estimate, scale, names):
    metrics = {
        "psnr_y": functools.partial(images.psnr, luma=True),
        "ssim_y": functools.partial(images.ssim, luma=True),
        "psnr_rgb": images.psnr,
        "lpips": perceptual.lpips,
    }
    return {name: metrics[name](reference, estimate, crop_border=scale) for name in names}


def summarise(rows: pd.DataFrame) -> Scores:
    """Mean over images of what `evaluate` returns, a row per set, scale and method, with where and when."""
    grouped = pd.DataFrame(rows).groupby(KEY, sort=False, dropna=False)
    table = grouped[[name for name in DIGITS if name in rows]].mean()
    table.insert(0, "images", grouped.size())
    where = {"device": runtime.device(), "date": datetime.date.today().isoformat(), "srhelpers": __version__}
    return Scores(table.reset_index().assign(**where))


def table(
    methods: Mapping[str, Method],
    *data: object,
    scales: Sequence[int] = (4,),
    degradation: str | Callable | Sequence[str] = "bicubic",
    lpips: bool = False,
) -> pd.DataFrame:
    """Several methods side by side: PSNR-Y in dB, mean over the photos, a row for each method.

    `methods` maps names to what `upscaler` takes; `data` and `degradation` are what `evaluate` takes. Each set, scale
    and degradation (there may be several) gives a column, with `lpips` another one beside it; the last has the
    parameters of those that are networks.
    """
    cells = {name: {} for name in methods}
    single = isinstance(degradation, str) or callable(degradation)
    damages = (degradation,) if single else degradation
    for photos, scale, damage, (name, method) in itertools.product(data, scales, damages, methods.items()):
        rows = _measured(method, photos, scale, ["psnr_y", *["lpips"] * lpips], degradation=damage, name=name)
        title = f"{rows.dataset.iloc[0]} ×{scale}{'' if damage == 'bicubic' else f' {degradations.title(damage)}'}"
        cells[name][f"{title}, dB"] = f"{rows.psnr_y.mean():.2f}"
        if lpips:
            cells[name][f"{title}, LPIPS"] = f"{rows.lpips.mean():.3f}"
    for name, method in methods.items():
        if isinstance(method, keras.Model) or (isinstance(method, str) and method in models.manifest()):
            model = models.load(method) if isinstance(method, str) else method
            cells[name]["parameters"] = f"{model.count_params():,}"
    return pd.DataFrame(cells).T.fillna("")


def bicubic_psnr(validation: keras.utils.PyDataset) -> dict[str, float]:
    """PSNR-Y of bicubic interpolation on the batches that validate a network: what its curves have to pass.

    Computed and named as by `fit` with `metrics.PSNR(luma=True, crop_border=scale)`: "psnr", or "x2_psnr" and so on
    where the batches have several targets.
    """
    low, high = validation[0]
    scales = [target.shape[1] // low.shape[1] for target in (high if isinstance(high, tuple) else [high])]
    photo = keras.Input((None, None, 3))
    model = keras.Model(photo, [layers.BicubicUpSampling(scale, name=f"x{scale}")(photo) for scale in scales])
    metrics = [[images.PSNR(luma=True, crop_border=n)] for n in scales]
    # Keras 3.13 takes a list for each output only where there are several.
    model.compile(loss=["mse"] * len(scales), metrics=metrics if len(scales) > 1 else metrics[0])
    scores = model.evaluate(validation, return_dict=True, verbose=0)
    return {name: score for name, score in scores.items() if name.endswith("psnr")}


def save(table: pd.DataFrame, file: str | os.PathLike, key: Sequence[str] = (*KEY, "image")) -> None:
    """Add rows to a CSV file; a row of the same set, scale, method and degradation takes the old one's place.

    Several processes may save to one file at once. `key` names the columns that tell rows apart; those that the table
    does not have do not count.
    """
    file = Path(file).expanduser()
    file.parent.mkdir(parents=True, exist_ok=True)
    with _files.locked(file, f"writes {file}"):
        if file.exists():
            key = [column for column in key if column in table.columns]
            both = pd.concat([_read(file, table), table])
            table = both.drop_duplicates(key)[key].merge(both.drop_duplicates(key, keep="last"), on=key)[table.columns]
        with _files.replacing(file) as partial:
            table.to_csv(partial, index=False, float_format="%.4f")


def _read(file, like):
    """The rows of a CSV file that has the columns of `like`. Names stay text: 0001 is no number, and NA is a name."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            header, *rows = [row for row in csv.reader(lines, strict=True) if row] or [[]]
        if any(len(row) != len(header) for row in rows):
            raise ValueError("a row is cut off")
        old = pd.DataFrame(rows, columns=header, dtype=object)
        numbers = [name for name in like.select_dtypes("number") if name in old]
        old = old.assign(**{name: pd.to_numeric(old[name].replace("", np.nan)) for name in numbers})
    except (csv.Error, ValueError) as error:
        raise UserError(f"Expected whole rows in {file}, but it is damaged ({error}); mend or remove it.") from error
    if header != list(like.columns):
        told, got = ", ".join(like.columns), ", ".join(header) or "none"
        raise UserError(f"Expected {file} to have the columns {told}, got {got}; choose another file.")
    return old
