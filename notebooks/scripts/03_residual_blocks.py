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
# # 03 · Residual blocks
#
# You end with a network that only draws what bicubic interpolation misses, and with two networks of
# forty layers: one that trains and one that does not.
#
# | | |
# |---|---|
# | Time | a minute and a quarter on two CPU cores |
# | Read first | [02](02_plain_convolution.ipynb): two outputs, the training loop |
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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][14])
ZOOM = (60, 96, 96)  # top, left, size of the square shown; None finds one with much detail
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "02, plain": "voc_plain", "03, residual": "voc_residual"},
    scale=4,
    zoom=ZOOM,
    title="Four times as large: look at the thin bars and at the edges of the dark openings",
)

# %% [markdown]
# The photo is downsampled to a quarter of its width and height, 72×72 pixels, and each method sees
# those pixels only. The networks in this picture ship with the course.
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
# The constants of this lesson are in one cell. Change one and run the cells below: the network, its
# picture and its numbers follow.

# %%
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
BLOCKS = 4
FILTERS = 32
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 16
STEPS = 300 if runtime.profile == "quick" else 3_000  # batches to train on
EPOCH_STEPS = 100  # batches in an epoch; the network is measured after each epoch
LEARNING_RATE = 2e-3
LOSS = "mae"  # or "mse", sr.losses.NegativePSNR(), sr.losses.Charbonnier()

# %% [markdown]
# ## The idea
#
# A residual block computes something from its input and *adds it to its input*:
#
# $$\text{out} = x + f(x)$$
#
# The path around $f$ is a *skip connection*. It does two things. A block that has nothing to
# contribute only has to learn $f = 0$, which is easy. And the gradient reaches the first layers
# through the sums, without passing through every convolution on the way. That made networks of more
# than a hundred layers trainable (He et al., 2016).
#
# The second convolution of a block starts with smaller weights than Keras gives by default. Otherwise
# every block would add about as much as it receives, and after many blocks the numbers would be huge.

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def residual_block(x, filters):
    """Two convolutions, added to what came in."""
    small = keras.initializers.VarianceScaling(0.1)
    inside = convolution(filters, activation="relu")(x)
    return layers.Add()([x, convolution(filters, kernel_initializer=small)(inside)])


# %%
features = keras.Input((None, None, FILTERS))
block = keras.Model(features, residual_block(features, FILTERS))
sr.plots.network(block, title="A residual block: the arc is the skip connection")

# %% [markdown]
# The network as a whole gets a skip connection as well. Bicubic interpolation already comes close to
# the answer, so let the network compute only what is missing:
#
# $$\text{answer} = \text{bicubic}(\text{photo}) + f(\text{photo})$$
#
# VDSR made this popular (Kim et al., 2016). Your network of lesson 02 had it already; the last table of
# this lesson shows what it brings. The last convolution starts with weights near zero, so before the
# first step of training the network gives the bicubic picture.
#
# ## Build
#
# The end of the network is that of lesson [02](02_plain_convolution.ipynb): a convolution, *depth to
# space*, and the sum with bicubic interpolation. New are the blocks before it.


# %%
def residual(blocks=BLOCKS, filters=FILTERS, block=residual_block):
    """Blocks at the size of the photo, then two outputs: twice and four times as large."""
    photo = keras.Input((None, None, 3))
    features = convolution(filters)(layers.Rescaling(1 / 255)(photo))
    for _ in range(blocks):
        features = block(features, filters)
    outputs = [sr.layers.added_to_bicubic(features, photo, scale) for scale in (2, 4)]
    return keras.Model(photo, outputs, name="residual")


# %%
model = residual()
print([output.shape for output in model.outputs])
sr.plots.network(model, title=f"Residual blocks, two outputs: {model.count_params():,} parameters")

# %% [markdown]
# ## Data
#
# The network trains on small pieces of the downsampled photos. Its targets are the same places of
# the photos at twice and at four times the size. Each piece comes from a random place of a random
# photo, turned and mirrored at random.
#
# For validation the middle of each photo is upscaled from 72×72 pixels to 144×144 and 288×288.

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, scale=(2, 4), patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(training_files, batches=EPOCH_STEPS)
validation = pieces(validation_files, patch_size=72, training=False)
print(f"{len(training.files)} photos to train, {len(validation.files)} to validate")

# %%
low, (twice, four_times) = training[0]
sr.plots.pairs(
    {"input": low, "first target": twice, "second target": four_times},
    rows=3,
    title="Three pieces of a batch at three sizes",
)

# %% [markdown]
# ## Train
#
# Adam with the learning rate of lesson 02, which rises in the first tenth of the steps and then falls to
# zero along a cosine, and the mean absolute error of both outputs. The metric is the PSNR of the
# benchmarks: on luma, without `scale` pixels of border.
#
# Bicubic interpolation is what the network has to beat. Measure both on the validation photos:


# %%
def compiled(model, steps=STEPS):
    """The model, ready for `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(sr.training.warmup_cosine(LEARNING_RATE, steps)),
        loss=[LOSS, LOSS],
        metrics=[[sr.metrics.PSNR(luma=True, crop_border=scale)] for scale in (2, 4)],
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
    return model


# %%
bicubic = sr.metrics.bicubic_psnr(validation)
untrained = compiled(model).evaluate(validation, return_dict=True, verbose=0)
scores = pd.DataFrame({"bicubic, dB": bicubic, "yours, untrained, dB": untrained})
scores.loc[list(bicubic)].round(2)

# %% [markdown]
# The two columns agree to about a hundredth of a decibel: training starts from bicubic interpolation.
# Now train. This is the longest cell of the lesson, about half a minute on two idle cores.

# %%
epochs = max(1, STEPS // EPOCH_STEPS)
history = model.fit(training, validation_data=validation, epochs=epochs, verbose=2)

# %%
sr.plots.history(
    history,
    metrics=["x2_psnr", "x4_psnr"],
    baseline={"bicubic": bicubic},
    title="Validation is above the bicubic line from the first epoch on",
)

# %% [markdown]
# Compare the validation curve with the dotted line: both are measured on the validation photos. The
# training curve comes from small pieces of other photos. Most of the gain comes in the first two
# epochs; the last adds little.
#
# ## Look

# %%
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "yours": model, "ships with the course": "voc_residual"},
    scale=4,
    zoom=ZOOM,
    title="Your network beside bicubic interpolation and the network that ships",
)

# %% [markdown]
# What does your network add? Its answer minus bicubic, with gray for no change and the differences
# four times as strong:


# %%
def strengthened(difference):
    """Gray for nothing, differences four times as strong."""
    return np.clip(128 + 4 * difference.astype(int), 0, 255).astype("uint8")


# %%
target = sr.degradations.crop_to_multiple(opening, 4)
height, width = target.shape[:2]
small = sr.degradations.bicubic(target, (height // 4, width // 4))
interpolated = sr.degradations.resize(small, (height, width))
answer = sr.upscaling.upscale(small, model, scale=4)

# %%
sr.plots.pairs(
    {
        "bicubic": [interpolated],
        "what your network adds": [strengthened(answer - interpolated.astype(int))],
        "what is missing": [strengthened(target - interpolated.astype(int))],
    },
    title="The network adds edges; much of the fine detail stays missing",
)

# %% [markdown]
# The picture in the middle is a weaker version of the one on the right. The network sharpens edges
# whose position the small photo still shows, such as those of the frame. The spokes are thinner than
# a pixel of the small photo. Where the small photo shows little of a detail, guessing it wrong costs
# more than leaving it out, and the network adds little.
#
# ## Measure
#
# `sr.metrics.table` downsamples each whole photo by the scale, upscales it with each method and
# compares it with the original. At ×2 it therefore starts from 144×144 pixels, not from 72×72 as in
# the validation above: the numbers at ×2 differ from those of the curve.

# %%
methods = {"bicubic": "bicubic", "yours": model, "ships with the course": "voc_residual"}
ships = sr.models.manifest()["voc_residual"]
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
SETS = ("Set5", "Set14") if runtime.profile == "quick" else ("Set5", "Set14", "B100")
sets = [name for name in SETS if sr.datasets.is_here(name)]
sr.metrics.table(methods, *sets, scales=(4,)) if sets else "none of the benchmark sets is here"

# %% [markdown]
# ## Experiment: how deep can you go?
#
# Build two networks with forty convolutions in their blocks. One has residual blocks. The other has
# plain blocks, the same convolutions without the sums. Both add their answer to the bicubic picture,
# and both are trained alike.


# %%
def plain_block(x, filters):
    """Two convolutions, one after the other."""
    x = convolution(filters, activation="relu")(x)
    return convolution(filters, activation="relu")(x)


# %%
features = keras.Input((None, None, FILTERS))
block = keras.Model(features, plain_block(features, FILTERS))
sr.plots.network(block, title="A plain block: no way around the convolutions")

# %% [markdown]
# The runs are short, and narrow networks and smaller pieces make them affordable:

# %%
DEEP = 20  # blocks, of two convolutions each
NARROW = 16  # filters
SHORT = 80  # steps

kinds = {"plain": plain_block, "residual": residual_block}
smaller = pieces(training_files, patch_size=16, batches=max(1, SHORT // 2))
runs, deep = {}, {}
for name, block in kinds.items():
    keras.utils.set_random_seed(0)
    deep[name] = compiled(residual(DEEP, NARROW, block), SHORT)
    runs[name] = deep[name].fit(smaller, validation_data=validation, epochs=2, verbose=0)

# %%
curves = ("val_x2_psnr", "val_x4_psnr")
sr.plots.history(
    {name: {curve: run.history[curve] for curve in curves} for name, run in runs.items()},
    baseline={"bicubic": bicubic},
    title=f"{2 * DEEP} convolutions: only the residual network leaves the bicubic line",
)

# %%
last = {
    name: {metric: run.history[f"val_{metric}"][-1] for metric in bicubic}
    for name, run in runs.items()
}
pd.DataFrame({"bicubic": bicubic, **last}).T.rename(columns="{}, dB".format).round(2)

# %% [markdown]
# The plain network still gives the bicubic picture, to about a hundredth of a decibel. The residual
# one, with as many parameters, is clearly above it at both sizes after the same number of steps.
# Photos, loss and learning rate were the same.
#
# One reason is how much of the gradient reaches the early layers. Send one batch through each network
# before training, and look at the gradient of the first convolution:


# %%
def first_gradient(block, blocks=DEEP):
    """Mean absolute gradient at the first convolution of an untrained network."""
    keras.utils.set_random_seed(0)
    network = residual(blocks, NARROW, block)
    first = next(layer for layer in network.layers if isinstance(layer, layers.Conv2D))
    before = first.get_weights()[0]
    network.compile(keras.optimizers.SGD(1.0), loss=[LOSS, LOSS])
    network.train_on_batch(*smaller[0])  # a step of SGD at rate 1 moves the weights by the gradient
    return float(np.abs(first.get_weights()[0] - before).mean())


# %%
for name, block in kinds.items():
    print(f"{name:<9} mean gradient {first_gradient(block):.1e}")

# %% [markdown]
# In the plain network the gradient shrinks at every layer, and after forty of them almost nothing is
# left: it *vanishes*. In the residual network it takes the way through the sums. Other initial weights
# and batch normalization help plain networks, too. He et al. (2016) used both; still, beyond about
# twenty layers their plain networks got worse with more layers, and the residual ones better.
#
# In a shallow network the sums matter little, as the next section shows.
#
# ## What the article said
#
# The networks of lessons 02 to 06 go back to an article, A. Amsel's *Starting with
# Super-Resolution*. Its second network has residual blocks in place of plain convolutions. We
# rebuilt it and trained it with three seeds. The table gives differences of PSNR and SSIM, means over
# the seeds; after ± stands the standard deviation. "Ours" is a network like yours with six blocks,
# that is, twelve convolutions.

# %%
study = pd.read_csv(sr.runtime.shipped("results") / "voc_study.csv")
study = study.set_index(["experiment", "seed"])
digits = {"psnr_144": 2, "psnr_288": 2, "ssim_288": 3}


def gain(one, other):
    """Mean ± standard deviation of what `one` scores above `other`, seed by seed."""
    base = study.loc[other].reindex(study.loc[one].index).ffill()  # bicubic has no seeds: one row
    above = {name: study.loc[one][name] - base[name] for name in digits}
    return [
        f"{above[name].mean():+.{n}f} ± {above[name].std():.{n}f}" for name, n in digits.items()
    ]


# %%
differences = {
    "article's residual − article's plain": gain("residual, article", "plain, article"),
    "article's residual − bicubic": gain("residual, article", "bicubic, opencv"),
    "ours: residual − plain blocks": gain(
        "residual, added to bicubic", "plain blocks, added to bicubic"
    ),
    "ours: with bicubic added − without": gain(
        "residual, added to bicubic", "residual, from nothing"
    ),
}
columns = ["PSNR at 144, dB", "PSNR at 288, dB", "SSIM at 288"]
pd.DataFrame(differences, index=columns).T

# %% [markdown]
# | The article says | Our measurement | Verdict |
# |---|---|---|
# | Residual blocks gain 0.2998 dB at 288×288 | first row: a gain of that order | holds |
# | At 144×144 there is no visible difference | first row: no gain | holds |
# | The pictures at 288×288 look clearly better | first row: a higher SSIM | holds, for another reason |
# | The residual blocks are the cause | third row: less than the spread of the seeds | not confirmed |
# | (the network is not compared with bicubic) | second row: it loses to bicubic | – |
#
# The other reason: the article's networks enlarge by copying pixels. The plain one copies each pixel
# of its 288×288 picture into a square of 4×4. The residual one has a block that works at 144×144, so
# its squares are 2×2. At 144×144 both copy into squares of 2×2, and nothing changes.
#
# The last row is the largest difference in the table: it is what the skip connection around the
# whole network brings. Lesson [A1](A1_what_the_voc_article_said.ipynb) says how this was measured.
#
# ## Change it yourself
#
# **1. Deeper or wider?** Set `BLOCKS = 8`, then set it back and take `FILTERS = 48`. Run the lesson
# each time and note the parameters, the time of an epoch and the PSNR at ×4. Which of the two brings
# more for its time?
#
# **2. Take a block out.** Set the weights of one block's second convolution to zero, so that the
# block passes its input on. How much does your network lose? Is it the same for every block?
#
# ```python
# seconds = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)][2 : 2 * BLOCKS + 1 : 2]
# weights = seconds[0].get_weights()
# seconds[0].set_weights([0 * array for array in weights])
# sr.metrics.evaluate(model, validation_files, 4).psnr_y.mean()
# ```
#
# **3. At what depth does the gradient vanish?** Measure `first_gradient(plain_block, blocks)` for 1,
# 5 and 10 blocks. By what factor does it shrink with each block?
#
# **4. Other initial weights.** `he_normal` was made for layers with ReLU: it keeps the size of the
# numbers from layer to layer. Give it to both convolutions of the plain block. Does the gradient
# arrive now? Does the network train?
#
# ```python
# def plain_he_block(x, filters):
#     x = convolution(filters, activation="relu", kernel_initializer="he_normal")(x)
#     ...
# ```
#
# <details><summary>Solution to 1</summary>
#
# The loop trains both for the same few steps. Raise `steps` to `STEPS` for an answer that counts.
#
# ```python
# steps = 20
# few = pieces(training_files, batches=steps)
# for blocks, filters in [(2 * BLOCKS, FILTERS), (BLOCKS, 3 * FILTERS // 2)]:
#     keras.utils.set_random_seed(0)
#     network = compiled(residual(blocks, filters), steps)
#     network.fit(few, verbose=2)
#     psnr = network.evaluate(validation, return_dict=True, verbose=0)["x4_psnr"]
#     print(f"{blocks} blocks of {filters}: {network.count_params():,} parameters, {psnr:.2f} dB")
# ```
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
# seconds = convolutions[2 : 2 * BLOCKS + 1 : 2]
# full = model.evaluate(validation, return_dict=True, verbose=0)["x4_psnr"]
# for number, second in enumerate(seconds, 1):
#     weights = second.get_weights()
#     second.set_weights([0 * array for array in weights])
#     without = model.evaluate(validation, return_dict=True, verbose=0)["x4_psnr"]
#     second.set_weights(weights)
#     print(f"without block {number}: {without - full:+.2f} dB")
# ```
#
# A plain network would be useless without one of its layers. A residual one goes on working, better
# or worse: Veit et al. (2016) describe it as a collection of many shorter networks.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# for blocks in (1, 5, 10):
#     print(f"{blocks:>2} blocks: {first_gradient(plain_block, blocks):.1e}")
# ```
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# def plain_he_block(x, filters):
#     x = convolution(filters, activation="relu", kernel_initializer="he_normal")(x)
#     return convolution(filters, activation="relu", kernel_initializer="he_normal")(x)
#
#
# print(f"mean gradient {first_gradient(plain_he_block):.1e}")
# keras.utils.set_random_seed(0)
# network = compiled(residual(DEEP, NARROW, plain_he_block), 20)
# network.fit(pieces(training_files, patch_size=16, batches=20), verbose=0)
# network.evaluate(validation, return_dict=True, verbose=0)["x4_psnr"] - bicubic["x4_psnr"]
# ```
#
# The gradient is larger by many powers of ten, and still smaller than that of the residual network.
# Twenty steps say little; we also trained it for a hundred, and it stayed at bicubic.
# </details>

# %% [markdown]
# ## Summary
#
# - A residual block adds what it computes to its input. With forty convolutions the sums decide
#   whether the network trains; with twelve they make no difference that three seeds can show.
# - A skip connection around the whole network leaves it only the difference to bicubic interpolation
#   to learn. It starts at bicubic, and a few hundred steps are enough to be clearly better.
# - The article's residual network is better than its plain one at 288×288 since one block works at a
#   larger size, not because of the sums.
#
# **References.** He et al., *Deep residual learning for image recognition*, 2016. Kim et al. (VDSR),
# *Accurate image super-resolution using very deep convolutional networks*, 2016, section 4.1. Lim et
# al. (EDSR), *Enhanced deep residual networks for single image super-resolution*, 2017. Veit et al.,
# *Residual networks behave like ensembles of relatively shallow networks*, 2016. The article: see
# lesson [02](02_plain_convolution.ipynb).
