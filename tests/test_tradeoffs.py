"""Two scores of many methods in one picture."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import srhelpers as sr


@pytest.fixture
def crowded(random):
    """Twelve methods with much the same scores, two far away, one that has no second score."""
    table = pd.DataFrame({"s": random.uniform(1, 1.6, 15), "dB": random.uniform(27, 27.3, 15)})
    table.index = [f"method number {n}" for n in table.index]
    table.iloc[:2] = [[0.01, 24], [90, 30]]
    table.iloc[2, 1] = np.nan
    return table.assign(by=["us", "them", "us"] * 5)


def texts(figure):
    figure.draw_without_rendering()
    return {text.get_text(): text for text in figure.axes[0].texts if text.get_text()}


@pytest.mark.parametrize("log", [False, True])
def test_no_name_covers_another_or_leaves_the_frame(crowded, log):
    figure = sr.plots.tradeoff(crowded, "s", "dB", log=log, group="by", title="Much the same")
    named = texts(figure)
    assert set(named) == set(crowded.index[[0, 1, *range(3, 15)]])
    boxes = [Text.get_window_extent(text) for text in named.values()]  # without the line to its point
    frame = figure.axes[0].bbox.padded(1)
    assert all(frame.containsx(box.x0) and frame.containsx(box.x1) for box in boxes)
    assert all(frame.containsy(box.y0) and frame.containsy(box.y1) for box in boxes)
    shared = [Bbox.intersection(*pair) for pair in itertools.combinations(boxes, 2)]
    assert [box for box in shared if box and box.width * box.height > 4] == []


def test_front_holds_what_nothing_beats(crowded, random):
    table = pd.DataFrame(random.uniform(0, 1, (60, 2)), columns=["x", "y"])
    for better, (sign_x, sign_y) in {("low", "high"): (1, -1), ("high", "low"): (-1, 1)}.items():
        front = sr.plots.pareto(table, "x", "y", better=better)
        costs = table.to_numpy() * (sign_x, sign_y)
        for n in table.index:
            beaten = [m for m in table.index if m != n and (costs[m] <= costs[n]).all()]
            assert (n in front) == (not beaten)
        assert list(table.x[front]) == sorted(table.x[front])
    assert "method number 2" not in sr.plots.pareto(crowded, "s", "dB")


def test_equal_rows_are_both_on_the_front():
    table = pd.DataFrame({"x": [1, 1, 2], "y": [3, 3, 3]})
    assert sr.plots.pareto(table, "x", "y") == [0, 1]


def test_axes_say_which_end_is_better_and_the_legend_who(crowded):
    figure = sr.plots.tradeoff(crowded, "s", "dB", group="by")
    assert figure.axes[0].get_xlabel() == "s   (← better)" and figure.axes[0].get_ylabel() == "dB   (better →)"
    assert [text.get_text() for text in figure.legends[0].texts] == ["Pareto front", "us", "them"]


def test_one_method_is_drawn(crowded):
    assert list(texts(sr.plots.tradeoff(crowded.iloc[:1], "s", "dB", log=True))) == ["method number 0"]


def test_what_cannot_be_drawn(crowded):
    with pytest.raises(ValueError, match="at least one row with both"):
        sr.plots.tradeoff(crowded.iloc[2:3], "s", "dB")
    with pytest.raises(ValueError, match='two of "low" and "high"'):
        sr.plots.tradeoff(crowded, "s", "dB", better=("low", "up"))
