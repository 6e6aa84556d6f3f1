"""The one table of datasets: names, addresses, sizes, checksums, Kaggle slugs, layouts, licences."""

from dataclasses import dataclass

from .downloads import Archive

# Photographs inside scikit-image's package, with their makers and terms as scikit-image gives them; it takes only
# free pictures, and names no licence for the motorcycle.
SAMPLES = {
    "astronaut.png": "Eileen Collins, by NASA. Public domain.",
    "brick.png": "Brick wall, from CC0 Textures. CC0.",
    "camera.png": "Photographer, by Lav Varshney. CC0.",
    "chelsea.png": "Chelsea the cat, by Stéfan van der Walt. CC0.",
    "coffee.png": "Coffee cup, by Rachel Michetti, courtesy of Pikolo Espresso Bar. CC0.",
    "grass.png": "Grass, by Linolafett. CC0.",
    "gravel.png": "Gravel, from CC0 Textures. CC0.",
    "hubble_deep_field.jpg": "Hubble eXtreme Deep Field, by NASA and ESA. Public domain.",
    "motorcycle_left.png": "Motorcycle, left eye, from the Middlebury stereo data 2014 (Scharstein et al.).",
    "motorcycle_right.png": "Motorcycle, right eye, from the Middlebury stereo data 2014 (Scharstein et al.).",
    "retina.jpg": "Retina, by Mikael Häggström. CC0.",
    "rocket.jpg": "Launch of DSCOVR on a Falcon 9, by SpaceX. Public domain.",
}

# The photos of "photos" that validate: no network that ships has seen them in training.
VALIDATION = tuple(
    f"{number:03d}.jpg" for number in (0, 14, 29, 43, 57, 72, 86, 100, 115, 129, 143, 158, 172, 186, 201, 215)
)


@dataclass(frozen=True)
class Dataset:
    """One row of the table; `DATASETS` maps lower-case names to rows."""

    name: str
    about: str  # what it is and for what, in one line
    licence: str
    photos: int  # how many
    folders: tuple  # lower-case endings of the folder the images lie in, the best first
    archive: Archive | None = None
    kaggle: tuple = ()  # slugs "owner/name"


def _voc(year, photos, day, size, checksum):
    name, file = f"voc{year}", f"VOCtrainval_{day}-{year}.tar"
    addresses = (
        f"http://host.robots.ox.ac.uk/pascal/VOC/{name}/{file}",
        f"http://pjreddie.com/media/files/{file}",
    )
    return Dataset(
        name,
        about=f"PASCAL VOC {year}, train and val: everyday photos of about 500×375",
        licence="research; Flickr terms",
        photos=photos,
        folders=(f"voctrainval*/vocdevkit/{name}/jpegimages", f"{name}/jpegimages", "jpegimages"),
        archive=Archive(name, addresses, checksum, size),
        kaggle=("zaraks/pascal-voc-2007",) if year == 2007 else (),
    )


def _div2k(part, photos, size, sha256, kind="HR"):
    low = kind != "HR"
    name, file = f"div2k_{part}{'_lr_x4' if low else ''}", f"DIV2K_{part}_{kind}{'_X4' if low else ''}.zip"
    return Dataset(
        name,
        about=f"div2k_{part} reduced ×4 by MATLAB" if low else f"DIV2K {part}: {photos} photos of 2K",
        licence="academic research",
        photos=photos,
        folders=(f"div2k_{part}_{kind.lower()}{'/x4' if low else ''}",),
        archive=Archive(name, (f"https://data.vision.ee.ethz.ch/cvl/DIV2K/{file}",), f"sha256:{sha256}", size),
        kaggle=() if low else ("joe1995/div2k-dataset", "soumikrakshit/div2k-high-resolution-images"),
    )


_BENCHMARK = Archive(
    "benchmark",
    ("https://cv.snu.ac.kr/research/EDSR/benchmark.tar",),
    checksum="md5:4ace41d33c2384b97e6b320cd0afd6ba",
    about_size=250_000_000,
)


def _benchmark(name, about, photos):
    return Dataset(
        name,
        about=about,
        licence="research",
        photos=photos,
        # EDSR's archive has HR; sets on Kaggle have the originals, or those cut to multiples of 12.
        folders=tuple(f"{name.lower()}/{kind}" for kind in ("hr", "original", "gtmod12")),
        archive=_BENCHMARK,
        kaggle=("ll01dm/set-5-14-super-resolution-dataset",) if name.startswith("Set") else (),
    )


_ROWS = (
    Dataset(
        "samples",
        about="photographs inside scikit-image: always there",
        licence="credits and terms in srhelpers/datasets/catalog.py",
        photos=len(SAMPLES),
        folders=(),
    ),
    Dataset(
        "photos",
        about="photographs of 288×288 that come with this course: always there",
        licence="CC0, CC BY, CC BY-SA and other free ones; credits.csv beside them",
        photos=216,
        folders=(),
    ),
    _voc(2007, 5011, "06-Nov", 460032000, "sha256:7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508"),
    _voc(2012, 17125, "11-May", 1999639040, "md5:6cd6e144f989b92b3379bac3b3de84fd"),
    _div2k("train", 800, 3530603713, "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335"),
    _div2k("valid", 100, 448993893, "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc"),
    _div2k("train", 800, 246914039, "f006b837f4eb52b82909aa01478e6d6d199eefce932179491d0c9dbb706dde3a", "LR_bicubic"),
    _div2k("valid", 100, 31505881, "a50a5d1c4b88de4e8d300d8fb2b904c52fe93b2b298a4899697760d7cbb6d553", "LR_bicubic"),
    _benchmark("Set5", "the five standard test images; one archive has four sets", 5),
    _benchmark("Set14", "the fourteen standard ones; bridge is gray", 14),
    _benchmark("B100", "100 test photos of BSDS, also called BSD100", 100),
    _benchmark("Urban100", "100 photos of buildings", 100),
)
DATASETS = {row.name.lower(): row for row in _ROWS}
