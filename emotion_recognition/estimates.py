"""How one person feels, as plain data: the twin of msg/Emotion.msg for code that knows nothing of ROS."""

import math
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from emotion_recognition import emotions

# Probabilities travel as float32; eight of them sum to 1 within this.
SUM_TOLERANCE = 1e-5


class Modality(IntEnum):
    """What kind of decision an estimate is."""

    FACE = 1
    SPEECH = 2
    FUSED = 3


class Status(IntEnum):
    """What an estimate was computed from."""

    NEITHER = 0
    FACE_ONLY = 1
    SPEECH_ONLY = 2
    BOTH = 3


class Reason(IntFlag):
    """Why a stream is left out or the label is UNKNOWN; msg/Emotion.msg describes each."""

    NONE = 0
    NO_FACE = 1
    NO_VOICE = 2
    CAMERA_STALE = 4
    MICROPHONE_STALE = 8
    CAMERA_FROZEN = 16
    MICROPHONE_FROZEN = 32
    DISABLED = 64
    ABSTAINED = 128
    VOICE_OF_ANOTHER = 256
    MODEL_MISSING = 512


# Why a stream has nothing to say; one of them is among the reasons wherever its status is NEITHER.
STREAM_REASONS = {
    Modality.FACE: (
        Reason.NO_FACE | Reason.CAMERA_STALE | Reason.CAMERA_FROZEN | Reason.DISABLED | Reason.MODEL_MISSING
    ),
    Modality.SPEECH: (
        Reason.NO_VOICE | Reason.MICROPHONE_STALE | Reason.MICROPHONE_FROZEN | Reason.DISABLED | Reason.MODEL_MISSING
    ),
}
_REASONS = int(sum(Reason))
STREAM_REASONS[Modality.FUSED] = STREAM_REASONS[Modality.FACE] | STREAM_REASONS[Modality.SPEECH]


@dataclass(frozen=True)
class Estimate:
    """One decision about one person. Fields, units and ranges are those of msg/Emotion.msg; times in nanoseconds.

    Raises:
        ValueError: the label table is empty or names a class twice or one that does not exist, the probabilities do
            not stand beside it, are not finite or do not sum to 1, a value leaves its range, a reason has no meaning,
            the window ends before it starts, nobody is named though there is a decision, or somebody though there is
            none, or nothing says why there is none.
    """

    stamp_ns: int
    frame_id: str
    window_start_ns: int
    window_end_ns: int
    person_id: str
    modality: Modality
    status: Status
    reasons: Reason
    class_id: int
    confidence: float
    class_ids: tuple[int, ...]
    probabilities: tuple[float, ...]
    valence: float = 0.0
    arousal: float = 0.0
    face_box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    image_width: int = 0
    image_height: int = 0
    face_rank: int = 0
    faces_in_view: int = 0
    face_frames: int = 0
    voice_activity: float = 0.0
    face_weights: str = ""
    speech_weights: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    def __post_init__(self):
        ids = self.class_ids
        if not ids or len(set(ids)) != len(ids) or not set(ids) <= set(emotions.CLASS_IDS):
            raise ValueError(f"class_ids {ids}, expected some of {emotions.CLASS_IDS}, each once")
        if len(self.probabilities) != len(ids):
            raise ValueError(f"{len(self.probabilities)} probabilities for {len(ids)} classes")
        # Also catches NaN: it compares false.
        if not all(0.0 <= value <= 1.0 for value in self.probabilities):
            raise ValueError(f"probabilities {self.probabilities}, expected each from 0 to 1")
        if abs(math.fsum(self.probabilities) - 1.0) > SUM_TOLERANCE:
            raise ValueError(f"probabilities sum to {math.fsum(self.probabilities)}, expected 1")
        if self.class_id != emotions.UNKNOWN and self.class_id not in ids:
            raise ValueError(f"class_id {self.class_id} is not in the label table {ids}")
        for name, low in (("confidence", 0.0), ("voice_activity", 0.0), ("valence", -1.0), ("arousal", -1.0)):
            if not low <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} {getattr(self, name)}, expected {low:g} to 1")
        if int(self.reasons) & ~_REASONS:
            raise ValueError(f"reasons {int(self.reasons)}, expected bits of {_REASONS} only")
        if self.window_end_ns < self.window_start_ns:
            raise ValueError(f"window ends at {self.window_end_ns}, before its start {self.window_start_ns}")
        if bool(self.person_id) == (self.status == Status.NEITHER):
            raise ValueError(
                f"person_id {self.person_id!r} with status {Status(self.status).name}, expected a person "
                "with a decision, and none without"
            )
        if self.status == Status.NEITHER and not int(self.reasons) & STREAM_REASONS[self.modality]:
            raise ValueError(
                f"status NEITHER with reasons {int(self.reasons)}, expected some of "
                f"{int(STREAM_REASONS[self.modality])}"
            )

    @property
    def label(self) -> str:
        """Name of the class, ``unknown`` for UNKNOWN."""
        return emotions.label_of(self.class_id)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes in the label table."""
        return tuple(emotions.LABELS[number] for number in self.class_ids)

    @classmethod
    def nothing(cls, modality: Modality, reasons: Reason, stamp_ns: int, frame_id: str = "") -> "Estimate":
        """Return an estimate with status NEITHER: UNKNOWN, confidence 0, uniform probabilities, empty window.

        Args:
            modality: of the topic it goes to.
            reasons: why there is nothing to say.
            stamp_ns: on a modality's topic the stamp of the sensor message in which nobody was found, on the fused
                topics ROS time of publishing.
            frame_id: that sensor's; empty on the fused topics.
        """
        count = len(emotions.CLASS_IDS)
        return cls(
            stamp_ns, frame_id, stamp_ns, stamp_ns, "", modality, Status.NEITHER, reasons, emotions.UNKNOWN, 0.0,
            emotions.CLASS_IDS, (1.0 / count,) * count,
        )  # fmt: skip
