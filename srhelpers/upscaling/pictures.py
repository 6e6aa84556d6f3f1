"""Picture files in and out, each in its own kind: gray, alpha, palette, CMYK, 16 bit, profile, orientation."""

import contextlib
import io
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError
from scipy import ndimage
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, RESUNIT, SAMPLEFORMAT

from ..runtime import UserError
from .encoding import FORMATS, check_target, encode, write  # noqa: F401, read and written through one module

LARGEST = 250_000_000  # pixels of a picture that is read

_MODES = {"RGBX": "RGB", "YCbCr": "RGB", "RGBa": "RGBA", "La": "LA"}  # of Pillow → ours
_ORIENTATION, _DETAILS, _SIZE = 0x0112, 0x8769, (0xA002, 0xA003)  # tags of EXIF
_PILLOW = threading.Lock()

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PHOTOMETRIC = {
    **{PHOTOMETRIC.MINISWHITE: "L", PHOTOMETRIC.MINISBLACK: "L"},
    **{PHOTOMETRIC.RGB: "RGB", PHOTOMETRIC.PALETTE: "P", PHOTOMETRIC.SEPARATED: "CMYK"},
}
_DECODED = (COMPRESSION.NONE, COMPRESSION.DEFLATE, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.PACKBITS)  # by tifffile alone
_DENSITY, _PROFILE = (282, 283, 296), 34675


@dataclass(frozen=True)
class Picture:
    """Pixels, and what else a file must say to be of the same kind."""

    # uint8 or uint16 (H, W), (H, W, 2) gray with alpha, (H, W, 3) RGB, (H, W, 4) RGB with alpha or CMYK (0 is no ink),
    # upright. A palette is resolved to RGB or RGB with alpha.
    pixels: np.ndarray
    mode: str  # "1" (black and white), "L" (gray), "LA", "RGB", "RGBA", "CMYK", or "P" and "PA" for a palette
    icc_profile: bytes | None = None
    exif: bytes | None = None  # without the orientation; a TIFF keeps none
    dpi: tuple[float, float] | None = None  # across and down


def read(file: str | os.PathLike) -> Picture:
    """Read a PNG, JPEG, WebP, TIFF, GIF or BMP, whatever its name, turned as its EXIF data says.

    Refused are truncated and animated ones, several pages, other than 8 or 16 bits, and more than `LARGEST` pixels.
    """
    return decode(Path(file).read_bytes(), file)


def size_of(file: str | os.PathLike | BinaryIO) -> tuple[int, int] | None:
    """(height, width) as a file's header says, or None where it says nothing that Pillow knows."""
    with contextlib.suppress(Exception), Image.open(file) as image:  # Pillow has many for damaged files
        return image.height, image.width
    return None


def decode(content: bytes, file: str | os.PathLike) -> Picture:
    """What a file holds, as `read` reads it; its name is for errors."""
    try:
        return (content[:4] in _TIFF and _read_tiff(content)) or _read(content)
    except MemoryError:
        raise
    except Exception as error:  # Pillow has many for damaged files: OSError, SyntaxError, struct.error, …
        reason = "no picture that is known here" if isinstance(error, UnidentifiedImageError) else error
        raise UserError(f"Expected a whole PNG, JPEG, WebP, TIFF, GIF or BMP in {file}, got {reason}.") from error


def _check(width, height, frames):
    if width * height > LARGEST:
        raise UserError(f"{width}×{height} pixels, more than {LARGEST / 1e6:.0f} million; cut it up")
    if frames > 1:
        raise UserError(f"{frames} frames or pages; save them one by one")


def _read(content):
    with _PILLOW:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # ours is larger; Pillow has one for all
        try:
            image = Image.open(io.BytesIO(content), formats=tuple(set(FORMATS.values())))
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1  # cameras add a preview, and call it MPO
    _check(image.width, image.height, frames)
    raw = f"{image.tile}"  # it says what the file holds, where Pillow has no mode for it
    image.load()
    exif, icc_profile, dpi = image.getexif(), image.info.get("icc_profile"), image.info.get("dpi")
    mode = _MODES.get(image.mode, image.mode)
    if mode.startswith("I;16"):
        mode, pixels = "L", np.asarray(image).astype("uint16")
    elif ";16" in raw and mode in ("RGB", "RGBA"):
        pixels = cv2.imdecode(np.frombuffer(content, "uint8"), cv2.IMREAD_UNCHANGED)
        mode = "LA" if "LA;16" in raw else mode
        pixels = pixels[..., {"LA": [0, 3], "RGB": [2, 1, 0], "RGBA": [2, 1, 0, 3]}[mode]]
    else:
        alpha = image.has_transparency_data
        mode = {"1": "LA", "L": "LA", "P": "PA", "RGB": "RGBA"}.get(mode, mode) if alpha else mode
        if mode not in ("1", "L", "LA", "RGB", "RGBA", "P", "PA", "CMYK"):
            raise UserError(f"pixels of the kind {mode}; convert it to 8 or 16 bits of gray, RGB or CMYK")
        pixels = np.asarray(image.convert({"1": "L", "P": "RGB", "PA": "RGBA"}.get(mode, mode)))
    orientation = exif.get(_ORIENTATION)
    exif = None if image.format == "TIFF" else _without_layout(exif)
    return Picture(_upright(pixels, orientation), mode, icc_profile, exif, _density(dpi))


def _read_tiff(content):
    """A TIFF as tifffile reads it, or None where only Pillow knows its compression, and reads it right.

    Pillow mixes up separate planes and inverted gray of 16 bits, alpha that colors are multiplied with, and more.
    """
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        _check(page.imagewidth, page.imagelength, len(file.pages))
        bits = page.bitspersample if isinstance(page.bitspersample, int) else 0  # such as (5, 6, 5)
        extra, mode = page.extrasamples, _PHOTOMETRIC.get(page.photometric)
        apart = page.planarconfig == PLANARCONFIG.SEPARATE and page.samplesperpixel > 1
        inverted = page.photometric == PHOTOMETRIC.MINISWHITE
        premultiplied = EXTRASAMPLE.ASSOCALPHA in extra
        known = page.sampleformat == SAMPLEFORMAT.UINT and page.imagedepth == 1 and len(extra) <= 1
        if here := bits >= 8 and mode and page.compression in _DECODED:
            known &= bits == 8 or (bits == 16 and mode != "CMYK")
            known &= page.samplesperpixel - len(extra) == {"L": 1, "P": 1, "RGB": 3, "CMYK": 4}[mode]
        elif bits == 16:
            known &= not (apart or inverted or premultiplied) and (mode == "RGB" or (mode == "L" and not extra))
        else:
            known &= bits in (1, 2, 4, 8) and not (premultiplied and mode != "RGB") and not (apart and extra)
        if not known:
            kind, packed = (getattr(value, "name", value) for value in (page.photometric, page.compression))
            raise UserError(
                f"{page.samplesperpixel} × {page.bitspersample} bits of {page.dtype}, as {kind}, compressed by "
                f"{packed}; save it with 8 or 16 bits of gray or RGB, or 8 bits of CMYK, without compression"
            )
        if not all(page.databytecounts):
            raise UserError("parts without content")
        if not here:
            return None
        pixels = page.asarray()
        pixels = np.moveaxis(pixels, 0, -1) if apart else pixels
        if mode == "P":
            index = pixels if pixels.ndim == 2 else pixels[..., 0]
            pixels = (page.colormap >> 8).astype("uint8")[:, index].transpose(1, 2, 0)
        elif extra and (mode == "CMYK" or not {*extra} & {EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA}):
            pixels = pixels[..., 0] if mode == "L" else pixels[..., :-1]
        elif extra:
            mode += "A"
        if inverted:
            pixels[..., : 1 if mode == "LA" else None] ^= np.iinfo(pixels.dtype).max
        if premultiplied and mode[-1] == "A":
            white = np.iinfo(pixels.dtype).max
            plain = np.rint(pixels[..., :-1] * (white / np.maximum(pixels[..., -1:], 1))).clip(0, white)
            pixels = np.dstack([plain.astype(pixels.dtype), pixels[..., -1]])
        tags = {number: tag.value for number in (*_DENSITY, _ORIENTATION, _PROFILE) if (tag := page.tags.get(number))}
    dpi = None
    with contextlib.suppress(KeyError, TypeError, ValueError, ZeroDivisionError):  # none, or a damaged one
        *both, unit = (tags[number] for number in _DENSITY)
        dpi = [count * {RESUNIT.INCH: 1, RESUNIT.CENTIMETER: 2.54}[unit] / length for count, length in both]
    profile = tags.get(_PROFILE) if isinstance(tags.get(_PROFILE), bytes) else None
    return Picture(_upright(pixels, tags.get(_ORIENTATION)), mode, profile, dpi=_density(dpi))


def _upright(pixels, orientation):
    pixels = pixels.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else pixels
    down, across = (-1 if orientation in turned else 1 for turned in ((3, 4, 7, 8), (2, 3, 6, 7)))
    return np.ascontiguousarray(pixels[::down, ::across])


def _density(dpi):
    """Pixels per inch, if all formats can hold them: damaged files say 1/0 or four thousand million."""
    return tuple(map(float, dpi)) if dpi and len(dpi) == 2 and all(1 <= n <= 65_535 for n in dpi) else None


def _without_layout(exif):
    """EXIF data as bytes, without what another size and turn make wrong."""
    exif.pop(_ORIENTATION, None)
    for tag in _SIZE if _DETAILS in exif else ():
        exif.get_ifd(_DETAILS).pop(tag, None)
    return exif.tobytes() if len(exif) else None


def enlarge(picture: Picture, grow: Callable[[np.ndarray], np.ndarray]) -> Picture:
    """The same kind of picture with other pixels.

    CMYK goes through `grow` as a negative: cyan, magenta and yellow as RGB, and black as gray. What alpha hides
    is given the color of the nearest visible pixel first, or it would show as a fringe.
    """
    pixels = picture.pixels
    if picture.mode == "CMYK":
        colors, key = 255 - pixels[..., :3], 255 - pixels[..., 3]
        return replace(picture, pixels=255 - np.dstack([grow(colors), grow(key)]))
    if picture.mode.endswith("A") and (hidden := pixels[..., -1] == 0).any() and not hidden.all():
        nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
        pixels = np.dstack([pixels[(*nearest, slice(-1))], pixels[..., -1]])
    return replace(picture, pixels=grow(pixels))
