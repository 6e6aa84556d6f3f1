"""The networks that ship, what is known of each, and networks of others as feature extractors."""

from . import features, shipped
from .choosing import best, table
from .store import load, manifest, save

__all__ = [
    "best",
    "features",
    "load",
    "manifest",
    "save",
    "shipped",
    "table",
]
