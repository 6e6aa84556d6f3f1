"""What notebooks call to show something: a model on one photo, a training of seconds, the code of a function."""

import inspect
import re
import tempfile
import textwrap

import keras
import numpy as np

from .. import datasets, degradations, metrics, plots, training, upscaling
from ..models import load
from ..runtime import UserError
from .multi_size import MultiSize


def predict(model, images):
    """All outputs of a model as pictures.

    Args:
        model: takes and gives batches in 0…255.
        images: uint8 picture (H, W, 3), or a batch (N, H, W, 3).

    Returns:
        List of uint8 arrays, one for each output: pictures for a picture, batches for a batch.

    >>> import srhelpers as sr
    >>> small = sr.degradations.area(sr.datasets.sample("coffee"), (72, 72))
    >>> [picture.shape for picture in sr.studies.demo.predict(sr.models.load("voc_plain"), small)]
    [(144, 144, 3), (288, 288, 3)]
    """
    batch = images if images.ndim == 4 else images[None]
    outputs = [keras.ops.convert_to_numpy(output).astype("float32") for output in keras.tree.flatten(model(batch))]
    outputs = [np.clip(output.round(), 0, 255).astype("uint8") for output in outputs]
    return outputs if images.ndim == 4 else [output[0] for output in outputs]


def compare(photo, models, *, size=(72, 72), factor=4, degradation="area", zoom=None, title=None):
    """One photo made small, and grown again by bicubic interpolation and by shipped models, side by side.

    Args:
        photo: uint8 picture (H, W, 3); it is squeezed to the size of the target.
        models: dict name → name of a shipped model with outputs at twice and four times the size.
        size: (height, width) of the small picture.
        factor: 2 or 4.
        degradation: how the small picture and the target are made of the photo.
        zoom, title: as in `plots.compare`.

    Returns:
        matplotlib Figure.

    Raises:
        UserError: another factor.

    >>> import srhelpers as sr
    >>> figure = sr.studies.demo.compare(sr.datasets.sample("coffee"), {"plain": "voc_plain"}, factor=2)
    """
    if factor not in (2, 4):
        raise UserError(f"Expected a factor of 2 or 4, as these models have it, got {factor}.")
    shrink = degradations.DEGRADATIONS[degradation]
    small, target = (shrink(photo, (size[0] * n, size[1] * n)) for n in (1, factor))
    grown = {"bicubic": degradations.resize(small, target.shape[:2])}
    for name, model in models.items():
        grown[name] = predict(load(model), small)[factor // 4]
    return plots.compare(target, grown, zoom=zoom, title=title, crop_border=factor)


def restore(photo, models, *, scale=4, degradation="bicubic", zoom=None, title=None):
    """One photo made small as a whole, and restored by bicubic interpolation and by models, side by side.

    Args:
        photo: uint8 picture (H, W) or (H, W, 3).
        models: dict name → shipped model, its name or a Keras model.
        scale: int.
        degradation: how the small picture is made.
        zoom, title: as in `plots.compare`.

    Returns:
        matplotlib Figure.

    >>> import srhelpers as sr
    >>> figure = sr.studies.demo.restore(sr.datasets.sample("coffee"), {"plain": "voc_plain"}, scale=2)
    """
    photo = degradations.crop_to_multiple(photo, scale)
    small = degradations.DEGRADATIONS[degradation](photo, (photo.shape[0] // scale, photo.shape[1] // scale))
    restored = {"bicubic": degradations.resize(small, photo.shape[:2])}
    for name, model in models.items():
        restored[name] = upscaling.upscale(small, model, scale=scale)
    return plots.compare(photo, restored, zoom=zoom, title=title, crop_border=scale)


def short_run(model, loss="mse", epochs=30):
    """Train a model on nine sample photos for a few seconds, to see that it learns.

    Args:
        model: not compiled, with outputs at twice and four times the size.
        loss: of both outputs.
        epochs: int.

    Returns:
        pandas.DataFrame, the history. Three other sample photos validate.

    >>> import keras, srhelpers as sr
    >>> photo = keras.Input((None, None, 3))
    >>> outputs = [sr.studies.blocks.enlarged(keras.layers.Conv2D(3, 3, padding="same")(photo), n) for n in (2, 4)]
    >>> len(sr.studies.demo.short_run(keras.Model(photo, outputs), epochs=2))
    2
    """
    files = datasets.photos("samples")
    batches = MultiSize(files[3:], batch_size=3, shuffle=True)
    model.compile("adam", loss=[loss, loss], metrics=[[metrics.PSNR()], [metrics.PSNR()]])
    with tempfile.TemporaryDirectory() as folder:
        return training.fit(model, batches, MultiSize(files[:3]), epochs=epochs, folder=folder, verbose=0)


def show_code(*functions):
    """Print the code of functions, without what explains them: the notebook does that.

    Args:
        functions: of this package.

    >>> import srhelpers as sr
    >>> sr.studies.demo.show_code(sr.studies.blocks.colours)
    def colours(x, activation="relu"):
        return layers.Conv2D(3, 1, activation=activation, dtype="float32")(x)
    """
    codes = [re.sub(r'\n *"""[\s\S]*?"""', "", inspect.getsource(function), count=1) for function in functions]
    print("\n".join(map(textwrap.dedent, codes)).strip())
