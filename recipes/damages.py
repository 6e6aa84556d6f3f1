"""Measure what networks make of damaged photos: python recipes/damages.py

PSNR-Y and LPIPS on the 16 validation photos, for each damage by name, into data/results/damages.csv. What the upscaler
takes by itself for photos and clean pictures is decided by this table, for clips also by data/results/speed.csv; for
drawings it takes the network that was made for them. `TAKEN` goes into the networks' records.
"""

import sys

import pandas as pd

import srhelpers as sr

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

if __name__ == "__main__":
    sr.setup("quick")
    _, photos = sr.datasets.split("photos")
    shipped, file = sr.models.manifest(sr.runtime.shipped("models")), sr.runtime.shipped("results") / "damages.csv"
    for scale, methods in METHODS.items():
        for method in methods:
            if method != "bicubic" and method not in shipped:
                print(f"{method} does not ship", file=sys.stderr)
                continue
            rows = [
                sr.metrics.evaluate(method, photos, scale, degradation=damage, lpips=True)
                for damage in ("bicubic", *sr.degradations.DAMAGES)
            ]
            rows = pd.concat(rows, ignore_index=True).assign(dataset="validation", folder="")
            table = sr.metrics.summarise(rows)
            sr.metrics.save(table, file)
            print(table, flush=True)
    for name in shipped:
        sr.models.describe(name, folder=sr.runtime.shipped("models"), uses=TAKEN.get(name, []))
