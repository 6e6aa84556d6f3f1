"""Make the README's picture and table from what was measured. Run it in the repository's root."""

import re
from pathlib import Path

import pandas as pd

import srhelpers as sr

PUBLISHED = {"Set5": "28.42 / .8104", "Set14": "26.00 / .7027", "B100": "25.96 / .6675"}
PICTURE = Path("data/results/bicubic_baselines.jpg")


def table():
    """Interpolation ×4 on the benchmark sets, as a Markdown table."""
    # Growing by a whole factor, "area" repeats pixels and equals "nearest".
    measured = pd.read_csv("data/results/interpolation.csv").query("scale == 4 and method != 'area'")
    cells = measured.apply(lambda row: f"{row.psnr_y:.2f} / {row.ssim_y:.4f}".replace(" 0.", " ."), axis=1)
    rows = measured.assign(cell=cells).pivot(index="method", columns="dataset", values="cell")[list(PUBLISHED)]
    rows = rows.loc[measured.method.unique()]
    lines = [["×4, PSNR-Y in dB / SSIM-Y", *rows.columns], ["---"] * 4]
    lines += [[name, *row] for name, row in zip(rows.index, rows.to_numpy(), strict=True)]
    lines.append(["*bicubic, as papers print it*", *(f"*{cell}*" for cell in PUBLISHED.values())])
    device, date = measured.device.iloc[0], measured.date.max()
    source = f"\nMeasured by `srhelpers evaluate` on {date}, {device}; rows in `data/results/interpolation.csv`."
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + source


def picture():
    """One photo, reduced 4 times and grown back."""
    photo = sr.datasets.sample("astronaut")
    small = sr.degradations.bicubic(photo, (128, 128))
    grown = {name: sr.degradations.resize(small, photo.shape[:2], name) for name in ("nearest", "bicubic")}
    figure = sr.plots.compare(photo, grown, crop_border=4, title="Reduced 4 times, grown back by interpolation")
    figure.savefig(PICTURE, dpi=110, bbox_inches="tight", pil_kwargs={"quality": 88, "subsampling": 0})


if __name__ == "__main__":
    readme = Path("README.md")
    text = readme.read_text(encoding="utf-8")
    between = re.compile(r"(<!-- table -->\n).*?(<!-- end -->)", re.DOTALL)
    readme.write_text(between.sub(lambda marks: f"{marks[1]}{table()}\n{marks[2]}", text), encoding="utf-8")
    picture()
