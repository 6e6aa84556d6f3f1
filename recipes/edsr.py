"""Train the EDSR baseline ×4 that ships, from the blocks of a published SRResNet: python recipes/edsr.py [--ship]

Both networks have the same blocks but for two things. Batch normalization, once trained, is a factor and an offset of
the convolution before it. And SRResNet's PReLU has a slope below zero: here it fades to zero during the training (after
the first convolution to one, which is no activation), and so do the weights of the first convolution beyond 3×3.
SRResNet upscales with activations at the large size, which EDSR does not have, so the upsampling starts at random and
learns first, alone. The targets are SRResNet's pictures. Photos, folders and resuming are those of recipes/train.py.

With TensorFlow: on JAX `fit` does not see weights that a callback changes.
"""

import argparse
from dataclasses import dataclass
from functools import partial

import srhelpers as sr
import keras
import numpy as np
from keras import layers

from lesson import REPOSITORY, definitions
from muon import Muon
from train import FURTHER, TEACHER, keep, photos, taught

NAME = "edsr_baseline_x4"
EPOCH = 50  # steps
FADING = 400  # steps until all has faded
convolution = partial(layers.Conv2D, padding="same")


@dataclass(frozen=True)
class Stage:
    """A part of the training, with a warm-up and a cosine of its own."""

    name: str
    steps: int
    rate: float
    patch: int = 24
    batch: int = 16


STAGES = (
    Stage("upsampling", 200, 2e-3),  # it alone
    Stage("all", 2_000, 3e-4),
    Stage("again", 600, 2e-4),
    Stage("larger", 300, 1.5e-4, patch=40, batch=8),
)


class Bridge:
    """EDSR's layers with what SRResNet has beyond them: `network`, the `inherited` layers, and what is `fading`."""

    def __init__(self, mean):
        self.source = iter([layer for layer in sr.models.load(TEACHER).layers if layer.weights])
        self.inherited, self.fading = [], []
        photo = keras.Input((None, None, 3))
        centered = layers.Rescaling(1 / 127.5, (-2 * mean).tolist(), dtype="float32")(photo)

        kernel, bias = self.folded(normalized=False)
        kernel, bias = kernel / 2, bias + np.einsum("hwio,i->o", kernel, mean)  # SRResNet takes 0…1, not centered
        middle = kernel[3:6, 3:6].copy()
        kernel[3:6, 3:6] = 0
        wide = convolution(64, 9, use_bias=False, trainable=False)
        features = layers.Add()([self.conv(centered, middle, bias), self.fade(centered, wide, kernel, 0.0)])
        start = features = self.activation(features, end=1.0)
        for _ in range(16):
            inside = self.activation(self.conv(features, *self.folded()), end=0.0)
            features = layers.Add()([features, self.conv(inside, *self.folded())])
        features = layers.Add()([start, self.conv(features, *self.folded())])
        for _ in range(2):
            features = sr.layers.DepthToSpace(2)(convolution(256, 3)(features))
        near_zero = keras.initializers.RandomNormal(stddev=1e-3)
        colors = convolution(3, 3, kernel_initializer=near_zero)(features)
        picture = layers.Rescaling(127.5, (255 * mean).tolist(), dtype="float32")(colors)
        self.network = keras.Model(photo, picture, name="bridge")

    def folded(self, normalized=True):
        """Kernel and bias of the source's next convolution, with the batch normalization after it."""
        kernel, bias = next(self.source).get_weights()
        if not normalized:
            return kernel, bias
        normalization = next(self.source)
        gamma, beta, mean, variance = normalization.get_weights()
        factor = gamma / np.sqrt(variance + normalization.epsilon)
        return kernel * factor, (bias - mean) * factor + beta

    def conv(self, x, kernel, bias):
        layer = convolution(64, 3)
        made = layer(x)
        layer.set_weights([kernel, bias])
        self.inherited.append(layer)
        return made

    def activation(self, x, end):
        slopes = next(self.source).get_weights()[0]
        return self.fade(x, layers.PReLU(shared_axes=[1, 2], trainable=False), slopes, end)

    def fade(self, x, layer, begin, end):
        made = layer(x)
        layer.set_weights([begin])
        self.fading.append((layer, begin, end))
        return made

    def edsr(self, target):
        """The lesson's network with the bridge's weights, once all has faded."""
        made = [layer for layer in self.network.layers if getattr(layer, "kernel_size", None) == (3, 3)]
        empty = [layer for layer in target.layers if isinstance(layer, layers.Conv2D)]
        for layer, trained in zip(empty, made, strict=True):
            layer.set_weights(trained.get_weights())
        return target


class Fade(keras.callbacks.Callback):
    """Moves the fading weights a little before each step."""

    def __init__(self, fading):
        super().__init__()
        self.fading, self.share = fading, None

    def on_train_batch_begin(self, batch, logs=None):
        share = min(1.0, int(self.model.optimizer.iterations) / FADING)
        if share != self.share:
            for layer, begin, end in self.fading:
                layer.set_weights([(1 - share) * begin + share * end])
            self.share = share


def train():
    """(the trained network, facts for its record)"""
    keras.utils.set_random_seed(0)
    lesson = definitions("08")
    bridge = Bridge(lesson["MEAN"])
    data, files = photos()
    targets, seconds = taught(files, TEACHER, 4), 0.0
    pieces = partial(sr.generators.Patches, scale=4)
    validation = pieces(sr.datasets.split("photos")[1], patch_size=72, batch_size=4, training=False)
    for number, stage in enumerate(STAGES):
        for layer in bridge.inherited:
            layer.trainable = stage.name != "upsampling"
        callbacks = [Fade(bridge.fading)] * (stage.name == "all")
        sizes = {"patch_size": stage.patch, "batch_size": stage.batch, "seed": max(0, number - 1)}
        training = pieces(targets, batches=EPOCH, skip_flat=0.25, **sizes)
        schedule = sr.training.warmup_cosine(stage.rate, stage.steps, warmup=30)
        metrics = [sr.metrics.PSNR(crop_border=4, luma=True)]
        bridge.network.compile(Muon(schedule), loss="mae", metrics=metrics)
        options = {"epochs": stage.steps // EPOCH, "folder": REPOSITORY / "build" / "recipes" / f"{NAME}_{stage.name}"}
        history = sr.training.fit(
            bridge.network, training, validation, callbacks=callbacks, keep="last", verbose=2, **options
        )
        seconds += history.seconds.sum()
    facts = {
        "data": f"{data}, upscaled by {TEACHER}",
        "photos": len(files),
        "steps": sum(stage.steps for stage in STAGES),
        "minutes": round(seconds / 60, 1),
        "device": sr.setup("full", verbose=False).device,
        "batch_size": STAGES[1].batch,
        "patch_size": STAGES[1].patch,
        "loss": "mae",
        "optimizer": "Muon",
        "start": TEACHER,
    }
    return bridge.edsr(lesson["edsr"](4)), facts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ship", action="store_true", help="save into data/models")
    chosen = parser.parse_args()
    sr.setup("full")
    network, facts = train()
    record = {"title": "EDSR baseline ×4", "purpose": "deep and faithful, for clean pictures", "lesson": "08"}
    record |= {"licence": "Apache-2.0", "source": FURTHER}
    keep(network, NAME, (4,), ship=chosen.ship, **record, **facts)
