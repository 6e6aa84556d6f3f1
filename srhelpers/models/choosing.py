"""The shipped upscalers: what each is good for, what it scored, and which to take."""

import pandas as pd

from . import shipped, store

PURPOSES = {
    "voc_plain": "plain convolutions, two sizes at once",
    "voc_residual": "quickest, and best for compressed or noisy pictures: residual blocks",
    "voc_atrous": "residual blocks with dilated convolutions, which look further",
    "voc_efficientnet": "features of EfficientNet beside the photo",
    "voc_depth_to_space": "small and good: enlarges its features by depth to space",
    "edsr_baseline_x2": "deep, briefly trained: behind the small ones",
    "edsr_baseline_x4": "deep and faithful, for clean pictures",
    "srresnet_mse_x4": "SRResNet: faithful, soft",
    "srresnet_vgg22_x4": "SRResNet with a perceptual loss: sharper, invents detail",
    "srgan_mse_x4": "SRGAN, squared error: crisper than SRResNet, invents a little",
    "srgan_vgg22_x4": "SRGAN with a perceptual loss, briefly trained: pale, for study",
    "srgan_vgg54_x4": "SRGAN with a deep perceptual loss, briefly trained: pale, for study",
}
STUDY = "voc_article_"  # names of the article's networks, faults and all, begin so
SMALL = 72  # pixels a side of what the VOC models enlarge in their own test


def _scores(dataset=None):
    """PSNR-Y of the shipped models on bicubic low resolution: a row per model, a column per scale, mean over sets."""
    rows = pd.read_csv(shipped.folder("results") / "benchmarks.csv")
    rows = rows[(rows.degradation == "bicubic") & rows.method.isin(list(store.manifest()))]
    rows = rows[rows.dataset == dataset] if dataset else rows
    return rows.pivot_table("psnr_y", "method", "scale", sort=False)


def best(scale):
    """The shipped model with the highest PSNR-Y at a scale, mean over the benchmark sets.

    Args:
        scale: number above 0. Where no model has it, the next larger one that models have counts, or the largest.

    Returns:
        Its name.

    >>> import srhelpers as sr
    >>> sr.models.best(2) in sr.models.manifest()
    True
    """
    scores = _scores()
    own = min((known for known in scores.columns if known >= scale), default=max(scores.columns))
    return scores[own].idxmax()


def _scales(facts):
    """The scales of a shipped model, without loading it; [] if it is no upscaler."""
    if "scale" in facts:
        return [facts["scale"]]
    return [int(key.removeprefix("psnr_")) // SMALL for key in facts.get("score", {}) if key.startswith("psnr_")]


def table():
    """What is shipped for upscaling.

    Returns:
        pandas.DataFrame with a row per model: name, scales (list of int), parameters, megabytes, score ("35.92 dB on
        Set5" for each scale, PSNR-Y, or "28.10 dB, its own test" where Set5 was not measured), purpose, which also
        says which one `best` takes, and notebook. Those for study come last.

    >>> import srhelpers as sr
    >>> sr.models.table().set_index("name").scales["voc_plain"]
    [2, 4]
    """
    measured, chosen, rows = _scores("Set5"), {scale: best(scale) for scale in _scores().columns}, []
    for name, facts in store.manifest().items():
        scales = _scales(facts)
        if name in measured.index:
            values, where = measured.loc[name, scales], "on Set5"
        else:
            values, where = [value for key, value in facts.get("score", {}).items() if "psnr" in key], "its own test"
        taken = [f"×{scale}" for scale in scales if chosen.get(scale) == name]
        study = "the article's network with its faults, for study" if name.startswith(STUDY) else ""
        row = {
            "name": name,
            "scales": scales,
            "parameters": facts["parameters"],
            "megabytes": facts["bytes"] / 1e6,
            "score": f"{' / '.join(f'{value:.2f}' for value in values)} dB, {where}",
            "purpose": f"{PURPOSES.get(name, study)}{'; taken for ' * bool(taken)}{' and '.join(taken)}",
            "notebook": facts.get("notebook", ""),
        }
        rows += [row] * bool(scales)
    return pd.DataFrame(sorted(rows, key=lambda row: row["name"].startswith(STUDY)))
