"""Methods as points in a plane of two scores, with their names and the Pareto front."""

from collections.abc import Sequence
from itertools import pairwise, product

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..runtime import UserError
from .figures import COLOURS, STYLE, WIDTH, _Figure, _finish

DISTANCES, DIRECTIONS = (5, 9, 16, 26, 38, 52, 70, 92), np.arange(16) * np.pi / 8  # of a name from its point, in pixels


def pareto(table: pd.DataFrame, x: str, y: str, *, better: Sequence[str] = ("low", "high")) -> list:
    """The rows that no other row beats in one column without losing in the other, by `x`; arguments as in `tradeoff`.

    >>> import pandas as pd, srhelpers as sr
    >>> table = pd.DataFrame({"s": [1, 2, 3], "dB": [25, 28, 27]}, index=["quick", "good", "slow"])
    >>> sr.plots.pareto(table, "s", "dB")
    ['quick', 'good']
    """
    if len(better) != 2 or not set(better) <= {"low", "high"}:
        raise UserError(f'Expected better as two of "low" and "high", one for each axis, got {better!r}.')
    values = table[[x, y]].dropna()
    costs = values.to_numpy(float) * [1 if side == "low" else -1 for side in better]
    beaten = [((costs <= cost).all(1) & (costs < cost).any(1)).any() for cost in costs]
    return list(values[~np.array(beaten, bool)].sort_values(x).index)


@mpl.rc_context(STYLE)
def tradeoff(
    table: pd.DataFrame,
    x: str,
    y: str,
    *,
    better: Sequence[str] = ("low", "high"),
    log: bool = False,
    group: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw each row as a point with its name, and a line from point to point of the Pareto front.

    Args:
        table: a row for each method, whose names are the index; a row without one of the two numbers is left out.
        x, y: columns, which name the axes.
        better: which end of each axis is better, "low" or "high".
        log: a logarithmic x axis.
        group: a column that gives the colors; the legend names its values.
    """
    front = pareto(table, x, y, better=better)
    shown = table.dropna(subset=[x, y])
    if shown.empty:
        raise UserError(f"Expected at least one row with both {x} and {y}, got none.")
    figure = _Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xscale("log" if log else "linear")
    if log:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.09)
    legend = {}
    if len(front) > 1:
        legend["Pareto front"] = axes.plot(*shown.loc[front, [x, y]].to_numpy().T, "--", color="0.6", zorder=1)[0]
    names = shown[group] if group else pd.Series("", shown.index)
    for name, color in zip(names.unique(), COLOURS, strict=False):
        points = shown[names == name]
        drawn = axes.scatter(points[x], points[y], s=42, color=color, zorder=2)
        legend |= {name: drawn} if name else {}
    ends = {"low": "← better", "high": "better →"}
    axes.set(xlabel=f"{x}   ({ends[better[0]]})", ylabel=f"{y}   ({ends[better[1]]})")
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    _finish(figure, title, legend)
    figure.draw_without_rendering()  # lays out: only now points have a place on the page
    _name_points(axes, shown[[x, y]], shown.loc[front, [x, y]])
    return figure


def _name_points(axes, points, front):
    """Write each name near its point, where it covers no other name, no point, and as little of the front as can be."""
    places, corners = axes.transData.transform(points), axes.transData.transform(front)
    steps = np.linspace(0, 1, 25)[:, None]
    line = [spot for a, b in pairwise(corners) for spot in a + steps * (b - a)]
    taken = [_box(place, (14, 14)) for place in places] + [_box(spot, (3, 3)) for spot in line]
    weights, frame = [50] * len(places) + [2] * len(line), np.ravel(axes.bbox)
    # The most crowded first: they have the fewest places to choose from.
    crowd = [-(np.hypot(*(places - place).T) < 60).sum() for place in places]
    for i in np.argsort(crowd, kind="stable"):
        style = {"fontsize": 8.5, "ha": "center", "va": "center"}
        text = axes.text(*points.iloc[i], points.index[i], **style)
        size = np.add(text.get_window_extent().size, (4, 2))

        def shift(distance, angle, size=size):
            return np.array([np.cos(angle), np.sin(angle)]) * (distance + 4 + size / 2)

        def leader(distance, angle, i=i):
            start, end = 12, max(distance, 12)  # pixels from the point
            spots = np.linspace(start, end, int(end - start) // 4 + 1)[1:]
            return [_box(places[i] + spot * np.array([np.cos(angle), np.sin(angle)]), (4, 4)) for spot in spots]

        def cost(candidate, i=i, size=size):
            (distance, angle), box = candidate, _box(places[i] + shift(*candidate), size)
            covered = sum(weights @ _common(part, taken) for part in [box, *leader(*candidate)])
            outside = 50 * (size.prod() - _common(box, [frame])[0])
            return covered + outside + distance + 3 * abs(np.sin(angle)) - np.cos(angle)  # beside it rather than above

        best = min(product(DISTANCES, DIRECTIONS), key=cost)
        new = [_box(places[i] + shift(*best), size), *leader(*best)]
        taken.extend(new)
        weights.extend([50, *[10] * (len(new) - 1)])
        text.remove()
        line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.7, "shrinkB": 4} if best[0] > 10 else None
        where = {"xytext": shift(*best) * 72 / axes.figure.dpi, "textcoords": "offset points", "arrowprops": line}
        axes.annotate(points.index[i], points.iloc[i], **where, **style).set_in_layout(False)


def _box(center, size):
    """Left, bottom, right, top."""
    return np.concatenate([center - np.divide(size, 2), center + np.divide(size, 2)])


def _common(box, others):
    """The areas that a box shares with others."""
    others = np.asarray(others)
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return np.maximum(sides, 0).prod(axis=1)
