"""Media files as stamped video frames and audio chunks in time order, through PyAV (FFmpeg).

Times are those of the container's own presentation time stamps, moved so that the first item of either stream is
at 0. Each stream is read through a demultiplexer of its own and the two are merged by time: the order is exact
however badly a file is interleaved, and no more than one item of each stream is held.

PyAV (package ``av``) is imported when a source is opened, not with this module.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from emotion_recognition.stamps import SECOND_NS

MAX_PIXELS = 64_000_000
# FFmpeg draws text files as video and opens lists of further files; neither is a recording.
REFUSED_FORMATS = frozenset({"tty", "concat", "hls", "dash", "webm_dash_manifest", "imf", "sdp", "ffmetadata"})
SHORTER_THAN_DECLARED_NS = 500_000_000
BT709_FROM_LINES = 720  # untagged video of at least this height is BT.709, below it BT.601, as players assume
MAX_CHUNK_S = 0.1  # longer ones are split, so that sound flows as from a microphone
_UNSPECIFIED_COLORSPACE = 2
_BT709, _BT601 = 1, 5


class MediaError(ValueError):
    """A file or device cannot be read as media; the text names it, the problem and what is expected."""


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One picture: ``rgb`` is (H, W, 3) uint8, C-contiguous, upright; ``time_ns`` since the first item."""

    time_ns: int
    rgb: np.ndarray


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """``samples`` is (n, channels) int16 at ``rate`` per second; ``time_ns`` is that of the first sample."""

    time_ns: int
    samples: np.ndarray
    rate: int

    @property
    def end_ns(self) -> int:
        """Time just after the last sample."""
        return self.time_ns + len(self.samples) * SECOND_NS // self.rate


Item = VideoFrame | AudioChunk


def to_nanoseconds(pts: int, time_base: Fraction) -> int:
    """Return a presentation time stamp in nanoseconds, rounded to the nearest."""
    return round(pts * time_base * SECOND_NS)


def open_input(source: str, input_format: str | None = None, options: dict[str, str] | None = None):
    """Open a file, or a device if ``input_format`` names one of FFmpeg's input formats, as an ``av`` container.

    Files are opened as local files only: nothing in them can make FFmpeg reach the network.

    Raises:
        MediaError: PyAV is missing, there is no such file or device, or it is not media.
    """
    try:
        import av
    except ImportError as problem:
        raise MediaError(f"{source}: reading media needs PyAV, install it with: pip install av ({problem})") from None
    av.logging.set_level(None)  # what FFmpeg would print is told by the errors and by MediaSource.problems
    if input_format is None:
        _check_file(source)
        target, options = "file:" + os.path.abspath(source), {"protocol_whitelist": "file", **(options or {})}
    else:
        target = source
    try:
        container = av.open(target, format=input_format, options=options or {}, metadata_errors="replace")
    except (OSError, ValueError) as problem:
        kind = f"FFmpeg input {input_format}" if input_format else "media file"
        raise MediaError(f"{source}: cannot be opened as {kind}: {_reason(problem)}") from None
    if input_format is None and REFUSED_FORMATS.intersection(container.format.name.split(",")):
        name = container.format.name
        container.close()
        raise MediaError(
            f"{source}: is not a recording (FFmpeg takes it for {name}); expected e.g. mp4, mkv, wav, flac"
        )
    return container


def _check_file(source: str) -> None:
    path = Path(source)
    try:
        if path.is_dir():
            raise MediaError(f"{source}: is a folder, expected a media file (e.g. mp4, mkv, wav, flac)")
        if not path.exists():
            raise MediaError(f"{source}: no such file")
        if path.is_file() and path.stat().st_size == 0:
            raise MediaError(f"{source}: the file is empty, expected a media file (e.g. mp4, mkv, wav, flac)")
    except OSError as problem:
        raise MediaError(f"{source}: {_reason(problem)}") from None


def _reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem) or type(problem).__name__


class StreamReader:
    """The items of one stream of a container, with times as the container has them (not moved to 0).

    What cannot be decoded is left out, and ``problems`` says how much; see ``MediaSource``.

    Args:
        container: an open ``av`` container; the reader closes it.
        kind: ``"video"`` or ``"audio"``; the container must have a stream of that kind (``find_stream``).
        name: names the source in errors.
    """

    def __init__(self, container, kind: str, name: str):
        """Prepare the decoder; nothing is read yet."""
        self.container = container
        self.name = name
        self.kind = kind
        self.stream = find_stream(container, kind)
        self.problems: list[str] = []
        self.failure: str | None = None
        self._damaged = 0
        self._last_ns: int | None = None
        self._next_ns: Fraction | None = None
        self._resampler = None
        self._resampler_input = None
        context = self.stream.codec_context
        if context is None:
            raise MediaError(f"{name}: its {kind} is in a codec that this FFmpeg cannot decode")
        if kind == "video" and context.width * context.height > MAX_PIXELS:
            raise MediaError(f"{name}: {context.width}x{context.height} pixels, at most {MAX_PIXELS} are accepted")
        context.thread_count = 1
        context.options = {"err_detect": "explode"}  # a damaged frame is left out, not patched up from others

    def close(self) -> None:
        """Close the container; may be called twice."""
        self.container.close()

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in time order; ends at the stream's end or where nothing more can be read."""
        import av

        convert = self._video_items if self.kind == "video" else self._audio_items
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as problem:
                self.failure = f"reading the {self.kind} stopped: {_reason(problem)}"
                break
            if packet is None:
                break
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError, ValueError):
                self._damaged += 1
                continue
            for frame in frames:
                items = [] if frame.is_corrupt else convert(frame)
                if not items:
                    self._damaged += 1
                yield from items
        if self.failure:
            self.problems.append(self.failure)
        if self._damaged:
            self.problems.append(f"{self._damaged} damaged {self.kind} packets or frames were left out")

    def _time(self, frame, duration_ns: Fraction, tolerance_ns: int) -> int | None:
        """Return when the frame starts; None for one that is not after its predecessor.

        A frame without a time stamp (raw streams) follows its predecessor. ``tolerance_ns`` is the rounding of the
        container's stamps (1 ms in Matroska): within it, the end of the predecessor is the exact time.
        """
        if frame.pts is None:
            start = self._next_ns or Fraction(0)
        else:
            start = to_nanoseconds(frame.pts, frame.time_base or self.stream.time_base)
            if self._next_ns is not None and abs(start - self._next_ns) <= tolerance_ns:
                start = self._next_ns
        if self._last_ns is not None and start <= self._last_ns:
            return None
        self._last_ns, self._next_ns = round(start), start + duration_ns
        return self._last_ns

    def _video_items(self, frame) -> list[VideoFrame]:
        if frame.width * frame.height > MAX_PIXELS:
            return []
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        start = self._time(frame, SECOND_NS / Fraction(rate), tolerance_ns=0)
        if start is None:
            return []
        colorspace = int(frame.colorspace)
        if colorspace == _UNSPECIFIED_COLORSPACE:
            colorspace = _BT709 if frame.height >= BT709_FROM_LINES else _BT601
        rgb = frame.reformat(format="rgb24", src_colorspace=colorspace).to_ndarray()
        turns = round(frame.rotation / 90) % 4  # the display matrix, counterclockwise
        return [VideoFrame(start, np.ascontiguousarray(np.rot90(rgb, turns) if turns else rgb))]

    def _audio_items(self, frame) -> list[AudioChunk]:
        import av

        rate = frame.sample_rate
        if frame.samples == 0:
            return []
        if frame.format.name.startswith(("flt", "dbl")) and not np.isfinite(frame.to_ndarray()).all():
            return []
        shape = (frame.format.name, frame.layout.name, rate)
        if shape != self._resampler_input:
            self._resampler = av.AudioResampler(format="s16", layout=frame.layout, rate=rate)
            self._resampler_input = shape
        tolerance_ns = 2 * to_nanoseconds(1, frame.time_base or self.stream.time_base)
        start = self._time(frame, Fraction(frame.samples * SECOND_NS, rate), tolerance_ns)
        if start is None:
            return []
        blocks = [block.to_ndarray().reshape(-1, frame.layout.nb_channels) for block in self._resampler.resample(frame)]
        samples = np.concatenate(blocks) if blocks else np.empty((0, 1), np.int16)
        length = max(1, int(MAX_CHUNK_S * rate))
        return [
            AudioChunk(start + round(first * SECOND_NS / rate), samples[first : first + length], rate)
            for first in range(0, len(samples), length)
        ]


def find_stream(container, kind: str):
    """Return the container's best stream of a kind ("video" or "audio"), or None; a cover picture is no video."""
    import av

    streams = container.streams.video if kind == "video" else container.streams.audio
    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in streams if not stream.disposition & cover]
    best = container.streams.best(kind)
    return best if best in streams else (streams[0] if streams else None)


class ItemSource:
    """What file and devices have in common: an iterator that is read once, and a context manager that closes it.

    A subclass yields its items from ``_items`` and ends in ``close``.
    """

    _iterator: Iterator[Item] | None = None

    def __enter__(self) -> ItemSource:
        """Return itself."""
        return self

    def __exit__(self, *_) -> None:
        """Close the source."""
        self.close()

    def __iter__(self) -> Iterator[Item]:
        """Return itself: a source is read once."""
        return self

    def __next__(self) -> Item:
        """Return the next item."""
        if self._iterator is None:
            self._iterator = self._items()
        return next(self._iterator)

    def close(self) -> None:
        """Close what the items come from; may be called twice. Iterating ends."""
        raise NotImplementedError

    def _items(self) -> Iterator[Item]:
        raise NotImplementedError


class MediaSource(ItemSource):
    """The stamped items of a media file in time order; an iterator and a context manager.

    With ``input_format`` it reads one FFmpeg input device instead of a file; two devices that run in real time
    are merged by ``emotion_recognition.sensors.devices.LiveSource``.

    What of a damaged file can be read is yielded; what was left out stands in ``problems`` (one sentence each)
    once the iteration has ended. Nothing is filled in. A file of which nothing can be read raises.

    Attributes:
        has_video, has_audio: which streams there are (and were asked for).
        duration_s: length in seconds as the file declares it, None if it does not.
        problems: what could not be read, complete after the last item.

    Raises:
        MediaError: on opening, the file is missing, not media or has neither stream; while iterating, not a single
            item could be read.
    """

    def __init__(
        self,
        source: str | os.PathLike,
        *,
        video: bool = True,
        audio: bool = True,
        input_format: str | None = None,
        options: dict[str, str] | None = None,
    ):
        """Open the source; nothing is decoded yet.

        Args:
            source: path of the file, or the device's name.
            video, audio: False leaves that stream out.
            input_format: FFmpeg's name of a device's input format, e.g. ``lavfi``; None for a file.
            options: FFmpeg options for opening.
        """
        self.name = os.fspath(source)
        self.has_video = self.has_audio = False
        self.duration_s: float | None = None
        self.problems: list[str] = []
        self._readers: list[StreamReader] = []
        try:
            self._open([k for k, wanted in (("video", video), ("audio", audio)) if wanted], input_format, options)
        except BaseException:
            self.close()
            raise

    def _open(self, kinds: list[str], input_format: str | None, options: dict[str, str] | None) -> None:
        container = open_input(self.name, input_format, options)
        try:
            present = [kind for kind in kinds if find_stream(container, kind) is not None]
            if container.duration:
                self.duration_s = container.duration / 1e6
            if not present:
                wanted = " nor ".join(kinds)
                raise MediaError(f"{self.name}: has no {wanted} stream, expected {' or '.join(kinds)}")
        except BaseException:
            container.close()
            raise
        for kind in present:
            if container is None:
                container = open_input(self.name, input_format, options)
            try:
                self._readers.append(StreamReader(container, kind, self.name))
            except BaseException:
                container.close()
                raise
            container = None
        self.has_video, self.has_audio = "video" in present, "audio" in present

    def close(self) -> None:
        """Close the file; may be called twice. Iterating ends."""
        self._iterator = iter(())
        for reader in self._readers:
            reader.close()

    def _items(self) -> Iterator[Item]:
        first_ns = end_ns = None
        for item in heapq.merge(*self._readers, key=lambda item: item.time_ns):
            if first_ns is None:
                first_ns = item.time_ns
            item = moved(item, -first_ns)
            end_ns = max(end_ns or 0, item.end_ns if isinstance(item, AudioChunk) else item.time_ns)
            yield item
        self.problems.extend(problem for reader in self._readers for problem in reader.problems)
        if end_ns is None:
            found = "; ".join(self.problems) or "it holds no frame and no sample"
            raise MediaError(f"{self.name}: nothing in it can be read: {found}")
        if self.duration_s and end_ns < self.duration_s * SECOND_NS - SHORTER_THAN_DECLARED_NS:
            self.problems.append(
                f"ends after {end_ns / SECOND_NS:.2f} s, {self.duration_s:.2f} s are declared: it is cut off"
            )


def moved(item: Item, by_ns: int) -> Item:
    """Return the item with its time moved by ``by_ns``."""
    if isinstance(item, VideoFrame):
        return VideoFrame(item.time_ns + by_ns, item.rgb)
    return AudioChunk(item.time_ns + by_ns, item.samples, item.rate)


__all__ = ["AudioChunk", "Item", "MediaError", "MediaSource", "VideoFrame"]
