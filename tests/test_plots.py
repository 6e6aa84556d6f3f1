import io

import cv2
import keras
import matplotlib as mpl
import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest

import srhelpers as sr

mpl.use("agg")


def texts(figure):
    axes = figure.get_axes()
    return [panel.get_title() for panel in axes], [panel.get_xlabel() for panel in axes]


def drawn(figure):
    figure.savefig(file := io.BytesIO(), dpi=100, format="png")
    return cv2.imdecode(np.frombuffer(file.getvalue(), "uint8"), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_compare_shows_the_same_square_of_every_picture(photo, count):
    estimates = {f"method {i}": np.roll(photo, i + 1, axis=0) for i in range(count)}
    figure = sr.plots.compare(photo, estimates, zoom=(100, 200, 40), title="Methods", crop_border=4)
    titles, labels = texts(figure)
    assert titles == ["original", "original, zoomed", *estimates]
    squares = [panel.images[0].get_array() for panel in figure.get_axes()[1:]]
    for square, image in zip(squares, [photo, *estimates.values()], strict=True):
        np.testing.assert_array_equal(square, image[100:140, 200:240])
    psnr = sr.metrics.psnr(photo, estimates["method 0"], crop_border=4, luma=True)
    ssim = sr.metrics.ssim(photo, estimates["method 0"], crop_border=4, luma=True)
    assert labels[2] == f"{psnr:.2f} dB   {ssim:.3f}"
    box = figure.get_axes()[0].patches[0]
    assert (box.get_xy(), box.get_width(), box.get_height()) == ((199.5, 99.5), 40, 40)
    assert drawn(figure).shape[1] <= 1000


def test_compare_finds_the_most_detailed_square(photo, random):
    flat = np.full((200, 300, 3), 90, "uint8")
    flat[120:160, 220:260] = random.integers(0, 256, (40, 40, 3))
    figure = sr.plots.compare(flat, {"same": flat})
    left, top = figure.get_axes()[0].patches[0].get_xy()
    assert 215 <= left <= 235 and 115 <= top <= 135
    assert texts(figure)[1][-1] == "inf dB   1.000"
    tiny = sr.plots.compare(photo[:12, :12], {"same": photo[:12, :12]})
    assert tiny.get_axes()[1].images[0].get_array().shape == (12, 12, 3)


def test_gray_pictures_are_drawn_from_black_to_white(photo):
    gray = photo[..., 0] // 4
    figure = sr.plots.compare(gray, {"same": gray})
    assert all(panel.images[0].get_clim() == (0, 255) for panel in figure.get_axes())


def test_compare_upscales_with_anything_that_evaluate_takes(photo):
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.UpSampling2D(3)], name="nearest")
    piece = photo[:101, :121]
    cropped = piece[:99, :120]
    estimates = {"bicubic": "bicubic", "mine": model, "original": piece, "function": sr.degradations.resize}
    figure = sr.plots.compare(piece, estimates, zoom=(0, 0, 30))
    titles, labels = texts(figure)
    assert titles[2:] == list(estimates)
    rows = {name: sr.metrics.evaluate(name, [piece], 3) for name in ("bicubic", "nearest")}
    for label, name in zip(labels[2:], ("bicubic", "nearest", None, "bicubic"), strict=True):
        expected = f"{rows[name].psnr_y[0]:.2f} dB   {rows[name].ssim_y[0]:.3f}" if name else "inf dB   1.000"
        assert label == expected
    np.testing.assert_array_equal(figure.get_axes()[0].images[0].get_array(), cropped)
    assert texts(sr.plots.compare(piece, {"bicubic": "bicubic"}, scale=3))[1][2] == labels[2]
    for estimates in ({"bicubic": "bicubic"}, {"mine": model, "×2": keras.Sequential([model.inputs[0], model, model])}):
        with pytest.raises(ValueError, match=r"Expected one scale for all, got methods that have .*; give scale"):
            sr.plots.compare(piece, estimates)
    with pytest.raises(ValueError, match="Expected an image array, got str"):
        sr.plots.compare("photo.jpg", {"bicubic": "bicubic"}, scale=2)


def test_compare_shows_damage(photo):
    piece = photo[:96, :120]
    shown = {}
    for degradation in ("bicubic", "jpeg20", sr.degradations.Damage(jpeg=20)):
        _, labels = texts(sr.plots.compare(piece, {"bicubic": "bicubic"}, scale=2, degradation=degradation))
        shown[degradation] = labels[2]
    clean, named, own = shown.values()
    assert named == own != clean
    assert named.startswith(f"{sr.metrics.evaluate('bicubic', [piece], 2, degradation='jpeg20').psnr_y[0]:.2f} dB")


def test_compare_names_wrong_input(photo):
    for wrong in ({}, [photo], photo):
        with pytest.raises(ValueError, match="estimates as a dict name → image, at least one"):
            sr.plots.compare(photo, wrong)
    with pytest.raises(ValueError, match=r"inside 400×600 pixels, got \(380, 0, 40\)"):
        sr.plots.compare(photo, {"same": photo}, zoom=(380, 0, 40))
    for wrong in (50, (60, 100), (60.5, 100, 20)):
        with pytest.raises(ValueError, match=r"zoom \(top, left, size\) in whole pixels, got"):
            sr.plots.compare(photo, {"same": photo}, zoom=wrong)
    with pytest.raises(ValueError, match="one shape"):
        sr.plots.compare(photo, {"small": photo[:200]})
    with pytest.raises(ValueError, match=r"got str; read files with datasets.read_image"):
        sr.plots.compare("photo.jpg", {"same": photo})


def test_pairs(photo):
    batch = {"input": np.stack([photo[:72, :72]] * 3), "×2": np.stack([photo[:144, :144]] * 3)}
    figure = sr.plots.pairs(batch, rows=2, title="A batch")
    assert texts(figure)[0] == ["input\n72×72", "×2\n144×144", "", ""]
    assert len(figure.get_axes()) == 4
    drawn(figure)
    same = sr.plots.pairs({"one": [photo, photo[:9]], "other": [photo, photo]}, rows=1)
    assert texts(same)[0] == ["one", "other"]
    with pytest.raises(ValueError, match=r"columns of one length, at least 1, got \{'a': 1, 'b': 2\}"):
        sr.plots.pairs({"a": [photo], "b": [photo, photo]})
    with pytest.raises(ValueError, match=r"got one image; write \[image\]"):
        sr.plots.pairs({"a": photo})
    with pytest.raises(ValueError, match=r"uint8 images, got one of float64 of shape \(400, 600, 3\)"):
        sr.plots.pairs({"a": [photo / 255]})


def test_history_takes_what_fit_returns_tables_and_files(tmp_path):
    table = {"epoch": [4, 5, 6], "loss": [3.0, 2, 1], "val_loss": [4.0, 3, 2], "psnr": [20.0, 21, 22]}
    pd.DataFrame(table).to_csv(tmp_path / "run.csv", index=False)
    fitted = keras.callbacks.History()
    fitted.history = table
    for run in (table, pd.DataFrame(table), tmp_path / "run.csv", fitted):
        figure = sr.plots.history(run)
        assert texts(figure)[0] == ["loss", "psnr, dB"]
        loss, _ = figure.get_axes()
        assert [line.get_label() for line in loss.lines] == ["training", "validation"]
        assert [list(line.get_ydata()) for line in loss.lines] == [[3, 2, 1], [4, 3, 2]]
        assert [line.get_linestyle() for line in loss.lines] == ["--", "-"]
        assert list(loss.lines[0].get_xdata()) == [4, 5, 6], "the epochs of a resumed run"
    two = sr.plots.history({"plain": table, "residual": table}, metrics=["loss"])
    assert [line.get_label() for line in two.get_axes()[0].lines][::2] == ["plain, training", "residual, training"]
    (axes,) = sr.plots.history({"loss": [2]}).get_axes()
    assert axes.lines[0].get_marker() == "o", "a line needs two epochs"
    with pytest.raises(ValueError, match="a metric of epoch, loss, psnr, got"):
        sr.plots.history(table, metrics=["ssim"])


def test_history_draws_what_to_beat(photo):
    run = {"loss": [3.0, 2], "val_loss": [4.0, 3], "val_psnr": [20.0, 21], "val_ssim": [0.7, 0.8]}
    rows = sr.metrics.evaluate("bicubic", [photo[:40, :40], photo[:60, :60]], 2)
    table = sr.metrics.summarise(rows)
    for baseline in (rows, table, {"psnr": table.psnr_y[0], "ssim": table.ssim_y[0]}):
        loss, psnr, ssim = sr.plots.history(run, baseline={"bicubic": baseline}).get_axes()
        assert len(loss.lines) == 2
        assert psnr.lines[-1].get_ydata()[0] == pytest.approx(rows.psnr_y.mean())
        assert ssim.lines[-1].get_ydata()[0] == pytest.approx(rows.ssim_y.mean())
        assert psnr.lines[-1].get_label() == "bicubic"
    loss, psnr, ssim = sr.plots.history(run, baseline={"bicubic": 19.5, "nearest": 18}).get_axes()
    assert [line.get_ydata()[0] for line in psnr.lines[1:]] == [19.5, 18]
    assert len(ssim.lines) == 1
    with pytest.raises(ValueError, match=r"a panel for the baseline 'bicubic' \(psnr\), got loss"):
        sr.plots.history({"loss": [1, 2]}, baseline={"bicubic": 19.5})


LONG = "A title that says in two or three lines what there is to look at, in the words that a lesson would take"


@pytest.mark.parametrize("runs", [1, 4])
def test_title_and_legend_of_a_history_are_read_beside_its_curves(runs):
    curves = {"psnr": [20.0, 20, 20], "val_psnr": [30.0, 30, 30]}  # at the top and at the bottom
    history = {f"learning rate {n}": curves for n in range(runs)} if runs > 1 else curves
    figure = sr.plots.history(history, baseline={"bicubic": 25}, title=LONG)
    axes, (legend,) = figure.get_axes()[0], figure.legends
    figure.draw_without_rendering()
    assert [text.get_text() for text in legend.get_texts()] == [line.get_label() for line in axes.lines]
    title, panel, words = (part.get_window_extent() for part in (figure.texts[0], axes, legend))
    assert words.y1 < panel.y0 and panel.y1 < title.y0
    assert panel.height > 150, "room for the curves"
    for part in (title, words):
        assert part.x0 >= 0 and part.x1 <= figure.bbox.width


def test_a_figure_s_title_fits_its_width(photo):
    photos = {"photo": [photo]}
    for figure in (sr.plots.pairs(photos, title=LONG), sr.plots.compare(photo, {"same": photo}, title=LONG)):
        extent = figure.texts[0].get_window_extent()
        assert extent.x0 >= 0 and extent.x1 <= figure.bbox.width
        assert figure.get_suptitle().replace("\n", " ") == LONG


def test_figures_have_a_style_and_leave_the_readers_settings_alone():
    with mpl.rc_context({"figure.dpi": 77, "axes.spines.top": True}):
        before = dict(mpl.rcParams)
        figure = sr.plots.history({"loss": [2, 1]})
        assert figure.dpi == 100 and not figure.get_axes()[0].spines["top"].get_visible()
        assert dict(mpl.rcParams) == before
        sr.plots.use_style()
        assert mpl.rcParams["figure.dpi"] == 100


@pytest.mark.slow
def test_a_notebook_shows_figures_once_as_jpeg_and_those_of_the_reader_as_they_were(monkeypatch):
    monkeypatch.delenv("MPLBACKEND")
    ours = """
import matplotlib as mpl, matplotlib.pyplot as plt, numpy as np
before = dict(mpl.rcParams)
import srhelpers as sr
figure = sr.plots.pairs({"photo": [np.zeros((40, 60, 3), "uint8")]})
assert dict(mpl.rcParams) == before
figure
"""
    own = "figure, axes = plt.subplots()\nplt.show()"
    cells = [nbformat.v4.new_code_cell(code) for code in (ours, own, "sr.plots.use_style()", own)]
    done = nbclient.NotebookClient(nbformat.v4.new_notebook(cells=cells)).execute()
    kinds = [[key for output in cell.outputs for key in output.data if key != "text/plain"] for cell in done.cells]
    assert kinds == [["image/jpeg"], ["image/png"], [], ["image/jpeg"]]


def test_a_figure_is_shown_once_and_saved_after(photo, tmp_path):
    before = mpl.pyplot.get_fignums()
    figure = sr.plots.compare(photo, {"same": photo})
    assert mpl.pyplot.get_fignums() == before, "pyplot would show it a second time"
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_pairs_of_several_sizes_in_one_column(photo):
    gray = photo[..., 0]
    figure = sr.plots.pairs({"gray": [gray[:20, :20], gray[:50, :50]], "color": [photo[:9, :9], photo]}, rows=2)
    shapes = [panel.images[0].get_array().shape for panel in figure.get_axes()]
    assert shapes == [(20, 20), (9, 9, 3), (50, 50), photo.shape]
