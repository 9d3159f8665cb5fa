"""Sound and frames of the files of data sets, and what to do with files that cannot be read."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from emotion_recognition.datasets.clips import Clip
from emotion_recognition.datasets.scanning import SOUND_SUFFIXES
from emotion_recognition.faces.sampling import FRAMES

RATE = 16000
ON_UNREADABLE = ("skip", "stop")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
T = TypeVar("T")


class UnreadableFile(ValueError):
    """A file of a data set cannot be used.

    Attributes:
        path: the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: Path | str, reason: str):
        """Take the file and what is wrong with it."""
        super().__init__(path, reason)
        self.path = Path(path)
        self.reason = reason

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.path}: cannot be read ({self.reason}); fetch the file again"


def read_sound(clip: Clip | Path | str, rate: int = RATE) -> np.ndarray:
    """Return the sound of a file, mono float32 (n,) in [-1, 1] at ``rate`` Hz.

    The channels are averaged. Resampling is that of :class:`emotion_recognition.audio.resampling.Resampler`. Of a file
    damaged in the middle or cut off, what can be decoded is returned.

    Args:
        clip: a clip or a path, of a .wav or .flac file or of any media file with sound.
        rate: sample rate of the result.

    Raises:
        UnreadableFile: it cannot be decoded, or holds no sound or no finite one.
        ImportError: soundfile or soxr is not installed.
    """
    import soxr

    path = _path(clip)
    samples, found_rate = _decode_sound(path)
    if not len(samples):
        raise UnreadableFile(path, "it holds no sound")
    if not np.isfinite(samples).all():
        raise UnreadableFile(path, "its sound is not finite")
    mono = samples.mean(axis=1)
    if found_rate == rate:
        return mono
    # One call of soxr gives the very samples that the stream of Resampler gives; HQ is the quality of both.
    return soxr.resample(mono, found_rate, rate, quality="HQ")


def read_frames(clip: Clip | Path | str, count: int = FRAMES, skip: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return frames spread over a video: those after ``skip`` in ``count`` equal segments, the centre one of each.

    A video of fewer frames than ``count`` repeats some.

    Args:
        clip: a clip or a path.
        count: number of frames, from 1.
        skip: frames left out at the start, from 0.

    Returns:
        RGB (count, H, W, 3) uint8, and the frames' numbers from 0, int64 (count,).

    Raises:
        UnreadableFile: it cannot be decoded, has no frame after ``skip``, or frames of several sizes.
        ValueError: ``count`` or ``skip`` is too small.
    """
    path = _path(clip)
    # The packets tell the number of frames without decoding; where they mislead, a second reading has the true number.
    total = _count_packets(path)
    indices = segment_centres(max(total, skip + 1), count, skip)
    frames, found = _decode_frames(path, set(indices.tolist()))
    if found <= skip:
        raise UnreadableFile(path, f"it has {found} frames, of which {skip} are skipped")
    if found != total:
        indices = segment_centres(found, count, skip)
        frames, _ = _decode_frames(path, set(indices.tolist()))
    sizes = {frame.shape[:2] for frame in frames.values()}
    if len(sizes) > 1:
        raise UnreadableFile(path, f"its frames have {len(sizes)} sizes")
    return np.stack([frames[index] for index in indices.tolist()]), indices


def segment_centres(total: int, count: int = FRAMES, skip: int = 0) -> np.ndarray:
    """Return the centre index of each of ``count`` equal segments of ``range(skip, total)``, int64 (count,).

    Raises:
        ValueError: ``count`` is under 1, ``skip`` under 0, or nothing is left after ``skip``.
    """
    if count < 1 or skip < 0 or total <= skip:
        raise ValueError(
            f"{count} of {total} frames after {skip}: expected from 1 frame, from 0 skipped, and some left"
        )
    return skip + (2 * np.arange(count, dtype=np.int64) + 1) * (total - skip) // (2 * count)


def read_all(
    items: Iterable[Any],
    reader: Callable[[Any], T],
    on_unreadable: str = "skip",
    report: Callable[[UnreadableFile], None] | None = None,
) -> tuple[list[T | None], list[UnreadableFile]]:
    """Read many files.

    Args:
        items: clips or paths.
        reader: called with each; raises UnreadableFile for a file that cannot be used.
        on_unreadable: ``skip`` goes on, ``stop`` raises at the first such file.
        report: called with each such file when it is met.

    Returns:
        What ``reader`` returned for each item, None for those that cannot be used; and these.

    Raises:
        UnreadableFile: a file cannot be used and ``on_unreadable`` is ``stop``.
        ValueError: another ``on_unreadable``.
    """
    if on_unreadable not in ON_UNREADABLE:
        raise ValueError(f"on_unreadable '{on_unreadable}': expected one of {', '.join(ON_UNREADABLE)}")
    results: list[T | None] = []
    unreadable: list[UnreadableFile] = []
    for item in items:
        try:
            results.append(reader(item))
        except UnreadableFile as problem:
            if report is not None:
                report(problem)
            if on_unreadable == "stop":
                raise
            results.append(None)
            unreadable.append(problem)
    return results, unreadable


def _path(clip: Clip | Path | str) -> Path:
    return clip.path if isinstance(clip, Clip) else Path(clip)


def _decode_sound(path: Path) -> tuple[np.ndarray, int]:
    """Return samples (n, channels) float32 and their rate."""
    if path.suffix.lower() in SOUND_SUFFIXES:
        import soundfile

        try:
            return soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise _unreadable(path, error) from error
    from emotion_recognition.sensors.media import MediaError, MediaSource

    try:
        with MediaSource(path, video=False) as source:
            chunks = list(source)
    except MediaError as error:
        raise _unreadable(path, error) from error
    if len({(chunk.rate, chunk.samples.shape[1]) for chunk in chunks}) > 1:
        raise UnreadableFile(path, "its sound changes format on the way")
    return np.concatenate([chunk.samples for chunk in chunks]).astype(np.float32) / 32768, chunks[0].rate


def _count_packets(path: Path) -> int:
    from emotion_recognition.sensors.media import MediaError, find_stream, open_input

    try:
        container = open_input(str(path))
    except MediaError as error:
        raise _unreadable(path, error) from error
    import av

    with container:
        stream = find_stream(container, "video")
        if stream is None:
            raise _unreadable(path, MediaError("it has no video"))
        total = 0
        try:
            for packet in container.demux(stream):
                total += packet.size > 0
        except (av.FFmpegError, OSError):
            pass  # what can be decoded is counted by the decoding
        return total


def _decode_frames(path: Path, wanted: set[int]) -> tuple[dict[int, np.ndarray], int]:
    """Return the wanted frames there are, by number, and the number of all frames."""
    from emotion_recognition.sensors.media import MediaError, MediaSource

    kept, total = {}, 0
    try:
        with MediaSource(path, audio=False) as source:
            for total, frame in enumerate(source, 1):
                if total - 1 in wanted:
                    kept[total - 1] = frame.rgb
    except MediaError as error:
        raise _unreadable(path, error) from error
    return kept, total


def _unreadable(path: Path, error: Exception) -> UnreadableFile:
    try:
        with open(path, "rb") as stream:
            if stream.read(len(_LFS_POINTER)) == _LFS_POINTER:
                return UnreadableFile(path, "it is a Git LFS pointer in place of the file: git lfs pull")
    except OSError:
        pass
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None)  # soundfile's, the system's
    return UnreadableFile(path, text or str(error).removeprefix(f"{path}: "))
