"""Train the networks that ship, for longer than a lesson does: python recipes/train.py NAME ... [--steps N] [--ship]

A run that was stopped goes on from its last epoch. Its state and the trained network (`<name>.keras`) are in
build/recipes, and its PSNR-Y is printed. `--ship` also saves it into data/models; then measure it (recipes/damages.py,
which also says what the upscaler takes it for, and recipes/scores.py).
`SR_PRECISION=mixed_bfloat16` halves the time on CPUs that have bfloat16 units, and doubles it on others.

Photos: `photos_hq` in SR_DATA_DIR where it is there (see data/README.md), without the 16 that validate; else DIV2K
where it is here; else the 200 training photographs of data/photos.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import srhelpers as sr
import keras
import numpy as np
from PIL import Image

from lesson import REPOSITORY, definitions
from muon import Muon

# The tiles of photos_hq that show the 16 validation photographs of data/photos.
HELD_OUT = (1, 44, 106, 157, 204, 270, 316, 367, 415, 460, 493, 536, 577, 618, 653, 705)
EPOCH = 500  # steps
BUILD = REPOSITORY / "build" / "recipes"
BEGUN = "_begun"  # the name of a first part ends so; it does not ship
TEACHER = "krasserm_srresnet_x4"
LEARNED = f"learned from pictures of {TEACHER}"
FURTHER = f"{TEACHER}, trained further"


@dataclass(frozen=True)
class OneOf:
    """Each picture gets one of these degradations, all equally often."""

    several: tuple[Callable, ...]

    def __call__(self, image, size, rng=None):
        rng = rng or sr.degradations.damages.generator(image)
        return self.several[rng.integers(len(self.several))](image, size, rng)


DAMAGE = sr.degradations.Damage(blur=(0, 1.2), noise=(0, 20), jpeg=(15, 100), gray=0.4, share=0.4)
CAMERA = sr.degradations.Damage(jpeg=(80, 97))  # as cameras compress, so that their detail is kept
LIGHT, LIGHTER = OneOf((DAMAGE, CAMERA)), OneOf((DAMAGE, CAMERA, CAMERA))


@dataclass(frozen=True)
class Recipe:
    """How one network is trained. `start` names the network whose weights it begins with: of a recipe, or shipped."""

    title: str
    purpose: str
    lesson: str
    function: str  # of the lesson
    options: dict  # of the function
    scales: tuple[int, ...]
    steps: int
    patch: int = 24
    batch: int = 16
    rate: float = 2e-3
    skip_flat: float = 0.25  # share of the pieces, those with the least contrast
    start: str | None = None
    teacher: str | None = None  # a network whose pictures are the targets, in place of the photos
    degradation: str | Callable = "bicubic"
    licence: str = "MIT"
    source: str = ""  # whose work it goes back to


def compact(scale, **more):
    options = {"scale": scale, "offset": -0.5}
    return Recipe(
        f"compact ×{scale}", "small and quick, for clean pictures", "08", "compact", options, (scale,), **more
    )


def robust(scale, **more):
    title, purpose = f"compact ×{scale}, robust", "small and quick, for photos as cameras and the web have them"
    more = {
        "start": f"compact_x{scale}",
        "degradation": DAMAGE,
        "rate": 1e-3,
        "skip_flat": 0.0,
        "source": LEARNED,
    } | more
    return replace(compact(scale, **more), title=title, purpose=purpose)


def edsr(scale, **more):
    title, purpose = f"EDSR baseline ×{scale}", "deep and faithful, for clean pictures"
    more = {"licence": "Apache-2.0", "source": FURTHER} | more
    return Recipe(title, purpose, "08", "edsr", {"scale": scale}, (scale,), **more)


def voc(title, lesson, function, steps=1_000, **options):
    return Recipe(title, f"lesson {lesson}'s network, trained longer", lesson, function, options, (2, 4), steps)


RECIPES = {
    "compact_x4": compact(4, steps=5_000, teacher=TEACHER, source=LEARNED),
    f"compact_x2{BEGUN}": compact(2, steps=5_000),
    "compact_x2": compact(
        2,
        steps=5_000,
        rate=1e-3,
        start=f"compact_x2{BEGUN}",
        teacher="edsr_baseline_x2",
        source="learned from pictures of edsr_baseline_x2",
    ),
    "compact_x3": compact(3, steps=1_500, start="compact_x4", source=LEARNED),
    f"compact_x4_robust{BEGUN}": robust(4, steps=5_000, teacher=TEACHER, start="compact_x4"),
    "compact_x4_robust": robust(
        4, steps=4_000, teacher=TEACHER, start=f"compact_x4_robust{BEGUN}", degradation=LIGHT, rate=5e-4
    ),
    # From compact_x2 it does not learn in this time to remove blur.
    f"compact_x2_robust{BEGUN}": robust(2, steps=3_000, start="compact_x4_robust", degradation=LIGHT),
    "compact_x2_robust": robust(2, steps=1_000, start=f"compact_x2_robust{BEGUN}", degradation=LIGHTER, rate=5e-4),
    # edsr_baseline_x4 has a recipe of its own, recipes/edsr.py.
    "edsr_baseline_x2": edsr(2, steps=1_500, rate=5e-4, start="edsr_baseline_x4"),
    "edsr_baseline_x3": edsr(3, steps=1_000, rate=5e-4, start="edsr_baseline_x4"),
    "voc_plain": voc("plain convolution", "02", "plain"),
    "voc_residual": voc("residual blocks", "03", "residual", blocks=6),
    "voc_atrous": voc("atrous convolution", "04", "atrous", blocks=6),
    "voc_efficientnet": voc("EfficientNet features", "05", "with_features", blocks=6),
    "voc_depth_to_space": voc("depth to space", "06", "upscaler", steps=1_500, blocks=8, filters=48),
}


def photos():
    """(name of the set, training files)."""
    if sr.datasets.is_here("photos_hq"):
        files = sr.datasets.photos("photos_hq")
        return "photos_hq", [file for file in files if int(file.name[:4]) not in HELD_OUT]
    name = "div2k_train" if sr.datasets.is_here("div2k_train") else "photos"
    return name, sr.datasets.split(name)[0]


def taught(files, teacher, scale):
    """The photos as upscaled by a better network from a small size; they stay in build/recipes.

    What no network can know is missing in them, so a small network learns faster. Downsampled again they are what the
    teacher saw, within the rounding (51 dB).
    """
    folder = BUILD / teacher
    folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / f"{file.stem}.png" for file in files]
    for file, target in zip(files, targets, strict=True):
        if not target.exists():
            photo = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), scale)
            small = sr.degradations.bicubic(photo, (photo.shape[0] // scale, photo.shape[1] // scale))
            unfinished = target.with_suffix(".part.png")
            Image.fromarray(sr.upscaling.upscale(small, teacher, scale=scale)).save(unfinished)
            unfinished.replace(target)
    return targets


def build(recipe, training):
    names, options = definitions(recipe.lesson), recipe.options
    if recipe.function == "with_features":
        low = np.concatenate([training[n][0] for n in range(12)])
        options = options | {"features": names["standardized"](sr.models.features.efficientnet_block1a("b0"), low)}
    return names[recipe.function](**options)


def train(name, steps=None):
    """(the trained network, facts for its record); state and history are kept in build/recipes/<name>_<steps>."""
    recipe = RECIPES[name]
    steps = steps or recipe.steps
    data, files = photos()
    if recipe.teacher:
        data, files = f"{data}, upscaled by {recipe.teacher}", taught(files, recipe.teacher, *recipe.scales)
    scale = recipe.scales if len(recipe.scales) > 1 else recipe.scales[0]
    pieces = partial(sr.generators.Patches, scale=scale, degradation=recipe.degradation)
    training = pieces(
        files, patch_size=recipe.patch, batch_size=recipe.batch, batches=EPOCH, skip_flat=recipe.skip_flat
    )
    keras.utils.set_random_seed(0)
    model = build(recipe, training)
    if recipe.start:
        first = BUILD / f"{recipe.start}.keras" if recipe.start.endswith(BEGUN) else recipe.start
        definitions("08")["continue_from"](sr.models.load(first), model)
    middles = {"patch_size": 288 // max(recipe.scales), "batch_size": 4, "training": False}
    validation = pieces(sr.datasets.split("photos")[1], **middles)
    rate = sr.training.warmup_cosine(recipe.rate, steps, warmup=200)
    metrics = [[sr.metrics.PSNR(crop_border=scale, luma=True)] for scale in recipe.scales]
    # Keras 3.13 takes a list for each output only where there are several.
    model.compile(Muon(rate), loss=["mae"] * len(metrics), metrics=metrics if len(metrics) > 1 else metrics[0])
    folder = BUILD / f"{name}_{steps}"
    history = sr.training.fit(model, training, validation, epochs=steps // EPOCH, folder=folder, verbose=2)
    facts = {
        "data": data,
        "photos": len(files),
        "steps": steps,
        "minutes": round(history.seconds.sum() / 60, 1),
        "device": sr.setup("full", verbose=False).device,
        "batch_size": recipe.batch,
        "patch_size": recipe.patch,
        "loss": "mae",
        "optimizer": "Muon",
        "start": recipe.start or "random",
        "degradation": str(recipe.degradation),
    }
    if facts["start"].endswith(BEGUN):
        first = sr.models.manifest(BUILD)[recipe.start]
        facts |= {"start": first.training["start"], "steps": steps + first.steps}
        facts["minutes"] = round(facts["minutes"] + first.minutes, 1)
    return model, facts


def keep(network, name, scales, *, ship, **record):
    """Save it with its record into build/recipes, and into data/models where it ships; print its PSNR-Y."""
    record |= {"author": "this course"}
    for folder in [BUILD, *[sr.runtime.shipped("models")] * ship]:
        sr.models.save(network, name, folder=folder, **record)
    sets = [sr.datasets.split("photos")[1], *["Set5"] * sr.datasets.is_here("Set5")]
    print(sr.metrics.table({"bicubic": "bicubic", name: network}, *sets, scales=scales).to_string(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=RECIPES, metavar="NAME")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--ship", action="store_true", help="save into data/models")
    chosen = parser.parse_args()
    if chosen.steps is not None and (chosen.steps <= 0 or chosen.steps % EPOCH):
        parser.error(f"expected --steps as a multiple of {EPOCH}, got {chosen.steps}")
    sr.setup("full")
    for name in chosen.names:
        recipe = RECIPES[name]
        network, facts = train(name, chosen.steps)
        record = {name: getattr(recipe, name) for name in ("title", "purpose", "lesson", "licence", "source")}
        keep(network, name, recipe.scales, ship=chosen.ship, **record, **facts)
