"""From notebook 07 on: one model, one scale, trained on pieces of photos, measured on the benchmark sets."""

from pathlib import Path

import keras
import pandas as pd

from .. import datasets, generators, metrics, models, training, upscaling
from .. import runtime as folders
from ..runtime import UserError
from .study import results_folder

SETS = ("Set5", "Set14", "B100")
VALIDATION = {"div2k_train": 20, "photos_hq": 20, "samples": 3}  # so many photos, the first by name, validate
SIDE = 288  # 2, 3 and 4 divide it


class PatchStudy:
    """What a notebook trains on, measures with and writes its results to.

    The full profile takes DIV2K and downloads it if need be (3.5 GB), or its stand-in `photos_hq` where only
    that is here. The others take the embedded samples, train nothing in `train` and write nothing.

    Args:
        notebook: its number, such as "08"; written into the manifest.
        runtime: what `setup` returned.
        results: folder of `benchmarks.csv` and of the folder `histories`; None is where those that ship are, or for
            a full run a copy of them in a folder of the reader's own.
        models: folder of the models that a full run makes; None is one of the reader's own.

    Raises:
        DownloadError: full profile, no photos here, and no network.

    >>> import srhelpers as sr
    >>> study = sr.studies.patch_study.PatchStudy("08", sr.setup("quick", verbose=False))
    >>> study.title, len(study.training), len(study.validation)
    ('samples', 9, 3)
    """

    def __init__(self, notebook, runtime, *, results=None, models=None):
        self.notebook, self.runtime = notebook, runtime
        self.full = runtime.profile == "full"
        self.results = Path(results or results_folder(self.full))
        self.models = Path(models or folders.own("models"))
        wanted = ("div2k_train", "photos_hq") if self.full else ("samples",)
        name = next((name for name in wanted if datasets.is_here(name)), wanted[0])
        files = datasets.photos(name, download=self.full)
        self.title = datasets.title(name)
        self.validation, self.training = files[: VALIDATION[self.title]], files[VALIDATION[self.title] :]

    def batches(self, scale=4, *, patch_size=48, batch_size=16, batches=None, side=SIDE, **options):
        """Generators for training and validation: low resolution → high resolution.

        Args:
            scale, patch_size, batch_size, batches: as in `generators.Patches`.
            side: of the pieces that validate, the middle of each validation photo, in pixels of the target.
            **options: more of its arguments, such as `degradation`; those of the training pieces only are
                `skip_flat` and `seed`.

        Returns:
            (training, validation).

        >>> import srhelpers as sr
        >>> study = sr.studies.patch_study.PatchStudy("08", sr.setup("quick", verbose=False))
        >>> training, validation = study.batches(2, patch_size=24, batches=5)
        >>> len(training), validation[0][1].shape
        (5, (3, 288, 288, 3))
        """
        training = generators.Patches(
            self.training, scale, patch_size, batch_size=batch_size, batches=batches, **options
        )
        options = {name: value for name, value in options.items() if name not in ("skip_flat", "seed")}
        validation = generators.Patches(self.validation, scale, side // scale, batch_size=4, training=False, **options)
        return training, validation

    def train(
        self,
        name,
        model,
        *,
        scale=4,
        steps,
        epochs,
        patch_size=48,
        batch_size=16,
        side=SIDE,
        ship=None,
        fit=None,
        **facts,
    ):
        """In the full profile, train a compiled model, ship it, and keep its history.

        A run that was killed goes on where it was; one that had finished is loaded, shipped and measured again.
        `training.run_key` tells runs apart, with the settings, the photos and the facts: give those that make a
        difference, such as `start`.

        Args:
            name: of the shipped model and in the history.
            model: compiled Keras model.
            scale, patch_size, batch_size, side: as in `batches`.
            steps: how many in all.
            epochs: in how many parts; after each the model is measured and its state is saved. Where they do not
                divide the steps, the last part is shorter.
            ship: the model that is shipped; None means `model` itself.
            fit: dict of more arguments for `training.fit`, such as `keep` or `guard`.
            **facts: more for the manifest, such as `loss`.

        Returns:
            None. `history` and `table` show what came out.

        """
        if not self.full:
            return
        settings = {
            "scale": scale,
            "steps": steps,
            "epochs": epochs,
            "patch_size": patch_size,
            "batch_size": batch_size,
        }
        fit = {"keep": "best", **(fit or {})}
        data = {"data": self.title, "photos": [file.name for file in self.training], "side": side}
        run = {**settings, **data, "facts": facts, "seed": self.runtime.seed, "kept": fit["keep"]}
        key = training.run_key(model, **run)
        folder = folders.folder("cache") / "patch_study" / f"{name}_{key}"
        each = -(-steps // epochs)
        batches, validation = self.batches(
            scale,
            patch_size=patch_size,
            batch_size=batch_size,
            batches=each,
            side=side,
            seed=self.runtime.seed,
        )
        options = {"epochs": -(-steps // each), "folder": folder, "verbose": 2, "callbacks": [_End(steps)]}
        history = training.fit(model, batches, validation, **options, **fit)
        kept = history.iloc[-1] if fit["keep"] == "last" else history.loc[history.val_loss.idxmin()]
        self._save_history(name, history)
        known = {
            "lesson": self.notebook,
            "data": self.title,
            "photos": len(batches.files),
            **settings,
            "steps": int(history.steps.iloc[-1]),
            "epoch": int(kept.epoch),
            "seed": self.runtime.seed,
            "device": self.runtime.device,
            "precision": self.runtime.precision,
            "minutes": round(history.seconds.sum() / 60, 1),
            "stopped": "; ".join(note.read_text(encoding="utf-8") for note in folder.glob("epoch-*/stopped.txt")),
            "score": {"psnr_y": round(float(kept.val_psnr), 4), "photos": len(validation.files)},
        }
        made = models.load(models.save(ship or model, name, folder=self.models, **known, **facts))

        def upscaled(image, size):
            return upscaling.upscale(image, made, scale=scale)

        upscaled.__name__ = name
        self.measure(upscaled, scale)

    def measure(self, method, scale=4):
        """Measure a shipped model or an interpolation on the benchmark sets that are here, and add the rows.

        Args:
            method, scale: as in `metrics.evaluate`.

        Returns:
            None; `table` shows the rows. Without the weights of LPIPS (see `metrics.lpips`) that column is empty.

        >>> import srhelpers as sr
        >>> sr.studies.patch_study.PatchStudy("08", sr.setup("quick", verbose=False)).measure("bicubic")
        """
        if not self.full:
            return
        for dataset in filter(datasets.is_here, SETS):
            rows = metrics.evaluate(method, dataset, scale, lpips=metrics.perceptual.is_here())
            rows = rows if "lpips" in rows else rows.assign(lpips=float("nan"))
            metrics.save(metrics.summarise(rows), self.results / "benchmarks.csv")

    def scores(self, method, dataset, scale=4):
        """The row of one method on one benchmark set.

        Args:
            method, dataset, scale: as in `metrics.evaluate`.

        Returns:
            pandas.Series: psnr_y (dB), ssim_y, psnr_rgb (dB), lpips, and where and when it was measured.

        Raises:
            ValueError: no such row.

        >>> import srhelpers as sr
        >>> study = sr.studies.patch_study.PatchStudy("08", sr.setup("quick", verbose=False))
        >>> bool(study.scores("bicubic", "Set5").psnr_y > 28)
        True
        """
        rows = pd.read_csv(self.results / "benchmarks.csv").query("degradation == 'bicubic'")
        chosen = rows[(rows.method == method) & (rows.dataset == dataset) & (rows.scale == scale)]
        if chosen.empty:
            raise UserError(f"Expected a row of {method} on {dataset} ×{scale} in benchmarks.csv, got none.")
        return chosen.iloc[0]

    def _save_history(self, name, history):
        file = self.results / "histories" / f"{name}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        history.to_csv(file.with_suffix(".part"), index=False, float_format="%.6g")
        file.with_suffix(".part").replace(file)

    def history(self, name):
        """The epochs of a training that ships.

        Args:
            name: of the model.

        Returns:
            pandas.DataFrame, a row per epoch; see `training.fit`.

        Raises:
            FileNotFoundError: no such model.

        >>> import srhelpers as sr
        >>> study = sr.studies.patch_study.PatchStudy("08", sr.setup("quick", verbose=False))
        >>> bool(study.history("edsr_baseline_x2").epoch.iloc[-1] > 1)
        True
        """
        file = self.results / "histories" / f"{name}.csv"
        if not file.exists():
            known = ", ".join(sorted(file.stem for file in file.parent.glob("*.csv")))
            raise FileNotFoundError(f"Expected a model of {known}, got {name!r}.")
        return pd.read_csv(file)

    def table(self, *methods, scale=4, papers=None):
        """PSNR and SSIM on the benchmark sets, on luma, a row per method.

        Args:
            methods: shipped models and interpolations, in the order to show.
            scale: int.
            papers: dict title → dict set → (dB, SSIM): rows in a paper's own figures, shown last.

        Returns:
            pandas.DataFrame of text such as "28.42 / .8101".

        Raises:
            ValueError: no rows of a method.

        >>> import srhelpers as sr
        >>> study = sr.studies.patch_study.PatchStudy("08", sr.setup("quick", verbose=False))
        >>> study.table("bicubic").loc["bicubic", "Set5"]
        '28.42 / .8101'
        """
        rows = pd.read_csv(self.results / "benchmarks.csv").query("scale == @scale and degradation == 'bicubic'")
        if missing := set(methods) - set(rows.method):
            raise UserError(f"Expected rows of {', '.join(missing)} ×{scale} in benchmarks.csv, got none.")
        lines = {
            name: {row.dataset: (row.psnr_y, row.ssim_y) for row in rows[rows.method == name].itertuples()}
            for name in methods
        }
        lines |= papers or {}
        cells = {
            title: {name: f"{psnr:.2f} / {ssim:.4f}".replace(" 0.", " .") for name, (psnr, ssim) in line.items()}
            for title, line in lines.items()
        }
        return pd.DataFrame(cells).T.reindex(columns=SETS, fill_value="").fillna("")


class _End(keras.callbacks.Callback):
    """Stop after so many steps in all, also within an epoch."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        self.left, self.watched = self.steps - int(self.model.optimizer.iterations), self.model

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.left:
            self.watched.stop_training = True


def luma_psnr(scale):
    """The PSNR that benchmarks report, as a metric for `compile`: on luma, `scale` pixels of border left out.

    >>> import srhelpers as sr
    >>> sr.studies.patch_study.luma_psnr(4).name
    'psnr'
    """
    return metrics.PSNR(crop_border=scale, luma=True)
