"""Estimates of single streams, for tests of fusion and smoothing. Times in milliseconds, windows of 3 s."""

from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion import decide

MS = 1_000_000
FACE_TABLE = (1, 3, 4, 5, 6, 7, 8)
SPEECH_TABLE = (1, 2, 3, 4, 5, 6, 7, 8)
FACE_PROBABILITIES = (0.6, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0)
SPEECH_PROBABILITIES = (0.1, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)


def face(at_ms, track=1, rank=0, in_view=1, probabilities=FACE_PROBABILITIES):
    return decide(
        probabilities, FACE_TABLE, modality=Modality.FACE, status=Status.FACE_ONLY, stamp_ns=at_ms * MS,
        frame_id="camera", window_start_ns=(at_ms - 2800) * MS, window_end_ns=at_ms * MS, person_id=f"face_{track}",
        face_box=(10.0 * track, 20.0, 30.0, 40.0), image_width=640, image_height=480, face_rank=rank,
        faces_in_view=in_view, face_frames=15, face_weights="f" * 64,
    )  # fmt: skip


def speech(at_ms, probabilities=SPEECH_PROBABILITIES):
    """Stamped with the first sample of its newest message, which lasts 100 ms."""
    return decide(
        probabilities, SPEECH_TABLE, modality=Modality.SPEECH, status=Status.SPEECH_ONLY, stamp_ns=at_ms * MS,
        frame_id="microphone", window_start_ns=(at_ms - 2900) * MS, window_end_ns=(at_ms + 100) * MS,
        person_id="voice", voice_activity=0.75, speech_weights="5" * 64,
    )  # fmt: skip


def no_face(at_ms, reasons=Reason.NO_FACE):
    return Estimate.nothing(Modality.FACE, reasons, at_ms * MS, "camera")


def no_voice(at_ms, reasons=Reason.NO_VOICE):
    return Estimate.nothing(Modality.SPEECH, reasons, at_ms * MS, "microphone")
