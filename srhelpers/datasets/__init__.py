"""Where photos are: find, download and read what the table lists, or a folder of your own."""

from .archives import DownloadError
from .catalog import DATASETS, SAMPLES
from .folders import (
    IMAGE_SUFFIXES,
    Photos,
    download,
    find,
    is_here,
    low_resolution,
    open,
    photos,
    read_image,
    sample,
    split,
    title,
)
