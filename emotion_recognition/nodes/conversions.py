"""Messages to plain data and back."""

import math
from array import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import KeyValue
from geometry_msgs.msg import Point32
from std_msgs.msg import Header

from emotion_recognition.audio.pipeline import MfccResult
from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.faces.pipeline import FaceSample as PlainFaceSample
from emotion_recognition.msg import Emotion, FaceSample, FaceSamples, MfccWindow
from emotion_recognition.stamps import SECOND_NS


def stamp_ns(stamp: Time) -> int:
    """Return a stamp in nanoseconds."""
    return stamp.sec * SECOND_NS + stamp.nanosec


def checked_ns(time: Time) -> int:
    """Return a message's time in nanoseconds.

    Raises:
        ValueError: its nanoseconds make a second or more.
    """
    if time.nanosec >= SECOND_NS:
        raise ValueError(f"{time.sec} s and {time.nanosec} ns is not a time: expected nanoseconds below {SECOND_NS}")
    return stamp_ns(time)


def to_time(time_ns: int) -> Time:
    """Return nanoseconds as a stamp.

    Raises:
        ValueError: the time is beyond what 32 bits of seconds hold, before 1901 or after January 2038.
    """
    seconds, nanoseconds = divmod(time_ns, SECOND_NS)
    if not -(2**31) <= seconds < 2**31:
        raise ValueError(f"time {time_ns} ns: expected what 32 bits of seconds hold")
    return Time(sec=seconds, nanosec=nanoseconds)


def window_ns(message: Emotion | MfccWindow) -> tuple[int, int]:
    """Return where the window of a message starts and ends, in nanoseconds.

    Raises:
        ValueError: one of them is no time.
    """
    return _field_ns(message, "window_start"), _field_ns(message, "window_end")


def _field_ns(message: Emotion | MfccWindow, name: str) -> int:
    try:
        return checked_ns(getattr(message, name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def emotion_message(estimate: Estimate) -> Emotion:
    """Return an estimate as a message."""
    return Emotion(
        header=Header(stamp=to_time(estimate.stamp_ns), frame_id=estimate.frame_id),
        window_start=to_time(estimate.window_start_ns),
        window_end=to_time(estimate.window_end_ns),
        person_id=estimate.person_id,
        modality=int(estimate.modality),
        status=int(estimate.status),
        reasons=int(estimate.reasons),
        class_id=estimate.class_id,
        label=estimate.label,
        confidence=float(estimate.confidence),
        class_ids=array("B", estimate.class_ids),
        labels=list(estimate.labels),
        probabilities=array("f", estimate.probabilities),
        valence=float(estimate.valence),
        arousal=float(estimate.arousal),
        face_box=np.array(estimate.face_box, np.float32),
        image_width=estimate.image_width,
        image_height=estimate.image_height,
        face_rank=estimate.face_rank,
        faces_in_view=estimate.faces_in_view,
        face_frames=estimate.face_frames,
        voice_activity=float(estimate.voice_activity),
        face_weights=estimate.face_weights,
        speech_weights=estimate.speech_weights,
        extra=[KeyValue(key=key, value=value) for key, value in estimate.extra],
    )


def estimate_of(message: Emotion) -> Estimate:
    """Return a message as an estimate.

    Raises:
        ValueError: the message breaks what msg/Emotion.msg promises (see Estimate).
    """
    window_start_ns, window_end_ns = window_ns(message)
    estimate = Estimate(
        stamp_ns=stamp_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        window_start_ns=window_start_ns,
        window_end_ns=window_end_ns,
        person_id=message.person_id,
        modality=Modality(message.modality),
        status=Status(message.status),
        reasons=Reason(message.reasons),
        class_id=message.class_id,
        confidence=message.confidence,
        class_ids=tuple(message.class_ids),
        probabilities=tuple(message.probabilities),
        valence=message.valence,
        arousal=message.arousal,
        face_box=tuple(float(value) for value in message.face_box),
        image_width=message.image_width,
        image_height=message.image_height,
        face_rank=message.face_rank,
        faces_in_view=message.faces_in_view,
        face_frames=message.face_frames,
        voice_activity=message.voice_activity,
        face_weights=message.face_weights,
        speech_weights=message.speech_weights,
        extra=tuple((pair.key, pair.value) for pair in message.extra),
    )
    if tuple(message.labels) != estimate.labels:
        raise ValueError(f"labels {message.labels} beside class_ids {estimate.class_ids}, expected {estimate.labels}")
    if message.label != estimate.label:
        raise ValueError(f"label {message.label!r} beside class_id {estimate.class_id}, expected {estimate.label!r}")
    if not all(math.isfinite(value) for value in estimate.face_box):
        raise ValueError(f"face_box {estimate.face_box}, expected finite pixels")
    return estimate


def face_samples_message(
    header: Header, shape: Sequence[int], samples: Sequence[PlainFaceSample], reasons: Reason, skipped: int
) -> FaceSamples:
    """Return the faces of one frame of ``shape`` (height, width, ...) as a message with the frame's header."""
    return FaceSamples(
        header=header,
        image_width=shape[1],
        image_height=shape[0],
        faces=[_face_message(sample) for sample in samples],
        reasons=int(reasons),
        skipped=skipped,
    )


def _face_message(sample: PlainFaceSample) -> FaceSample:
    return FaceSample(
        track_id=sample.track_id,
        score=float(sample.score),
        box=np.array(sample.box, np.float32),
        landmarks=[Point32(x=float(x), y=float(y)) for x, y in sample.landmarks],
        crop_margin=float(sample.crop_margin),
        crop=array("B", sample.crop.tobytes()),
    )


def crop_of(face: FaceSample) -> np.ndarray:
    """Return the crop of a face sample, (224, 224, 3) uint8 RGB.

    Raises:
        ValueError: the message holds another number of bytes.
    """
    size = FaceSample.CROP_SIZE
    if len(face.crop) != size * size * 3:
        raise ValueError(f"crop of {len(face.crop)} bytes; expected {size} x {size} x 3 = {size * size * 3}")
    return np.frombuffer(face.crop, np.uint8).reshape(size, size, 3)


def mfcc_message(result: MfccResult, frame_id: str) -> MfccWindow:
    """Return the MFCCs of a window as a message."""
    return MfccWindow(
        header=Header(stamp=to_time(result.stamp_ns), frame_id=frame_id),
        window_start=to_time(result.start_ns),
        window_end=to_time(result.end_ns),
        reasons=int(Reason.MICROPHONE_FROZEN if result.is_constant else Reason.NONE),
        sample_rate=result.rate,
        source_sample_rate=result.source_rate,
        source_channels=result.source_channels,
        coefficients=result.mfcc.shape[0],
        frames=result.mfcc.shape[1],
        frame_hop=result.frame_hop_s,
        mfcc=array("f", np.ascontiguousarray(result.mfcc, np.float32).tobytes()),
        mfcc_mean=array("f", np.ascontiguousarray(result.mfcc_mean, np.float32).tobytes()),
        voice_activity=result.voice_activity,
        level=result.level_dbfs,
        clipped=result.clipped,
    )


def mfcc_mean_of(message: MfccWindow) -> np.ndarray:
    """Return the mean of the coefficients over time, (40,) float32.

    Raises:
        ValueError: it has another length or is not finite.
    """
    mean = np.frombuffer(message.mfcc_mean, np.float32)
    if mean.shape != (message.coefficients,):
        raise ValueError(f"mfcc_mean of {mean.size} values, expected coefficients, {message.coefficients}")
    if not np.isfinite(mean).all():
        raise ValueError(f"mfcc_mean holds {mean[~np.isfinite(mean)][0]}, expected finite values")
    return mean


def mfcc_of(message: MfccWindow) -> np.ndarray:
    """Return the matrix of the coefficients over time, (coefficients, frames) float32.

    Raises:
        ValueError: it has another number of values, no frame, or a value that is not finite.
    """
    matrix = np.frombuffer(message.mfcc, np.float32)
    if not message.frames or matrix.size != message.coefficients * message.frames:
        raise ValueError(
            f"mfcc of {matrix.size} values, expected coefficients x frames, {message.coefficients} x {message.frames}, "
            "at least one frame"
        )
    if not np.isfinite(matrix).all():
        raise ValueError(f"mfcc holds {matrix[~np.isfinite(matrix)][0]}, expected finite values")
    return matrix.reshape(message.coefficients, message.frames)
