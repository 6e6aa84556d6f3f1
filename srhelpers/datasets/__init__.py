"""Where photos are: find, download and read what the table lists, or a folder of your own."""

from . import archives, catalog, downloads
from .archives import DownloadError
from .catalog import DATASETS, SAMPLES
from .folders import IMAGE_SUFFIXES, download, find, is_here, low_resolution, photos, read_image, sample, title

__all__ = [
    "DATASETS",
    "IMAGE_SUFFIXES",
    "SAMPLES",
    "DownloadError",
    "archives",
    "catalog",
    "download",
    "downloads",
    "find",
    "is_here",
    "low_resolution",
    "photos",
    "read_image",
    "sample",
    "title",
]
