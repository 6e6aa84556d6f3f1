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
# # 04 · Atrous convolution, and what the loss weighs
#
# You end with a network of dilated convolutions, a verdict on the article's loss weights, and a
# loss that asks for exactly what you measure.
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/super-resolution/blob/main/notebooks/04_atrous_convolution.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/OWNER/super-resolution/blob/main/notebooks/04_atrous_convolution.ipynb)
#
# | | |
# |---|---|
# | Time | a minute on two CPU cores; half an hour there for the full run |
# | Before this | 02 (the study), 03 (residual blocks, the base) |
# | Data | as in 02 |
#
# The French say *à trous*, with holes. An atrous, or dilated, convolution leaves out pixels between
# those it reads.

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
    {"03, residual": "voc_residual", "04, atrous": "voc_atrous"},
    zoom=(82, 82, 56),
    title="72×72 grown to 288×288: look at the rim of the eye",
)

# %%
runtime = sr.setup(seed=0)
study = sr.studies.study.Study("04", runtime)

# %%
study.table("bicubic, area", "residual, added to bicubic", "dilated, PSNR loss")

# %% [markdown]
# The last row had two thirds of the steps of the one above, half the rate and another loss, so
# their distance is not the price of dilation. Below, four networks that differ in one thing at a
# time give you that price.
#
# ## Setup

# %%
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

sr.plots.use_style()

# %% [markdown]
# ## The idea: see further for the same price
#
# A 3×3 convolution reads 9 values. With a dilation rate of 2 it still reads 9, but from a 5×5
# window; with rate 4 from 9×9. Stack rates 1, 2 and 4, and one pixel of the output has seen 15×15
# pixels, with three layers. Three ordinary ones see 7×7.
#
# You can measure what a stack sees. Change one pixel, and look where the output changes:


# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def seen(rates):
    """Which pixels of a 25×25 picture a change in the middle reaches, through convolutions of these rates."""
    dot = np.zeros((1, 25, 25, 1), "float32")
    dot[0, 12, 12] = 1
    x = photo_in = keras.Input((25, 25, 1))
    for rate in rates:
        x = convolution(1, dilation_rate=rate, kernel_initializer="ones")(x)
    reached = keras.ops.convert_to_numpy(keras.Model(photo_in, x)(dot))[0, ..., 0]
    return (255 * (reached > 0)).astype("uint8")


# %%
stacks = {"rates 1, 1, 1": (1, 1, 1), "rates 1, 2, 4": (1, 2, 4), "rates 4, 4, 4": (4, 4, 4)}
sr.plots.pairs(
    {name: [seen(rates)] for name, rates in stacks.items()},
    title="What three layers see: large equal rates leave holes",
)

# %% [markdown]
# The right one shows why the rates must differ: three times rate 4 reaches far and reads one pixel
# in sixteen. That leaves a grid in the output (Wang et al., 2018).
#
# ## The article's network
#
# Three convolutions with rates 1, 2 and 4. Their result is not added but *joined* to what came in,
# and a fourth convolution makes 32 channels of the 64. For the rest the network is the residual one
# of notebook 03.

# %%
leaky = partial(layers.LeakyReLU, negative_slope=0.2)


def article_atrous_block(x):
    """The article's atrous block."""
    inside = x
    for rate in (1, 2, 4):
        inside = convolution(32, dilation_rate=rate, activation=leaky())(inside)
    x = leaky()(layers.Concatenate()([x, inside]))
    return convolution(32, activation=leaky())(x)


# %%
def article_atrous():
    """The article's third network: two atrous blocks at 72×72, one at 144×144."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = convolution(32, kernel_size=1, activation=leaky())(x)
    x = article_atrous_block(article_atrous_block(x))
    x2 = sr.studies.blocks.copied(sr.studies.blocks.colours(x, leaky()), 2, "x2")
    x = article_atrous_block(layers.UpSampling2D()(x))
    return keras.Model(
        photo,
        [x2, sr.studies.blocks.copied(sr.studies.blocks.colours(x, leaky()), 2, "x4")],
        name="article_atrous",
    )


# %%
ours, before = (
    article_atrous().count_params(),
    sr.models.load("voc_article_residual").count_params(),
)
print(f"{ours:,} parameters, {ours / before:.2f} times the article's residual network")

# %% [markdown]
# ## Loss weights
#
# With two outputs there are two losses, and `fit` minimises their weighted sum. The article first
# gave the small output more weight, since the small picture is easier. Then it found the opposite
# to be better *for both*: 0.3 for the small output and 0.7 for the large one.
#
# Three weightings, three seeds each, the rest as in the article:

# %%
weightings = {"0.3:0.7": (0.3, 0.7), "0.7:0.3": (0.7, 0.3), "0.5:0.5": (0.5, 0.5)}
for weighting, weights in weightings.items():
    study.train(
        f"atrous, article, {weighting}",
        article_atrous,
        loss_weights=weights,
        ship="voc_article_atrous" if weighting == "0.3:0.7" else None,
        **study.recipe(),
    )

# %%
names = [f"atrous, article, {weighting}" for weighting in weightings]
study.table("residual, article", *names, "bicubic, opencv")

# %% [markdown]
# Two and a half times the parameters buy nothing: the atrous network ends within a few hundredths
# of the residual one. The weights move hundredths too. A heavier weight on the small output helps
# the small one by 0.07 dB, and the large one does not mind. All of them draw squares of 2×2, and
# squares have no use for a wider view.
#
# ## Our network, dilated
#
# The article's outputs are made of squares (02) and the network has to paint the whole photo (03).
# Both hide what dilation can do. So put dilated convolutions into our own residual network: rates
# 1, 2, 4, twice, in the first convolution of each block. With all rates 1 this would be the network
# of notebook 03.


# %%
def atrous(rates=(1, 2, 4, 1, 2, 4)):
    """Residual blocks with dilated convolutions, added to the enlarged photo."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, dtype="float32")(photo)
    features = convolution(32)(x)
    for rate in rates:
        features = sr.studies.blocks.residual_block(features, 32, dilation_rate=rate)
    return keras.Model(photo, sr.studies.blocks.two_pictures(features, x), name="atrous")


# %%
gentle = sr.studies.study.OURS | {"epochs": 4}
study.train("dilated", atrous, **gentle, seeds=(0,))

# %%
study.table("bicubic, area", "residual, added to bicubic", "dilated")

# %% [markdown]
# That is bicubic to the hundredth: the network gives its base and adds nothing, from its first
# epoch on (the table below). Most likely its first steps were too large: the convolutions after the
# copying end in ReLUs, and these can be pushed below zero for good. Notebook 05 takes such a death
# apart. So from here on every network trains at half the rate. (One seed, and we chose the half
# after seeing this score.)

# %%
histories = study.rows("dilated", file="voc_histories.csv")
histories[["epoch", "val_x2_psnr", "val_x4_psnr"]].round(2)

# %% [markdown]
# ## The correction: train for what you measure
#
# You measure the *mean over images of the PSNR*. You train for the *mean squared error of a batch*.
# These are not the same wish. Here is how much each sample photo adds to the squared error of
# bicubic:


# %%
def squared_error(file):
    """Mean squared error of bicubic ×4 on a photo squeezed to 288×288."""
    image = sr.datasets.read_image(file)
    low, high = (sr.degradations.area(image, (side, side)) for side in (72, 288))
    high, grown = high.astype(float), sr.degradations.resize(low, (288, 288)).astype(float)
    return np.mean((high.reshape(288, 288, -1) - grown.reshape(288, 288, -1)) ** 2)


errors = {file.stem: squared_error(file) for file in sr.datasets.photos("samples")}
errors = dict(sorted(errors.items(), key=lambda item: item[1]))

# %%
figure, axes = plt.subplots(figsize=(8, 3.4))
axes.barh(list(errors), [100 * error / sum(errors.values()) for error in errors.values()])
axes.axvline(100 / len(errors), color="C1", label="the same for all")
axes.set(xlabel="percent of the whole squared error", title="A few hard photos decide the step")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# A network trained on the squared error works mostly for the photos with the longest bars. In the
# mean over images of the PSNR all photos count the same, since the logarithm asks for *relative*
# gains: half the error is 3 dB, on any photo.
#
# So take the PSNR itself as the loss, with a minus. It is in the helper package, because notebooks
# 05 and 06 use it too:

# %%
sr.studies.demo.show_code(sr.losses.NegativePSNR)

# %% [markdown]
# Its gradient is that of the squared error, divided by the photo's own squared error. That weighs
# the photos anew, and the two outputs too: in decibels both count alike, where the squared error at
# 288 is the larger one. Nothing else changes.

# %% [markdown]
# **What each buys.** Dilated or not, squared error or PSNR: four networks that differ in nothing
# else, three seeds each.

# %%
gentle["learning_rate"] = 5e-4
undilated = partial(atrous, rates=(1, 1, 1, 1, 1, 1))
losses = {"squared error": "mse", "PSNR loss": sr.losses.NegativePSNR()}
for name, loss in losses.items():
    study.train(f"undilated, {name}", undilated, loss=loss, **gentle)
    study.train(
        f"dilated, {name}",
        atrous,
        loss=loss,
        ship=None if loss == "mse" else "voc_atrous",
        **gentle,
    )

# %%
four = [f"{kind}, {name}" for name in losses for kind in ("undilated", "dilated")]
study.table("bicubic, area", *four)

# %%
for side in (144, 288):
    for kind in ("undilated", "dilated"):
        gain = study.difference(f"{kind}, PSNR loss", f"{kind}, squared error", side)
        print(f"PSNR loss over squared error, {kind}, at {side}: {gain} dB")
    for name in losses:
        gain = study.difference(f"dilated, {name}", f"undilated, {name}", side)
        print(f"dilation, trained on the {name}, at {side}: {gain} dB")

# %% [markdown]
# The PSNR loss gains 0.04 ± 0.01 dB at 144 and 0.02 ± 0.01 at 288 on the undilated network: little,
# but with every seed. On the dilated one the seeds scatter too much to tell. It costs nothing, so
# notebooks 05 and 06 keep it.
#
# Dilation *loses* a tenth of a decibel, with both losses. A likely cause: what a missing pixel
# looks like is told mostly by its direct neighbours, and a dilated convolution leaves just those
# out. Longer training may change this; here both had 500 steps. The model that ships is the dilated
# one, since it is this lesson's.
#
# ## Train
#
# To see it happen, thirty epochs on nine sample photos with both losses:

# %%
runs = {}
for name, loss in losses.items():
    keras.utils.set_random_seed(0)
    runs[name] = sr.studies.demo.short_run(atrous(), loss)

# %%
sr.plots.history(
    runs,
    metrics=["x2_psnr", "x4_psnr"],
    title="PSNR in dB: both losses learn nine photos, little of it carries over",
)

# %% [markdown]
# ## Look
#
# The article says its atrous network does a little better at 144 than its residual one:

# %%
sr.studies.demo.compare(
    photo,
    {"article 2, residual": "voc_article_residual", "article 3, atrous": "voc_article_atrous"},
    factor=2,
    degradation="opencv",
    zoom=(41, 41, 28),
    title="72×72 grown to 144×144: look for a difference between the last two",
)

# %% [markdown]
# The two article's pictures are alike to the square.
#
# ## Any size
#
# A dilated convolution slides like any other:

# %%
sr.studies.demo.compare(
    sr.datasets.sample("coffee"),
    {"04, atrous": "voc_atrous"},
    size=(100, 150),
    zoom=(235, 325, 100),
    title="The same network on 100×150 pixels, to 400×600: look at the spoon",
)

# %% [markdown]
# ## What the article said
#
# **The article says** that its atrous network has twice the parameters and hardly helps, and that a
# heavier weight on the large output helps both outputs.

# %%
for side in (144, 288):
    gain = study.difference("atrous, article, 0.3:0.7", "residual, article", side)
    print(f"atrous over residual at {side}: {gain} dB")
for weighting in ("0.7:0.3", "0.5:0.5"):
    for side in (144, 288):
        gain = study.difference("atrous, article, 0.3:0.7", f"atrous, article, {weighting}", side)
        print(f"0.3:0.7 over {weighting} at {side}: {gain} dB")

# %% [markdown]
# **We measure** 2.49 times the parameters and a gain of nothing. At 144 the weights 0.3:0.7 are
# 0.07 ± 0.01 dB *behind* 0.7:0.3; at 288 all three score the same.
#
# **Verdict: the first holds, the second does not.** A heavier weight gave the small output 0.07 dB
# and the large one nothing. Adam divides each gradient by its own size, so a common factor does not
# count at all, and 0.3 to 0.7 is no large ratio where the outputs want nearly the same features.
#
# ## Change it yourself
#
# 1. Draw what five layers with rates 1, 2, 4, 2, 1 see.
# 2. Which photos gain from the PSNR loss, and which lose? Compare two short runs photo by photo.
# 3. Adam divides every gradient by its own size. So what happens if you multiply both loss weights by 100? Predict, then try.
# 4. With the PSNR loss, do weights of 0.3:0.7 still move the outputs? Run it in the full profile. (An hour.)
#
# <details><summary>Solution to 1</summary>
#
# ```python
# sr.plots.pairs({"rates 1, 2, 4, 2, 1": [seen((1, 2, 4, 2, 1))]}, title="21×21 of 25×25 pixels, no holes")
# ```
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# for scale in (1, 100):
#     keras.utils.set_random_seed(0)
#     network = atrous()
#     network.compile("adam", loss=["mse", "mse"], loss_weights=[scale, scale])
#     samples = sr.generators.MultiSize("samples", batch_size=3)
#     history = network.fit(samples, epochs=10, verbose=0, shuffle=False)
#     print(scale, round(history.history["x4_loss"][-1], 2))
# ```
#
# Next to nothing: only the ratio of the weights counts. (That is also why the range of the pixels,
# 0…1 or 0…255, does not matter to the squared error with Adam.)
# </details>

# %% [markdown]
# ## Summary
#
# Dilation widens what a network sees for no parameters. The article's atrous network is no better
# than its residual one, and in ours dilation costs 0.1 dB. The loss weights hardly matter. A loss
# that is the measure itself weighs every photo alike; it gains 0.02 to 0.04 dB on the undilated
# network, and on the dilated one three seeds cannot tell.
#
# **References.** Yu and Koltun, *Multi-scale context aggregation by dilated convolutions*, 2016.
# Wang et al., *Understanding convolution for semantic segmentation*, 2018, section 3.2, for the
# holes. Chen et al., *HINet*, 2021, for the PSNR loss. The article: see notebook 02.
