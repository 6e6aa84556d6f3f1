"""Make the README's picture and tables from what was measured. Run it in the repository's root."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import srhelpers as sr

PUBLISHED = {"Set5": "28.42 / .8104", "Set14": "26.00 / .7027", "B100": "25.96 / .6675"}
PICTURE = Path("data/results/strip.jpg")


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


MODELS = {
    4: {
        "bicubic": "bicubic",
        "compact": "compact_x4",
        "EDSR baseline": "edsr_baseline_x4",
        "depth to space": "voc_depth_to_space",
        "residual blocks": "voc_residual",
        "compact, robust": "compact_x4_robust",
        "SRResNet": "krasserm_srresnet_x4",
        "SRGAN": "krasserm_srgan_x4",
        "RRDN “gans”": "isr_rrdn_gans_x4",
        "Real-ESRGAN x4plus": "realesrgan_x4plus",
        "x4plus-anime": "realesrgan_x4plus_anime",
        "animevideov3": "realesr_animevideov3_x4",
    },
    2: {
        "bicubic": "bicubic",
        "compact": "compact_x2",
        "EDSR baseline": "edsr_baseline_x2",
        "depth to space": "voc_depth_to_space",
        "residual blocks": "voc_residual",
    },
}
SETS = ("Set5", "Set14", "B100")


def models():
    """The networks worth using, on the benchmark sets, as a Markdown table."""
    measured = pd.read_csv("data/results/benchmarks.csv").set_index(["scale", "method", "dataset"]).sort_index()
    speed = pd.read_csv("data/results/speed.csv").set_index(["model", "scale"])
    files = {path.name[:2]: path.name for path in sorted(Path("notebooks").glob("*.ipynb"))}
    known = sr.models.manifest()
    heads = ["PSNR-Y in dB / SSIM-Y", *SETS, "LPIPS, B100", "parameters", "s/MP", "lesson"]
    lines = [heads, ["---"] * len(heads)]
    for scale, names in MODELS.items():
        for title, name in names.items():
            rows = measured.loc[scale, name]
            cells = [f"{rows.psnr_y[set_]:.2f} / {rows.ssim_y[set_]:.4f}".replace(" 0.", " .") for set_ in SETS]
            number = "01" if name == "bicubic" else known[name].lesson
            parameters = f"{known[name].parameters:,}" if name != "bicubic" else ""
            # The networks of lesson 07 are one architecture.
            timed = "krasserm_srresnet_x4" if number == "07" else name
            seconds = f"{speed.seconds_per_megapixel[timed, scale]:.1f}" if (timed, scale) in speed.index else ""
            lesson = f"[{number}](notebooks/{files[number]})"
            called = "" if name == "bicubic" else f" `{name}`"
            if name in known and known[name].author != "this course":
                called += f" by {known[name].author}, {known[name].licence}"
            lines.append(
                [f"×{scale}: {title}{called}", *cells, f"{rows.lpips['B100']:.3f}", parameters, seconds, lesson]
            )
    ours = known["compact_x4"]
    source = (
        f"\nOurs were trained on {ours.device}, without a GPU, by {ours.date}: `compact_x4` had {ours.steps:,} steps, "
        f"{ours.minutes:.0f} minutes. The EDSR paper's baseline, after 300,000 steps, has 32.09 / 28.58 / 27.57 dB at "
        "×4. So compare no architectures by these rows. LPIPS is a perceptual distance: less is better. s/MP: seconds "
        f"per megapixel of output, in tiles of 256, {speed.device.iloc[0]}, {speed.date.max()}. All else: "
        "`data/models/manifest.json`."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + source


DAMAGES = ("bicubic", "jpeg90", "jpeg75", "jpeg50", "jpeg20", "noise5", "noise15", "blur")


def damages():
    """What networks make of damaged photos ×4, as a Markdown table."""
    measured = pd.read_csv("data/results/damages.csv").query("scale == 4")
    cells = measured.apply(lambda row: f"{row.psnr_y:.2f} / {row.lpips:.3f}".replace(" 0.", " ."), axis=1)
    rows = measured.assign(cell=cells).pivot(index="method", columns="degradation", values="cell")
    rows = rows.loc[measured.method.unique(), list(DAMAGES)]
    lines = [["×4, PSNR-Y in dB / LPIPS", "none", *DAMAGES[1:]], ["---"] * (len(DAMAGES) + 1)]
    lines += [[f"`{name}`", *row] for name, row in zip(rows.index, rows.to_numpy(), strict=True)]
    source = (
        "\nMean over the 16 validation photos of `data/photos`, downsampled ×4 and then damaged: JPEG of that quality, "
        "Gaussian noise of that many gray levels, a Gaussian blur of one pixel; measured by `recipes/damages.py`, "
        f"{measured.device.iloc[0]}, {measured.date.max()}."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + source


CROPS = {"the face": (170, 50, 128, 96), "the model of the shuttle": (330, 206, 128, 96)}  # left, top, width, height


def picture():
    """One photo, reduced 4 times and grown back, zoomed at two places."""
    photo = sr.datasets.sample("astronaut")
    small = sr.degradations.bicubic(photo, (128, 128))
    shown = {
        "4 times smaller": sr.degradations.resize(small, photo.shape[:2], "nearest"),
        "bicubic": sr.degradations.resize(small, photo.shape[:2]),
        "EDSR baseline": sr.upscaling.upscale(small, "edsr_baseline_x4"),
        "the photo": photo,
    }
    figure, axes = plt.subplots(len(CROPS), len(shown), figsize=(11, 4.6), layout="constrained")
    for row, (left, top, width, height) in zip(axes, CROPS.values(), strict=True):
        for panel, image in zip(row, shown.values(), strict=True):
            panel.imshow(image[top : top + height, left : left + width], interpolation="nearest")
            panel.axis("off")
    for panel, (name, image) in zip(axes[0], shown.items(), strict=True):
        measured = name in ("bicubic", "EDSR baseline")
        score = f", {sr.metrics.psnr(photo, image, crop_border=4, luma=True):.2f} dB" if measured else ""
        panel.set_title(f"{name}{score}", fontsize=11)
    figure.savefig(PICTURE, dpi=100, pil_kwargs={"quality": 88, "subsampling": 0})


if __name__ == "__main__":
    readme = Path("README.md")
    text = readme.read_text(encoding="utf-8")
    for name, make in {"table": table, "models": models, "damages": damages}.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        made = make()
        text = between.sub(lambda marks, made=made: f"{marks[1]}{made}\n{marks[2]}", text)
    readme.write_text(text, encoding="utf-8")
    picture()
