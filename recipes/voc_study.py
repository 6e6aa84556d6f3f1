"""Train and measure the networks of the VOC study: python recipes/voc_study.py [EXPERIMENT ...] [--list]

Without names all experiments run, each with three seeds, about two hours on two CPU cores. They add their rows to
voc_study.csv and voc_histories.csv in data/results, and the article's networks to data/models. A run that was
stopped goes on from its last epoch, kept in build/recipes. The lesson A1 reads these tables.

The photos are those of VOC 2007, or of `voc_standin` where only that is in SR_DATA_DIR (see data/README.md). As in the
article the first by name validate. To try the script in minutes, on few photos: --short --into /tmp/study
"""

import argparse
import datetime
import functools
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import srhelpers as sr
import keras
import numpy as np
import pandas as pd
from keras import layers
from srhelpers.models.features import IMAGENET_DEVIATION, IMAGENET_MEAN, efficientnet_block1a

from lesson import REPOSITORY

SIDES = (72, 144, 288)  # of the input and the two targets, in pixels
VALIDATION = {"voc2007": 1000, "voc_standin": 200}  # photos, the first by name
SEEDS = (0, 1, 2)
KEY = ["dataset", "notebook", "experiment", "seed"]
PURPOSE = "the article's network with its faults, for study"

convolution = partial(layers.Conv2D, kernel_size=3, padding="same")
leaky = partial(layers.LeakyReLU, negative_slope=0.2)


# How the article's networks begin and end


def colors(x, activation="relu"):
    """Features → a picture of the same size in 0…1 by a 1×1 convolution."""
    return convolution(3, kernel_size=1, activation=activation, dtype="float32")(x)


def scaled(x, name):
    """A picture in 0…1 → the output in 0…255."""
    return layers.Rescaling(255, dtype="float32", name=name)(x)


def copied(x, scale, name):
    """A picture in 0…1 → the output in 0…255 with each pixel copied scale×scale times.

    The article copies first and then applies a 1×1 convolution. That looks at one pixel at a time, so the convolution
    can come first: the same function on fewer pixels.
    """
    return scaled(layers.UpSampling2D(scale, dtype="float32")(x), name)


def article_start(photo, found):
    """How the fourth and fifth networks begin: two convolutions, joined with the pretrained features."""
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(2):
        x = convolution(64, activation="relu")(x)
    return layers.Concatenate()([x, found])


# The article's networks


def as_printed():
    """The article's first network in its own order: copy, then the 1×1 convolution. `article_plain` equals it."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(2):
        x = convolution(64, activation="relu")(x)
    x2 = layers.UpSampling2D()(x)
    x4 = layers.UpSampling2D()(x2)
    return keras.Model(photo, [scaled(colors(x2), "x2"), scaled(colors(x4), "x4")], name="as_printed")


def article_plain(activation="relu"):
    """The first network: two convolutions."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(2):
        x = convolution(64, activation="relu")(x)
    outputs = [copied(colors(x, activation), scale, f"x{scale}") for scale in (2, 4)]
    return keras.Model(photo, outputs, name="article_plain")


def article_block(x):
    """The article's residual block: two convolutions, the sum, one more activation."""
    inside = convolution(32, activation=leaky())(x)
    inside = convolution(32, activation=leaky())(inside)
    return leaky()(layers.Add()([x, inside]))


def article_atrous_block(x):
    """The article's atrous block: three dilated convolutions, joined with what came in, and one more."""
    inside = x
    for rate in (1, 2, 4):
        inside = convolution(32, dilation_rate=rate, activation=leaky())(inside)
    x = leaky()(layers.Concatenate()([x, inside]))
    return convolution(32, activation=leaky())(x)


def article_with_blocks(block, name):
    """Two blocks at the size of the photo, a third one at twice that size, each output copied twice."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = convolution(32, kernel_size=1, activation=leaky())(x)
    x = block(block(x))
    x2 = copied(colors(x, leaky()), 2, "x2")
    x = block(layers.UpSampling2D()(x))
    return keras.Model(photo, [x2, copied(colors(x, leaky()), 2, "x4")], name=name)


def article_residual():
    """The second network."""
    return article_with_blocks(article_block, "article_residual")


def article_atrous():
    """The third network."""
    return article_with_blocks(article_atrous_block, "article_atrous")


def article_naive(feed, activation="relu"):
    """The fourth network, first try: the second output is made of the three colors of the first."""
    photo = keras.Input((None, None, 3))
    x = article_start(photo, layers.UpSampling2D()(feed(photo)))
    medium = colors(convolution(112, kernel_size=1, activation="relu")(x), activation)
    outputs = [copied(medium, 2, "x2"), copied(colors(medium, activation), 4, "x4")]
    return keras.Model(photo, outputs, name="article_naive")


def article_last(feed, activation="relu"):
    """The fourth network, last try: 1×1 convolutions after every upsampling."""
    pointwise = partial(convolution, kernel_size=1, activation="relu")
    photo = keras.Input((None, None, 3))
    x = article_start(photo, pointwise(96)(layers.UpSampling2D()(feed(photo))))
    for _ in range(2):
        x = pointwise(80)(x)
    x = medium = colors(x, activation)
    for _ in range(2):
        x = pointwise(64)(x)
    outputs = [copied(medium, 2, "x2"), copied(colors(x, activation), 4, "x4")]
    return keras.Model(photo, outputs, name="article_last")


def article_depth_to_space(feed, activation="relu"):
    """The fifth network: depth to space in place of copying."""
    pointwise = partial(convolution, kernel_size=1, activation="relu")
    photo = keras.Input((None, None, 3))
    x = article_start(photo, pointwise(48)(layers.UpSampling2D()(feed(photo))))
    x = pointwise(64)(sr.layers.DepthToSpace(2)(pointwise(112)(x)))
    x2 = colors(x, activation)
    x4 = colors(sr.layers.DepthToSpace(2)(pointwise(64)(x2)), activation)
    return keras.Model(photo, [scaled(x2, "x2"), scaled(x4, "x4")], name="article_depth_to_space")


# EfficientNet's features: functions from RGB in 0…255 to features at half the size, frozen


def frozen(photo, features, name):
    model = keras.Model(photo, features, name=name)
    model.trainable = False
    return model


def fed_as_the_article(features):
    """BGR in 0…1, not normalized: the normalization inside `features` is undone beforehand."""
    photo = keras.Input((None, None, 3))
    undo = layers.Rescaling(IMAGENET_DEVIATION, [255 * mean for mean in IMAGENET_MEAN], dtype="float32")
    return frozen(photo, features(undo(photo[..., ::-1])), "fed_as_the_article")


def standardized(features, photos, deviation=0.1):
    """Every channel with mean 0 and one deviation over some photos; one that varies less than 0.1 counts as 0.1."""
    found = keras.ops.convert_to_numpy(features(photos)).astype("float32")  # NumPy sums bfloat16 in bfloat16
    scale = deviation / np.maximum(found.std((0, 1, 2)), 0.1)
    offset = -found.mean((0, 1, 2)) * scale
    photo = keras.Input((None, None, 3))
    rescaling = layers.Rescaling(scale.tolist(), offset.tolist(), dtype="float32")
    return frozen(photo, rescaling(features(photo)), "standardised")


def switched_off(features):
    """All zero: the control."""
    photo = keras.Input((None, None, 3))
    return frozen(photo, layers.Rescaling(0.0)(features(photo)), "switched_off")


# Our networks


def plus_bicubic(x, photo, scale):
    """A picture in 0…1 added to the upscaled photo → the output in 0…255."""
    bicubic = sr.layers.BicubicUpSampling(scale)(photo)
    return scaled(layers.Add(dtype="float32")([bicubic, x]), f"x{scale}")


def picture(x, photo, scale):
    """Features at the size of the output → the output: a 3×3 convolution; photo None adds it to nothing."""
    start = "glorot_uniform" if photo is None else "zeros"
    x = convolution(3, kernel_initializer=start, dtype="float32")(x)
    return scaled(x, f"x{scale}") if photo is None else plus_bicubic(x, photo, scale)


def two_pictures(x, photo=None):
    """Features → outputs of twice and four times their size: copy, convolve, copy, convolve."""
    outputs = []
    for scale, filters in ((2, 16), (4, 8)):
        x = convolution(filters, activation="relu")(layers.UpSampling2D()(x))
        outputs.append(picture(x, photo, scale))
    return outputs


def residual_block(x, filters, dilation_rate=1):
    """Two convolutions whose result is added to what came in (Lim et al. 2017, figure 2c)."""
    inside = convolution(filters, activation="relu", dilation_rate=dilation_rate)(x)
    return layers.Add()([x, convolution(filters)(inside)])


def plain_block(x, filters):
    """The same two convolutions without the sum, and with a second ReLU."""
    x = convolution(filters, activation="relu")(x)
    return convolution(filters, activation="relu")(x)


def plain():
    """Plain convolutions, the last ones at the size of the output."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(4):
        x = convolution(64, activation="relu")(x)
    x = convolution(32, activation="relu")(layers.UpSampling2D()(x))
    x2 = picture(x, None, 2)
    x = convolution(16, activation="relu")(layers.UpSampling2D()(x))
    return keras.Model(photo, [x2, picture(x, None, 4)], name="plain")


def residual(block=residual_block, bicubic=True):
    """Six blocks at the size of the photo, then copying and convolving, added to bicubic interpolation."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, dtype="float32")(photo)
    features = convolution(32)(x)
    for _ in range(6):
        features = block(features, 32)
    return keras.Model(photo, two_pictures(features, x if bicubic else None), name="residual")


def atrous(rates=(1, 2, 4, 1, 2, 4)):
    """`residual` with dilated convolutions."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, dtype="float32")(photo)
    features = convolution(32)(x)
    for rate in rates:
        features = residual_block(features, 32, dilation_rate=rate)
    return keras.Model(photo, two_pictures(features, x), name="atrous")


def with_features(feed=None):
    """`residual` whose first features are joined with the pretrained ones, if there are any."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, dtype="float32")(photo)
    features = convolution(32, activation="relu")(x)
    if feed:
        features = layers.Concatenate()([features, layers.UpSampling2D()(feed(photo))])
    features = convolution(32)(features)
    for _ in range(6):
        features = residual_block(features, 32)
    return keras.Model(photo, two_pictures(features, x), name="with_features")


def depth_to_space(filters=32, blocks=6):
    """All convolutions at the size of the photo; depth to space at the end, added to bicubic interpolation."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, dtype="float32")(photo)
    features = convolution(filters)(convolution(filters, activation="relu")(x))
    for _ in range(blocks):
        features = residual_block(features, filters)
    outputs = []
    for scale in (2, 4):
        detail = convolution(3 * scale**2, kernel_initializer="zeros", dtype="float32")(features)
        outputs.append(plus_bicubic(sr.layers.DepthToSpace(scale)(detail), x, scale))
    return keras.Model(photo, outputs, name="depth_to_space")


# The photos


class Squares(keras.utils.PyDataset):
    """Whole photos squeezed into squares as the article does: 72 → (144, 288).

    Args:
        files: of the photos.
        degradation: makes every size of the photo.
        batch_size: the last batch of an epoch holds what is left.
        seed: of the order, another one in every epoch; None leaves it.
        flips: mirror half of the photos.
    """

    def __init__(self, files, degradation, batch_size, *, seed=None, flips=False):
        super().__init__()
        self.photos, self.batch_size, self.seed, self.flips = squeezed(files, degradation), batch_size, seed, flips
        self.set_epoch(0)

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index):
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        inputs, *targets = (photos[rows] for photos in self.photos)
        for images in (inputs, *targets) if self.flips else ():
            images[self.flipped[rows]] = images[self.flipped[rows], :, ::-1]
        return inputs, tuple(targets)

    def on_epoch_end(self):
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch):
        self.epoch, count = epoch, len(self.photos[0])
        random = np.random.default_rng([self.seed or 0, epoch])
        self.order = np.arange(count) if self.seed is None else random.permutation(count)
        self.flipped = random.random(count) < 0.5


@functools.cache
def squeezed(files, degradation):
    """A uint8 array (N, side, side, 3) of the photos for each side."""
    downsample = sr.degradations.named(degradation)

    def sizes(file):
        photo = sr.datasets.read_image(file)
        photo = np.dstack([photo] * 3) if photo.ndim == 2 else photo
        return [downsample(photo, (side, side)) for side in SIDES]

    with ThreadPoolExecutor() as pool:
        return [np.stack(images) for images in zip(*pool.map(sizes, files), strict=True)]


def measured(predict, validation):
    """PSNR on RGB and SSIM on luma, means over images, and the article's measure: one PSNR for every 64 photos.

    `predict` is a model, or another function from a batch at 72 to those at 144 and 288.
    """
    meters = {f"psnr_{side}": sr.metrics.PSNR() for side in SIDES[1:]}
    meters |= {f"ssim_{side}": sr.metrics.SSIM(luma=True) for side in SIDES[1:]}
    meters |= {f"batch_{side}": keras.metrics.Mean() for side in SIDES[1:]}
    for inputs, targets in (validation[index] for index in range(len(validation))):
        for side, target, estimate in zip(SIDES[1:], targets, predict(inputs), strict=True):
            estimate = keras.ops.convert_to_numpy(estimate).astype("float32")
            meters[f"psnr_{side}"].update_state(target, estimate)
            meters[f"ssim_{side}"].update_state(target, estimate)
            error = np.mean((target - estimate.astype(float)) ** 2)
            meters[f"batch_{side}"].update_state(10 * np.log10(255**2 / error))
    return {name: float(meter.result()) for name, meter in meters.items()}


# The experiments


@dataclass(frozen=True)
class Run:
    """One experiment of the study.

    Args:
        lesson: the number that its rows carry.
        network: function that builds it; with `feed`, one of pretrained features.
        settings: what `complete` does not set.
        article_epochs: the article's training, so long; 0 is ours.
        feed: "article", "standardized" or "off".
        ship: name of the network of the first seed, where it ships.
    """

    lesson: str
    network: Callable
    settings: Mapping = field(default_factory=dict)
    article_epochs: int = 0
    feed: str | None = None
    ship: str | None = None


PSNR_LOSS = {"loss": sr.losses.NegativePSNR()}
ONE_SEED = {"seeds": (0,)}
SHORTER = {"epochs": 4}
GENTLE = {**SHORTER, "learning_rate": 5e-4}
ON_AREA = {"degradation": "area"}
WEIGHTS = {name: {"loss_weights": tuple(map(float, name.split(":")))} for name in ("0.3:0.7", "0.7:0.3", "0.5:0.5")}
FIRST_TRY = {"article_epochs": 20, "settings": WEIGHTS["0.3:0.7"]}
LAST_TRY = {"article_epochs": 30, "settings": {"loss_weights": (0.65, 0.35)}}
FIFTH = {**LAST_TRY, "article_epochs": 20}
LINEAR = partial(article_plain, "linear")
NAIVE = partial(article_naive, activation=None)
UNDILATED = partial(atrous, (1,) * 6)

INTERPOLATIONS = [
    f"{method}, {degradation}"
    for degradation in ("opencv", "area")
    for method in ("nearest", "bilinear", "bicubic", "lanczos")
]
RUNS = {
    "plain, article": Run("02", article_plain, article_epochs=12, ship="voc_article_plain"),
    "plain, article, batches of 16": Run("02", article_plain, {"epochs": 6, "batch_size": 16}, article_epochs=12),
    "plain, linear output": Run("02", LINEAR, article_epochs=12),
    "plain, area": Run("02", LINEAR, ON_AREA, article_epochs=12),
    "plain, corrected": Run("02", plain, {"epochs": 10, "batch_size": 4, **ONE_SEED}),
    "residual, article": Run("03", article_residual, WEIGHTS["0.3:0.7"], 12, ship="voc_article_residual"),
    "residual, from nothing": Run("03", partial(residual, bicubic=False)),
    "plain blocks, added to bicubic": Run("03", partial(residual, plain_block)),
    "residual, added to bicubic": Run("03", residual),
    "atrous, article, 0.3:0.7": Run("04", article_atrous, WEIGHTS["0.3:0.7"], 12, ship="voc_article_atrous"),
    "atrous, article, 0.7:0.3": Run("04", article_atrous, WEIGHTS["0.7:0.3"], 12),
    "atrous, article, 0.5:0.5": Run("04", article_atrous, WEIGHTS["0.5:0.5"], 12),
    "dilated": Run("04", atrous, {**SHORTER, **ONE_SEED}),
    "undilated, squared error": Run("04", UNDILATED, GENTLE),
    "dilated, squared error": Run("04", atrous, GENTLE),
    "undilated, PSNR loss": Run("04", UNDILATED, {**GENTLE, **PSNR_LOSS}),
    "dilated, PSNR loss": Run("04", atrous, {**GENTLE, **PSNR_LOSS}),
    "features, article": Run("05", article_naive, feed="article", ship="voc_article_features", **FIRST_TRY),
    "features, linear output": Run("05", NAIVE, feed="article", **FIRST_TRY),
    "features, standardised, linear": Run("05", NAIVE, feed="standardized", **FIRST_TRY),
    "features, switched off": Run("05", NAIVE, feed="off", **FIRST_TRY),
    "features, article's last": Run("05", article_last, feed="article", ship="voc_article_features_last", **LAST_TRY),
    "features, last, mended": Run("05", partial(article_last, activation=None), feed="standardized", **LAST_TRY),
    "without features": Run("05", with_features, {**SHORTER, **PSNR_LOSS}),
    "with features": Run("05", with_features, {**SHORTER, **PSNR_LOSS}, feed="standardized"),
    "depth to space, article": Run("06", article_depth_to_space, feed="article", **FIFTH),
    "depth to space, mended": Run(
        "06",
        partial(article_depth_to_space, activation=None),
        feed="standardized",
        ship="voc_article_depth_to_space",
        **FIFTH,
    ),
    "depth to space": Run("06", depth_to_space, {**SHORTER, **PSNR_LOSS}),
    "depth to space, larger": Run("06", partial(depth_to_space, 48, 8), {"epochs": 8, **PSNR_LOSS, **ONE_SEED}),
}


def complete(run, photos, whole):
    """All settings of an experiment's training, on so many photos; `whole` tells those of VOC 2007 from a stand-in.

    The article's is plain `cv2.resize`, no flips, and Adam with a fixed rate. On VOC 2007 its batches of 64; on fewer
    photos as many steps (62 in each of its epochs) of 4 photos.
    """
    ours = {"epochs": 6, "batch_size": 8, "degradation": "area", "flips": True, "decay": True}
    ours |= {"loss": "mse", "loss_weights": (1, 1), "learning_rate": 1e-3, "seeds": SEEDS}
    if run.article_epochs:
        ours |= {"degradation": "opencv", "flips": False, "decay": False}
        size = (run.article_epochs, 64) if whole else (round(62 * run.article_epochs / -(-photos // 4)), 4)
        ours |= dict(zip(("epochs", "batch_size"), size, strict=True))
    return ours | run.settings


def feeds(variant, photos):
    """The three ways in which the networks of the study are fed EfficientNet's features."""
    features = efficientnet_block1a(variant)
    return {
        "article": fed_as_the_article(features),
        "standardized": standardized(features, photos),
        "off": switched_off(features),
    }


def build(run, fed):
    """The network of a run; `fed` is what `feeds` gives."""
    return run.network(fed[run.feed]) if run.feed else run.network()


class Study:
    """The photos of a study, and the folder that gets its results and models."""

    def __init__(self, into, variant, short):
        self.runtime, self.into, self.variant, self.short = sr.setup("full"), into, variant, short
        self.dataset = next(filter(sr.datasets.is_here, VALIDATION), "voc2007")
        files, count = tuple(sr.datasets.photos(self.dataset, download=True)), VALIDATION[self.dataset]
        self.validation, self.training = (files[:8], files[8:40]) if short else (files[:count], files[count:])

    @functools.cached_property
    def fed(self):
        return feeds(self.variant, squeezed(self.training, "area")[0][:200])

    def interpolate(self, experiment):
        """Measure an interpolation, such as "bicubic, area"."""
        method, degradation = experiment.split(", ")

        def upscaled(inputs):
            for side in SIDES[1:]:
                yield np.stack([sr.degradations.resize(image, (side, side), method) for image in inputs])

        scores = measured(upscaled, Squares(self.validation, degradation, 64))
        facts = {"degradation": degradation, "loss": "", "weights": "", "features": "", "parameters": 0, "photos": 0}
        facts |= {"epochs": 0, "batch_size": 0, "steps": 0, "minutes": 0.0}
        self._save("voc_study.csv", [self._key("02", experiment, 0) | scores | facts | self._where()])

    def train(self, experiment):
        """Train a network once for every seed and measure it; that of the first seed may ship."""
        run = RUNS[experiment]
        chosen = SimpleNamespace(**complete(run, len(self.training), self.dataset == "voc2007"))
        seeds, epochs = (chosen.seeds[:1], 1) if self.short else (chosen.seeds, chosen.epochs)
        rows, histories = [], []
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            model = build(run, self.fed if run.feed else None)
            history = self._fit(model, experiment, seed, epochs, chosen)
            scores = measured(model, Squares(self.validation, chosen.degradation, 64))
            print(f"{experiment}, seed {seed}: {scores['psnr_144']:.2f} / {scores['psnr_288']:.2f} dB", flush=True)
            key = self._key(run.lesson, experiment, seed)
            facts = {
                "degradation": chosen.degradation,
                "loss": chosen.loss if isinstance(chosen.loss, str) else chosen.loss.name,
                "weights": ":".join(map(str, chosen.loss_weights)),
                "features": self.variant if run.feed else "",
                "parameters": model.count_params(),
                "photos": len(self.training),
                "epochs": epochs,
                "batch_size": chosen.batch_size,
                "steps": int(history.steps.iloc[-1]),
                "minutes": history.seconds.sum() / 60,
            }
            rows.append(key | scores | facts | self._where())
            histories.append(pd.DataFrame([key] * len(history)).join(history))
            if run.ship and seed == seeds[0]:
                told = {"kind": "study", "purpose": PURPOSE, "author": "this course", "licence": "MIT"}
                told |= {"title": experiment, "lesson": run.lesson, "data": self.dataset, "seed": seed}
                told |= {"score": {name: round(score, 4) for name, score in scores.items()}}
                told |= {name: self._where()[name] for name in ("device", "precision", "date")}
                sr.models.save(model, run.ship, folder=self.into / "models", **facts | told)
        self._save("voc_study.csv", rows)
        self._save("voc_histories.csv", pd.concat(histories), "epoch")

    def _fit(self, model, experiment, seed, epochs, chosen):
        """The history of one run; it goes on where it was stopped."""
        training = Squares(self.training, chosen.degradation, chosen.batch_size, seed=seed, flips=chosen.flips)
        rate = keras.optimizers.schedules.CosineDecay(chosen.learning_rate, epochs * len(training))
        model.compile(
            keras.optimizers.Adam(rate if chosen.decay else chosen.learning_rate),
            loss=[chosen.loss, chosen.loss],
            loss_weights=list(chosen.loss_weights),
            metrics=[[sr.metrics.PSNR()], [sr.metrics.PSNR()]],
        )
        name = re.sub(r"\W+", "_", f"{self.dataset} {len(self.training)} {experiment} {seed}")
        folder = (self.into if self.short else REPOSITORY / "build" / "recipes") / "voc_study" / name
        validation = Squares(self.validation, chosen.degradation, 64)
        return sr.training.fit(model, training, validation, epochs=epochs, folder=folder, verbose=0)

    def _key(self, lesson, experiment, seed):
        return dict(zip(KEY, (self.dataset, lesson, experiment, seed), strict=True))

    def _where(self):
        known = {name: getattr(self.runtime, name) for name in ("device", "precision", "backend")}
        return known | {"date": datetime.date.today().isoformat(), "srhelpers": sr.__version__}

    def _save(self, file, rows, *key):
        sr.metrics.save(pd.DataFrame(rows), self.into / "results" / file, key=[*KEY, *key])


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [*INTERPOLATIONS, *RUNS]
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help="names as --list shows them; none is all")
    parser.add_argument("--list", action="store_true", help="the names of the experiments")
    parser.add_argument("--features", choices=("b0", "b4"), default="b0", help="variant of EfficientNet (default: b0)")
    parser.add_argument("--into", type=Path, help="folder that gets models/ and results/ (default: data)")
    parser.add_argument("--short", action="store_true", help="one epoch on 32 photos with one seed; needs --into")
    chosen = parser.parse_args()
    if chosen.list:
        print("\n".join(every))
        return
    if unknown := set(chosen.experiments) - set(every):
        parser.error(f"expected names that --list shows, got {', '.join(sorted(unknown))}")
    if chosen.short and not chosen.into:
        parser.error("expected --into FOLDER with --short, so that a short run replaces nothing")
    study = Study(chosen.into or REPOSITORY / "data", chosen.features, chosen.short)
    for name in chosen.experiments or every:
        study.train(name) if name in RUNS else study.interpolate(name)


if __name__ == "__main__":
    main()
