import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import srhelpers as sr
from srhelpers.upscaling.pictures import Picture, enlarge, read, write

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="module")
def color():
    return sr.degradations.area(sr.datasets.sample("coffee"), (40, 60))


def kinds(color):
    gray, alpha = color[..., 1], np.zeros(color.shape[:2], "uint8")
    cv2.circle(alpha, (30, 20), 15, 255, -1, cv2.LINE_AA)
    return {
        "1": np.where(gray > 90, 255, 0).astype("uint8"),
        "L": gray,
        "LA": np.dstack([gray, alpha]),
        "RGB": color,
        "RGBA": np.dstack([color, alpha]),
        "P": color // 64 * 80,
        "PA": np.where(alpha[..., None] > 127, np.dstack([color // 64 * 80, alpha | 255]), 0),
        "CMYK": np.asarray(Image.fromarray(color).convert("CMYK")),
    }


LOSSLESS = {
    ".png": "1 L LA RGB RGBA P PA",
    ".tiff": "1 L LA RGB RGBA P CMYK",
    ".gif": "P PA",
    ".bmp": "1 L RGB P",
}
DEEP = {".png": "L LA RGB RGBA", ".tiff": "L RGB RGBA"}


@pytest.mark.parametrize("ending, mode", [(ending, mode) for ending in LOSSLESS for mode in LOSSLESS[ending].split()])
def test_every_kind_comes_back_as_it_was(tmp_path, color, ending, mode):
    picture = Picture(kinds(color)[mode], mode, SRGB if "RGB" in mode else None, dpi=(300.0, 300.0))
    assert write(picture, tmp_path / f"a{ending}") is None
    back = read(tmp_path / f"a{ending}")
    assert back.mode == mode
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    if ending in (".png", ".tiff"):
        assert back.icc_profile == picture.icc_profile
        assert back.dpi == pytest.approx((300, 300), abs=0.01)
    with Image.open(tmp_path / f"a{ending}") as image:
        assert image.mode == {"RGBA": "RGBA", "PA": "P"}.get(mode, mode)
    assert [file.name for file in tmp_path.iterdir()] == [f"a{ending}"]


@pytest.mark.parametrize("ending, mode", [(ending, mode) for ending in DEEP for mode in DEEP[ending].split()])
def test_16_bits_come_back_as_they_were(tmp_path, color, random, ending, mode):
    pixels = random.integers(0, 65536, kinds(color)[mode].shape, "uint16")
    pixels = np.tile(pixels, (13, 1) + (1,) * (pixels.ndim - 2))  # more rows than are packed at once
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    write(Picture(pixels, mode, SRGB, exif.tobytes(), (300.0, 150.0)), tmp_path / f"a{ending}")
    back = read(tmp_path / f"a{ending}")
    assert (back.mode, back.pixels.dtype, back.icc_profile) == (mode, "uint16", SRGB)
    np.testing.assert_array_equal(back.pixels, pixels)
    assert back.dpi == pytest.approx((300, 150), abs=0.02)
    with Image.open(tmp_path / f"a{ending}") as image:
        image.load()  # Pillow checks the checksums too
        assert ending == ".tiff" or image.getexif()[0x010F] == "Camera"


@pytest.mark.parametrize("mode, ending", [("L", ".jpg"), ("RGB", ".jpg"), ("CMYK", ".jpg"), ("RGB", ".webp")])
def test_jpeg_and_webp_keep_the_kind_and_nearly_the_values(tmp_path, color, mode, ending):
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    picture = Picture(kinds(color)[mode], mode, SRGB, exif.tobytes())
    assert write(picture, tmp_path / f"a{ending}") is None
    back = read(tmp_path / f"a{ending}")
    assert (back.mode, back.icc_profile, back.exif) == (mode, SRGB, picture.exif)
    assert np.abs(back.pixels.astype(int) - picture.pixels).mean() < 5


def test_what_a_format_cannot_hold_is_changed_and_said(tmp_path, color):
    made = kinds(color)
    alpha = made["RGBA"][..., 3:] / 255
    over_white = color * alpha + 255 * (1 - alpha)

    def written(pixels, mode, name):
        note = write(Picture(pixels, mode), tmp_path / name)
        return note, read(tmp_path / name)

    note, back = written(made["RGBA"], "RGBA", "a.jpg")
    assert note == "JPEG holds no RGB with alpha: written as RGB, over white."
    assert np.abs(back.pixels - over_white).mean() < 3
    note, back = written(made["RGBA"].astype("uint16") * 257, "RGBA", "a.bmp")
    assert note == "BMP holds no 16-bit RGB with alpha: written as 8-bit RGB, over white."
    assert np.abs(back.pixels - over_white).max() <= 0.51
    note, back = written(made["LA"].astype("uint16") * 257, "LA", "a.tif")
    assert note == "TIFF holds no gray with alpha: written as RGB with alpha."
    np.testing.assert_array_equal(back.pixels, made["LA"][..., [0, 0, 0, 1]].astype("uint16") * 257)
    note, back = written(made["CMYK"], "CMYK", "a.png")
    assert note == "PNG holds no CMYK: written as RGB."
    assert np.abs(back.pixels.astype(int) - color).max() <= 1
    note, back = written(made["PA"], "PA", "a.webp")
    assert note == "WEBP holds no palette with alpha: written as RGB with alpha."
    assert set(np.unique(back.pixels[..., 3])) == {0, 255}
    note, back = written(made["L"], "L", "a.webp")
    assert note == "WEBP holds no gray: written as RGB."
    note, back = written(made["LA"], "LA", "a.jpg")
    assert (note, back.mode) == ("JPEG holds no gray with alpha: written as gray, over white.", "L")


def test_a_palette_of_many_colors_is_chosen_anew(tmp_path, color):
    write(Picture(color, "P"), tmp_path / "a.gif")
    back = read(tmp_path / "a.gif")
    assert back.mode == "P"
    assert len(np.unique(back.pixels.reshape(-1, 3), axis=0)) > 100
    assert np.abs(back.pixels.astype(int) - color).mean() < 6


def test_cmyk_becomes_rgb_through_its_profile(tmp_path, color, monkeypatch):
    made = Picture(kinds(color)["CMYK"], "CMYK", b"a profile")
    seen = []

    def convert(image, profile, target, outputMode):
        seen.append(profile)
        return Image.fromarray(color[::-1])

    monkeypatch.setattr(ImageCms, "ImageCmsProfile", lambda stream: stream.read())
    monkeypatch.setattr(ImageCms, "profileToProfile", convert)
    write(made, tmp_path / "a.png")
    assert seen == [b"a profile"]
    assert read(tmp_path / "a.png").icc_profile is None
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, color[::-1])


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_gone(tmp_path, color, ending, orientation):
    stored = {
        **{1: color, 2: color[:, ::-1], 3: color[::-1, ::-1], 4: color[::-1], 5: color.swapaxes(0, 1)},
        **{6: np.rot90(color), 7: np.rot90(color, 2).swapaxes(0, 1), 8: np.rot90(color, -1)},
    }[orientation]
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Camera"
    exif.get_ifd(0x8769)[0xA002] = 60
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a{ending}", exif=exif, quality=100)
    picture = read(tmp_path / f"a{ending}")
    assert picture.pixels.shape == color.shape
    assert np.abs(picture.pixels.astype(int) - color).mean() < 6
    write(picture, tmp_path / f"b{ending}")
    with Image.open(tmp_path / f"b{ending}") as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert 0xA002 not in image.getexif().get_ifd(0x8769)
        assert ending == ".tif" or image.getexif()[0x010F] == "Camera"


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_orientation_of_16_bits(tmp_path, color, ending):
    deep, exif = color.astype("uint16") * 257, Image.Exif()
    exif[0x0112] = 6
    write(Picture(np.ascontiguousarray(np.rot90(deep)), "RGB", exif=exif.tobytes()), tmp_path / f"a{ending}")
    if ending == ".tif":
        tifffile.imwrite(tmp_path / "a.tif", np.rot90(deep), metadata=None, extratags=[(274, "H", 1, 6, True)])
    np.testing.assert_array_equal(read(tmp_path / f"a{ending}").pixels, deep)


def planes(pixels):
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


STORED = {
    "strips": {"rowsperstrip": 7},
    "tiles": {"tile": (16, 16)},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "deflate": {"compression": "zlib"},
    "predictor": {"compression": "zlib", "predictor": True},
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("stored", STORED)
def test_tiffs_of_every_layout_are_read_right(tmp_path, color, random, stored, bits):
    white = 2**bits - 1
    pixels = random.integers(0, white, (40, 60, 4), f"uint{bits}", endpoint=True)
    pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    share = np.maximum(pixels[..., 3:], 1) / white
    plain = np.dstack([np.rint(pixels[..., :3] / share).astype(pixels.dtype), pixels[..., 3]])
    kinds = {
        "L": ({"photometric": "minisblack"}, pixels[..., 0], pixels[..., 0]),
        "L inverted": ({"photometric": "miniswhite"}, pixels[..., 0], white - pixels[..., 0]),
        "RGB": ({"photometric": "rgb"}, pixels[..., :3], pixels[..., :3]),
        "RGBA": ({"photometric": "rgb", "extrasamples": ["unassalpha"]}, pixels, pixels),
        "RGBA premultiplied": ({"photometric": "rgb", "extrasamples": ["assocalpha"]}, pixels, plain),
        "RGB and more": ({"photometric": "rgb", "extrasamples": ["unspecified"]}, pixels, pixels[..., :3]),
        "LA": ({"photometric": "minisblack", "extrasamples": ["unassalpha"]}, pixels[..., 2:], pixels[..., 2:]),
        "LA premultiplied": (
            {"photometric": "minisblack", "extrasamples": ["assocalpha"]},
            pixels[..., 2:],
            plain[..., 2:],
        ),
    }
    if bits == 8:
        kinds["CMYK"] = {"photometric": "separated"}, pixels, pixels
    for kind, (options, given, expected) in kinds.items():
        for separate in (False, True) if given.ndim == 3 else (None,):
            layout = {} if separate is None else {"planarconfig": "separate" if separate else "contig"}
            written = planes(given) if separate else np.ascontiguousarray(given)
            tifffile.imwrite(tmp_path / "a.tif", written, metadata=None, **options, **layout, **STORED[stored])
            back = read(tmp_path / "a.tif")
            assert (back.mode, back.pixels.dtype) == (kind.split()[0], pixels.dtype), (kind, layout)
            np.testing.assert_allclose(back.pixels.astype(int), expected, atol=1, rtol=0, err_msg=f"{kind} {layout}")


def test_palettes_and_few_bits_in_tiffs(tmp_path, color, random):
    index, table = random.integers(0, 256, (20, 30), "uint8"), random.integers(0, 65536, (3, 256), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", index, photometric="palette", colormap=table)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, np.moveaxis(table[:, index] >> 8, 0, 2))
    bits = index > 127
    for photometric, expected in (("minisblack", bits), ("miniswhite", ~bits)):
        tifffile.imwrite(tmp_path / "b.tif", bits, photometric=photometric)
        back = read(tmp_path / "b.tif")
        assert back.mode == "1"
        np.testing.assert_array_equal(back.pixels, np.where(expected, 255, 0))
    for image, compression, distance in (
        (Image.fromarray(color), "tiff_lzw", 0),
        (Image.fromarray(color), "packbits", 0),
        (Image.fromarray(color), "jpeg", 60),
        (Image.fromarray(bits).convert("1"), "group4", 0),
    ):
        image.save(tmp_path / "c.tif", compression=compression)
        back, expected = read(tmp_path / "c.tif").pixels, np.asarray(image.convert("L" if image.mode == "1" else "RGB"))
        np.testing.assert_allclose(back.astype(int), expected, atol=distance)
    deep = color.astype("uint16") * 257
    cv2.imwrite(str(tmp_path / "d.tif"), deep[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    np.testing.assert_array_equal(read(tmp_path / "d.tif").pixels, deep)


def test_tiffs_of_other_numbers_are_refused(tmp_path):
    for kind in ("float16", "float32", "float64", "int8", "int16", "int32", "uint32"):
        for channels, photometric in ((1, "minisblack"), (3, "rgb")):
            tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 6, channels), kind).squeeze(), photometric=photometric)
            with pytest.raises(ValueError, match=r"a\.tif, got \d × \d+ bits of .*; save it with 8 or 16 bits"):
                read(tmp_path / "a.tif")
    pixels = np.ones((16, 16, 6), "uint8")
    for name, given, options in (
        ("six", pixels, {"photometric": "rgb", "extrasamples": ["unspecified"] * 3, "planarconfig": "contig"}),
        ("ink", pixels[..., :4].astype("uint16"), {"photometric": "separated"}),
        ("solid", np.ones((16, 16, 16), "uint8"), {"photometric": "minisblack", "volumetric": True, "tile": (16,) * 3}),
    ):
        tifffile.imwrite(tmp_path / f"{name}.tif", given, **options)
        with pytest.raises(ValueError, match=rf"{name}\.tif, got .*; save it with 8 or 16 bits of gray or RGB"):
            read(tmp_path / f"{name}.tif")


def test_a_cut_tiff_is_refused(tmp_path, random):
    for options in ({}, {"compression": "zlib"}, {"tile": (16, 16)}, {"planarconfig": "separate"}):
        pixels = random.integers(0, 65536, (3, 40, 60) if "planarconfig" in options else (40, 60, 3), "uint16")
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", metadata=None, **options)
        content = (tmp_path / "a.tif").read_bytes()
        for part in (0.2, 0.6, 0.95):
            (tmp_path / "b.tif").write_bytes(content[: int(part * len(content))])
            with pytest.raises(ValueError, match=r"b\.tif"):
                read(tmp_path / "b.tif")


def test_other_ways_to_be_transparent(tmp_path, color):
    Image.fromarray(color).save(tmp_path / "rgb.png", transparency=tuple(map(int, color[0, 0])))
    picture = read(tmp_path / "rgb.png")
    assert picture.mode == "RGBA"
    assert picture.pixels[0, 0, 3] == 0 and picture.pixels[..., 3].max() == 255


def test_what_is_hidden_does_not_show(color):
    pixels = np.zeros((20, 20, 4), "uint8")
    pixels[5:15, 5:15] = 200, 100, 50, 255
    grown = enlarge(Picture(pixels, "RGBA"), lambda pixels: sr.degradations.resize(pixels, (40, 40))).pixels
    assert 0 < grown[9, 20, 3] < 255, "the edge is soft"
    assert np.abs(grown[grown[..., 3] > 0][:, :3].astype(int) - [200, 100, 50]).max() == 0
    clear = Picture(np.zeros((4, 4, 4), "uint8"), "RGBA")
    assert enlarge(clear, lambda pixels: pixels).pixels.max() == 0


def test_cmyk_is_enlarged_as_a_negative(color):
    shapes = []

    def grow(pixels):
        shapes.append(pixels.shape)
        return np.minimum(pixels, 200)

    ink = kinds(color)["CMYK"]
    np.testing.assert_array_equal(enlarge(Picture(ink, "CMYK"), grow).pixels, np.maximum(ink, 55))
    assert shapes == [(40, 60, 3), (40, 60)]


def test_what_cannot_be_read_is_named(tmp_path, color, monkeypatch):
    image = Image.fromarray(color)
    image.save(tmp_path / "whole.jpg")
    image.save(tmp_path / "whole.png")
    content = {"text.jpg": b"hello", "empty.png": b""}
    for ending in (".jpg", ".png"):
        whole = (tmp_path / f"whole{ending}").read_bytes()
        content[f"truncated{ending}"] = whole[: 2 * len(whole) // 3]
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=rf"Expected a whole PNG, .* in .*{name}, got"):
            read(tmp_path / name)
    for name in ("moving.gif", "film.webp", "pages.tif"):
        image.save(tmp_path / name, save_all=True, append_images=[image.rotate(90)])
        with pytest.raises(ValueError, match=rf"{name}, got 2 frames or pages; save them one by one"):
            read(tmp_path / name)
    image.save(tmp_path / "camera.jpg", "MPO", save_all=True, append_images=[image.resize((30, 20))])
    assert read(tmp_path / "camera.jpg").pixels.shape == color.shape
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing.png")
    monkeypatch.setattr("srhelpers.upscaling.pictures.LARGEST", 100)
    with pytest.raises(ValueError, match="60×40 pixels, more than"):
        read(tmp_path / "whole.png")


def test_100_megapixels_are_no_bomb(tmp_path):
    buffer = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    limit = Image.MAX_IMAGE_PIXELS
    assert read(tmp_path / "a.png").pixels.shape == (10_000, 20_000)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_what_cannot_be_written_is_named(tmp_path, color, monkeypatch):
    with pytest.raises(ValueError, match=r"ends in \.png, .*, got 'a\.psd'"):
        write(Picture(color, "RGB"), "a.psd")
    with pytest.raises(ValueError, match=r"at most 16383 pixels a side, .* got 20000×3"):
        write(Picture(np.zeros((3, 20_000), "uint8"), "L"), tmp_path / "a.webp")
    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(Image.Image, "save", lambda *given, **options: given[1].write(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(Picture(color, "RGB"), tmp_path / "a.png")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.png", b"old")]
