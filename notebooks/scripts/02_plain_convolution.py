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
# You end with a small network that turns a 72×72 photo into 144×144 and 288×288 and beats bicubic
# on both, and you know why the first network of the article we study cannot.
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/super-resolution/blob/main/notebooks/02_plain_convolution.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/OWNER/super-resolution/blob/main/notebooks/02_plain_convolution.ipynb)
#
# | | |
# |---|---|
# | Time | half a minute on two CPU cores; a quarter of an hour there for the full run |
# | Before this | 01 (how low resolution is made, PSNR) |
# | Data | quick: photographs that come with scikit-image. full: PASCAL VOC 2007. The tables here were measured on a stand-in: 713 photos of VOC 2012 and 487 of ImageNet, of which the first 200 by name validate |
#
# This is the first of five notebooks on one article: A. Amsel, *Starting with Super-Resolution*
# [1]. It trains five networks on PASCAL VOC. Each notebook builds one of them to the article's
# recipe, weighs what the article says about it, finds what holds the network back, and mends one
# thing.

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
    {"the article's network": "voc_article_plain_area", "ours": "voc_plain"},
    zoom=(82, 82, 56),
    title="72×72 grown to 288×288: look at the rim of the eye",
)

# %% [markdown]
# Bicubic is blurred. The article's network draws squares. Ours has the sharpest rim around the eye.
# (The photo is squeezed into a square first, as in the article.)
#
# Here are the scores on the 200 validation photos of the full run, in decibels, mean over images. ±
# is the standard deviation over three *seeds*: a seed fixes the random start of a network and the
# order of its photos.

# %%
runtime = sr.setup(seed=0)
study = sr.studies.study.Study("02", runtime)

# %%
study.table("bicubic, area", "plain, area", "plain, corrected")

# %% [markdown]
# "plain, area" is the article's network on the same small photos as ours (with a linear output,
# which makes no difference, as you will see). It stays far below bicubic, with any seed. The rest
# of this notebook finds out why.
#
# ## Setup

# %%
from functools import partial

import keras
import numpy as np
from keras import layers

# %% [markdown]
# ## The data
#
# The article reads its photos with an endless loop: it collects names until it has a batch, hands
# the batch over, and goes on. Here is that loop on ten photos in batches of four, with numbers in
# place of photos. Keras is told that an epoch has `10 // 4 = 2` steps.


# %%
def article_loop(count, batch_size):
    """The order in which the article's generator hands out its photos."""
    batch = []
    while True:
        for photo_number in range(count):
            if len(batch) == batch_size:
                yield batch
                batch = []
            batch.append(photo_number)


# %%
batches = article_loop(10, 4)
for epoch in range(3):
    print(f"epoch {epoch + 1}:", next(batches), next(batches))

# %% [markdown]
# Three things are wrong. Epoch 1 never sees photos 8 and 9: they come in epoch 2, which then lacks
# others. The photos always come in the same order. And every photo is decoded again whenever it
# comes by. Our generator shuffles, uses every photo once in an epoch, and decodes it once:

# %%
training, validation = study.batches("opencv", batch_size=4)
for epoch in range(2):
    sizes = len(training[0][0]), len(training[len(training) - 1][0])
    print(f"epoch {epoch + 1}: order {training.order[:9]}, first batch {sizes[0]}, last {sizes[1]}")
    training.on_epoch_end()

# %% [markdown]
# A batch holds the photos at three sizes, as uint8:

# %%
inputs, (medium, large) = validation[0]
sr.plots.pairs(
    {"input": inputs, "first target": medium, "second target": large},
    rows=2,
    title="What the network gets, and what it should give",
)

# %% [markdown]
# `"opencv"` is how the article shrinks: `cv2.resize` without antialiasing. You know from notebook
# 01 that this leaves false detail in the small picture. Look at the rough edges on the left. We
# stay with it as long as we test what the article says.
#
# ## The article's network
#
# Two convolutions at 72×72. The features are enlarged by copying every pixel (`UpSampling2D`), and
# a 1×1 convolution with a ReLU makes three colours of them. Copying twice gives the second output.
# This is what the article's own notebook holds:

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same", activation="relu")


# %%
def as_printed():
    """The article's first network with two outputs, in its own order."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = convolution(64)(x)
    x = convolution(64)(x)
    up2 = layers.UpSampling2D()(x)
    x2 = convolution(3, kernel_size=1, dtype="float32")(up2)
    up4 = layers.UpSampling2D()(up2)
    x4 = convolution(3, kernel_size=1, dtype="float32")(up4)
    return keras.Model(photo, [layers.Rescaling(255, dtype="float32")(x) for x in (x2, x4)])


# %%
printed = as_printed()
print([output.shape for output in printed.outputs], f"{printed.count_params():,} parameters")

# %% [markdown]
# `None` for height and width means that any size will do. The two `Rescaling` layers let the
# network take and give 0…255, like every model of this course.
#
# Now look at the order. A 1×1 convolution works on one pixel at a time. If you copy a pixel four
# times and then convolve, you do the same sum four times. Convolve first and copy the result, and
# you get the same picture:


# %%
def article_plain(activation="relu"):
    """The same network with the 1×1 convolutions before the copying."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    x = convolution(64)(x)
    x = convolution(64)(x)
    x2 = sr.studies.blocks.copied(sr.studies.blocks.colours(x, activation), 2, "x2")
    x4 = sr.studies.blocks.copied(sr.studies.blocks.colours(x, activation), 4, "x4")
    return keras.Model(photo, [x2, x4], name="article_plain")


# %%
sr.studies.demo.show_code(sr.studies.blocks.colours, sr.studies.blocks.copied)

# %%
reordered = article_plain()
reordered.set_weights(printed.get_weights())
for one, other in zip(printed(inputs), reordered(inputs), strict=True):
    print(f"largest difference: {np.abs(np.subtract(one, other)).max():.4f} grey levels")

# %% [markdown]
# The same to rounding, for a fraction of the work. So from here on you use the second form. It also
# shows something the first one hides: **the network computes a 72×72 picture, and then copies its
# pixels.** Both outputs consist of squares of one colour, whatever the weights are.
#
# ## Train
#
# A short run with the article's settings on nine sample photos, so that you see the steps: mean
# squared error, both outputs weighed equally, Adam. `sr.training.fit` is Keras's `fit`, kept on
# disk after every epoch, so that a killed run goes on.

# %%
import tempfile

keras.utils.set_random_seed(0)
network = article_plain()
network.compile("adam", loss="mse", metrics=[[sr.metrics.PSNR()], [sr.metrics.PSNR()]])
samples = sr.datasets.photos("samples")
few, few_validation = (
    sr.generators.MultiSize(files, degradation="opencv", batch_size=3, shuffle=shuffle)
    for files, shuffle in ((samples[3:], True), (samples[:3], False))
)

# %%
history = sr.training.fit(
    network, few, few_validation, epochs=30, folder=tempfile.mkdtemp(), verbose=0
)
sr.plots.history(
    history, metrics=["x2_psnr", "x4_psnr"], title="PSNR in dB, 30 epochs on nine photos"
)

# %% [markdown]
# Nine photos take the network from nothing to 20 dB. Now the real run. `study.train` does exactly
# what you just did, with three seeds, on all photos, and writes scores and curves to
# `data/results`. It needs minutes, so it only runs in the full profile; in the quick one you read
# the rows that came with this repository.
#
# First the interpolations, on the small pictures that the networks get too:

# %%
for degradation in ("opencv", "area"):
    for method in ("nearest", "bilinear", "bicubic", "lanczos"):
        study.interpolate(method, degradation)

# %% [markdown]
# Then the network. The article trains for 12 epochs of 62 steps, 744 in all, with 64 photos in
# each. Where VOC 2007 is, the full profile does the same. The rows here come from a CPU, which has
# not the time for that: as many steps, with 4 photos in each.

# %%
study.train("plain, article", article_plain, ship="voc_article_plain", **study.recipe())

# %%
study.table("nearest, opencv", "bilinear, opencv", "bicubic, opencv", "plain, article")

# %% [markdown]
# The article's network loses to bicubic at both sizes by 0.7 to 0.9 dB, with every seed. The
# article never shows bicubic, so it could not see that. (Bilinear is better than bicubic here. That
# is the rough reduction: a sharper kernel sharpens the false detail too, as you saw in notebook
# 01.)
#
# Were the batches too small? Here is a run with batches of 16, measured every 63 steps, which is
# one epoch of the article's. Mean over three seeds:

# %%
larger_batches = study.recipe() | {"epochs": 6, "batch_size": 16}
study.train("plain, article, batches of 16", article_plain, **larger_batches)

# %%
curves = study.rows(file="voc_histories.csv").query("experiment == 'plain, article, batches of 16'")
curves.groupby("steps")[["val_x2_psnr", "val_x4_psnr"]].mean().round(2).T

# %% [markdown]
# After 126 steps, two of the article's epochs, the network is within 0.4 dB of its end. Batches of
# 16 end where batches of 4 do, and all six networks end within 0.1 dB of each other. When networks
# that start so differently end at the same score, suspect a wall.
#
# ## Look
#
# The same detail as above, as the network sees and draws it:

# %%
small, target = (sr.degradations.area(photo, (side, side)) for side in (72, 288))
article = sr.studies.demo.predict(sr.models.load("voc_article_plain_area"), small)[1]
top, left, size = 20, 20, 14
squares = {"input": small, "article, 288": article, "target, 288": target}
cuts = {}
for name, image in squares.items():
    factor = image.shape[0] // 72
    cut = image[factor * top : factor * (top + size), factor * left : factor * (left + size)]
    cuts[name] = [cut]
sr.plots.pairs(cuts, title="Count: each pixel of the input becomes one square of 4×4")

# %% [markdown]
# Count the squares: there are as many as the input has pixels. (The output at 144 has squares of
# 2×2.)
#
# ## What holds it back
#
# You have three suspects. The ReLU at the output, which cannot give less than zero. The rough
# reduction. And the squares. Change one at a time. First a linear output, then the antialiased area
# reduction from notebook 01:

# %%
linear_plain = partial(article_plain, "linear")
study.train("plain, linear output", linear_plain, **study.recipe())
on_area = study.recipe() | {"degradation": "area"}
study.train("plain, area", linear_plain, ship="voc_article_plain_area", **on_area)

# %%
study.table("plain, article", "plain, linear output", "plain, area")

# %% [markdown]
# The linear output changes nothing: here no ReLU got in the way. (Wait for notebook 05.) With the
# antialiased reduction all numbers rise by a decibel or two. But that is another task, an easier
# one, so compare with bicubic *on that task* only: there the network lies 1.6 dB below it at 144.
# It got worse, not better.
#
# How good can a picture made of squares be? The best colour for a square is the mean of what should
# be there. After an area reduction, that mean is just the pixel of the small picture:

# %%
small_photos, (medium_photos, _) = study.batches("area")[1][0]
means = np.stack([sr.degradations.area(image, (72, 72)) for image in medium_photos])
print("largest difference:", np.abs(means.astype(int) - small_photos).max(), "grey level")

# %% [markdown]
# So the best thing this network can ever learn is nearest neighbour. Put its row beside the others:

# %%
study.table("plain, area", "nearest, area", "bicubic, area")

# %% [markdown]
# There is the wall. The network comes within 0.2 dB of nearest neighbour and stays below it.
# Bicubic is out of reach for any weights. The network has spent 39,110 parameters on learning to
# copy pixels.
#
# ## The correction: convolve after you copy
#
# The cure is simple. Copy the features, and then convolve them with 3×3, which looks at neighbours:
# now the four copies of a pixel can become different. The last convolution is linear. Two more
# convolutions at 72×72 read a wider surrounding.


# %%
def plain():
    """Plain convolutions, the last ones at the size of the output."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(4):
        x = convolution(64)(x)
    x = convolution(32)(layers.UpSampling2D()(x))
    x2 = sr.studies.blocks.picture(x, "x2")
    x = convolution(16)(layers.UpSampling2D()(x))
    return keras.Model(photo, [x2, sr.studies.blocks.picture(x, "x4")], name="plain")


# %% [markdown]
# `sr.studies.blocks.picture` is that last step. Later notebooks use it too, so it lives in the helper
# package:

# %%
sr.studies.demo.show_code(sr.studies.blocks.picture)

# %% [markdown]
# `base` is for notebook 03. Train it, now with flipped photos, and with a learning rate that falls
# to zero along a cosine. It starts from nothing and has to learn to copy a photo first, so it gets
# 2,500 steps, with one seed. (That length was chosen by looking at the validation photos: 1,250
# steps reached 27.67 / 24.84 dB.)

# %%
study.train("plain, corrected", plain, epochs=10, batch_size=4, seeds=(0,), ship="voc_plain")

# %%
study.table("plain, area", "bicubic, area", "plain, corrected")

# %% [markdown]
# The squares are gone, and with them the wall: half a decibel over bicubic at 144, 0.4 at 288.

# %%
curves = study.rows(file="voc_histories.csv").query("seed == 0")
runs = {
    name: curves[curves.experiment == name][["epoch", "val_x2_psnr", "val_x4_psnr"]]
    for name in ("plain, area", "plain, corrected")
}
sr.plots.history(
    runs,
    metrics=["x2_psnr", "x4_psnr"],
    title="Validation PSNR in dB: squares level off, convolving after the copying goes on",
)

# %% [markdown]
# ## Any size
#
# Nothing in the network says 72. Convolutions slide over what they get, so the same weights enlarge
# a photo of any size:

# %%
sr.studies.demo.compare(
    sr.datasets.sample("coffee"),
    {"plain": "voc_plain"},
    size=(100, 150),
    zoom=(235, 325, 100),
    title="The same network on 100×150 pixels, to 400×600: look at the spoon",
)

# %% [markdown]
# The network was trained on whole photos squeezed to 72×72. Here it sees a part of the world at a
# larger scale, and still beats bicubic. That is no rule: measure before you rely on it.
#
# ## What the article said
#
# **The article says** that its first network converges in about two epochs, at about 21 dB.
#
# It measures in its own way: one PSNR for a whole batch of 64 photos, without rounding (`batch_…`
# below). Here are both measures:

# %%
rows = study.rows().set_index("experiment")
measures = ["batch_144", "batch_288", "psnr_144", "psnr_288"]
rows.loc[["plain, article", "bicubic, opencv"], measures].groupby("experiment").agg(
    ["mean", "std"]
).round(2)

# %% [markdown]
# **We measure** 22.8 dB at 144 and 21.8 dB at 288 by the article's measure, and after two of its
# epochs all but 0.4 dB of that.
#
# **Verdict: holds, but it is no success.** The network does converge fast, and near there. By the
# same measure bicubic scores 23.3 and 22.6 dB, with no training at all. What converges so fast is a
# picture made of squares.
#
# (The two measures differ by almost a decibel. The logarithm of a mean error is dominated by the
# hardest photos of the batch. From here on you use the mean over images, unless a number of the
# article is weighed.)

# %% [markdown]
# ## Change it yourself
#
# 1. Replace `"chelsea"` at the top with `sr.datasets.read_image("my_photo.jpg")`.
# 2. What does the network do to a photo of one colour? To black? Predict first, then try.
# 3. Build `plain` with the convolutions after the copying replaced by 1×1 ones. Is its untrained output made of squares?
# 4. How many pixels of the input can one pixel of `x4` depend on? Compute it for `article_plain` and for `plain`, then measure it: change one input pixel and see where the output changes.
# 5. Train `plain` on a folder of your own photos with `sr.generators.MultiSize` and `sr.training.fit`, and measure on others.
#
# <details><summary>Solution to 2</summary>
#
# ```python
# for level in (0, 128, 255):
#     flat = np.full((72, 72, 3), level, "uint8")
#     grown = sr.studies.demo.predict(sr.models.load("voc_plain"), flat)[1]
#     print(level, "becomes", grown[20:-20, 20:-20].mean((0, 1)).round(1), "inside,", grown[0].mean().round(1), "at the rim")
# ```
#
# Inside it keeps the colour nearly. At the rim it does not: `padding="same"` puts black around the
# photo, and the network has learned only in part that this black is no picture.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# photo_in = keras.Input((None, None, 3))
# x = convolution(64)(layers.Rescaling(1 / 255)(photo_in))
# x = convolution(16, kernel_size=1)(layers.UpSampling2D()(x))
# squares = keras.Model(photo_in, convolution(3, kernel_size=1, activation=None)(x))
# output = np.asarray(squares(small[None]))[0]
# print(np.ptp(output.reshape(72, 2, 72, 2, 3), axis=(1, 3)).max(), "within squares,", np.ptp(output), "in all")
# ```
#
# Yes: within every square nothing changes.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# grey = np.full((1, 72, 72, 3), 128, "uint8")
# dotted = grey.copy()
# dotted[0, 36, 36] = 255
# for network in (article_plain("linear"), plain()):
#     change = np.abs(np.subtract(network(grey)[1], network(dotted)[1])).max((0, 3))
#     rows_changed = np.flatnonzero(change.max(1) > 0)
#     print(network.name, "changes", np.ptp(rows_changed) + 1, "rows of 288")
# ```
#
# A pixel of `x4` in `article_plain` depends on 5×5 pixels of the input: two 3×3 convolutions. Seen
# from the other side, one input pixel changes 5 × 4 = 20 rows. `plain` reaches further: four
# convolutions at 72, and one or two at each larger size.
# </details>

# %% [markdown]
# ## Summary
#
# The article's first network computes 72×72 colours and copies them. So it can never do better than
# the best colour for each square; on antialiased photos that is nearest neighbour, and no training
# lifts it to bicubic. Convolutions *after* the copying, with a linear output, beat bicubic at both
# sizes. The next notebook asks what residual blocks add, and gives the network something better to
# start from than nothing.
#
# **References.** [1] A. Amsel, *Starting with Super-Resolution*, Analytics Vidhya; its notebook is
# linked at the end of the article. Everingham et al., *The PASCAL Visual Object Classes challenge*,
# 2010. Dong et al. (SRCNN), *Image super-resolution using deep convolutional networks*, 2015: three
# plain convolutions. Odena et al., *Deconvolution and checkerboard artifacts*, 2016: upsampling
# followed by a convolution.
