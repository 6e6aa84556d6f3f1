"""A drawing of any functional Keras network, by matplotlib alone: `keras.utils.plot_model` needs Graphviz.

`structure` reads the network and folds what repeats; `network` lays it out in rows and draws it.
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, groupby

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from ..runtime import UserError
from .figures import WIDTH, _finish

# Okabe and Ito's colours, which colour-blind readers can tell apart
COLORS = {
    "convolution": "#56B4E9",
    "activation": "#F0C04C",
    "normalization": "#DDA5C3",
    "resizing": "#4DBB9D",
    "model": "#E39A66",
    "join": "white",
    "end": "white",
    "other": "#DDDDDD",
}
SKIP, LINE = "#D55E00", "#444444"
JOINS = {"Add": "+", "Subtract": "−", "Multiply": "×", "Concatenate": "concat"}
SHORT = {
    "Conv2D": "Conv",
    "Conv2DTranspose": "Transposed conv",
    "DepthwiseConv2D": "Depthwise conv",
    "SeparableConv2D": "Separable conv",
    "BatchNormalization": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "UpSampling2D": "Upsampling",
    "BicubicUpSampling": "Bicubic",
    "MaxPooling2D": "Max pooling",
    "AveragePooling2D": "Average pooling",
}
FUNCTIONS = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "gelu": "GELU", "elu": "ELU", "silu": "SiLU", "selu": "SELU"}
PROBE = 3840  # height and width where they are open; divides by the strides of any usual network


@dataclass
class Node:
    """One call of a layer or operation. `inputs` are indices of nodes, the one at the end of the longest path first."""

    kind: str
    title: str
    detail: str = ""
    size: str = ""  # height and width, "2H × 2W"
    channels: int | None = None
    last_channels: int | None = None  # in the last repetition, where it differs
    inputs: list[int] = field(default_factory=list)
    each: set[int] = field(default_factory=set)  # the inputs that come from every repetition of their block
    key: object = None  # equal for nodes that may repeat each other
    operation: object = None


@dataclass
class Block:
    """The nodes `first` to `last` stand for `times` repetitions; `shared` if all of them use the same weights."""

    first: int
    last: int
    times: int
    shared: bool


def structure(model: keras.Model) -> tuple[list[Node], list[Block]]:
    """The nodes of a network in the order in which they are drawn, repetitions left out, and the blocks that repeat."""
    if not getattr(model, "inputs", None):
        raise UserError(
            f"Expected a functional or Sequential model, got {type(model).__name__} {getattr(model, 'name', '')!r}, "
            "whose layers do not tell how they are connected; build it from a keras.Input: keras.Model(inputs, outputs)."
        )
    return _folded(_ordered(*_traced(keras.Model(model.inputs, model.outputs), getattr(model, "output_names", []))))


class _StandIn(keras.Operation):
    """Gives symbolic tensors of known shapes, so that a graph can be walked without calling its layers again."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def compute_output_spec(self, *tensors):
        return self.outputs


def _traced(model, names):
    nodes, producers, tensors = [], {}, []
    probe = PROBE if any(None in tensor.shape[1:] for tensor in model.inputs) else 0

    def record(node, outputs):
        for tensor in keras.tree.flatten(outputs):
            producers[id(tensor)] = len(nodes)
            tensors.append(tensor)  # an id is unique only while its object lives
        nodes.append(node)
        return outputs

    def call(operation, *args, **kwargs):
        flat = keras.tree.flatten((args, kwargs))
        entering = [value for value in flat if isinstance(value, keras.KerasTensor)]
        constants = [value for value in flat if isinstance(value, int | float) and not isinstance(value, bool)]
        outputs = operation.compute_output_spec(*args, **kwargs)
        shape = keras.tree.flatten(outputs)[0].shape
        node = _described(operation, len(entering), constants)
        node = replace(
            node, inputs=list(dict.fromkeys(producers[id(tensor)] for tensor in entering)), **_sizes(shape, probe)
        )
        node.key = repr((type(operation), node.key, node.size, constants))
        return record(node, _StandIn(outputs)(*entering))

    inputs = []
    for tensor in model.inputs:
        shape = [1, *(PROBE if n is None else n for n in tensor.shape[1:])]
        inputs.append(keras.Input(batch_shape=shape, dtype=tensor.dtype))
        title = "input" if len(model.inputs) == 1 else tensor.name
        record(Node("end", title, key=len(nodes), **_sizes(shape, probe)), inputs[-1])
    traced = keras.models.clone_model(model, keras.tree.pack_sequence_as(model.input, inputs), lambda op: op, call)
    for number, tensor in enumerate(traced.outputs):
        name = names[number] if number < len(names) and not re.search(r"_\d+$", names[number]) else number + 1
        title = "output" if len(traced.outputs) == 1 else f"output {name}"
        source = producers[id(tensor)]
        nodes.append(Node("end", title, key=len(nodes), inputs=[source], **_sizes(tensor.shape, probe)))
    return nodes, len(traced.outputs)


def _sizes(shape, probe):
    letters = "HW" if len(shape) == 4 else "DHW" if len(shape) == 5 else "LMN"
    size = [_relative(n, letter, probe) for n, letter in zip(shape[1:-1], letters, strict=False)]
    return {"size": " × ".join(size), "channels": shape[-1] if len(shape) > 1 else None}


def _relative(length, letter, probe):
    factor = Fraction(length, probe or 1).limit_denominator(64) if probe else 0
    rest = length - factor * probe
    if not factor or abs(rest) > 64 or rest.denominator > 1:
        return str(length)  # a size that is fixed
    text = f"{factor.numerator if factor.numerator > 1 else ''}{letter}"
    text += f"/{factor.denominator}" if factor.denominator > 1 else ""
    return text + (f" {'−' if rest < 0 else '+'} {abs(rest)}" if rest else "")


def _plain(config):
    """A configuration without what may differ between the repetitions of a block."""
    if isinstance(config, dict):
        dropped = ("name", "trainable", "seed", "kernel_initializer", "bias_initializer")
        return {key: _plain(value) for key, value in config.items() if key not in dropped}
    return [_plain(value) for value in config] if isinstance(config, list | tuple) else config


def _function(value):
    value = value.get("config") if isinstance(value, dict) and value.get("class_name") == "function" else value
    value = value["class_name"] if isinstance(value, dict) else value
    return "" if value in (None, "linear") else FUNCTIONS.get(value, value)


def _times(scale, offset=0):
    if not np.isscalar(scale):
        return "Rescaling"
    text = f"÷ {1 / scale:g}" if 0 < abs(scale) < 0.05 else f"× {scale:g}"
    return text + (" + color" if not np.isscalar(offset) else f" {'−' if offset < 0 else '+'} {abs(offset):g}") * bool(
        np.any(offset)
    )


def _described(operation, tensors, constants):
    name = type(operation).__name__
    if isinstance(operation, keras.Model):
        count = operation.count_params()
        return Node("model", operation.name, f"{count:,} parameters", key=count, operation=operation)
    try:
        config = operation.get_config()
    except NotImplementedError:  # a layer of the reader's own that is not made to be saved
        config = {}
    title = SHORT.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", name.removesuffix("2D")).capitalize()
    details, kind = [], "other"
    if name in JOINS:
        kind, title = ("join", JOINS[name]) if tensors > 1 else ("other", " ".join([JOINS[name], *map(str, constants)]))
    elif name == "Rescaling":
        title = _times(config["scale"], config["offset"])
    elif "kernel_size" in config or name == "Dense":
        kind = "resizing" if "Transpose" in name else "convolution"
        title += " " + "×".join(map(str, config["kernel_size"])) if "kernel_size" in config else ""
        for word in ("strides", "dilation_rate"):
            if max(np.ravel(config.get(word, 1))) > 1:
                details.append(f"{word.split('_')[0].removesuffix('s')} {np.ravel(config[word])[0]}")
        details += ["valid"] * (config.get("padding") == "valid" and max(config["kernel_size"]) > 1)
        details.append(_function(config.get("activation")))
    elif any(word in name for word in ("UpSampling", "Pooling", "DepthToSpace", "Cropping", "Padding")):
        kind = "resizing"
        factor = next((config[word] for word in ("size", "factor", "block_size", "pool_size") if word in config), None)
        details = [f"×{np.ravel(factor)[0]}" if factor else "", config.get("interpolation", "")]
        details[0] = details[0].replace("×", "÷") if "Pooling" in name else details[0]
    elif "Normalization" in name:
        kind = "normalization"
    elif (
        "activation" in config or name == "Activation" or name.lower() in (*FUNCTIONS, "leakyrelu", "prelu", "softmax")
    ):
        kind, title = "activation", _function(config.get("activation")) or name
    elif name == "Dropout":
        title += f" {config['rate']:g}"
    return Node(kind, title, ", ".join(filter(None, details)), key=_plain(config), operation=operation)


def _ordered(nodes, outputs):
    """Depth first from the outputs, longest path first, so that every branch stands just before the node it joins."""
    depth = []
    for node in nodes:
        depth.append(1 + max((depth[i] for i in node.inputs), default=0))
        node.inputs.sort(key=lambda i: -depth[i])
    order, stack = {}, sorted(range(len(nodes) - outputs, len(nodes)), key=lambda i: depth[i])
    while stack:
        waiting = [i for i in nodes[stack[-1]].inputs if i not in order]
        if waiting:
            stack.append(waiting[0])
        else:
            order.setdefault(stack.pop(), len(order))
    for node in nodes:
        node.inputs = [order[i] for i in node.inputs if i in order]
    return [nodes[i] for i in order]


def _folded(nodes):
    number = {}
    keys = [number.setdefault(node.key, len(number)) for node in nodes]
    last_use = {source: i for i, node in enumerate(nodes) for source in node.inputs}
    steps = Counter(i + 1 for i in last_use)
    steps.subtract(last + 1 for last in last_use.values())
    crossing = list(accumulate(steps[cut] for cut in range(len(nodes))))  # tensors that pass from before to after
    stands_in, blocks = {}, []

    def same(i, period, start):
        pairs = zip(nodes[i].inputs, nodes[i + period].inputs, strict=False)
        return (
            keys[i] == keys[i + period]
            and len(nodes[i].inputs) == len(nodes[i + period].inputs)
            and all(b - a == period or a == b < start for a, b in pairs)
        )

    def fold(low, high):
        best = (2, 0, 0, 0)  # nodes saved, start, period, times: fewer saved nodes are not worth a frame
        for period in range(1, (high - low) // 2 + 1):
            start = low
            for i in range(low, high - period + 1):
                if i < high - period and same(i, period, start):
                    continue
                # From start to i the nodes repeat; the cleanest cut between blocks is where fewest tensors pass.
                cuts = [s for s in range(start, min(start + period, i)) if i - s >= period]
                if cuts:
                    cut = min(cuts, key=lambda s: (crossing[s], -((i - s) // period), s))
                    times = (i - cut) // period + 1
                    best = max(best, ((times - 1) * period, cut, period, times), key=lambda found: found[0])
                start = i + 1
        saved, start, period, times = best
        if not times:
            return
        for i in range(start, start + period):
            nodes[i].last_channels = nodes[i + saved].channels
            for repetition in range(1, times):
                stands_in[i + repetition * period] = i
        shared = nodes[start].operation is nodes[start + period].operation
        blocks.append((start, start + period - 1, times, shared))
        fold(low, start)
        fold(start, start + period)
        fold(start + period * times, high)

    def resolved(i):
        while i in stands_in:
            i = stands_in[i]
        return i

    fold(0, len(nodes))
    kept = [i for i in range(len(nodes)) if i not in stands_in]
    place = {i: n for n, i in enumerate(kept)}
    for i in kept:
        sources = [place[resolved(source)] for source in nodes[i].inputs]
        nodes[i].each = {source for source in sources if sources.count(source) > 1}
        nodes[i].inputs = list(dict.fromkeys(sources))
    # A block that was folded ends with whatever stands in for its last node.
    inside = [
        (place[first], max(place[i] for i in kept if first <= i <= last), times, shared)
        for first, last, times, shared in blocks
    ]
    return [nodes[i] for i in kept], [Block(*block) for block in sorted(inside, key=lambda b: (b[0], -b[1]))]


GAP, PAD, INSET, LANE, LEFT = 0.17, 0.11, 0.13, 0.23, 0.25  # inches


def network(model: keras.Model, *, title: str | None = None) -> Figure:
    """Draw a functional or Sequential network: bars for layers, arcs for skip connections, frames around repeated blocks.

    A bar is the higher the more channels leave it; their number stands under it, and below that height and width,
    relative to the input's where these are open. A block that repeats is drawn once, with "× n". A nested model is
    one bar. Activations, normalizations and arithmetic are narrow.

    >>> import keras, srhelpers as sr
    >>> photo = keras.Input((None, None, 3))
    >>> figure = sr.plots.network(keras.Model(photo, keras.layers.Conv2D(3, 3, padding="same")(photo)))
    """
    drawing = _Drawing(*structure(model))
    figure = plt.figure(figsize=(max(drawing.width, 0.4 * WIDTH), drawing.height + 0.45), layout="constrained")
    axes = figure.add_subplot(xlim=(0, drawing.width), ylim=(-drawing.height, 0), aspect="equal")
    axes.axis("off")
    drawing.draw(axes)
    return _finish(figure, title or f"{model.name}: {model.count_params():,} parameters")


class _Drawing:
    """Chains of nodes in rows. Every other connection leaves its row at a tap, the place just after its source."""

    def __init__(self, nodes, blocks):
        self.nodes, self.blocks = nodes, blocks
        self.row, self.x, self.rows, self.right = {}, {}, 0, LEFT
        self.chains, self.before, self.after = [], {}, {}
        tails = {}
        for i, node in enumerate(nodes):
            source = node.inputs[0] if node.inputs else None
            if source in tails:
                chain = tails.pop(source)
                self.before[i], self.after[source] = source, i
            else:
                chain = []
                self.chains.append(chain)
            chain.append(i)
            tails[i] = chain
        # A branch of one node that joins another chain is small enough to sit on its arc.
        users = Counter(source for node in nodes for source in node.inputs)
        self.on_arc = {
            chain[0]
            for chain in self.chains[1:]
            if len(chain) == 1 and users[chain[0]] == 1 and len(nodes[chain[0]].inputs) == 1
        }
        for chain in self.chains:
            if chain[0] not in self.on_arc:
                self._place(chain)
        self._stack()

    def _half(self, i):
        return self._width(i) / 2

    def _width(self, i):
        node = self.nodes[i]
        if node.kind == "join" and len(node.title) == 1:
            return 0.22
        return 0.36 if node.detail else 0.22

    def _height(self, i):
        node = self.nodes[i]
        if node.kind == "join" and len(node.title) == 1:
            return 0.22
        text = 0.075 * max(len(node.title), len(node.detail)) + 0.1
        return max(text, 0.5 + 0.12 * np.log2(max(node.channels or 1, 1)))

    def _label_width(self, i):
        return 0.066 * len(self._label(i)) + 0.16

    def _label(self, i):
        return " ".join(filter(None, [self.nodes[i].title, self.nodes[i].detail]))

    def _starting(self, i):
        return [block for block in self.blocks if block.first == i]

    def _ending(self, i):
        return [block for block in self.blocks if block.last == i]

    def _place(self, chain):
        source = self.nodes[chain[0]].inputs[:1]
        row, x = self.rows, LEFT
        if source:
            x = self._tap(source[0], chain[0]) + 0.2
            length = sum(self._width(i) + GAP for i in chain)
            x = max(LEFT, min(x, WIDTH - 0.2 - length)) if length < WIDTH - LEFT else LEFT
        self.rows = row + 1
        for i in chain:
            x += PAD * len(self._starting(i)) if i != chain[0] else 0
            for branch in set(self.nodes[i].inputs) & self.on_arc:
                start = self.nodes[branch].inputs[0]
                if self.row.get(start) == row:
                    x = max(x, self.x[start] + self._half(start) + self._label_width(branch) + 0.3)
            outer = self._starting(i)[:1]
            needed = sum(self._width(j) + GAP for j in chain if outer and i <= j <= outer[0].last)
            if x + max(self._width(i), needed if needed < WIDTH - 2 * LEFT else 0) > WIDTH - 0.2 and x > LEFT:
                row, x = self.rows, LEFT + PAD * len(self._starting(i))
                self.rows += 1
            self.row[i], self.x[i] = row, x + self._half(i)
            x += self._width(i) + GAP + PAD * len(self._ending(i))
            self.right = max(self.right, x)

    def _tap(self, source, target):
        """Where a connection leaves the line after its source: inside the frames that also hold its target."""
        after = self.after.get(source)
        entered = [b for b in self._starting(after) if b.first <= target <= b.last]
        if entered and self.row[after] == self.row[source]:
            deeper = len(self._starting(after)) - len(entered)
            return self.x[after] - self._half(after) - INSET - deeper * PAD + PAD / 2
        left = sum(not b.first <= target <= b.last for b in self._ending(source))
        return self.x[source] + self._half(source) + 0.07 + left * PAD

    def _stack(self):
        """Heights: arcs and frames each take a level above their row, the shorter the lower."""
        arcs = []
        for i, node in enumerate(self.nodes):
            for source in node.inputs if i not in self.on_arc else ():
                each = source in node.each
                if self.before.get(i) != source or each:
                    branch = source if source in self.on_arc else None
                    start = self.nodes[branch].inputs[0] if branch is not None else source
                    arcs.append((start, branch, i, f"all {self._times(source)}" if each else ""))
        spans = []  # (row, from, to, what)
        for arc in arcs:
            start, branch, i, _ = arc
            tap = self._tap(start, i)
            near = self.row[start] in (self.row[i], self.row[i] - 1)
            edge = tap if near else 0.1 if self.row[start] < self.row[i] else self.right
            spans.append((self.row[i], *sorted((edge, self.x[i])), arc))
        for block in self.blocks:
            inner = [b for b in self.blocks if block.first <= b.first and b.last <= block.last and b is not block]
            for row, part in groupby(
                (i for i in range(block.first, block.last + 1) if i not in self.on_arc), key=self.row.get
            ):
                part = list(part)
                left = self.x[part[0]] - self._half(part[0]) - INSET - PAD * sum(b.first == part[0] for b in inner)
                right = self.x[part[-1]] + self._half(part[-1]) + INSET + PAD * sum(b.last == part[-1] for b in inner)
                spans.append((row, left, right, block))
        self.placed = []
        for span in sorted(spans, key=lambda span: span[2] - span[1]):
            row, left, right, _ = span
            below = [level for (r, a, b, _), level in self.placed if r == row and a < right and b > left]
            self.placed.append((span, max(below, default=-1) + 1))
        self.middle, self.tall, y = {}, {}, 0
        for row in range(self.rows):
            inside = [i for i in self.row if self.row[i] == row]
            self.tall[row] = max(self._height(i) for i in inside)
            levels = max((level + 1 for (r, *_), level in self.placed if r == row), default=0)
            self.middle[row] = y - levels * LANE - 0.1 - self.tall[row] / 2
            y = self.middle[row] - self.tall[row] / 2 - 0.62
        self.height, self.width = -y, self.right + 0.1

    def _times(self, i):
        return next(b.times for b in reversed(self.blocks) if b.first <= i <= b.last)

    def _level(self, row, level):
        return self.middle[row] + self.tall[row] / 2 + 0.12 + level * LANE

    def draw(self, axes):
        for i in self.row:
            self._draw_node(axes, i)
            if i in self.before:
                source = self.before[i]
                if self.row[source] == self.row[i]:
                    start = self.x[source] + self._half(source)
                    _arrow(axes, [(start, self.middle[self.row[i]]), self._entry(i)], LINE)
                else:
                    self._descend(axes, source, i)
            elif self.nodes[i].inputs:
                self._descend(axes, self.nodes[i].inputs[0], i)
        for (row, left, right, what), level in self.placed:
            y = self._level(row, level)
            if isinstance(what, Block):
                bottom = self.middle[row] - self.tall[row] / 2 - 0.2
                axes.add_patch(
                    Rectangle((left, bottom), right - left, y - bottom, facecolor="none", edgecolor="#0072B2", lw=1.2)
                )
                text = f"× {what.times}" + ", same weights" * what.shared
                axes.text(left + 0.05, y - 0.04, text, va="top", fontsize=9, color="#0072B2", weight="bold")
            else:
                self._draw_arc(axes, *what, y)
        self._draw_sizes(axes)

    def _entry(self, i):
        return self.x[i] - self._half(i), self.middle[self.row[i]]

    def _dot(self, axes, source, target):
        x, y = self._tap(source, target), self.middle[self.row[source]]
        axes.plot(x, y, "o", color=SKIP, markersize=3.5)
        return x, y

    def _descend(self, axes, source, i):
        """From a row to the beginning of a later one."""
        x, y = self._tap(source, i), self.middle[self.row[source]]
        left, middle = self._entry(i)
        gap = y - self.tall[self.row[source]] / 2 - 0.57
        points = [(x, y), (x, gap), (0.06, gap), (0.06, middle), (left, middle)]
        if self.row[i] == self.row[source] + 1:
            points[2:4] = [(left - 0.13, gap), (left - 0.13, middle)]
        if source in self.after and self.after[source] != i:
            self._dot(axes, source, i)
        _arrow(axes, points, LINE)

    def _draw_arc(self, axes, source, branch, i, text, y):
        x, start = self._dot(axes, source, i)
        rows = self.row[source], self.row[i]
        top = self.middle[rows[1]] + self._height(i) / 2
        points = [(x, start), (x, y)]
        if rows[1] > rows[0] + 1:
            gap = start - self.tall[rows[0]] / 2 - 0.6
            points = [(x, start), (x, gap), (0.1, gap), (0.1, y)]
        elif rows[1] < rows[0]:
            points = [(x, start), (self.right, start), (self.right, y)]
        _arrow(axes, [*points, (self.x[i], y), (self.x[i], top)], SKIP)
        middle = (points[-1][0] + self.x[i]) / 2
        if text:
            axes.text(middle, y, text, ha="center", va="center", fontsize=7.5, color=SKIP, backgroundcolor="white")
        if branch is not None:
            width = self._label_width(branch)
            _box(axes, middle - width / 2, y - 0.09, width, 0.18, self.nodes[branch].kind)
            axes.text(middle, y - 0.005, self._label(branch), ha="center", va="center", fontsize=7.5)

    def _draw_node(self, axes, i):
        node, x, y = self.nodes[i], self.x[i], self.middle[self.row[i]]
        width, height = self._width(i), self._height(i)
        if node.kind == "join" and len(node.title) == 1:
            axes.add_patch(Circle((x, y), width / 2, facecolor="white", edgecolor=SKIP, lw=1.2, zorder=3))
            axes.text(x, y - 0.01, node.title, ha="center", va="center", fontsize=10, zorder=4)
            return
        _box(axes, x - width / 2, y - height / 2, width, height, node.kind)
        text = "\n".join(filter(None, [node.title, node.detail]))
        axes.text(x, y, text, rotation=90, ha="center", va="center", fontsize=7.5, linespacing=1.15, zorder=4)
        before = self.before.get(i)
        changed = before is None or self.nodes[before].channels != node.channels or node.kind == "convolution"
        if changed and node.channels:
            last = node.last_channels
            text = f"{node.channels}" + (f"…{last}" if last not in (None, node.channels) else "")
            axes.text(x, y - height / 2 - 0.03, text, ha="center", va="top", fontsize=7)

    def _draw_sizes(self, axes):
        for chain in self.chains:
            if chain[0] in self.on_arc:
                continue
            for (row, size), part in groupby(chain, key=lambda i: (self.row[i], self.nodes[i].size)):
                part = list(part)
                left, right = self.x[part[0]] - self._half(part[0]), self.x[part[-1]] + self._half(part[-1])
                y = self.middle[row] - self.tall[row] / 2 - 0.26
                if size:
                    axes.plot([left, right], [y, y], color="#999999", lw=1)
                    text = size if right - left > 0.06 * len(size) else size.replace("× ", "×\n")
                    axes.text((left + right) / 2, y - 0.03, text, ha="center", va="top", fontsize=7, color=LINE)


def _box(axes, x, y, width, height, kind):
    axes.add_patch(
        FancyBboxPatch(
            (x + 0.03, y + 0.03),
            width - 0.06,
            height - 0.06,
            boxstyle="round,pad=0.03",
            facecolor=COLORS[kind],
            edgecolor=LINE,
            lw=0.7,
            zorder=3,
        )
    )


def _arrow(axes, points, color):
    axes.plot(*zip(*points, strict=True), color=color, lw=1.1, zorder=2, solid_joinstyle="round")
    arrow = {"arrowstyle": "-|>", "color": color, "lw": 1.1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    axes.annotate("", points[-1], points[-2], arrowprops=arrow, zorder=2)
