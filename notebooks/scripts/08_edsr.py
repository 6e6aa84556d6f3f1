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
# # 08 · EDSR: leave out what does not help
#
# You end with a small EDSR of your own, trained in less than a minute and measured beside bicubic
# interpolation, the networks that ship and the paper. You will have tested for yourself what the
# paper's start from ×2 gains, and whether batch normalization helps.
#
# | | |
# |---|---|
# | Time | two minutes on two CPU cores, about 20 seconds of it for each of three trainings |
# | Read first | [01](01_bicubic_baselines.ipynb): how benchmarks measure, [03](03_residual_blocks.ipynb): residual blocks, [06](06_depth_to_space.ipynb): depth to space |
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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][9])
ZOOM = (170, 96, 110)  # top, left and size of the square; None takes the one with the most detail
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "EDSR baseline": "edsr_baseline_x4"},
    scale=4,
    zoom=ZOOM,
    title="From a quarter of the width and height: look at the thin lines",
)

# %% [markdown]
# The original was downsampled by 4, and both methods see only these pixels. EDSR draws the lines
# between the tiles thin and dark, where bicubic interpolation blurs them. This network ships with the
# course and was trained longer than yours will be.
#
# ## Setup

# %%
import time
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# The constants of this lesson are in one cell. Change one and run the cells below: the network, its
# picture and its numbers change with it.

# %%
SCALE = 4  # 2, 3 or 4
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
START = "compact_x2" if SCALE != 2 else "compact_x4"  # of the second training
BLOCKS = 8
FILTERS = 48
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 8
STEPS = 225 if runtime.profile == "quick" else 3_000
EPOCH_STEPS = 75  # the network is measured after each epoch
LEARNING_RATE = 1e-3
LOSS = "mae"  # or "mse", sr.losses.NegativePSNR(), sr.losses.Charbonnier()
SHORT = 40  # steps of each network of the experiment
DRAWS = 40  # of random crops

# %% [markdown]
# ## The idea
#
# SRResNet, the network inside the SRGAN of lesson [07](07_srgan.ipynb), took its blocks from image
# classification: convolution, batch normalization, activation, convolution, batch normalization,
# sum. EDSR (Lim et al., 2017) asks of each part what it does for super-resolution, and removes what
# does not help:
#
# - **No batch normalization.** It gives every feature map mean 0 and standard deviation 1 over the
#   batch, and then a scale and an offset that are learned. Super-resolution has to keep the range of
#   the values: a dark photo has to stay dark. The
#   paper also reports 40 % less memory in training without it.
# - **No activation outside the blocks.** SRResNet has some after its first convolution and where it
#   upscales.
# - **Mean absolute error** as the loss, in place of the squared error.
# - **A factor inside each block** where the network is wide. With 256 filters training became
#   unstable; with the result of each block multiplied by 0.1 before the addition it did not.
#
# What is left of a block is $x + s \cdot f(x)$ with $s = 1$ in the small networks. Here are both
# blocks:

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def residual_block(x, filters, scaling=1):
    """EDSR's block: two convolutions, added to what came in."""
    small = keras.initializers.VarianceScaling(0.01)  # a tenth of the usual weights
    inside = convolution(filters, activation="relu")(x)
    inside = convolution(filters, kernel_initializer=small)(inside)
    inside = inside if scaling == 1 else layers.Rescaling(scaling)(inside)
    return layers.Add()([x, inside])


# %%
def normalized_block(x, filters):
    """SRResNet's block: batch normalization after each convolution; the last one starts at zero."""
    normalization = partial(layers.BatchNormalization, momentum=0.9)
    inside = layers.ReLU()(normalization()(convolution(filters)(x)))
    inside = normalization(gamma_initializer="zeros")(convolution(filters)(inside))
    return layers.Add()([x, inside])


# %%
features = keras.Input((None, None, FILTERS))
block = keras.Model(features, residual_block(features, FILTERS))
sr.plots.network(block, title=f"EDSR's block: {block.count_params():,} parameters")

# %%
block = keras.Model(features, normalized_block(features, FILTERS))
sr.plots.network(block, title=f"With normalization: {block.count_params():,} parameters")

# %% [markdown]
# The values would grow with every sum when training begins. `small` starts each block close to doing
# nothing, as in lesson 03. In the block with normalization, `gamma`, the learned scale of the last
# normalization, starts at zero and does the same, so that the two can be compared.
#
# Batch normalization keeps running means of what it sees, for use after training. Keras's default
# momentum of 0.99 is made for long runs; 0.9 suits runs of a few hundred steps.
#
# ## Build
#
# EDSR computes at the size of the small photo and upscales at the very end, by depth to space
# (lesson 06). The mean color of DIV2K, the 800 photos that the paper trains on, is subtracted at the
# start and added at the end: a number of its own for red, green and blue (`color` in the drawing).

# %%
MEAN = np.array([0.4488, 0.4371, 0.4040])  # the mean color of DIV2K, in 0…1


def upscaled(features, filters, factor):
    """(N, H, W, C) → (N, factor·H, factor·W, filters): new pixels come from channels."""
    return sr.layers.DepthToSpace(factor)(convolution(filters * factor**2)(features))


# %%
def edsr(scale=4, blocks=16, filters=64, scaling=1):
    """The paper's baseline; its large network has 32 blocks, 256 filters and scaling 0.1."""
    photo = keras.Input((None, None, 3))
    # 2 · (photo / 255 - MEAN): from about -1 to 1
    centered = layers.Rescaling(1 / 127.5, (-2 * MEAN).tolist(), dtype="float32")(photo)
    start = features = convolution(filters)(centered)
    for _ in range(blocks):
        features = residual_block(features, filters, scaling)
    features = layers.Add()([start, convolution(filters)(features)])
    for factor in (2, 2) if scale == 4 else (scale,):
        features = upscaled(features, filters, factor)
    colors = convolution(3, dtype="float32")(features)
    picture = layers.Rescaling(127.5, (255 * MEAN).tolist(), dtype="float32")(colors)
    return keras.Model(photo, picture, name="edsr")


# %%
baseline = edsr(SCALE)
sr.plots.network(baseline, title=f"EDSR baseline ×{SCALE}: {baseline.count_params():,} parameters")

# %% [markdown]
# Scale 4 upscales twice by 2, scale 3 once by 3. As in all networks of this course, pictures in
# 0…255 go in and come out.
#
# The paper trained its large network for eight days, and such a network has to learn the whole
# picture from nothing. Here you build a smaller one from the same blocks, which trains in less than a
# minute on a CPU. It starts from bicubic interpolation, as in lesson 03: the network adds what is
# missing. The last convolution starts near zero, so before the first step the network *is* bicubic
# interpolation. It upscales in one step straight to the colors, so that all convolutions work at the
# small size.


# %%
def compact(scale=4, blocks=8, filters=48, block=residual_block, offset=0.0):
    """EDSR's blocks in a small network whose picture starts from bicubic interpolation."""
    photo = keras.Input((None, None, 3))
    features = convolution(filters)(layers.Rescaling(1 / 255, offset)(photo))
    for _ in range(blocks):
        features = block(features, filters)
    answer = sr.layers.added_to_bicubic(features, photo, scale)
    return keras.Model(photo, answer, name="compact")


# %%
keras.utils.set_random_seed(0)
model = compact(SCALE, BLOCKS, FILTERS, offset=-0.5)
sr.plots.network(model, title=f"Your network: {model.count_params():,} parameters")

# %% [markdown]
# `offset=-0.5` does what EDSR's mean color does: the first convolution sees values from −0.5 to 0.5
# in place of 0 to 1. In a short training this may matter; exercise 3 lets you try it without.
#
# ## Data
#
# Square pieces, `PATCH` pixels wide, and the same places of the photos at the larger size. Each piece
# comes from a random place of a random photo, turned and mirrored in one of eight ways. `skip_flat`
# leaves out the quarter of the pieces with the least contrast, such as sky.

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, scale=SCALE, patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(training_files, batches=min(EPOCH_STEPS, STEPS), skip_flat=0.25)
validation = pieces(validation_files, patch_size=288 // SCALE, training=False)  # the middle of each
print(f"{len(training.files)} photos to train, {len(validation.files)} to validate")

# %%
low, high = training[0]
sr.plots.pairs({"input": low, "target": high}, rows=2, title="Two pieces of a batch at both sizes")

# %% [markdown]
# Every photo is downsampled once and as a whole, and pieces are cut afterwards. Cutting first and
# downsampling the piece is not the same: the piece then has an edge that the photo does not have,
# and the pixels near it are computed from other neighbors. The difference for one piece:

# %%
side, top = SCALE * PATCH, SCALE * (PATCH // 2)
whole = sr.degradations.crop_to_multiple(opening, SCALE)
low_opening = sr.degradations.bicubic(whole, (whole.shape[0] // SCALE, whole.shape[1] // SCALE))
# The same place of the photo: cut from the small photo, and cut first, then downsampled.
cut_after = low_opening[PATCH // 2 :, PATCH // 2 :][:PATCH, :PATCH].astype(int)
cut_before = sr.degradations.bicubic(whole[top : top + side, top : top + side], (PATCH, PATCH))
difference = np.abs(cut_after - cut_before)
inside = difference[2:-2, 2:-2].max()
print(f"largest difference {difference.max()}, two pixels away from the edge {inside} gray levels")

# %% [markdown]
# ## Train
#
# Adam, with a learning rate that rises in the first tenth of the steps and then falls to zero along a
# cosine, as in lesson 04, and the mean absolute error. The metric is the PSNR of the benchmarks: on
# luma, without `SCALE` pixels of border.


# %%
def compiled(model, steps=STEPS, rate=LEARNING_RATE):
    """The model, ready for `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(sr.training.warmup_cosine(rate, steps)),
        loss=LOSS,
        metrics=[sr.metrics.PSNR(luma=True, crop_border=SCALE, name="psnr")],
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
    return model


# %%
EPOCHS = STEPS // len(training)
history = compiled(model).fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)
print(f"{EPOCHS} epochs of {len(training)} steps")

# %%
bicubic = sr.metrics.bicubic_psnr(validation)["psnr"]
sr.plots.history(
    history,
    metrics=["psnr"],
    baseline={"bicubic, validation": bicubic},
    title="Your network is above bicubic from the first epoch on",
)

# %% [markdown]
# The solid line is measured on the validation photos, and so is the dotted one. The dashed line is
# measured on the training pieces: other pixels, so its height says nothing about the other two. The
# section on random crops below is about that.
#
# The paper trains with 16 pieces of 48×48 pixels for 300,000 steps. How much less did your network
# see?

# %%
ratio = 300_000 * 16 * 48**2 / (EPOCHS * len(training) * BATCH_SIZE * PATCH**2)
print(f"The paper's networks see {ratio:,.0f} times as many pixels as yours.")

# %% [markdown]
# ## Start from ×2
#
# Does ×4 need to learn everything from nothing? A network for ×2 already knows what edges and textures
# look like. The paper therefore starts ×3 and ×4 from the weights of ×2 (section 3.2). In your network
# only the last convolution is new, since it makes another number of pixels. Build your network a second time, copy
# all that fits, and train it for as many steps on the same data. The learning rate is lower: as long as
# the last convolution knows nothing, large steps would undo what was copied.


# %%
def continue_from(source, target):
    """Copy weights where shapes agree, the last layer to the last; how many layers that were."""
    old, new = ([layer for layer in model.layers if layer.weights] for model in (source, target))
    copied = 0
    for known, fresh in [*zip(old[:-1], new[:-1], strict=False), (old[-1], new[-1])]:
        if [weight.shape for weight in known.weights] == [weight.shape for weight in fresh.weights]:
            fresh.set_weights(known.get_weights())
            copied += 1
    return copied


# %%
keras.utils.set_random_seed(0)
continued = compact(SCALE, BLOCKS, FILTERS, offset=-0.5)
copied = continue_from(sr.models.load(START), continued)
print(
    f"{copied} of {sum(bool(layer.weights) for layer in continued.layers)} layers copied from {START}"
)

# %%
training.set_epoch(0)
compiled(continued, rate=LEARNING_RATE / 3)
continued_history = continued.fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)
sr.plots.history(
    {
        "from nothing": {"val_psnr": history.history["val_psnr"]},
        f"from {START}": {"val_psnr": continued_history.history["val_psnr"]},
    },
    baseline={"bicubic": bicubic},
    title="The start from another scale is ahead from the first epoch on",
)

# %% [markdown]
# After its first epoch the second network is already ahead of where the first one ends. The comparison is
# not a fair race: `compact_x2` was trained before, for longer and on more photos, though at ×2 only.
# If you need one scale only, starting from ×2 saves nothing. If you need all three, or have such weights
# already, it does. Set `FILTERS = 32`, and no layer fits: the two lines then show what the lower learning rate alone
# does.
#
# ## Or ×2, twice
#
# Copying weights threw away how the ×2 network draws pixels. There is a way to keep all it knows: give it its own
# answer, and ×2 becomes ×4. The second time it sees a picture that it was not trained for, a little too smooth.
# So train both together, in a chain, on ×4. The learning rate is a tenth of yours, since there is little left to learn.


# %%
def twice(network):
    """×4: a ×2 network, and a copy of it that gets its answer."""
    second = keras.Model.from_config({**network.get_config(), "name": "second"})
    second.set_weights(network.get_weights())
    photo = keras.Input((None, None, 3))
    return keras.Model(photo, second(network(photo)), name="twice")


# %%
chains = {}
if SCALE == 4:
    chain = compiled(twice(sr.models.load("compact_x2")), len(training), LEARNING_RATE / 10)
    gains = [chain.evaluate(validation, verbose=0, return_dict=True)["psnr"] - bicubic]
    training.set_epoch(0)
    run = chain.fit(training, validation_data=validation, verbose=0)
    gains.append(run.history["val_psnr"][-1] - bicubic)
    chains["compact_x2, twice"] = chain
    print(f"{chain.count_params():,} parameters, {len(training)} steps")
    print("over bicubic, dB: before {:.2f}, after {:.2f}".format(*gains))

# %% [markdown]
# Before its first step the chain is already ahead of both networks that you trained, and the training adds
# little to that. It has a price: twice the parameters, and five times the time, since the second network works on
# four times as many pixels. (At ×2 and ×3 this cell does nothing.)
#
# ## Look

# %%
shipped = {"compact, ships": f"compact_x{SCALE}", "EDSR, ships": f"edsr_baseline_x{SCALE}"}
shipped = {name: file for name, file in shipped.items() if file in sr.models.manifest()}
methods = {
    "bicubic": "bicubic",
    "yours": model,
    f"yours, from {START}": continued,
    **chains,
    **shipped,
}
title = f"×{SCALE}: the start from {START} makes the lines thinner and darker"
sr.plots.compare(opening, methods, scale=SCALE, zoom=ZOOM, title=title)

# %% [markdown]
# The gain depends on the photo. Compare the PSNR below the pictures with those of another one, which
# you choose by its number:

# %%
NUMBER = 13  # of a validation photo
other = sr.datasets.read_image(validation_files[NUMBER % len(validation_files)])
zoom = (*sr.plots.most_detailed(other, 96), 96)
title = "Another photo: on texture the methods differ less than on lines"
sr.plots.compare(other, methods, scale=SCALE, zoom=zoom, title=title)

# %% [markdown]
# ## Measure
#
# Two networks that ship stand beside yours: `compact`, also with 8 blocks of 48 filters, and EDSR's
# baseline. Here is how they were trained. (The scripts are `recipes/train.py` and `recipes/edsr.py`.)

# %%
facts = ["title", "parameters", "steps", "minutes", "photos"]
known = sr.models.manifest()
pd.DataFrame({name: vars(known[name]) for name in shipped.values()}).loc[facts].T

# %% [markdown]
# `compact` has a quarter of the parameters. At ×4 both learned from a teacher: their targets are not the
# photos, but what a better network, the published SRResNet of lesson 07, makes of the small photos. What
# no network can know is missing in such targets, so they are easier to learn (*knowledge
# distillation*). EDSR's baseline also starts from that SRResNet: its blocks, with batch normalization
# computed into the convolutions. (At ×2, `compact` learned at last from the pictures of EDSR's baseline.) The two differ in more than their architecture, so their scores do not
# say which architecture is better.
#
# The table gives PSNR-Y in dB, averaged over the validation photos, on which none of these networks was
# trained. (Their photos are a larger set than yours, which may not be passed on; see data/README.md.)

# %%
sr.metrics.table(methods, validation_files, scales=(SCALE,))

# %% [markdown]
# The benchmark sets are not part of the course. If they are on your machine (`srhelpers download
# Set5`), the table has your network's scores on them. Its last two rows are published: the baseline as
# later papers print it, and the large network from the EDSR paper.

# %%
PUBLISHED = {
    "EDSR baseline, later papers": {2: (37.99, 33.57), 3: (34.37, 30.28), 4: (32.09, 28.58)},
    "EDSR, large, the paper": {2: (38.11, 33.92), 3: (34.65, 30.52), 4: (32.46, 28.80)},
}
columns = [f"{name} ×{SCALE}, dB" for name in ("Set5", "Set14")]
rows = {f"{name} (published)": PUBLISHED[name][SCALE] for name in PUBLISHED}
published = pd.DataFrame.from_dict(rows, orient="index", columns=columns).map("{:.2f}".format)

asked = ("Set5",) if runtime.profile == "quick" else ("Set5", "Set14")
sets = [name for name in asked if sr.datasets.is_here(name)]
measured = sr.metrics.table(methods, *sets, scales=(SCALE,)) if sets else pd.DataFrame()
pd.concat([measured, published]).fillna("")

# %% [markdown]
# Your networks gain far more over bicubic interpolation on Set5 than on the validation photos. Set5 has
# five photos with large smooth shapes and clear edges, so a gain always depends on the photos as well.
# What separates your networks from the published rows is size, time and photos: those were trained for
# days, on 800 photos about 2,000 pixels wide.
#
# ## Eight answers in place of one
#
# Your second network was trained on pieces turned and mirrored in eight ways, but nothing forces it to give
# the same answer for all eight. EDSR's *self-ensemble* (section 4.3 of the paper) gives it the
# photo in all eight ways, turns the answers back and takes their mean. Here is how much two of the
# answers differ:

# %%
answer = sr.upscaling.upscale(low_opening, continued, scale=SCALE)
turned = sr.upscaling.upscale(np.rot90(low_opening).copy(), continued, scale=SCALE)
difference = np.abs(answer.astype(int) - np.rot90(turned, -1)).max(axis=2)
print(f"mean difference {difference.mean():.1f}, largest {difference.max()} gray levels")

# %%
strength = np.clip(16 * difference, 0, 255).astype("uint8")
sr.plots.pairs(
    {"answer": [answer], "difference, 16 times": [strength]},
    title="The answers differ most along edges",
)


# %%
def eight(image, size):
    """Your second network with the self-ensemble, as a function that `table` can measure."""
    return sr.upscaling.upscale(image, continued, scale=SCALE, self_ensemble=True)


# %%
answers = {"one answer": continued, "eight answers": eight}
sr.metrics.table(answers, validation_files, *sets[:1], scales=(SCALE,))

# %% [markdown]
# The gain is small, and it is paid for with eight times the work. The paper reports 0.16 dB for its
# large network on Set5 ×4. A likely reason: a mean of eight pictures is
# smoother than each of them, and PSNR prefers smooth pictures where the detail is not known.
#
# ## Experiment: does batch normalization help?
#
# Two networks that differ in nothing but the block, trained alike and for the same number of steps.
# Blocks of both kinds begin close to doing nothing.
# They are measured on the middles of the validation photos. Each is trained twice, from two random starts: a difference between the blocks that is not larger
# than the difference between the starts means nothing.

# %%
VARIANTS = {"without": residual_block, "with": normalized_block}
few = pieces(training_files, batches=SHORT // 4, skip_flat=0.25)
middles = pieces(
    validation_files, patch_size=144 // SCALE, training=False
)  # a quarter, to be quick


# %%
def trained(block, seed, steps=SHORT):
    """A network of these blocks, its history and the seconds that training took."""
    keras.utils.set_random_seed(seed)
    network = compiled(compact(SCALE, BLOCKS, FILTERS, block, offset=-0.5), steps)
    few.set_epoch(seed)
    start = time.perf_counter()
    run = network.fit(few, validation_data=middles, epochs=steps // len(few), verbose=0)
    return network, run, time.perf_counter() - start


# %%
networks, runs, rows = {}, {}, {}
level = sr.metrics.bicubic_psnr(middles)["psnr"]
for seed in (0, 1):
    for name, block in VARIANTS.items():
        label = f"{name}, seed {seed}"
        networks[label], runs[label], seconds = trained(block, seed)
        gain = runs[label].history["val_psnr"][-1] - level
        rows[label] = {"over bicubic, dB": round(gain, 2), "training, seconds": round(seconds, 1)}
pd.DataFrame(rows).T

# %%
validation_only = {name: {"val_psnr": run.history["val_psnr"]} for name, run in runs.items()}
sr.plots.history(
    validation_only,
    baseline={"bicubic": level},
    title="Compare the two lines of one seed: without batch normalization is ahead",
)

# %% [markdown]
# Compare the two rows of one block first: that is the spread of the random starts. Then compare the
# blocks. From the same start, the network without batch normalization is ahead in every epoch, and its training
# takes less time (the seconds also depend on what else your machine does). At the end the lead is about a tenth
# of a decibel, little more than the two starts differ, and with `SHORT = 100` none was left in our runs. This is a result for a small network, few steps and this learning rate. It is no proof for others.
#
# What batch normalization does to a picture is easiest to see in training mode (`training=True`), in
# which it normalizes with the statistics of the batch. Give the network the same photo in two batches,
# alone and together with others:

# %%
low, _ = validation[0]
for name in VARIANTS:
    network = networks[f"{name}, seed 0"]
    alone = keras.ops.convert_to_numpy(network(low[:1], training=True))[0]
    together = keras.ops.convert_to_numpy(network(low, training=True))[0]
    print(f"{name:<8} largest difference {np.abs(alone - together).max():.1f} gray levels")

# %% [markdown]
# Without batch normalization the answer for a photo depends on that photo only. With it, in training
# mode, it depends on the other photos of the batch too. After training, the running means take the
# place of the batch's statistics, so you do not use quite the network that was trained.
#
# ## A PSNR on random crops depends on the crops
#
# The article discussed at the end of this lesson validates on one random crop of each photo and
# reports 31.4 dB in RGB. How much does such a number depend on the crops? Draw seven random crops from
# the validation photos, measure your second network and bicubic interpolation on them, and repeat this
# `DRAWS` times:

# %%
crops = pieces(validation_files, batch_size=7, batches=DRAWS)


def mean_psnr(targets, answers):
    """Mean PSNR in RGB, without leaving out a border."""
    return np.mean([sr.metrics.psnr(*pair) for pair in zip(targets, answers, strict=True)])


# %%
second = f"yours, from {START}"
draws = {second: [], "bicubic": []}
for low, high in (crops[n] for n in range(DRAWS)):
    size = high.shape[1:3]
    draws[second].append(mean_psnr(high, sr.upscaling.upscale_batch(low, continued, scale=SCALE)))
    draws["bicubic"].append(mean_psnr(high, [sr.degradations.resize(image, size) for image in low]))
draws = pd.DataFrame(draws)
draws["gain"] = draws[second] - draws["bicubic"]

# %%
figure, axes = plt.subplots(figsize=(8, 3.2))
for name in (second, "bicubic"):
    axes.plot(draws[name], ".-", label=name)
axes.set(xlabel="draw", ylabel="mean PSNR of seven crops, dB")
axes.set_title("The score jumps with the draw; the distance between the two changes far less")
figure.legend(loc="outside lower center", ncols=2, frameon=False)
plt.show()

# %%
draws.describe().loc[["min", "mean", "max", "std"]].round(2)

# %% [markdown]
# The score of one network moves by several decibels with the draw, much more than two good networks
# differ. A score on random crops can therefore neither be compared with another paper's nor with
# that of the epoch before. The gain over bicubic *on the same crops* is far steadier: its standard
# deviation is a fraction of the other two. On fixed photos, as in the training above, this problem
# does not arise.
#
# ## What the article said
#
# The article, *EDSR with Keras* on Juejin (in Chinese), follows a Keras example of 2022.
#
# | the article | what we find | verdict |
# |---|---|---|
# | validation PSNR 31.4 dB | one random crop of each photo, in RGB: see the draws above | cannot be checked |
# | choose the weights by the training loss | the training loss does not show overfitting; use photos that are not trained on | not sound |
# | ×4 is trained from random weights | the paper starts ×4 from the weights of ×2 (section 3.2); see what that gains above | not the paper's recipe |
# | blocks of 64 filters, whatever `num_filters` says | the addition fails for any other number | bug |
# | `ds.repeate()`, `self.trainable_varibales`, `.tf.float32` | no such attributes; the code stops there | bug |
#
# ## Change it yourself
#
# 1. The paper's large network has 32 blocks of 256 filters and a factor of 0.1. How many parameters
#    does it have at ×3? Start from `edsr(...)`.
# 2. Set `SCALE = 2` in the cell of constants and run all cells. At which scale is the gain over
#    bicubic larger? Why?
# 3. Train your network for `SHORT` steps with `offset=0.0`. Does centering matter?
#    Start from `network = compiled(compact(SCALE, BLOCKS, FILTERS), SHORT)`.
# 4. Train it with the squared error. Which loss gives the better PSNR? Start from
#    `network = compact(SCALE, BLOCKS, FILTERS, offset=-0.5)` and `network.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse", metrics=[...])`.
# 5. A self-ensemble of two: mirror the photo (`low_opening[:, ::-1].copy()`), mirror the answer back, take the
#    mean. How much of the gain of eight answers do two give?
#
# <details><summary>Solution to 1</summary>
#
# ```python
# print(f"{edsr(3, blocks=32, filters=256, scaling=0.1).count_params():,}")
# ```
# </details>
#
# <details><summary>Solution to 2</summary>
#
# At ×2 it is larger: the small photo still holds more of the detail, so the network has more to work
# with.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# network = compiled(compact(SCALE, BLOCKS, FILTERS), SHORT)
# few.set_epoch(0)
# run = network.fit(few, validation_data=middles, epochs=SHORT // len(few), verbose=0)
# print(f"not centered {run.history['val_psnr'][-1]:.2f} dB")
# print(f"centered     {runs['without, seed 0'].history['val_psnr'][-1]:.2f} dB")
# ```
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# for loss in ("mae", "mse"):
#     keras.utils.set_random_seed(0)
#     network = compact(SCALE, BLOCKS, FILTERS, offset=-0.5)
#     metric = sr.metrics.PSNR(luma=True, crop_border=SCALE, name="psnr")
#     network.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=[metric])
#     run = network.fit(few, validation_data=middles, epochs=2, verbose=0)
#     print(loss, round(run.history["val_psnr"][-1], 2), "dB")
# ```
#
# Repeat it with another seed before you decide.
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# def two(image, size):
#     mirrored = sr.upscaling.upscale(image[:, ::-1].copy(), continued, scale=SCALE)[:, ::-1]
#     answer = sr.upscaling.upscale(image, continued, scale=SCALE)
#     return np.round((answer.astype(float) + mirrored) / 2).astype("uint8")
#
#
# sr.metrics.table({"one": continued, "two": two, "eight": eight}, validation_files, scales=(SCALE,))
# ```
# </details>
#
# ## Summary
#
# - EDSR removes from SRResNet what does not help: batch normalization and the activations outside the
#   blocks. In our runs of 40 steps the networks without batch normalization were ahead by about a tenth of a
#   decibel, in runs of 100 steps no longer, and each step took less time.
# - A small network from the same blocks that starts from bicubic interpolation learns in less than a
#   minute; with the weights of another scale it is better after one epoch than the first one at its end.
# - A network for ×2 that gets its own answer is a network for ×4, here a better one than those trained for ×4 in a
#   minute, and five times as slow.
# - The mean of eight answers gains a little, for eight times the work.
# - Compare methods on the same pixels. A PSNR on random crops cannot be compared with one on other crops.
#
# **References**
#
# - Lim et al., *Enhanced deep residual networks for single image super-resolution*, 2017.
# - Ledig et al., *Photo-realistic single image super-resolution using a generative adversarial network*, 2017, for SRResNet.
# - Agustsson and Timofte, *NTIRE 2017 challenge on single image super-resolution: dataset and study*, for DIV2K.
# - Gitesh Chawda, *Enhanced deep residual networks for single-image super-resolution*, Keras example, 2022.
