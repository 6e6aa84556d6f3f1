import contextlib
import re
from fractions import Fraction

import av
import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import srhelpers as sr
from srhelpers.upscaling import clips as video, engine as upscaling
from srhelpers.upscaling.clips import upscale_video
from srhelpers.upscaling.planning import making

TICK = Fraction(1, 12800)


def enlarging(factor=2, *before):
    """A model whose pictures are known: every pixel repeated."""
    x = photo = keras.Input((None, None, 3))
    for layer in (*before, layers.UpSampling2D(factor)):
        x = layer(x)
    return keras.Model(photo, x)


def panned(count=12, height=48, width=64):
    photo = sr.datasets.sample("chelsea")
    return [np.ascontiguousarray(photo[i : i + height, 2 * i : 2 * i + width]) for i in range(count)]


def record(file, pictures, *, times=None, codec="libx264", pixels="yuv420p", sound=None, tick=TICK, **settings):
    """A clip of pictures, shown at `times` in ticks, with a tone."""
    options = {"libx264": {"crf": "4"}, "libx265": {"crf": "4", "x265-params": "log-level=error"}}.get(codec, {})
    with av.open(str(file), "w") as clip:
        stream = clip.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = pixels, tick
        rotation = settings.pop("rotation", None)
        if rotation:
            stream.set_display_rotation(*rotation)
        for name, value in settings.items():
            setattr(stream, name, value)
        if sound:
            tone = clip.add_stream(sound, rate=48000, layout="mono")
            tone.metadata["language"] = "deu"
        clip.metadata["title"] = "Chelsea"
        matrix = matrix_name(settings.get("colorspace"))
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
                format=pixels,
                dst_colorspace=matrix,
                dst_color_range=settings.get("color_range"),
                interpolation=video._EXACT,
            )
            frame.pts, frame.time_base = times[number] if times else round(number / 25 / tick), tick
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode())
        if sound:
            wave = np.sin(np.arange(24 * 1024) / 17).astype("float32").reshape(24, 1, 1024) / 3
            for number, part in enumerate(wave):
                frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
                frame.sample_rate, frame.pts = 48000, 1024 * number
                clip.mux(tone.encode(frame))
            clip.mux(tone.encode())
    return file


def matrix_name(number):
    return {None: None, 1: "ITU709", 6: "ITU601"}[number]


def frames(file):
    with av.open(str(file)) as clip:
        return list(clip.decode(video=0))


def pictures_of(file):
    return [frame.reformat(format="rgb24", interpolation=video._EXACT).to_ndarray() for frame in frames(file)]


def times_of(file):
    return [frame.pts * frame.time_base for frame in frames(file)]


def packets(file, kind="audio"):
    with av.open(str(file)) as clip:
        return [bytes(packet) for packet in clip.demux(**{kind: 0}) if packet.size]


def upscale(source, target, model=None, **options):
    return upscale_video(source, target, model or enlarging(), progress=False, **options)


@pytest.mark.parametrize("times", [None, [0, 512, 600, 2000, 2001, 5000, 9000]], ids=["constant", "variable"])
def test_times_and_sound_stay(tmp_path, times):
    source = record(tmp_path / "a.mp4", panned(7), times=times, sound="aac")
    for ending in (".mp4", ".mov", ".mkv"):
        summary = upscale(source, tmp_path / f"b{ending}")
        shown = times_of(tmp_path / f"b{ending}")
        if ending == ".mkv":
            shown = [time - shown[0] for time in shown]
        assert max(abs(a - b) for a, b in zip(shown, times_of(source), strict=True)) <= (ending == ".mkv") * 0.001
        assert packets(tmp_path / f"b{ending}") == packets(source) != []
        assert (summary.frames, summary.size) == (7, (96, 128))
        assert frames(tmp_path / f"b{ending}")[0].to_ndarray(format="rgb24").shape == (96, 128, 3)


def test_a_late_start_and_the_last_duration_stay(tmp_path):
    source = record(tmp_path / "a.mp4", panned(4), times=[6400, 7000, 7100, 12000])
    upscale(source, tmp_path / "b.mp4")
    assert times_of(tmp_path / "b.mp4") == times_of(source)
    gif = record(tmp_path / "a.gif", panned(3), times=[0, 10, 50], codec="gif", pixels="rgb8", tick=Fraction(1, 100))
    upscale(gif, tmp_path / "b.mkv")
    durations = []
    for file in (gif, tmp_path / "b.mkv"):
        with av.open(str(file)) as clip:
            durations.append(clip.duration)
    assert times_of(tmp_path / "b.mkv") == times_of(gif) == [0, Fraction(1, 10), Fraction(1, 2)]
    assert durations[0] == durations[1]


@pytest.mark.parametrize("matrix", [1, 6, None])
@pytest.mark.parametrize("full", [False, True])
def test_colors_do_not_shift(tmp_path, matrix, full):
    picture = sr.datasets.sample("coffee")[:144, :192]
    colors = {"colorspace": matrix, "color_range": 2 if full else 1} if matrix else {}
    source = record(tmp_path / "a.mp4", [np.ascontiguousarray(picture)] * 2, **colors)
    upscale(source, tmp_path / "b.mp4")
    before, after = frames(source)[0], frames(tmp_path / "b.mp4")[0]
    before.colorspace = before.colorspace if matrix else 6  # what players guess for so few lines
    assert (after.colorspace, after.color_range) == (matrix or 6, 2 if full and matrix else 1)
    before, after = (
        frame.reformat(format="rgb24", interpolation=video._EXACT).to_ndarray().astype(int) for frame in (before, after)
    )
    difference = after.reshape(144, 2, 192, 2, 3).mean((1, 3)) - before
    assert np.abs(difference.mean((0, 1))).max() < (1.2 if full and matrix else 0.5)
    assert np.abs(difference).mean() < 2


def test_untagged_high_definition_is_read_as_players_do(tmp_path):
    color = np.full((720, 64, 3), (200, 60, 30), "uint8")
    tagged = record(tmp_path / "tagged.mp4", [color], colorspace=1, color_range=1)
    with av.open(str(tagged)) as clip, av.open(str(tmp_path / "a.mp4"), "w") as bare:
        stream = bare.add_stream("libx264", rate=25, width=64, height=720)
        for frame in clip.decode(video=0):
            bare.mux(stream.encode(frame))
        bare.mux(stream.encode())
    assert frames(tmp_path / "a.mp4")[0].colorspace == 2, "unspecified"
    upscale(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert np.abs(pictures_of(tmp_path / "b.mp4")[0].astype(int) - color[0, 0]).max() <= 2


def test_rotation_pixel_shape_and_titles_stay(tmp_path):
    shape = {"rotation": (90, True), "sample_aspect_ratio": Fraction(4, 3)}
    source = record(tmp_path / "a.mp4", panned(3), sound="aac", **shape)
    for ending in (".mp4", ".mkv"):
        target = tmp_path / f"b{ending}"
        upscale(source, target)
        before, after = (bytes(frames(file)[0].side_data["DISPLAYMATRIX"]) for file in (source, target))
        assert frames(target)[0].rotation == frames(source)[0].rotation
        if ending == ".mp4":
            assert before == after
        with av.open(str(target)) as clip:
            assert clip.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
            assert clip.metadata["title"] == "Chelsea"
            assert clip.streams.audio[0].language == "deu"


def test_chapters_and_subtitles_stay(tmp_path):
    record(tmp_path / "a.mp4", panned(5), sound="aac")
    lines = tmp_path / "a.srt"
    lines.write_text("1\n00:00:00,000 --> 00:00:00,100\nMiau.\n\n2\n00:00:00,100 --> 00:00:00,200\nSchnurr.\n")
    chapter = {"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000), "metadata": {"title": "Cat"}}
    with (
        av.open(str(tmp_path / "a.mp4")) as clip,
        av.open(str(lines)) as text,
        av.open(str(tmp_path / "a.mkv"), "w") as both,
    ):
        copies = [
            (part, stream, both.add_stream_from_template(stream)) for part in (clip, text) for stream in part.streams
        ]
        both.set_chapters([chapter])
        for part, stream, copy in copies:
            part.seek(0)
            for packet in part.demux(stream):
                if packet.size:
                    packet.stream = copy
                    both.mux(packet)
    upscale(tmp_path / "a.mkv", tmp_path / "b.mkv")
    assert packets(tmp_path / "b.mkv", "subtitles") == [b"Miau.", b"Schnurr."]
    with av.open(str(tmp_path / "b.mkv")) as clip:
        assert [chapter["metadata"]["title"] for chapter in clip.chapters()] == ["Cat"]
    with pytest.raises(ValueError, match=r"that \.mp4 can hold, .*; choose a target ending in \.mkv"):
        upscale(tmp_path / "a.mkv", tmp_path / "b.mp4")


def test_ten_bits_stay_ten_bits(tmp_path):
    ramp = np.broadcast_to(np.linspace(64, 940, 512).astype("uint16"), (64, 512))
    gray = np.concatenate([ramp.ravel(), np.full(ramp.size // 2, 512, "uint16")]).reshape(96, 512)
    with av.open(str(tmp_path / "a.mkv"), "w") as clip:
        stream = clip.add_stream("ffv1", rate=25, width=512, height=64, pix_fmt="yuv420p10le")
        frame = av.VideoFrame(512, 64, "yuv420p10le")
        for plane, rows in zip(frame.planes, (gray[:64], gray[64:80], gray[80:]), strict=True):
            plane.update(np.ascontiguousarray(rows).tobytes())
        clip.mux(stream.encode(frame))
        clip.mux(stream.encode())
    for ending, name in ((".mp4", "yuv420p10le"), (".webm", "yuv420p")):
        upscale(tmp_path / "a.mkv", tmp_path / f"b{ending}")
        assert frames(tmp_path / f"b{ending}")[0].format.name == name
    plane = frames(tmp_path / "b.mp4")[0].planes[0]
    light = np.frombuffer(plane, "uint16").reshape(plane.height, plane.line_size // 2)[:, : plane.width]
    assert np.abs(light[32, ::2].astype(int) - ramp[0]).max() <= 4
    assert len(np.unique(light)) > 400


def test_odd_sides_get_their_last_pixels_twice(tmp_path):
    source = record(tmp_path / "a.mkv", panned(2, 30, 42), codec="ffv1", pixels="bgr0")
    assert upscale(source, tmp_path / "b.mp4", scale=1.5).size == (46, 64)
    picture = pictures_of(tmp_path / "b.mp4")[0].astype(int)
    expected = sr.upscaling.upscale(panned(1, 30, 42)[0], enlarging(), scale=1.5)
    assert np.abs(picture[:45, :63] - expected).mean() < 4
    assert np.abs(picture[45] - picture[44]).mean() < 4


@pytest.fixture
def enlarged(monkeypatch):
    """How many pictures went into the model at a time."""
    numbers, call = [], video._Enlarger.__call__

    def noted(self, pictures):
        numbers.append(len(pictures))
        return call(self, pictures)

    monkeypatch.setattr(video._Enlarger, "__call__", noted)
    return numbers


@pytest.mark.parametrize("entries", [1000, 10])
def test_repeated_frames_are_computed_once(tmp_path, enlarged, monkeypatch, entries):
    monkeypatch.setattr(video, "_BATCH_ENTRIES", entries)
    a, b, c = panned(3)
    source = record(tmp_path / "a.mkv", [a] * 12 + [b] * 11 + [c] + [a] * 2, codec="ffv1", pixels="bgr0", sound="aac")
    upscale(source, tmp_path / "b.mkv")
    assert sum(enlarged) == 4 if entries == 1000 else 4 < sum(enlarged) < 10
    assert packets(tmp_path / "b.mkv") == packets(source)
    before, after = np.stack(pictures_of(source)).astype(int), np.stack(pictures_of(tmp_path / "b.mkv"))
    assert len(before) == len(after) == 26
    assert np.abs(after[:, ::2, ::2] - before).mean((1, 2, 3)).max() < 5


def test_small_frames_share_a_batch(tmp_path, enlarged):
    source = record(tmp_path / "a.mp4", panned(20))
    upscale(source, tmp_path / "b.mp4")
    assert enlarged == [16, 4]
    for options, numbers in (({"tile": 32}, [1] * 20), ({"self_ensemble": True}, [16, 4]), ({"scale": 3}, [16, 4])):
        enlarged.clear()
        upscale(source, tmp_path / "b.mp4", overwrite=True, **options)
        assert enlarged == numbers


def test_a_batch_gives_what_single_frames_give():
    photo = keras.Input((None, None, 3))
    features = layers.Conv2D(8, 3, strides=2, padding="same")(photo)
    strided = keras.Model(photo, layers.Conv2DTranspose(3, 8, 4, padding="same")(features))
    for pictures in (panned(5, 31, 45), [picture.astype("uint16") * 257 for picture in panned(5, 31, 45)]):
        for model, scale in ((strided, None), (sr.models.load("voc_residual"), 2)):
            together = video._Enlarger(model, scale, None, False)
            assert together.room(31, 45) > 5
            for one, picture in zip(together(pictures), pictures, strict=True):
                alone = upscaling.upscale(picture, model, scale=scale)
                assert one.dtype == alone.dtype
                assert np.abs(one.astype(int) - alone).max() <= (1 if alone.dtype == np.uint8 else 4)


def test_a_model_beats_bicubic_on_a_panned_photo(tmp_path):
    """Encoded and decoded twice, as a reader does it."""
    truth = panned(6, 144, 192)
    small = [sr.degradations.bicubic(picture, (72, 96)) for picture in truth]
    source = record(tmp_path / "a.mp4", small, colorspace=6, color_range=1)
    upscale(source, tmp_path / "b.mp4", "voc_residual", scale=2)
    bicubic = [sr.degradations.resize(picture, (144, 192)) for picture in pictures_of(source)]
    scores = [
        np.mean([sr.metrics.psnr(*pair, luma=True) for pair in zip(truth, results, strict=True)])
        for results in (pictures_of(tmp_path / "b.mp4"), bicubic)
    ]
    assert scores[0] > scores[1] + 0.2


def test_reading_is_never_far_ahead():
    made = []
    with video.ThreadPoolExecutor(1) as pool:
        for item in video._ahead((made.append(n) or n for n in range(1, 100)), pool):
            assert len(made) <= item + 1
    assert made[-1] == 99


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("No space left on device")])
@pytest.mark.parametrize("part", ["_Enlarger.__call__", "_Writer.write"])
def test_what_fails_leaves_nothing(tmp_path, monkeypatch, error, part):
    source, calls = record(tmp_path / "a.mp4", panned(40)), []
    name, method = part.split(".")
    plain = getattr(getattr(video, name), method)

    def failing(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return plain(*arguments)

    monkeypatch.setattr(getattr(video, name), method, failing)
    (tmp_path / "old.mp4").write_bytes(b"old")
    for target, overwrite in (("new.mp4", False), ("old.mp4", True)):
        calls.clear()
        with pytest.raises(error if isinstance(error, type) else OSError):
            upscale(source, tmp_path / target, overwrite=overwrite)
    assert sorted(file.name for file in tmp_path.glob("*.*")) == ["a.mp4", "old.mp4"]
    assert (tmp_path / "old.mp4").read_bytes() == b"old"


@contextlib.contextmanager
def small_disk(size):
    """No file may be longer than some bytes, which ends a write in the middle as a full disk does."""
    resource = pytest.importorskip("resource", reason="Windows has no limit of a file's size")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing(tmp_path):
    source = record(tmp_path / "a.mp4", panned(12, 96, 128))
    with small_disk(4000), pytest.raises(OSError, match="File too large"):
        upscale(source, tmp_path / "b.mp4")
    assert [file.name for file in tmp_path.glob("*.*")] == ["a.mp4"]


def test_a_clip_that_breaks_off_is_named(tmp_path):
    whole = record(tmp_path / "a.mkv", panned(80, 96, 128), times=[1024 * n for n in range(80)]).read_bytes()
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) // 2])
    summary = upscale(tmp_path / "half.mkv", tmp_path / "b.mp4")
    assert re.search(r"; the source breaks off: it ends at \d.\d s, not 6.4 s$", f"{summary}")
    assert 2 < summary.frames == len(frames(tmp_path / "b.mp4")) < 70
    whole = record(tmp_path / "a.mp4", panned(5)).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a clip that FFmpeg reads, got .*half.mp4: Invalid data"):
        upscale(tmp_path / "half.mp4", tmp_path / "c.mp4")


def test_damaged_frames_are_counted(tmp_path):
    pictures = [picture[:, ::-1] if n % 2 else picture for n, picture in enumerate(panned(20, 96, 128))]
    pictures = [np.ascontiguousarray(picture) for picture in pictures]
    for codec, ending, damage in (
        ("mpeg4", "avi", "damaged frames: 1"),
        ("libx264", "mp4", "damaged frames: 1"),
        ("libx264", "mkv", "frames that could not be decoded: 1"),
    ):
        source = record(tmp_path / f"a.{ending}", pictures, codec=codec, tick=Fraction(1, 25))
        assert not upscale(source, tmp_path / "whole.mkv", overwrite=True).faults
        with av.open(str(source)) as clip:
            packet = [packet for packet in clip.demux(video=0) if packet.size][7]
        content = bytearray(source.read_bytes())
        start = content.index(bytes(packet))
        middle, end = start + packet.size // 2, start + packet.size
        if "decoded" in damage:
            content[start:end] = b"\xff" * packet.size
        else:
            content[middle:end] = b"\x55" * (end - middle)
        source.write_bytes(content)
        summary = upscale(source, tmp_path / "b.mkv", overwrite=True)
        assert summary.faults == (damage,)
        assert summary.frames == len(frames(tmp_path / "b.mkv")) >= 18


def test_frames_of_another_size_get_that_of_the_first(tmp_path):
    with av.open(str(tmp_path / "a.ts"), "w", format="mpegts") as clip:
        stream = clip.add_stream("mpeg2video", rate=25, width=64, height=48)
        for picture in panned(3):
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        clip.mux(stream.encode())
    with av.open(str(tmp_path / "b.ts"), "w", format="mpegts") as clip:
        stream = clip.add_stream("mpeg2video", rate=25, width=96, height=80)
        for picture in panned(4, 80, 96):
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        clip.mux(stream.encode())
    both = (tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes()
    (tmp_path / "both.ts").write_bytes(both)
    summary = upscale(tmp_path / "both.ts", tmp_path / "c.mp4")
    assert f"{summary}".endswith("; frames resized to the first one's size: 4")
    assert (summary.frames, summary.size) == (len(frames(tmp_path / "both.ts")), (96, 128))
    assert {picture.shape for picture in pictures_of(tmp_path / "c.mp4")} == {(96, 128, 3)}


def test_two_at_once_do_not_write_one_clip(tmp_path, monkeypatch):
    source = record(tmp_path / "a.mp4", panned(12))
    with making(tmp_path / "b.mp4"), pytest.raises(ValueError, match=r"Another process is making .*b\.mp4\."):
        upscale(source, tmp_path / "b.mp4")
    assert upscale(source, tmp_path / "b.mp4").frames == len(frames(tmp_path / "b.mp4")) == 12
    assert sorted(file.name for file in tmp_path.glob("*.*")) == ["a.mp4", "b.mp4"]


def test_a_stream_without_times_gets_those_of_its_rate(tmp_path):
    with av.open(str(tmp_path / "a.h264"), "w") as clip:
        stream = clip.add_stream("libx264", rate=25, width=64, height=48)
        for picture in panned(5):
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        clip.mux(stream.encode())
    assert frames(tmp_path / "a.h264")[0].pts is None
    upscale(tmp_path / "a.h264", tmp_path / "b.mp4")
    assert times_of(tmp_path / "b.mp4") == [Fraction(n, 25) for n in range(5)]


def test_other_things_are_no_clips(tmp_path):
    Image.fromarray(panned(1)[0]).save(tmp_path / "photo.png")
    (tmp_path / "text.mp4").write_text("no clip\n" * 50)
    (tmp_path / "empty.mp4").touch()
    with av.open(str(tmp_path / "sound.mp4"), "w") as clip:
        tone = clip.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), "float32"), "fltp", "mono")
        frame.sample_rate = 48000
        clip.mux(tone.encode(frame))
        clip.mux(tone.encode())
    for name, message in {
        "photo.png": "with moving pictures, got .*photo.png, which is piped png",
        "sound.mp4": "with moving pictures, got .*sound.mp4",
        "text.mp4": "that FFmpeg reads, got .*text.mp4",
        "empty.mp4": "that FFmpeg reads, got .*empty.mp4",
    }.items():
        with pytest.raises(ValueError, match=f"a clip {message}"):
            upscale(tmp_path / name, tmp_path / "new.mp4")
    with pytest.raises(FileNotFoundError, match=r"a clip at .*none.mp4, but there is no such file"):
        upscale(tmp_path / "none.mp4", tmp_path / "new.mp4")
    assert not [*tmp_path.glob("new*")]


def test_wrong_targets_are_named(tmp_path):
    source = record(tmp_path / "a clip, süß.mp4", panned(2), sound="aac")
    for target, error, message in (
        ("b.avi", ValueError, r"a target ending in \.mp4, \.mov, \.mkv, \.webm, got b\.avi"),
        ("none/b.mp4", FileNotFoundError, "the folder .*none for the target, which is not there; make it"),
        (source.name, ValueError, "a target beside the source"),
        ("b.webm", ValueError, r"that \.webm can hold, .* 'aac' codec; choose a target ending in \.mkv"),
    ):
        with pytest.raises(error, match=message):
            upscale(source, tmp_path / target, overwrite=True)
    with pytest.raises(ValueError, match="upscales by 2 or 4, got None"):
        upscale(source, tmp_path / "b.mp4", "voc_plain")
    with pytest.raises(ValueError, match="tile as a whole number of pixels, 1 or more, got 0"):
        upscale(source, tmp_path / "b.mp4", tile=0)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [source.name]
    upscale(source, tmp_path / "b %03d: ß.MP4")
    with pytest.raises(FileExistsError, match="is there; choose another name, or overwrite=True"):
        upscale(source, tmp_path / "b %03d: ß.MP4")
    assert len(frames(tmp_path / "b %03d: ß.MP4")) == 2


def test_the_time_is_told_before_a_clip_begins(tmp_path, capsys):
    record(tmp_path / "a.mp4", panned(3))
    sr.upscaling.folders.upscale_files(tmp_path / "a.mp4", tmp_path / "b.mp4", "voc_residual", scale=4)
    speed = sr.models.speeds().set_index(["model", "scale"]).loc[("voc_residual", 4)]
    minutes = 3 * 48 * 64 * 16 / 1e6 * speed.seconds_per_megapixel / 60
    assert f"a.mp4: 3 frames, about {minutes:.1f} minutes if this were a {speed.device}." in capsys.readouterr().out


def test_clips_get_a_quick_network():
    speeds = sr.models.speeds().set_index(["model", "scale"]).seconds_per_megapixel
    assert speeds[sr.models.choice("video", 4), 4] < 0.4
