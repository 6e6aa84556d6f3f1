"""Which picture looks best to people? A blind study in a notebook, its answers in files, and their mean.

Source: Ledig et al. 2017 (SRGAN), section 3.3; the words for the grades are those of ITU-R BT.500.
"""

import datetime
import hashlib
import itertools
import json
import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from scipy import stats

from . import _files, datasets, degradations, metrics
from .runtime import UserError

GRADES = ("bad", "poor", "fair", "good", "excellent")  # 1 to 5
LOWEST, HIGHEST = "nearest", "original"  # hidden among the networks' pictures
LARGEST = 320  # pixels a side; of a larger photo the middle is taken
SCREEN = 640  # pixels of the screen that a picture takes at most, each of its own as a square of them
HASTE = 0.4  # seconds in which nobody looks at a picture: the second half of a double click
STYLE = """<style>
.sr-picture { image-rendering: pixelated; }
.sr-answers button { font-size: 1.1em; }
.sr-scores { margin-top: 1em; text-align: right; }
.sr-scores :is(td, th) { padding-left: 1.5em; text-align: right; }
</style>"""


class Study:
    """The questions for one rater, who does not know which network made a picture.

    The first photo calibrates: it is shown openly, by nearest neighbor as the lowest grade and as it is as the highest.
    Of every other photo each network's picture is shown, and among them, hidden, the same two; all in an order that
    depends on the rater. Each answer is written to a file at once, and a study of the same rater goes on from there.

    Args:
        photos: two or more files or uint8 arrays (H, W, 3).
        networks: name → what `metrics.upscaler` takes.
        folder: where the answers are kept, a file for each rater.
        rater: a name or a number: letters, digits, - and _.
        pairs: show two pictures of a photo and ask which is better, in place of a grade.
    """

    def __init__(
        self,
        photos: Sequence[str | os.PathLike | np.ndarray],
        networks: Mapping[str, metrics.Method],
        *,
        folder: str | os.PathLike,
        rater: str,
        scale: int = 4,
        pairs: bool = False,
    ):
        if not re.fullmatch(r"[\w-]+", str(rater)):
            raise UserError(f"Expected a rater of letters, digits, - and _, got {rater!r}.")
        if len(photos) < 2 or not networks or {LOWEST, HIGHEST} & set(networks):
            raise UserError(
                f"Expected two photos or more, and networks with names other than {LOWEST} and {HIGHEST}, got "
                f"{len(photos)} photos and {', '.join(networks) or 'no network'}."
            )
        names = [str(n) if isinstance(photo, np.ndarray) else Path(photo).stem for n, photo in enumerate(photos)]
        names = names if len(set(names)) == len(names) else [f"{n} {name}" for n, name in enumerate(names)]
        known = {name: method if isinstance(method, str) else "own" for name, method in networks.items()}
        told = json.dumps([names, known, scale, pairs]).encode()
        self.rater, self.pairs, self.key = str(rater), pairs, hashlib.sha256(told).hexdigest()[:8]
        self.file = Path(folder).expanduser() / f"{rater}-{self.key}.jsonl"
        # All of them now: the time that a network takes would give it away.
        self.pictures = {}
        methods = {name: metrics.upscaler(method, scale) for name, method in ({LOWEST: LOWEST} | networks).items()}
        for name, photo in zip(names, photos, strict=True):
            original = _middle(photo if isinstance(photo, np.ndarray) else datasets.read_image(photo), scale)
            size = original.shape[:2]
            small = degradations.bicubic(original, (size[0] // scale, size[1] // scale))
            self.pictures[name, HIGHEST] = original
            self.pictures |= {(name, method): made.upscale(small, size) for method, made in methods.items()}
        self.calibration = names[0]
        shown = itertools.combinations((HIGHEST, *methods), 2) if pairs else [(name,) for name in (HIGHEST, *methods)]
        self.questions = list(itertools.product(names[1:], shown))
        random = np.random.default_rng(list(f"{self.key} {self.rater}".encode()))
        random.shuffle(self.questions)
        self.questions = [(photo, tuple(random.permutation(pair).tolist())) for photo, pair in self.questions]
        old = _rows(self.file)[0] if self.file.exists() else []
        self.done = {(row["photo"], tuple(row["shown"])) for row in old}

    @property
    def remaining(self) -> list[tuple[str, tuple[str, ...]]]:
        """The questions without an answer, in order: (photo, what is shown of it)."""
        return [question for question in self.questions if question not in self.done]

    def answer(self, value: int) -> None:
        """Keep the answer to the first remaining question: a grade of 1 to 5, or 0 for the left and 1 for the right."""
        photo, shown = self.remaining[0]
        row = {"study": self.key, "rater": self.rater, "photo": photo, "shown": shown, "answer": value}
        row["time"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        old = self.file.read_bytes() if self.file.exists() else b""
        old += b"" if old.endswith(b"\n") or not old else b"\n"
        with _files.replacing(self.file, sync=True) as partial:
            partial.write_bytes(old + json.dumps(row).encode() + b"\n")
        self.done.add((photo, shown))

    def show(self):
        """The study as a widget, for the last line of a cell. It sends pictures without names to the browser."""
        import ipywidgets

        words = ("left", "right") if self.pairs else [f"{n}  {word}" for n, word in enumerate(GRADES, 1)]
        head, bar = ipywidgets.HTML(), ipywidgets.IntProgress(max=len(self.questions))
        pictures, answers, begin = ipywidgets.HBox(), ipywidgets.HBox(), ipywidgets.Button(description="Begin")
        answers.add_class("sr-answers")
        buttons = [ipywidgets.Button(description=word) for word in words]
        for button in (begin, *buttons):
            button.layout = ipywidgets.Layout(width="120px", height="48px")
        for box in (pictures, answers):
            box.layout = ipywidgets.Layout(justify_content="center", grid_gap="8px")
        bar.layout, since = ipywidgets.Layout(width="100%"), [0.0]

        def picture(photo, name, beside):
            image = self.pictures[photo, name]
            side = image.shape[1] * max(SCREEN // (max(image.shape) * (1 + beside)), 1)
            png = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
            made = ipywidgets.Image(value=png, format="png", width=side, height=side * image.shape[0] // image.shape[1])
            made.add_class("sr-picture")
            return made

        def calibrate():
            ends = ("the worse one", "the better one") if self.pairs else ("a 1: bad", "a 5: excellent")
            labels = [ipywidgets.HTML(f"<center>This is <b>{end}</b>.</center>") for end in ends]
            shown = [picture(self.calibration, name, True) for name in (LOWEST, HIGHEST)]
            pictures.children = [ipywidgets.VBox(pair) for pair in zip(labels, shown, strict=True)]
            bar.value = number = len(self.questions) - len(self.remaining)
            done = f"{number} of {len(self.questions)} are answered. " * bool(number)
            head.value = (
                f"<h3>Before you begin</h3>{done}{len(self.remaining)} questions. Answer by what you see first: how "
                "good the picture is, not what it shows. Each photo comes several times."
            )
            answers.children = [begin]

        def ask(_=None):
            bar.value = number = len(self.questions) - len(self.remaining)
            if not self.remaining:
                head.value, pictures.children, answers.children = self._end(), (), ()
                return
            photo, shown = self.remaining[0]
            asked = "Which picture looks better?" if self.pairs else "How good does this picture look?"
            head.value = f"<h3>{number + 1} of {len(self.questions)}: {asked}</h3>"
            pictures.children = [picture(photo, name, self.pairs) for name in shown]
            answers.children, since[0] = buttons, time.monotonic()

        def clicked(button):
            if time.monotonic() - since[0] > HASTE:
                self.answer(buttons.index(button) + (0 if self.pairs else 1))
                ask()

        for button in buttons:
            button.on_click(clicked)
        begin.on_click(ask)
        calibrate() if self.remaining else ask()
        return ipywidgets.VBox([ipywidgets.HTML(STYLE), bar, head, pictures, answers])

    def _end(self):
        table = scores(_tidy(_rows(self.file)[0])).drop(columns="raters").rename_axis(None)
        table = table.to_html(float_format="{:.2f}".format, classes="sr-scores", border=0)
        return f"<h3>Thank you</h3>Your answers are in<br><code>{escape(str(self.file))}</code>{table}"


def _middle(image, scale):
    top, left = (max(length - LARGEST, 0) // 2 for length in image.shape[:2])
    image = image[top : top + LARGEST, left : left + LARGEST]
    return degradations.crop_to_multiple(np.dstack([image] * 3) if image.ndim == 2 else image, scale)


def _rows(file):
    """(answers in a file, numbers of its lines that hold none)."""
    rows, damaged = [], []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            row = json.loads(line)
            possible = {1: range(1, 6), 2: range(2)}[len(row["shown"])]
            texts = (row["study"], row["rater"], row["photo"], *row["shown"])
            whole = all(isinstance(text, str) for text in texts) and row["answer"] in possible
        except (KeyError, TypeError, ValueError):  # half a line, or another file's
            whole = False
        if whole:
            rows.append(row)
        else:
            damaged.append(str(number))
    return rows, damaged


def _tidy(rows):
    """A row per picture: of a pair, 1 for the one that was chosen and 0 for the other."""
    value = "won" if rows and len(rows[0]["shown"]) == 2 else "grade"
    table = [
        {"rater": row["rater"], "photo": row["photo"], "network": name}
        | {value: row["answer"] if value == "grade" else int(row["answer"] == place)}
        for row in rows
        for place, name in enumerate(row["shown"])
    ]
    return pd.DataFrame(table, columns=["rater", "photo", "network", value])


def read(folder: str | os.PathLike) -> tuple[pd.DataFrame, list[str]]:
    """The answers of all raters whose files are in a folder or below it, and a sentence about each thing that is odd.

    Lines that are cut off, files of something else or of another study than most, and a rater's second file do not
    count. A rater for whom the original is worse than nearest neighbor counts, but is named: did they read the scale?

    The columns are rater, photo, network, and grade, or for pairs `won`, 1 or 0.
    """
    folder, found, reports = Path(folder).expanduser(), {}, []
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    for file in files:
        name = _files.printable(file.relative_to(folder).as_posix())
        rows, damaged = _rows(file)
        if rows:
            found[name] = rows
            reports += [f"{name}: no answer in line {', '.join(damaged)}"] if damaged else []
        else:
            reports.append(f"{name}: no answers in it")
    (study, _), *_ = Counter(rows[0]["study"] for rows in found.values()).most_common(1) or [("", 0)]
    counted = {}
    for name, rows in sorted(found.items(), key=lambda item: (-len(item[1]), len(item[0]))):
        mine = [row for row in rows if (row["study"], row["rater"]) == (study, rows[0]["rater"])]
        once = {(row["photo"], *sorted(row["shown"])): row for row in reversed(mine)}  # of two answers the first
        rater = rows[0]["rater"]
        if len(mine) < len(rows):
            reports.append(f"{name}: {len(rows) - len(mine)} answers of another study or rater")
        if mine and rater in counted:
            reports.append(f"{name}: {rater} has another file, with as many answers or more")
        elif mine:
            reports += [f"{name}: {len(mine) - len(once)} answers twice"] if len(once) < len(mine) else []
            counted[rater] = list(once.values())[::-1]
    table = _tidy([row for rater in sorted(counted) for row in counted[rater]])
    means = table.pivot_table(table.columns[-1], "rater", "network", observed=True).reindex(columns=[LOWEST, HIGHEST])
    for rater, (lowest, highest) in means.iterrows():
        if highest < lowest:
            reports.append(
                f"{rater}: the original is worse ({highest:.1f}) than nearest neighbor ({lowest:.1f}); counted"
            )
    return table, reports


def scores(answers: str | os.PathLike | pd.DataFrame) -> pd.DataFrame:
    """Mean opinion per network, or the share of its pairs that it won, the best first, with a 95 % interval.

    The interval is a percentile bootstrap over raters, as answers of one person resemble each other. Of a single rater
    it is over photos, and says nothing about other people.

    Args:
        answers: a folder, whose odd things become a warning, or the table that `read` made of it.
    """
    if not isinstance(answers, pd.DataFrame):
        answers, reports = read(answers)
        if reports:
            warnings.warn("\n".join(reports), stacklevel=2)
    value, unit = answers.columns[-1], "rater" if answers.rater.nunique() > 1 else "photo"
    rows = {}
    for network, given in answers.groupby("network"):
        means, ends = given.groupby(unit)[value].mean(), (np.nan, np.nan)
        if len(means) > 1:
            ends = stats.bootstrap((means,), np.mean, method="percentile", random_state=0).confidence_interval
        rows[network] = [means.mean(), *ends, len(given), given.rater.nunique()]
    title = "share won" if value == "won" else "mean grade"
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[title, "from", "to", "answers", "raters"])
    return table.astype({"answers": int, "raters": int}).rename_axis("network").sort_values(title, ascending=False)
