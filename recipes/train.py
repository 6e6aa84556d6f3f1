"""Train networks of one scale, for longer than a lesson does: python recipes/train.py NAME ... [--steps N]

A run that was stopped goes on from its last epoch. Its state and the trained network (`<name>.keras`) are in
build/recipes, and its PSNR-Y on Set5 is printed. `SR_PRECISION=mixed_bfloat16` halves the time on CPUs that have
bfloat16 units.

Photos: `photos_hq` in SR_DATA_DIR where it is there (see data/README.md), without the 16 that validate; else DIV2K
where it is here; else the 200 training photographs of data/photos.
"""

import argparse
from dataclasses import dataclass, field

import keras
from lesson import REPOSITORY, definitions
from muon import Muon

import srhelpers as sr

# The tiles of photos_hq that show the 16 validation photographs of data/photos.
HELD_OUT = (1, 44, 106, 157, 204, 270, 316, 367, 415, 460, 493, 536, 577, 618, 653, 705)
EPOCH = 500  # steps


@dataclass(frozen=True)
class Recipe:
    """How one network is trained. `start` names the recipe whose weights it begins with, where shapes are equal."""

    lesson: str
    function: str
    scale: int
    steps: int
    patch: int = 24
    batch: int = 16
    rate: float = 2e-3
    start: str | None = None
    options: dict = field(default_factory=dict)  # of the function


CENTERED = {"offset": -0.5}
RECIPES = {
    "compact_x4": Recipe("08", "compact", 4, 9_000, options=CENTERED),
    "compact_x2": Recipe("08", "compact", 2, 6_000, patch=32, start="compact_x4", options=CENTERED),
    "compact_x3": Recipe("08", "compact", 3, 4_000, start="compact_x4", options=CENTERED),
    "edsr_baseline_x4": Recipe("08", "edsr", 4, 16_000, start="edsr_baseline_x2"),
    "edsr_baseline_x2": Recipe("08", "edsr", 2, 8_000),
    "edsr_baseline_x3": Recipe("08", "edsr", 3, 4_000, start="edsr_baseline_x4"),
}


def photos():
    """(name of the set, training files)."""
    if sr.datasets.is_here("photos_hq"):
        files = sr.datasets.photos("photos_hq")
        return "photos_hq", [file for file in files if int(file.name[:4]) not in HELD_OUT]
    name = "div2k_train" if sr.datasets.is_here("div2k_train") else "photos"
    return name, sr.datasets.split(name)[0]


def build(recipe):
    return definitions(recipe.lesson)[recipe.function](recipe.scale, **recipe.options)


def train(name, steps=None):
    """The trained network; its state and history are kept in build/recipes/<name>."""
    recipe = RECIPES[name]
    steps = steps or recipe.steps
    keras.utils.set_random_seed(0)
    model = build(recipe)
    if recipe.start:
        continue_from(train(recipe.start), model)
    _, files = photos()
    training = sr.generators.Patches(
        files, recipe.scale, recipe.patch, batch_size=recipe.batch, batches=EPOCH, skip_flat=0.25
    )
    validation = sr.generators.Patches(
        sr.datasets.split("photos")[1], recipe.scale, 288 // recipe.scale, batch_size=4, training=False
    )
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.rate / 20, steps - 200, warmup_target=recipe.rate, warmup_steps=200
    )
    metric = sr.metrics.PSNR(crop_border=recipe.scale, luma=True)
    model.compile(Muon(rate), loss="mae", metrics=[metric])
    folder = REPOSITORY / "build" / "recipes" / f"{name}_{steps}"
    sr.training.fit(model, training, validation, epochs=steps // EPOCH, folder=folder, verbose=2)
    return model


def continue_from(source, target):
    """Copy weights wherever two networks have layers of equal shapes."""
    for old, new in zip(source.layers, target.layers, strict=False):
        if [w.shape for w in old.weights] == [w.shape for w in new.weights]:
            new.set_weights(old.get_weights())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=RECIPES, metavar="NAME")
    parser.add_argument("--steps", type=int)
    chosen = parser.parse_args()
    if chosen.steps is not None and (chosen.steps <= 0 or chosen.steps % EPOCH):
        parser.error(f"expected --steps as a multiple of {EPOCH}, got {chosen.steps}")
    sr.setup("full")
    for name in chosen.names:
        network, scale = train(name, chosen.steps), RECIPES[name].scale
        network.save(REPOSITORY / "build" / "recipes" / f"{name}.keras")
        if sr.datasets.is_here("Set5"):
            print(sr.metrics.table({"bicubic": "bicubic", name: network}, "Set5", scales=(scale,)), flush=True)
