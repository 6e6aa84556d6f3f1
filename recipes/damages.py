"""Measure what networks make of damaged photos: python recipes/damages.py [NAME ...]

PSNR-Y and LPIPS of every network on the 16 validation photos, for each damage by name, into data/results/damages.csv.
What the upscaler takes by itself for photos and clean pictures is decided by this table, and by the seconds in
data/results/speed.csv; for drawings it takes the network that was made for them. `TAKEN` goes into the networks'
records. With names it measures these alone, anew.
"""

import sys

import srhelpers as sr
import pandas as pd

TAKEN = {
    **{name: ["clean"] for name in ("compact_x2", "compact_x3", "compact_x4")},
    **{name: ["photo", "video"] for name in ("compact_x2_robust", "compact_x4_robust")},
    "realesrgan_x4plus_anime": ["drawing"],
}


def methods(shipped):
    """(method, scale): bicubic interpolation, and every network that ships."""
    networks = [name for name, record in shipped.items() if record.kind == "upscaler" and sr.models.is_here(name)]
    return [("bicubic", scale) for scale in (2, 3, 4)] + [
        (name, scale) for name in networks for scale in shipped[name].scales
    ]


if __name__ == "__main__":
    sr.setup("quick")
    _, photos = sr.datasets.split("photos")
    shipped, file = sr.models.manifest(sr.runtime.shipped("models")), sr.runtime.shipped("results") / "damages.csv"
    for method, scale in methods(shipped):
        if sys.argv[1:] and method not in sys.argv[1:]:
            continue
        rows = [
            sr.metrics.evaluate(method, photos, scale, degradation=degradation, lpips=True)
            for degradation in ("bicubic", *sr.degradations.DAMAGES)
        ]
        rows = pd.concat(rows, ignore_index=True).assign(dataset="validation", folder="")
        table = sr.metrics.summarise(rows)
        sr.metrics.save(table, file)
        print(table, flush=True)
    for name in shipped:
        sr.models.describe(name, folder=sr.runtime.shipped("models"), uses=TAKEN.get(name, []))
