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
# # 01 · Bicubic baselines
#
# You end with the score that every network of this course has to beat: bicubic interpolation,
# measured as the papers measure it. You will have written the interpolation and both scores
# yourself, and you will know which choices change a score without making the picture any better.
#
# | | |
# |---|---|
# | Time | half a minute on two CPU cores |
# | Read first | nothing; you need Python and a little NumPy |
# | Photos | photographs that are part of the course; Set5, Set14 and B100 too, where you have them |

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
#
# The constants of this lesson are in one cell. Change one and run the cells below: the pictures
# and tables change with it.

# %%
import srhelpers as sr

SCALE = 4  # 2, 3 or 4
PHOTOS = "photos"  # or a folder of your own, such as "~/Pictures"
OPENING = 79  # number of the photo in the figures
LINES = 120  # number of a photo with many thin lines
SIDE = 100  # of the squares below, in pixels; they lie where the photo has the most edges

# %%
files = sr.datasets.photos(PHOTOS)


def middle(file):
    """The middle of a photo, at most 288×288 pixels, cut to a multiple of SCALE."""
    image = sr.plots.choose_photo(file, largest=288)
    return sr.degradations.crop_to_multiple(image, SCALE)


# %%
photo = middle(files[OPENING % len(files)])
ZOOM = (*sr.plots.most_detailed(photo, SIDE), SIDE)
sr.plots.compare(
    photo,
    {"nearest neighbor": "nearest", "bicubic": "bicubic"},
    scale=SCALE,
    zoom=ZOOM,
    title=f"Downsampled by {SCALE}, then upscaled: look at the thin lines",
)

# %% [markdown]
# The photo is *downsampled* (made smaller) by `SCALE` and *upscaled* (made larger) again, by two
# interpolations that see only the small picture. At ×4 the white lines blur and the characters on
# the component at the right are lost. The two numbers below each square, PSNR and SSIM, compare the
# whole picture with the original. This lesson is about where they come from.
#
# And this is the score to beat, the mean over the photos on which the later lessons measure their
# networks:

# %%
photos = [middle(file) for file in sr.datasets.split(PHOTOS)[1]]
baselines = {name: name for name in ("nearest", "bilinear", "bicubic", "lanczos")}
sr.metrics.table(baselines, photos, scales=(SCALE,))

# %% [markdown]
# ## Setup

# %%
import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# ## What downsampling loses
#
# A pixel of a camera adds up the light that falls on a small area. A pixel that is four times as
# wide and high adds up what sixteen of them saw. So a *low-resolution* photo is the
# *high-resolution* one, averaged around each new pixel and then thinned out:
#
# $$\text{low} = (\text{high} * k) \downarrow_s$$
#
# The kernel $k$ says how much each pixel of the surroundings counts, and $s$ is the scale.
# Super-resolution tries to go back. It cannot do so with certainty, because different photos have
# the same small version. Here you make such a pair: into one of them you add stripes that cancel
# out within every new pixel.

# %%
top, left, side = (length - length % SCALE for length in ZOOM)
calm = np.clip(photo[top : top + side, left : left + side], 40, 215)  # leaves room for the stripes
stripes = np.tile(np.linspace(36, -36, SCALE), side // SCALE).astype(int)
striped = (calm + stripes[:, None]).astype("uint8")

# %%
size = (side // SCALE, side // SCALE)
small_calm, small_striped = (sr.degradations.area(image, size) for image in (calm, striped))
print("large pictures equal:", np.array_equal(calm, striped))
print("small pictures equal:", np.array_equal(small_calm, small_striped))
sr.plots.pairs(
    {"one photo": [calm], "another": [striped], f"both, ÷{SCALE}": [small_calm]},
    title="Two photos with the same small version",
)

# %% [markdown]
# Nothing in the small picture tells you which of the two it came from. A network that answers has
# learned from many photos which of them is more *likely*.
#
# ## Aliasing
#
# What happens if you skip the averaging and just keep every `SCALE`-th pixel? The gray curve below
# is a row of pixels with fine stripes, too fine for the new pixels to hold:

# %%
pixel = np.arange(16 * SCALE)
row = np.cos(2 * np.pi * pixel * 7 / (8 * SCALE))  # seven stripes on eight new pixels
panels = {"Every pixel of the new row is one old pixel": row[::SCALE]}
panels["Every pixel of the new row is a mean"] = row.reshape(-1, SCALE).mean(axis=1)
figure, axes = plt.subplots(2, 1, figsize=(8, 4), sharex=True, sharey=True, layout="constrained")
for panel, (title, values) in zip(axes, panels.items(), strict=True):
    panel.plot(pixel, row, color="silver", label="old row")
    panel.plot(pixel[::SCALE], values, "o-", color="C1", label="new row")
    panel.set_title(title)
axes[0].legend(loc="upper right")
axes[1].set_xlabel("position, in old pixels")
plt.show()

# %% [markdown]
# Without averaging, the new row shows a wave that was never there, with stripes eight times as wide
# as a new pixel. This is *aliasing*. With averaging the fine stripes almost vanish, as they should.
# Averaging before thinning out is called *antialiasing*.
#
# `cv2.resize(photo, size)` does not do it: by default it reads 2×2 old pixels for each new one,
# however many there are. Here are three ways to downsample, on a chart whose rings get finer
# towards the edge, and on a photo:

# %%
row, column = np.mgrid[-160:160, -160:160]
rings = 127.5 + 127.5 * np.cos((row**2 + column**2) * np.pi / 400)
chart = sr.degradations.crop_to_multiple(np.dstack([rings.astype("uint8")] * 3), SCALE)


def downsample(image, method=sr.degradations.bicubic):
    """The image, `SCALE` times as small."""
    return method(image, (image.shape[0] // SCALE, image.shape[1] // SCALE))


# %%
examples = [chart, middle(files[LINES % len(files)])]
ways = {
    "cv2.resize": sr.degradations.opencv,
    "area": sr.degradations.area,
    "antialiased bicubic": sr.degradations.bicubic,
}
columns = {name: [downsample(image, way) for image in examples] for name, way in ways.items()}
sr.plots.pairs(
    {"original": examples, **columns},
    rows=2,
    title=f"Downsampled by {SCALE}: rings around a center of their own are false",
)

# %% [markdown]
# The chart has one center. At ×3 and ×4, `cv2.resize` shows nine, and gives the fan rings that are
# not in the photo. The mean over each new pixel (`area`) leaves faint ones. The antialiased bicubic
# kernel turns gray where the rings are too fine for the new pixels. (At ×2, `cv2.resize` and `area`
# are the same: both are the mean of 2×2 pixels.)
#
# ## Interpolation
#
# To upscale, interpolation takes a weighted mean of the pixels around each new position. The
# weights come from a *kernel*, a function of the distance. At the left you see four of them, at the
# right what they make of an edge:

# %%
distance = np.linspace(-3.2, 3.2, 641)
edge = np.repeat([[60.0, 200.0]], 6, axis=1)
figure, (left_panel, right_panel) = plt.subplots(1, 2, figsize=(9.6, 3.4), layout="constrained")
for name, (kernel, _) in sr.degradations.KERNELS.items():
    left_panel.plot(distance, kernel(distance), label=name)
    right_panel.plot(sr.degradations.resize(edge, (1, 96), name)[0], label=name)
left_panel.set(title="Kernels: the weight of a pixel", xlabel="distance, in pixels of the input")
right_panel.set(title="An edge upscaled by 8: look at the overshoot", xlabel="position")
right_panel.set_ylabel("gray level")
left_panel.legend()
plt.show()

# %% [markdown]
# | method | pixels read | what it does |
# |---|---|---|
# | nearest neighbor | 1 | copies the closest pixel |
# | bilinear | 2×2 | joins the pixels by straight lines |
# | bicubic | 4×4 | joins them by cubic curves; the negative weights make edges steeper, and overshoot |
# | Lanczos | 6×6 | the same with a wider kernel: steeper still, with more waves beside an edge |
#
# ## Bicubic interpolation by hand
#
# This is the bicubic kernel (Keys, 1981):


# %%
def keys(distance):
    """The bicubic kernel: the weight of a pixel at this distance."""
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


# %% [markdown]
# For a row of pixels, all weights together form a matrix with a row for each new pixel. Four
# details decide the result:
#
# 1. Pixel $i$ of the new row has its center at $(i + 0.5) / s - 0.5$ of the old one.
# 2. Going down, the kernel is stretched, so that it averages over a whole new pixel: antialiasing.
# 3. The weights of a new pixel add up to 1.
# 4. Beyond the edge, the last pixel repeats. So what falls outside counts for the last pixel.


# %%
def weights(old, new, kernel=keys):
    """Matrix (new, old): how much each old pixel of a row gives to each new one."""
    scale = new / old
    stretch = min(scale, 1)
    reach = int(np.ceil(2 / stretch))  # pixels beyond the edge
    center = (np.arange(new) + 0.5) / scale - 0.5
    distance = center[:, None] - np.arange(-reach, old + reach)
    weight = kernel(stretch * distance)
    weight /= weight.sum(axis=1, keepdims=True)
    weight[:, reach] += weight[:, :reach].sum(axis=1)
    weight[:, -reach - 1] += weight[:, -reach:].sum(axis=1)
    return weight[:, reach:-reach]


pd.DataFrame(weights(4, 8)).round(3)

# %% [markdown]
# The table shows four pixels becoming eight. A picture takes two such matrices, one for its columns
# and one for its rows. MATLAB, with which the benchmark photos were downsampled, rounds to whole
# gray levels after each of them:


# %%
def whole(values):
    """Rounded and clipped to the 256 levels of a picture."""
    return np.clip(np.floor(np.asarray(values) + 0.5), 0, 255).astype("uint8")


def bicubic(image, size, kernel=keys):
    """Bicubic interpolation of an image (H, W, 3) to any size, up or down."""
    height, width = image.shape[:2]
    between = whole(np.einsum("ih,hwc->iwc", weights(height, size[0], kernel), image))
    return whole(np.einsum("jw,iwc->ijc", weights(width, size[1], kernel), between))


# %%
small = downsample(photo, bicubic)
upscaled = bicubic(small, photo.shape[:2])
helper = sr.degradations.resize(sr.degradations.bicubic(photo, small.shape[:2]), photo.shape[:2])
print(f"values that differ from sr.degradations: {(upscaled != helper).sum()} of {helper.size}")

# %% [markdown]
# Your function and the helper package's agree. From here on the lesson uses the helper's, which is
# faster and knows the other kernels. The benchmark sets Set5 and Set14 are published with
# low-resolution files that MATLAB made. Where you have them, you can check against MATLAB itself:


# %%
def compared_with_matlab(name):
    """(values that differ from the low-resolution files of a set, values compared)."""
    differ = values = 0
    for file in sr.datasets.photos(name) if sr.datasets.is_here(name) else ():
        if low := sr.datasets.low_resolution(file, SCALE):
            matlab = sr.datasets.read_image(low)
            large = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), SCALE)
            differ += (downsample(large) != matlab).sum()
            values += matlab.size
    return differ, values


for name in ("Set5", "Set14"):
    differ, values = compared_with_matlab(name)
    text = f"{differ} of {values:,} values differ" if values else "no files by MATLAB here"
    print(f"{name} ÷{SCALE}: {text}")

# %% [markdown]
# Here are the interpolations on the photo, all from the same small picture:

# %%
methods = {
    name: sr.degradations.resize(small, photo.shape[:2], name) for name in sr.degradations.KERNELS
}
sr.plots.compare(
    photo, methods, zoom=ZOOM, crop_border=SCALE, title=f"Four interpolations, ×{SCALE}"
)

# %% [markdown]
# From nearest neighbor to Lanczos the picture gets smoother and then sharper, and the score rises.
# Lanczos beats bicubic by a few tenths of a decibel in the table at the top, yet papers compare
# with bicubic. Remember how little it takes to beat it.
#
# ## PSNR
#
# The *peak signal-to-noise ratio* is the mean squared error on a logarithmic scale, in decibels
# (dB). Higher is better.
#
# $$\text{PSNR} = 10 \log_{10} \frac{255^2}{\text{MSE}}$$

# %%
error = photo.astype(float) - upscaled
by_hand = 10 * np.log10(255**2 / np.mean(error**2))
print(f"by hand {by_hand:.4f} dB, by the helper {sr.metrics.psnr(photo, upscaled):.4f} dB")

# %% [markdown]
# If every value is wrong by the same number of gray levels, this is the PSNR. Half the error is 6
# dB more:

# %%
levels = np.array([1, 2, 4, 8, 16, 32])
psnr = 20 * np.log10(255 / levels)
pd.DataFrame({"gray levels": levels, "PSNR, dB": psnr.round(1)}).set_index("gray levels").T

# %% [markdown]
# Two mistakes give a wrong PSNR without any warning. One is to subtract uint8 arrays, where 3 − 5
# is 254: convert to float first. The other is a wrong range: pictures in 0…1 need 1 in place of 255
# in the formula. With 255 every picture gains 48 dB.
#
# ## SSIM
#
# *Structural similarity* (Wang et al., 2004) compares small windows of two pictures $x$ and $y$:
# their means $\mu$, variances $\sigma^2$ and covariance $\sigma_{xy}$. It asks whether the pattern
# is the same, more than whether each value is.
#
# $$\text{SSIM} = \frac{(2\mu_x\mu_y + c_1)(2\sigma_{xy} + c_2)}{(\mu_x^2 + \mu_y^2 + c_1)(\sigma_x^2 + \sigma_y^2 + c_2)}$$
#
# The window is a Gaussian of 11×11 pixels. A mean over such windows is a blurred picture, and a
# variance is the mean of the square minus the square of the mean, so the formula can be written as
# it stands:


# %%
def blur(image):
    """The mean over each window of 11×11 pixels, without those that reach over the edge."""
    return cv2.GaussianBlur(image, (11, 11), 1.5)[5:-5, 5:-5]


def ssim_map(x, y):
    """SSIM of each window of two gray pictures."""
    mean_x, mean_y = blur(x), blur(y)
    variance_x = blur(x * x) - mean_x**2
    variance_y = blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    brightness = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return brightness * (2 * covariance + c2) / (variance_x + variance_y + c2)


# %%
gray, gray_upscaled = (sr.metrics.luma(image) for image in (photo, upscaled))
similarity = ssim_map(gray.astype(float), gray_upscaled.astype(float))
print(f"by hand {similarity.mean():.4f}, by the helper {sr.metrics.ssim(gray, gray_upscaled):.4f}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.2), layout="constrained")
maps = {
    "Bicubic": (gray_upscaled, "gray", 255),
    "Error, gray levels": (np.abs(gray.astype(float) - gray_upscaled), "magma", 80),
    "1 − SSIM": (1 - similarity, "magma", 1),
}
for panel, (title, (values, colors, highest)) in zip(axes, maps.items(), strict=True):
    shown = panel.imshow(values, cmap=colors, vmin=0, vmax=highest)
    panel.set(title=title, xticks=[], yticks=[])
    figure.colorbar(shown, ax=panel, shrink=0.8)
plt.show()

# %% [markdown]
# SSIM is computed per pixel; plotting it before averaging shows where the two pictures differ. The
# error (middle) is largest at the strongest edges. 1 − SSIM (right) is large also where a weak
# texture was lost, although the error is small there.
#
# ## What PSNR and SSIM miss
#
# Shift the photo by one pixel. Nobody would see that. Then damage it in four other ways, each just
# strong enough to give the same PSNR.

# %%
noise = np.random.default_rng(0).normal(size=photo.shape)


def damage(kind, strength):
    """The photo, damaged; the strength goes from 0 to 1."""
    if kind == "more contrast":
        return whole(128 + (1 + 2 * strength) * (photo - 128.0))
    if kind == "noise":
        return whole(photo + 100 * strength * noise)
    if kind == "blur":
        return cv2.GaussianBlur(photo, (0, 0), 0.3 + 8 * strength)
    return sr.degradations.jpeg(photo, round(100 - 99 * strength))


# %%
def psnr_y(image):
    return sr.metrics.psnr(photo, image, luma=True)


equal = {"shifted by 1 pixel": np.roll(photo, 1, axis=1)}
target = psnr_y(equal["shifted by 1 pixel"])
for kind in ("more contrast", "noise", "blur", "JPEG"):
    tries = [damage(kind, strength) for strength in np.linspace(0.01, 1, 100)]
    equal[kind] = min(tries, key=lambda image: abs(psnr_y(image) - target))

# %%
sr.plots.compare(photo, equal, zoom=ZOOM, title="Nearly the same PSNR: which would you accept?")

# %% [markdown]
# The first two pictures you might accept. In the last one most of the color is gone. PSNR cannot
# tell them apart. (It is a little off for JPEG, which comes in whole qualities only.) SSIM can, in
# part: it puts more contrast first and the shift second. But it puts noise last, where you can
# still read the lettering, below blur and JPEG, where you cannot.
#
# Compare with the figure at the top: at ×4, bicubic interpolation scores nearly as high as a shift
# that nobody would see. This is why every lesson shows pictures beside its numbers, and why lesson
# [07](07_srgan.ipynb) measures with LPIPS as well, a score that was fitted to what people see.
#
# ## PSNR-Y, borders and other conventions
#
# The scores in tables of papers are measured in one particular way:
#
# - on the *luma* Y, the brightness of a color in digital television (BT.601):
#   Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, rounded. Black is 16 and white is 235;
# - without a border of `SCALE` pixels, since near the edge a method has to guess what lies beyond;
# - as a mean over the photos: each photo has its PSNR, and these are averaged.
#
# This is what PSNR-Y and SSIM-Y mean in this course. Many programs do it otherwise. Below, the same
# method is scored on the same photos in seven ways, and only in the last one are the pictures
# different:


# %%
def score(view=sr.metrics.luma, border=SCALE, downsampling=sr.degradations.bicubic, batch=False):
    """PSNR in dB of bicubic interpolation: mean over the photos, or of all as one batch."""
    errors = []
    for image in photos:
        estimate = sr.degradations.resize(downsample(image, downsampling), image.shape[:2])
        error = view(image).astype(float) - view(estimate)
        height, width = error.shape[:2]
        errors.append(np.mean(error[border : height - border, border : width - border] ** 2))
    return np.mean(10 * np.log10(255**2 / (np.mean(errors) if batch else np.array(errors))))


def unrounded(image):
    return 16 + image @ np.array([65.481, 128.553, 24.966]) / 255


def full_range(image):
    """The luma of OpenCV and of JPEG files, 0…255."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


# %%
conventions = {
    "Y, without the border (papers)": score(),
    "Y, with the border": score(border=0),
    "Y, not rounded": score(unrounded),
    "Y from 0 to 255, as in OpenCV": score(full_range),
    "RGB": score(np.asarray),
    "RGB, with the border, all photos as one batch": score(np.asarray, 0, batch=True),
    "the same, downsampled by cv2.resize": score(np.asarray, 0, sr.degradations.opencv, True),
}
table = pd.DataFrame({"PSNR, dB": conventions})
table["difference, dB"] = table["PSNR, dB"] - table["PSNR, dB"].iloc[0]
table.map("{:.2f}".format)

# %% [markdown]
# The border and the rounding hardly matter on these photos. The luma does: in the range 16…235 all
# errors are smaller than in 0…255, by a factor of 219/255. That alone is 1.32 dB, for every
# picture: if two papers differ by about 1.3 dB, ask for the luma first. RGB is lower still, and a
# batch, whose errors are averaged before the logarithm, is ruled by its hardest photos.
#
# ## Experiment: how much does the downsampling decide?
#
# In the last row above another downsampling made the score worse. Here you vary nothing else. Seven
# ways to make the small picture, three interpolations to upscale it, PSNR-Y as the papers measure
# it:


# %%
def pillow(image, size):
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC))


def cv2_cubic(image, size):
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)


def nearest(image, size):
    return sr.degradations.resize(image, size, "nearest")


DOWNSAMPLING = {
    "antialiased bicubic, as MATLAB": sr.degradations.bicubic,
    "Pillow, BICUBIC": pillow,
    "area": sr.degradations.area,
    "Gaussian blur, then bicubic": sr.degradations.blurred_bicubic,
    "cv2.resize": sr.degradations.opencv,
    "cv2.resize, INTER_CUBIC": cv2_cubic,
    "one pixel kept of each square": nearest,
}


# %%
def score_table(ways):
    """PSNR-Y: a row for each way to make the small picture, a column for each interpolation."""
    rows = {}
    for name, way in ways.items():
        for method in ("bilinear", "bicubic", "lanczos"):
            scores = sr.metrics.evaluate(method, photos, SCALE, degradation=way)
            rows.setdefault(name, {})[f"{method}, dB"] = f"{scores.psnr_y.mean():.2f}"
    return pd.DataFrame(rows).T


score_table(DOWNSAMPLING)

# %% [markdown]
# Read down the columns first: at ×4 the *same* interpolation loses one to two decibels from the
# best downsampling to the worst. For comparison, the EDSR baseline and SwinIR, four years of
# research apart, differ by 0.8 dB on Set5 ×4 (published). Then read along the rows. With
# antialiasing the sharper interpolation wins, Lanczos before bicubic before bilinear. Without it
# the order turns around, since false detail becomes sharper as well.
#
# A network learns to undo the downsampling of its training photos. So before you compare two
# numbers from two papers, find out how each made its small pictures. In your own code, Pillow's
# `BICUBIC` will do (in this table it scores as MATLAB's does); `cv2.resize` will not, except with
# `INTER_AREA`.
#
# ## The published numbers
#
# For bicubic interpolation two rows of numbers are in print. One is in the README of SelfExSR
# (Huang et al., 2015), the other in the papers of VDSR, EDSR and many more. Both are measured on Y,
# without the border, as a mean over the photos. They differ in what is downsampled: color files, in
# whole gray levels, or Y alone, in floating point. The next cells do both. They need the benchmark
# sets, which are not part of the course (`srhelpers download Set5` fetches them).

# %%
PUBLISHED = {
    "Set5 ×2": ("33.64 / .9292", "33.66 / .9299"),
    "Set14 ×2": ("30.22 / .8683", "30.24 / .8688"),
    "B100 ×2": ("29.55 / .8425", "29.56 / .8431"),
    "Set5 ×3": ("30.39 / .8678", "30.39 / .8682"),
    "Set14 ×3": ("27.53 / .7737", "27.55 / .7742"),
    "B100 ×3": ("27.20 / .7382", "27.21 / .7385"),
    "Set5 ×4": ("28.42 / .8101", "28.42 / .8104"),
    "Set14 ×4": ("25.99 / .7023", "26.00 / .7027"),
    "B100 ×4": ("25.96 / .6672", "25.96 / .6675"),
}


# %%
def of_color_files(name):
    """PSNR-Y and SSIM-Y: all three colors are downsampled, rounded and upscaled."""
    rows = sr.metrics.evaluate("bicubic", name, SCALE)
    return rows.psnr_y.mean(), rows.ssim_y.mean()


def of_luma_alone(name):
    """PSNR-Y and SSIM-Y: only Y is downsampled and upscaled, and rounded at the end."""
    scores = []
    for file in sr.datasets.photos(name):
        image = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), SCALE)
        luma = image if image.ndim == 2 else sr.metrics.luma(image)
        estimate = whole(sr.degradations.resize(downsample(luma.astype(float)), luma.shape))
        psnr = sr.metrics.psnr(luma, estimate, crop_border=SCALE)
        scores.append((psnr, sr.metrics.ssim(luma, estimate, crop_border=SCALE)))
    return np.mean(scores, axis=0)


# %%
def measured(measure, name):
    if not sr.datasets.is_here(name):
        return "not here"
    psnr, ssim = measure(name)
    return f"{psnr:.2f} / {ssim:.4f}".replace(" 0.", " .")


rows = {}
for name in ("Set5", "Set14", "B100"):
    one, another = PUBLISHED[f"{name} ×{SCALE}"]
    rows[f"{name} ×{SCALE}"] = {
        "color files": measured(of_color_files, name),
        "SelfExSR (published)": one,
        "luma alone": measured(of_luma_alone, name),
        "VDSR, EDSR (published)": another,
    }
pd.DataFrame(rows).T.rename_axis("PSNR-Y in dB / SSIM-Y")

# %% [markdown]
# The measured columns stand before the published ones. With color files you reproduce SelfExSR's
# numbers to the last digit. With luma alone you reproduce the other row on Set5 to the last digit.
# On Set14 and B100 a difference of up to 0.01 dB and .0008 is left, and we do not know where it
# comes from. A network gets its small picture as a file, so the first column is the fair baseline,
# and it is the one of this course. (One photo of Set14 is a gray file. It is compared as it is.)
#
# Such differences are small. Others are not: for the same Set5 ×4 the SRGAN paper prints an SSIM of
# .8211. That is another SSIM, and its figures belong in no table with those of other papers.
#
# ## JPEG and real photos
#
# In the benchmarks the small picture is clean. A picture from the web was compressed. Here are the
# same photos with a JPEG after the downsampling:

# %%
score_table({"clean": "bicubic"} | {f"JPEG, quality {n}": f"jpeg{n}" for n in (90, 75, 50, 20)})

# %%
low = sr.degradations.jpeg(small, 20)
methods = {
    "from the clean picture": sr.degradations.resize(small, photo.shape[:2]),
    "from JPEG, quality 20": sr.degradations.resize(low, photo.shape[:2]),
}
sr.plots.compare(
    photo, methods, zoom=ZOOM, crop_border=SCALE, title=f"Bicubic interpolation ×{SCALE}"
)

# %% [markdown]
# The lower the quality, the lower all scores, and the smaller the lead of the sharper
# interpolations: they make the blocks of the JPEG sharper too. A network that learned from clean
# pictures does the same. Lesson [11](11_your_own_pictures.ipynb) measures that.
#
# For a real photo there is no score at all, since nobody has its high resolution. What a table of
# benchmarks says holds for small pictures made as those of the benchmarks.
#
# ## What the articles said
#
# The lessons follow five articles. These are their claims about baselines and scores:
#
# | the article | what we find | verdict |
# |---|---|---|
# | *Starting with Super-Resolution*: the first network reaches a PSNR of about 21, not a good result | it shows no interpolation beside it; measured its way, bicubic scores 20.3 dB on our photos at ×4 (last row of the conventions) | cannot be told without a baseline |
# | the same: a high PSNR does not guarantee a picture that is good for the eye | five pictures of nearly one PSNR, from acceptable to ruined | holds |
# | *SRGAN*: an SSIM of .9019 for SRResNet on Set5 | copied from the paper, which has .8211 for bicubic where others have .8104 | to be compared within that paper only |
# | the same: small pictures are blurred, then downsampled | its code uses Pillow's `BICUBIC` without a blur, on which bicubic scores 0.6 dB more at ×4 | text and code differ |
# | *EDSR*: a validation PSNR of 31.4 | measured on random crops; lesson [08](08_edsr.ipynb) draws forty times | cannot be told |
#
# ## Change it yourself
#
# 1. Which photo is the hardest for bicubic interpolation, which the easiest, and why?
#    Start from `sr.metrics.evaluate("bicubic", photos, SCALE)`, a table with a row for each photo.
# 2. Many photo programs use the kernel of Mitchell and Netravali (1988), with $B = C = 1/3$: for
#    distances $x$ up to 1 it is $\frac{1}{6}((12 - 9B - 6C)x^3 + (12B + 6C - 18)x^2 + 6 - 2B)$, up to 2
#    it is $\frac{1}{6}((-B - 6C)x^3 + (6B + 30C)x^2 - (12B + 48C)x + 8B + 24C)$, and 0 beyond. Write it
#    as `def mitchell(distance): ...` and give it to your `bicubic(small, photo.shape[:2], mitchell)`.
#    Has it a higher PSNR-Y on this photo than Keys's kernel, from the same small picture?
# 3. How much of the PSNR is due to antialiasing? `sr.degradations.resize(image, size, antialias=False)`
#    leaves it out. Start from `def aliased(image, size): ...` and
#    `score_table({"antialiased": sr.degradations.bicubic, "aliased": aliased})`.
# 4. Sharpen the bicubic picture of `photo`: add to it `amount * (estimate - blurred)`, where `blurred` is
#    `cv2.GaussianBlur(estimate, (0, 0), SCALE / 2)`. Start from `estimate = upscaled.astype(float)`, and
#    round the result with `whole`. Can this raise the PSNR-Y? Which amount is best?
# 5. *Back-projection*: downsample the estimate, compare it with `small`, upscale the difference, add
#    it, repeat. Start from `estimate = upscaled.astype(float)`. How far do you get without training?
#
# <details><summary>Solution to 1</summary>
#
# ```python
# scores = sr.metrics.evaluate("bicubic", photos, SCALE).psnr_y
# ends = {f"{scores[n]:.1f} dB": [photos[n]] for n in (scores.idxmin(), scores.idxmax())}
# sr.plots.pairs(ends, title="The hardest and the easiest photo")
# ```
#
# Thin branches before a white sky are hard, a ball with soft shadows is easy. So the mean of a set
# says as much about its photos as about the method.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# def mitchell(distance, b=1 / 3, c=1 / 3):
#     x = np.abs(distance)
#     near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
#     far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 - (12 * b + 48 * c) * x + 8 * b + 24 * c
#     return np.where(x <= 1, near, np.where(x <= 2, far, 0)) / 6
#
#
# for kernel in (keys, mitchell):
#     estimate = bicubic(small, photo.shape[:2], kernel)
#     score = sr.metrics.psnr(photo, estimate, crop_border=SCALE, luma=True)
#     print(f"{kernel.__name__}: {score:.2f} dB")
# ```
#
# It is softer: less overshoot, and a lower PSNR.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# def aliased(image, size):
#     return sr.degradations.resize(image, size, antialias=False)
#
#
# score_table({"antialiased": sr.degradations.bicubic, "aliased": aliased})
# ```
#
# At ×4 bicubic interpolation loses about a decibel. Try it at `SCALE = 2`: there is little aliasing
# there, the small picture is sharper without the averaging, and the score *rises*.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# estimate = upscaled.astype(float)
# blurred = cv2.GaussianBlur(estimate, (0, 0), SCALE / 2)
# for amount in (0, 0.25, 0.5, 1, 2):
#     sharp = whole(estimate + amount * (estimate - blurred))
#     print(amount, f"{sr.metrics.psnr(photo, sharp, crop_border=SCALE, luma=True):.2f} dB")
# ```
#
# It can, up to an amount. Part of what a network learns first is to sharpen.
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# estimate = upscaled.astype(float)
# for step in range(8):
#     difference = small - downsample(estimate)
#     estimate += sr.degradations.resize(difference, photo.shape[:2])
#     score = sr.metrics.psnr(photo, whole(estimate), crop_border=SCALE, luma=True)
#     print(step + 1, f"{score:.2f} dB")
# ```
#
# The estimate comes to agree with the small picture, which bicubic interpolation does not do. If
# there is noise in the small picture, it comes to agree with the noise as well.
# </details>
#
# ## Summary
#
# - A low-resolution photo is an average thinned out. Without the average it shows aliasing.
# - Bicubic interpolation is two matrix products; with antialiasing and rounding as in MATLAB it gives
#   the published numbers.
# - PSNR-Y and SSIM-Y are measured on the rounded luma, without a border of `SCALE` pixels, as a mean
#   over photos. Another luma, RGB or a batch shift them by one to three decibels.
# - How the small picture was made decides as much as the method.
# - Both scores miss things that you see. Look at the pictures.
#
# **References**
#
# - Keys, *Cubic convolution interpolation for digital image processing*, 1981.
# - Mitchell and Netravali, *Reconstruction filters in computer graphics*, 1988.
# - Wang et al., *Image quality assessment: from error visibility to structural similarity*, 2004.
# - Huang et al., *Single image super-resolution from transformed self-exemplars*, 2015, for SelfExSR.
# - Kim et al., *Accurate image super-resolution using very deep convolutional networks*, 2016, for VDSR.
# - Ledig et al., *Photo-realistic single image super-resolution using a generative adversarial network*, 2017, for SRGAN.
# - Lim et al., *Enhanced deep residual networks for single image super-resolution*, 2017, for EDSR.
# - The articles: A. Amsel, *Starting with Super-Resolution*; *SRGAN-based image super-resolution*, with code at github.com/imcyx/SRcode; *EDSR*, with code at github.com/wangdayaya/DP_2023.
