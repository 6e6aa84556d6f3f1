"""Clips through an upscaling model: frames decoded, enlarged and encoded; sound, timing and colors kept."""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from .. import _files, models
from . import engine, planning

try:
    import av
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("Expected the package av, which reads video; run: python -m pip install av") from error
from av.codec.context import Flags
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from ..runtime import UserError

_H264 = {"codec_name": "libx264", "pix_fmt": "yuv420p", "options": {"crf": "18"}}
# With B frames, x265 gives clips of one or two frames a random decoding time.
_X265 = {"crf": "18", "x265-params": "bframes=0:log-level=error"}
_HEVC = {"codec_name": "libx265", "pix_fmt": "yuv420p10le", "options": _X265}
_VP9 = {"codec_name": "libvpx-vp9", "pix_fmt": "yuv420p", "options": {"crf": "24", "row-mt": "1", "cpu-used": "4"}}
# Ending → FFmpeg's name, encoder for 8 bits, and for more: 10-bit H.264 plays almost nowhere, and PyAV's VP9 has 8.
_FORMATS = {
    ".mp4": ("mp4", _H264, _HEVC | {"codec_tag": "hvc1"}),  # the one of HEVC's two tags that Apple plays
    ".mov": ("mov", _H264, _HEVC | {"codec_tag": "hvc1"}),
    ".mkv": ("matroska", _H264, _HEVC),
    ".webm": ("webm", _VP9, _VP9),
}
_BATCH_PIXELS = 2**18  # small frames share a batch of so many pixels: one of them does not keep a GPU busy
_BATCH_FRAMES = 16
_BATCH_ENTRIES = 1000  # repeated frames and packets: they bound a batch where the picture stands still

# swscale's default is fast, and 1 to 1.5 levels too dark.
_EXACT = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
# The matrices that swscale knows: number in frames → its own.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU624,
    6: Colorspace.SMPTE170M,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}


@dataclass(frozen=True)
class Summary:
    """What `upscale_video` did."""

    frames: int
    size: tuple[int, int]  # (height, width)
    seconds: float
    faults: tuple[str, ...] = ()  # of the source, such as "damaged frames: 3"

    def __str__(self):
        height, width = self.size
        rate = self.frames / self.seconds
        did = f"{self.frames} frames of {width}×{height} in {self.seconds:.1f} s, {rate:.1f} a second"
        return "; ".join([did, *self.faults])


def upscale_video(
    source: planning.File,
    target: planning.File,
    model: planning.Network,
    *,
    scale: float | None = None,
    tile: int | None = None,
    self_ensemble: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> Summary:
    """A clip, upscaled frame by frame by a model.

    Every frame keeps its time, at variable frame rates too (`.mkv` and `.webm` count milliseconds from the first
    sound on), and the clip its rotation, pixel shape, color matrix and range, title, languages and chapters. Sound
    and subtitles are copied as they are. `.mp4`, `.mov` and `.mkv` hold H.264, or HEVC if the source has more than
    8 bits, `.webm` VP9; all have 4:2:0 colors, and their sides must be even: an odd one gets its last row or column
    twice. A frame that repeats the one before is not computed again. Interlaced clips are taken as they are;
    deinterlace them first.

    The memory does not grow with the length, and the clip gets its name when it is whole. Frames that FFmpeg knows to
    be damaged, or cannot decode, are counted in the summary; without a checksum, it does not know them all.

    Args:
        source: a clip of any kind that FFmpeg reads.
        target: path to write, ending in .mp4, .mov, .mkv or .webm.
        model, scale, tile, self_ensemble: as in `engine.upscale`.
        overwrite: replace a target that is there.
    """
    started = time.perf_counter()
    source, target = (Path(path).expanduser().absolute() for path in (source, target))
    with planning.making(target):
        _check(source, target, overwrite)
        enlarge = _Enlarger(model, scale, tile, self_ensemble)
        try:
            with _files.replacing(target) as unfinished:
                frames, size, faults = _write(source, unfinished, enlarge, progress)
        except av.FFmpegError as error:
            if isinstance(error, OSError):  # such as a full disk
                raise
            raise UserError(
                f"Expected {target.name} to take these frames and this sound, but FFmpeg says: {error.strerror}; "
                "choose a target ending in .mkv."
            ) from error
    return Summary(frames, size, time.perf_counter() - started, faults)


def length(source: planning.File) -> tuple[int, tuple[int, int]]:
    """(frames as far as the file tells, (height, width)) of a clip."""
    with _open(source) as clip:
        return _count(clip) or 0, (_video(clip).height, _video(clip).width)


def _write(source, target, enlarge, progress):
    """(frames, their size, faults) of a clip that is closed, and so whole, when this ends."""
    first, faults = _first_frame(source), Counter()
    with _open(source) as clip, _Writer(clip, first, target) as writer:
        batches = _batches(clip, first, enlarge.room, faults)
        # The pool ends before the files that it works on are closed.
        with tqdm(total=_count(clip), unit="frame", disable=not progress) as bar, ThreadPoolExecutor(2) as pool:
            written = pool.submit(int)
            for pictures, entries in _ahead(batches, pool):
                large = enlarge(pictures)
                bar.update(written.result())
                written = pool.submit(writer.write, large, entries)
            bar.update(written.result())
        writer.finish()
        length = (clip.duration or 0) / av.time_base
    told = [f"{what}: {count}" for what, count in faults.items() if count]
    if writer.end + 1 < 0.9 * length:
        told.append(f"the source breaks off: it ends at {writer.end:.1f} s, not {length:.1f} s")
    return writer.frames, writer.size, tuple(told)


def _check(source, target, overwrite):
    if not source.is_file():
        raise FileNotFoundError(f"Expected a clip at {source}, but there is no such file.")
    if target.suffix.lower() not in _FORMATS:
        raise UserError(f"Expected a target ending in {', '.join(_FORMATS)}, got {target.name}; choose one of these.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"Expected the folder {target.parent} for the target, which is not there; make it.")
    if target.exists() and target.samefile(source):
        raise UserError(f"Expected a target beside the source, got {target} for both; choose another name.")
    if target.exists() and not overwrite:
        raise FileExistsError(f"Expected a new file, but {target} is there; choose another name, or overwrite=True.")


def _open(source):
    try:
        clip = av.open(str(source))
    except av.FFmpegError as error:
        raise UserError(f"Expected a clip that FFmpeg reads, got {source}: {error.strerror}.") from error
    picture = clip.format.name in ("image2", "tty") or clip.format.name.endswith("_pipe")
    if picture or _video(clip) is None:
        clip.close()
        raise UserError(f"Expected a clip with moving pictures, got {source}, which is {clip.format.long_name}.")
    _video(clip).codec_context.thread_count = 1  # more of them do not say which frames are damaged
    return clip


def _video(clip):
    """The stream to enlarge; the cover of an album is none."""
    return next((video for video in clip.streams.video if not video.disposition & Disposition.attached_pic), None)


def _first_frame(source):
    with _open(source) as clip:
        for packet in clip.demux(_video(clip)):
            for frame in _decode(packet, Counter()):
                return frame
    raise UserError(f"Expected a clip with frames, got {source}, which has none.")


def _count(clip):
    """How many frames the file says it has, or has at its rate; None if it says nothing."""
    video = _video(clip)
    return video.frames or round((clip.duration or 0) / av.time_base * (video.average_rate or 0)) or None


def _ahead(items, pool):
    """The items, each made in the pool while the one before is used."""
    coming = pool.submit(next, items, None)
    while (item := coming.result()) is not None:
        coming = pool.submit(next, items, None)
        yield item


class _Shown(NamedTuple):
    """A frame: its picture's place in the batch, and when it is shown."""

    picture: int
    pts: int
    duration: int


def _batches(clip, first, room, faults):
    """(pictures, entries): pictures that differ, as large as the first, and frames and packets in their order."""
    video, last = _video(clip), None
    usual = max(round(1 / (video.average_rate * video.time_base)), 1) if video.average_rate else 1
    pictures, entries = [], []
    for packet in _packets(clip):
        if len(entries) >= _BATCH_ENTRIES and last is not None:
            yield pictures, entries
            pictures, entries = [], []
        if packet.stream_index != video.index:
            entries += [packet] if packet.size else []  # the last of each stream is empty
            continue
        for frame in _decode(packet, faults):
            picture = _rgb(frame, first)
            resized = (frame.width, frame.height) != (first.width, first.height)
            faults["frames resized to the first one's size"] += resized
            new = not pictures or not np.array_equal(picture, pictures[-1])
            if pictures and new and len(pictures) == room(first.height, first.width):
                yield pictures, entries
                pictures, entries = [], []
            pictures += [picture] if new else []
            pts = frame.dts if frame.pts is None else frame.pts
            if last is not None:
                pts = last + (frame.duration or usual) if pts is None else max(pts, last + 1)
            last = pts or 0
            entries.append(_Shown(len(pictures) - 1, last, frame.duration))
    yield pictures, entries


def _packets(clip):
    try:
        yield from clip.demux(_video(clip), *_copied(clip))
    except av.FFmpegError as error:
        raise UserError(f"Expected {clip.name} to be whole, but FFmpeg says: {error.strerror}.") from error


def _copied(clip):
    return (*clip.streams.audio, *clip.streams.subtitles)


def _decode(packet, faults):
    try:
        frames = packet.decode()
    except av.FFmpegError:
        faults["frames that could not be decoded"] += 1
        return []
    faults["damaged frames"] += sum(frame.is_corrupt for frame in frames)
    return frames


def _rgb(frame, first):
    if not _is_rgb(frame):
        frame.colorspace, frame.color_range = _colors(frame)
    kind = "rgb48le" if _is_deep(first) else "rgb24"
    return frame.reformat(first.width, first.height, kind, interpolation=_EXACT).to_ndarray()


def _is_rgb(frame):
    return frame.format.is_rgb or frame.format.has_palette


def _is_deep(frame):
    return max(component.bits for component in frame.format.components) > 8


def _colors(frame):
    """(matrix, range) as the frame says, or else as players guess; those to encode with if it is RGB."""
    matrix = frame.colorspace if frame.colorspace in _MATRICES else 1 if frame.height >= 720 else 6
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return matrix, ColorRange.JPEG if full and not _is_rgb(frame) else ColorRange.MPEG


class _Enlarger:
    """The model on lists of pictures of one size."""

    def __init__(self, model, scale, tile, self_ensemble):
        self.model = models.load(model) if isinstance(model, str | os.PathLike) else model
        self.options = {"scale": scale, "tile": tile, "self_ensemble": self_ensemble}
        engine.own_scale(self.model, scale)

    def room(self, height, width):
        """How many pictures of this size go through the network at once."""
        tile = self.options["tile"]
        if tile is not None and tile < max(height, width):
            return 1
        return max(min(_BATCH_PIXELS // (height * width), _BATCH_FRAMES), 1)

    def __call__(self, pictures):
        if not pictures:
            return []
        room = self.room(*pictures[0].shape[:2])
        filled = pictures + pictures[-1:] * (room - len(pictures))  # JAX would compile for another number
        return engine.upscale_batch(filled, self.model, **self.options)[: len(pictures)]


class _Writer:
    """The new file: one stream is encoded, the others are copied."""

    def __init__(self, clip, first, file):
        self.ending = file.suffix.lower()
        name, *encoders = _FORMATS[self.ending]
        video = _video(clip)
        self.frames, self.size, self.end = 0, None, 0  # end: seconds, of the longest stream
        self.output = av.open(str(file), "w", format=name, container_options={"movflags": "+faststart"})
        self.output.metadata.update(clip.metadata)
        self.output.set_chapters(clip.chapters())
        self.stream = self.output.add_stream(rate=video.average_rate, **encoders[_is_deep(first)])
        self.stream.codec_context.time_base = video.time_base
        self.stream.codec_context.flags |= Flags.frame_duration  # or the last frame would last as long as the mean
        self.stream.sample_aspect_ratio = video.sample_aspect_ratio or 0
        self.stream.colorspace, self.stream.color_range = _colors(first)
        self.stream.color_primaries, self.stream.color_trc = first.color_primaries, first.color_trc
        if "DISPLAYMATRIX" in first.side_data:
            self.stream.set_display_matrix(np.frombuffer(first.side_data["DISPLAYMATRIX"], "int32"))
        self.copies = {stream.index: self._copy(stream) for stream in _copied(clip)}
        for stream, copy in [(video, self.stream), *((clip.streams[n], copy) for n, copy in self.copies.items())]:
            copy.disposition = stream.disposition
            copy.metadata.update({key: stream.metadata[key] for key in ("language", "title") if key in stream.metadata})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            self.output.close()
        except av.FFmpegError:
            if kind is None:
                raise

    def _copy(self, stream):
        try:
            return self.output.add_stream_from_template(stream)
        except ValueError as error:
            raise UserError(
                f"Expected sound and subtitles that {self.ending} can hold, but the {error}; choose a target ending in "
                f".mkv, or the ending of the source."
            ) from error

    def write(self, pictures, entries):
        """Encode and copy; returns how many frames."""
        if self.size is None:
            self.size = tuple(length + length % 2 for length in pictures[0].shape[:2])
            self.stream.height, self.stream.width = self.size
        before = self.frames
        for entry in entries:
            if isinstance(entry, _Shown):
                self._encode(pictures[entry.picture], entry)
                self.frames += 1
                time_base = self.stream.codec_context.time_base
            else:
                time_base = entry.time_base
                entry.stream = self.copies[entry.stream_index]
                self.output.mux(entry)
            self.end = max(self.end, float((entry.pts or 0) * time_base))
        return self.frames - before

    def _encode(self, picture, shown):
        even = np.pad(picture, [(0, length % 2) for length in picture.shape[:2]] + [(0, 0)], "edge")
        frame = av.VideoFrame.from_ndarray(even, "rgb24" if even.dtype == np.uint8 else "rgb48le")
        context = self.stream.codec_context
        frame = frame.reformat(
            format=context.pix_fmt,
            dst_colorspace=_MATRICES[context.colorspace],
            dst_color_range=context.color_range,
            interpolation=_EXACT,
        )
        frame.pts, frame.duration, frame.time_base = shown.pts, shown.duration, context.time_base
        self.output.mux(self.stream.encode(frame))

    def finish(self):
        self.output.mux(self.stream.encode())
