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

# The photos of "photos" that validate: every result on that set leaves these out of training.
VALIDATION = tuple(
    f"{number:03d}.jpg" for number in (6, 20, 33, 47, 60, 74, 87, 101, 114, 128, 141, 155, 168, 182, 195, 209)
)


@dataclass(frozen=True)
class Dataset:
    """One row of the table; `DATASETS` maps lower-case names to rows.

    Args:
        name: what you call it.
        about: one line: what it is and for what.
        licence: terms in a few words.
        photos: how many images it has.
        folders: lower-case endings of the folder the images lie in, the best first.
        archive: Archive, or None.
        kaggle: slugs "owner/name".
    """

    name: str
    about: str
    licence: str
    photos: int
    folders: tuple
    archive: Archive | None = None
    kaggle: tuple = ()


def _voc(year, photos, file, size, checksum, kaggle=()):
    name = f"voc{year}"
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
        kaggle=kaggle,
    )


def _div2k(name, about, photos, file, size, sha256, folder, kaggle=()):
    address = f"https://data.vision.ee.ethz.ch/cvl/DIV2K/{file}"
    return Dataset(
        name,
        about=about,
        licence="academic research",
        photos=photos,
        folders=(folder,),
        archive=Archive(name, (address,), f"sha256:{sha256}", size),
        kaggle=kaggle,
    )


_DIV2K_ON_KAGGLE = ("joe1995/div2k-dataset", "soumikrakshit/div2k-high-resolution-images")
_BENCHMARK = Archive(
    "benchmark",
    ("https://cv.snu.ac.kr/research/EDSR/benchmark.tar",),
    checksum="md5:4ace41d33c2384b97e6b320cd0afd6ba",
    about_size=250_000_000,
)


def _benchmark(name, about, photos, kaggle=()):
    return Dataset(
        name,
        about=about,
        licence="research",
        photos=photos,
        # EDSR's archive has HR; sets on Kaggle have the originals, or those cut to multiples of 12.
        folders=tuple(f"{name.lower()}/{kind}" for kind in ("hr", "original", "gtmod12")),
        archive=_BENCHMARK,
        kaggle=kaggle,
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
    _voc(
        2007,
        photos=5011,
        file="VOCtrainval_06-Nov-2007.tar",
        size=460032000,
        checksum="sha256:7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508",
        kaggle=("zaraks/pascal-voc-2007",),
    ),
    _voc(
        2012,
        photos=17125,
        file="VOCtrainval_11-May-2012.tar",
        size=1999639040,
        checksum="md5:6cd6e144f989b92b3379bac3b3de84fd",
    ),
    _div2k(
        "div2k_train",
        about="800 photos of 2K, for training",
        photos=800,
        file="DIV2K_train_HR.zip",
        size=3530603713,
        sha256="9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
        folder="div2k_train_hr",
        kaggle=_DIV2K_ON_KAGGLE,
    ),
    _div2k(
        "div2k_valid",
        about="100 photos of 2K, for validation",
        photos=100,
        file="DIV2K_valid_HR.zip",
        size=448993893,
        sha256="20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
        folder="div2k_valid_hr",
        kaggle=_DIV2K_ON_KAGGLE,
    ),
    _div2k(
        "div2k_train_lr_x4",
        about="div2k_train reduced ×4 by MATLAB",
        photos=800,
        file="DIV2K_train_LR_bicubic_X4.zip",
        size=246914039,
        sha256="f006b837f4eb52b82909aa01478e6d6d199eefce932179491d0c9dbb706dde3a",
        folder="div2k_train_lr_bicubic/x4",
    ),
    _div2k(
        "div2k_valid_lr_x4",
        about="div2k_valid reduced ×4 by MATLAB",
        photos=100,
        file="DIV2K_valid_LR_bicubic_X4.zip",
        size=31505881,
        sha256="a50a5d1c4b88de4e8d300d8fb2b904c52fe93b2b298a4899697760d7cbb6d553",
        folder="div2k_valid_lr_bicubic/x4",
    ),
    _benchmark(
        "Set5",
        "the five standard test images; one archive has four sets",
        5,
        ("ll01dm/set-5-14-super-resolution-dataset",),
    ),
    _benchmark(
        "Set14", "the fourteen standard ones; bridge is grey", 14, ("ll01dm/set-5-14-super-resolution-dataset",)
    ),
    _benchmark("B100", "100 test photos of BSDS, also called BSD100", 100),
    _benchmark("Urban100", "100 photos of buildings", 100),
)
DATASETS = {row.name.lower(): row for row in _ROWS}
