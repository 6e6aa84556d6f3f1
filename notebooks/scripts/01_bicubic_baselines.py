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
# You end with a bicubic baseline that equals a published table digit for digit, and you know which
# decisions move such a number by a decibel or more without making any picture better: how the small
# picture is made, on which luma you measure, and how you average.
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/super-resolution/blob/main/notebooks/01_bicubic_baselines.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/OWNER/super-resolution/blob/main/notebooks/01_bicubic_baselines.ipynb)
#
# | | |
# |---|---|
# | Time | about 20 s on two CPU cores; the full profile is the same |
# | Before this | nothing |
# | Data | photographs that come with scikit-image; Set5, Set14 and B100 too, where you have them |
#
# Every later notebook puts its network beside the numbers you make here.

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

photo = sr.degradations.crop_to_multiple(sr.datasets.sample("astronaut"), 8)
size = (photo.shape[0] // 4, photo.shape[1] // 4)
small = sr.degradations.bicubic(photo, size)
estimates = {
    name: sr.degradations.resize(small, photo.shape[:2], name) for name in ("nearest", "bicubic")
}
sr.plots.compare(
    photo, estimates, crop_border=4, title="A photo reduced 4 times and grown back: read the names"
)

# %% [markdown]
# Nearest neighbour turns the letters of the badge into blocks, bicubic interpolation into fog.
# Neither can know that there were letters. The numbers under the squares compare the whole
# pictures; what they are is what this notebook is about.
#
# To see your own photo, replace `sr.datasets.sample("astronaut")` with
# `sr.datasets.read_image("my_photo.jpg")`. The path is relative to the folder of this notebook.
#
# And this is the row every network of this course has to beat, the mean over twelve sample photos:

# %%
sr.metrics.summarise(sr.metrics.evaluate("bicubic", "samples", 4)).round(4)

# %% [markdown]
# ## Setup
#
# One call says where you are, checks versions and sets the random seeds.

# %%
import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# ## What low resolution is
#
# A camera pixel adds up the light that falls on a small area. A pixel four times as wide and high
# adds up sixteen of them. So a low-resolution picture is the high-resolution one, averaged over a
# neighbourhood and then thinned out:
#
# $$\text{low} = (\text{high} * k) \downarrow_s$$
#
# The kernel $k$ says how the neighbourhood is weighed, $s$ is the scale. Super-resolution runs this
# backwards.
#
# Here is the most detailed square of the photo, and what is left of it:

# %%
top, left = (n - n % 8 for n in sr.plots.most_detailed(photo, 96))
square = photo[top : top + 96, left : left + 96]
reduced = {
    f"÷{scale}": [sr.degradations.bicubic(square, (96 // scale, 96 // scale))]
    for scale in (2, 4, 8)
}
sr.plots.pairs({"original": [square], **reduced}, title="The same detail on fewer pixels")

# %% [markdown]
# At ÷2 you can still make out letters, at ÷4 you cannot. Each step throws away three of every four
# numbers.
#
# What is thrown away cannot be computed back, because different pictures have the same small
# version. Here is such a pair. You add stripes that a mean over 4×4 pixels does not see, since half
# of them add 24 grey levels and half take 24 away. (The photo is first kept away from black and
# white, to leave room for them.)

# %%
stripes = np.tile([24, -24], 48)[None, :, None]
calm = np.clip(square, 24, 231)
striped = (calm + stripes).astype("uint8")

# %% [markdown]
# Are the two pictures equal? And their small versions?

# %%
calm_small, striped_small = (sr.degradations.area(image, (24, 24)) for image in (calm, striped))
print("high resolution equal:", np.array_equal(calm, striped))
print("low resolution equal: ", np.array_equal(calm_small, striped_small))

# %%
sr.plots.pairs(
    {"one picture": [calm], "another": [striped], "both, ÷4": [calm_small]},
    title="Two pictures, one small version, equal to the last bit",
)

# %% [markdown]
# Nothing in the small picture tells which of the two you had. A network that answers has learned
# which one is more *likely*. It guesses, well or badly, and no score of this course changes that.

# %% [markdown]
# ## How you shrink decides everything
#
# `cv2.resize(photo, size)` looks harmless. It looks at a few old pixels right around each new
# position, 2×2 of them by default. At ÷4 the rest of the picture hardly counts. Detail that is too
# fine for the small grid does not vanish then. It comes back as a pattern that was never there:
# *aliasing*. An antialiased resize widens its kernel by the scale, so that it averages smoothly
# over a whole new pixel.
#
# A test chart shows it best. These rings get finer towards the edge:

# %%
row, column = np.mgrid[-256:256, -256:256]
chart = (127.5 + 127.5 * np.cos((row**2 + column**2) * np.pi / 640)).astype("uint8")

# %% [markdown]
# Four ways to shrink it:


# %%
def cv2_cubic(image, size):
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)


ways = {
    "cv2.resize": sr.degradations.opencv,
    "cv2, INTER_CUBIC": cv2_cubic,
    "area": sr.degradations.area,
    "antialiased bicubic": sr.degradations.bicubic,
}

# %%
charts = {name: [shrink(chart, (128, 128))] for name, shrink in ways.items()}
sr.plots.pairs(
    {"chart": [chart], **charts}, title="Rings reduced 4 times: every extra ring centre is false"
)

# %% [markdown]
# The chart has one ring centre. Both plain `cv2.resize` results show nine. The area average leaves
# faint ghosts. Antialiased bicubic fades to grey where the small grid cannot hold the rings, as it
# should. (The chart itself is drawn on fewer pixels than it has, antialiased too: that is why its
# rim looks grey.) On the photo the same thing looks like this:

# %%
top_small, left_small = sr.plots.most_detailed(small, 40)
corner = np.s_[top_small : top_small + 40, left_small : left_small + 40]
corners = {name: [shrink(photo, size)[corner]] for name, shrink in ways.items()}
sr.plots.pairs(corners, title="A detail reduced 4 times: look at the specks in the badge")

# %% [markdown]
# Both `cv2.resize` pictures look crisper at first. Look again at the badge: where the photo has
# letters there are single bright pixels now, some letters have one, others have none.
#
# The small pictures of the benchmarks were made with MATLAB's function `imresize`, which is
# antialiased. Ours should be the same. Set5 and Set14 bring MATLAB's files with them; where you
# have the sets, the next cell counts the values in which we differ.


# %%
def differences_from_matlab(file):
    """(values that differ, values) between our reduction of a photo and the file MATLAB made."""
    matlab = sr.datasets.read_image(sr.datasets.low_resolution(file, 4))
    ours = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), 4)
    return (sr.degradations.bicubic(ours, matlab.shape[:2]) != matlab).sum(), matlab.size


for name in ("Set5", "Set14"):
    if sr.datasets.is_here(name):
        differ, values = np.sum(
            [differences_from_matlab(file) for file in sr.datasets.photos(name)], axis=0
        )
        print(f"{name} ÷4: {differ} of {values} values differ")
    else:
        print(f"{name}: not here; get it with: srhelpers download {name}")

# %% [markdown]
# Three things make it exact: the widened kernel, edges that repeat the last pixel, and a rounding
# to whole numbers *between* the vertical and the horizontal pass. (Newer versions of MATLAB mirror
# the picture at the edge instead, which changes a few rim pixels.)
#
# From here on you measure on all sample photos, cut to a multiple of 4. How far are the other ways
# from MATLAB's, in grey levels?

# %%
photos = {file.stem: sr.datasets.read_image(file) for file in sr.datasets.photos("samples")}
photos = {name: sr.degradations.crop_to_multiple(image, 4) for name, image in photos.items()}
small_sizes = {name: (image.shape[0] // 4, image.shape[1] // 4) for name, image in photos.items()}


# %%
def difference(name, shrink):
    """Mean absolute difference from antialiased bicubic on one photo, in grey levels."""
    ours = sr.degradations.bicubic(photos[name], small_sizes[name])
    return np.abs(shrink(photos[name], small_sizes[name]).astype(float) - ours).mean()


others = {way: shrink for way, shrink in ways.items() if way != "antialiased bicubic"}
distances = {
    way: np.mean([difference(name, shrink) for name in photos]) for way, shrink in others.items()
}
pd.Series(distances, name="grey levels off").round(2).to_frame()

# %% [markdown]
# Now the part that matters for your results. Grow each small photo back three ways and measure:


# %%
def grown_back(shrink, method):
    """Mean PSNR-Y over the sample photos, in decibels."""
    scores = []
    for name, image in photos.items():
        low = shrink(image, small_sizes[name])
        grown = sr.degradations.resize(low, image.shape[:2], method)
        scores.append(sr.metrics.psnr(image, grown, crop_border=4, luma=True))
    return np.mean(scores)


methods = ["bilinear", "bicubic", "lanczos"]
scores = {
    way: {method: grown_back(shrink, method) for method in methods} for way, shrink in ways.items()
}
pd.DataFrame(scores).T.round(2).rename_axis("shrunk by \\ grown by")

# %% [markdown]
# Read the rows. After an antialiased reduction the sharper kernel wins: Lanczos before bicubic
# before bilinear. After plain `cv2.resize` Lanczos falls behind bicubic, because it sharpens the
# false detail too, and after `INTER_CUBIC` even bilinear is nearly as good. Now read the columns:
# the *same* interpolation gains or loses more than 1.3 dB by the reduction alone. A model trained
# on one of these and tested on another is measured on a task it never saw. **A number without its
# reduction means nothing.**

# %% [markdown]
# ## Growing back: five interpolations
#
# Interpolation puts a smooth curve through the pixels and reads it at new positions. The curve is a
# weighted mean of the pixels nearby, and the kernel gives the weights by distance.

# %%
distance = np.linspace(-3.2, 3.2, 641)
figure, axes = plt.subplots(figsize=(8, 3))
for name, (kernel, _) in sr.degradations.KERNELS.items():
    axes.plot(distance, kernel(distance), label=name)
axes.set(xlabel="distance in pixels", title="What a pixel weighs: dips below zero sharpen")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# | method | reads | in a word |
# |---|---|---|
# | nearest | 1 pixel | copies |
# | bilinear | 2×2 | a straight line between pixels |
# | bicubic | 4×4 | Keys' cubic with a = −0.5: negative weights sharpen edges |
# | Lanczos | 6×6 | three lobes of a windowed sinc: a little sharper, a little more ringing |
# | area | the pixels covered | the honest average going down; going up by a whole factor it copies, as nearest does |
#
# In one dimension, by hand: the value at position 1.75 between the pixels 0, 10, 90, 100.

# %%
pixels, position = np.array([0, 10, 90, 100]), 1.75
keys, _ = sr.degradations.KERNELS["bicubic"]
weights = keys(position - np.arange(4))
print("weights:", weights.round(4), " value:", weights @ pixels)

# %% [markdown]
# The two outer pixels weigh less than zero. So next to an edge the curve overshoots: it gets darker
# than dark before it gets bright.

# %%
edge = np.repeat([60.0, 200.0], 6)[None]
figure, axes = plt.subplots(figsize=(8, 3))
for name in ("nearest", "bilinear", "bicubic", "lanczos"):
    axes.plot(sr.degradations.resize(edge, (1, 96), name)[0], label=name)
axes.set(
    xlabel="position, ×8",
    ylabel="grey level",
    title="An edge grown 8 times: look at the dips beside it",
)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# A picture is grown in two passes, columns and rows. Each pass multiplies with a matrix of such
# weights and rounds. You can see the matrix by growing a picture that has a single 1 in each row:
# here 6 pixels become 12, and every row says what the old pixels give to one new pixel. Each adds
# up to 1.

# %%
matrix = sr.degradations.resize(np.eye(6), (12, 6))
pd.DataFrame(matrix.round(3))

# %% [markdown]
# Now all five on the photo:

# %%
every = {
    name: sr.degradations.resize(small, photo.shape[:2], name)
    for name in sr.degradations.INTERPOLATIONS
}
sr.plots.compare(
    photo, every, title="Five interpolations ×4: look at the rim of the badge", crop_border=4
)

# %% [markdown]
# Bilinear is soft. Bicubic and Lanczos are crisper. Lanczos beats bicubic here, and on every
# benchmark set below. Papers compare with bicubic all the same, so remember how little it takes to
# beat it. Area is nearest, to the last bit:

# %%
np.array_equal(every["area"], every["nearest"])

# %% [markdown]
# ## PSNR
#
# The peak signal-to-noise ratio is the mean squared error on a logarithmic scale. Higher is better,
# and 6 dB more means that the typical error is half as large.
#
# $$\text{PSNR} = 10 \log_{10} \frac{255^2}{\text{MSE}}$$
#
# Here it is over all three colours. (The figures above say PSNR-Y, which comes below.)

# %%
error = (photo.astype(float) - every["bicubic"]) ** 2
by_hand = 10 * np.log10(255**2 / error.mean())
print(f"by hand {by_hand:.4f} dB, by the helper {sr.metrics.psnr(photo, every['bicubic']):.4f} dB")

# %% [markdown]
# A feeling for the scale: every pixel wrong by so many grey levels gives

# %%
levels = np.array([1, 2, 5, 10, 20, 50])
pd.DataFrame([(20 * np.log10(255 / levels)).round(1)], ["PSNR in dB"], levels)

# %% [markdown]
# Convert the images to float before you subtract. In uint8, 3 − 5 is 254, and the PSNR is nonsense
# without any warning. Mind the range as well: two pictures in 0…1, measured as if white were 255,
# gain 48 dB. The helper takes uint8 only and refuses everything else:

# %%
try:
    sr.metrics.psnr(photo, every["bicubic"] / 255)
except ValueError as error_message:
    print(error_message)

# %% [markdown]
# ## SSIM
#
# Structural similarity compares small windows of two pictures $x$ and $y$ by their means $\mu$,
# their variances $\sigma^2$ and their covariance $\sigma_{xy}$. It asks whether the pattern is
# still there, not whether each value is right.
#
# $$\text{SSIM} = \frac{(2\mu_x\mu_y + c_1)(2\sigma_{xy} + c_2)}{(\mu_x^2 + \mu_y^2 + c_1)(\sigma_x^2 + \sigma_y^2 + c_2)}$$
#
# The window is a Gaussian of 11×11 pixels, so $\mu$ and $\sigma$ are blurred pictures, and you can
# write it down as it stands:


# %%
def similarity_map(x, y):
    """SSIM of every window of two grey pictures, without the windows that reach over the edge."""

    def mean(image):
        return cv2.GaussianBlur(image, (11, 11), 1.5)[5:-5, 5:-5]

    mean_x, mean_y = mean(x), mean(y)
    covariance, variance_x, variance_y = (
        mean(a * b) - mean(a) * mean(b) for a, b in ((x, y), (x, x), (y, y))
    )
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    brightness = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return brightness * (2 * covariance + c2) / (variance_x + variance_y + c2)


# %%
luma, estimate = (sr.metrics.luma(image) for image in (photo, every["bicubic"]))
similarity = similarity_map(luma.astype(float), estimate.astype(float))
print(f"by hand {similarity.mean():.4f}, by the helper {sr.metrics.ssim(luma, estimate):.4f}")

# %% [markdown]
# Before taking the mean you can see where the picture is unlike:

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 4))
maps = {
    "Absolute error, grey levels": np.abs(luma.astype(float) - estimate),
    "1 − SSIM": 1 - similarity,
}
for panel, (title, values), limit in zip(axes, maps.items(), (80, 1), strict=True):
    figure.colorbar(panel.imshow(values, cmap="magma", vmin=0, vmax=limit), ax=panel, shrink=0.8)
    panel.set_title(title)
    panel.axis("off")
plt.show()

# %% [markdown]
# The error (left) sees strong edges. SSIM (right) also sees places where weak texture was wiped out
# at almost no cost in squared error.

# %% [markdown]
# ## What both miss
#
# Take the photo moved by one pixel. You cannot see that. Then damage the photo in other ways, each
# just so much that its PSNR-Y is the same.

# %%
from scipy.optimize import brentq


def picture(values):
    return np.clip(np.round(values), 0, 255).astype("uint8")


def with_psnr(damage, target, weakest, strongest):
    """The picture `damage(strength)` whose PSNR-Y is `target`; `brentq` searches for the strength."""

    def excess(strength):
        return sr.metrics.psnr(photo, picture(damage(strength)), luma=True) - target

    return picture(damage(brentq(excess, weakest, strongest)))


# %% [markdown]
# The move sets the mark that all others must hit.

# %%
moved = np.roll(photo, 1, axis=1)
target = sr.metrics.psnr(photo, moved, luma=True)
noise = np.random.default_rng(0).normal(size=photo.shape)


# %% [markdown]
# Three kinds of damage that come in any strength, and JPEG, which comes in whole qualities only:


# %%
def jpeg(quality):
    _, file = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]


def miss(quality):
    return abs(sr.metrics.psnr(photo, jpeg(quality), luma=True) - target)


equal = {
    "moved 1 pixel": moved,
    "more contrast": with_psnr(lambda gain: (photo - 128.0) * gain + 128, target, 1.01, 4),
    "noisy": with_psnr(lambda sigma: photo + sigma * noise, target, 1, 100),
    "blurred": with_psnr(lambda sigma: cv2.GaussianBlur(photo, (0, 0), sigma), target, 0.3, 20),
    "JPEG": jpeg(min(range(1, 60), key=miss)),
}

# %%
sr.plots.compare(photo, equal, title="Equal PSNR-Y, different pictures")

# %% [markdown]
# Five pictures with one PSNR-Y (JPEG as near as it comes). The first two you would accept, in the
# last two nothing is left to read. PSNR cannot tell them apart. SSIM puts the first two first, but
# it ranks the noisy picture last, in which every name is still there, and gives the blurred one, in
# which no letter is, not much less than the moved one.
#
# Keep this in mind when a later notebook shows a GAN that *loses* two decibels and looks better. It
# is the reason why every lesson shows pictures beside numbers.

# %% [markdown]
# ## RGB or Y, border or no border
#
# This is the oldest confusion of the field. Papers measure on the luma Y of the BT.601 standard,
# rounded, and leave out a border as wide as the scale. Code on the internet often measures RGB, or
# another Y, or everything. Below, *one* picture grown by *one* method is scored eight ways. Nothing
# else changes.


# %%
def full_range_luma(image):
    """The Y of JPEG files and of OpenCV: 0…255 instead of 16…235."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def unrounded_luma(image):
    return 16 + image @ np.array([65.481, 128.553, 24.966]) / 255


views = {
    "RGB": np.asarray,
    "Y as papers do": sr.metrics.luma,
    "Y unrounded": unrounded_luma,
    "Y of OpenCV": full_range_luma,
}

# %% [markdown]
# Four views of the picture, each with and without its border:


# %%
def score(reference, estimate, view, border):
    height, width = reference.shape[:2]
    inside = np.s_[border : height - border, border : width - border]
    a, b = (view(image).astype(float)[inside] for image in (reference, estimate))
    return 10 * np.log10(255**2 / np.mean((a - b) ** 2))


protocols = {
    name: {f"border {border}": score(photo, every["bicubic"], view, border) for border in (0, 4)}
    for name, view in views.items()
}
pd.DataFrame(protocols).T.round(2)

# %% [markdown]
# From the lowest to the highest figure the same picture "gains" about 1.5 dB. The border and the
# rounding hardly matter here. Most of the step from RGB to Y is no perception at all: BT.601
# squeezes a range of 255 into 219, and an error in a smaller range is a smaller error. That alone
# gives, for every picture:

# %%
print(f"20 log10(255 / 219) = {20 * np.log10(255 / 219):.2f} dB")

# %% [markdown]
# When two papers differ by about 1.3 dB, ask about the luma first.
#
# One more trap. PSNR of a set is the *mean over images*. Many scripts, the VOC article's among them
# (it comes below), take the logarithm of the mean error of a whole batch:

# %%
grown = {
    name: sr.degradations.resize(sr.degradations.bicubic(image, small_sizes[name]), image.shape[:2])
    for name, image in photos.items()
}
errors = [((image.astype(float) - grown[name]) ** 2).mean() for name, image in photos.items()]
each = [sr.metrics.psnr(image, grown[name]) for name, image in photos.items()]

# %%
print(
    f"mean over {len(each)} photos {np.mean(each):.2f} dB, from {min(each):.2f} to {max(each):.2f}"
)
print(f"one batch of {len(each)}      {10 * np.log10(255**2 / np.mean(errors)):.2f} dB")

# %% [markdown]
# In the batch figure the hardest photo drowns the others. It also changes when you change the batch
# size.

# %% [markdown]
# ## The published rows
#
# With the protocol settled you can reproduce the literature. Two "bicubic" rows are in circulation,
# and they differ. The first is measured on colour files: RGB is reduced and grown in whole grey
# levels. The second works on Y alone, in floating point:


# %%
def luma_only(file, scale, kind="float64"):
    """PSNR and SSIM of bicubic interpolation on Y alone, as many papers' test code does it."""
    image = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), scale)
    reference = image if image.ndim == 2 else sr.metrics.luma(image)
    low_size = (reference.shape[0] // scale, reference.shape[1] // scale)
    low = sr.degradations.resize(reference.astype(kind), low_size)
    estimate = np.clip(sr.degradations.resize(low, reference.shape).round(), 0, 255).astype("uint8")
    return [
        metric(reference, estimate, crop_border=scale)
        for metric in (sr.metrics.psnr, sr.metrics.ssim)
    ]


# %% [markdown]
# What papers print for bicubic, PSNR-Y / SSIM-Y. The first of each pair is the table of SelfExSR,
# the second the one that VDSR, EDSR and ESRGAN compare with:

# %%
published = {
    ("Set5", 2): ("33.64 / .9292", "33.66 / .9299"),
    ("Set5", 3): ("30.39 / .8678", "30.39 / .8682"),
    ("Set5", 4): ("28.42 / .8101", "28.42 / .8104"),
    ("Set14", 2): ("30.22 / .8683", "30.24 / .8688"),
    ("Set14", 4): ("25.99 / .7023", "26.00 / .7027"),
    ("B100", 2): ("29.55 / .8425", "29.56 / .8431"),
    ("B100", 4): ("25.96 / .6672", "25.96 / .6675"),
}
here = {key: papers for key, papers in published.items() if sr.datasets.is_here(key[0])}
print("Benchmark sets found:", ", ".join(dict.fromkeys(name for name, _ in here)) or "none")

# %% [markdown]
# And what this code measures, beside them:


# %%
def cell(psnr, ssim):
    return f"{psnr:.2f} / {ssim:.4f}".replace(" 0.", " .")


def measured_row(name, scale, papers):
    colour = sr.metrics.evaluate("bicubic", name, scale)
    alone = np.mean([luma_only(file, scale) for file in sr.datasets.photos(name)], axis=0)
    return {
        "set": f"{name} ×{scale}",
        "colour files, measured": cell(colour.psnr_y.mean(), colour.ssim_y.mean()),
        "SelfExSR's table": papers[0],
        "Y alone, measured": cell(*alone),
        "VDSR's, EDSR's, ESRGAN's": papers[1],
    }


rows = [measured_row(*key, papers) for key, papers in here.items()]
pd.DataFrame(rows) if rows else print(
    "Nothing to measure on here; the table below was measured before."
)

# %% [markdown]
# Where the sets are found, the two columns marked "measured" come from the cell above, the other
# two from the papers. On colour files we equal SelfExSR's table in every digit. On Y alone we equal
# the other table on Set5 in every digit. On Set14 and B100 we are at most 0.01 dB and .0008 off,
# and cannot tell why.
#
# So both tables are right. The gap between them, largest on Set5 at ×2, is nothing but rounding.
# Let the Y-only way work in whole grey levels as well, and it closes:

# %%
for name, scale in [("Set5", 2)] if ("Set5", 2) in here else []:
    for kind in ("float64", "uint8"):
        psnr, _ = np.mean(
            [luma_only(file, scale, kind) for file in sr.datasets.photos(name)], axis=0
        )
        print(f"{name} ×{scale}, Y alone in {kind}: {psnr:.2f} dB")

# %% [markdown]
# Networks get the small picture as a file, so the colour-file column is the fair baseline, and the
# one this course uses.
#
# One detail of Set14: its picture "bridge" is a grey file. The papers compare it as it is, without
# the luma formula, which would lift its PSNR by those 1.3 dB and the mean of the set by 0.09 dB. We
# do the same.
#
# If you have no benchmark sets here, this is what the command `srhelpers evaluate` measured for all
# five methods, PSNR-Y in dB:

# %%
measured = pd.read_csv(sr.runtime.shipped("results") / "interpolation.csv")
print("Measured on", *measured.device.unique(), "on", *measured.date.unique())
measured.pivot_table(
    index=["dataset", "scale"], columns="method", values="psnr_y", sort=False
).round(2)

# %% [markdown]
# ## What the articles said
#
# This course started from five articles found on the net; [1] to [3] say something about baselines
# and measures. Here is what they say, and what you just measured.
#
# > **The VOC article** [1] makes 72×72, 144×144 and 288×288 pictures with plain `cv2.resize`. Its
# > first network converges at about 21 dB, which it calls not good. It never shows an interpolation
# > beside it.
# >
# > **We measure** interpolation on the sample photos, made the article's way:


# %%
def the_articles_way(size, method):
    """(mean over photos, all photos as one batch): PSNR of RGB, 72×72 grown to size×size."""
    errors = []
    for image in photos.values():
        target, low = (sr.degradations.opencv(image, (n, n)) for n in (size, 72))
        grown = sr.degradations.resize(low, (size, size), method)
        errors.append(((target.astype(float) - grown) ** 2).mean())
    return np.mean(10 * np.log10(255**2 / np.array(errors))), 10 * np.log10(
        255**2 / np.mean(errors)
    )


table = {
    method: [score for n in (144, 288) for score in the_articles_way(n, method)]
    for method in methods
}
columns = ["72→144, mean", "72→144, one batch", "72→288, mean", "72→288, one batch"]
pd.DataFrame(table, columns).T.round(2)

# %% [markdown]
# > The article's measure is the batch one. By it, interpolation scores 21 to 22 dB here: about what
# > its network has learned to do.
# >
# > **Verdict: cannot be told from the article,** which has other photos and no baseline. Ask what a
# > network at 21 dB has learned. And note that bilinear beats bicubic: made this way, even the
# > small targets hold false detail. Notebooks 02–06 repeat this on the article's kind of photos.
#
# > **The VOC article** also says that a high PSNR does not promise a good picture.
# >
# > **We measure** five pictures with one PSNR-Y: two you would accept, two are ruined.
# >
# > **Verdict: holds.**
#
# > **The SRGAN article** [2] prints the paper's SSIM of .9019 for SRResNet on Set5.
# >
# > **We measure** .8101 for bicubic ×4 on Set5. Other papers print .8101 and .8104, the SRGAN paper
# > prints .8211 for the same thing.
# >
# > **Verdict: holds inside that paper only.** Its SSIM is another SSIM. Never put it into one
# > column with others.
#
# > **The EDSR article** [3] ends its training log at about 31.4 dB, measured on random 96×96 crops.
# >
# > **We measure** what bicubic, which cannot learn, scores on such crops:

# %%
random = np.random.default_rng(0)
crops = []
for _ in range(500):
    name = random.choice(list(photos))
    top, left = (random.integers(0, length - 95) for length in photos[name].shape[:2])
    crop = np.s_[top : top + 96, left : left + 96]
    crops.append(sr.metrics.psnr(photos[name][crop], grown[name][crop]))
crops = np.array(crops)[np.isfinite(crops)]  # an all-black crop comes back without error: infinity

# %%
figure, axes = plt.subplots(figsize=(8, 2.8))
axes.hist(crops, bins=40)
whole = np.mean(each)
axes.axvline(whole, color="black", linestyle="--", label=f"mean over whole photos, {whole:.1f} dB")
axes.set(xlabel="PSNR in dB", ylabel="crops")
axes.set_title(f"Bicubic on {len(crops)} random crops: {crops.mean():.1f} ± {crops.std():.1f} dB")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# > **Verdict: cannot be told.** One crop scores anything from 18 to 80 dB here. Even the mean of
# > 100 random crops would be uncertain by ± 0.8 dB, more than the 0.4 dB between EDSR-baseline and
# > RRDB on DIV2K in published tables (28.95 and 29.34 dB). Such a figure says something only beside
# > another method on the same crops, and the log has none. Notebook 08 measures EDSR on fixed
# > benchmarks.

# %% [markdown]
# ## Change it yourself
#
# 1. **One line.** Use your own photo, or `sr.datasets.sample("chelsea")`, in the first cell. Where does bicubic fail on it?
# 2. **Two minutes.** How does PSNR fall with the scale? Evaluate bicubic on the samples at ×2, ×3, ×4 and ×8 and draw the curve.
# 3. **Ten minutes.** Mitchell and Netravali's kernel (B = C = 1/3) is what many photo programs use. Add it to `sr.degradations.KERNELS` and compare it with bicubic.
# 4. **An hour.** Fit the best mixture of bicubic and Lanczos for growing. Is it better than both, on photos you did not fit it on?
# 5. **An afternoon.** *Iterative back-projection* needs no training: reduce your estimate, see how it differs from the small picture, grow the difference, add it, repeat. Beat bicubic with it. Why does it get worse when you go on too long on a noisy picture?
#
# <details><summary>Solution to 2</summary>
#
# ```python
# scales = [2, 3, 4, 8]
# curve = [sr.metrics.evaluate("bicubic", "samples", scale).psnr_y.mean() for scale in scales]
# plt.plot(scales, curve, "o-")
# ```
#
# From ×2 to ×4 it loses almost 5 dB, from ×4 to ×8 about 3: the easy detail goes first.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# def mitchell(x, b=1 / 3, c=1 / 3):
#     x = np.abs(x)
#     inner = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)
#     outer = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)
#     return np.where(x <= 1, inner, np.where(x <= 2, outer, 0)) / 6
#
# kernels = sr.degradations.KERNELS | {"mitchell": (mitchell, 4)}
# sr.degradations.KERNELS.update(kernels)
# sr.degradations.INTERPOLATIONS = (*kernels, "area")
# print({method: round(grown_back(sr.degradations.bicubic, method), 2) for method in ("bicubic", "mitchell")})
# ```
#
# It is softer by design: less ringing, and half a decibel less.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# def both_ways(name):
#     low = sr.degradations.bicubic(photos[name], small_sizes[name]).astype(float)
#     return [sr.degradations.resize(low, photos[name].shape[:2], method) for method in ("bicubic", "lanczos")]
#
# both = {name: both_ways(name) for name in photos}
#
# def mixture_score(share, names):
#     """Mean PSNR-Y of (1 − share)·bicubic + share·Lanczos."""
#     scores = []
#     for name in names:
#         bicubic, lanczos = both[name]
#         mixture = np.clip(((1 - share) * bicubic + share * lanczos).round(), 0, 255).astype("uint8")
#         scores.append(sr.metrics.psnr(photos[name], mixture, crop_border=4, luma=True))
#     return np.mean(scores)
#
# fit_on, test_on = list(photos)[:5], list(photos)[5:]  # the two motorcycles stay on one side
# best = max(np.arange(0, 4, 0.5), key=lambda share: mixture_score(share, fit_on))
# print({share: round(mixture_score(share, test_on), 2) for share in (0, 1, best)})
# ```
#
# The best mixture takes 2 parts of Lanczos and takes away 1 of bicubic. It sharpens beyond Lanczos
# and gains 0.1 dB on it, on photos it was not fitted on.
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# estimate = sr.degradations.resize(small.astype(float), photo.shape[:2])
# for step in range(8):
#     difference_below = small - sr.degradations.resize(estimate, small.shape[:2])
#     estimate = estimate + sr.degradations.resize(difference_below, photo.shape[:2])
# back_projected = np.clip(estimate.round(), 0, 255).astype("uint8")
# print(sr.metrics.psnr(photo, every["bicubic"], crop_border=4, luma=True))
# print(sr.metrics.psnr(photo, back_projected, crop_border=4, luma=True))
# ```
#
# More than 0.7 dB on bicubic without any learning. It forces the answer to agree with the small
# picture, noise included. That is why it turns on you when there is noise.
# </details>

# %% [markdown]
# ## Summary
#
# Low resolution is an average thinned out, and how you average decides what every later number
# means. The baseline is bicubic interpolation after an antialiased, MATLAB-exact reduction, with
# PSNR and SSIM on rounded Y, a border of `scale`, and the mean over images; it equals SelfExSR's
# published table. PSNR and SSIM are useful and blind in known ways, so you look at the pictures
# too.
#
# **References.** Articles: [1] A. Amsel, *Starting with Super-Resolution*, Analytics Vidhya. [2]
# *SRGAN-based image super-resolution*, with code at github.com/imcyx/SRcode. [3] *EDSR*, with code
# at github.com/wangdayaya/DP_2023.
#
# Papers: Keys, *Cubic convolution interpolation for digital image processing*, 1981. Wang et al.,
# *Image quality assessment: from error visibility to structural similarity*, 2004. Huang et al.
# (SelfExSR), *Single image super-resolution from transformed self-exemplars*, 2015; the bicubic
# columns of its README. Dong et al. (SRCNN), *Image super-resolution using deep convolutional
# networks*, 2015. Ledig et al. (SRGAN), 2017. Lim et al. (EDSR), 2017. Wang et al. (ESRGAN), 2018.
#
# Photographs: credits in `sr.datasets.catalog.SAMPLES`. The astronaut is Eileen Collins, photographed by
# NASA.
