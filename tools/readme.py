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


STUDY = {
    "bicubic": "bicubic, area",
    "02, the article's plain convolutions": "plain, area",
    "02, plain convolutions": "plain, corrected",
    "03, residual blocks": "residual, added to bicubic",
    "04, atrous convolutions": "dilated, PSNR loss",
    "05, EfficientNet features": "with features",
    "06, depth to space": "depth to space, larger",
}


def study():
    """The networks of notebooks 02 to 06, as a Markdown table."""
    measured = sr.study.Study("06", sr.setup("quick", verbose=False))
    lines = [["72×72 grown, PSNR in dB (RGB)", "to 144×144", "to 288×288", "parameters"], ["---"] * 4]
    rows = measured.rows().set_index("experiment")
    for title, experiment in STUDY.items():
        parameters = rows.parameters[[experiment]].iloc[0]
        scores = [measured.score(experiment, side) for side in (144, 288)]
        lines.append([title, *scores, f"{parameters:,}" if parameters else ""])
    chosen = rows.loc[STUDY["06, depth to space"]]
    source = (
        f"\nMean over the validation photos of {chosen.dataset}, ± standard deviation over three seeds where there is "
        f"one; trained on {chosen.photos} photos on {chosen.date}, {chosen.device}, {chosen.precision}; every run in "
        "`data/results/voc_study.csv`."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + source


MODELS = {
    "bicubic": "bicubic",
    "03, residual blocks": "voc_residual",
    "07, SRResNet, squared error": "srresnet_mse_x4",
    "07, SRResNet, VGG22": "srresnet_vgg22_x4",
    "07, SRGAN, VGG54": "srgan_vgg54_x4",
    "08, EDSR baseline": "edsr_baseline_x4",
}
SETS = ("Set5", "Set14", "B100")


def models():
    """The networks from notebook 07 on, on the benchmark sets, as a Markdown table."""
    measured = pd.read_csv("data/results/benchmarks.csv").query("scale == 4").set_index(["method", "dataset"])
    lines = [["×4, PSNR-Y in dB / SSIM-Y", *SETS, "LPIPS, B100", "parameters"], ["---"] * 6]
    for title, name in MODELS.items():
        rows = measured.loc[name]
        cells = [f"{rows.psnr_y[set_]:.2f} / {rows.ssim_y[set_]:.4f}".replace(" 0.", " .") for set_ in SETS]
        parameters = f"{sr.training.manifest()[name]['parameters']:,}" if name != "bicubic" else ""
        lines.append([title, *cells, f"{rows.lpips['B100']:.3f}", parameters])
    facts = sr.training.manifest()[MODELS["08, EDSR baseline"]]
    source = (
        f"\nTrained on {facts['date']}, {facts['device']}. EDSR had {facts['steps']:,} steps, where the paper has "
        "300,000: compare no architectures by these rows. Photos, steps, minutes and checksums of all stand in "
        "`data/models/manifest.json`. LPIPS, a perceptual distance: less is better."
    )
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
    for name, make in {"table": table, "study": study, "models": models}.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        made = make()
        text = between.sub(lambda marks, made=made: f"{marks[1]}{made}\n{marks[2]}", text)
    readme.write_text(text, encoding="utf-8")
    picture()
