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
# You end with your own photo four times as large, and with an eye for what the network made up.
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/super-resolution/blob/main/notebooks/11_your_own_pictures.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/OWNER/super-resolution/blob/main/notebooks/11_your_own_pictures.ipynb)
#
# | | |
# |---|---|
# | Time | a minute on two CPU cores |
# | Before this | 01 (how low resolution is made); 08 tells how the best model was trained |
# | Data | your photo, or a sample |

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

thumbnail = sr.degradations.bicubic(sr.datasets.sample("chelsea")[:, :450], (100, 150))
model = sr.models.load("edsr_baseline_x4")
large = sr.upscaling.upscale(thumbnail, model)

# %%
title = "A thumbnail of 150×100 pixels, four times as large: look at the eyes"
sr.plots.before_after(thumbnail, large, names=("bicubic", "EDSR"), title=title)

# %% [markdown]
# Move the slider; it wakes when you run the cell. The rim of the eyes and the stripes become sharp, and the fur gets strands.
#
# Now count. The thumbnail has 15,000 pixels, the large picture 240,000. Fifteen of sixteen are
# guesses. Most of this notebook gives you large pictures. One section asks how good the guesses are:
# do not skip it.
#
# ## Setup

# %%
import io
import tempfile
import time
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

runtime = sr.setup(seed=0)
sr.plots.use_style()
pd.set_option("display.max_colwidth", None)

# %% [markdown]
# ## Choose a photo
#
# There are three ways:
#
# - Click the button, choose a file, and run the cell *after* the button again, and those below it.
# - Or write the path of a file: `path = "holiday.jpg"`. A path counts more than the button.
# - On Colab write `path = "upload"`: then the next cell asks you for a file.
#
# Choose nothing, and Chelsea's thumbnail is taken.

# %%
path = None
upload = sr.plots.upload_button()
upload

# %%
photo = sr.plots.choose_photo(path, upload, sample=thumbnail, largest=128)
sr.plots.pairs({"the photo to enlarge": [photo]}, title="Look whether it is the one you mean")

# %% [markdown]
# Of a photo larger than 128 pixels you see the middle, so that every model below takes seconds.
# *Folders, clips, the command line* enlarges whole files. The photo is turned as its EXIF data says.
# Grey becomes RGB, what is transparent becomes white, and 16 bits become 8.
#
# ## Pick a model
#
# This is what ships. `srhelpers models` prints the same.

# %%
models = sr.models.table().set_index("name")
models = models[[sr.models.manifest()[name].kind == "upscaler" for name in models.index]]
models[["scales", "parameters", "score", "purpose", "author", "licence"]]

# %% [markdown]
# Two numbers tell what kind of guesses a model makes. **PSNR** is high where each pixel is close to
# the original's. **LPIPS** is low where two pictures look alike to a network that was fitted to
# people's judgement. Mean over the 100 photos of B100, enlarged four times:

# %%
NAMES = ["bicubic", "voc_residual", "edsr_baseline_x4", "srresnet_mse_x4", "srresnet_vgg22_x4"]
measured = pd.read_csv(sr.runtime.shipped("results") / "benchmarks.csv")
measured = measured.query("dataset == 'B100' and scale == 4").set_index("method").loc[NAMES]
measured = measured[["psnr_y", "ssim_y", "lpips"]]
measured.assign(parameters=models.parameters).fillna(0).astype({"parameters": int}).round(3)

# %% [markdown]
# - `edsr_baseline_x4` has the best PSNR. Take it where you want few surprises.
# - `voc_residual` is nearly as good, has a thirteenth of the parameters, and is by far the
# quickest. Take it for clips, large folders and laptops.
# - `srresnet_vgg22_x4` has a PSNR *below* bicubic and the best LPIPS. It was trained for how a
# picture looks (notebook 07). Compare it with `srresnet_mse_x4`, the same network trained for PSNR.
#
# ## Upscale it

# %%
large = sr.upscaling.upscale(photo, model)
title, names = "Four times as large: look at edges, then at textures", ("your pixels", "EDSR")
sr.plots.before_after(photo, large, names=names, title=title, method="nearest")

# %% [markdown]
# The same place, by interpolation and three models:

# %%
quick, sharp = (sr.models.load(name) for name in ("voc_residual", "srresnet_vgg22_x4"))
NETWORKS = {"voc_residual": quick, "edsr_baseline_x4": model, "srresnet_vgg22_x4": sharp}


# %%
def enlarge(small, networks=NETWORKS):
    """dict name → picture, four times as large."""
    grown = {name: sr.upscaling.upscale(small, net, scale=4) for name, net in networks.items()}
    return {"bicubic": sr.degradations.resize(small, [4 * n for n in small.shape[:2]])} | grown


# %%
enlarged = enlarge(photo)
side = min(96, *large.shape[:2])
top, left = sr.plots.most_detailed(large, side)
place = np.s_[top : top + side, left : left + side]
squares = {name: [image[place]] for name, image in enlarged.items()}
sr.plots.pairs(
    squares, title="The most detailed square: look at edges, and at the pattern on the right"
)

# %% [markdown]
# The two in the middle agree: sharper edges, smooth surfaces. The last one draws the crispest lines,
# and a fine pattern of dots that no cat has.
#
# `upscale` takes three options. A **scale** that the model does not have is reached by its next
# larger one and an exact resize. A **tile** bounds the memory: see the next section. The
# **self-ensemble** asks the model about the photo in eight turns and takes the mean (notebook 08):

# %%
for options in ({}, {"scale": 2.5}, {"self_ensemble": True}):
    sr.upscaling.upscale(photo, quick, **({"scale": 4} | options))  # compiles
    start = time.perf_counter()
    result = sr.upscaling.upscale(photo, quick, **({"scale": 4} | options))
    print(options, result.shape, f"{time.perf_counter() - start:.2f} s")

# %% [markdown]
# ## Memory and tiles
#
# A layer of 64 channels needs 256 bytes for each pixel of the small photo. For a phone's 24
# megapixels that is 6 GB, and a network has many layers. So a large photo is cut into tiles.
#
# At the rim of a tile the network misses its neighbours. So each tile gets an **overlap**: pixels
# around it that are computed too and then thrown away. How many must it be? As many as the network
# can see:

# %%
for name, network in NETWORKS.items():
    print(f"{name} sees {sr.upscaling.receptive_field(network)} pixels to each side")

# %%
crop = sr.datasets.sample("coffee")[100:220, 200:360]
whole = sr.upscaling.upscale(crop, quick, scale=4)

# %%
differences = {}
for overlap in (0, 2, 10, None):
    tiled = sr.upscaling.upscale(crop, quick, scale=4, tile=40, overlap=overlap)
    differences[overlap] = np.abs(tiled.astype(int) - whole).max(axis=2)
    print(f"overlap {overlap}: up to {differences[overlap].max()} grey levels from the whole photo")

# %%
figure, panels = plt.subplots(1, 3, figsize=(9.6, 3))
figure.suptitle("Where tiles differ from the whole photo: look for the grid", fontsize=11)
for axes, overlap in zip(panels, (0, 2, None), strict=True):
    shown = axes.imshow(differences[overlap], cmap="magma", vmax=8)
    axes.set(
        title=f"overlap {overlap if overlap is not None else 'as needed'}", xticks=[], yticks=[]
    )
figure.colorbar(shown, ax=panels, label="grey levels")
plt.show()

# %% [markdown]
# Without an overlap there are seams, and two pixels only make them fainter. With `overlap=None`, the
# default, the tiles fit. (One level, where you find it, is the rounding of the arithmetic.) The last
# few pixels matter little: with ten you save time and lose one grey level.
#
# ## What super-resolution invents
#
# Take a photo that you know, make it small, and restore it. Now there is a truth to compare with:

# %%
original = sr.degradations.bicubic(sr.datasets.sample("astronaut"), (256, 256))
small = sr.degradations.bicubic(original, (64, 64))
restored = enlarge(small)

# %%
title = "A face that was ten pixels wide: look at the eyes and the teeth"
sr.plots.compare(original, restored, zoom=(8, 76, 80), crop_border=4, title=title)

# %% [markdown]
# EDSR gains two decibels, and its face is the clearest. But compare the eyes. The thumbnail has two
# pixels for each, and the network draws strokes there, as many faces have them. The teeth are gone:
# a plain patch fits as well. It is *a* face. Whether it is *hers*, the network cannot know.
#
# Where are the errors?

# %%
figure, panels = plt.subplots(1, 3, figsize=(9.6, 3.3))
figure.suptitle("What is wrong, in grey levels: look at the outlines and the badges", fontsize=11)
panels[0].imshow(original)
panels[0].set(title="original")
for axes, name in zip(panels[1:], ("bicubic", "edsr_baseline_x4"), strict=True):
    error = np.abs(restored[name].astype(int) - original).mean(axis=2)
    shown = axes.imshow(error, cmap="magma", vmax=60)
    axes.set(title=f"{name}: {error.mean():.1f} on average")
figure.colorbar(shown, ax=panels, label="grey levels")
plt.setp(panels, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# The errors sit on edges and in badges: on everything you would like to *read*. On plain cloth both
# are right, but there you need no network.
#
# Why can a better network not end this? Shrink the restored picture again:

# %%
rows = {}
for name, image in restored.items():
    again = sr.degradations.bicubic(image, (64, 64)).astype(int)
    rows[name] = {
        "shrunk again, from the thumbnail": np.abs(again - small).mean(),
        "from the original": np.abs(image.astype(int) - original).mean(),
    }
pd.DataFrame(rows).T.rename_axis("mean difference in grey levels").round(1)

# %% [markdown]
# EDSR's picture shrinks to *the same thumbnail*, but for a grey level. It fits all that was known.
# And yet it is nine levels away from the original. Countless pictures fit one thumbnail. The network
# shows you one of them, a likely one, and never says "I do not know".
#
# Letters make this plain, since you can read what is right. An optician's chart, shrunk four times:

# %%
chart = np.full((192, 256, 3), 240, "uint8")
LINES = {"K8 B3 S5": 1.2, "D0 Z2 G6 R": 0.8, "8B 6G 5S 2Z": 0.6, "H4 MN 0Q D8 E": 0.45}
for (text, height), row in zip(LINES.items(), (48, 96, 140, 176), strict=True):
    cv2.putText(
        chart, text, (16, row), cv2.FONT_HERSHEY_SIMPLEX, height, (20, 20, 20), 2, cv2.LINE_AA
    )
read = enlarge(sr.degradations.bicubic(chart, (48, 64)))

# %%
figure, panels = plt.subplots(2, 2, figsize=(9.6, 7.6))
figure.suptitle("Read each line, then compare: where do you begin to guess?", fontsize=11)
shown = {"bicubic": read["bicubic"], "EDSR": read["edsr_baseline_x4"]}
shown |= {"SRResNet, perceptual": read["srresnet_vgg22_x4"], "original": chart}
for axes, (name, image) in zip(panels.flat, shown.items(), strict=True):
    axes.imshow(image)
    axes.set(title=name, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# The first line is fine. From the third on EDSR draws firm, black strokes, and some of them make
# another letter, or none. Bicubic is honest in one way: what it does not know stays grey.
#
# **Do not use it** for evidence (number plates, faces, who was there), for medical or scientific
# pictures, for measuring, and for anything where a wrong detail costs more than a missing one.
# Where you publish a picture that was upscaled, say so.
#
# ## Photos that are not clean
#
# All these models learned from clean photos made small by bicubic interpolation. A picture from the
# web was compressed, one from a dark room has noise, one from a phone was sharpened, smoothed and
# compressed. What is left of the gain then?


# %%
def jpeg(image, quality):
    """What is left of a picture after JPEG."""
    Image.fromarray(image).save(file := io.BytesIO(), "JPEG", quality=quality)
    return np.asarray(Image.open(file))


# %%
def noisy(image, sigma):
    """Each value off by sigma grey levels, as a sensor does it in the dark."""
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return np.clip(np.round(image + noise), 0, 255).astype("uint8")


# %%
INPUTS = {"clean": small, "soft": cv2.GaussianBlur(small, (0, 0), 1)}
INPUTS |= {f"JPEG {quality}": jpeg(small, quality) for quality in (90, 70, 50, 30)}
INPUTS |= {f"noise of {sigma} levels": noisy(small, sigma) for sigma in (5, 10, 20)}


# %%
def score(result):
    """PSNR-Y in decibels."""
    return sr.metrics.psnr(original, result, crop_border=4, luma=True)


# %%
scores = {}
for name, image in INPUTS.items():
    results = enlarge(image, {"voc_residual": quick, "edsr": model})
    scores[name] = {method: score(result) for method, result in results.items()}
table = pd.DataFrame(scores).T
table.assign(gain=table.edsr - table.bicubic).round(2)

# %%
damaged = jpeg(small, 30)
results = enlarge(damaged, {"EDSR": model})
title = "Enlarged from a thumbnail of JPEG quality 30: look at the halo around the hair"
sr.plots.compare(original, results, zoom=(8, 60, 110), crop_border=4, title=title)

# %% [markdown]
# The network takes the blocks and ripples of JPEG for details, and makes them sharp. At quality 50
# most of the gain is gone, and at 30 all of it. Noise it sharpens as well: at 20 levels it does harm.
# A soft photo stays soft. And look at the third column: from JPEG 70 on, the *small* network is ahead
# of the large one. Who guesses less is wrong less often.
#
# So with your own photos:
#
# - Take the original file, not the one from the chat.
# - Look at it at 100 %, as many phone photos are soft there. Then more pixels give you a larger file
# and nothing else.
# - On compressed or noisy files the small `voc_residual` does less harm than EDSR. Compare its column
# with that of bicubic before you use it.
# - A network for damaged photos must be trained on damaged photos: Real-ESRGAN is that idea.
#
# ## Folders, clips, the command line
#
# A file, a folder or a glob goes in, a folder comes out. Each picture keeps its kind:

# %%
folder = Path(tempfile.mkdtemp())
(folder / "photos").mkdir()
(folder / "photos" / "broken.jpg").write_text("no picture")
face = Image.fromarray(sr.datasets.sample("astronaut")[0:160, 140:300])
face.save(folder / "photos" / "face.jpg")
face.convert("L").save(folder / "photos" / "grey scan.png")
face.convert("RGBA").rotate(15).save(folder / "photos" / "with alpha.png")

# %%
summary = sr.upscaling.folders.upscale_files(
    folder / "photos", folder / "large", "voc_residual", scale=2, progress=False
)
print(summary)
for source in summary.failed:
    print(f"failed: {source.name}")

# %%
for file in sorted((folder / "large").iterdir()):
    image = Image.open(file)
    print(f"{file.name}: {image.mode}, {image.width}×{image.height}")

# %% [markdown]
# A broken file is reported and does not stop the others. Run the cell again: what is there is
# skipped, so a long run goes on where it was stopped.
#
# A clip works the same. Frames, times and sound go in, and come out enlarged. Here is one of ten
# frames, a camera that pans over a photo:

# %%
try:
    video = sr.upscaling.clips
    import av
except ImportError as missing:
    print(missing, "Until then the clip is left out.")
    video = None


# %%
def write_clip(file, frames):
    """Frames (H, W, 3) into a clip of ten frames a second."""
    with av.open(str(file), "w") as clip:
        size = {"height": frames[0].shape[0], "width": frames[0].shape[1]}
        stream = clip.add_stream(
            "libx264", rate=10, pix_fmt="yuv420p", options={"crf": "12"}, **size
        )
        for frame in frames:
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame))))
        clip.mux(stream.encode())


# %%
def read_clip(file):
    """All frames of a clip, as RGB."""
    with av.open(str(file)) as clip:
        return [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]


# %%
small_coffee = sr.degradations.bicubic(sr.datasets.sample("coffee"), (100, 150))
frames = [small_coffee[4:100, start : start + 128] for start in range(0, 20, 2)]
clips = folder / "clip.mp4", folder / "large.mp4"
if video:
    write_clip(clips[0], frames)
    print(video.upscale_video(*clips, "voc_residual", scale=4, progress=False))

# %%
slider = None
if video:
    before, after = (read_clip(clip)[5] for clip in clips)
    title = "The sixth frame: look at the rim of the cup"
    slider = sr.plots.before_after(before, after, names=("clip", "upscaled"), title=title)
slider

# %% [markdown]
# Each frame is enlarged by itself. So noise that changes from frame to frame is enlarged and flickers.
# Networks made for video look at several frames at once.
#
# **To take along.** In Python:
#
# ```python
# import srhelpers as sr
#
# photo = sr.datasets.read_image("photo.jpg")
# large = sr.upscaling.upscale(photo, "edsr_baseline_x4", tile=256)
# sr.upscaling.folders.upscale_files("holiday/", "holiday_large/", "edsr_baseline_x4")
# ```
#
# In a terminal:
#
# ```
# srhelpers models
# srhelpers upscale photo.jpg -o large.jpg
# srhelpers upscale holiday/ -o holiday_large/ --scale 4 --format png
# srhelpers upscale clip.mp4 -o large.mp4 --model voc_residual --scale 2
# ```
#
# ## What the articles said
#
# Two articles show how to use a finished upscaler: ISR (RDN and RRDN in Keras), and Real-ESRGAN.
#
# > **ISR's promise**, as the article gives it: it enlarges *and improves* a low-resolution picture.
# >
# > **We measure**, with our models: it improves what was made small cleanly. From a JPEG of quality
# 30 nothing is left of the gain, and noise of 20 levels turns it into a loss.
# >
# > **Verdict: holds** for the kind of damage that a network was trained on, and for no other. ISR
# knows that: it has other weights, `noise-cancel`, for compressed photos.
#
# > **ISR's `predict(by_patch_of_size=…)`** cuts a large photo into pieces with an overlap of 2 pixels,
# and says: increase it if there are seam lines.
# >
# > **We measure** up to 6 grey levels at the seams with two pixels, for a network that sees 14, and 39
# with none. Ten pixels, which is what Real-ESRGAN takes, leave 1.
# >
# > **Verdict: holds,** and two are few. Nobody has to look for seams: the overlap that is needed
# follows from the layers.
#
# > **The Real-ESRGAN article** enlarges a portrait before a wall with a sign: floor and wall become
# better, the face less than hoped, and the writing turns into characters that do not exist.
# >
# > **We see** the same with far tamer networks: hair, helmet and large letters are right, the eyes and
# the last lines of the chart are not.
# >
# > **Verdict: holds.** It is not a fault of one network: the thumbnail does not hold the answer.
#
# ## Change it yourself
#
# 1. Upscale your photo with `self_ensemble=True`, and compare it with `large` in a slider. (One line.)
# 2. Mix the pictures of EDSR and of the perceptual SRResNet. Which mixture has the best PSNR? Which do you like best?
# 3. Make EDSR's picture fit its thumbnail *exactly*: shrink it, enlarge what is missing, and add that. Repeat. Does the PSNR rise?
# 4. Smooth the noisy thumbnail before you enlarge it. Is it worth it?
# 5. Train `voc_residual` on thumbnails that went through `jpeg` with a random quality, and fill the table of *Photos that are not clean* again. (An afternoon. Notebook 03 has the training.)
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
# faithful, vivid = (restored[name].astype(float) for name in ("edsr_baseline_x4", "srresnet_vgg22_x4"))
# for share in (0, 0.1, 0.2, 0.5, 1):
#     mixed = np.round((1 - share) * faithful + share * vivid).astype("uint8")
#     print(share, round(score(mixed), 2))
# ```
#
# PSNR wants next to nothing of the second one. Your eye may want more.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# picture = restored["edsr_baseline_x4"].astype(float)
# for _ in range(10):
#     missing = small - sr.degradations.bicubic(picture, (64, 64))
#     picture += sr.degradations.resize(missing, (256, 256))
# fitted = np.clip(np.round(picture), 0, 255).astype("uint8")
# for image in (restored["edsr_baseline_x4"], fitted):
#     again = sr.degradations.bicubic(image, (64, 64)).astype(int)
#     print(f"{np.abs(again - small).mean():.2f} levels from the thumbnail, {score(image):.2f} dB")
# ```
#
# This is called back-projection. It removes what contradicts the thumbnail; the rest stays a guess.
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# noisy_one = noisy(small, 20)
# smoothed = cv2.fastNlMeansDenoisingColored(noisy_one, None, 10, 10, 3, 9)
# for image in (noisy_one, smoothed):
#     print(round(score(sr.upscaling.upscale(image, model)), 2))
# ```
# </details>
#
# ## Summary
#
# One call enlarges a photo, a folder or a clip, and tiles with enough overlap keep the memory small
# without seams. The large picture fits the small one, and everything beyond that is a likely guess.
# Damage that the network never saw in training is enlarged with the rest.
#
# **References.** Lim et al., *Enhanced deep residual networks for single image super-resolution*,
# 2017, for EDSR. Ledig et al., *Photo-realistic single image super-resolution using a generative
# adversarial network*, 2017, for SRResNet. Wang et al., *Real-ESRGAN*, 2021, for damaged photos.
# Zhang et al., *The unreasonable effectiveness of deep features as a perceptual metric*, 2018, for
# LPIPS. ISR: [idealo/image-super-resolution](https://github.com/idealo/image-super-resolution).
