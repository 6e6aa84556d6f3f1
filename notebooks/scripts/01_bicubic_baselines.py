# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     notebook_metadata_filter: jupytext,kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
# ---

# %% [markdown]
# # 01 · Bicubic baselines
#
# You end with a bicubic baseline that equals the published one digit for digit, and you know which
# four decisions move such a number by one or two decibels without making any picture better.
#
# | | |
# |---|---|
# | Time | about 20 s on two CPU cores; the full profile is the same |
# | Before this | nothing |
# | Data | photographs that come with scikit-image; Set5, Set14 and B100 too, where you have them |
#
# Every later notebook puts its network beside the numbers you make here.

# %% [markdown]
# ## What you will have at the end

# %%
import srhelpers as sr

photo = sr.datasets.sample("motorcycle_left")[:, :740]
small = sr.degradations.bicubic(photo, (125, 185))
estimates = {
    name: sr.degradations.resize(small, photo.shape[:2], name) for name in ("nearest", "bicubic")
}
sr.plots.compare(
    photo, estimates, title="A photo reduced 4 times and grown back: look at the cooling fins"
)
# %% [markdown]
# Nearest neighbour turns the cooling fins into blocks, bicubic interpolation into fog. Neither can
# know that there were fins. The numbers under the squares are PSNR and SSIM of the whole picture.
# To see your own photo, replace the line that makes `photo` with `photo =
# sr.datasets.read_image("my_photo.jpg")`, and `(125, 185)` with a quarter of its height and width.
#
# And this is the row every network of this course has to beat, the mean over twelve sample photos:

# %%
sr.evaluation.summarise(sr.evaluation.evaluate("bicubic", "samples", 4)).round(4)

# %% [markdown]
# ## Setup
#
# One call says where you are, checks versions and sets the random seeds.

# %%
import inspect

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

runtime = sr.setup(seed=0)

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

# %%
reduced = {
    f"÷{scale}": [sr.degradations.bicubic(photo, (500 // scale, 740 // scale))]
    for scale in (2, 4, 8)
}
sr.plots.pairs({"original": [photo], **reduced}, title="The same photo on fewer pixels")
# %% [markdown]
# At ÷8 the chain and the lettering are gone. Each step throws away three of every four numbers.
#
# What is thrown away cannot be computed back, because different pictures have the same small
# version. Here is such a pair. You add stripes that are invisible to the average of a 4×4 block:

# %%
stripes = np.tile([24, -24], photo.shape[1] // 2)[None, :, None]
calm = np.clip(photo, 24, 231)
striped = (calm + stripes).astype("uint8")

# %% [markdown]
# Half of the stripes add 24 grey levels, half take 24 away, so no block changes its mean:

# %%
size = (125, 185)
print("same high-resolution picture:", np.array_equal(calm, striped))
print(
    "same low-resolution picture: ",
    np.array_equal(sr.degradations.area(calm, size), sr.degradations.area(striped, size)),
)

# %% [markdown]
# On the tank it looks like this:

# %%
square = np.s_[160:232, 380:452]
columns = {"one picture": [calm[square]], "another": [striped[square]]}
columns |= {"both, ÷4": [sr.degradations.area(calm, size)[40:58, 95:113]]}
sr.plots.pairs(columns, title="Two pictures, one small version, equal to the last bit")
# %% [markdown]
# Nothing in the small picture tells which of the two you had. A network that answers has learned
# which one is more *likely*. It guesses, well or badly, and no score of this course changes that.

# %% [markdown]
# ## How you shrink decides everything
#
# `cv2.resize(photo, size)` looks harmless. It reads a few old pixels around each new position and
# skips the rest. At ÷4 it ignores most of the picture. Detail that is too fine for the small grid
# does not vanish then. It comes back as a pattern that was never there: *aliasing*. An antialiased
# resize stretches its kernel so that every old pixel counts.
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
# rim looks grey.) On a photo the same thing looks like this:

# %%
corner = {name: [shrink(photo, size)[60:110, 40:110]] for name, shrink in ways.items()}
sr.plots.pairs(corner, title="A corner reduced 4 times: look at the chain guard and the spokes")
# %% [markdown]
# Both `cv2.resize` pictures look sharper at first. Look again: lines break into dots, and the metal
# gets speckles that the photo does not have.
#
# From here on you measure on all sample photos, cut to a multiple of 4:

# %%
photos = {file.stem: sr.datasets.read_image(file) for file in sr.datasets.photos("samples")}
photos = {name: sr.degradations.crop_to_multiple(image, 4) for name, image in photos.items()}
small_sizes = {name: (image.shape[0] // 4, image.shape[1] // 4) for name, image in photos.items()}

# %% [markdown]
# How far are these ways from the one the benchmarks use? In grey levels:


# %%
def difference(image, size, shrink):
    """Mean absolute difference from MATLAB's bicubic, in grey levels."""
    return np.abs(shrink(image, size).astype(float) - sr.degradations.bicubic(image, size)).mean()


distances = {
    way: np.mean([difference(image, small_sizes[name], shrink) for name, image in photos.items()])
    for way, shrink in ways.items()
}
pd.Series(distances, name="grey levels from MATLAB's bicubic").round(2).to_frame()

# %% [markdown]
# Is ours really MATLAB's? Set5 and Set14 come with low-resolution files that MATLAB made. Where you
# have them, the next cell counts the values in which we differ.


# %%
def differences_from_matlab(file):
    """(values that differ, values) between our reduction of a photo and the file MATLAB made."""
    matlab = sr.datasets.read_image(sr.datasets.low_resolution(file, 4))
    ours = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), 4)
    return (sr.degradations.bicubic(ours, matlab.shape[:2]) != matlab).sum(), matlab.size


for name in ("Set5", "Set14"):
    if sr.datasets.is_here(name):
        counts = [differences_from_matlab(file) for file in sr.datasets.photos(name)]
        print(
            f"{name} ÷4: {np.sum(counts, axis=0)[0]} of {np.sum(counts, axis=0)[1]} values differ"
        )
    else:
        print(f"{name}: not here; get it with: srhelpers download {name}")

# %% [markdown]
# Three things make it exact, and most reimplementations miss one: the stretched kernel, edges that
# repeat the last pixel, and a rounding to whole numbers *between* the vertical and the horizontal
# pass. (Set5 and Set14's files do; a newer MATLAB may mirror the edge instead, which changes a few
# rim pixels.)
#
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
# the *same* interpolation gains or loses up to 1.3 dB by the reduction alone. A model trained on
# one of these and tested on another is measured on a task it never saw. **A number without its
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
# The two outer pixels weigh less than zero. That is why bicubic can overshoot next to an edge. A
# picture is done in two passes, columns then rows. Each pass is one multiplication with a sparse
# matrix of such weights, and this is all there is to it:

# %%
print(inspect.getsource(sr.degradations._weights))

# %% [markdown]
# Now all five on the photo, zoomed into the rear wheel:

# %%
every = {
    name: sr.degradations.resize(small, photo.shape[:2], name)
    for name in sr.degradations.INTERPOLATIONS
}
sr.plots.compare(photo, every, zoom=(290, 160, 84), title="Five interpolations ×4", crop_border=4)
# %% [markdown]
# Look along the white tube at the top right. Bilinear is soft. Bicubic and Lanczos are crisper,
# with a faint dark rim beside the tube: the overshoot of the negative weights. Lanczos beats
# bicubic here, and on every benchmark set below. Papers compare with bicubic all the same, so
# remember how little it takes to beat it. Area is nearest, to the last bit:

# %%
np.array_equal(every["area"], every["nearest"])

# %% [markdown]
# ## PSNR
#
# The peak signal-to-noise ratio is the mean squared error on a logarithmic scale. Higher is better,
# and 6 dB more means that the typical error is half as large.
#
# $$\text{PSNR} = 10 \log_{10} \frac{255^2}{\text{MSE}}$$

# %%
error = (photo.astype(float) - every["bicubic"]) ** 2
by_hand = 10 * np.log10(255**2 / error.mean())
print(f"by hand {by_hand:.4f} dB, by the helper {sr.metrics.psnr(photo, every['bicubic']):.4f} dB")

# %% [markdown]
# A feeling for the scale: every pixel wrong by so many grey levels gives

# %%
levels = np.array([1, 2, 5, 10, 20, 50])
pd.DataFrame({"levels off": levels, "PSNR in dB": (20 * np.log10(255 / levels)).round(1)}).T

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
# Structural similarity compares small windows (11×11, Gaussian) in three ways: mean, contrast and
# correlation. It asks whether the pattern is still there, not whether each value is right.

# %%
from skimage.metrics import structural_similarity

luma, estimate = sr.metrics.luma(photo), sr.metrics.luma(every["bicubic"])
_, similarity = structural_similarity(
    luma,
    estimate,
    gaussian_weights=True,
    sigma=1.5,
    use_sample_covariance=False,
    data_range=255,
    full=True,
)

# %% [markdown]
# `full=True` also gives the value of every window, so you can see where the picture is unlike:

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.4))
axes[0].imshow(np.abs(luma.astype(float) - estimate), cmap="magma", vmax=80)
axes[0].set_title("Absolute error: bright is wrong")
axes[1].imshow(similarity, cmap="magma_r", vmin=0, vmax=1)
axes[1].set_title("SSIM: bright is unlike")
for panel in axes:
    panel.axis("off")
plt.show()

# %% [markdown]
# The error map (left) sees strong edges. The SSIM map (right) also sees the floor and the walls,
# where weak texture was wiped out at almost no cost in squared error.

# %% [markdown]
# ## What both miss
#
# Take the photo moved by one pixel. You cannot see that. Then damage the photo in other ways, each
# scaled until its PSNR is the same.


# %%
from scipy.optimize import brentq


def with_error(damaged, target):
    """Mix the photo with a damaged copy, so much that the mean squared error is `target`."""

    def mixed(amount):
        return np.clip(np.round(photo + amount * (damaged.astype(float) - photo)), 0, 255)

    amount = brentq(lambda amount: ((mixed(amount) - photo) ** 2).mean() - target, 0, 5)
    return mixed(amount).astype("uint8")


# %% [markdown]
# The move sets the error that all others must have.

# %%
moved = np.roll(photo, 1, axis=1)
target = ((photo.astype(float) - moved) ** 2).mean()
noise = np.random.default_rng(0).normal(0, 30, photo.shape)
_, jpeg = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 8])

# %% [markdown]
# Four kinds of damage, scaled to it:

# %%
damaged = {
    "more contrast": (photo - 128.0) * 1.3 + 128,
    "noisy": photo + noise,
    "blurred": cv2.GaussianBlur(photo, (0, 0), 4),
    "JPEG blocks": cv2.imdecode(jpeg, cv2.IMREAD_COLOR),
}
equal = {"moved 1 pixel": moved} | {
    name: with_error(image, target) for name, image in damaged.items()
}
sr.plots.compare(
    photo, equal, zoom=(290, 160, 84), title="Equal PSNR, different pictures", luma=False
)

# %% [markdown]
# Five pictures with one PSNR. Two of them you would accept, three you would not. SSIM puts those
# two first. But the moved picture, which looks perfect, gets 0.81, hardly more than the blurred
# one: to both measures a detail in the wrong place is as bad as no detail. Keep this in mind when a
# later notebook shows a GAN that *loses* two decibels and looks better. It is the reason why every
# lesson shows pictures beside numbers.

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
    a, b = (
        view(image).astype(float)[border : -border or None, border : -border or None]
        for image in (reference, estimate)
    )
    return 10 * np.log10(255**2 / np.mean((a - b) ** 2))


protocols = {
    name: {f"border {border}": score(photo, every["bicubic"], view, border) for border in (0, 4)}
    for name, view in views.items()
}
pd.DataFrame(protocols).T.round(2)

# %% [markdown]
# From the lowest to the highest figure, the same picture "gains" well over a decibel. Most of the
# step from RGB to Y is no perception at all: BT.601 squeezes 256 levels into 219, and an error in a
# smaller range is a smaller error. That alone is

# %%
float(20 * np.log10(255 / 219))

# %% [markdown]
# decibels, for every picture. When two papers differ by about 1.3 dB, ask about the luma first.
#
# One more trap. PSNR of a set is the *mean over images*. Many scripts, the VOC article's among
# them, take the logarithm of the mean error of a whole batch:

# %%
grown = {
    name: sr.degradations.resize(sr.degradations.bicubic(image, small_sizes[name]), image.shape[:2])
    for name, image in photos.items()
}
errors = [((image.astype(float) - grown[name]) ** 2).mean() for name, image in photos.items()]
each = [sr.metrics.psnr(image, grown[name]) for name, image in photos.items()]
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
def luma_only(file, scale):
    """PSNR and SSIM of bicubic interpolation on Y, rounded once at the end, as SRCNN's code does."""
    image = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), scale)
    reference = image if image.ndim == 2 else sr.metrics.luma(image)
    low = sr.degradations.resize(
        reference.astype(float), (reference.shape[0] // scale, reference.shape[1] // scale)
    )
    estimate = np.clip(sr.degradations.resize(low, reference.shape).round(), 0, 255).astype("uint8")
    return [
        metric(reference, estimate, crop_border=scale)
        for metric in (sr.metrics.psnr, sr.metrics.ssim)
    ]


# %% [markdown]
# What the papers print for bicubic, PSNR-Y / SSIM-Y. The first of each pair is the table of
# SelfExSR, the second the one that runs from SRCNN to EDSR and ESRGAN:

# %%
published = {
    ("Set5", 2): ("33.64 / .9292", "33.66 / .9299"),
    ("Set5", 3): ("", "30.39 / .8682"),
    ("Set5", 4): ("", "28.42 / .8104"),
    ("Set14", 2): ("30.22 / .8683", "30.24 / .8688"),
    ("Set14", 4): ("", "26.00 / .7027"),
    ("B100", 2): ("29.55 / .8425", "29.56 / .8431"),
    ("B100", 4): ("", "25.96 / .6675"),
}
here = {key: papers for key, papers in published.items() if sr.datasets.is_here(key[0])}
print("Benchmark sets found:", ", ".join(dict.fromkeys(name for name, _ in here)) or "none")

# %% [markdown]
# And what this code measures, beside them:


# %%
def cell(psnr, ssim):
    return f"{psnr:.2f} / {ssim:.4f}".replace(" 0.", " .")


def measured_row(name, scale, papers):
    colour = sr.evaluation.summarise(sr.evaluation.evaluate("bicubic", name, scale)).iloc[0]
    alone = np.mean([luma_only(file, scale) for file in sr.datasets.photos(name)], axis=0)
    return {
        "set": f"{name} ×{scale}",
        "RGB files, measured": cell(colour.psnr_y, colour.ssim_y),
        "SelfExSR's table": papers[0],
        "Y alone, measured": cell(*alone),
        "SRCNN to EDSR's tables": papers[1],
    }


rows = [measured_row(*key, papers) for key, papers in here.items()]
pd.DataFrame(rows) if rows else print("Nothing to measure on; the table below was measured before.")

# %% [markdown]
# The columns with "table" are the papers' figures, the others were computed by the cell above. The
# colour-file column equals SelfExSR's table digit for digit. The Y column equals the other table on
# Set5 and in every PSNR within 0.01 dB; the SSIM of Set14 is .0008 off, perhaps because copies of
# that set differ. So both rows are right, and the 0.02 dB between them is the rounding of the small
# picture to whole grey levels. Networks get the small picture as a file, so the first column is the
# fair baseline, and the one this course uses.
#
# One detail of Set14: its picture "bridge" is a grey file. The papers compare it as it is, without
# the luma formula, which would lift its PSNR by those 1.3 dB and the mean of the set by 0.09 dB. We
# do the same.
#
# If you have no benchmark sets here, this is what the command `srhelpers evaluate` measured for all
# five methods, in dB:

# %%
measured = pd.read_csv("../data/results/interpolation.csv")
print("Measured on", *measured.device.unique(), "on", *measured.date.unique())
measured.pivot_table(
    index=["dataset", "scale"], columns="method", values="psnr_y", sort=False
).round(2)

# %% [markdown]
# ## What the articles said
#
# This course started from five articles. Here is what they say about baselines and measures, and
# what you just measured.
#
# > **The VOC article** makes 72×72, 144×144 and 288×288 pictures with plain `cv2.resize`. Its first
# > network converges at about 21 dB, which it calls not good. It never shows an interpolation
# > beside it.
# >
# > **We measure** interpolation on the sample photos, made the article's way:


# %%
def the_articles_way(size, method):
    """Mean PSNR of RGB, 72×72 grown to size×size, over the sample photos."""
    scores = []
    for image in photos.values():
        target, low = (sr.degradations.opencv(image, (n, n)) for n in (size, 72))
        scores.append(sr.metrics.psnr(target, sr.degradations.resize(low, (size, size), method)))
    return np.mean(scores)


table = {method: {n: the_articles_way(n, method) for n in (144, 288)} for method in methods}
pd.DataFrame(table).T.round(2).rename_axis("72×72 grown to")

# %% [markdown]
# > **Verdict: cannot be told from the article,** which has other photos. But no interpolation is as
# > low as 21 dB here, so ask what a network at 21 dB has learned. And bilinear beats bicubic: made
# > this way, even the small targets hold false detail. Notebooks 02–06 repeat this on the article's
# > kind of photos.
#
# > **The VOC article** says that a high PSNR does not promise a good picture.
# >
# > **We measure** five pictures with one PSNR; two are fine, three are not.
# >
# > **Verdict: holds.**
#
# > **The SRGAN article** prints the paper's SSIM of .9019 for SRResNet on Set5.
# >
# > **We measure** .8101 for bicubic ×4 on Set5, other papers print .8104, the SRGAN paper prints
# > .8211 for the same thing.
# >
# > **Verdict: holds inside that paper only.** Its SSIM is another SSIM. Never put it into one
# > column with others.
#
# > **The EDSR article** ends its training log at about 31.4 dB, on random 96×96 crops.
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
crops = np.array(crops)[np.isfinite(crops)]  # a black crop scores infinity: one more reason

# %%
figure, axes = plt.subplots(figsize=(8, 2.8))
axes.hist(crops, bins=40)
axes.axvline(
    np.mean(each),
    color="black",
    linestyle="--",
    label=f"mean over whole photos, {np.mean(each):.1f} dB",
)
axes.set(xlabel="PSNR in dB", ylabel="crops")
axes.set_title(f"Bicubic on {len(crops)} random crops: {crops.mean():.1f} ± {crops.std():.1f} dB")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# > **Verdict: cannot be told.** The spread between crops is larger than everything the field gained
# > on Set5 between SRCNN (30.5 dB in its paper) and HAT-L (33.3 dB in its paper). A figure on
# > random crops says more about the crops than about the model. Notebook 08 measures EDSR on fixed
# > benchmarks.

# %% [markdown]
# ## Change it yourself
#
# 1. **One line.** Use your own photo, or `sr.datasets.sample("chelsea")`. Where does bicubic fail on it?
# 2. **Two minutes.** How does PSNR fall with the scale? Evaluate bicubic on the samples at ×2, ×3, ×4 and ×8 and draw the curve.
# 3. **Ten minutes.** Mitchell and Netravali's kernel (B = C = 1/3) is what many photo programs use. Add it to
#    `sr.degradations.KERNELS` and compare it with bicubic.
# 4. **An hour.** Fit the best mixture of bicubic and Lanczos for growing. Is it better than both, on photos you did not fit it on?
# 5. **An afternoon.** *Iterative back-projection* needs no training: reduce your estimate, see how it differs from the small picture,
#    grow the difference, add it, repeat. Beat bicubic with it. Why does it get worse when you go on too long on a noisy picture?
#
# <details><summary>Solution to 2</summary>
#
# ```python
# scales = [2, 3, 4, 8]
# curve = [sr.evaluation.evaluate("bicubic", "samples", scale).psnr_y.mean() for scale in scales]
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
# both = {
#     name: [
#         sr.degradations.resize(low.astype(float), image.shape[:2], method)
#         for low in [sr.degradations.bicubic(image, small_sizes[name])]
#         for method in ("bicubic", "lanczos")
#     ]
#     for name, image in photos.items()
# }
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
# fit_on, test_on = list(photos)[::2], list(photos)[1::2]
# best = max(np.arange(0, 4, 0.5), key=lambda share: mixture_score(share, fit_on))
# print({share: round(mixture_score(share, test_on), 2) for share in (0, 1, best)})
# ```
#
# The best mixture takes 2.5 parts of Lanczos and takes away 1.5 of bicubic. It sharpens beyond Lanczos
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
# Half a decibel without any learning. It forces the answer to agree with the small picture, noise
# included. That is why it turns on you when there is noise.
# </details>

# %% [markdown]
# ## Summary
#
# Low resolution is an average thinned out, and how you average decides what every later number
# means. Bicubic interpolation with an antialiased, MATLAB-exact reduction, PSNR and SSIM on rounded
# Y with a border of `scale`, mean over images: that is the baseline, and you have reproduced the
# published rows with it. PSNR and SSIM are useful and blind in known ways, so you look at the
# pictures too.
#
# **References.** Keys, *Cubic convolution interpolation for digital image processing*, 1981. Wang
# et al., *Image quality assessment: from error visibility to structural similarity*, 2004. Huang et
# al. (SelfExSR), *Single image super-resolution from transformed self-exemplars*, 2015. Dong et al.
# (SRCNN), *Image super-resolution using deep convolutional networks*, 2015. Photographs: credits in
# `sr.catalog.SAMPLES`.
