"""What is known of each saved network: what it is, by whom, under which terms, how it was trained, what it scored."""

import json
import os
import zipfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import pandas as pd

from .. import _files, runtime
from ..runtime import UserError

MANIFEST = "manifest.json"
MEMBER = "record.json"  # inside each .keras file
KINDS = ("upscaler", "study", "features")  # for use; to look at, such as the article's with its faults; no upscaler


@dataclass(frozen=True)
class Record:
    """One saved network.

    Attributes:
        name: what `load` calls it.
        title: what a table calls it, such as "EDSR baseline ×4".
        kind: one of `KINDS`.
        purpose: what it is good for, in a few words.
        scales: the factors by which it upscales; none for a feature extractor.
        author, licence, source: by whom, on which terms, and where it comes from.
        lesson: number of the lesson that makes it, such as "08".
        data, photos, steps, minutes, device, date: what it was trained on, for how long, on what, and when.
        training: more of that: loss, seed, precision, batch size, scores on the photos held out.
        scores: set → scale → PSNR-Y in dB, measured as the papers do.
        versions: of Python, Keras, its backend and this package when it was saved.
        bytes, sha256: size of the file, and checksum of the weights in it.
    """

    name: str
    title: str = ""
    kind: str = "upscaler"
    purpose: str = ""
    scales: tuple[int, ...] = ()
    parameters: int = 0
    author: str = "you"
    licence: str = ""
    source: str = ""
    lesson: str = ""
    data: str = ""
    photos: int = 0
    steps: int = 0
    minutes: float = 0
    device: str = ""
    date: str = ""
    training: dict = field(default_factory=dict)
    scores: dict[str, dict[int, float]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    sha256: str = ""

    def __post_init__(self):
        """JSON has lists in place of tuples, and no whole numbers as keys."""
        object.__setattr__(self, "scales", tuple(self.scales))
        scores = {name: {int(scale): dB for scale, dB in known.items()} for name, known in self.scores.items()}
        object.__setattr__(self, "scores", scores)
        if self.kind not in KINDS:
            raise UserError(f"Expected a kind of {', '.join(KINDS)}, got {self.kind!r}.")


FIELDS = {known.name for known in fields(Record)}


def manifest(folder: str | os.PathLike | None = None) -> dict[str, Record]:
    """What is known of the saved networks: name → `Record`.

    Each file carries its own record. `manifest.json` beside them repeats these for people to read, and may say more,
    such as scores that were measured later; where it does not belong to the weights in the file, the file counts.

    Args:
        folder: where the networks are. None: those that ship, then the reader's own, `runtime.own("models")`.
    """
    if folder is None:
        shipped = manifest(runtime.shipped("models"))
        return shipped | {name: own for name, own in manifest(runtime.own("models")).items() if name not in shipped}
    folder = Path(folder)
    files = {file.stem: file for file in sorted(folder.glob("*.keras")) if not file.name.startswith(".")}
    listed, found = index(folder), {}
    for name in [*(name for name in listed if name in files), *(name for name in files if name not in listed)]:
        written, inside = listed.get(name, {}), _inside(files[name])
        known = inside if inside and inside["sha256"] != written.get("sha256") else written
        known = {name: value for name, value in known.items() if name in FIELDS}
        found[name] = Record(**known | {"name": name, "bytes": files[name].stat().st_size})
    return found


def index(folder: Path) -> dict[str, dict]:
    """What `manifest.json` says as it stands there, also of files that are missing."""
    file = folder / MANIFEST
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _inside(file):
    try:
        with zipfile.ZipFile(file) as archive:
            return json.loads(archive.read(MEMBER))
    except (KeyError, OSError, ValueError, zipfile.BadZipFile):  # by `keras.Model.save`, or damaged: `load` tells
        return {}


def describe(name: str, *, folder: str | os.PathLike, **changes) -> Record:
    """Change what the manifest of a folder says of one network, such as its scores.

    Args:
        name: of a network in the folder.
        folder: where it is.
        **changes: fields of `Record`.

    Returns:
        The new record.
    """
    folder = Path(folder)
    with _files.locked(folder / MANIFEST, "changes what is known of the networks"):
        known = manifest(folder)
        if name not in known:
            raise UserError(f"Expected a network of {', '.join(known)}, got {name!r}.")
        size = (folder / f"{name}.keras").stat().st_size
        record = Record(**asdict(known[name]) | changes | {"bytes": size})
        entries = index(folder) | {name: asdict(record)}
        with _files.replacing(folder / MANIFEST) as partial:
            partial.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def best(scale: float, folder: str | os.PathLike | None = None) -> str:
    """The shipped upscaler with the highest PSNR-Y at a scale: the mean over the sets that all were measured on.

    Args:
        scale: number above 0. Where no network has it, the next larger one that networks have counts, or the largest.
        folder: where the networks are, if not those that ship.

    Returns:
        Its name. One that was not measured on Set5 is not considered.
    """
    measured = _measured(folder)
    own = min((known for known in measured if known >= scale), default=max(measured))
    common = set.intersection(*map(set, measured[own].values()))
    return max(measured[own], key=lambda name: sum(measured[own][name][known] for known in common))


def _measured(folder=None):
    """Of the upscalers with a score on Set5: scale → name → set → dB."""
    measured = {}
    for name, record in manifest(folder or runtime.shipped("models")).items():
        for scale in record.scores.get("Set5", {}) if record.kind == "upscaler" else ():
            scores = {known: values[scale] for known, values in record.scores.items() if scale in values}
            measured.setdefault(scale, {})[name] = scores
    return measured


def table(folder: str | os.PathLike | None = None) -> pd.DataFrame:
    """All saved networks, by whom, and on which terms.

    Args:
        folder: as in `manifest`.

    Returns:
        A row per network: name, title, scales, parameters, megabytes, score (PSNR-Y on Set5 for each scale),
        purpose (which also says for which scale `best` takes it), author, licence, source and lesson. First the
        upscalers, then those for study, then the feature extractors.
    """
    chosen, rows = {scale: best(scale) for scale in _measured()}, []
    for record in sorted(manifest(folder).values(), key=lambda record: KINDS.index(record.kind)):
        values = [f"{dB:.2f}" for _, dB in sorted(record.scores.get("Set5", {}).items())]
        taken = " and ".join(f"×{scale}" for scale, name in sorted(chosen.items()) if name == record.name)
        row = {
            "name": record.name,
            "title": record.title,
            "scales": list(record.scales),
            "parameters": record.parameters,
            "megabytes": record.bytes / 1e6,
            "score": f"{' / '.join(values)} dB on Set5" if values else "",
            "purpose": "; ".join(filter(None, [record.purpose, taken and f"taken for {taken}"])),
        }
        rows.append(row | {known: getattr(record, known) for known in ("author", "licence", "source", "lesson")})
    return pd.DataFrame(rows)
