"""The networks that ship and the reader's own, what is known of each, and networks of others as feature extractors."""

from . import authors, export, features
from .records import USES, Record, choice, describe, manifest, speeds, table
from .store import is_here, load, mixed, save
