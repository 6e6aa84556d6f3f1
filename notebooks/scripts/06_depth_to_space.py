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
# # 06 · Depth to space
#
# You end with a network that does all its work at the size of the small photo, and with a table of
# four ways to upscale inside a network: what each costs, and which of them draws a checkerboard.
#
# | | |
# |---|---|
# | Time | a minute and a half on two CPU cores |
# | Read first | [03](03_residual_blocks.ipynb): residual blocks, adding to the bicubic picture |
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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][3])
opening = sr.degradations.crop_to_multiple(opening, 4)
zoom = (*sr.plots.most_detailed(opening, 96), 96)  # the square with the most edges
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "02, plain": "voc_plain", "06, depth to space": "voc_depth_to_space"},
    scale=4,
    zoom=zoom,
    title="Four times as large: look at the thin lines",
)

# %% [markdown]
# The photo is downsampled to a quarter of its width and height, and each method sees those pixels
# only. The networks in this picture ship with the course. Yours will be trained in a minute.
#
# ## Setup

# %%
import timeit
from functools import partial

import keras
import numpy as np
import pandas as pd
from keras import layers
from matplotlib import pyplot as plt

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# The constants of this lesson are in one cell. Change one and run the cells below: the networks,
# their pictures and their numbers change with it.

# %%
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
BLOCKS = 4
FILTERS = 32
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 16
STEPS = 300 if runtime.profile == "quick" else 3_000
EPOCH_STEPS = 100  # the network is measured after each epoch
LEARNING_RATE = 2e-3
LOSS = "mae"  # or "mse", sr.losses.NegativePSNR(), sr.losses.Charbonnier()
SCALE = 4  # of the networks in the two experiments
SHORT = 70  # steps for each network of the experiments

# %% [markdown]
# ## The idea: channels become pixels
#
# A network for super-resolution has to produce more pixels than it gets. Depth to space does this
# without any arithmetic. A convolution at the small size computes r² numbers for every pixel and
# color, one channel each, and these become a block of r×r pixels.
#
# Here are the four channels of a picture of 2×2 pixels. Each has a color of its own:


# %%
def draw(axes, numbers, colors, title):
    """A small array as colored squares with its numbers in them."""
    axes.imshow(colors, cmap="Pastel1", vmin=0, vmax=8)
    for (row, column), number in np.ndenumerate(numbers):
        axes.text(column, row, number, ha="center", va="center", fontsize=13)
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


channels = np.arange(16).reshape(2, 2, 4)
pixels = keras.ops.convert_to_numpy(sr.layers.DepthToSpace(2)(channels[None]))[0, :, :, 0]
figure, panels = plt.subplots(1, 5, figsize=(9.6, 2.9), width_ratios=[1, 1, 1, 1, 2])
for channel, axes in enumerate(panels[:4]):
    draw(axes, channels[:, :, channel], np.full((2, 2), channel), f"channel {channel}")
draw(panels[4], pixels, np.tile([[0, 1], [2, 3]], (2, 2)), "depth to space: 4×4 pixels")
figure.suptitle("Numbers move, nothing is computed: four channels of 2×2 become 4×4 pixels")
plt.show()

# %% [markdown]
# The numbers 0, 1, 2, 3 belong to the pixel at the top left, one in each channel. They became the
# block at the top left. So channel 0 holds the top left pixel of every block, channel 1 the one to
# its right, and so on. In NumPy terms it is a reshape, a transpose and a reshape.
#
# The same with a photo. Take every other pixel of every other row: that makes four small pictures.
# Stacked as channels, depth to space puts them together again:

# %%
medium = sr.degradations.bicubic(opening, (144, 144))
parts = [medium[row::2, column::2] for row in (0, 1) for column in (0, 1)]
together = sr.layers.DepthToSpace(2)(np.concatenate(parts, axis=-1)[None])
sr.plots.pairs(
    {
        **{f"channels {3 * n} to {3 * n + 2}": [part] for n, part in enumerate(parts)},
        "depth to space": [keras.ops.convert_to_numpy(together)[0]],
    },
    title="Four small photos, half a pixel apart, are the channels of one large photo",
)

# %% [markdown]
# ## Four ways to upscale
#
# A head turns feature maps into a picture that is `scale` times as large. You will compare four. In
# their drawings the number below a bar is the number of channels, and below that stands the size
# relative to the input.

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def block(head):
    """A head as a network of its own, to draw it."""
    features = keras.Input((None, None, FILTERS))
    return keras.Model(features, head(features, SCALE), name=head.__name__)


# %% [markdown]
# **Copying.** A convolution makes the three colors, and every pixel is repeated. The r×r pixels of a
# block are equal. The networks of the article that these lessons follow do this in 02 to 05.


# %%
def copying(features, scale, **last):
    """Three colors at the small size, every pixel repeated."""
    colors = convolution(3, **last)(features)
    return layers.UpSampling2D(scale, dtype="float32")(colors)


sr.plots.network(block(copying))

# %% [markdown]
# **Resize-convolution.** Repeat the *features*, then convolve at the full size. The convolutions
# make the pixels of a block differ. They run on r² times as many pixels. This is the way of
# Odena et al. (2016), and of ESRGAN, with one more convolution before the last.


# %%
def resize_convolution(features, scale, **last):
    """Features repeated, then two convolutions at the full size."""
    large = layers.UpSampling2D(scale)(features)
    large = convolution(FILTERS // 2, activation="leaky_relu")(large)
    return convolution(3, **last)(large)


sr.plots.network(block(resize_convolution))

# %% [markdown]
# **Transposed convolution.** Every pixel of the input paints a weighted 9×9 square into the output;
# the squares are r pixels apart and overlap, and the overlaps are summed. FSRCNN upscales so (Dong et
# al., 2016).


# %%
def transposed_convolution(features, scale, kernel=9, **last):
    """Every pixel paints a square into the output."""
    layer = layers.Conv2DTranspose(3, kernel, strides=scale, padding="same", **last)
    return layer(features)


sr.plots.network(block(transposed_convolution))

# %% [markdown]
# **Depth to space.** A convolution at the small size makes 3·r² channels, and these become pixels.
# ESPCN introduced it as the *sub-pixel convolution* (Shi et al., 2016); EDSR and most fast networks
# since use it.


# %%
def sub_pixel(features, scale, **last):
    """The colors of scale² pixels, computed at the small size."""
    channels = convolution(3 * scale**2, **last)(features)
    return sr.layers.DepthToSpace(scale)(channels)


sr.plots.network(block(sub_pixel))

# %% [markdown]
# ## Build
#
# The body is that of lesson 03: residual blocks at the size of the photo. As there, the head's
# picture is added to the bicubic one, and its last convolution starts near zero.


# %%
def body(photo, blocks, filters):
    """Residual blocks at the size of the photo."""
    features = convolution(filters)(layers.Rescaling(1 / 255)(photo))
    for _ in range(blocks):
        inside = convolution(filters, activation="relu")(features)
        features = layers.Add()([features, convolution(filters)(inside)])
    return features


def picture(head, features, scale, start):
    """What a head makes of the features, in levels of 0…255."""
    detail = head(features, scale, kernel_initializer=start, dtype="float32")
    return layers.Rescaling(255.0, dtype="float32")(detail)


# %%
def upscaler(head=sub_pixel, scales=(2, 4), blocks=BLOCKS, filters=FILTERS):
    """One body and a head for each scale, added to the bicubic picture."""
    photo = keras.Input((None, None, 3))
    features = body(photo, blocks, filters)
    outputs = []
    for scale in scales:
        detail = picture(head, features, scale, keras.initializers.RandomNormal(stddev=1e-3))
        bicubic = sr.layers.BicubicUpSampling(scale)(photo)
        outputs.append(layers.Add(dtype="float32", name=f"x{scale}")([bicubic, detail]))
    return keras.Model(photo, outputs, name=head.__name__)


# %%
model = upscaler()
sr.plots.network(model, title=f"Depth to space, two outputs: {model.count_params():,} parameters")

# %% [markdown]
# All convolutions run at the size of the input. Only numbers that are moved, scaled and added exist
# at the larger sizes.
#
# ## Data

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(training_files, scale=(2, 4), batches=EPOCH_STEPS)
validation = pieces(validation_files, scale=(2, 4), patch_size=72, training=False)
print(f"{len(training.files)} photos to train, {len(validation.files)} to validate")

# %%
low, (twice, four_times) = training[0]
sr.plots.pairs(
    {"input": low, "target of ×2": twice, "target of ×4": four_times},
    rows=1,
    title="A piece of a batch: what the network gets, and its two targets",
)

# %% [markdown]
# For validation the network gets 72×72 pixels from the middle of each photo.
#
# ## Train
#
# As in lesson 03: Adam with a learning rate that rises in the first tenth of the steps and then falls to
# zero along a cosine, and the metric of the benchmarks, PSNR on luma without `scale` pixels of border.


# %%
def compiled(model, steps, scales=(2, 4)):
    """The model, ready for `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(sr.training.warmup_cosine(LEARNING_RATE, steps)),
        loss=[LOSS for _ in scales],
        metrics=[[sr.metrics.PSNR(luma=True, crop_border=scale)] for scale in scales],
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
    return model


# %%
EPOCHS = max(1, STEPS // EPOCH_STEPS)
history = compiled(model, STEPS).fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)
print(f"{EPOCHS} epochs of {len(training)} steps")

# %%
sr.plots.history(
    history,
    metrics=["x2_psnr", "x4_psnr"],
    baseline={"bicubic": sr.metrics.bicubic_psnr(validation)},
    title="Your network is above bicubic from the first epoch on: compare solid and dotted",
)

# %% [markdown]
# The dotted line is bicubic interpolation, measured on the same validation photos as the solid one:
# compare these two. The dashed line is measured on random small pieces of other photos, so its height
# says little.
#
# ## Look and measure

# %%
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "yours": model, "the one that ships": "voc_depth_to_space"},
    scale=4,
    zoom=zoom,
    title="Your network beside bicubic interpolation and the network that ships",
)

# %% [markdown]
# Bicubic interpolation blurs the thin lines; your network draws them sharper. Where the small photo
# shows nothing of a detail, neither network can bring it back.
#
# PSNR-Y on the validation photos, mean in dB:

# %%
methods = {"bicubic": "bicubic", "yours": model, "the one that ships": "voc_depth_to_space"}
ships = sr.models.manifest()["voc_depth_to_space"]
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
sets = [name for name in ("Set5", "Set14") if sr.datasets.is_here(name)]
sr.metrics.table(methods, *sets, scales=(4,)) if sets else "none of the benchmark sets is here"

# %% [markdown]
# ## Experiment: one body, four heads
#
# Now train one network for each head. All have the same body, of half the blocks, and one output.
# They get the same pieces in the same order, for `SHORT` steps.

# %%
HALF = max(1, BLOCKS // 2)
short = pieces(training_files, scale=SCALE, batches=SHORT)
measured = pieces(validation_files, scale=SCALE, patch_size=72, training=False)
HEADS = {
    "copying": copying,
    "resize-convolution": resize_convolution,
    "transposed convolution": transposed_convolution,
    "depth to space": sub_pixel,
}


# %%
def trained(model):
    """The model after `SHORT` steps, and its PSNR on the validation photos."""
    history = compiled(model, SHORT, [SCALE]).fit(short, validation_data=measured, verbose=0)
    return model, history.history["val_psnr"][-1]


networks, psnr = {}, {}
for name, head in HEADS.items():
    keras.utils.set_random_seed(0)
    networks[name], psnr[name] = trained(upscaler(head, [SCALE], HALF))

# %% [markdown]
# Quality is one column, the price is the others. Time is the shortest of thirty calls on a picture of
# 144×144 pixels. Memory is mostly *activations*: what the layers put out, four bytes a number.
# Training keeps about all of them for the backward pass; using a network needs room for the largest.

# %%
SIDE = 144


def milliseconds(model):
    """Time for one picture; the first call does not count, since it compiles the network."""
    picture = np.zeros((1, SIDE, SIDE, 3), "uint8")
    model.predict_on_batch(picture)
    return 1000 * min(timeit.repeat(lambda: model.predict_on_batch(picture), number=1, repeat=30))


def megabytes(model):
    """What each layer puts out for one picture, from the shapes."""
    sized = keras.models.clone_model(model, input_tensors=keras.Input((SIDE, SIDE, 3)))
    return [4 * np.prod(layer.output.shape[1:]) / 2**20 for layer in sized.layers]


# %%
bicubic = sr.metrics.bicubic_psnr(measured)["psnr"]
pd.DataFrame(
    {
        name: {
            "over bicubic, dB": f"{psnr[name] - bicubic:+.2f}",
            "parameters": f"{network.count_params():,}",
            "time, ms": f"{milliseconds(network):.0f}",
            "all layers, MB": f"{sum(megabytes(network)):.0f}",
            "largest layer, MB": f"{max(megabytes(network)):.0f}",
        }
        for name, network in networks.items()
    }
).T

# %% [markdown]
# The resize-convolution has the largest layers by far and is the slowest: two convolutions run on r²
# times as many pixels. The other three put out little more than the body does: of large size
# they have only the picture itself. In quality all four end above bicubic. In our run the transposed
# convolution and depth to space are ahead, by .07 to .17 dB. That is one seed and a very
# short run: exercise 4 gives them more time, and another seed.
#
# The pictures look less alike than the scores. What each head adds to the bicubic picture, gray for
# nothing and strengthened alike for all:


# %%
def strengthened(images):
    """Differences around gray, all multiplied by one factor that makes the largest visible."""
    centered = {name: image - image.mean((0, 1)) for name, image in images.items()}
    factor = 40 / max(image.std() for image in centered.values())
    shown = {name: np.clip(128 + factor * image, 0, 255) for name, image in centered.items()}
    return {name: [image.astype("uint8")] for name, image in shown.items()}


# %%
height, width = (n // SCALE for n in opening.shape[:2])
small = sr.degradations.bicubic(opening, (height, width))
interpolated = sr.degradations.resize(small, (SCALE * height, SCALE * width)).astype(float)
top, left, size = zoom
square = np.s_[top : top + size * 2 // 3, left : left + size * 2 // 3]
added = {
    name: (sr.upscaling.upscale(small, network, scale=SCALE) - interpolated)[square]
    for name, network in networks.items()
}
sr.plots.pairs(strengthened(added), title="What each head adds: copying can only add squares")

# %% [markdown]
# Each square of the first picture is one pixel of the small photo: copying can make it lighter or
# darker as a whole, but it cannot place an edge inside it. The other three can.
#
# ## The checkerboard
#
# A head with free weights for every pixel of a block has another way to fail. Give the network a
# picture that is gray all over. The answer should be flat. These four networks are not trained, and
# they are not added to bicubic. Three start with the weights that Keras chooses by itself. The fourth
# starts with ICNR, an initialization for depth to space (Aitken et al., 2017). It draws the weights of
# one small convolution to three colors, and gives them to all r² groups of channels:


# %%
def alone(head, start="glorot_uniform"):
    """One block and a head, not added to anything."""
    photo = keras.Input((None, None, 3))
    return keras.Model(photo, picture(head, body(photo, 1, FILTERS), SCALE, start))


def on_gray(network):
    """The answer to a picture that is gray all over, without its edges."""
    gray = np.full((1, 24, 24, 3), 128, "uint8")
    answer = keras.ops.convert_to_numpy(network(gray))[0]
    return answer[8 * SCALE : -8 * SCALE, 8 * SCALE : -8 * SCALE]


def ripple(network):
    """Standard deviation over that answer, in gray levels of 0…255: zero is flat."""
    return on_gray(network).std((0, 1)).mean()


# %%
class ICNR(keras.initializers.Initializer):
    """The same weights for all pixels of a block."""

    def __call__(self, shape, dtype=None):
        *window, channels = shape
        one = keras.initializers.GlorotUniform()((*window, channels // SCALE**2), dtype=dtype)
        return keras.ops.tile(one, (1, 1, 1, SCALE**2))


# %%
keras.utils.set_random_seed(0)
pattern = {
    "resize-convolution": alone(resize_convolution),
    "transposed convolution": alone(transposed_convolution),
    "depth to space": alone(sub_pixel),
    "depth to space, ICNR": alone(sub_pixel, ICNR()),
}
untrained = {name: on_gray(network) for name, network in pattern.items()}
sr.plots.pairs(
    strengthened(untrained), title="Untrained, the input is one gray: the answer should be flat"
)

# %% [markdown]
# The pattern repeats every `SCALE` pixels. In depth to space each pixel of a block has weights of
# its own; random weights give r² different answers to the same gray. The transposed convolution has
# different weights for each place as well, and where the 9×9 squares overlap, some pixels get more
# summands than others, since 9 is not a multiple of the scale. The resize-convolution uses one set of
# weights everywhere, so gray stays gray. With ICNR the r² groups agree at first: depth to space
# *begins* as a convolution and copying, and training is free to make the groups differ.
#
# Does training remove the pattern? The same four after `SHORT` steps:

# %%
rows = {}
for name, network in pattern.items():
    rows[name] = {"untrained, levels": ripple(network)}
    _, reached = trained(network)
    rows[name] |= {"trained, levels": ripple(network), "PSNR-Y, dB": reached}

sr.plots.pairs(
    strengthened({name: on_gray(network) for name, network in pattern.items()}),
    title="Trained, the same gray, contrast stretched: the pattern is weaker, not gone",
)

# %%
rows["depth to space, near zero, added to bicubic"] = {
    "untrained, levels": ripple(upscaler(sub_pixel, [SCALE], HALF)),
    "trained, levels": ripple(networks["depth to space"]),
    "PSNR-Y, dB": psnr["depth to space"],
}
pd.DataFrame(rows).T.round(2)

# %% [markdown]
# "Levels" is the standard deviation over the answer to gray, in gray levels of 0…255: zero is flat.
# Training weakens the pattern and does not remove it. It is too weak to see in most photos after
# these few steps; the figure stretches it. With ICNR depth to space has none before training and less
# after it, and after so few steps it reaches the higher PSNR of the two. The network stays free to
# make the pixels of a block differ where the photo asks for it.
#
# The last row is the way of your main network. Its last convolution starts near zero and is added to
# bicubic, which is flat where the photo is flat.
#
# ## What the article said
#
# The networks of lessons 02 to 06 follow A. Amsel's *Starting with Super-Resolution*; lesson
# [02](02_plain_convolution.ipynb) introduces it. Its last network replaces copying by depth to
# space. Measured with three seeds, mean ± standard deviation, differences taken seed by seed:


# %%
study = pd.read_csv(sr.runtime.shipped("results") / "voc_study.csv")
scores = study.set_index(["experiment", "seed"])[["psnr_144", "psnr_288"]]


def gain(experiment, other):
    """Mean ± standard deviation over seeds, at 144 and at 288."""
    difference = scores.loc[experiment] - scores.loc[other]
    return " / ".join(
        f"{column.mean():+.2f} ± {column.std():.2f}" for _, column in difference.items()
    )


# %%
claims = [
    (
        "Depth to space beats copying at both sizes, as the article writes it",
        gain("depth to space, article", "features, article's last"),
        "cannot be told: in some runs the ReLU at the output dies (lesson 05)",
    ),
    (
        "the same, outputs and features corrected",
        gain("depth to space, mended", "features, last, mended"),
        "holds at 144; at 288 the seeds differ by more than this",
    ),
    (
        "the same, in a network that is added to bicubic",
        gain("depth to space", "without features"),
        "no difference beyond that of the seeds; there copying is followed by convolutions",
    ),
]
pd.set_option("display.max_colwidth", None)
pd.DataFrame(claims, columns=["claim", "PSNR gain, dB, at 144 / 288", "verdict"])

# %% [markdown]
# The article's network computes its large picture from the three colors of each pixel of the medium
# one, and from nothing else. So at 288 depth to space has little to work with: it cannot know on
# which side of an edge a pixel lies. The third row compares networks that are added to the bicubic
# picture, as yours is; what remains there is the price. Lesson
# [A1](A1_what_the_voc_article_said.ipynb) has all claims.
#
# Here are the networks of lessons 02 to 06 that ship, side by side, on every second of your validation
# photos to save time. The last row is yours:

# %%
shipped = {
    "02, plain": "voc_plain",
    "03, residual": "voc_residual",
    "04, atrous": "voc_atrous",
    "05, features": "voc_efficientnet",
    "06, depth to space": "voc_depth_to_space",
}
sr.metrics.table(
    {"bicubic": "bicubic", **shipped, "06, yours": model}, validation_files[::2], scales=(2, 4)
)

# %% [markdown]
# All are above bicubic at both sizes. Do not read the rows as a ranking of ideas: the networks have
# different numbers of parameters and were trained for different numbers of steps. What they share
# matters more: each is added to the bicubic picture. Depth to space keeps all convolutions
# at the small size, and the time and memory saved can go into more and wider blocks.
#
# ## Change it yourself
#
# 1. Give the transposed convolution a kernel that is a multiple of the scale, so that every pixel gets
#    equally many summands. Is the untrained answer to gray flat now?
#
#    ```python
#    even = alone(partial(transposed_convolution, kernel=3 * SCALE))
#    ```
# 2. Write the inverse of depth to space, and test it against the layer.
#
#    ```python
#    def space_to_depth(images, scale):
#        n, height, width, channels = images.shape
#        ...
#    ```
# 3. EDSR upscales by 4 in two steps of 2, with features between them. Write that head, draw it, and
#    compare its parameters and its time with those of `sub_pixel`.
#
#    ```python
#    def in_two_steps(features, scale, **last):
#        features = sr.layers.DepthToSpace(2)(convolution(4 * FILTERS)(features))
#        ...
#    ```
# 4. Set `SHORT = 600`. Which head is ahead now? Then change the seed in the loop over the heads: does
#    the order stay?
#
# <details><summary>Solution to 1</summary>
#
# ```python
# even = alone(partial(transposed_convolution, kernel=3 * SCALE))
# before = untrained["transposed convolution"]
# print(f"{ripple(even):.1f} levels; it was {before.std((0, 1)).mean():.1f}")
# ```
#
# No. Equal numbers of summands are not equal summands: each place in a block still has weights of its
# own. With a kernel of three times the scale the layer computes what `sub_pixel` computes.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# def space_to_depth(images, scale):
#     n, height, width, channels = images.shape
#     blocks = images.reshape(n, height // scale, scale, width // scale, scale, channels)
#     return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(n, height // scale, width // scale, -1)
#
#
# there = space_to_depth(medium[None], 4)
# back = keras.ops.convert_to_numpy(sr.layers.DepthToSpace(4)(there))
# print(there.shape, "and back equal:", np.array_equal(back, medium[None]))
# ```
#
# A network that has to keep the size can use it to work on a small, deep version, where convolutions
# are cheap. Real-ESRGAN does so for ×1 and ×2.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# def in_two_steps(features, scale, **last):
#     while scale % 2 == 0 and scale > 2:
#         features = sr.layers.DepthToSpace(2)(convolution(4 * FILTERS)(features))
#         scale //= 2
#     return sub_pixel(features, scale, **last)
#
#
# for head in (sub_pixel, in_two_steps):
#     network = upscaler(head, [SCALE], HALF)
#     print(f"{head.__name__:<13} {network.count_params():,} parameters, {milliseconds(network):.0f} ms")
# sr.plots.network(block(in_two_steps))
# ```
#
# More parameters, and a convolution at the size between: slower, and more to learn with.
# </details>

# %% [markdown]
# ## Summary
#
# - Depth to space lays channels out as pixels, so all convolutions run at the small size.
# - Copying alone draws squares. Convolutions after it remove them, at r² times the pixels.
# - Depth to space and transposed convolution have weights for each place in a block, which shows as
#   a pattern on flat areas. Equal weights at the start (ICNR), or a start near zero added to
#   bicubic, keep it weak.
#
# **References**
#
# - Shi et al., *Real-time single image and video super-resolution using an efficient sub-pixel
#   convolutional neural network* (ESPCN), 2016.
# - Dong et al., *Accelerating the super-resolution convolutional neural network* (FSRCNN), 2016.
# - Odena et al., *Deconvolution and checkerboard artifacts*, 2016.
# - Aitken et al., *Checkerboard artifact free sub-pixel convolution*, 2017.
# - Lim et al., *Enhanced deep residual networks for single image super-resolution* (EDSR), 2017.
