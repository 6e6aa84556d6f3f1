"""Measure what networks make of damaged photos: python recipes/damages.py [NAME ...]

PSNR-Y and LPIPS on the 16 validation photos, for each damage by name, into data/results/damages.csv; of networks that
are not in `METHODS`, on these photos as they are. What the upscaler takes by itself for photos and clean pictures is
decided by this table, for clips also by data/results/speed.csv; for drawings it takes the network that was made for
them. `TAKEN` goes into the networks' records. With names it measures these alone, anew.
"""

import sys

import srhelpers as sr
import pandas as pd

METHODS = {
    4: (
        "bicubic",
        *("compact_x4", "compact_x4_robust", "edsr_baseline_x4", "krasserm_srresnet_x4", "krasserm_srgan_x4"),
        *("isr_rrdn_gans_x4", "realesr_animevideov3_x4", "realesrgan_x4plus", "realesrgan_x4plus_anime"),
    ),
    2: ("bicubic", "compact_x2", "compact_x2_robust", "edsr_baseline_x2"),
}
TAKEN = {
    **{name: ["clean"] for name in ("compact_x2", "compact_x3", "compact_x4")},
    **{name: ["photo", "video"] for name in ("compact_x2_robust", "compact_x4_robust")},
    "realesrgan_x4plus_anime": ["drawing"],
}


def wanted(shipped):
    """(method, scale) → degradations: all for those above, clean photos for every other network that ships."""
    upscalers = [name for name, record in shipped.items() if record.kind == "upscaler" and sr.models.is_here(name)]
    found = {(name, scale): ("bicubic",) for name in upscalers for scale in shipped[name].scales}
    found["bicubic", 3] = ("bicubic",)
    return found | {
        (name, scale): ("bicubic", *sr.degradations.DAMAGES) for scale in METHODS for name in METHODS[scale]
    }


if __name__ == "__main__":
    sr.setup("quick")
    _, photos = sr.datasets.split("photos")
    shipped, file = sr.models.manifest(sr.runtime.shipped("models")), sr.runtime.shipped("results") / "damages.csv"
    for (method, scale), degradations in wanted(shipped).items():
        if sys.argv[1:] and method not in sys.argv[1:]:
            continue
        if method != "bicubic" and method not in shipped:
            print(f"{method} does not ship", file=sys.stderr)
            continue
        rows = [
            sr.metrics.evaluate(method, photos, scale, degradation=degradation, lpips=True)
            for degradation in degradations
        ]
        rows = pd.concat(rows, ignore_index=True).assign(dataset="validation", folder="")
        table = sr.metrics.summarise(rows)
        sr.metrics.save(table, file)
        print(table, flush=True)
    for name in shipped:
        sr.models.describe(name, folder=sr.runtime.shipped("models"), uses=TAKEN.get(name, []))
