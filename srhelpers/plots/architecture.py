"""What a functional Keras network is made of: its layers, how they are connected, and which blocks repeat.

It walks the graph by what Keras makes public, `clone_model`, with stand-ins in place of the layers.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate

import keras
import numpy as np

from ..runtime import UserError

JOINS = {"Add": "+", "Subtract": "−", "Multiply": "×", "Concatenate": "concat"}
SHORT = {
    "UpSampling2D": "Upsampling",
    "BicubicUpSampling": "Bicubic",
    "Conv2DTranspose": "Transposed conv",
    "SpectralNormalization": "spectral norm",
}
FUNCTIONS = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "gelu": "GELU", "elu": "ELU", "silu": "SiLU", "selu": "SELU"}
PROBE = 3840  # stands for an open height or width; divides by the strides of any usual network


@dataclass
class Node:
    """One call of a layer or operation."""

    kind: str
    title: str
    detail: str = ""
    size: str = ""  # height and width, such as "2H × 2W"
    channels: int = 0
    last_channels: int = 0  # in the last repetition of its block
    inputs: list[int] = field(default_factory=list)  # indices; first the one at the end of the longest path
    each: set[int] = field(default_factory=set)  # inputs that come from every repetition of their block
    key: str = ""  # equal for nodes that may repeat each other
    operation: object = None

    @property
    def label(self):
        return " ".join(filter(None, [self.title, self.detail]))


@dataclass
class Block:
    """The nodes `first` to `last` stand for `times` repetitions; `shared` if all of them use the same weights."""

    first: int
    last: int
    times: int
    shared: bool

    def __contains__(self, node: int) -> bool:
        return self.first <= node <= self.last


def structure(model: keras.Model) -> tuple[list[Node], list[Block]]:
    """The nodes of a network in the order in which they are drawn, repetitions left out, and the blocks that repeat."""
    if not getattr(model, "inputs", None):
        raise UserError(
            f"Expected a functional or a built Sequential model, got {type(model).__name__}, whose layers do not tell "
            "how they are connected; begin with keras.Input, and make it with keras.Model(inputs, outputs)."
        )
    return _folded(_ordered(_traced(model)))


class _StandIn(keras.Operation):
    """Gives symbolic tensors of given shapes: what walks a graph needs to call, since a real layer notes every call."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def compute_output_spec(self, *tensors):
        return keras.tree.map_structure(lambda tensor: keras.KerasTensor(tensor.shape, tensor.dtype), self.outputs)


def _traced(model):
    nodes, producers, kept = [], {}, []
    probe = PROBE if any(None in tensor.shape[1:] for tensor in model.inputs) else 0

    def record(node, outputs, sources=()):
        tensors = keras.tree.flatten(outputs)
        kept.extend(tensors)  # an id is unique only while its object lives
        shape = tensors[0].shape
        sizes = [_relative(length, letter, probe) for length, letter in zip(shape[1:-1], "HWD", strict=False)]
        node.size, node.channels = " × ".join(sizes), shape[-1] if len(shape) > 1 else 0
        node.inputs = list(dict.fromkeys(producers[id(tensor)] for tensor in sources))
        node.key += repr((type(node.operation), node.size))
        producers.update({id(tensor): len(nodes) for tensor in tensors if node.kind != "output"})
        nodes.append(node)
        return outputs

    def call(operation, *args, **kwargs):
        values = keras.tree.flatten((args, kwargs))
        sources = [value for value in values if isinstance(value, keras.KerasTensor)]
        constants = [value for value in values if type(value) in (int, float)]
        outputs = _StandIn(operation.compute_output_spec(*args, **kwargs))(*sources)
        return record(_described(operation, len(sources), constants), outputs, sources)

    inputs = []
    for number, tensor in enumerate(model.inputs, 1):
        shape = [1, *(length or probe for length in tensor.shape[1:])]
        inputs.append(keras.Input(batch_shape=shape, dtype=tensor.dtype))
        title = f"input {number}" if tensor.name.startswith("keras_tensor") else tensor.name
        record(Node("input", title if len(model.inputs) > 1 else "input", key=str(number)), inputs[-1])
    functional = keras.Model(model.inputs, model.outputs)  # a Sequential model does not show its calls
    outputs = keras.models.clone_model(functional, inputs, lambda operation: operation, call).outputs
    for number, (tensor, name) in enumerate(zip(outputs, functional.output_names, strict=True), 1):
        title = f"output {number if re.search(r'_[0-9]+$', name) else name}"  # Keras numbers what nobody named
        record(Node("output", title if len(outputs) > 1 else "output", key=str(number)), tensor, [tensor])
    return nodes


def _relative(length, letter, probe):
    factor = Fraction(length, probe).limit_denominator(64) if probe else 0
    rest = length - factor * probe
    if not factor or abs(rest) > 64 or rest.denominator > 1:
        return str(length)
    text = f"{factor}".replace("1", letter, 1) if factor.numerator == 1 else f"{factor.numerator}{letter}"
    text += f"/{factor.denominator}" if factor.denominator > 1 and factor.numerator > 1 else ""
    return text + (f" {'−' if rest < 0 else '+'} {abs(rest)}" if rest else "")


def _plain(config):
    """A configuration without what may differ from one repetition of a block to the next."""
    if isinstance(config, dict):
        dropped = ("name", "trainable", "seed", "kernel_initializer", "bias_initializer")
        return {key: _plain(value) for key, value in config.items() if key not in dropped}
    return [_plain(value) for value in config] if isinstance(config, list | tuple) else config


def _function(value):
    value = value["class_name"] if isinstance(value, dict) else value
    return FUNCTIONS.get(value, value if value != "linear" else None)


def _described(operation, tensors, constants):
    name = type(operation).__name__
    if isinstance(operation, keras.Model):
        count = operation.count_params()
        return Node("model", operation.name, f"{count:,} parameters", key=str(count), operation=operation)
    if isinstance(operation, keras.layers.Wrapper):
        node = _described(operation.layer, tensors, constants)
        node.detail = f"{node.detail}, {SHORT.get(name, name)}".removeprefix(", ")
        node.key, node.operation = name + node.key, operation
        return node
    try:
        config = operation.get_config()
    except NotImplementedError:  # a layer of the reader's own that is not made to be saved
        config = {}
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("2D", "").replace("Normalization", "Norm"))
    title, kind, details = SHORT.get(name, words.capitalize()), "other", []
    first = {key: np.ravel(value)[0] for key, value in config.items() if isinstance(value, int | float | list | tuple)}
    if name in JOINS:
        kind, title = "join" if tensors > 1 else kind, " ".join([JOINS[name], *map(str, constants)])
    elif name == "Rescaling":
        scale, offset = first["scale"], first["offset"]
        title = f"÷ {1 / scale:g}" if 0 < scale < 0.05 else f"× {scale:g}"
        if offset:
            amount = f"{abs(offset):g}" if np.ndim(config["offset"]) == 0 else "color"
            title += f" {'−' if offset < 0 else '+'} {amount}"
    elif "kernel_size" in config or name == "Dense":
        kind = "resizing" if "Transpose" in name else "convolution"
        title += " " + "×".join(map(str, config["kernel_size"])) if "kernel_size" in config else ""
        settings = {"stride": first.get("strides", 1), "dilation": first.get("dilation_rate", 1)}
        details += [f"{word} {value}" for word, value in settings.items() if value > 1]
        details += ["valid"] if config.get("padding") == "valid" and first["kernel_size"] > first["strides"] else []
        details.append(_function(config.get("activation")))
    elif re.search("UpSampling|Pooling|DepthToSpace|Cropping|Padding", name):
        kind = "resizing"
        factor = next((first[key] for key in ("size", "factor", "block_size") if key in first), None)
        details = [factor and f"×{factor}", config.get("interpolation")]
        if "pool_size" in config:
            window, stride = first["pool_size"], first["strides"]
            details = [window != stride and f"{window}×{window}", stride > 1 and f"÷{stride}"]
    elif "Norm" in name:
        kind = "normalization"
    elif "activation" in config or "ReLU" in name or name == "Softmax" or name.lower() in FUNCTIONS:
        kind, title = "activation", _function(config.get("activation")) or name
    key = repr((_plain(config), constants))
    return Node(kind, title, ", ".join(filter(None, details)), key=key, operation=operation)


def _ordered(nodes):
    """Depth first from the outputs, the longest path first: a branch stands just before the node that it joins."""
    depth = []
    for node in nodes:
        depth.append(1 + max((depth[i] for i in node.inputs), default=0))
        node.inputs.sort(key=lambda i: -depth[i])
    stack = sorted((i for i, node in enumerate(nodes) if node.kind == "output"), key=lambda i: depth[i])
    order = {}
    while stack:
        waiting = [i for i in nodes[stack[-1]].inputs if i not in order]
        if waiting:
            stack.append(waiting[0])
        else:
            order.setdefault(stack.pop(), len(order))
    for i in order:
        nodes[i].inputs = [order[source] for source in nodes[i].inputs]
    return [nodes[i] for i in order]


def _folded(nodes):
    numbers = {}
    keys = [numbers.setdefault(node.key, len(numbers)) for node in nodes]  # quicker to compare
    last_use = {source: i for i, node in enumerate(nodes) for source in node.inputs}
    steps = Counter(i + 1 for i in last_use)
    steps.subtract(last + 1 for last in last_use.values())
    passing = list(accumulate(steps[i] for i in range(len(nodes))))  # tensors from before a node to it or beyond
    stands_in, blocks = {}, []

    def same(i, period, start):
        if keys[i] != keys[i + period] or len(nodes[i].inputs) != len(nodes[i + period].inputs):
            return False
        pairs = zip(nodes[i].inputs, nodes[i + period].inputs, strict=True)
        return all(b - a == period or a == b < start for a, b in pairs)

    def fold(low, high):
        best = (2, 0, 0, 0)  # nodes saved, start, period, times: to save fewer is not worth a frame
        for period in range(1, (high - low) // 2 + 1):
            start = low
            for i in range(low, high - period + 1):
                if i < high - period and same(i, period, start):
                    continue
                # The nodes from start repeat up to here; cut them into blocks where the fewest tensors pass.
                cuts = range(start, min(start + period, i - period + 1))
                cut = min(cuts, key=lambda s: (passing[s], -((i - s) // period)), default=i)
                times = (i - cut) // period + 1
                best = max(best, ((times - 1) * period, cut, period, times), key=lambda found: found[0])
                start = i + 1
        saved, start, period, times = best
        if times:
            for i in range(start, start + period):
                nodes[i].last_channels = nodes[i + saved].channels
            stands_in.update({i: i - period for i in range(start + period, start + period + saved)})
            shared = nodes[start].operation is nodes[start + period].operation
            blocks.append(Block(start, start + period - 1, times, shared))
            for part in ((low, start), (start, start + period), (start + period + saved, high)):
                fold(*part)

    def place(i):
        while i in stands_in:
            i = stands_in[i]
        return places[i]

    fold(0, len(nodes))
    kept = [i for i in range(len(nodes)) if i not in stands_in]
    places = {i: n for n, i in enumerate(kept)}
    for i in kept:
        sources = Counter(place(source) for source in nodes[i].inputs)
        nodes[i].inputs, nodes[i].each = list(sources), {source for source in sources if sources[source] > 1}
    for block in blocks:
        block.first, block.last = place(block.first), place(block.last)
    return [nodes[i] for i in kept], sorted(blocks, key=lambda block: (block.first, -block.last))
