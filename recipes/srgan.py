"""Train the columns of lesson 07's table from the published SRResNet: python recipes/srgan.py [NAME ...] [--ship]

Without names all four are trained, with the lesson's settings and a loss that keeps a grid away, at about a second a
step on two CPU cores; the first column is the published network itself. In the end the colors are moved to those of the
photos. A run that was stopped goes on from its last epoch. Its state and the trained network (`<name>.keras`) are in
build/recipes. Printed are PSNR-Y and LPIPS and how far the mean of each channel is from the original's, on Set5 where
it is here, else on the validation photos, and whether flat regions of the validation photos show a grid.
`--ship` also saves it into data/models; then measure it (recipes/scores.py).
`--steps` sets the length; to try the script: --steps 4 --epoch-steps 2
"""

import argparse
import itertools
from dataclasses import dataclass

import srhelpers as sr
import keras
import numpy as np
import pandas as pd

from lesson import REPOSITORY, definitions
from train import photos

START = "krasserm_srresnet_x4"
SMOOTH = 0.1  # weight of the loss on a blurred piece, which keeps a grid away
TAUGHT = 200  # batches from which the discriminator learns alone, before both learn together


@dataclass(frozen=True)
class Recipe:
    """The two losses of one column."""

    title: str
    purpose: str
    content: str  # of lesson 07's `content_loss`
    adversarial: bool = True


RECIPES = {
    "srresnet_vgg22_x4": Recipe("SRResNet, VGG22", "compares features in place of pixels", "vgg22", adversarial=False),
    "srgan_mse_x4": Recipe("SRGAN, squared error", "a discriminator beside the squared error", "mse"),
    "srgan_vgg22_x4": Recipe("SRGAN, VGG22", "a discriminator beside features of edges and colors", "vgg22"),
    "srgan_vgg54_x4": Recipe("SRGAN, VGG54", "SRGAN as in the paper", "vgg54"),
}


def train(name, steps, epoch_steps=200):
    """(the trained generator, facts for its record); state and history are kept in build/recipes/<name>_<steps>."""
    recipe, lesson = RECIPES[name], definitions("07")
    keras.utils.set_random_seed(0)
    generator = lesson["srresnet"]()
    generator.set_weights(sr.models.load(START).get_weights())
    data, files = photos()
    discriminator = lesson["discriminator"](lesson["DISCRIMINATOR_FILTERS"])
    if recipe.adversarial:
        lesson["taught"](discriminator, *lesson["photos_and_made"](generator, files, min(TAUGHT, steps)))
    content = lesson["with_pixels"](lesson["content_loss"](recipe.content))
    gan = lesson["SRGAN"](generator, discriminator, content, lesson["ADVERSARIAL"] * recipe.adversarial, SMOOTH)
    lesson["compiled"](gan, steps)
    training = lesson["pieces"](files, batches=epoch_steps)
    folder = REPOSITORY / "build" / "recipes" / f"{name}_{steps}"
    history = sr.training.fit(
        gan, training, epochs=steps // epoch_steps, folder=folder, monitor="content", keep="last", verbose=2
    )
    without_cast(generator, sr.datasets.split("photos")[0][::4])
    facts = {
        "data": data,
        "photos": len(files),
        "steps": int(history.steps.iloc[-1]),
        "minutes": round(history.seconds.sum() / 60, 1),
        "device": sr.setup("full", verbose=False).device,
        "start": START,
        "content": recipe.content,
        "adversarial": gan.adversarial,
        "pixels": lesson["PIXELS"],
        "smooth": gan.smooth,
        "batch_size": lesson["BATCH_SIZE"],
        "patch_size": lesson["PATCH"],
    }
    if recipe.content != "mse":
        facts["vgg19"] = sr.models.features.vgg19_weights()[1]
    return generator, facts


def restored(model, file):
    """(photo, what the network makes of its small version), both uint8."""
    photo = sr.degradations.crop_to_multiple(sr.datasets.read_image(file), 4)
    small = sr.degradations.bicubic(photo, (photo.shape[0] // 4, photo.shape[1] // 4))
    return photo, sr.upscaling.upscale(small, model, scale=4)


def color_shift(pairs):
    """By how many gray levels the mean of each channel is above the photo's, mean over (photo, picture) pairs."""
    return np.mean([picture.mean((0, 1)) - photo.mean((0, 1)) for photo, picture in pairs], axis=0)


def without_cast(generator, files):
    """Move the last convolution's biases, so that each channel's mean over these photos is about the original's."""
    pairs = [restored(generator, file) for file in files]
    last = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    kernel, bias = last.get_weights()
    slope = np.mean([127.5 * (1 - (photo / 127.5 - 1) ** 2).mean((0, 1)) for photo, _ in pairs], axis=0)  # of tanh
    last.set_weights([kernel, bias - color_shift(pairs) / slope])


def flat_regions(pairs, size=64, deviation=3.0):
    """The picture's part at the flattest square of each photo, at a multiple of 8 pixels, where one is flat at all."""
    regions = []
    for photo, picture in pairs:
        rows, columns = (range(0, length - size + 1, 8) for length in photo.shape[:2])
        places = [(slice(top, top + size), slice(left, left + size)) for top in rows for left in columns]
        least, place = min(
            ((float(np.std(photo[place], axis=(0, 1)).mean()), place) for place in places), key=lambda one: one[0]
        )
        if least < deviation:
            regions.append(picture[place])
    return regions


def grid(regions, period=4):
    """(how far the spectrum of flat regions sticks out at the frequencies of pixel shuffle, amplitude in gray levels).

    Upscaling twice by depth to space of 2 can leave a pattern that repeats every 4 pixels: power at the frequencies
    that are multiples of 1/4 per pixel. Given is the largest amplitude there over the mean amplitude around it, with
    that of rounding to whole gray levels as the least that counts: about 1 without a grid. The second number is the
    amplitude of that wave, without what is around it; below one half nobody sees it.

    Args:
        regions: uint8 squares of one size, a multiple of `period`, at least 32 pixels wide.
    """
    side, offsets = len(regions[0]), np.arange(-4, 5)
    window = np.outer(np.hanning(side), np.hanning(side))
    far = np.hypot(*np.meshgrid(offsets, offsets)) > 2.5  # the window spreads a peak over its neighbors
    power = np.zeros((side, side))
    for region in regions:
        gray = np.asarray(region, "float64").reshape(side, side, -1).mean(-1)
        power += np.abs(np.fft.fft2(window * (gray - gray.mean()))) ** 2 / len(regions)
    best = (0.0, 0.0)
    for row, column in itertools.product(range(0, side, side // period), repeat=2):
        if row or column:
            around = power[np.ix_((row + offsets) % side, (column + offsets) % side)][far].mean()
            around = max(around, np.sum(window**2) / 12)
            waves = 1 if {row, column} <= {0, side // 2} else 2  # a cosine has two frequencies, but at the highest
            amplitude = waves * np.sqrt(max(power[row, column] - around, 0)) / window.sum()
            best = max(best, (float(np.sqrt(power[row, column] / around)), float(amplitude)))
    return best


def report(networks, files):
    """A row for each network: PSNR-Y, LPIPS, the shift of the channels, the grid in flat regions."""
    table = sr.metrics.table(networks, files, lpips=sr.metrics.perceptual.is_here())
    for name, model in networks.items():
        shift = color_shift([restored(model, file) for file in files])
        table.loc[name, "shift of R, G, B"] = ", ".join(f"{value:+.1f}" for value in shift)
        ratio, amplitude = grid(flat_regions([restored(model, file) for file in sr.datasets.split("photos")[1]]))
        table.loc[name, "grid"] = f"{ratio:.1f}, {amplitude:.2f} levels"
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--epoch-steps", type=int, default=100)
    parser.add_argument("--ship", action="store_true", help="save into data/models")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(RECIPES):
        parser.error(f"expected names of {', '.join(RECIPES)}, got {', '.join(unknown)}")
    if chosen.steps <= 0 or chosen.steps % chosen.epoch_steps:
        parser.error(f"expected --steps as a multiple of --epoch-steps, got {chosen.steps} and {chosen.epoch_steps}")
    sr.setup("full")
    measured = {START: sr.models.load(START)}
    for name in chosen.names or RECIPES:
        generator, facts = train(name, chosen.steps, chosen.epoch_steps)
        record = {"title": RECIPES[name].title, "purpose": RECIPES[name].purpose, "lesson": "07"}
        record |= {"author": "this course", "licence": "Apache-2.0", "source": f"{START}, trained further", **facts}
        for folder in [REPOSITORY / "build" / "recipes", *[sr.runtime.shipped("models")] * chosen.ship]:
            sr.models.save(generator, name, folder=folder, **record)
        measured[name] = generator
    photos_to_measure = sr.datasets.photos("Set5") if sr.datasets.is_here("Set5") else sr.datasets.split("photos")[1]
    with pd.option_context("display.width", 200):
        print(report(measured, photos_to_measure).to_string(), flush=True)
