"""Media files to a bag: what a robot's camera and microphone would have published, with true stamps.

Clips follow one another. A frame is received at its own time, a piece of sound when its last sample is there. Clips
named as RAVDESS's or CREMA-D's give a label each. For clips without video a still can stand in for the camera: every
frame of it is made different by a little noise, since a camera that repeats one frame counts as frozen.
"""

import heapq
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from emotion_recognition.bags.labels import FILE_NAME, emotion_of_name, write_labels
from emotion_recognition.bags.results import Interval
from emotion_recognition.bags.writing import AUDIO, AUDIO_INFO, COMPRESSED_IMAGE, IMAGE, BagWriter
from emotion_recognition.datasets.ravdess import parse as parse_ravdess
from emotion_recognition.datasets.scanning import SOUND_SUFFIXES, VIDEO_SUFFIXES
from emotion_recognition.sensors.media import AudioChunk, Item, MediaSource, VideoFrame, moved
from emotion_recognition.stamps import SECOND_NS

STILL_SUFFIXES = (".png", ".jpg", ".jpeg")
START_NS = 1_700_000_000 * SECOND_NS
CAMERA, MICROPHONE = "camera", "microphone"
TOPICS = {
    "jpeg": ("/image/compressed", COMPRESSED_IMAGE), "raw": ("/image", IMAGE),
    "sound": ("/audio_stamped", AUDIO), "info": ("/audio_info", AUDIO_INFO),
}  # fmt: skip
_NOISE = 2  # grey levels


@dataclass(frozen=True)
class Making:
    """How to make a bag.

    Attributes:
        images: ``jpeg`` (CompressedImage) or ``raw`` (Image, rgb8).
        quality: of the JPEG files, 1 to 100.
        size: width and height of every frame, the picture within it as large as it can be; None: as they are.
        stills: a picture, or a folder of pictures named as the clips or by their actors (``Actor_07.png``), for clips
            without video; None leaves those without frames.
        rate: frames a second of a still.
        gap_s: time between two clips, in which nothing is published.
        duration_s: the clips are repeated until that time, where the bag ends; None: each once.
        start_ns: time of the first message.
        storage, compression: see :class:`~emotion_recognition.bags.writing.BagWriter`.
    """

    images: str = "jpeg"
    quality: int = 90
    size: tuple[int, int] | None = None
    stills: Path | None = None
    rate: float = 30.0
    gap_s: float = 1.0
    duration_s: float | None = None
    start_ns: int = START_NS
    storage: str = "mcap"
    compression: str = "none"


@dataclass(frozen=True)
class Made:
    """A bag that was made: its folder, its length, its labels, and what of the media could not be read."""

    path: Path
    duration_s: float
    messages: int
    labels: tuple[Interval, ...]
    problems: tuple[str, ...]


def find_media(paths: Sequence[Path]) -> list[Path]:
    """Return files as they are given, and the media files below folders in the order of their paths.

    Raises:
        ValueError: a folder holds none.
    """
    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            suffixes = (*SOUND_SUFFIXES, *VIDEO_SUFFIXES)
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes)
            if not inside:
                raise ValueError(f"{path}: holds no media file; expected some of {', '.join(sorted(suffixes))}")
        found += inside
    return found


def make_bag(media: Sequence[Path], output: Path, how: Making = Making()) -> Made:  # noqa: B008 (frozen)
    """Write a bag of media files, and ``labels.csv`` beside it where their names tell emotions.

    Raises:
        ValueError: there is no file, one cannot be read at all, or a setting is not possible.
        OSError: the bag cannot be written.
    """
    if not media or how.images not in ("jpeg", "raw") or not how.rate > 0 or not how.gap_s >= 0:
        raise ValueError(
            f"{len(media)} files, images {how.images}, rate {how.rate}, gap {how.gap_s}: expected at least one file, "
            "jpeg or raw, above 0, 0 or more"
        )
    with BagWriter(output, how.storage, how.compression) as bag:
        player = _Player(bag, how)
        number = 0
        while number < len(media) or (how.duration_s is not None and player.end_ns < player.limit_ns):
            before = player.messages
            player.play(media[number % len(media)], number)
            number += 1
            if number >= len(media) and (how.duration_s is None or player.messages == before):
                break
    labels = tuple(player.labels)
    if labels:
        write_labels(output / FILE_NAME, labels)
    return Made(output, player.end_ns / SECOND_NS, player.messages, labels, tuple(player.problems))


class _Player:
    """Writes clip after clip; times count from the bag's start."""

    def __init__(self, bag: BagWriter, how: Making):
        self.limit_ns = round(how.duration_s * SECOND_NS) if how.duration_s is not None else 1 << 62
        self.end_ns = 0
        self.messages = 0
        self.labels: list[Interval] = []
        self.problems: list[str] = []
        self._bag, self._how = bag, how
        self._topics: set[str] = set()

    def play(self, path: Path, number: int) -> None:
        start_ns = self.end_ns + (round(self._how.gap_s * SECOND_NS) if number else 0)
        if start_ns >= self.limit_ns:
            self.end_ns = self.limit_ns
            return
        source = MediaSource(path)
        with source:
            items: Iterable[Item] = source
            if not source.has_video and self._how.stills is not None:
                items = heapq.merge(source, self._still(path, number, source.duration_s), key=lambda one: one.time_ns)
            self._write(items, start_ns)
        self.problems += [f"{path.name}: {problem}" for problem in source.problems]
        emotion = emotion_of_name(path.stem)
        if emotion is not None and self.end_ns > start_ns:
            self.labels.append(Interval(start_ns / SECOND_NS, self.end_ns / SECOND_NS, "", emotion))

    def _write(self, items: Iterable[Item], start_ns: int) -> None:
        told = None
        for known_ns, item in _by_receipt(items):
            time_ns = start_ns + known_ns
            if time_ns > self.limit_ns:
                break
            item = moved(item, self._how.start_ns + start_ns)
            if isinstance(item, VideoFrame):
                self._put(self._how.images, time_ns, self._picture(item))
            else:
                shape = (item.rate, item.samples.shape[1])
                if shape != told:
                    self._put("info", start_ns if told is None else time_ns, self._bag.audio_info(*shape))
                    told = shape
                self._put("sound", time_ns, self._bag.audio(item.time_ns, MICROPHONE, item.samples))
            self.end_ns = time_ns

    def _put(self, what: str, time_ns: int, data: memoryview) -> None:
        name, kind = TOPICS[what]
        if name not in self._topics:
            self._bag.add_topic(name, kind, latched=what == "info")
            self._topics.add(name)
        self._bag.write(name, self._how.start_ns + time_ns, data)
        self.messages += 1

    def _picture(self, frame: VideoFrame) -> memoryview:
        rgb = frame.rgb if self._how.size is None else _fitted(frame.rgb, self._how.size)
        if self._how.images == "raw":
            return self._bag.image(frame.time_ns, CAMERA, rgb)
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "JPEG", quality=self._how.quality)
        return self._bag.compressed_image(frame.time_ns, CAMERA, file.getvalue())

    def _still(self, path: Path, number: int, duration_s: float | None) -> Iterator[VideoFrame]:
        with Image.open(find_still(self._how.stills, path)) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        rgb = rgb if self._how.size is None else _fitted(rgb, self._how.size)
        rng = np.random.default_rng(number)
        noise = rng.integers(-_NOISE, _NOISE + 1, (*rgb.shape[:2], 1), np.int16)
        for frame in range(int((duration_s or 0) * self._how.rate)):
            noisy = np.clip(rgb + np.roll(noise, int(rng.integers(noise.size))), 0, 255).astype(np.uint8)
            yield VideoFrame(round(frame * SECOND_NS / self._how.rate), noisy)


def find_still(stills: Path, clip: Path) -> Path:
    """Return the picture for a clip: the one given, or of a folder that of its name or of its actor.

    Raises:
        ValueError: the folder has none for it.
    """
    if not stills.is_dir():
        return stills
    found = {file.stem: file for file in sorted(stills.iterdir()) if file.suffix.lower() in STILL_SUFFIXES}
    try:
        known = parse_ravdess(clip)
    except ValueError:
        known = None
    for name in (clip.stem, f"Actor_{known.actor:02d}" if known else ""):
        if name in found:
            return found[name]
    raise ValueError(f"{stills}: no picture for {clip.name}; expected {clip.stem}.png or Actor_NN.png of its actor")


def _fitted(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if (rgb.shape[1], rgb.shape[0]) == size:
        return rgb
    return np.asarray(ImageOps.pad(Image.fromarray(rgb), size, Image.Resampling.BILINEAR))


def _by_receipt(items: Iterable[Item]) -> Iterator[tuple[int, Item]]:
    """Yield items that come in the order of their beginning in that of their receipt, with its time."""
    waiting: list[tuple[int, int, Item]] = []
    for number, item in enumerate(items):
        while waiting and waiting[0][0] <= item.time_ns:
            known_ns, _, ready = heapq.heappop(waiting)
            yield known_ns, ready
        known_ns = item.end_ns if isinstance(item, AudioChunk) else item.time_ns
        heapq.heappush(waiting, (known_ns, number, item))
    while waiting:
        known_ns, _, ready = heapq.heappop(waiting)
        yield known_ns, ready
