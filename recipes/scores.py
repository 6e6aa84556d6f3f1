"""Write the measured PSNR-Y of the shipped networks into what is known of them: `python recipes/scores.py`.

Measure first: srhelpers evaluate --model NAME --dataset Set5 Set14 B100 --csv data/results/benchmarks.csv
"""

import srhelpers as sr
import pandas as pd

if __name__ == "__main__":
    folder = sr.runtime.shipped("models")
    rows = pd.read_csv(sr.runtime.shipped("results") / "benchmarks.csv").query("degradation == 'bicubic'")
    for name in sr.models.manifest(folder):
        scores = {}
        for row in rows[rows.method == name].itertuples():
            scores.setdefault(row.dataset, {})[row.scale] = row.psnr_y
        sr.models.describe(name, folder=folder, scores=scores)
