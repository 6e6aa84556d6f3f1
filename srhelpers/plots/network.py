"""A drawing of any functional Keras network. `keras.utils.plot_model` needs Graphviz, and folds nothing."""

from collections import Counter
from itertools import groupby

import keras
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from .architecture import Block, structure
from .figures import STYLE, WIDTH, _Figure, _finish

# Tints of Okabe and Ito's colors, which color-blind readers can tell apart
COLORS = {"convolution": "#56B4E9", "activation": "#F0C04C", "normalization": "#DDA5C3", "resizing": "#4DBB9D"}
COLORS |= {"model": "#E39A66", "other": "#DDDDDD", "join": "white", "input": "white", "output": "white"}
FRAME, SKIP, LINE = "#0072B2", "#D55E00", "#444444"
LIMIT = WIDTH - 0.3  # of what stands in a row, in inches
PAD, LANE = 0.11, 0.25  # inches from frame to frame, and from one arc to the next above it


@mpl.rc_context(STYLE)
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
    layout = min(layouts, key=lambda layout: sum(len({layout.row[i] for i in chain}) for chain in layout.chains))
    figure = _Figure(figsize=(max(layout.width, 0.4 * WIDTH), layout.height + 0.35), layout="constrained")
    axes = figure.add_subplot(xlim=(0, layout.width), ylim=(-layout.height, 0), aspect="equal")
    axes.axis("off")
    layout.draw(axes)
    return _finish(figure, title or f"{model.name}: {model.count_params():,} parameters")


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
        # A branch of one or two nodes is small enough to sit on its arc.
        users = Counter(source for node in nodes for source in node.inputs)
        simple = {i for i, node in enumerate(nodes) if users[i] == 1 and len(node.inputs) < 2}
        on_arc = {i: chain for i, chain in chains.items() if len(chain) < 3 and simple.issuperset(chain)}
        self.chains = [chain for i, chain in chains.items() if i not in on_arc]
        self.chains.sort(key=lambda chain: nodes[chain[0]].inputs[:1])
        self.arcs = []  # from, nodes on the arc, to
        for end in (i for chain in self.chains for i in chain):
            for source in nodes[end].inputs:
                branch = on_arc.get(source, [])
                start = next(iter(nodes[branch[0]].inputs), None) if branch else source
                self.arcs.append((start, branch, end))
        self.rows, self.end = 0, WIDTH
        for chain in self.chains:
            self._place(chain)
        self.width = max(map(self._right, self.left)) + 0.3
        self._stack()

    def _width(self, i):
        return 0.36 if self.nodes[i].detail else 0.22

    def _height(self, i):
        node = self.nodes[i]
        text = 0.2 + 0.075 * max(len(node.title), len(node.detail))
        return 0.22 if len(node.title) == 1 else max(text, 0.5 + 0.12 * np.log2(max(node.channels, 1)))

    def _right(self, i):
        return self.left[i] + self._width(i)

    def _label(self, branch):
        return " → ".join(self.nodes[i].label for i in branch)

    def _length(self, branch):
        return 0.16 + 0.066 * len(self._label(branch))

    def _frames(self, i, side, target=-1):
        """The blocks that begin or end at a node, and how many of them also hold the target of a connection."""
        found = [block for block in self.blocks if i == getattr(block, side)]
        return len(found), sum(target in block for block in found)

    def _place(self, chain):
        sources, row, x = self.nodes[chain[0]].inputs, self.rows, 0.2
        if sources:
            x = self._tap(sources[0], chain[0]) + 0.1
            length = sum(self._width(i) + self.gap for i in chain)
            beside = self.row[sources[0]] == row - 2 and self.end < x and x + length < LIMIT
            row, x = (row - 1, x) if beside else (row, max(0.2, min(x, LIMIT - length)))
        for i in chain:
            x += PAD * self._frames(i, "first")[0]
            for start, branch, end in self.arcs:
                if branch and end == i and (start is None or self.row.get(start) == row):
                    x = max(x, (0.2 if start is None else self._right(start)) + self._length(branch) + 0.2)
            block = next((block for block in self.blocks if block.first == i), Block(i, i, 1, False))
            needed = sum(self._width(j) + self.gap for j in chain if j in block)
            if x + min(needed, LIMIT / 2) > LIMIT and i != chain[0]:
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
        spans, self.rising = [], []
        for arc in self.arcs:
            start, branch, end = arc
            if not branch and start is not None and self.row[start] == self.row[end] + 1:
                self.rising.append((start, end))
                continue
            straight = self.before.get(end) == start and self.row[start] == self.row[end]
            if not branch and straight and start not in self.nodes[end].each:
                continue
            x = self.left[end] + self._width(end) / 2
            if start is None:
                edge = x - self._length(branch) - 0.1
            elif self.row[start] in (self.row[end], self.row[end] - 1):
                edge = self._tap(start, end)
            else:
                edge = 0.06 if self.row[start] < self.row[end] else self.width - 0.06
            spans.append((self.row[end], edge, x, arc))
        for block in self.blocks:
            inner = [b for b in self.blocks if b.first in block and b.last in block and b is not block]
            for row, part in groupby((i for i in sorted(self.row) if i in block), key=self.row.get):
                first, *_, last = [*part] * 2
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
            self.tall[row] = max(self._height(i) for i in self.row if self.row[i] == row) / 2
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
                inside = sum(block.first in what and block.last in what for block in self.blocks)
                bottom = self.middle[row] - self.tall[row] - 0.18 - 0.03 * inside
                look = {"fill": False, "edgecolor": FRAME, "linewidth": 1.2}
                axes.add_patch(Rectangle((edge, bottom), x - edge, y - bottom, **look))
                text = f"× {what.times}" + ", same weights" * what.shared
                axes.text(edge, y + 0.02, text, va="bottom", fontsize=8.5, color=FRAME, weight="bold")
            else:
                self._draw_arc(axes, edge, x, y, *what)
                if what[1]:
                    self._draw_branch(axes, row, edge, x, y, *what, level)
        for start, end in self.rising:
            self._draw_rise(axes, start, end)
        for chain in self.chains:
            for (row, size), part in groupby(chain, key=lambda i: (self.row[i], self.nodes[i].size)):
                first, *_, last = [*part] * 2
                left, right, y = self.left[first], self._right(last), self.middle[row] - self.tall[row] - 0.32
                text = size if right - left + 0.15 > 0.055 * len(size) else size.replace("× ", "×\n")
                axes.plot([left, right], [y, y], color="#999999", linewidth=bool(size))
                axes.text((left + right) / 2, y - 0.03, text, ha="center", va="top", fontsize=7, color=LINE)

    def _draw_arc(self, axes, edge, x, y, start, branch, end):
        top = self.middle[self.row[end]] + self._height(end) / 2
        main = end not in self.before or self.before[end] == start
        color = LINE if main and start not in self.nodes[end].each else SKIP
        points = [(edge, y), (x, y), (x, top)]
        if start is not None:
            tap, middle = self._tap(start, end), self.middle[self.row[start]]
            margin = middle - self.tall[self.row[start]] - 0.6 if self.row[start] < self.row[end] else middle
            points[:0] = [(tap, middle), (tap, margin), (edge, margin)] if tap != edge else [(tap, middle)]
            points[:0] = [(self._right(start), middle)] if color == LINE else []
            axes.plot(tap, middle, "o", color=color, markersize=3.5 * (self.after.get(start, end) != end))
        _arrow(axes, points, color)
        if start in self.nodes[end].each:
            times = next(block.times for block in reversed(self.blocks) if start in block)
            axes.text(edge + 0.03, y + 0.02, f"all {times}", va="bottom", fontsize=8, color=color)

    def _draw_branch(self, axes, row, edge, x, y, start, branch, end, level):
        """A box on an arc, as near to its middle as the lines that cross the arc allow."""
        length = self._length(branch)
        low, high = sorted((edge, x))
        middle = (edge + x - length) / 2
        crossing = [line for line in self._crossing(row, level) if low < line < high]
        lefts = [middle, *(line + 0.1 for line in crossing), *(line - 0.1 - length for line in crossing)]
        lefts = [left for left in lefts if not any(left < line < left + length for line in crossing)]
        free = [left for left in lefts if low <= left <= high - length]
        left = edge if start is None else min(free, key=lambda left: abs(left - middle), default=middle)
        _box(axes, (left, y - 0.08), length, 0.16, self.nodes[branch[0]].kind)
        text = self._label(branch)
        axes.text(left + length / 2, y - 0.01, text, ha="center", va="center", fontsize=7.5, zorder=4)

    def _crossing(self, row, level):
        """Where vertical lines pass the height of a level above a row."""
        lines = [self._tap(*ends) for ends in self.rising if self.row[ends[0]] == row]
        for other, edge, x, what, height in self.spans:
            if other == row and not isinstance(what, Block):
                from_above = what[0] is not None and self.row[what[0]] < row
                lines += [edge] * (height < level if from_above else height > level) + [x] * (height > level)
        return lines

    def _draw_rise(self, axes, start, end):
        """From the end of a branch to the row above it, between the two rows."""
        tap, x, row = self._tap(start, end), self._right(end) - 0.04, self.row[end]
        y, bottom = self.middle[row] - self.tall[row] - 0.6, self.middle[row] - self._height(end) / 2
        middle = self.middle[self.row[start]]
        _arrow(axes, [(self._right(start), middle), (tap, middle), (tap, y), (x, y), (x, bottom)], SKIP)

    def _draw_node(self, axes, i):
        node, left, y = self.nodes[i], self.left[i], self.middle[self.row[i]]
        width, height = self._width(i), self._height(i)
        center, bottom = left + width / 2, y - height / 2
        before = self.before.get(i)
        if before is not None and self.row[before] == self.row[i]:
            _arrow(axes, [(self._right(before), y), (left, y)], LINE)
        _box(axes, (left, bottom), width, height, node.kind)
        text, sign = f"{node.title}\n{node.detail}".strip(), len(node.title) == 1
        look = {"rotation": 0 if sign else 90, "fontsize": 11 if sign else 7.5, "linespacing": 1.15}
        axes.text(center, y - 0.01 * sign, text, ha="center", va="center", zorder=4, **look)
        aside = 0.08 * any(i == end for _, end in self.rising)  # the line from below ends here
        if node.kind == "convolution" or before is None or self.nodes[before].channels != node.channels:
            text = f"{node.channels or ''}"
            text += f"…{node.last_channels}" if node.last_channels not in (0, node.channels) else ""
            axes.text(center - aside, bottom - 0.03, text, ha="center", va="top", fontsize=7)


def _box(axes, corner, width, height, kind):
    rounding = 0.11 if width == height else 0.03
    style = f"round,pad=0,rounding_size={rounding}"
    look = {"facecolor": COLORS[kind], "edgecolor": SKIP if kind == "join" else LINE, "linewidth": 0.8}
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, zorder=3, **look))


def _arrow(axes, points, color):
    axes.plot(*zip(*points, strict=True), color=color, linewidth=1.1, zorder=2)
    arrow = {"arrowstyle": "-|>", "color": color, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    axes.annotate("", points[-1], points[-2], arrowprops=arrow)
