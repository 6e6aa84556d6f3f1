# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     notebook_metadata_filter: jupytext,kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · Plain convolution
#
# You end with a small network of your own that upscales photos by two and by four, better than
# bicubic interpolation, and you know which design could never have done so.
#
# | | |
# |---|---|
# | Time | a minute on two CPU cores |
# | Read first | [01](01_bicubic_baselines.ipynb): downsampling, bicubic interpolation, PSNR |
# | Photos | 200 photographs to train on and 16 to validate, part of the course |

# %%
# Install the course's helper package if it is missing (on Colab and Kaggle).
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

COURSE = ""  # where pip finds it: "git+https://github.com/…", or the path of its wheel
sys.path.append("..")  # a clone
if not find_spec("srhelpers"):
    wheels = Path(os.environ.get("SR_KAGGLE_INPUT", "/kaggle/input")).rglob("srhelpers-*.whl")
    source = max(map(str, wheels), default=COURSE)
    assert source, "Set COURSE, above, to the address of this course, or to the path of its wheel."
    backend = [] if find_spec("tensorflow") or find_spec("jax") else ["tensorflow"]
    pip = subprocess.run([sys.executable, "-m", "pip", "install", "-q", source, *backend])
    assert pip.returncode == 0, (
        "Turn the internet on, or add the srhelpers wheel as a dataset; it needs Python ≥ 3.11 and Keras ≥ 3.12."
    )

# %% [markdown]
# ## What you will have at the end

# %%
import srhelpers as sr

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][4])
ZOOM = (126, 76, 120)  # top, left and size of the square; None takes the one with the most detail
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "plain convolution": "voc_plain"},
    scale=4,
    zoom=ZOOM,
    title="Upscaled by four: look at the edges",
)

# %% [markdown]
# The photo is downsampled to a quarter of its width and height, and each method sees only those
# pixels. The network in this picture ships with the course. Yours will look much like it.
#
# To see another photo in this lesson, change the 4 in the cell above. Any picture of at least 250×250 pixels will
# do with this `ZOOM`.
#
# ## Setup

# %%
from functools import partial

import keras
import numpy as np
import pandas as pd
from keras import layers

runtime = sr.setup(seed=0)

# %% [markdown]
# A *seed* fixes what chance decides, such as the weights that a network starts with, so that a second run
# gives the same numbers, or nearly the same.
#
# `device` above is what Keras computes on, and `profile` follows from it: with a GPU, the lessons of this course
# take ten times as many steps. On Kaggle, choose *GPU T4 x2*. Both GPUs then share every batch, and a line
# `devices` says so. Networks as small as those of 02 to 06 leave one GPU mostly idle, so two need not be quicker:
# `sr.setup(devices=1)` takes one. Time both.
#
# The constants of this lesson are in one cell. Change one and run the cells below: the networks, their
# pictures and their numbers change with it.

# %%
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
DEPTH = 4  # convolutions before the outputs
FILTERS = 32  # of each of them
PATCH = 24  # side of the training patches, in pixels of the low resolution
BATCH_SIZE = 16
STEPS = 280 if runtime.profile == "quick" else 2_800
SHORT = 120  # steps of the two networks that come first
TRIAL = 50  # steps of each network of the experiment
EPOCH_STEPS = 40  # a network is measured after each epoch
LEARNING_RATE = 2e-3
LOSS = "mae"  # or "mse", sr.losses.NegativePSNR(), sr.losses.Charbonnier()

# %% [markdown]
# ## The idea
#
# A convolution computes each pixel of its output from a small window of its input. What it
# computes is set by its weights. Training finds weights that give the right answer on many photos
# whose high resolution is known.
#
# The first network that did this for super-resolution is SRCNN (Dong et al., 2014). It upscales
# the photo by bicubic interpolation and lets three convolutions improve the result:
#
# 1. 64 filters of 9×9 pixels describe the surroundings of each pixel,
# 2. 32 filters of 1×1 combine these 64 numbers,
# 3. 3 filters of 5×5 turn them into red, green and blue. (The paper works on luma alone.)
#
# After the first two comes a *ReLU*, which replaces negative numbers by zero. The outputs of a
# convolution are called *features* or *feature maps*.

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def srcnn(scale=4):
    """Bicubic interpolation, then convolutions of 9×9, 1×1 and 5×5."""
    photo = keras.Input((None, None, 3))
    upscaled = sr.layers.BicubicUpSampling(scale)(photo)
    x = layers.Rescaling(1 / 255)(upscaled)
    x = convolution(64, kernel_size=9, activation="relu")(x)
    x = convolution(32, kernel_size=1, activation="relu")(x)
    x = convolution(3, kernel_size=5, dtype="float32")(x)
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(x), name="SRCNN")


keras.utils.set_random_seed(0)
first = srcnn()
sr.plots.network(first)

# %% [markdown]
# Each bar is a layer. The number under it says how many channels leave it, where that changes, and the
# line below gives the size of the picture, in which H × W is the size of the input. In the code,
# `None` for height and width means that any size will do. The two `Rescaling` layers (÷ 255 and
# × 255) bring 0…255 to 0…1 and back, so the network takes and returns ordinary pixels.
#
# ## Data
#
# For each photo we know the *ground truth*, the photo itself, and we make the low resolution by
# bicubic downsampling. Small patches are enough to learn from, and they are fast. Each comes from a
# random place of a random photo, turned and mirrored at random. One input serves both outputs: it is
# the photo at a quarter of its size, and the ground truth of ×2 is the photo at half its size.
#
# Up to sixteen photos are set aside: the *validation set*. The network never trains on them. A network
# can learn its training photos by heart and still be bad at others, which is called *overfitting*,
# so only photos that it has not seen can tell how good it is.

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
patches = partial(sr.generators.Patches, batch_size=BATCH_SIZE, patch_size=PATCH)
whole = partial(sr.generators.Patches, batch_size=4, patch_size=72, training=False)
training = patches(training_files, scale=(2, 4), batches=EPOCH_STEPS)
validation = whole(validation_files, scale=(2, 4))  # the middle 288×288 pixels of each photo
print(f"{len(training.files)} photos to train, {len(validation.files)} to validate")

# %%
low, (twice, four_times) = training[0]
sr.plots.pairs(
    {"input": low, "ground truth, ×2": twice, "ground truth, ×4": four_times},
    rows=3,
    title="Three patches of a batch at three sizes",
)

# %% [markdown]
# SRCNN computes at the size of its output, which takes a long time. So it gets patches of half
# the width and height, and only the ×4 ground truth:

# %%
srcnn_training = patches(training_files, scale=4, patch_size=PATCH // 2, batches=EPOCH_STEPS)
srcnn_validation = whole(validation_files, scale=4)

# %% [markdown]
# ## Train SRCNN
#
# Keras needs to know four things to train a network:
#
# | | |
# |---|---|
# | *loss* | how wrong an answer is, as one number. Here the mean absolute error: the mean distance of a pixel from the ground truth |
# | *optimizer* | how the weights change to make the loss smaller. It uses the *gradient*: how much the loss changes with each weight. Adam is the usual first choice |
# | *learning rate* | how far the weights move in a step. In the first tenth of the steps it rises to `LEARNING_RATE` (*warm-up*), then it falls to zero along a cosine: careful steps first, then large ones, fine ones at the end |
# | *metrics* | what to report. Here PSNR as in lesson 01, on luma, without the border |
#
# One *step* takes one batch of patches: the network answers, the loss is computed, and the optimizer
# moves every weight a little. An *epoch* is a number of steps, here `EPOCH_STEPS`, after which the
# network is measured on the validation set.


# %%
def epochs(steps):
    """How many epochs make this number of steps."""
    return max(1, steps // EPOCH_STEPS)


# %%
first.compile(
    optimizer=keras.optimizers.Adam(sr.training.warmup_cosine(LEARNING_RATE, SHORT)),
    loss=LOSS,
    metrics=[sr.metrics.PSNR(luma=True, crop_border=4)],
)
history = first.fit(
    srcnn_training, validation_data=srcnn_validation, epochs=epochs(SHORT), verbose=2
)

# %% [markdown]
# Read the lines: `loss` is the error on the training patches, `val_loss` on the validation photos;
# `psnr` and `val_psnr` are the PSNR in dB. The training numbers are means over the epoch, while the
# network was still changing, and they are measured on other pictures. So compare an epoch with the
# epoch before, not training with validation.
#
# How good is bicubic interpolation on the same photos? `sr.metrics.bicubic_psnr` measures it as `fit`
# measures a network, at ×2 and ×4. In the figures, the solid line and the dotted line (bicubic) are
# measured on the same validation photos: compare these two. The dashed line is the training patches.

# %%
bicubic = sr.metrics.bicubic_psnr(validation)
print({metric: f"{value:.2f} dB" for metric, value in bicubic.items()})

# %%
sr.plots.history(
    history,
    metrics=["loss", "psnr"],
    baseline={"bicubic": bicubic["x4_psnr"]},
    title="SRCNN learns, but it starts far below bicubic interpolation",
)

# %% [markdown]
# The network gets the bicubic picture as its input, but its weights start at random, so its first
# answers are far off. It spends its first steps on learning to reproduce its own input, and after
# `SHORT` steps it is still below bicubic interpolation. In the paper it ends about two decibels above
# it at ×4 (on Set5), after hundreds of millions of training patches.
#
# It is also slow. Count the multiplications for each pixel of the small photo: every convolution
# does them 16 times, since the photo was upscaled by four beforehand.


# %%
def multiplications(model, pixels=1):
    """Multiplications of all convolutions, each of which runs on `pixels` pixels."""
    kernels = [layer.kernel for layer in model.layers if isinstance(layer, layers.Conv2D)]
    return pixels * sum(int(np.prod(kernel.shape)) for kernel in kernels)


print(f"SRCNN: {multiplications(first, pixels=4 * 4):,} multiplications for a pixel of the photo")

# %% [markdown]
# ## Convolve first, upscale last
#
# The cheaper order is to convolve at the low resolution and upscale at the end. The article that
# lessons 02 to 06 follow (A. Amsel, *Starting with Super-Resolution*) does so, and gets two outputs
# from one network, ×2 and ×4. It upscales the features by copying each pixel, `UpSampling2D`, and
# turns them into colors with a 1×1 convolution. (The article has a ReLU after it. Ours is linear, that
# is, nothing comes after the convolution; lesson [05](05_efficientnet_features.ipynb) shows what can
# go wrong with a ReLU there.) We call it the *copying network*.


# %%
def article(filters=64):
    """The article's first network: two convolutions, copied pixels, 1×1 convolutions."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = convolution(filters, activation="relu")(x)
    x = convolution(filters, activation="relu")(x)
    outputs = []
    for scale in (2, 4):
        copied = layers.UpSampling2D(scale)(x)
        colors = convolution(3, kernel_size=1, dtype="float32")(copied)
        outputs.append(layers.Rescaling(255.0, dtype="float32", name=f"x{scale}")(colors))
    return keras.Model(photo, outputs, name="copying")


keras.utils.set_random_seed(0)
copying = article()
sr.plots.network(copying)

# %% [markdown]
# Two outputs need two losses, which are added, and two metrics. This function compiles this network
# and those that follow:


# %%
def compiled(model, steps=STEPS, learning_rate=LEARNING_RATE):
    """The model with its two outputs, ready for `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(sr.training.warmup_cosine(learning_rate, steps)),
        loss=[LOSS, LOSS],
        metrics=[[sr.metrics.PSNR(luma=True, crop_border=scale)] for scale in (2, 4)],
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
    return model


# %%
compiled(copying, SHORT)
history = copying.fit(training, validation_data=validation, epochs=epochs(SHORT), verbose=0)

# %%
sr.plots.history(
    history,
    metrics=["x2_psnr", "x4_psnr"],
    baseline={"bicubic": bicubic},
    title="On the validation photos the copying network stays below bicubic",
)

# %% [markdown]
# ## The limit of copying
#
# Will more steps help? Look closely at a piece of what the network makes:

# %%
height, width = (side // 4 for side in opening.shape[:2])
truth = sr.degradations.crop_to_multiple(opening, 4)
small = sr.degradations.bicubic(truth, (height, width))
answer = sr.upscaling.upscale(small, copying, scale=4)


def piece(image, size=16):
    """The same part of the photo at any size: the one with the most detail."""
    top, left = sr.plots.most_detailed(small, size)
    factor = image.shape[0] // height
    rows, columns = (slice(factor * start, factor * (start + size)) for start in (top, left))
    return [image[rows, columns]]


# %%
sr.plots.pairs(
    {"input": piece(small), "copying network": piece(answer), "ground truth": piece(truth)},
    title="Each pixel of the input becomes a square of 4×4 pixels",
)

# %% [markdown]
# Count the squares: as many as the input has pixels. A 1×1 convolution looks at one pixel at a time,
# and the copies of a pixel are equal, so their colors are equal too, whatever the weights are.
#
# How good can a picture made of squares be? Suppose a network knew the ground truth. The best color
# for a square, with the smallest mean squared error, is the mean of what should be there:


# %%
def best_squares(photo, scale):
    """The photo, and every square of it in its mean color: no copying can come closer."""
    photo = sr.degradations.crop_to_multiple(photo, scale)
    rows, columns = (side // scale for side in photo.shape[:2])
    means = sr.degradations.area(photo, (rows, columns))
    return photo, sr.degradations.resize(means, photo.shape[:2], "nearest")


def limit(scale):
    """PSNR-Y of the best squares, mean over the validation photos."""
    pairs = (best_squares(sr.datasets.read_image(file), scale) for file in validation_files)
    return np.mean([sr.metrics.psnr(*pair, crop_border=scale, luma=True) for pair in pairs])


# %%
methods = {"nearest neighbor": "nearest", "copying network": copying, "bicubic": "bicubic"}
table = sr.metrics.table(methods, validation_files, scales=(2, 4))
table.loc["best squares possible"] = [*(f"{limit(scale):.2f}" for scale in (2, 4)), ""]
table

# %% [markdown]
# Here is the limit. Nearest-neighbor interpolation copies pixels too, and after so few steps the
# network is not even above it. More steps can lift it a little, but never above the last row: the
# best squares that exist are below bicubic interpolation at both scales, whatever the number of
# steps, filters or photos.
#
# (The ×2 numbers are higher here than in the curves. In the table every photo is downsampled by the
# scale; in training, ×2 starts from a quarter of the size. So compare only within one table or one
# figure.)
#
# ## A network without that limit
#
# Three changes:
#
# 1. **A color of its own for every pixel.** The last convolution gives 3·r² numbers for each pixel,
#    where r is the scale, and *depth to space* lays them out as a square of r×r pixels. They need not be equal.
# 2. **Start from bicubic.** The network's output is added to the bicubic picture, and the last
#    convolution starts with weights near zero. So before the first step the answer *is* bicubic
#    interpolation, and no step is spent on learning to copy. Lesson
#    [03](03_residual_blocks.ipynb) has more on such sums.
# 3. **`DEPTH` narrow convolutions instead of two wide ones**, so that each pixel is computed from a
#    wider neighborhood (a larger *receptive field*).
#
# Here are the first two, step by step, for ×4 and with `FILTERS` feature maps to start from:

# %%
photo = keras.Input((None, None, 3), name="photo")
features = keras.Input((None, None, FILTERS), name="features")
near_zero = keras.initializers.RandomNormal(stddev=1e-3)
detail = convolution(3 * 4**2, kernel_initializer=near_zero)(features)  # 48 numbers for each pixel
detail = sr.layers.DepthToSpace(4)(detail)  # 3 numbers for each of 4×4 pixels
detail = layers.Rescaling(255.0)(detail)
answer = layers.Add()([sr.layers.BicubicUpSampling(4)(photo), detail])
sr.plots.network(keras.Model([photo, features], answer), title="Detail, added to bicubic")

# %% [markdown]
# Most networks of this course end like this. `sr.layers.added_to_bicubic(features, photo, scale)` does
# the same for any scale, and names the output `x2` or `x4`.
#
# In the next drawing the frame stands for `DEPTH` equal layers in a row. The orange lines carry the photo
# around them to the sums.


# %%
def plain(depth=DEPTH, filters=FILTERS):
    """Convolutions at the size of the photo, then two outputs: twice and four times as large."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(depth):
        x = convolution(filters, activation="relu")(x)
    outputs = [sr.layers.added_to_bicubic(x, photo, scale) for scale in (2, 4)]
    return keras.Model(photo, outputs, name="plain")


keras.utils.set_random_seed(0)
model = plain()
print(f"plain: {multiplications(model):,} multiplications for a pixel of the photo")
sr.plots.network(model)

# %% [markdown]
# ## Train your network
#
# Both outputs together take a fraction of SRCNN's multiplications: compare the two numbers printed.

# %%
compiled(model)
history = model.fit(training, validation_data=validation, epochs=epochs(STEPS), verbose=0)

# %%
sr.plots.history(
    history,
    metrics=["x2_psnr", "x4_psnr"],
    baseline={"bicubic": bicubic},
    title="Your network is above bicubic from the first epoch on",
)

# %% [markdown]
# Your network starts from bicubic interpolation, and is above it after the first epoch. The solid line
# rises, and flattens when the learning rate is close to zero. If it fell while the dashed line kept
# rising, the network would be overfitting.
#
# ## Look and measure

# %%
sr.plots.compare(
    opening,
    {
        "bicubic": "bicubic",
        "SRCNN": first,
        "copying network": copying,
        "yours": model,
        "ships with the course": "voc_plain",
    },
    scale=4,
    zoom=ZOOM,
    title="Five ways to upscale by four: look at the edges",
)

# %% [markdown]
# The copying network draws stairs. Yours has sharper edges than bicubic interpolation. None of them
# brings back the finest texture: the small photo does not show it. SRCNN is a little blurrier than bicubic
# interpolation so far, and its colors are not right yet: white turns pink. Here are the scores on all validation photos:

# %%
methods = {
    "bicubic": "bicubic",
    "copying network": copying,
    "yours": model,
    "ships with the course": "voc_plain",
}
ships = sr.models.manifest()["voc_plain"]
print(
    f"ships: {ships.steps:,} steps on {ships.photos} photos; yours: {STEPS} on {len(training_files)}"
)
sr.metrics.table(methods, validation_files, scales=(2, 4))

# %% [markdown]
# The network that ships has the same layers. It was trained for longer and on more photos.
#
# SRCNN has one output, ×4; its score on these photos is the end of its curve. Most papers report their
# score on the benchmark set Set5. If it is on your machine (`srhelpers download Set5`), all are measured on it:

# %%
sets = [name for name in ("Set5",) if sr.datasets.is_here(name)]
sr.metrics.table({**methods, "SRCNN": first}, *sets, scales=(4,)) if sets else "Set5 is not here"

# %% [markdown]
# ## Experiment: how large should a step be?
#
# The learning rate is the first thing to try when a network does not learn. The next cells train your
# network three times, for `TRIAL` steps each: with a tenth of the learning rate, with the same, and
# with ten times as much. All three start with the same weights and see the same patches.

# %%
half = patches(training_files, scale=(2, 4), batches=TRIAL // 2)  # measured half-way and at the end
runs, trials = {}, {}
for factor in (0.1, 1, 10):
    keras.utils.set_random_seed(0)
    half.set_epoch(0)
    name = f"learning rate {factor * LEARNING_RATE:.0e}"
    trials[name] = trial = compiled(plain(), TRIAL, factor * LEARNING_RATE)
    runs[name] = trial.fit(half, validation_data=validation, epochs=2, verbose=0)

# %%
curves = {
    name: {f"val_{metric}": run.history[f"val_{metric}"] for metric in bicubic}
    for name, run in runs.items()
}
sr.plots.history(
    curves,
    metrics=["x2_psnr", "x4_psnr"],
    baseline={"bicubic": bicubic},
    title="Only the rate in the middle learns in so few steps; the others stay near bicubic",
)

# %%
last = {
    name: {metric: run.history[f"val_{metric}"][-1] for metric in bicubic}
    for name, run in runs.items()
}
pd.DataFrame({"bicubic": bicubic, **last}).T.rename(columns="{}, dB".format).round(2)

# %% [markdown]
# With a tenth of the learning rate the network has hardly moved after so few steps: it would need many
# more. With ten times as much its scores are those of bicubic interpolation too, but for another reason.
#
# A ReLU gives zero for every negative number. A step that is too large can push a channel so far
# that it is negative for every input. Then it gives nothing, learns nothing, and is called *dead*.
# Count the channels of the last ReLU that still give something on a batch:


# %%
def alive(network):
    """How many channels of the last ReLU are not zero everywhere."""
    last = [layer for layer in network.layers if isinstance(layer, layers.Conv2D)][DEPTH - 1]
    features = keras.Model(network.input, last.output).predict(low, verbose=0)
    return (features > 0).any((0, 1, 2)).sum()


for name, network in trials.items():
    print(f"{name}: {alive(network)} of {FILTERS} channels")

# %% [markdown]
# A few dead channels do no harm. Where no channel is left, only a constant is added to the bicubic
# picture, and the weights before it get no gradient, so more steps do not help. Lesson
# [05](05_efficientnet_features.ipynb) meets dead ReLUs again.
#
# ## What the article said
#
# We trained the article's networks to its recipe, with three seeds each, which fix the random start
# and the order of the photos. 1,000 photos of PASCAL VOC and ImageNet are used for training and
# 200 for validation. All are resized to squares of 288×288, 144×144 and 72×72 pixels, as in the
# article, by `cv2.resize` without antialiasing. Its measure is one PSNR for a whole batch, on RGB.
# (Bicubic interpolation has no seed, so its standard deviation is NaN.)

# %%
measured = pd.read_csv(sr.runtime.shipped("results") / "voc_study.csv")
rows = measured[measured.experiment.isin(["plain, article", "bicubic, opencv"])]
rows.groupby("experiment")[["batch_144", "batch_288"]].agg(["mean", "std"]).round(2)

# %% [markdown]
# Once more with batches of 16, measured after each pass over the 1,000 photos (63 steps). The numbers
# are means over the photos and over three seeds, in dB:

# %%
curves = pd.read_csv(sr.runtime.shipped("results") / "voc_histories.csv")
curves = curves[curves.experiment == "plain, article, batches of 16"]
curves.groupby("steps")[["val_x2_psnr", "val_x4_psnr"]].mean().round(2).T

# %% [markdown]
# | the article | we measure | verdict |
# |---|---|---|
# | its first network converges after about two epochs | after 126 steps most of the way is done, after that a few tenths of a decibel are gained | holds |
# | it ends at about 21 dB | 21.8 dB at 288 and 22.8 dB at 144 | a little low at 288, too low at 144 |
# | that is not a good result | bicubic interpolation, which the article does not show, is better at both sizes, by far more than the seeds differ | holds |
#
# Lesson [A1](A1_what_the_voc_article_said.ipynb) has all claims with all numbers.
#
# ## Change it yourself
#
# 1. Set `DEPTH = 1`, then 8, and run the lesson again. What do the tables say?
# 2. Without its ReLUs, is the network still better than bicubic? Train it and find out.
#
# ```python
# def linear(depth=DEPTH, filters=FILTERS):
#     ...  # plain() with activation=None
#
# compiled(linear(), SHORT).fit(training, epochs=epochs(SHORT))
# ```
#
# 3. How far does one pixel of the input reach? Change it, and see which rows of the answer change.
#
# ```python
# gray = np.full((1, 72, 72, 3), 128, "uint8")
# dotted = gray.copy()
# dotted[0, 36, 36] = 255
# ...  # the rows in which copying(gray)[1] and copying(dotted)[1] differ; then the same for model
# ```
#
# 4. The article reads its photos with the loop below, in epochs of `10 // 4 = 2` batches. Which
#    photos does epoch 1 miss? Repair it: all photos once in an epoch, in another order each time.
#
# ```python
# def article_loop(count, batch_size):
#     batch = []
#     while True:
#         for number in range(count):
#             if len(batch) == batch_size:
#                 yield batch
#                 batch = []
#             batch.append(number)
#
# batches = article_loop(10, 4)
# for epoch in range(3):
#     print(f"epoch {epoch + 1}:", next(batches), next(batches))
# ```
#
# <details><summary>Solution to 2</summary>
#
# ```python
# def linear(depth=DEPTH, filters=FILTERS):
#     photo = keras.Input((None, None, 3))
#     x = layers.Rescaling(1 / 255)(photo)
#     for _ in range(depth):
#         x = convolution(filters)(x)
#     outputs = [sr.layers.added_to_bicubic(x, photo, scale) for scale in (2, 4)]
#     return keras.Model(photo, outputs, name="linear")
#
# rows = {"bicubic": "bicubic"}
# for name, build in {"linear": linear, "with ReLUs": plain}.items():
#     keras.utils.set_random_seed(0)
#     training.set_epoch(0)
#     rows[name] = compiled(build(), SHORT)
#     rows[name].fit(training, epochs=epochs(SHORT), verbose=0)
# print(sr.metrics.table(rows, validation_files, scales=(2, 4)))
# ```
#
# Convolutions with nothing between them are together one convolution: the same filter everywhere.
# Such a filter sharpens a little, so this network beats bicubic interpolation too, but by less than
# one with ReLUs after as many steps.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# gray = np.full((1, 72, 72, 3), 128, "uint8")
# dotted = gray.copy()
# dotted[0, 36, 36] = 255
# for network in (copying, model):
#     answers = [keras.ops.convert_to_numpy(network(image)[1]) for image in (gray, dotted)]
#     changed = np.abs(answers[0] - answers[1]).max((0, 2, 3)) > 1e-3
#     print(network.name, "changes", np.ptp(np.flatnonzero(changed)) + 1, "rows of 288")
# ```
#
# In the copying network two convolutions of 3×3 reach two pixels far: 5 pixels, 20 rows at ×4. In
# yours each convolution adds a pixel on each side, and the last one does as well: with `DEPTH = 4`
# that is 11 pixels, so at most 44 rows. Far away the change may be too weak to count.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# def every_photo(count, batch_size):
#     random = np.random.default_rng(0)
#     while True:
#         order = random.permutation(count).tolist()
#         for start in range(0, count, batch_size):
#             yield order[start : start + batch_size]
#
# batches = every_photo(10, 4)
# for epoch in range(3):
#     print(f"epoch {epoch + 1}:", next(batches), next(batches), next(batches))
# ```
#
# Epoch 1 of the article's loop misses photos 8 and 9, which come in epoch 2 in place of others. And
# the order never changes. An epoch needs three batches, the last one with two photos.
# </details>

# %% [markdown]
# ## Summary
#
# - Training needs a loss, an optimizer with a learning rate, and photos that it never trains on.
# - SRCNN convolves at the size of the output. Convolving at the size of the input is cheaper.
# - Copying pixels, with nothing but a 1×1 convolution after it, makes squares. The best squares that
#   exist are below bicubic interpolation, and no training changes that.
# - Depth to space gives every pixel a color of its own. Added to the bicubic picture, a few
#   convolutions beat bicubic interpolation at both scales after the first steps of training.
#
# Lesson [03](03_residual_blocks.ipynb) asks what happens when the network gets deeper.
#
# **References.** Dong et al., *Learning a Deep Convolutional Network for Image Super-Resolution*
# (SRCNN), 2014, and *Image Super-Resolution Using Deep Convolutional Networks*, 2015. Shi et al.,
# *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
# Neural Network*, 2016 (depth to space). Kim et al., *Accurate Image Super-Resolution Using Very
# Deep Convolutional Networks*, 2016 (the sum with bicubic). Kingma and Ba, *Adam*, 2015. A. Amsel,
# *Starting with Super-Resolution*, Analytics Vidhya.
