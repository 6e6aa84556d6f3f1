"""Weights as their authors publish them, for the same network in Keras."""

from itertools import pairwise
from pathlib import Path

import keras
import numpy as np

from ..layers import DepthToSpace
from ..runtime import UserError


def load_weights(model: keras.Model, file: str | Path) -> None:
    """Give a network its weights from a file of PyTorch (.pt, .pth), or of an older Keras (.h5, .hdf5).

    Nothing in the file is executed. Its layers must come in the order of the network's, whatever their names.
    """
    if Path(file).suffix in (".pt", ".pth"):
        assign(model, _pytorch(file))
    else:
        model.load_weights(file)


def _pytorch(file):
    try:
        import torch
    except ModuleNotFoundError:
        raise OSError(
            f"Expected PyTorch to read {Path(file).name}, which is not installed; run: python -m pip install torch"
        ) from None
    saved = torch.load(file, map_location="cpu", weights_only=True)
    layers = {}
    for name, tensor in saved.get("params_ema", saved.get("params", saved)).items():
        layers.setdefault(name.rpartition(".")[0], []).append(tensor.numpy())
    return [arrays for name, arrays in layers.items() if not name.endswith("_mean")]  # EDSR's are constants


def assign(model: keras.Model, arrays: list[list[np.ndarray]]) -> None:
    """Give a network weights that are in PyTorch's layout, a list for each layer that has any, in its order.

    Kernels are (out, in, row, column). Before a pixel shuffle, and after its inverse, which is here part of a
    convolution with strides, PyTorch orders channels by color, row, column: `DepthToSpace` by row, column, color.
    """
    layers = [layer for layer in model.layers if layer.weights or isinstance(layer, DepthToSpace)]
    blocks = {layer: after.block_size for layer, after in pairwise(layers) if isinstance(after, DepthToSpace)}
    layers = [layer for layer in layers if layer.weights]
    if len(layers) != len(arrays):
        raise UserError(f"Expected weights for the {len(layers)} layers of {model.name}, got {len(arrays)}.")
    for layer, values in zip(layers, arrays, strict=True):
        converted = []
        for weights, array in zip(layer.weights, values, strict=True):
            if array.ndim == 4:
                array = _unfolded(array, weights.shape[0]).transpose(2, 3, 1, 0)
            if layer in blocks:
                r = blocks[layer]
                array = array.reshape(*array.shape[:-1], -1, r * r).swapaxes(-1, -2).reshape(array.shape)
            converted.append(array if array.ndim > 1 else array.reshape(weights.shape))  # slopes are (1, 1, channels)
        layer.set_weights(converted)


def _unfolded(kernel, rows):
    """The kernel of `rows` pixels that does what this one does after r×r pixels have become channels."""
    filters, channels, side, _ = kernel.shape
    r = rows // side
    kernel = kernel.reshape(filters, channels // r**2, r, r, side, side)
    return kernel.transpose(0, 1, 4, 2, 5, 3).reshape(filters, channels // r**2, rows, rows)
