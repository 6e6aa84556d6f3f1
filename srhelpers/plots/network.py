"""A drawing of any functional Keras network. `keras.utils.plot_model` needs Graphviz, and folds nothing.

`structure` reads the network and folds what repeats; `network` draws that.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, groupby

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from ..runtime import UserError
from .figures import WIDTH, _finish

# Tints of Okabe and Ito's colors, which color-blind readers can tell apart
COLORS = {"convolution": "#56B4E9", "activation": "#F0C04C", "normalization": "#DDA5C3", "resizing": "#4DBB9D"}
COLORS |= {"model": "#E39A66", "other": "#DDDDDD", "join": "white", "input": "white", "output": "white"}
FRAME, SKIP, LINE = "#0072B2", "#D55E00", "#444444"
JOINS = {"Add": "+", "Subtract": "−", "Multiply": "×", "Concatenate": "concat"}
SHORT = {"UpSampling2D": "Upsampling", "BicubicUpSampling": "Bicubic", "Conv2DTranspose": "Transposed conv"}
FUNCTIONS = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "gelu": "GELU", "elu": "ELU", "silu": "SiLU", "selu": "SELU"}
PROBE = 3840  # stands for an open height or width; divides by the strides of any usual network
PAD, LANE = 0.11, 0.25  # inches from frame to frame, and from one arc to the next above it


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

    @property
    def width(self):
        return 0.36 if self.detail else 0.22

    @property
    def height(self):
        text = 0.2 + 0.075 * max(len(self.title), len(self.detail))
        return 0.22 if len(self.title) == 1 else max(text, 0.5 + 0.12 * np.log2(max(self.channels, 1)))


@dataclass
class Block:
    """The nodes `first` to `last` stand for `times` repetitions; `shared` if all of them use the same weights."""

    first: int
    last: int
    times: int
    shared: bool

    def __contains__(self, node: int) -> bool:
        return self.first <= node <= self.last


def network(model: keras.Model, *, title: str | None = None) -> Figure:
    """Draw a network: a bar for each layer, arcs for skip connections, frames around blocks that repeat.

    A bar is the taller the more channels leave it. Their number stands under it, and below that height and width,
    relative to the input's where these are open. A nested model is one bar.

    Args:
        model: functional or Sequential.
        title: of the figure; None takes the model's name and its number of parameters.

    Raises:
        UserError: the model is neither, or a Sequential one that was not built yet.
    """
    nodes, blocks = structure(model)
    layouts = [_Layout(nodes, blocks, gap) for gap in (0.17, 0.12, 0.09)]
    layout = min(layouts, key=lambda layout: sum(layout.row[a] != layout.row[b] for b, a in layout.before.items()))
    figure = plt.figure(figsize=(max(layout.width, 0.4 * WIDTH), layout.height + 0.35), layout="constrained")
    axes = figure.add_subplot(xlim=(0, layout.width), ylim=(-layout.height, 0), aspect="equal")
    axes.axis("off")
    layout.draw(axes)
    return _finish(figure, title or f"{model.name}: {model.count_params():,} parameters")


def structure(model: keras.Model) -> tuple[list[Node], list[Block]]:
    """The nodes of a network in the order in which they are drawn, repetitions left out, and the blocks that repeat."""
    if not getattr(model, "inputs", None):
        raise UserError(
            f"Expected a functional or a built Sequential model, got {type(model).__name__}, whose layers do not tell "
            "how they are connected; begin with keras.Input, and make it with keras.Model(inputs, outputs)."
        )
    return _folded(_ordered(_traced(model)))


class _StandIn(keras.Operation):
    """Gives symbolic tensors of known shapes, so that a graph can be walked without calling its layers again."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def compute_output_spec(self, *tensors):
        return self.outputs


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
    for tensor in model.inputs:
        shape = [1, *(length or probe for length in tensor.shape[1:])]
        inputs.append(keras.Input(batch_shape=shape, dtype=tensor.dtype))
        record(Node("input", "input" if len(model.inputs) == 1 else tensor.name, key=tensor.name), inputs[-1])
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
            title += f" {'−' if offset < 0 else '+'} {abs(offset):g}" if np.ndim(config["offset"]) == 0 else " + color"
    elif "kernel_size" in config or name == "Dense":
        kind = "resizing" if "Transpose" in name else "convolution"
        title += " " + "×".join(map(str, config["kernel_size"])) if "kernel_size" in config else ""
        details += [
            f"{word} {first[key]}"
            for word, key in (("stride", "strides"), ("dilation", "dilation_rate"))
            if first.get(key, 1) > 1
        ]
        details += ["valid"] if config.get("padding") == "valid" and first["kernel_size"] > first["strides"] else []
        details.append(_function(config.get("activation")))
    elif re.search("UpSampling|Pooling|DepthToSpace|Cropping|Padding", name):
        kind = "resizing"
        factor = next((first[key] for key in ("size", "factor", "block_size", "pool_size") if key in first), None)
        details = [factor and f"{'÷' if 'Pooling' in name else '×'}{factor}", config.get("interpolation")]
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


class _Layout:
    """Places in inches. Chains of nodes stand in rows; every other connection is an arc above the row it leads to."""

    def __init__(self, nodes, blocks, gap):
        self.nodes, self.blocks, self.gap = nodes, blocks, gap
        self.row, self.left, self.before, self.after = {}, {}, {}, {}
        chains = {}
        for i, node in enumerate(nodes):
            source = next(iter(node.inputs), None)
            chain = chains.pop(source, [])
            if chain:
                self.before[i], self.after[source] = source, i
            chains[i] = [*chain, i]
        # A branch of one node is small enough to sit on its arc.
        users = Counter(source for node in nodes for source in node.inputs)
        on_arc = {i for i, chain in chains.items() if len(chain) == 1 and users[i] == 1 and len(nodes[i].inputs) < 2}
        self.chains = sorted((c for i, c in chains.items() if i not in on_arc), key=lambda c: nodes[c[0]].inputs[:1])
        self.arcs = []  # from, node on the arc, to
        for chain in self.chains:
            for i in chain:
                self.arcs += [
                    (source, None, i) if source not in on_arc else (next(iter(nodes[source].inputs), None), source, i)
                    for source in nodes[i].inputs
                ]
        self.rows, self.end = 0, WIDTH
        for chain in self.chains:
            self._place(chain)
        self.width = max(self.left[i] + nodes[i].width for i in self.left) + 0.3
        self._stack()

    def _right(self, i):
        return self.left[i] + self.nodes[i].width

    def _frames(self, i, side, target=-1):
        """The blocks that begin or end at a node, and how many of them also hold the target of a connection."""
        found = [block for block in self.blocks if i == getattr(block, side)]
        return len(found), sum(target in block for block in found)

    def _place(self, chain):
        sources, row, x = self.nodes[chain[0]].inputs, self.rows, 0.2
        if sources:
            x = self._tap(sources[0], chain[0]) + 0.1
            length = sum(self.nodes[i].width + self.gap for i in chain)
            beside = self.row[sources[0]] == row - 2 and self.end < x and x + length < WIDTH
            row, x = (row - 1, x) if beside else (row, max(0.2, min(x, WIDTH - length)))
        for i in chain:
            x += PAD * self._frames(i, "first")[0]
            for start, branch, end in self.arcs:
                if branch is not None and end == i and (start is None or self.row.get(start) == row):
                    x = max(x, (0.2 if start is None else self._right(start)) + _length(self.nodes[branch]) + 0.2)
            block = next((block for block in self.blocks if block.first == i), Block(i, i, 1, False))
            needed = sum(self.nodes[j].width + self.gap for j in chain if j in block)
            if x + min(needed, WIDTH / 2) > WIDTH and i != chain[0]:
                row, x = max(row + 1, self.rows), 0.2 + PAD * self._frames(i, "first")[0]
            self.row[i], self.left[i] = row, x
            x = self._right(i) + self.gap + PAD * self._frames(i, "last")[0]
        self.rows, self.end = max(self.rows, row + 1), x

    def _tap(self, source, target):
        """Where a connection leaves the line after its source: inside of the frames that also hold its target."""
        after = self.after.get(source)
        begun, entered = self._frames(after, "first", target)
        if entered and self.row[after] == self.row[source]:
            return self.left[after] - 0.07 - (begun - entered) * PAD
        ended, staying = self._frames(source, "last", target)
        return self._right(source) + self.gap / 2 - 0.02 + (ended - staying) * PAD

    def _stack(self):
        """Heights: arcs and frames each take a level above their row, the shorter the lower."""
        spans = []
        for arc in self.arcs:
            start, branch, end = arc
            straight = self.before.get(end) == start and self.row[start] == self.row[end]
            if branch is None and straight and start not in self.nodes[end].each:
                continue
            x = self.left[end] + self.nodes[end].width / 2
            if start is None:
                edge = x - _length(self.nodes[branch]) - 0.1
            elif self.row[start] in (self.row[end], self.row[end] - 1):
                edge = self._tap(start, end)
            else:
                edge = 0.06 if self.row[start] < self.row[end] else self.width - 0.06
            spans.append((self.row[end], edge, x, arc))
        for block in self.blocks:
            inner = [b for b in self.blocks if b.first in block and b.last in block and b is not block]
            for row, part in groupby((i for i in sorted(self.row) if i in block), key=self.row.get):
                first, last = _ends(part)
                left = self.left[first] - 0.12 - PAD * sum(b.first == first for b in inner)
                right = self._right(last) + 0.12 + PAD * sum(b.last == last for b in inner)
                spans.append((row, left, right, block))
        self.spans = []
        for row, edge, x, what in sorted(spans, key=lambda span: abs(span[2] - span[1])):
            low, high = sorted((edge, x))
            below = [level for r, a, b, _, level in self.spans if r == row and min(a, b) < high and max(a, b) > low]
            self.spans.append((row, edge, x, what, max(below, default=-1) + 1))
        self.middle, self.tall, y = {}, {}, 0
        for row in range(self.rows):
            self.tall[row] = max(self.nodes[i].height for i in self.row if self.row[i] == row) / 2
            levels = max((level + 1 for r, *_, level in self.spans if r == row), default=0)
            self.middle[row] = y - levels * LANE - 0.05 - self.tall[row]
            y = self.middle[row] - self.tall[row] - 0.65
        self.height = -y

    def draw(self, axes):
        for i in self.row:
            self._draw_node(axes, i)
        for row, edge, x, what, level in self.spans:
            y = self.middle[row] + self.tall[row] + 0.13 + level * LANE
            if isinstance(what, Block):
                bottom = (
                    self.middle[row]
                    - self.tall[row]
                    - 0.18
                    - 0.03 * sum(b.first in what and b.last in what for b in self.blocks)
                )
                frame = Rectangle((edge, bottom), x - edge, y - bottom, fill=False, edgecolor=FRAME, linewidth=1.2)
                axes.add_patch(frame)
                text = f"× {what.times}" + ", same weights" * what.shared
                axes.text(edge, y + 0.02, text, va="bottom", fontsize=8.5, color=FRAME, weight="bold")
            else:
                self._draw_arc(axes, edge, x, y, *what)
        for chain in self.chains:
            for (row, size), part in groupby(chain, key=lambda i: (self.row[i], self.nodes[i].size)):
                first, last = _ends(part)
                left, right, y = self.left[first], self._right(last), self.middle[row] - self.tall[row] - 0.32
                text = size if right - left + 0.15 > 0.055 * len(size) else size.replace("× ", "×\n")
                axes.plot([left, right], [y, y], color="#999999", linewidth=bool(size))
                axes.text((left + right) / 2, y - 0.03, text, ha="center", va="top", fontsize=7, color=LINE)

    def _draw_arc(self, axes, edge, x, y, start, branch, end):
        top = self.middle[self.row[end]] + self.nodes[end].height / 2
        main = end not in self.before or self.before[end] == start
        color = LINE if main and start not in self.nodes[end].each else SKIP
        points = [(edge, y), (x, y), (x, top)]
        if start is not None:
            tap, middle = self._tap(start, end), self.middle[self.row[start]]
            margin = middle - self.tall[self.row[start]] - 0.6 if self.row[start] < self.row[end] else middle
            points[:0] = [(tap, middle), (tap, margin), (edge, margin)] if tap != edge else [(tap, middle)]
            axes.plot(tap, middle, "o", color=color, markersize=3.5 * (self.after.get(start, end) != end))
        _arrow(axes, points, color)
        if start in self.nodes[end].each:
            times = next(block.times for block in reversed(self.blocks) if start in block)
            axes.text(edge + 0.03, y + 0.02, f"all {times}", va="bottom", fontsize=8, color=color)
        if branch is not None:
            node, length = self.nodes[branch], _length(self.nodes[branch])
            left = edge if start is None else (edge + x - length) / 2
            _box(axes, (left, y - 0.08), length, 0.16, node.kind)
            axes.text(left + length / 2, y - 0.01, node.label, ha="center", va="center", fontsize=7.5, zorder=4)

    def _draw_node(self, axes, i):
        node, left, y = self.nodes[i], self.left[i], self.middle[self.row[i]]
        center, bottom = left + node.width / 2, y - node.height / 2
        before = self.before.get(i)
        if before is not None and self.row[before] == self.row[i]:
            _arrow(axes, [(self._right(before), y), (left, y)], LINE)
        _box(axes, (left, bottom), node.width, node.height, node.kind)
        text, sign = f"{node.title}\n{node.detail}".strip(), len(node.title) == 1
        look = {"rotation": 0 if sign else 90, "fontsize": 11 if sign else 7.5, "linespacing": 1.15}
        axes.text(center, y - 0.01 * sign, text, ha="center", va="center", zorder=4, **look)
        if node.kind == "convolution" or before is None or self.nodes[before].channels != node.channels:
            text = f"{node.channels or ''}"
            text += f"…{node.last_channels}" if node.last_channels not in (0, node.channels) else ""
            axes.text(center, bottom - 0.03, text, ha="center", va="top", fontsize=7)


def _ends(part):
    part = list(part)
    return part[0], part[-1]


def _length(node):
    return 0.16 + 0.066 * len(node.label)  # of a label written horizontally


def _box(axes, corner, width, height, kind):
    rounding = 0.11 if width == height else 0.03
    style = f"round,pad=0,rounding_size={rounding}"
    look = {"facecolor": COLORS[kind], "edgecolor": SKIP if kind == "join" else LINE, "linewidth": 0.8}
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, zorder=3, **look))


def _arrow(axes, points, color):
    axes.plot(*zip(*points, strict=True), color=color, linewidth=1.1, zorder=2)
    arrow = {"arrowstyle": "-|>", "color": color, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    axes.annotate("", points[-1], points[-2], arrowprops=arrow)
