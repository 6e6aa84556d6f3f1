"""Figures, and what a reader touches in a notebook."""

from . import widgets
from .figures import compare, history, most_detailed, pairs, use_style
from .network import network
from .tradeoffs import pareto, tradeoff
from .widgets import before_after, choose_photo, upload_button
