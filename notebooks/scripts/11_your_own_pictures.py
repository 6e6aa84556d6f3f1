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
# # 11 · Your own pictures
#
# You end with a photo of your own four times as wide and high, and you will know which of its
# details are guesses, and when not to use it.
#
# | | |
# |---|---|
# | Time | half a minute on two CPU cores; nothing is trained |
# | Read first | [01](01_bicubic_baselines.ipynb): how low resolution is made, PSNR |
# | Photos | one of yours, or a sample |

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

sample = sr.datasets.sample("motorcycle_left")[100:460, 100:700]
thumbnail = sr.degradations.bicubic(sample, (90, 150))
large = sr.upscaling.upscale(thumbnail, "edsr_baseline_x4")
sr.plots.before_after(
    thumbnail,
    large,
    names=("bicubic", "EDSR"),
    title="A thumbnail of 150×90 pixels, upscaled by four: look at the spokes and the engine",
)

# %% [markdown]
# Drag the line to the left and to the right. The left picture is the thumbnail, upscaled by bicubic
# interpolation. The right one comes from EDSR, the network of lesson [08](08_edsr.ipynb): the edges
# of the tank, the spokes and the exhaust are sharper. The name on the tank can be read in neither.
#
# The thumbnail has 13,500 pixels and the large picture 216,000, so most of what you see was
# computed and not measured. This lesson upscales your photo, and then asks how far you can trust
# the result.
#
# ## Setup

# %%
import tempfile
from pathlib import Path

import cv2
import matplotlib.cbook
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# The constants of this lesson are in one cell. `srhelpers models` lists the networks that you can
# put here; a path of a `.keras` file that you trained will do as well.

# %%
PHOTO = None  # path of a picture, such as "holiday.jpg"; None takes the button below, or the sample
LARGEST = 128  # pixels a side; of a larger photo the middle is taken, so that each cell is quick
NETWORK = "edsr_baseline_x4"  # upscales your photo
NETWORKS = {  # these are compared; each upscales by 4. Change networks, keep the names
    "compact": "compact_x4",
    "EDSR": "edsr_baseline_x4",
    "robust": "compact_x4_robust",
    "perceptual": "krasserm_srgan_x4",
}
PHOTOS = "photos"  # or a folder of your own; networks are measured on a few photos from it

# %% [markdown]
# ## Choose a photo
#
# Click the button, choose a file, and then run the *next* cell again and those below it. Or write
# the path of a file into `PHOTO`. On Colab, write `PHOTO = "upload"`, and the next cell asks you
# for a file. If you choose nothing, you get the thumbnail from above.

# %%
upload = sr.plots.upload_button()
upload

# %%
photo = sr.plots.choose_photo(PHOTO, upload, sample=thumbnail, largest=LARGEST)
sr.plots.pairs({"your photo": [photo]}, title="The pixels that the networks get")

# %% [markdown]
# The photo is turned as its EXIF data says. Gray pictures become RGB, transparent parts become
# white, and 16 bits per color become 8. (The command line at the end of this lesson keeps all of
# these.)
#
# ## Upscale it

# %%
model = sr.models.load(NETWORK)
large = sr.upscaling.upscale(photo, model)
sr.plots.before_after(
    photo,
    large,
    names=("your pixels", NETWORK),
    title="Upscaled: look at edges first, then at textures",
    method="nearest",
)

# %% [markdown]
# That was one call. It takes a few options:
#
# - `scale=2.5`: any number. If the network does not have this scale, the picture is upscaled by the next
#   larger one that it has, and then downsampled by bicubic interpolation.
# - `self_ensemble=True`: the mean of eight answers, for the photo mirrored and turned. It takes eight
#   times as long and is usually a little better (lesson [08](08_edsr.ipynb)).
# - `tile=256`: for photos that do not fit into memory, see below.

# %%
for options in ({}, {"scale": 2.5}, {"self_ensemble": True}):
    result = sr.upscaling.upscale(photo, model, **options)
    print(f"{options}: {result.shape[1]}×{result.shape[0]} pixels")

# %% [markdown]
# ## Compare networks
#
# Here are bicubic interpolation and the networks from the constants, on the part of your photo with
# the most edges:


# %%
def upscaled(small):
    """The picture four times as large: by bicubic interpolation, then by each network."""
    size = [4 * length for length in small.shape[:2]]
    results = {"bicubic": sr.degradations.resize(small, size)}
    for name, network in NETWORKS.items():
        results[name] = sr.upscaling.upscale(small, network, scale=4)
    return results


# %%
results = upscaled(photo)
side = min(120, *results["bicubic"].shape[:2])
top, left = sr.plots.most_detailed(results["bicubic"], side)
squares = {name: [image[top : top + side, left : left + side]] for name, image in results.items()}
sr.plots.pairs(squares, title="The same place: compare edges, then surfaces")

# %% [markdown]
# `compact` and EDSR draw similar edges, sharper than those of bicubic interpolation. `robust` learned
# from damaged photos, and is a little softer on this clean one. The last one is the SRGAN of lesson
# [07](07_srgan.ipynb), trained to look sharp: it draws grain on the surfaces that it cannot have seen in
# the thumbnail.
#
# Two scores tell what kind of guesses a network makes. *PSNR* (lesson 01) is high when each pixel
# is close to the original. *LPIPS* is low when the pictures look alike to a network that was fitted
# to what people see. The next table was measured before, on the 100 photos of B100 at ×4:

# %%
methods = {"bicubic": "bicubic"} | NETWORKS
benchmarks = pd.read_csv(sr.runtime.shipped("results") / "benchmarks.csv").set_index("method")
benchmarks = benchmarks.query("dataset == 'B100' and scale == 4 and degradation == 'bicubic'")
records = sr.models.manifest()
rows = {}
for name, method in methods.items():
    row = benchmarks.reindex([method]).iloc[0]  # a network of your own has none
    rows[name] = {"PSNR-Y, dB": f"{row.psnr_y:.2f}", "LPIPS": f"{row.lpips:.3f}"}
    if method in records:
        rows[name]["parameters"] = f"{records[method].parameters:,}"
pd.DataFrame(rows).T.fillna("")

# %% [markdown]
# The network with the best PSNR and the one with the best LPIPS are not the same. EDSR stays
# closest to the original. `compact` comes near it with a quarter of the parameters, and so
# of the computation. The perceptual network has by far the best LPIPS and a PSNR below bicubic
# interpolation.
#
# ## What super-resolution invents
#
# To see what is a guess, you need a photo whose high resolution you have. Downsample it, upscale it
# again, and compare:

# %%
original = sr.degradations.bicubic(sr.datasets.sample("astronaut"), (256, 256))
small = sr.degradations.bicubic(original, (64, 64))
restored = upscaled(small)
sr.plots.compare(
    original,
    restored,
    zoom=(8, 76, 80),
    crop_border=4,
    title="In the input this face is ten pixels wide: look at the eyes and the teeth",
)

# %% [markdown]
# The outlines of the face and the hair are sharper than in the bicubic picture, and the PSNR of
# EDSR is some decibels higher. But look at the eyes: the input has about two pixels for each,
# and the networks make dark smudges of them. The row of teeth is a light patch. Whether this is the
# woman in the photo cannot be told from any of these pictures.
#
# Would a better network find the true face? Downsample the results once more, and compare them with
# what the networks got:

# %%
rows = {}
for name, image in restored.items():
    again = sr.degradations.bicubic(image, small.shape[:2])
    rows[name] = {
        "downsampled again, from the input": np.abs(again.astype(float) - small).mean(),
        "as it is, from the original": np.abs(image.astype(float) - original).mean(),
    }
pd.DataFrame(rows).T.rename_axis("mean difference in gray levels").round(1)

# %% [markdown]
# EDSR's picture agrees with its input within a fraction of a gray level, far better than the bicubic
# picture does. It contradicts nothing of what the network was given. And yet it is far from the original.
# Many pictures agree with the same input, as you saw in lesson [01](01_bicubic_baselines.ipynb).
# The network shows you one that is likely, and does not say how sure it is. A better network can
# show a likelier one, but the missing information is not in the input.
#
# Letters show it best, because you know which ones exist. This is an eye chart, downsampled by
# four:

# %%
chart = np.full((192, 256, 3), 240, "uint8")
LINES = {"K8 B3 S5": 1.2, "D0 Z2 G6 R": 0.8, "8B 6G 5S 2Z": 0.6, "H4 MN 0Q D8 E": 0.45}
for (text, height), row in zip(LINES.items(), (48, 96, 140, 176), strict=True):
    place = {"org": (16, row), "fontFace": cv2.FONT_HERSHEY_SIMPLEX, "fontScale": height}
    cv2.putText(chart, text, **place, color=(20, 20, 20), thickness=2, lineType=cv2.LINE_AA)
read = upscaled(sr.degradations.bicubic(chart, (48, 64)))

# %%
figure, panels = plt.subplots(2, 3, figsize=(9.6, 5.2), layout="constrained")
figure.suptitle("Read each line, then compare with the original: where do you begin to guess?")
for panel in panels.flat:
    panel.axis("off")
for panel, (name, image) in zip(panels.flat, (read | {"original": chart}).items(), strict=False):
    panel.imshow(image)
    panel.set_title(name)
plt.show()

# %% [markdown]
# The first line is easy to read in all pictures. On the third, EDSR still draws firm black strokes,
# but G, 0 and 6 look alike. The last line cannot be read, although its strokes look like letters.
# The perceptual network replaces them by strokes of its own. Bicubic interpolation leaves a gray blur
# there, which at least tells you that something is missing.
#
# **Do not use super-resolution** as evidence (number plates, faces, who was there), on medical or
# scientific pictures, to measure something, or where a wrong detail costs more than a missing one.
# When you publish a picture that was upscaled, say so.
#
# ## Photos that are not clean
#
# The networks above learned from clean photos, downsampled by bicubic interpolation. Files from the
# web were compressed, photos taken in the dark have noise, and many phone photos are soft. What is
# left of the gain? Here some photos are downsampled and then damaged, before they are upscaled.
# `noise5` is noise of 5 gray levels, `jpeg50` is JPEG of quality 50, `blur` is a Gaussian of one
# pixel.

# %%
few = sr.datasets.split(PHOTOS)[1][:4]
rows = {}
for damage in ("bicubic", *sr.degradations.DAMAGES):
    scores = {
        name: sr.metrics.evaluate(method, few, 4, degradation=damage).psnr_y.mean()
        for name, method in methods.items()
    }
    rows["clean" if damage == "bicubic" else damage] = scores
pd.DataFrame(rows).T.rename_axis(f"PSNR-Y in dB, {len(few)} photos").map("{:.2f}".format)

# %% [markdown]
# Compare each row with its first column. On clean photos EDSR is ahead of bicubic interpolation by
# more than a decibel. Compression and noise take this away, until EDSR and `compact` end *below* bicubic
# interpolation: they learned to sharpen edges, and sharpen the edges of JPEG blocks and the noise as
# well. They do not remove blur either, since no photo of their training had any.
#
# `robust` is the same network as `compact`, trained on photos with damage of random strength, as in
# lesson [10](10_real_esrgan.ipynb). It gives up a little on clean photos, and is ahead of all the others
# in every other row. The test suits it, since these are the kinds of damage that it was trained on: blur
# of 0 to 1.2 pixels, noise of 0 to 20 gray levels, JPEG of quality 15 to 100. Other damage it may not
# remove. And the original file is always better than a copy that was sent through a chat.

# %%
sr.plots.compare(
    original,
    methods,
    scale=4,
    zoom=(8, 60, 110),
    degradation="jpeg20",
    title="Upscaled from a JPEG of quality 20: look at the face and around the hair",
)

# %% [markdown]
# The blocks of the JPEG come out as edges of their own, in the hair and across the face. `robust` smooths
# the halos around the head and the shoulders. What the blocks took away, such as the eyes, it cannot
# bring back.
#
# The table above has four photos. This one was measured before, on all 16 validation photos, and has
# LPIPS too (lower is better):

# %%
measured = pd.read_csv(sr.runtime.shipped("results") / "damages.csv")
cells = measured.psnr_y.map("{:.2f}".format) + measured.lpips.map(" / {:.3f}".format)
measured = measured.assign(cells=cells)


def measured_at(scale, networks):
    """A row for clean photos and for each damage, a column for each network."""
    rows = measured[measured.scale == scale]
    rows = rows.pivot(index="degradation", columns="method", values="cells")
    rows = rows.reindex(index=["bicubic", *sr.degradations.DAMAGES], columns=networks).fillna("")
    return rows.rename(index={"bicubic": "clean"}).rename_axis(f"×{scale}: PSNR-Y in dB / LPIPS")


measured_at(4, [*methods.values(), "realesr_animevideov3_x4", "realesrgan_x4plus"])

# %% [markdown]
# The last two columns are Real-ESRGAN's networks of lesson 10. x4plus has by far the lowest LPIPS on every
# damage, and a PSNR below that of bicubic interpolation on all but the blurred photos: it draws what
# looks like a photo, in slightly wrong places. It also takes tens of times as long as `robust`. So it
# is no default, and `--model realesrgan_x4plus` asks for it.
#
# Without `--scale` the command upscales by 2. Here are the same photos at ×2:

# %%
measured_at(2, ["bicubic", "compact_x2", "edsr_baseline_x2", "compact_x2_robust"])

# %% [markdown]
# By PSNR the robust network is ahead of all others on each kind of damage, by .3 dB and more, but on
# `noise5` by .1 dB, and at JPEG 90 by a few hundredths, which is level. By LPIPS the networks that were trained on clean
# photos lead on all four JPEGs, and the robust one on noise and blur: it smooths the blocks away, and
# fine texture with them.
#
# From these tables the course has chosen what the command takes:

# %%
for use in ("photo", "clean", "drawing"):
    print(f"--for {use}: {sr.models.choice(use, 2)}, and with --scale 4 {sr.models.choice(use, 4)}")

# %% [markdown]
# Without `--for`, JPEG and WebP files count as photos, and PNG and TIFF files as clean. For clean files
# EDSR is .17 dB better at ×4 and takes six times as long, so the quick one is the default. The network for
# drawings is not in the tables, which have photos only: lesson 10 shows what it does.
#
# What about real files? Here are six pieces of 72×72 pixels from three JPEG files, as they were published
# (Grace Hopper by the US Navy, a launch by SpaceX, a field of galaxies by NASA and ESA; Matplotlib and
# scikit-image bring them along). Nobody downsampled them for us, so there is no original to compare with.
# You have to look. `robust` is what the command takes for them.

# %%
samples = sr.datasets.find("samples")
grace_hopper = Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
PIECES = [  # file, top, left
    (grace_hopper, 160, 230),
    (grace_hopper, 465, 80),
    (grace_hopper, 30, 235),
    (samples / "rocket.jpg", 115, 285),
    (samples / "rocket.jpg", 200, 10),
    (samples / "hubble_deep_field.jpg", 542, 718),
]
real = [
    sr.datasets.read_image(file)[top : top + 72, left : left + 72] for file, top, left in PIECES
]
results = [{"pixels": piece} | upscaled(piece) for piece in real]
sr.plots.pairs(
    {
        name: [result[name] for result in results]
        for name in ("pixels", "bicubic", "EDSR", "robust")
    },
    rows=len(real),
    title="Real JPEGs, upscaled by 4: compare edges, then the noise between them",
)

# %% [markdown]
# EDSR has the sharpest edges, and sharpens the damage with them: look at the speckles around the letters,
# on the cap and beside the beams, and at the grain between the stars. `robust` has edges nearly as sharp
# and little of the damage. On the rocket, which has little damage, the two hardly differ. A file of your
# own goes into `PIECES` with its path.
#
# ## Large photos: tiles
#
# A layer with 64 channels needs 256 bytes for each pixel of its input. For the 24 megapixels of a
# phone that is 6 GB, and a network has many layers. So large photos are cut into *tiles*, which are
# upscaled one by one.
#
# At the edge of a tile the network does not see the neighbors, and computes something else. So each
# tile gets an *overlap*: some pixels around it, which are computed too and then thrown away. As
# many as the network sees to each side (its *receptive field*) are enough:

# %%
for name, network in NETWORKS.items():
    print(f"{name}: sees {sr.upscaling.receptive_field(network)} pixels to each side")

# %%
crop = sr.datasets.sample("coffee")[100:220, 200:360]
whole = sr.upscaling.upscale(crop, NETWORKS["compact"], scale=4)
differences = {}
for overlap in (0, 2, None):
    tiled = sr.upscaling.upscale(crop, NETWORKS["compact"], scale=4, tile=40, overlap=overlap)
    name = "overlap as needed" if overlap is None else f"overlap {overlap}"
    differences[name] = np.abs(tiled.astype(int) - whole).max(axis=2)
    print(f"{name}: at most {differences[name].max()} gray levels from the whole photo")

# %%
figure, panels = plt.subplots(1, 3, figsize=(9.6, 2.8), layout="constrained")
figure.suptitle("Where tiles differ from the whole photo: look for the grid")
for panel, (name, difference) in zip(panels, differences.items(), strict=True):
    shown = panel.imshow(difference, cmap="magma", vmax=8)
    panel.set(title=name, xticks=[], yticks=[])
figure.colorbar(shown, ax=panels, label="gray levels")
plt.show()

# %% [markdown]
# Without an overlap you see the grid of the tiles, with two pixels a weaker one. With as many as
# the network sees, which `overlap=None` takes, the tiles agree with the whole photo. (A difference
# of one level would be rounding.)
#
# ## Files, folders and clips
#
# A file or a folder goes in, and each picture comes out as the kind that it was. Existing files are
# skipped, so the same call continues a run that was stopped. A broken file is reported and does not
# stop the others:

# %%
folder = Path(tempfile.mkdtemp())
(folder / "photos").mkdir()
(folder / "photos" / "broken.jpg").write_text("this is no picture")
face = Image.fromarray(sr.datasets.sample("astronaut")[0:160, 140:300])
face.save(folder / "photos" / "face.jpg")
face.convert("L").save(folder / "photos" / "gray scan.png")

# %%
print(
    sr.upscaling.folders.upscale_files(
        folder / "photos", folder / "large", NETWORKS["compact"], scale=2, progress=False
    )
)
for file in sorted((folder / "large").iterdir()):
    image = Image.open(file)
    print(f"{file.name}: {image.mode}, {image.width}×{image.height}")

# %% [markdown]
# The same in a terminal, where clips work as well:
#
# ```
# srhelpers models
# srhelpers upscale photo.jpg -o large.jpg
# srhelpers upscale holiday/ -o holiday_large/ --scale 4 --format png
# srhelpers upscale clip.mp4 -o large.mp4 --scale 2
# ```
#
# A clip keeps its sound and the time of each frame. Each frame is upscaled by itself, so noise that
# changes from frame to frame may flicker. Without `--model` the program chooses a network by the
# kind of file, and tells which and why.
#
# ## What the articles said
#
# | the article | what we find | verdict |
# |---|---|---|
# | *ISR*: the project enlarges low-resolution pictures and improves them | networks that learned from clean pictures do so with such pictures, and not with noisy or strongly compressed ones (the table of damage) | holds for pictures like those of the training |
# | *ISR*, at the end: the models that come with it are not very general, so train your own | what a network gains depends on the damage, in the same table | holds |
# | *Real-ESRGAN*: floor and wall of an old photo become better, the face less than hoped, and writing turns into characters that do not exist | the face and the last lines of the eye chart | holds, and not for one network only: the input does not hold the answer |
#
# ## Change it yourself
#
# 1. Compare one answer with the self-ensemble in a slider. Start from
#    `eight = sr.upscaling.upscale(photo, model, self_ensemble=True)`.
# 2. Mix the pictures of EDSR and of the perceptual network. Which share has the best PSNR? Which do you
#    like best? Start from `restored["EDSR"].astype(float)`.
# 3. Make the picture of EDSR agree with its input exactly: downsample it, upscale the difference, add
#    it, repeat. Does the PSNR rise? Start from `sr.degradations.bicubic(picture, small.shape[:2])`.
# 4. Remove the noise of a small picture before you upscale it. Is it worth it? Start from
#    `cv2.fastNlMeansDenoisingColored(noisy, None, 10, 10, 3, 9)`.
#
# <details><summary>Solution to 1</summary>
#
# ```python
# eight = sr.upscaling.upscale(photo, model, self_ensemble=True)
# sr.plots.before_after(large, eight, names=("one answer", "the mean of eight"))
# ```
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# faithful, vivid = (restored[name].astype(float) for name in ("EDSR", "perceptual"))
# for share in (0, 0.1, 0.2, 0.5, 1):
#     mixed = np.round((1 - share) * faithful + share * vivid).astype("uint8")
#     print(share, f"{sr.metrics.psnr(original, mixed, crop_border=4, luma=True):.2f} dB")
# ```
#
# PSNR wants little or nothing of the second one. Your eye may want more.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# picture = restored["EDSR"].astype(float)
# for step in range(6):
#     shown = np.clip(np.round(picture), 0, 255).astype("uint8")
#     print(step, f"{sr.metrics.psnr(original, shown, crop_border=4, luma=True):.2f} dB")
#     difference = small - sr.degradations.bicubic(picture, small.shape[:2])
#     picture += sr.degradations.resize(difference, original.shape[:2])
# ```
#
# This is back-projection. It removes what contradicts the input; the rest stays a guess.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# noisy = sr.degradations.gaussian_noise(small, 15, np.random.default_rng(0))
# smooth = cv2.fastNlMeansDenoisingColored(noisy, None, 10, 10, 3, 9)
# for name, picture in {"noisy": noisy, "denoised first": smooth}.items():
#     answer = sr.upscaling.upscale(picture, NETWORKS["EDSR"])
#     print(name, f"{sr.metrics.psnr(original, answer, crop_border=4, luma=True):.2f} dB")
# ```
# </details>
#
# ## Summary
#
# - One call upscales a photo, a folder or a clip.
# - The result agrees with its input; everything beyond that is a likely guess, not the truth.
# - Networks upscale damage that they never saw in training along with the rest.
# - Tiles bound the memory; with an overlap as wide as the receptive field they leave no seams.
#
# **References**
#
# - Lim et al., *Enhanced deep residual networks for single image super-resolution*, 2017, for EDSR.
# - Ledig et al., *Photo-realistic single image super-resolution using a generative adversarial network*, 2017, for SRResNet.
# - Zhang et al., *The unreasonable effectiveness of deep features as a perceptual metric*, 2018, for LPIPS.
# - Wang et al., *Real-ESRGAN: Training real-world blind super-resolution with pure synthetic data*, 2021, for damaged photos.
# - The articles: *ISR*, on [idealo/image-super-resolution](https://github.com/idealo/image-super-resolution); *Real-ESRGAN*, on [xinntao/Real-ESRGAN](https://github.com/xinntao/Real-ESRGAN).
