"""Pictures into files: what each format holds, and what has to be changed for it."""

import io
import os
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import tifffile
from PIL import Image, ImageCms
from PIL.PngImagePlugin import putchunk

from .. import _files
from ..runtime import UserError

FORMATS = {
    **{".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"},
    **{".gif": "GIF", ".bmp": "BMP"},
}
LONGEST = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535, "BMP": 65_535}  # pixels of a side that is written

# The modes that a format holds, with 8 bits and with 16; the first of its substitutes that it holds is taken else.
_HOLDS = {
    "PNG": ("1 L LA RGB RGBA P PA", "L LA RGB RGBA"),
    "JPEG": ("L RGB CMYK", ""),
    "WEBP": ("RGB RGBA", ""),
    "TIFF": ("1 L LA RGB RGBA P CMYK", "L RGB RGBA"),
    "GIF": ("1 L P PA", ""),
    "BMP": ("1 L RGB P", ""),
}
_SUBSTITUTES = {
    **{"1": "L RGB", "L": "RGB", "LA": "RGBA PA L", "P": "RGB", "PA": "RGBA P RGB"},
    **{"RGB": "P", "RGBA": "PA RGB", "CMYK": "RGB P"},
}
_NAMES = {
    **{"1": "black and white", "L": "gray", "LA": "gray with alpha", "P": "palette", "PA": "palette with alpha"},
    **{"RGB": "RGB", "RGBA": "RGB with alpha", "CMYK": "CMYK"},
}
_OPTIONS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


def check_target(file: str | os.PathLike, size: tuple[int, int]) -> str:
    """The format of a file of (height, width) that is going to be written, such as "JPEG", if there is one."""
    suffix = Path(file).suffix
    form = FORMATS.get(suffix.lower())
    if form is None:
        raise UserError(f"Expected a file name that ends in {', '.join(FORMATS)}, got {os.fspath(file)!r}.")
    if max(size) > LONGEST.get(form, 2**31 - 1):
        raise UserError(
            f"Expected at most {LONGEST[form]} pixels a side, which is what {form} holds, got {size[1]}×{size[0]} for "
            f"{file}; choose png or tiff."
        )
    return form


def write(picture: "pictures.Picture", file: str | os.PathLike) -> str | None:  # noqa: F821, which imports this
    """Write a picture under a temporary name, and rename it when it is whole; see `encode`."""
    file = Path(file)
    check_target(file, picture.pixels.shape[:2])
    with _files.replacing(file) as partial, partial.open("wb") as stream:
        return encode(picture, file, stream)


def encode(picture: "pictures.Picture", file: str | os.PathLike, stream: BinaryIO) -> str | None:  # noqa: F821
    """Write what a file holds into a stream; the file's ending says the format.

    JPEG and WebP are written with quality 95, JPEG without color subsampling, PNG, TIFF and BMP without loss. A
    palette is chosen anew: up to 256 colors. What a format does not hold is changed: alpha goes over white, 16
    bits become 8, CMYK becomes RGB through its profile.

    Returns:
        None, or a sentence that says what had to be changed.
    """
    form = check_target(file, picture.pixels.shape[:2])
    fitted, note = _fit(picture, form)
    write_pixels = {("PNG", 2): _write_png, ("TIFF", 2): _write_tiff}.get((form, fitted.pixels.itemsize), _write)
    write_pixels(fitted, stream, form)
    return note


def _fit(picture, form):
    """The picture in a kind that the format holds, and what was changed for that."""
    holds, deep = (modes.split() for modes in _HOLDS[form])
    old, pixels, note = picture.mode, picture.pixels, None
    shallow = pixels.dtype == np.uint16 and not deep
    if shallow:
        pixels = np.rint(pixels / 257).astype("uint8")
    elif pixels.dtype == np.uint16:
        holds = deep
    new = old if old in holds else next(mode for mode in _SUBSTITUTES[old].split() if mode in holds)
    if shallow or new != old:
        flattened = old.endswith("A") and not new.endswith("A")
        kinds = [f"{'16-bit ' * shallow}{_NAMES[old]}", f"{'8-bit ' * shallow}{_NAMES[new]}"]
        note = f"{form} holds no {kinds[0]}: written as {kinds[1]}{', over white' * flattened}."
        picture = replace(picture, pixels=pixels)
        if old == "CMYK":
            picture = _from_cmyk(picture)
        if flattened:
            white, share = np.iinfo(pixels.dtype).max, pixels[..., -1:] / np.iinfo(pixels.dtype).max
            flat = np.rint(pixels[..., :-1] * share + white * (1 - share)).astype(pixels.dtype)
            picture = replace(picture, pixels=flat if flat.shape[2] == 3 else flat[..., 0])
        picture = replace(_colored(picture) if new[0] in "RP" else picture, mode=new)
    return picture, note


def _colored(picture):
    """Gray as RGB; a profile of gray says nothing about it."""
    pixels = picture.pixels
    if pixels.ndim == 3 and pixels.shape[2] > 2:
        return picture
    planes = [pixels] * 3 if pixels.ndim == 2 else [pixels[..., 0]] * 3 + [pixels[..., 1]]
    return replace(picture, pixels=np.dstack(planes), icc_profile=None)


def _from_cmyk(picture):
    image = _cmyk(picture.pixels)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc_profile or b""))
        image = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # none, or a damaged one
        image = image.convert("RGB")
    return replace(picture, pixels=np.asarray(image), mode="RGB", icc_profile=None)


def _cmyk(pixels):
    return Image.frombytes("CMYK", pixels.shape[1::-1], pixels.tobytes())


def _write(picture, stream, form):
    pixels, mode = picture.pixels, picture.mode
    if mode == "PA":
        pixels = np.where(pixels[..., 3:] > (127 if form == "GIF" else 0), pixels, 0)
        if form == "GIF":  # it knows no more than visible or not
            pixels[..., 3] = np.where(pixels[..., 3], 255, 0)
    image = _cmyk(pixels) if mode == "CMYK" else Image.fromarray(pixels >= 128 if mode == "1" else pixels)
    if mode == "P" or (mode == "PA" and form != "GIF"):  # of alpha, GIF's own writer makes the one clear color
        image = image.quantize(256)
    kept = {"icc_profile": picture.icc_profile, "exif": picture.exif, "dpi": picture.dpi}
    buffer = io.BytesIO()  # Pillow takes half a file on a full disk for a whole one
    image.save(buffer, form, **_OPTIONS.get(form, {}), **{name: value for name, value in kept.items() if value})
    stream.write(buffer.getbuffer())


def _write_png(picture, stream, form):
    """16 bits a channel, which Pillow writes for gray only, and OpenCV without profile and not for gray with alpha."""
    height, width = picture.pixels.shape[:2]
    kind = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}[picture.mode]
    stream.write(b"\x89PNG\r\n\x1a\n")
    putchunk(stream, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    if picture.icc_profile:
        putchunk(stream, b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc_profile))
    if picture.dpi:
        putchunk(stream, b"pHYs", struct.pack(">IIB", *(round(n / 0.0254) for n in picture.dpi), 1))
    if picture.exif:
        putchunk(stream, b"eXIf", picture.exif.removeprefix(b"Exif\0\0"))
    packer, above = zlib.compressobj(), 0
    for top in range(0, height, 256):
        rows = picture.pixels[top : top + 256].astype(">u2").reshape(-1, width * (picture.pixels[0, 0].size)).view("u1")
        lines = np.empty((len(rows), 1 + rows.shape[1]), "u1")
        lines[:, 0] = 2  # the filter "up"
        lines[0, 1:], lines[1:, 1:] = rows[0] - above, rows[1:] - rows[:-1]
        above = rows[-1]
        putchunk(stream, b"IDAT", packer.compress(lines))
    putchunk(stream, b"IDAT", packer.flush())
    putchunk(stream, b"IEND", b"")


def _write_tiff(picture, stream, form):
    """16 bits a channel, which Pillow writes for gray only."""
    tifffile.imwrite(
        stream,
        picture.pixels,
        photometric="minisblack" if picture.mode == "L" else "rgb",
        extrasamples=["unassalpha"] if picture.mode == "RGBA" else None,
        compression="zlib",
        predictor=True,
        iccprofile=picture.icc_profile,
        resolution=picture.dpi,
        resolutionunit="inch" if picture.dpi else None,
        metadata=None,
    )
