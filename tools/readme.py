"""Make the README's picture, and the tables of README and docs, from what was measured. Run it in the root."""

import itertools
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import srhelpers as sr

PUBLISHED = {"Set5": "28.42 / .8104", "Set14": "26.00 / .7027", "B100": "25.96 / .6675"}
PICTURE = Path("data/results/before_after.jpg")


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
        "compact, robust": "compact_x4_robust",
        "EDSR baseline": "edsr_baseline_x4",
        "depth to space": "voc_depth_to_space",
        "residual blocks": "voc_residual",
        "SRResNet": "krasserm_srresnet_x4",
        "SRGAN": "krasserm_srgan_x4",
        "SRGAN, VGG54": "srgan_vgg54_x4",
        "RRDN “gans”": "isr_rrdn_gans_x4",
        "Real-ESRGAN x4plus": "realesrgan_x4plus",
        "x4plus-anime": "realesrgan_x4plus_anime",
        "animevideov3": "realesr_animevideov3_x4",
    },
    2: {
        "bicubic": "bicubic",
        "compact": "compact_x2",
        "compact, robust": "compact_x2_robust",
        "EDSR baseline": "edsr_baseline_x2",
    },
}
MORE = {
    3: {"bicubic": "bicubic", "compact": "compact_x3", "EDSR baseline": "edsr_baseline_x3"},
    2: {"depth to space": "voc_depth_to_space", "residual blocks": "voc_residual"},
}
SETS = ("Set5", "Set14", "B100")


def measured_networks(chosen, notebooks):
    """Networks on the benchmark sets, as a Markdown table with links to the folder of notebooks."""
    measured = pd.read_csv("data/results/benchmarks.csv").set_index(["scale", "method", "dataset"]).sort_index()
    speed = pd.read_csv("data/results/speed.csv").set_index(["model", "scale"])
    files = {path.name[:2]: path.name for path in sorted(Path("notebooks").glob("*.ipynb"))}
    known = sr.models.manifest()
    heads = ["PSNR-Y in dB / SSIM-Y", *SETS, "LPIPS, B100", "parameters", "s/MP", "lesson"]
    lines = [heads, ["---"] * len(heads)]
    for scale, names in chosen.items():
        for title, name in names.items():
            rows = measured.loc[scale, name]
            cells = [f"{rows.psnr_y[set_]:.2f} / {rows.ssim_y[set_]:.4f}".replace(" 0.", " .") for set_ in SETS]
            number = "01" if name == "bicubic" else known[name].lesson
            parameters = f"{known[name].parameters:,}" if name != "bicubic" else ""
            # The networks of lesson 07 are one architecture.
            timed = "krasserm_srresnet_x4" if number == "07" else name
            seconds = f"{speed.seconds_per_megapixel[timed, scale]:.1f}" if (timed, scale) in speed.index else ""
            lesson = f"[{number}]({notebooks}/{files[number]})"
            called = "" if name == "bicubic" else f" `{name}`"
            if name in known and known[name].author != "this course":
                called += f" by {known[name].author}, {known[name].licence}"
            lines.append(
                [f"×{scale}: {title}{called}", *cells, f"{rows.lpips['B100']:.3f}", parameters, seconds, lesson]
            )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def models():
    """The networks worth using, as a Markdown table."""
    speed = pd.read_csv("data/results/speed.csv")
    known = sr.models.manifest()
    ours, debts = known["compact_x4"], {}
    for name in itertools.chain(*(names.values() for names in MODELS.values())):
        if name in known and known[name].author == "this course" and known[name].source:
            debts.setdefault(f"{known[name].source} ({known[name].licence})", []).append(f"`{name}`")
    debts = "; ".join(f"{', '.join(names)}: {source}" for source, names in debts.items())
    source = (
        f"\nOurs were trained on {ours.device}, without a GPU, by {ours.date}: `compact_x4` had {ours.steps:,} steps, "
        f"{ours.minutes:.0f} minutes. The EDSR paper's baseline, after 300,000 steps, has 32.09 / 28.58 / 27.57 dB at "
        "×4. So compare no architectures by these rows. LPIPS is a perceptual distance: less is better. s/MP: seconds "
        f"per megapixel of output, in tiles of 256, {speed.device.iloc[0]}, {speed.date.max()}. Whose work ours go "
        f"back to: {debts}. All else: `data/models/manifest.json`."
    )
    return f"{measured_networks(MODELS, 'notebooks')}\n{source}"


def more():
    """Those that the README leaves out, as a Markdown table."""
    return measured_networks(MORE, "../notebooks")


DAMAGES = ("bicubic", "jpeg90", "jpeg75", "jpeg50", "jpeg20", "noise5", "noise15", "blur")


def damages():
    """What networks make of damaged photos, as Markdown tables."""
    measured = pd.read_csv("data/results/damages.csv")
    cells = measured.apply(lambda row: f"{row.psnr_y:.2f} / {row.lpips:.3f}".replace(" 0.", " ."), axis=1)
    tables = []
    for scale, known in measured.assign(cell=cells).groupby("scale", sort=False):
        rows = known.pivot(index="method", columns="degradation", values="cell")
        rows = rows.loc[known.method.unique(), list(DAMAGES)]
        lines = [[f"×{scale}, PSNR-Y in dB / LPIPS", "none", *DAMAGES[1:]], ["---"] * (len(DAMAGES) + 1)]
        lines += [[f"`{name}`", *row] for name, row in zip(rows.index, rows.to_numpy(), strict=True)]
        tables.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    source = (
        "Mean over the 16 validation photos of `data/photos`, downsampled and then damaged: JPEG of that quality, "
        "Gaussian noise of that many gray levels, a Gaussian blur of one pixel; measured by `recipes/damages.py`, "
        f"{measured.device.iloc[0]}, {measured.date.max()}."
    )
    return "\n\n".join([*tables, source])


PHOTOS, PIXELS, MACHINES = 10_000_000, (640, 480), 100
MEGABYTES = 0.23  # a megapixel of JPEG, as `benchmarks/bulk.py` measured it on 2026-11-30


def sizing():
    """Ten million photos ×4: how long and how much, as a Markdown table."""
    speed = pd.read_csv("data/results/speed.csv").query("scale == 4").set_index("model")
    speed = speed.loc[["compact_x4_robust", "realesrgan_x4plus"]]
    width, height = (4 * side for side in PIXELS)
    megapixels = width * height / 1e6
    seconds = speed.seconds_per_megapixel * megapixels * PHOTOS
    cells = {
        "seconds per megapixel": [f"{found:.2f}" for found in speed.seconds_per_megapixel],
        "one machine": [f"{total / 86400:,.0f} days" for total in seconds],
        f"{MACHINES} such machines": [f"{total / 86400 / MACHINES:,.1f} days" for total in seconds],
        "to store": [f"{MEGABYTES * megapixels * PHOTOS / 1e6:.0f} TB"] * 2,
    }
    lines = [["", *(f"`{name}`" for name in speed.index)], ["---"] * 3]
    lines += [[name, *row] for name, row in cells.items()]
    source = (
        f"\n{PHOTOS / 1e6:.0f} million JPEGs of {PIXELS[0]}×{PIXELS[1]} pixels become as many of {width}×{height}, "
        f"{megapixels:.2f} megapixels each, {megapixels * PHOTOS / 1e6:.1f} million megapixels in all. One machine: "
        f"{speed.device.iloc[0]}, measured on {speed.date.max()} (`data/results/speed.csv`). Storage: {MEGABYTES} MB a "
        "megapixel, as `benchmarks/bulk.py` found on 2026-11-30."
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + source


LEFT, TOP, WIDTH, HEIGHT = 70, 90, 132, 110  # of a photo that validates: no network of ours learned from it


def picture():
    """A photo of the course, its pixels as they are and upscaled four times, zoomed."""
    photo = sr.datasets.read_image("data/photos/201.jpg")
    size = (4 * photo.shape[0], 4 * photo.shape[1])
    shown = {
        "before: bicubic interpolation": sr.degradations.resize(photo, size, "bicubic"),
        "after: compact_x4_robust": sr.upscaling.upscale(photo, "compact_x4_robust", scale=4, tile=256),
        "after: realesrgan_x4plus": sr.upscaling.upscale(photo, "realesrgan_x4plus", scale=4, tile=256),
    }
    figure, axes = plt.subplots(1, len(shown), figsize=(15, 4.8), layout="constrained")
    for panel, (name, image) in zip(axes, shown.items(), strict=True):
        panel.imshow(image[4 * TOP :, 4 * LEFT :][: 4 * HEIGHT, : 4 * WIDTH], interpolation="antialiased")
        panel.set_title(name, fontsize=15)
        panel.axis("off")
    figure.savefig(PICTURE, dpi=110, pil_kwargs={"quality": 88, "subsampling": 0})


TABLES = {"README.md": (models,), "docs/measuring.md": (more, damages, table), "docs/large_folders.md": (sizing,)}


def renewed(path):
    """The page with its tables as they were measured."""
    text = Path(path).read_text(encoding="utf-8")
    for make in TABLES[path]:
        made = f"<!-- {make.__name__} -->\n{make()}\n<!-- end -->"
        text = re.sub(rf"(?s)<!-- {make.__name__} -->.*?<!-- end -->", lambda _, made=made: made, text)
    return text


if __name__ == "__main__":
    for path in TABLES:
        Path(path).write_text(renewed(path), encoding="utf-8")
    picture()
