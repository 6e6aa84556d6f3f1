"""The VOC study: one model trained with several seeds on the same photos, and measured the same way every time."""

import copy
import datetime
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from .. import __version__, _files, datasets, degradations, metrics, models, training
from .. import runtime as folders
from ..runtime import UserError
from .multi_size import MultiSize

KEY = ["dataset", "notebook", "experiment", "seed"]
SEEDS = (0, 1, 2)
OURS = {"epochs": 6, "batch_size": 8}  # how we train, if a notebook does not say otherwise
VALIDATION = {"voc2007": 1000, "voc_standin": 200, "samples": 3}  # so many photos, the first by name, validate


class Study:
    """What one notebook trains on, measures with and writes its results to.

    The full profile takes VOC 2007 and downloads it if need be (460 MB), or its stand-in `voc_standin` where
    only that is here. The others take the embedded samples, train nothing in `train` and write nothing. As in the
    article the first photos by name validate.

    Args:
        notebook: its number, such as "02"; written into every row.
        runtime: what `setup` returned: the profile, and the device that every row names.
        results: folder of `voc_study.csv` and `voc_histories.csv`; None is where those that ship are, or for a full
            run a copy of them in a folder of the reader's own.
        models: folder of the models that a full run makes; None is one of the reader's own.

    Raises:
        DownloadError: full profile, no photos here, and no network.

    >>> import srhelpers as sr
    >>> study = sr.studies.study.Study("02", sr.setup("quick", verbose=False))
    >>> study.title, len(study.training), len(study.validation)
    ('samples', 9, 3)
    """

    def __init__(self, notebook, runtime, *, results=None, models=None):
        self.notebook, self.runtime = notebook, runtime
        self.full = runtime.profile == "full"
        self.results = Path(results or results_folder(self.full))
        self.models = Path(models or folders.own("models"))
        wanted = ("voc2007", "voc_standin") if self.full else ("samples",)
        name = next((name for name in wanted if datasets.is_here(name)), wanted[0])
        files = datasets.photos(name, download=self.full)
        self.title = datasets.title(name)
        self.validation, self.training = files[: VALIDATION[name]], files[VALIDATION[name] :]
        self._photos = {}

    def recipe(self, epochs=12):
        """The article's training for `train`: plain `cv2.resize`, no flips, Adam with a fixed rate.

        On VOC 2007 its batches of 64. On fewer photos as many steps (62 in each of its epochs) of 4 photos.

        Args:
            epochs: of the article.

        Returns:
            dict of arguments.

        >>> import srhelpers as sr
        >>> sr.studies.study.Study("02", sr.setup("quick", verbose=False)).recipe()["batch_size"]
        4
        """
        size = {"epochs": epochs, "batch_size": 64}
        if self.title != "voc2007":
            size = {"epochs": round(62 * epochs / -(-len(self.training) // 4)), "batch_size": 4}
        return {**size, "degradation": "opencv", "flips": False, "decay": False}

    def _decoded(self, degradation):
        if degradation not in self._photos:
            splits = (self.training, self.validation)
            self._photos[degradation] = [MultiSize(files, degradation=degradation) for files in splits]
        return self._photos[degradation]

    def batches(self, degradation="area", *, batch_size=16, flips=True, seed=0):
        """Generators for training (shuffled) and validation (in order), 72 → (144, 288).

        Args:
            degradation, batch_size, flips, seed: as in `MultiSize`; `flips` is for training only.

        Returns:
            (training, validation). The photos of one degradation are decoded once, however often you ask.

        >>> import srhelpers as sr
        >>> training, validation = sr.studies.study.Study("02", sr.setup("quick", verbose=False)).batches(batch_size=4)
        >>> len(training)
        3
        """
        training, validation = (copy.copy(generator) for generator in self._decoded(degradation))
        training.batch_size, training.seed, training.shuffle, training.flips = batch_size, seed, True, flips
        training.set_epoch(0)
        return training, validation

    def measure(self, predict, degradation="area"):
        """Scores of a model, or of anything that grows pictures, on the validation photos.

        Args:
            predict: function of a uint8 batch (N, 72, 72, 3) that gives the batches at 144 and 288, 0…255;
                a model is one.
            degradation: how the small pictures are made.

        Returns:
            dict: `psnr_144`, `psnr_288` (dB, RGB, mean over images), `ssim_144`, `ssim_288` (luma), and
            `batch_144`, `batch_288`: the article's measure, one PSNR for every 64 photos, not rounded.

        >>> import keras, srhelpers as sr
        >>> photo = keras.Input((None, None, 3))
        >>> copies = keras.Model(photo, [keras.layers.UpSampling2D(n)(photo) for n in (2, 4)])
        >>> sorted(sr.studies.study.Study("02", sr.setup("quick", verbose=False)).measure(copies))
        ['batch_144', 'batch_288', 'psnr_144', 'psnr_288', 'ssim_144', 'ssim_288']
        """
        generator = copy.copy(self._decoded(degradation)[1])
        generator.batch_size = 64
        sides = [photos.shape[1] for photos in generator.photos[1:]]
        kept = {f"{kind}_{side}": [] for kind in ("psnr", "ssim", "batch") for side in sides}
        meters = {f"psnr_{side}": metrics.PSNR() for side in sides}
        meters |= {f"ssim_{side}": metrics.SSIM(luma=True) for side in sides}
        for index in range(len(generator)):
            inputs, targets = generator[index]
            for side, target, estimate in zip(sides, targets, predict(inputs), strict=True):
                estimate = keras.ops.convert_to_numpy(estimate).astype("float32")
                meters[f"psnr_{side}"].update_state(target, estimate)
                meters[f"ssim_{side}"].update_state(target, estimate)
                error = np.mean((target - estimate.astype(float)) ** 2)
                kept[f"batch_{side}"].append(10 * np.log10(255**2 / error))
        return {name: float(meters[name].result() if name in meters else np.mean(kept[name])) for name in kept}

    def train(
        self,
        experiment,
        build,
        *,
        seeds=SEEDS,
        epochs=12,
        batch_size=16,
        degradation="area",
        flips=True,
        loss="mse",
        loss_weights=(1, 1),
        learning_rate=1e-3,
        decay=True,
        ship=None,
        **facts,
    ):
        """In the full profile, train a model once for every seed, measure it, and add the rows to the results.

        A run that was killed goes on where it was; one that had finished with these settings is only measured again.

        Args:
            experiment: what the rows are called.
            build: function without arguments that gives the model, with outputs called "x2" and "x4".
            seeds: for the weights and for the order of the photos.
            epochs, batch_size, degradation, flips, loss, loss_weights: of the training.
            learning_rate: Adam's.
            decay: let it fall to zero along a cosine; else it stays.
            ship: name under which the model of the first seed is shipped, or None.
            **facts: more columns for the manifest, such as `features`.

        Returns:
            None. `table` shows the rows.

        >>> import srhelpers as sr
        >>> sr.studies.study.Study("02", sr.setup("quick", verbose=False)).train("nothing happens", build=None)
        """
        if not self.full:
            return
        loss_name = loss if isinstance(loss, str) else loss.name
        rows, histories = [], []
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            model = build()
            batches, validation = self.batches(degradation, batch_size=batch_size, flips=flips, seed=seed)
            steps = epochs * len(batches)
            rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps) if decay else learning_rate
            model.compile(
                keras.optimizers.Adam(rate),
                loss=[loss, loss],
                loss_weights=list(loss_weights),
                metrics=[[metrics.PSNR()], [metrics.PSNR()]],
            )
            settings = {"batch_size": batch_size, "degradation": degradation, "flips": flips, "seed": seed}
            key = training.run_key(model, epochs=epochs, photos=[file.name for file in self.training], **settings)
            name = re.sub(r"\W+", "_", f"{self.title} {self.notebook} {experiment} {key}".lower())
            folder = folders.folder("cache") / "study" / name
            history = training.fit(model, batches, validation, epochs=epochs, folder=folder, verbose=0)
            key = {"dataset": self.title, "notebook": self.notebook, "experiment": experiment, "seed": seed}
            histories.append(pd.DataFrame([key] * len(history)).join(history))
            scores = self.measure(model, degradation)
            rows.append(
                key
                | scores
                | {
                    "degradation": degradation,
                    "loss": loss_name,
                    "weights": ":".join(map(str, loss_weights)),
                    "features": facts.get("features", ""),
                    "parameters": model.count_params(),
                    "photos": len(self.training),
                    "epochs": len(history),
                    "batch_size": batch_size,
                    "steps": int(history.steps.iloc[-1]),
                    "minutes": history.seconds.sum() / 60,
                }
            )
            print(f"{experiment}, seed {seed}: {scores['psnr_144']:.2f} / {scores['psnr_288']:.2f} dB", flush=True)
            if ship and seed == seeds[0]:
                score = {name: round(value, 4) for name, value in scores.items()}
                known = rows[-1] | self._where() | facts | {"score": score, "minutes": round(rows[-1]["minutes"], 1)}
                known |= {"lesson": self.notebook, "data": self.title}
                models.save(
                    model, ship, folder=self.models, **{name: known[name] for name in known if name not in scores}
                )
        self._save(rows)
        metrics.save(pd.concat(histories), self.results / "voc_histories.csv", key=[*KEY, "epoch"])

    def interpolate(self, method, degradation="area"):
        """In the full profile, measure an interpolation on the validation photos and add its row to the results.

        Args:
            method: a name of `degradations.INTERPOLATIONS`.
            degradation: how the small pictures are made.

        Raises:
            ValueError: an unknown method or degradation.

        >>> import srhelpers as sr
        >>> sr.studies.study.Study("02", sr.setup("quick", verbose=False)).interpolate("bicubic")
        """
        if not self.full:
            return

        def grow(inputs):
            return [
                np.stack([degradations.resize(image, (side, side), method) for image in inputs]) for side in (144, 288)
            ]

        key = {"dataset": self.title, "notebook": self.notebook, "experiment": f"{method}, {degradation}", "seed": 0}
        nothing = {
            "loss": "",
            "weights": "",
            "features": "",
            "parameters": 0,
            "photos": 0,
            "epochs": 0,
            "batch_size": 0,
            "steps": 0,
        }
        self._save([key | self.measure(grow, degradation) | {"degradation": degradation} | nothing | {"minutes": 0.0}])

    def _where(self):
        return {
            "device": self.runtime.device,
            "precision": self.runtime.precision,
            "backend": self.runtime.backend,
            "date": datetime.date.today().isoformat(),
            "srhelpers": __version__,
        }

    def _save(self, rows):
        metrics.save(pd.DataFrame(rows).assign(**self._where()), self.results / "voc_study.csv", key=KEY)

    def rows(self, *experiments, file="voc_study.csv"):
        """What was measured: a row per experiment and seed, of all notebooks.

        Args:
            experiments: names; none means all.
            file: "voc_study.csv" for the scores, "voc_histories.csv" for the epochs.

        Returns:
            pandas.DataFrame of one dataset: of this study's, if it holds all these experiments (the full profile
            has run on it), else of the results that ship.

        Raises:
            ValueError: no dataset has rows of all these names.

        >>> import srhelpers as sr
        >>> rows = sr.studies.study.Study("02", sr.setup("quick", verbose=False)).rows("bicubic, area")
        >>> list(rows.seed)
        [0]
        """
        table = pd.read_csv(self.results / file, keep_default_na=False)
        for dataset in dict.fromkeys([self.title, *table.dataset]):
            rows = table[table.dataset == dataset]
            if len(rows) and set(experiments) <= set(rows.experiment):
                return rows[rows.experiment.isin(experiments)] if experiments else rows
        known = ", ".join(map(repr, table.experiment.unique()))
        raise UserError(f"Expected experiments of {known}; got {', '.join(map(repr, experiments))}.")

    def table(self, *experiments):
        """Mean and standard deviation over the seeds, beside bicubic on the same small pictures.

        Args:
            experiments: names, in the order to show; "bicubic, area" is one.

        Returns:
            pandas.DataFrame with a row per experiment. PSNR in dB on RGB, mean over the validation photos.

        Raises:
            ValueError: no rows of that name.

        >>> import srhelpers as sr
        >>> table = sr.studies.study.Study("02", sr.setup("quick", verbose=False)).table("bicubic, area")
        >>> table.loc["bicubic, area", "144, beside bicubic"]
        '+0.00'
        """
        degradations_used = set(self.rows(*experiments).degradation)
        rows = self.rows(*experiments, *(f"bicubic, {name}" for name in degradations_used)).set_index("experiment")
        lines = {}
        for experiment in experiments:
            chosen = rows.loc[[experiment]]
            bicubic = rows.loc[f"bicubic, {chosen.degradation.iloc[0]}"]
            line = {}
            for side in (144, 288):
                gain = chosen[f"psnr_{side}"].mean() - bicubic[f"psnr_{side}"]
                line[f"PSNR {side}"] = _spread(chosen[f"psnr_{side}"])
                line[f"{side}, beside bicubic"] = f"{gain:+.2f}"
            numbers = {name: f"{chosen[name].iloc[0]:,}" for name in ("parameters", "steps")}
            lines[experiment] = line | numbers | {"seeds": len(chosen)}
        return pd.DataFrame(lines).T

    def score(self, experiment, side, kind="psnr"):
        """Mean and standard deviation over the seeds of one experiment at one size.

        Args:
            experiment: name.
            side: 144 or 288.
            kind: "psnr" or "batch" (dB); see `measure`.

        Returns:
            str such as "28.31 ± 0.02"; an interpolation has no seeds, and no deviation.

        Raises:
            ValueError: no rows of that name.

        >>> import srhelpers as sr
        >>> sr.studies.study.Study("02", sr.setup("quick", verbose=False)).score("bicubic, area", 144)
        '27.58'
        """
        return _spread(self.rows(experiment)[f"{kind}_{side}"])

    def difference(self, experiment, other, side, kind="psnr"):
        """How much one experiment gains on another at one size, seed by seed.

        Args:
            experiment, other: names of experiments with the same seeds.
            side, kind: as in `score`.

        Returns:
            str such as "+0.30 ± 0.02": mean and standard deviation over the seeds, in dB.

        Raises:
            ValueError: no rows of these names, or other seeds.

        >>> import srhelpers as sr
        >>> study = sr.studies.study.Study("02", sr.setup("quick", verbose=False))
        >>> study.difference("plain, article", "plain, article", 144)
        '+0.00 ± 0.00'
        """
        scores = self.rows(experiment, other).pivot(index="seed", columns="experiment", values=f"{kind}_{side}")
        if scores.isna().any(axis=None):
            raise UserError(f"Expected the same seeds of {experiment!r} and {other!r}, got {list(scores.index)}.")
        return _spread(scores[experiment] - scores[other], sign="+")


def results_folder(write):
    """The results that ship, or a copy in a folder of the reader's own, to add to."""
    shipped, own = folders.shipped("results"), folders.own("results")
    if write and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        with _files.replacing(own) as partial:
            shutil.copytree(shipped, partial)
    return own if write else shipped


def _spread(values, sign=""):
    return f"{values.mean():{sign}.2f}" + (f" ± {values.std():.2f}" if len(values) > 1 else "")
