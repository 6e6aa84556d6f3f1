"""What is known of each saved network: what it is, by whom, under which terms, how it was trained, what it scored."""

import json
import zipfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import pandas as pd

from .. import _files, runtime
from ..runtime import UserError

MANIFEST = "manifest.json"
MEMBER = "record.json"  # inside each .keras file
KINDS = ("upscaler", "study", "features")  # for use; to look at, such as the article's with its faults; no upscaler
USES = ("photo", "clean", "drawing", "video")  # compressed and noisy as photos are; without loss; drawn; clips


@dataclass(frozen=True)
class Record:
    """One saved network."""

    name: str  # for `load`
    title: str = ""  # for tables, such as "EDSR baseline ×4"
    kind: str = "upscaler"  # of `KINDS`
    purpose: str = ""  # what it is good for
    uses: tuple[str, ...] = ()  # of `USES`: for what the upscaler takes it by itself
    scales: tuple[int, ...] = ()  # by which it upscales
    parameters: int = 0
    author: str = "you"
    licence: str = ""
    source: str = ""  # where another's network comes from
    weights: dict = field(default_factory=dict)  # url, sha256 or its beginning, and bytes of those that are fetched
    lesson: str = ""  # number of the one that makes it, such as "08"
    data: str = ""  # what it was trained on
    photos: int = 0
    steps: int = 0
    minutes: float = 0
    device: str = ""
    date: str = ""
    training: dict = field(default_factory=dict)  # more of it: loss, seed, precision, scores on photos held out
    scores: dict[str, dict[int, float]] = field(default_factory=dict)  # set → scale → PSNR-Y in dB, as papers have it
    versions: dict[str, str] = field(default_factory=dict)  # of what it was saved with
    bytes: int = 0
    sha256: str = ""  # of the weights in the file, empty where there are none

    def __post_init__(self):
        # JSON has lists in place of tuples, and no whole numbers as keys.
        object.__setattr__(self, "scales", tuple(self.scales))
        object.__setattr__(self, "uses", tuple(self.uses))
        scores = {name: {int(scale): dB for scale, dB in known.items()} for name, known in self.scores.items()}
        object.__setattr__(self, "scores", scores)
        if self.kind not in KINDS:
            raise UserError(f"Expected a kind of {', '.join(KINDS)}, got {self.kind!r}.")


FIELDS = {known.name for known in fields(Record)}
COLUMNS = [
    *("name", "title", "scales", "parameters", "megabytes", "score", "purpose"),
    *("author", "licence", "source", "lesson"),
]


def manifest(folder: str | Path | None = None) -> dict[str, Record]:
    """What is known of the saved networks: name → `Record`.

    Each file carries its own record. `manifest.json` beside them repeats these for people to read, and may say more,
    such as scores that were measured later; where it does not belong to the weights in the file, the file counts.
    Without a folder it is those that ship, then the reader's own, `runtime.own("models")`.
    """
    if folder is None:
        shipped = manifest(runtime.shipped("models"))
        return shipped | {name: own for name, own in manifest(runtime.own("models")).items() if name not in shipped}
    folder = Path(folder)
    files = {file.stem: file for file in sorted(folder.glob("*.keras")) if not file.name.startswith(".")}
    listed, found = index(folder), {}
    for name in sorted(files, key=[*listed, *files].index):
        known, inside = listed.get(name, {}), within(files[name])
        if inside and inside["sha256"] != known.get("sha256"):
            known = inside
        known = {name: value for name, value in known.items() if name in FIELDS}
        found[name] = Record(**known | {"name": name, "bytes": files[name].stat().st_size})
    return found


def index(folder: Path) -> dict[str, dict]:
    """What `manifest.json` says as it stands, also of files that are missing."""
    file = folder / MANIFEST
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def within(file: Path) -> dict:
    """The record that a file carries, or nothing."""
    try:
        with zipfile.ZipFile(file) as archive:
            return json.loads(archive.read(MEMBER))
    except (KeyError, OSError, ValueError, zipfile.BadZipFile):  # by `keras.Model.save`, or damaged: `load` tells
        return {}


def describe(name: str, *, folder: str | Path, **changes) -> Record:
    """Change fields of a network's `Record` in the manifest of a folder, such as its scores."""
    folder = Path(folder)
    with _files.locked(folder / MANIFEST, "changes what is known of the networks"):
        known = manifest(folder)
        if name not in known:
            raise UserError(f"Expected a network of {', '.join(known)}, got {name!r}.")
        record = Record(**asdict(known[name]) | changes)
        entries = index(folder) | {name: asdict(record)}
        with _files.replacing(folder / MANIFEST) as partial:
            text = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
            partial.write_text(text, encoding="utf-8", newline="\n")
    return record


def choice(use: str, scale: float, folder: str | Path | None = None) -> str:
    """The shipped network that the upscaler takes for a use, of `USES`, at a scale: recipes say so, after measuring.

    Where none has the scale it is that of the next larger one, or of the largest.
    """
    if use not in USES:
        raise UserError(f"Expected a use of {', '.join(USES)}, got {use!r}.")
    records = manifest(folder or runtime.shipped("models")).values()
    known = {own: record.name for record in records if use in record.uses for own in record.scales}
    return known[min((own for own in known if own >= scale), default=max(known))]


def speeds() -> pd.DataFrame:
    """Seconds per megapixel of output, as measured: model, scale, tile, seconds_per_megapixel, device, date."""
    return pd.read_csv(runtime.shipped("results") / "speed.csv")


def table(folder: str | Path | None = None) -> pd.DataFrame:
    """All saved networks, by whom, and on which terms: the upscalers, those for study, then the feature extractors.

    `score` is PSNR-Y on Set5 for each scale; `purpose` also says for what the upscaler takes it.
    """
    rows = []
    for record in sorted(
        manifest(folder).values(), key=lambda record: (KINDS.index(record.kind), bool(record.weights))
    ):
        values = [f"{dB:.2f}" for _, dB in sorted(record.scores.get("Set5", {}).items())]
        taken, fetched = " and ".join(record.uses), record.weights and "fetched on first use"
        shown = {
            "scales": list(record.scales),
            "megabytes": record.weights.get("bytes", record.bytes) / 1e6,
            "score": f"{' / '.join(values)} dB on Set5" if values else "",
            "purpose": "; ".join(filter(None, [record.purpose, taken and f"taken for {taken}", fetched])),
        }
        rows.append(asdict(record) | shown)
    return pd.DataFrame(rows, columns=COLUMNS)
