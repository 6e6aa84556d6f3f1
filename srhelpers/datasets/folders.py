"""Where photos are: find, download and read what the table in `catalog` lists, or a folder of your own."""

import os
import warnings
from difflib import get_close_matches
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

from .. import runtime
from ..runtime import UserError
from . import downloads
from .archives import DownloadError
from .catalog import DATASETS, SAMPLES

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


def _images(folder, nested=False):
    found, folders, seen = [], [folder], {os.path.realpath(folder)}
    while folders:
        here = folders.pop()
        for entry in os.scandir(here):
            if nested and entry.is_dir() and not entry.name.startswith("."):
                real = os.path.realpath(entry)
                folders += [] if real in seen else [Path(entry)]
                seen.add(real)
            elif Path(entry).suffix.lower() in IMAGE_SUFFIXES and entry.is_file() and not entry.name.startswith("."):
                found.append(Path(entry))
    return sorted(found)


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
            path = candidate.as_posix().lower()
            if fnmatch(path, f"*/{ending}") and "/voctest" not in path and _images(candidate, dataset.nested):
                return candidate
    return next((folder for folder in (root, root / "HR") if folder.is_dir() and _images(folder)), None)


def _places(dataset):
    """(what it is, folder) in the order they are searched, without the network."""
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


def find(name, path=None):
    """The folder that holds the images of a dataset, without downloading anything.

    Looks in `path` if given, else in SR_DATA_DIR/<name>, the Kaggle inputs, the cache. A name that is not in
    the table may be a folder of your own, or a folder under SR_DATA_DIR.

    Args:
        name: a name of the table (capitals do not matter), a folder's name under SR_DATA_DIR, or a path.
        path: the folder to look in, whatever its nesting.

    Returns:
        Path.

    Raises:
        FileNotFoundError: not there; the text lists the places and says what to do.

    >>> import srhelpers as sr
    >>> sr.datasets.find("samples").name
    'data'
    """
    dataset = DATASETS.get(str(name).lower())
    if dataset is None:
        data = runtime.folder("data")
        own = [Path(path or name).expanduser(), *([data / str(name)] if data else [])]
        for folder in own:
            if folder.is_dir() and _images(folder, nested=True):
                return folder
        looked = ", ".join(f"{folder} (no images in it)" if folder.is_dir() else str(folder) for folder in own)
        raise FileNotFoundError(f"{_unknown(name, 'or a folder with images, ')} Looked in {looked}.")
    if dataset.name == "samples":
        return Path(str(files("skimage"))) / "data"
    places = [("path", Path(path).expanduser())] if path else list(dict.fromkeys(_places(dataset)))
    for _, place in places:
        found = _look_below(place, dataset)
        if found:
            return found
    todo = [f"run: srhelpers download {dataset.name}", *_todo(dataset)]
    looked = "\n  ".join(f"{kind}: {place}" for kind, place in places)
    raise FileNotFoundError(
        f"Expected the photos of {dataset.name} in one of\n  {looked}\nTo get them, {', or '.join(todo)}."
    )


def title(name):
    """How tables call a dataset: its name in the table, or the last part of a folder of your own.

    >>> import srhelpers as sr
    >>> sr.datasets.title("set5"), sr.datasets.title("~/Pictures/holidays")
    ('Set5', 'holidays')
    """
    dataset = DATASETS.get(str(name).lower())
    return dataset.name if dataset else Path(name).name


def is_here(name):
    """Whether `find` would find a dataset without downloading it.

    >>> import srhelpers as sr
    >>> sr.datasets.is_here("samples")
    True
    """
    try:
        find(name)
    except OSError:  # not there, or not readable
        return False
    return True


def photos(name, path=None, *, download=False):
    """The image files of a dataset, sorted by name.

    Args:
        name, path: as `find`.
        download: fetch the dataset if it is nowhere.

    Returns:
        List of Path. A warning tells if it is not as long as the published set.

    Raises:
        FileNotFoundError: as `find`.
        DownloadError: as `download`.

    >>> import srhelpers as sr
    >>> [photo.name for photo in sr.datasets.photos("samples")][:2]
    ['astronaut.png', 'brick.png']
    """
    dataset = DATASETS.get(str(name).lower())
    if dataset and dataset.name == "samples":
        return [find("samples") / sample for sample in SAMPLES]
    try:
        folder = find(name, path)
    except FileNotFoundError:
        if not (download and dataset and dataset.archive):
            raise
        folder = _obtain(dataset, progress=True)
    found = _images(folder, nested=dataset is None or dataset.nested)
    if dataset and len(found) != dataset.photos:
        warnings.warn(
            f"Expected {dataset.photos} photos of {dataset.name}, found {len(found)} in {folder}.",
            stacklevel=2,
        )
    return found


def low_resolution(photo, scale):
    """The low-resolution file that a benchmark set ships for a photo, or None.

    Knows the layout `HR/baby.png`, `LR_bicubic/X4/babyx4.png`.

    >>> import srhelpers as sr
    >>> sr.datasets.low_resolution(sr.datasets.photos("samples")[0], 4) is None
    True
    """
    photo = Path(photo)
    file = photo.parent.parent / "LR_bicubic" / f"X{scale}" / f"{photo.stem}x{scale}.png"
    return file if file.exists() else None


def download(name, *, progress=True):
    """Put a dataset into the cache, unless it is found already.

    The official address comes first, its mirrors next, then Kaggle where a login is there.

    Args:
        name: a name of the table.
        progress: show bars.

    Returns:
        Path of the folder that holds the images.

    Raises:
        ValueError: an unknown name.
        DownloadError: every source failed; the text says what each said. What arrived is kept.

    >>> import srhelpers as sr
    >>> sr.datasets.download("samples").name
    'data'
    """
    dataset = DATASETS.get(str(name).lower())
    if dataset is None:
        raise UserError(_unknown(name))
    try:
        return find(name)
    except FileNotFoundError:
        return _obtain(dataset, progress)


def _obtain(dataset, progress):
    def check(folder):
        found = _look_below(folder, dataset)
        count = len(_images(found, dataset.nested)) if found else 0
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


def read_image(file):
    """Read a picture: RGB as (H, W, 3), grey as (H, W), uint8, turned as its EXIF data says.

    Args:
        file: path of a PNG, JPEG, WebP, TIFF or BMP; "~" is your home. Transparency is dropped, 16 bits become 8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no path, or the file holds no picture that OpenCV can read.

    >>> import srhelpers as sr
    >>> sr.datasets.read_image(sr.datasets.photos("samples")[0]).shape
    (512, 512, 3)
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


def sample(name):
    """One embedded photograph: "astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", …

    Returns:
        uint8 array (H, W, 3), or (H, W) for the grey ones.

    Raises:
        ValueError: no such sample.

    >>> import srhelpers as sr
    >>> sr.datasets.sample("coffee").shape
    (400, 600, 3)
    """
    known = {Path(file).stem: file for file in SAMPLES}
    if name not in known:
        raise UserError(f"Expected a sample of {', '.join(known)}, got {name!r}.")
    return read_image(find("samples") / known[name])
