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
# You end with a network of residual blocks that only draws what bicubic interpolation misses, and
# with a measured answer to what "residual" buys.
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/super-resolution/blob/main/notebooks/03_residual_blocks.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/OWNER/super-resolution/blob/main/notebooks/03_residual_blocks.ipynb)
#
# | | |
# |---|---|
# | Time | a minute on two CPU cores; half an hour there for the full run |
# | Before this | 02 (the two outputs, copied pixels, the study) |
# | Data | as in 02 |
#
# The article's second network replaces convolutions by residual blocks. It gains a little PSNR and,
# says the article, visibly better pictures at 288×288. Both turn out to be true, for a reason the
# article does not give.

# %%
# Install the course's helper package if it is missing (on Colab and Kaggle).
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.append("..")  # a clone
if not find_spec("srhelpers"):
    wheels = Path(os.environ.get("SR_KAGGLE_INPUT", "/kaggle/input")).rglob("srhelpers-*.whl")
    source = max(map(str, wheels), default="git+https://github.com/OWNER/super-resolution")
    backend = [] if find_spec("tensorflow") or find_spec("jax") else ["tensorflow"]
    pip = subprocess.run([sys.executable, "-m", "pip", "install", "-q", source, *backend])
    assert pip.returncode == 0, (
        "Turn the internet on, or add the srhelpers wheel as a dataset; it needs Python ≥ 3.11 and Keras ≥ 3.12."
    )

# %% [markdown]
# ## What you will have at the end

# %%
import srhelpers as sr

photo = sr.datasets.sample("chelsea")
sr.studies.demo.compare(
    photo,
    {"02, plain": "voc_plain", "03, residual": "voc_residual"},
    zoom=(82, 82, 56),
    title="72×72 grown to 288×288: look at the rim of the eye",
)

# %%
runtime = sr.setup(seed=0)
study = sr.studies.study.Study("03", runtime)

# %%
study.table("bicubic, area", "plain, corrected", "residual, added to bicubic")

# %% [markdown]
# More than a decibel over bicubic at 144. One idea did most of that, and it is not the residual
# block.
#
# ## Setup

# %%
from functools import partial

import keras
import numpy as np
from keras import layers

# %% [markdown]
# ## The idea
#
# A residual block computes something from its input and *adds it to its input*:
#
# $$\text{out} = x + f(x)$$
#
# A block can do nothing by learning $f = 0$, which is easy. Otherwise it only has to learn a
# change. The gradient has a straight way back through the sums. That made networks of more than a
# hundred layers trainable (He et al., 2016).
#
# ## The article's network
#
# Its block has two convolutions and, after the sum, one more activation: a leaky ReLU, which lets a
# fifth of negative values through.

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")
leaky = partial(layers.LeakyReLU, negative_slope=0.2)


# %%
def article_block(x):
    """The article's residual block: two convolutions, the sum, one more activation."""
    inside = convolution(32, activation=leaky())(x)
    inside = convolution(32, activation=leaky())(inside)
    return leaky()(layers.Add()([x, inside]))


# %% [markdown]
# Two blocks work at 72×72, a third one at 144×144 *between* the two upsamplings. The output layers
# have the leaky ReLU too.


# %%
def article_residual():
    """The article's second network."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = convolution(32, kernel_size=1, activation=leaky())(x)
    x = article_block(article_block(x))
    x2 = sr.studies.blocks.copied(sr.studies.blocks.colours(x, leaky()), 2, "x2")
    x = article_block(layers.UpSampling2D()(x))
    return keras.Model(
        photo,
        [x2, sr.studies.blocks.copied(sr.studies.blocks.colours(x, leaky()), 2, "x4")],
        name="article_residual",
    )


# %%
network = article_residual()
print([output.shape for output in network.outputs], f"{network.count_params():,} parameters")

# %% [markdown]
# You can read off what it can do. The output at 144 is still a 72×72 picture, copied: 2×2 squares.
# The output at 288 is a 144×144 picture, copied. In notebook 02 it had 4×4 squares, now it has 2×2
# ones. So you expect no gain at 144 and a clear one at 288.
#
# The article's own notebook gives the outputs the weights 0.3 and 0.7 in the loss. So do we:

# %%
settings = {"loss_weights": (0.3, 0.7), **study.recipe()}
study.train("residual, article", article_residual, ship="voc_article_residual", **settings)

# %%
study.table("plain, article", "residual, article", "bicubic, opencv")

# %% [markdown]
# As you expected: at 288 the residual network gains half a decibel on the plain one, at 144 it
# gains nothing. (They differ in more than the blocks: fewer filters, leaky ReLUs, other loss
# weights.) Both still lose to bicubic. Look at the squares:

# %%
sr.studies.demo.compare(
    photo,
    {"article 1, plain": "voc_article_plain", "article 2, residual": "voc_article_residual"},
    degradation="opencv",
    zoom=(82, 82, 56),
    title="The article's first two networks, to 288: squares of 4×4, then of 2×2",
)

# %% [markdown]
# ## The correction: start from the interpolated photo
#
# A network for super-resolution has to give back the whole photo, although it is asked only for the
# detail. Most of its answer is known: bicubic interpolation comes close. So carry the residual idea
# to the whole network. Enlarge the photo by interpolation, and let the network add what is missing:
#
# $$\text{answer} = \text{bicubic}(\text{photo}) + f(\text{photo})$$
#
# VDSR made this usual (Kim et al., 2016). Call the enlarged photo the *base*. The last convolution
# starts at zero, so before the first step of training the network *is* bicubic.
#
# Our block leaves out the activation after the sum, as EDSR does: what one block adds can then pass
# all later ones unchanged. The outputs are made as in 02: copy, convolve, copy, convolve.

# %%
sr.studies.demo.show_code(
    sr.studies.blocks.residual_block, sr.studies.blocks.enlarged, sr.studies.blocks.two_pictures
)


# %%
def residual(block=sr.studies.blocks.residual_block, base=True):
    """Six blocks at 72×72, then convolutions after the copying as in 02, added to the enlarged photo."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, dtype="float32")(photo)
    features = convolution(32)(x)
    for _ in range(6):
        features = block(features, 32)
    outputs = sr.studies.blocks.two_pictures(features, x if base else None)
    return keras.Model(photo, outputs, name="residual")


# %% [markdown]
# Before any training:

# %%
small, target = (sr.degradations.area(photo, (side, side)) for side in (72, 288))
bicubic = sr.degradations.resize(small, (288, 288))
untrained = sr.studies.demo.predict(residual(), small)[1]
print(f"untrained {sr.metrics.psnr(target, untrained):.2f} dB")
print(f"bicubic   {sr.metrics.psnr(target, bicubic):.2f} dB")

# %% [markdown]
# ## Train
#
# Thirty epochs on nine sample photos, with and without the base, to see how they begin:

# %%
runs = {}
for name, base in {"from nothing": False, "added to bicubic": True}.items():
    keras.utils.set_random_seed(0)
    runs[name] = sr.studies.demo.short_run(residual(base=base))

# %%
figure = sr.plots.history(
    runs, metrics=["x4_psnr"], title="PSNR in dB at 288: one starts where the other wants to go"
)
figure

# %% [markdown]
# And the full runs. Two questions at once. What does the base buy? And what do the sums inside the
# blocks buy, if the base is there? For the second one, the same twelve convolutions run without
# their sums:


# %%
def plain_block(x, filters):
    """The same two convolutions without the sum, and with a second ReLU."""
    x = convolution(filters, activation="relu")(x)
    return convolution(filters, activation="relu")(x)


# %%
study.train("residual, from nothing", partial(residual, base=False), **sr.studies.study.OURS)
study.train(
    "plain blocks, added to bicubic", partial(residual, plain_block), **sr.studies.study.OURS
)
study.train("residual, added to bicubic", residual, ship="voc_residual", **sr.studies.study.OURS)

# %%
study.table(
    "bicubic, area",
    "residual, from nothing",
    "plain blocks, added to bicubic",
    "residual, added to bicubic",
)

# %% [markdown]
# The base buys 2.6 dB at 144 and 1.9 dB at 288, in 750 steps. (Longer training would narrow that:
# notebook 02's network starts from nothing, too, and gets over bicubic in 2,500.) Without it the
# seeds differ by a quarter of a decibel, with it by a few hundredths.
#
# And the sums inside the blocks? No difference that three seeds can show. With twelve convolutions
# the plain stack trains just as well. Residual blocks are made for depths at which plain stacks
# stop training, and this network is not that deep. EDSR, in notebook 08, is.

# %%
curves = study.rows(file="voc_histories.csv").query("seed == 0")
runs = {
    name: curves[curves.experiment == name][["epoch", "val_x2_psnr", "val_x4_psnr"]]
    for name in (
        "residual, from nothing",
        "plain blocks, added to bicubic",
        "residual, added to bicubic",
    )
}
sr.plots.history(runs, metrics=["x2_psnr", "x4_psnr"], title="Validation PSNR in dB, full run")

# %% [markdown]
# ## Look
#
# What does the network add? Its answer minus bicubic, with grey for no change and the differences
# four times as strong:

# %%
residual_answer = sr.studies.demo.predict(sr.models.load("voc_residual"), small)[1]
added = residual_answer.astype(int) - bicubic
missing = target.astype(int) - bicubic


def strengthen(difference):
    """Grey for nothing, four times as strong."""
    return np.clip(128 + 4 * difference, 0, 255).astype("uint8")


# %%
sr.plots.pairs(
    {
        "bicubic": [bicubic],
        "what the network adds": [strengthen(added)],
        "what is missing": [strengthen(missing)],
    },
    title="The network adds edges; fine texture stays missing",
)

# %% [markdown]
# The middle picture is a calm version of the right one. The network sharpens edges, whose position
# the small photo still tells. The fur is gone from the small photo, and what is gone the mean
# squared error does not dare to invent: a wrong hair costs twice, once where it is and once where
# it should be.
#
# ## Any size
#
# The base is made inside the network, so it too takes any size:

# %%
sr.studies.demo.compare(
    sr.datasets.sample("coffee"),
    {"03, residual": "voc_residual"},
    size=(100, 150),
    zoom=(235, 325, 100),
    title="The same network on 100×150 pixels, to 400×600: look at the spoon",
)

# %% [markdown]
# ## What the article said
#
# **The article says** that residual blocks gain 0.2998 dB at 288, nothing at 144 for the eye, and
# that the pictures at 288 look clearly better.

# %%
for side in (144, 288):
    gain = study.difference("residual, article", "plain, article", side, kind="batch")
    print(f"residual over plain at {side}, by the article's measure: {gain} dB")

# %%
names = ["plain, article", "residual, article"]
study.rows(*names).groupby("experiment")[["ssim_144", "ssim_288"]].agg(["mean", "std"]).round(3)

# %% [markdown]
# **We measure** a gain of 0.4 to 0.5 dB at 288 and none at 144, with three seeds. SSIM says the
# same.
#
# **Verdict: holds, and the squares explain it.** At 288 the picture is better because its squares
# are 2×2 in place of 4×4: one block works at 144×144. At 144 both networks draw 2×2 squares, and
# the eye sees no difference. That it was the *residual* in the block we cannot confirm: in our own
# network the sums bring nothing. And both networks lose to bicubic, which the article does not
# show.
#
# ## Change it yourself
#
# 1. Enlarge a photo of your own with `sr.studies.demo.compare`.
# 2. Which weights are largest in `voc_residual`? Set one block's second convolution to zero. How much PSNR does the photo lose, block by block?
# 3. The base could be made by Lanczos, which scores higher than bicubic. Measure how much of that lead a trained network keeps. (An afternoon.)
# 4. Give `residual` twelve blocks of 16 filters. Compare parameters, time and the short run.
#
# <details><summary>Solution to 2</summary>
#
# ```python
# model = sr.models.load("voc_residual")
# sums = [layer for layer in model.layers if isinstance(layer, layers.Add)][:6]
# seconds = [layer.input[1]._keras_history.operation for layer in sums]
# full = sr.metrics.psnr(target, sr.studies.demo.predict(model, small)[1])
# for number, second in enumerate(seconds, 1):
#     kept = second.get_weights()
#     second.set_weights([0 * weights for weights in kept])
#     without = sr.metrics.psnr(target, sr.studies.demo.predict(model, small)[1])
#     second.set_weights(kept)
#     print(f"without block {number}: {without - full:+.2f} dB")
# ```
#
# With one block gone the network still works. It behaves like a crowd of shorter networks (Veit et
# al., 2016).
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# def narrow_and_deep():
#     photo = keras.Input((None, None, 3))
#     x = layers.Rescaling(1 / 255, dtype="float32")(photo)
#     features = convolution(16)(x)
#     for _ in range(12):
#         features = sr.studies.blocks.residual_block(features, 16)
#     return keras.Model(photo, sr.studies.blocks.two_pictures(features, x))
#
#
# for network in (residual(), narrow_and_deep()):
#     last = sr.studies.demo.short_run(network).iloc[-1]
#     print(f"{network.count_params():,} parameters, {last.val_x4_psnr:.2f} dB, {last.seconds} s an epoch")
# ```
# </details>

# %% [markdown]
# ## Summary
#
# The article's residual network wins at 288 because one of its blocks sits at 144×144, so its
# squares are half as wide; at 144 nothing changes. Adding the answer to the interpolated photo is
# the larger step. With it the network starts at bicubic and spends its training on detail.
#
# **References.** He et al., *Deep residual learning for image recognition*, 2016. Kim et al.
# (VDSR), *Accurate image super-resolution using very deep convolutional networks*, 2016, section
# 4.1. Lim et al. (EDSR), *Enhanced deep residual networks for single image super-resolution*, 2017,
# section 3.1. Veit et al., *Residual networks behave like ensembles of relatively shallow
# networks*, 2016. The article: see notebook 02.
