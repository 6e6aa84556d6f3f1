"""Where photos are: find, download and read what the table in `catalog` lists, or a folder of your own."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatch
from importlib.resources import files as package_files
from pathlib import Path

import cv2
import numpy as np

from .. import runtime
from ..runtime import UserError
from . import downloads
from .archives import DownloadError
from .catalog import DATASETS, SAMPLES, VALIDATION, Dataset

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Photos:
    """What `open` found."""

    title: str  # how tables call it
    files: tuple[Path, ...]  # sorted by name
    folder: Path  # with all links resolved: it tells apart two folders of one title


def _images(folder, nested=False):
    """(pictures of a folder in order, what could not be looked at)."""
    found, unreadable, folders, seen = [], [], [folder], {os.path.realpath(folder)}
    while folders:
        here = folders.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            unreadable.append(here)
            continue
        for entry in entries:
            is_picture = Path(entry).suffix.lower() in IMAGE_SUFFIXES
            if entry.name.startswith("."):  # such as ._photo.jpg, which macOS puts beside photo.jpg
                continue
            try:
                if entry.is_dir():
                    real = os.path.realpath(entry)
                    folders += [Path(entry)] if nested and real not in seen else []
                    seen.add(real)
                elif is_picture:
                    (found if entry.is_file() else unreadable).append(Path(entry))
            except OSError:  # a link that leads to itself
                unreadable += [Path(entry)] if is_picture or nested else []
    return sorted(found), sorted(unreadable)


def _look_below(root, dataset):
    """The folder under `root` that holds the dataset's images, or None."""
    root = root.absolute()
    if not root.is_dir():
        return None
    candidates = [root]
    for parent, names, _ in os.walk(root, followlinks=True):
        depth = len(Path(parent).relative_to(root).parts)
        names[:] = [] if depth > 5 else sorted(name for name in names if not name.startswith("."))
        candidates += [Path(parent, name) for name in names]
    for ending in dataset.folders:
        for candidate in candidates:
            # Beside VOC's training half some archives hold its test half, in folders of the same names.
            of_test = any(part.lower().startswith("voctest") for part in candidate.relative_to(root).parts)
            if fnmatch(candidate.as_posix().lower(), f"*/{ending}") and not of_test and _images(candidate)[0]:
                return candidate
    return next((folder for folder in (root, root / "HR") if folder.is_dir() and _images(folder)[0]), None)


def _row(name) -> Dataset | None:
    """The dataset of this name; a `Path` is always a folder."""
    return DATASETS.get(name.lower()) if isinstance(name, str) else None


def _places(dataset):
    """(what it is, folder) in the order they are searched, without the network."""
    if dataset.name == "photos":
        yield "beside the course", runtime.shipped("photos")
    names = [dataset.name, dataset.name.lower(), *([dataset.archive.name] if dataset.archive else [])]
    data = runtime.folder("data")
    if data:
        yield from (("SR_DATA_DIR", data / name) for name in names)
    kaggle = Path(os.environ.get("SR_KAGGLE_INPUT", "/kaggle/input"))
    for slug in dataset.kaggle:
        yield "Kaggle input", kaggle / slug.split("/")[1]
        yield "Kaggle input", kaggle / "datasets" / slug
    yield from (("cache", runtime.folder("cache") / "datasets" / name) for name in names[1:])


def _unknown(name, alternative=""):
    close = get_close_matches(str(name).lower(), DATASETS, 1)
    hint = f" Did you mean {DATASETS[close[0]].name}?" if close else ""
    return f"Expected a dataset of {', '.join(map(title, DATASETS))}, {alternative}got {str(name)!r}.{hint}"


def _todo(dataset):
    todo = [f"put it in <SR_DATA_DIR>/{dataset.name}"]
    if dataset.kaggle:
        todo.append(f"on Kaggle choose Add input and add {' or '.join(dataset.kaggle)}")
    return todo


def find(name: str | Path, path: str | Path | None = None) -> Path:
    """The folder that holds the images of a dataset, links resolved, without downloading anything.

    Args:
        name: a name of the table (capitals do not matter), a folder of your own, or a folder's name under SR_DATA_DIR.
        path: the folder to look in, whatever its nesting. Else SR_DATA_DIR/<name>, the Kaggle inputs, the cache.
    """
    dataset = _row(name)
    if dataset is None:
        data = runtime.folder("data")
        own = [Path(path or name).expanduser(), *([data / str(name)] if data else [])]
        for folder in own:
            if folder.is_dir() and _images(folder, nested=True)[0]:
                return folder.resolve()
        looked = ", ".join(f"{folder} (no images in it)" if folder.is_dir() else str(folder) for folder in own)
        raise FileNotFoundError(f"{_unknown(name, 'or a folder with images, ')} Looked in {looked}.")
    if dataset.name == "samples":
        return Path(str(package_files("skimage"))).resolve() / "data"
    places = [("path", Path(path).expanduser())] if path else list(dict.fromkeys(_places(dataset)))
    for _, place in places:
        found = _look_below(place, dataset)
        if found:
            return found.resolve()
    todo = [f"run: srhelpers download {dataset.name}", *_todo(dataset)]
    looked = "\n  ".join(f"{kind}: {place}" for kind, place in places)
    raise FileNotFoundError(
        f"Expected the photos of {dataset.name} in one of\n  {looked}\nTo get them, {', or '.join(todo)}."
    )


def title(name: str | Path) -> str:
    """How tables call a dataset: its name in the table, or the last part of a folder of your own."""
    dataset = _row(name)
    return dataset.name if dataset else Path(os.path.abspath(name)).name  # noqa: PTH100, "." has no name of its own


def is_here(name: str | Path) -> bool:
    """Whether `find` would find a dataset without downloading it."""
    try:
        find(name)
    except OSError:  # not there, or not readable
        return False
    return True


def _open(name, path, download):
    dataset = _row(name)
    try:
        folder = find(name, path)
    except FileNotFoundError:
        if not (download and dataset and dataset.archive):
            raise
        folder = _obtain(dataset, progress=True)
    if dataset and dataset.name == "samples":
        return Photos("samples", tuple(folder / file for file in SAMPLES), folder)
    found, unreadable = _images(folder, nested=dataset is None)
    # The warnings point at whoever called the function that called this one.
    if unreadable:
        names = ", ".join(map(str, unreadable))
        warnings.warn(f"Left out {len(unreadable)} that cannot be read: {names}.", stacklevel=3)
    if dataset and len(found) != dataset.photos:
        expected = f"{dataset.photos} photos of {dataset.name}"
        warnings.warn(f"Expected {expected}, found {len(found)} in {folder}.", stacklevel=3)
    return Photos(title(name), tuple(found), folder)


def open(name: str | Path, path: str | Path | None = None, *, download: bool = False) -> Photos:
    """Find a dataset or a folder of your own, as `find` does, and list its pictures.

    With `download` it is fetched if it is nowhere. A warning names what cannot be read, and tells if a set is not
    as long as the published one.
    """
    return _open(name, path, download)


def photos(
    name: str | Path | Photos | Sequence, path: str | Path | None = None, *, download: bool = False
) -> list[Path]:
    """The files of a dataset as `open` lists them; those of a list, or of what `open` gave, are taken as they are."""
    if isinstance(name, Photos):
        return list(name.files)
    if isinstance(name, str | os.PathLike):
        return list(_open(name, path, download).files)
    return [file if isinstance(file, list | tuple) else Path(file).expanduser() for file in name]


def split(name: str | Path | Photos | Sequence, validate: int = 16) -> tuple[list[Path], list[Path]]:
    """(files to train on, files to validate on), the same every time.

    At most a fifth validates, evenly spaced from the first name to the last; those of "photos" are fixed by name.
    """
    files = photos(name)
    count = min(validate, len(files) // 5)
    if count < 1:
        raise UserError(
            f"Expected at least 5 photos, a fifth of which validates, got {len(files)} photos and validate={validate}."
        )
    chosen = {round(place) for place in np.linspace(0, len(files) - 1, count)}
    if _row(name) is DATASETS["photos"] and validate == len(VALIDATION):
        chosen = {place for place, file in enumerate(files) if file.name in VALIDATION}
    training = [file for place, file in enumerate(files) if place not in chosen]
    return training, [files[place] for place in sorted(chosen)]


def low_resolution(photo: str | Path, scale: int) -> Path | None:
    """The low-resolution file that a benchmark set ships for a photo: `LR_bicubic/X4/babyx4.png` for `HR/baby.png`."""
    photo = Path(photo)
    file = photo.parent.parent / "LR_bicubic" / f"X{scale}" / f"{photo.stem}x{scale}.png"
    return file if file.exists() else None


def download(name: str, *, progress: bool = True) -> Path:
    """Put a dataset of the table into the cache, unless it is found already, and return the folder of its images.

    The official address comes first, its mirrors next, then Kaggle where a login is there. A `DownloadError` says what
    each of them said; what arrived is kept.
    """
    dataset = _row(name)
    if dataset is None:
        raise UserError(_unknown(name))
    try:
        return find(name)
    except FileNotFoundError:
        return _obtain(dataset, progress)


def _obtain(dataset, progress):
    def check(folder):
        found = _look_below(folder, dataset)
        count = len(_images(found)[0]) if found else 0
        if count < dataset.photos:
            raise DownloadError(f"it holds {count} of the {dataset.photos} photos of {dataset.name}")

    cache = runtime.folder("cache") / "datasets"
    sources = []
    if dataset.archive:
        sources.append((dataset.archive, cache / dataset.archive.name))
    if downloads.has_kaggle_token():
        sources += [(slug, cache / dataset.name.lower()) for slug in dataset.kaggle]
    problems = []
    for source, target in sources:
        try:
            downloads.make_folder(source, target, check=check, progress=progress)
            return find(dataset.name)
        except DownloadError as error:
            problems.append(str(error))
    if dataset.kaggle and not downloads.has_kaggle_token():
        problems.append("Kaggle was not asked: no login found in ~/.kaggle or KAGGLE_USERNAME and KAGGLE_KEY.")
    raise DownloadError("\n".join([*problems, f"Another way to get {dataset.name}: {', or '.join(_todo(dataset))}."]))


def read_image(file: str | Path) -> np.ndarray:
    """Read a PNG, JPEG, WebP, TIFF or BMP: RGB as (H, W, 3), gray as (H, W), uint8, turned as its EXIF data says.

    Transparency is dropped, 16 bits become 8, palettes and CMYK become RGB.
    """
    if not isinstance(file, str | os.PathLike):
        raise UserError(f"Expected the path of a picture, got {type(file).__name__}.")
    file = Path(file).expanduser()
    # imdecode, since imread cannot open names with umlauts on Windows.
    data = np.fromfile(file, np.uint8)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR) if data.size else None
    except cv2.error:  # a header that promises too many pixels
        image = None
    if image is None:
        raise UserError(f"Expected a picture in {file}, got {data.size} bytes that OpenCV cannot read.")
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def sample(name: str) -> np.ndarray:
    """One embedded photograph: "astronaut", "chelsea", "coffee", "rocket", …; gray ones as (H, W)."""
    known = {Path(file).stem: file for file in SAMPLES}
    if name not in known:
        raise UserError(f"Expected a sample of {', '.join(known)}, got {name!r}.")
    return read_image(find("samples") / known[name])
