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
# # 04 · Atrous convolution, and the loss
#
# You end with a network whose convolutions look further at no cost in weights, and with the same
# small network trained on four losses, side by side.
#
# | | |
# |---|---|
# | Time | a minute and a half on two CPU cores |
# | Read first | [03](03_residual_blocks.ipynb): residual blocks, adding to bicubic interpolation |
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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][6])
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "03, residual": "voc_residual", "04, atrous": "voc_atrous"},
    scale=4,
    zoom=(60, 30, 96),
    title="From 72×72 pixels to 288×288: look at the thin branches",
)

# %% [markdown]
# The photo has 288×288 pixels. It is downsampled to 72×72, and each method sees those pixels only.
# The two networks in this picture ship with the course. They look alike: a hint at what you will
# find out about dilation.
#
# ## Setup

# %%
from functools import partial
from itertools import cycle, islice

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# The constants of this lesson are in one cell. Change one and run the cells below: the networks,
# their pictures and their numbers change with it.

# %%
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
RATES = (1, 2, 4)  # dilation rates, block after block, and again from the first
BLOCKS = 4
FILTERS = 32
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 16
STEPS = 250 if runtime.profile == "quick" else 2_500
EPOCH_STEPS = 50  # the network is measured after each epoch
LEARNING_RATE = 4e-3
LOSS = "mae"  # or "mse", sr.losses.NegativePSNR(), sr.losses.Charbonnier()
WEIGHTS = (1, 1)  # of the losses of the two outputs
SHORT_BLOCKS = 3  # the experiments train smaller networks
SHORT_FILTERS = 16
SHORT_STEPS = 100

# %% [markdown]
# ## The idea: a wider view with as many weights
#
# A 3×3 convolution reads 9 values. With a *dilation rate* of 2 it still reads 9, but leaves out one
# pixel between any two of them, so that they come from a 5×5 window. With a rate of 4 they come
# from 9×9. The number of weights stays the same.
#
# The *receptive field* of a pixel of the output is the window of the input that it depends on. Each
# layer adds to it: three ordinary 3×3 convolutions, one after the other, have a receptive field of
# 7×7 pixels; with rates 1, 2 and 4 it is 15×15.
#
# You can see it. Change one pixel, and look where the output changes:

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def seen(rates):
    """Which pixels of a 25×25 picture a change in the middle reaches through these convolutions."""
    x = photo = keras.Input((25, 25, 1))
    for rate in rates:
        x = convolution(1, dilation_rate=rate, kernel_initializer="ones")(x)
    dot = np.zeros((1, 25, 25, 1), "float32")
    dot[0, 12, 12] = 1
    reached = keras.ops.convert_to_numpy(keras.Model(photo, x)(dot))[0, ..., 0]
    return (255 * (reached > 0)).astype("uint8")


# %%
stacks = [(1, 1, 1), (1, 2, 4), (4, 4, 4)]
windows = {f"rates {rates}: {1 + 2 * sum(rates)} pixels wide": [seen(rates)] for rates in stacks}
sr.plots.pairs(
    windows, title="What three layers see of 25×25 pixels: equal large rates leave holes"
)

# %% [markdown]
# Rates 1, 2 and 4 together leave no pixel out. Three times rate 4 reaches further, but reads one
# pixel in sixteen. Neighboring pixels of the output then depend on different pixels of the input,
# which shows as a grid (*gridding*; Wang et al., 2018).
#
# The side of the window grows by twice the rate with each layer; the number of weights is the same
# for all three.
#
# ## Build
#
# The French say *à trous*, with holes, so the field speaks of *atrous* or *dilated* convolutions.
# The block is the residual block of lesson [03](03_residual_blocks.ipynb), with the first of its
# two convolutions dilated.


# %%
def atrous_block(x, filters, rate):
    """A dilated and an ordinary convolution, added to what came in."""
    inside = convolution(filters, dilation_rate=rate, activation="relu")(x)
    return layers.Add()([x, convolution(filters)(inside)])


# %%
features = keras.Input((None, None, FILTERS))
block = keras.Model(features, atrous_block(features, FILTERS, rate=2))
sr.plots.network(block, title="A residual block with a dilated convolution")

# %% [markdown]
# The rest is as in lesson 03. Two outputs, twice and four times as large, are each added to bicubic
# interpolation, and the last convolutions start near zero. Before training the network is bicubic
# interpolation.


# %%
def atrous(blocks=BLOCKS, filters=FILTERS, rates=RATES):
    """Residual blocks with dilated convolutions, then two outputs."""
    photo = keras.Input((None, None, 3))
    features = convolution(filters)(layers.Rescaling(1 / 255)(photo))
    for rate in islice(cycle(rates), blocks):
        features = atrous_block(features, filters, rate)
    outputs = [sr.layers.added_to_bicubic(features, photo, scale) for scale in (2, 4)]
    return keras.Model(photo, outputs, name="atrous")


# %%
model = atrous()
sr.plots.network(model, title=f"Dilated residual blocks: {model.count_params():,} parameters")

# %% [markdown]
# `sr.upscaling.receptive_field` adds up how many pixels a network looks to each side. (The upscaler
# uses it to decide how much of a large photo must surround each tile.)

# %%
for name, network in {"dilated": model, "all rates 1": atrous(rates=(1,))}.items():
    side = 1 + 2 * sr.upscaling.receptive_field(network)
    print(f"{name:<12} sees {side}×{side} pixels, {network.count_params():,} parameters")

# %% [markdown]
# ## Data
#
# Pieces of `PATCH`×`PATCH` pixels from random places of the photos, turned and mirrored at random, and the
# same places at twice and four times the size.

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, scale=(2, 4), patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(training_files, batches=EPOCH_STEPS)
validation = pieces(validation_files, patch_size=72, training=False)  # the middle 288×288 pixels
print(f"{len(training.files)} photos to train, {len(validation.files)} to validate")

# %%
low, (twice, four_times) = training[1]
sr.plots.pairs(
    {"input": low, "first target": twice, "second target": four_times},
    rows=2,
    title="Two pieces of a batch at three sizes",
)

# %% [markdown]
# ## Train
#
# Adam, and a learning rate that rises from a twentieth of its peak for a tenth of the steps and then falls to
# zero along a cosine. The rise is called *warm-up*. Adam divides each gradient by its usual size,
# which it does not know yet in the first steps; a small rate keeps these steps from doing damage.
# `warmup_cosine` is Keras's `CosineDecay` with these numbers filled in.


# %%
schedule = sr.training.warmup_cosine(LEARNING_RATE, STEPS)
figure, axes = plt.subplots(figsize=(5, 2.4))
steps = range(0, STEPS, 5)
axes.plot(steps, [float(schedule(step)) for step in steps])
axes.set(xlabel="step", ylabel="learning rate", title="Warm-up, then a cosine")
plt.show()


# %%
def compiled(model, steps=STEPS, loss=LOSS, weights=WEIGHTS):
    """The model, ready for `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(sr.training.warmup_cosine(LEARNING_RATE, steps)),
        loss=[loss, loss],
        loss_weights=list(weights),
        metrics=[[sr.metrics.PSNR(luma=True, crop_border=scale)] for scale in (2, 4)],
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
    return model


# %%
EPOCHS = max(1, STEPS // EPOCH_STEPS)
history = compiled(model).fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)
print(f"{EPOCHS} epochs of {len(training)} steps")

# %%
sr.plots.history(
    history,
    metrics=["x2_psnr", "x4_psnr"],
    baseline={"bicubic": sr.metrics.bicubic_psnr(validation)},
    title="Your network is above bicubic from the first epoch on: compare solid and dotted",
)

# %% [markdown]
# The solid lines are measured on the validation photos, from 72×72 pixels to 144×144 and 288×288. The
# dotted line is bicubic interpolation of the same pixels. The dashed lines are means over other
# pictures, small pieces of the training photos, so compare the solid lines with the dotted ones.
#
# ## Look

# %%
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "yours": model, "ships with the course": "voc_atrous"},
    scale=4,
    zoom=(60, 30, 96),
    title="Your network beside bicubic interpolation and the network that ships",
)

# %% [markdown]
# ## Measure
#
# As the papers do it: the whole photo is downsampled by the scale and upscaled to its full size, so
# ×2 goes from 144×144 to 288×288 here.

# %%
methods = {"bicubic": "bicubic", "yours": model, "ships with the course": "voc_atrous"}
ships = sr.models.manifest()["voc_atrous"]
print(
    f"ships: {ships.steps:,} steps on {ships.photos} photos; yours: {STEPS} on {len(training_files)}"
)
sr.metrics.table(methods, validation_files, scales=(2, 4))

# %% [markdown]
# The network that ships has more parameters, was trained for more steps, and on more photos.
#
# The benchmark sets are not part of the course. If they are on your machine (`srhelpers download
# Set5`), this measures on them as well:

# %%
sets = [name for name in ("Set5",) if sr.datasets.is_here(name)]
sr.metrics.table(methods, *sets, scales=(4,)) if sets else "none of the benchmark sets is here"

# %% [markdown]
# ## Experiment: with and without dilation
#
# Now train the same network twice: once with the rates above and once with all rates 1. To see what
# chance does, train both from two *seeds*. The seed decides the first weights; the pieces are the
# same for all. These networks are smaller and their runs shorter than the main one.

# %%
short_training = pieces(training_files, batches=SHORT_STEPS)


def short_run(rates=RATES, loss=LOSS, weights=WEIGHTS, seed=0, steps=SHORT_STEPS):
    """A small network, trained for a few steps."""
    keras.utils.set_random_seed(seed)
    network = compiled(atrous(SHORT_BLOCKS, SHORT_FILTERS, rates), steps, loss, weights)
    short_training.set_epoch(0)  # the same pieces every time
    network.fit(short_training, steps_per_epoch=steps, verbose=0)
    return network


# %%
dilation = {
    f"{name}, seed {seed}": short_run(rates, seed=seed)
    for name, rates in {"dilated": RATES, "all rates 1": (1,)}.items()
    for seed in (0, 1)
}
sr.metrics.table({"bicubic": "bicubic", **dilation}, validation_files, scales=(2, 4))

# %% [markdown]
# Without dilation the network ends at the same place or a little higher. In runs as short as these
# the difference is about as large as that between two seeds, so this table decides little. The table
# under *What the article said* has longer runs from three seeds: there dilation loses about a tenth
# of a decibel at both sizes.
#
# Why does a wider view not help? Ask the trained networks how far they *really* look: change one
# pixel of each validation photo, and see how much what they add to the bicubic picture changes around
# it, at ×2. (The bicubic picture itself changes within two pixels only, and in both alike.)

# %%
photos = validation[0][0][:, 16:57, 16:57]  # 41×41 pixels of each photo; the middle is (20, 20)


def added(network, batch):
    """What a network adds to bicubic interpolation at ×2."""
    interpolated = sr.layers.BicubicUpSampling(2)(batch.astype("float32"))
    return network.predict(batch, verbose=0)[0] - keras.ops.convert_to_numpy(interpolated)


def influence(network):
    """Mean change of what is added around a changed pixel, a value for each pixel of the photo."""
    changed, middle = photos.copy(), photos[:, 20, 20]
    changed[:, 20, 20] = np.where(middle < 128, middle + 64, middle - 64)
    before, after = added(network, photos), added(network, changed)
    return np.abs(after - before).mean((0, 3)).reshape(41, 2, 41, 2).mean((1, 3))


def logarithmic(change):
    """White for the largest change, black for less than a thousandth of it; the 25×25 pixels around."""
    change = change[8:33, 8:33]
    return (255 * np.clip(1 + np.log10(change / change.max() + 1e-9) / 3, 0, 1)).astype("uint8")


# %%
shown = {name: influence(dilation[f"{name}, seed 0"]) for name in ("all rates 1", "dilated")}
sr.plots.pairs(
    {name: [logarithmic(change)] for name, change in shown.items()},
    title="How far one pixel's influence reaches (logarithmic)",
)

# %%
for name, change in shown.items():
    near = change[18:23, 18:23].sum() / change.sum()
    print(f"{name:<12} {near:.0%} of the change is within two pixels")

# %% [markdown]
# The dilated network does look further, but in both most of the change stays within two pixels. This
# is a likely reason: what is missing between two pixels depends mostly on their direct neighbors, and
# a dilated convolution leaves just those out. Dilation comes from segmentation, where the answer
# depends on things far away.
#
# ## Losses
#
# The loss decides what the network is trained for. Four are common in super-resolution, for an
# error $e$ between 0 and 255 levels:
#
# | loss | of an image | remark |
# |---|---|---|
# | MSE | mean of $e^2$ | punishes large errors most |
# | MAE | mean of $\lvert e\rvert$ | all errors count by their size |
# | Charbonnier | mean of $\sqrt{e^2+\varepsilon^2}$ | MAE, but smooth at zero (Lai et al., 2017) |
# | negative PSNR | $10\log_{10}$ of the mean of $e^2$ | the metric itself, with a minus (Chen et al., 2021) |

# %%
LOSSES = {
    "MSE": "mse",
    "MAE": "mae",
    "Charbonnier": sr.losses.Charbonnier(),
    "negative PSNR": sr.losses.NegativePSNR(),
}

# %% [markdown]
# A batch holds easy pictures (sky) and hard ones (branches). How hard does each pull at the weights?
# Take a picture whose error is $e$ everywhere, make the error a little smaller, and see by how much
# the loss falls:

# %%
errors = np.arange(2.0, 41)


def pull(loss):
    """Slope of the loss at each error, relative to its slope at an error of 10."""

    def value(error):
        return np.mean(keras.losses.get(loss)(np.zeros((1, 8, 8, 3)), np.full((1, 8, 8, 3), error)))

    slopes = np.array([value(e + 0.5) - value(e - 0.5) for e in errors])
    return slopes / slopes[errors == 10]


# %%
figure, axes = plt.subplots(figsize=(7, 3.4))
for (name, loss), style in zip(LOSSES.items(), cycle(["-", "-", "--", "-"])):
    axes.plot(errors, pull(loss), style, label=name)
axes.set(xlabel="error of the picture, in levels", ylabel="pull (at 10 levels: 1)", ylim=(0, 4.2))
axes.set_title("MSE weighs hard pictures more, negative PSNR easy ones")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# With MSE a picture with twice the error pulls twice as hard. With MAE both pull alike, and
# Charbonnier lies on top of it: its ε is a quarter of a level, below every error shown here. With
# the negative PSNR a picture with twice the error pulls half as hard: half the error is 6 dB, on
# any picture.
#
# How unequal are photos? This is how much each validation photo adds to the squared error of
# bicubic interpolation:

# %%
rows = sr.metrics.evaluate("bicubic", validation_files, 4)
squared = np.sort(10 ** (-rows.psnr_rgb / 10))
figure, axes = plt.subplots(figsize=(7, 2.6))
axes.bar(range(len(squared)), 100 * squared / squared.sum())
axes.axhline(100 / len(squared), color="C1", label="if all were equal")
axes.set(xlabel="validation photo, sorted", ylabel="percent of the error", xticks=[])
axes.set_title("A few hard photos make a large part of the squared error")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# Train the small network with each loss. The one with your `LOSS` is already there, from two seeds;
# the second shows how much is chance.

# %%
by_loss = {name: short_run(loss=loss) for name, loss in LOSSES.items() if loss != LOSS}
own = next((name for name, loss in LOSSES.items() if loss == LOSS), "your LOSS")
by_loss |= {own: dilation["dilated, seed 0"], f"{own}, other seed": dilation["dilated, seed 1"]}
sr.metrics.table({"bicubic": "bicubic", **by_loss}, validation_files, scales=(2, 4))

# %% [markdown]
# MSE and the negative PSNR end above both seeds of MAE, most at ×2; at ×4 it is by hundredths. PSNR is
# made of the squared error, so these two train for what is measured. But the lead is about as large as
# the difference between the two seeds, and between MSE and the negative PSNR there are a few hundredths:
# train a second seed of each before you believe it. Charbonnier scores as MAE does.
#
# This holds for short runs. For long ones the authors of EDSR found MAE to converge better than MSE
# (Lim et al., 2017, section 4.2), and most later networks are trained with MAE or Charbonnier.
#
# ## Loss weights
#
# With two outputs there are two losses, and `fit` minimizes their weighted sum. Does a heavier
# weight on one output help it, and does it cost the other? (To save time, the table measures every
# second photo.)

# %%
weightings = {"0.7 : 0.3": (0.7, 0.3), "0.3 : 0.7": (0.3, 0.7)}
weighted = {name: short_run(weights=weights) for name, weights in weightings.items()}
weighted |= {f"{WEIGHTS[0]} : {WEIGHTS[1]}": dilation["dilated, seed 0"]}
sr.metrics.table({"bicubic": "bicubic", **weighted}, validation_files[::2], scales=(2, 4))

# %% [markdown]
# The three rows are equal, to a hundredth or so. Most weights of the network belong to blocks that
# serve both outputs, and both outputs need nearly the same features (exercise 5 takes one loss away).
#
# ## What the article said
#
# The networks of lessons 02 to 06 follow an article, A. Amsel's *Starting with Super-Resolution*.
# Its third network has atrous blocks, in which the result is *joined* to what came in and not
# added. We trained it as the article did, from three seeds; lesson [02](02_plain_convolution.ipynb)
# says how.

# %%
sr.plots.network(sr.models.load("voc_article_atrous"))

# %%
study = pd.read_csv(sr.runtime.shipped("results") / "voc_study.csv")
study = study.set_index(["experiment", "seed"])


def gain(one, other, column):
    """Mean difference of two experiments and its standard deviation, over the seeds."""
    difference = study.loc[one, column] - study.loc[other, column]
    return f"{difference.mean():+.2f} ± {difference.std():.2f}"


# %%
atrous_03, atrous_07 = "atrous, article, 0.3:0.7", "atrous, article, 0.7:0.3"
residual, mse = "residual, article", "undilated, squared error"
claims = [
    ("Atrous blocks hardly help", atrous_03, residual, "holds"),
    ("Weights 0.3 : 0.7 help both outputs", atrous_03, atrous_07, "does not hold"),
    ("Ours: dilation", "dilated, squared error", mse, "loses"),
    ("Ours: negative PSNR over MSE", "undilated, PSNR loss", mse, "gains a little"),
]
rows = [
    (claim, gain(one, other, "psnr_144"), gain(one, other, "psnr_288"), verdict)
    for claim, one, other, verdict in claims
]
pd.DataFrame(rows, columns=["claim", "×2, dB", "×4, dB", "verdict"])

# %% [markdown]
# The numbers are means ± standard deviations over three seeds. The first two rows are networks as in
# the article. A heavier weight on the large output does nothing for that output and costs the small
# one a little. The last two rows are the experiments of this lesson with a larger network and longer
# runs. Lesson [A1](A1_what_the_voc_article_said.ipynb) has the long version.
#
# ## Change it yourself
#
# 1. Draw what five layers with rates 1, 2, 4, 2, 1 see. Are there holes? Start from `seen((1, 2, 4, 2, 1))`.
# 2. Give all blocks rate 4 and look at `influence`. How far does the network look? Is there a grid?
#    Start from `holes = short_run(rates=(4,), steps=60)`.
# 3. Which photos gain most from the negative PSNR, and which lose? Compare two networks photo by photo.
#
#    ```python
#    rows = sr.metrics.evaluate(by_loss["negative PSNR"], validation_files, 4)
#    rows.set_index("image").psnr_y  # and those of by_loss["MSE"]
#    ```
# 4. Adam divides every gradient by its usual size. So what happens if you multiply both loss weights by 100?
#    Predict, then try. Start from `network = short_run(weights=(100, 100), steps=40)`.
# 5. With weights 1 : 0 nothing trains the ×4 output. What does it give? Start from
#    `network = short_run(weights=(1, 0), steps=40)`.
#
# And in the cell of constants: set `LOSS` to `"mse"` and run everything again. Does the longer run
# agree with the short ones?
#
# <details><summary>Solution to 1</summary>
#
# ```python
# sr.plots.pairs({"rates 1, 2, 4, 2, 1": [seen((1, 2, 4, 2, 1))]}, title="21×21 pixels, no holes")
# ```
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# holes = short_run(rates=(4,), steps=60)
# sr.plots.pairs({"all rates 4": [logarithmic(influence(holes))]}, title="Wide and faint")
# ```
# Much further, but faintly. There is no clear grid: the ordinary convolution in each block fills the
# holes that the dilated one leaves.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# scores = {
#     name: sr.metrics.evaluate(network, validation_files, 4).set_index("image").psnr_y
#     for name, network in by_loss.items()
# }
# difference = scores["negative PSNR"] - scores["MSE"]
# print(difference.sort_values().round(2).to_string())
# ```
# Look at the photos at both ends. By the figure of the pulls, the easy ones should gain and the hard
# ones lose. Is it so?
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# for factor in (1, 100):
#     network = short_run(weights=(factor, factor), steps=40)
#     print(factor, sr.metrics.evaluate(network, validation_files, 4).psnr_y.mean().round(2))
# ```
# Next to nothing: only the ratio of the weights counts.
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# network = short_run(weights=(1, 0), steps=40)
# sr.metrics.table({"bicubic": "bicubic", "1 : 0": network}, validation_files, scales=(2, 4))
# ```
# The ×4 output stays close to bicubic interpolation: its last convolution keeps the near-zero
# weights that it started with.
# </details>
#
# ## Summary
#
# Dilation widens the receptive field at no cost in weights; rates that differ leave no holes. Here it
# gains nothing, since most of what a missing pixel depends on is close by. In short runs MSE and
# the negative PSNR score a little above MAE, and Charbonnier as MAE does; the loss decides which pictures of a
# batch count most. Weights of the two losses hardly matter as long as neither is zero.
#
# **References.** Yu and Koltun, *Multi-scale context aggregation by dilated convolutions*, 2016.
# Wang et al., *Understanding convolution for semantic segmentation*, 2018, section 3.2, for the
# grid. Lai et al., *Deep Laplacian pyramid networks*, 2017, for the Charbonnier loss. Chen et al.,
# *HINet*, 2021, for the PSNR loss. Lim et al., *Enhanced deep residual networks*, 2017 (EDSR).
# Loshchilov and Hutter, *SGDR*, 2017, for the cosine.
