"""Many picture files through an upscaling model: a file, folders or globs in, a file or a folder out."""

import glob
import itertools
import math
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import keras
from tqdm.auto import tqdm

from .. import models
from ..runtime import UserError
from . import engine, pictures

TILE = 256  # pixels a side: of a small network some hundred megabytes, whatever the picture
ENDINGS = {"jpg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tiff"}
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} [{elapsed}<{remaining}{postfix}]"


@dataclass
class Summary:
    """What `upscale_files` did.

    Attributes:
        done: paths that were written.
        skipped: paths that were there already.
        failed: dict of source → what was wrong with it.
        notes: dict of path → what had to be changed for its format.
        megapixels: millions of pixels that were written.
        seconds: how long it took.

    >>> import srhelpers as sr
    >>> print(sr.upscaling.folders.Summary(megapixels=6.0, seconds=3.0))
    0 done, 0 skipped, 0 failed; 6.0 megapixels in 3.0 s
    """

    done: list = field(default_factory=list)
    skipped: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    megapixels: float = 0
    seconds: float = 0

    def __str__(self):
        counts = f"{len(self.done)} done, {len(self.skipped)} skipped, {len(self.failed)} failed"
        return f"{counts}; {self.megapixels:,.1f} megapixels in {self.seconds:.1f} s"


def plan(inputs, output, *, format=None, suffix=""):
    """Which file becomes which.

    Args:
        inputs: path of a picture, a folder (with all folders in it) or a glob such as "scans/**/*.png", or a list
            of these.
        output: path of a picture, where the input is one picture, or of a folder. In it folders and names stay;
            where two would get one name, as scan.png and scan.tif in another format, they keep their old ending
            in it: scan_png.webp.
        format: "jpg", "png", "webp" or "tiff"; None keeps each picture's own.
        suffix: added to the names, such as "_x4".

    Returns:
        dict of source → target, both Paths. Pictures in folders that are targets themselves are left out, so a
        second run with the same folder in and out finds no more than the first.

    Raises:
        FileNotFoundError: an input is not there, or no picture is in it.
        ValueError: an unknown ending or format, one target for several sources, or a source as target.

    >>> import srhelpers as sr
    >>> source = sr.datasets.photos("samples")[0]
    >>> sr.upscaling.folders.plan(source, "large", suffix="_x2")[source].as_posix()
    'large/astronaut_x2.png'
    """
    if format not in (None, *ENDINGS):
        raise UserError(f"Expected a format of {', '.join(ENDINGS)}, got {format!r}.")
    inputs = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    output, found = Path(output).expanduser(), {}
    for item in inputs:
        named = Path(item).expanduser()
        inner = {named: Path(named.name)} if named.is_file() else find(item, output)
        if not inner:
            raise FileNotFoundError(
                f"Expected a picture, a folder or a glob with pictures ({' '.join(pictures.FORMATS)}), got "
                f"{os.fspath(item)!r}, where there is none."
            )
        found |= inner
    single = len(found) == len(inputs) == 1 and Path(inputs[0]).expanduser().is_file()
    if single and output.suffix and not output.is_dir():
        pictures.check_target(output, (1, 1))
        if suffix or format:
            raise UserError(f"Expected a folder as output where suffix or format are given, got the file {output}.")
        targets = dict.fromkeys(found, output)
    else:
        targets = {
            source: output / inside.with_name(f"{inside.stem}{suffix}{ENDINGS.get(format, inside.suffix)}")
            for source, inside in found.items()
        }
        times = Counter(targets.values())
        alike = Counter((target, source.suffix) for source, target in targets.items())
        targets = {
            source: target.with_stem(f"{target.stem}_{source.suffix[1:]}")
            if times[target] > alike[target, source.suffix] == 1
            else target
            for source, target in targets.items()
        }
    sources, owners = {source.resolve() for source in found}, {}
    for source, target in targets.items():
        if source.resolve() == target.resolve():
            raise UserError(f"Expected an output beside the input, got {source} for both; choose a folder or a suffix.")
        if target in owners:
            raise UserError(
                f"Expected a name for each output, got {target} for {owners[target]} and {source}; rename one, or "
                "upscale them apart."
            )
        owners[target] = source
    made = {target.resolve() for target in targets.values()} & sources
    return {source: target for source, target in targets.items() if source.resolve() not in made}


def find(item, output, endings=tuple(pictures.FORMATS)):
    """The files of some kind in an input.

    Args:
        item: path of a file, a folder (with all folders in it) or a glob.
        output: folder whose files do not count, where it lies inside the input: earlier runs wrote them.
        endings: of the files that count, in lower case.

    Returns:
        dict of source → its path inside the input, both Paths; empty where there is none.

    >>> import srhelpers as sr
    >>> len(sr.upscaling.folders.find(sr.datasets.find("samples"), "large", (".png",))) > 5
    True
    """
    path, output = Path(item).expanduser(), Path(output).expanduser()
    if path.is_dir():
        inner = {file: file.relative_to(path) for file in sorted(path.rglob("*")) if not _is_inside(file, output, path)}
    else:  # a file is a glob of itself; Path.glob takes no absolute pattern
        found = [path] if path.is_file() else map(Path, sorted(glob.glob(os.fspath(path), recursive=True)))  # noqa: PTH207
        inner = {file: Path(file.name) for file in found}
    return {file: name for file, name in inner.items() if file.suffix.lower() in endings and file.is_file()}


def _is_inside(file, output, folder):
    """What earlier runs wrote into a folder inside the folder."""
    return output.resolve() != folder.resolve() and output.resolve() in file.resolve().parents


def upscale_files(
    inputs,
    output,
    model=None,
    *,
    scale=None,
    tile=TILE,
    self_ensemble=False,
    format=None,
    suffix="",
    overwrite=False,
    progress=True,
):
    """Picture files, enlarged by a model; each comes out in its own kind, as `pictures` says.

    What is there already is skipped, so the same call goes on where it was stopped. The next file is decoded and
    the last one encoded while the model computes. A file that cannot be read or written does not stop the others.

    Args:
        inputs, output, format, suffix: as in `plan`.
        model: as in `engine.upscale`; None takes `models.best(scale)`.
        scale: number above 0; None takes 2, or the smallest that the given model has.
        tile, self_ensemble: as in `engine.upscale`.
        overwrite: write anew what is there already.
        progress: show a bar.

    Returns:
        Summary.

    Raises:
        FileNotFoundError, ValueError: as `plan` and `engine.upscale`.
        OSError: nothing can be written to the output folder. It is tried before anything is computed.

    >>> import srhelpers as sr
    >>> photos = sr.datasets.photos("samples")[:1]
    >>> print(sr.upscaling.folders.upscale_files(photos, "large", "voc_plain", progress=False))
    1 done, 0 skipped, 0 failed; 1.0 megapixels in ... s
    """
    started, summary = time.perf_counter(), Summary()
    targets = plan(inputs, output, format=format, suffix=suffix)
    if not overwrite:
        summary.skipped = [target for target in targets.values() if target.exists()]
        targets = {source: target for source, target in targets.items() if not target.exists()}
    for folder in dict.fromkeys(target.parent for target in targets.values()):
        _check_folder(folder)
    if targets:
        model, scale = choose(model, scale)
        grow = partial(engine.upscale, model=model, scale=scale, tile=tile, self_ensemble=self_ensemble)
        with _Bar(total=len(targets), desc="images", bar_format=_BAR, disable=not progress) as bar:
            _process(targets, grow, scale, summary, bar)
    return replace(summary, seconds=time.perf_counter() - started)


def choose(model, scale):
    """The model and scale that are meant.

    Args:
        model: as in `engine.upscale`, or None for `models.best(scale)`.
        scale: number, or None for 2, or for the smallest that the given model has.

    Returns:
        (Keras model, scale).

    Raises:
        FileNotFoundError, ValueError: no such model or scale, as `engine.upscale`.

    >>> import srhelpers as sr
    >>> sr.upscaling.folders.choose("voc_plain", None)[1]
    2
    """
    model = models.best(scale or 2) if model is None else model
    model = model if isinstance(model, keras.Model) else models.load(model)
    scale = engine.scales(model)[0] if scale is None else scale
    engine.own_scale(model, scale)
    return model, scale


def _check_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"Expected an output folder that can be written to, got {folder} ({error}); choose another."
        ) from error


class _Bar(tqdm):
    """Pictures that went through the model, and megapixels a second."""

    megapixels = 0

    def reach(self, pictures, megapixels=0):
        step = max(pictures - self.n, 0)
        self.megapixels += step * megapixels
        if not self.disable:
            rate = self.megapixels / max(self.format_dict["elapsed"], 0.001)
            self.set_postfix_str(f"{rate:.2f} megapixels/s", refresh=False)
            self.update(step)


def _process(targets, grow, scale, summary, bar):
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        writing = None
        for number, (source, decoded) in enumerate(_decoded(list(targets), reader)):
            target = targets[source]
            try:
                picture = decoded.result()
                size = [max(round(n * scale), 1) for n in picture.pixels.shape[:2]]
                pictures.check_target(target, size)
                megapixels = math.prod(size) / 1e6
                counted = partial(grow, progress=lambda part, n=number, size=megapixels: bar.reach(n + part, size))
                grown = pictures.enlarge(picture, counted)
            except (OSError, ValueError, MemoryError) as error:
                summary.failed[source] = f"{error}" or "not enough memory"
            else:
                _finish(writing, summary)
                writing = source, target, megapixels, writer.submit(pictures.write, grown, target)
            bar.reach(number + 1)
        _finish(writing, summary)


def _decoded(sources, reader):
    """(source, future of its picture): while one is used, the next is decoded, and no more."""
    ahead = reader.submit(pictures.read, sources[0])
    for source, following in itertools.zip_longest(sources, sources[1:]):
        this = ahead
        wait([this])
        ahead = reader.submit(pictures.read, following) if following else None
        yield source, this


def _finish(writing, summary):
    if writing:
        source, target, megapixels, written = writing
        try:
            note = written.result()
        except (OSError, ValueError, MemoryError) as error:
            summary.failed[source] = f"{error}" or "not enough memory"
        else:
            summary.done.append(target)
            summary.notes |= {target: note} if note else {}
            summary.megapixels += megapixels
