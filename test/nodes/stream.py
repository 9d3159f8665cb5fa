"""A stream of camera and microphone with known, irregular stamps, and what must come of it, worked out by hand."""

from dataclasses import dataclass

import numpy as np
from emotion_recognition.msg import Emotion
from messages import CAMERA, MICROPHONE
from PIL import Image as Picture

from emotion_recognition.faces import FrameSampler
from emotion_recognition.reliability import contract_problems

SECOND = 1_000_000_000
RATE = 16000
FRAMES, REACH_NS = 15, round(3.1 * SECOND)  # frames of a decision; window and half a sampling interval
FIRST_WINDOW, HOP, WINDOW = 16384, 8192, 48000  # samples
PAIR_WITHIN_NS = 750_000_000
# What the camera sees until a time in seconds.
SCENES = ((0.9, "nobody"), (4.6, "one"), (5.6, "two"), (6.6, "nobody"))
VOICE_FROM_S, END_S = 1.9, 6.6


@dataclass(frozen=True)
class Frame:
    """A camera frame: its stamp, and how many faces are in it."""

    stamp_ns: int
    rgb: np.ndarray
    faces: int

    @property
    def known_ns(self) -> int:
        return self.stamp_ns


@dataclass(frozen=True)
class Chunk:
    """A piece of sound: its stamp, which is the time of its first sample, and that sample's number."""

    stamp_ns: int
    samples: np.ndarray
    first: int

    @property
    def known_ns(self) -> int:
        return self.stamp_ns + len(self.samples) * SECOND // RATE


@dataclass(frozen=True)
class Decision:
    """Who an Emotion is about, and the time and origin of what it was computed from."""

    person: str
    status: int
    stamp_ns: int
    start_ns: int
    end_ns: int
    frame_id: str


def make_stream(picture: np.ndarray, voice: np.ndarray, base_ns: int, seed: int = 5) -> list[Frame | Chunk]:
    """Return frames and chunks in the order in which a robot gets them: a chunk when its last sample is there.

    Args:
        picture: a frame with one face.
        voice: speech, int16 (n,) at 16 kHz.
        base_ns: time of the first sample.
        seed: of the irregularity.
    """
    rng = np.random.default_rng(seed)
    small = np.asarray(Picture.fromarray(picture).resize((picture.shape[1] * 6 // 10, picture.shape[0] * 6 // 10)))
    filler = np.full((picture.shape[0] - small.shape[0], small.shape[1], 3), 90, np.uint8)
    scenes = {
        "nobody": (np.full_like(picture, 90), 0),
        "one": (picture, 1),
        "two": (np.concatenate([picture, np.concatenate([small, filler])], axis=1), 2),
    }
    items: list[Frame | Chunk] = []
    time_ns = 13_000_019
    while time_ns < END_S * SECOND:
        rgb, faces = scenes[next(name for until, name in SCENES if time_ns < until * SECOND)]
        rgb = rgb.copy()
        rgb[0, 0] = len(items) % 256  # no two frames of a camera that works are the same
        items.append(Frame(base_ns + time_ns, rgb, faces))
        time_ns += int(rng.integers(25_000_000, 70_000_000))
    sound = rng.normal(0, 20, round(END_S * RATE)).astype(np.int16)
    spoken = voice[: len(sound) - round(VOICE_FROM_S * RATE)]
    sound[-len(spoken) :] += spoken
    first = 0
    while first < len(sound):
        count = int(rng.integers(RATE // 50, RATE // 11))
        items.append(Chunk(base_ns + first * SECOND // RATE, sound[first : first + count], first))
        first += count
    return sorted(items, key=lambda item: item.known_ns)


class Oracle:
    """Works out, item by item, which decisions must follow and the stamps and windows they must carry."""

    def __init__(self, base_ns: int):
        self.base_ns = base_ns
        self.face: list[Decision] = []
        self.speech: list[Decision] = []
        self.raw: list[Decision] = []
        self._sampler = FrameSampler(FRAMES, 3.0)
        self._seen: dict[str, list[int]] = {}
        self._chunks: list[Chunk] = []
        self._next_end = FIRST_WINDOW
        self._largest: Decision | None = None
        self._voice: Decision | None = None
        self._published: dict[str, int] = {}

    def frame(self, frame: Frame) -> bool:
        """Take a frame; return whether it is sampled. The faces' tracks are 1 and, for the smaller one, 2."""
        if not self._sampler.accept(frame.stamp_ns):
            return False
        stamp = frame.stamp_ns
        found = []
        for number in range(1, frame.faces + 1):
            person = f"face_{number}"
            seen = [one for one in self._seen.get(person, []) if stamp - one <= REACH_NS][-(FRAMES - 1) :] + [stamp]
            self._seen[person] = seen
            found.append(Decision(person, Emotion.STATUS_FACE_ONLY, stamp, seen[0], stamp, CAMERA))
        self.face += found or [nobody(stamp, CAMERA)]
        self._largest = found[0] if found else None
        for rank, one in enumerate(found):
            voice = self._voice if rank == 0 else None
            near = voice is not None and abs(voice.stamp_ns - stamp) <= PAIR_WITHIN_NS
            self._publish(both(one, voice) if near else one)
        return True

    def chunk(self, chunk: Chunk) -> list[Decision]:
        """Take a chunk; return the windows of sound it completes, all as if they held a voice."""
        self._chunks.append(chunk)
        total = chunk.first + len(chunk.samples)
        complete = []
        while self._next_end <= total:
            start, last = max(0, self._next_end - WINDOW), self._next_end - 1
            newest = max((one for one in self._chunks if one.first <= last), key=lambda one: one.first)
            times = (self.base_ns + index * SECOND // RATE for index in (start, last))
            complete.append(Decision("voice", Emotion.STATUS_SPEECH_ONLY, newest.stamp_ns, *times, MICROPHONE))
            self._next_end += HOP
        return complete

    def window(self, window: Decision, has_voice: bool) -> None:
        """Take what the classifier said of a window."""
        self._voice = window if has_voice else None
        self.speech.append(window if has_voice else nobody(window.stamp_ns, MICROPHONE))
        if not has_voice:
            return
        face = self._largest
        if face is None:
            self._publish(window)
        elif abs(face.stamp_ns - window.stamp_ns) <= PAIR_WITHIN_NS:
            self._publish(both(face, window))
        else:
            raise AssertionError("the stream has no pauses")

    def _publish(self, decision: Decision) -> None:
        if decision.stamp_ns > self._published.get(decision.person, 0):
            self._published[decision.person] = decision.stamp_ns
            self.raw.append(decision)


def nobody(stamp_ns: int, frame_id: str) -> Decision:
    return Decision("", Emotion.STATUS_NEITHER, stamp_ns, stamp_ns, stamp_ns, frame_id)


def both(face: Decision, voice: Decision) -> Decision:
    newest = voice if voice.stamp_ns > face.stamp_ns else face
    start, end = min(face.start_ns, voice.start_ns), max(face.end_ns, voice.end_ns)
    return Decision(face.person, Emotion.STATUS_BOTH, newest.stamp_ns, start, end, newest.frame_id)


def assert_consistent(message: Emotion, smoothed: bool = False) -> None:
    """Assert what msg/Emotion.msg promises of every message, or of one of the topic emotion."""
    assert contract_problems(message, smoothed=smoothed) == []
