"""A folder of pictures by one process, and by the workers of a Ray cluster on this machine.

    python benchmarks/bulk.py [--pictures 1000] [--size 200x150] [--scale 4] [--workers 2] [--model compact_x4_robust]

Both make the same folder of JPEGs, and the files are compared byte for byte. Loading and compiling the network does not
count: a first run of a few pictures does it for the one process, and for the workers, which each run starts anew, the
time of such a run is taken off. On one machine the workers share the cores: the figure says
what Ray costs, or gains by keeping all of them busy; more machines are what it is for.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np

import srhelpers as sr


def make(folder, count, width, height):
    """Different pieces of a photo."""
    photo = cv2.cvtColor(sr.datasets.sample("coffee"), cv2.COLOR_RGB2BGR)
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        top, left = (random.integers(n - m + 1) for n, m in zip(photo.shape[:2], (height, width), strict=True))
        cv2.imwrite(str(folder / f"{number:05}.jpg"), photo[top : top + height, left : left + width])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--size", default="200x150")
    parser.add_argument("--scale", type=float, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="compact_x4_robust")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    options = {"scale": arguments.scale, "progress": False}
    shared = {"workers": arguments.workers}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        make(folder / "few", 2 * arguments.workers * sr.upscaling.cluster.BLOCK, width, height)
        make(folder / "all", arguments.pictures, width, height)
        print(f"{sr.runtime.device()}; {arguments.pictures} JPEGs of {width}×{height}, {arguments.model}", flush=True)
        sides = {
            "one process": lambda *given: sr.upscaling.folders.upscale_files(*given, arguments.model, **options),
            f"Ray, {arguments.workers} workers": lambda *given: sr.upscaling.cluster.upscale_files(
                *given, arguments.model, **options, **shared
            ),
        }
        rates = {}
        for name, upscale in sides.items():
            few = upscale(folder / "few", folder / name / "few")
            made = upscale(folder / "all", folder / name / "all")
            if few.failed or made.failed:
                raise RuntimeError(f"{name}: {few.failed | made.failed}")
            start = few if name.startswith("Ray") else sr.upscaling.folders.Summary()
            rates[name] = (made.megapixels - start.megapixels) / (made.seconds - start.seconds)
            print(f"{name:<16} {rates[name]:7.2f} megapixels/s, {made.seconds:.1f} s in all", flush=True)
        one, other = ({file.name: file.read_bytes() for file in (folder / name / "all").iterdir()} for name in sides)
        if one != other:
            raise RuntimeError("Expected the same bytes from both sides, got others.")
        size = sum(map(len, one.values())) / 1e6 / made.megapixels
        print(f"The files take {size:.2f} MB a megapixel.")
        print(f"Ray makes {rates[list(sides)[1]] / rates['one process']:.2f} times as much; the files are the same.")


if __name__ == "__main__":
    main()
