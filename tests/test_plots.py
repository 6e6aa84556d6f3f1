import io

import cv2
import keras
import matplotlib as mpl
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


def test_grey_pictures_are_drawn_from_black_to_white(photo):
    grey = photo[..., 0] // 4
    figure = sr.plots.compare(grey, {"same": grey})
    assert all(panel.images[0].get_clim() == (0, 255) for panel in figure.get_axes())


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
        assert texts(figure)[0] == ["loss", "psnr"]
        loss, _ = figure.get_axes()
        assert [line.get_label() for line in loss.lines] == ["training", "validation"]
        assert [list(line.get_ydata()) for line in loss.lines] == [[3, 2, 1], [4, 3, 2]]
        assert [line.get_linestyle() for line in loss.lines] == ["--", "-"]
        assert list(loss.lines[0].get_xdata()) == [4, 5, 6], "the epochs of a resumed run"
    two = sr.plots.history({"plain": table, "residual": table}, metrics=["loss"])
    assert [line.get_label() for line in two.get_axes()[0].lines][::2] == ["plain, training", "residual, training"]
    with pytest.raises(ValueError, match="a metric of epoch, loss, psnr, got"):
        sr.plots.history(table, metrics=["ssim"])


def test_a_figure_is_shown_once_and_saved_after(photo, tmp_path):
    before = mpl.pyplot.get_fignums()
    figure = sr.plots.compare(photo, {"same": photo})
    assert mpl.pyplot.get_fignums() == before, "pyplot would show it a second time"
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
