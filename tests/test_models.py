import pandas as pd

import srhelpers as sr


def test_the_table_says_what_the_models_are():
    table = sr.models.table().set_index("name")
    upscalers = {}
    for name in sr.models.manifest():
        try:
            upscalers[name] = list(sr.upscaling.scales(name))
        except ValueError:
            assert name == "efficientnetb0_block1a"
    assert table.scales.to_dict() == upscalers
    assert (table.purpose != "").all(), "say in models.PURPOSES what it is for"
    assert table.score.edsr_baseline_x4.endswith("dB, on Set5")
    own = sr.models.manifest()["voc_article_plain"]["score"]
    assert table.score.voc_article_plain == f"{own['psnr_144']:.2f} / {own['psnr_288']:.2f} dB, its own test"
    assert "for study" in table.purpose.voc_article_plain
    study = [name.startswith(sr.models.STUDY) for name in table.index]
    assert study == sorted(study)


def test_the_best_is_the_best_measured(tmp_path, monkeypatch):
    rows = pd.DataFrame(
        [
            ("Set5", 2, "voc_plain", "bicubic", 36.0),
            ("B100", 2, "voc_plain", "bicubic", 30.0),
            ("Set5", 2, "voc_residual", "bicubic", 35.0),
            ("B100", 2, "voc_residual", "bicubic", 32.0),
            ("Set5", 2, "voc_atrous", "area", 40.0),
            ("Set5", 2, "lanczos", "bicubic", 40.0),
            ("Set5", 4, "edsr_baseline_x4", "bicubic", 20.0),
        ],
        columns=["dataset", "scale", "method", "degradation", "psnr_y"],
    )
    rows.to_csv(tmp_path / "benchmarks.csv", index=False)
    folder = sr.models.shipped.folder
    monkeypatch.setattr(
        sr.models.shipped, "folder", lambda name, **o: tmp_path if name == "results" else folder(name, **o)
    )
    assert [sr.models.best(scale) for scale in (0.5, 2, 2.1, 4, 8)] == ["voc_residual"] * 2 + ["edsr_baseline_x4"] * 3
    assert "taken for ×2" in sr.models.table().set_index("name").purpose.voc_residual
