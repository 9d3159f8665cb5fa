"""What the topic ``emotion`` says when a sensor, the clock or a node fails: the rows of docs/FAULTS.md as data.

Tests bring about every row with the real nodes and compare (test/nodes/test_faults.py, test/nodes/test_crashes.py);
another one compares the page. Times hold for the shipped parameters and a microphone whose messages are 0.1 s long.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from emotion_recognition.estimates import Reason, Status

# In what time a node that was started again, or goes on, has made the stream whole.
NODE_WHOLE_WITHIN_S = 5.0

Said = tuple[Status, Reason]


@dataclass(frozen=True)
class Fault:
    """One row.

    Attributes:
        name: unique: what fails, and how; a node's name, where a node does.
        what: what happens then.
        said: status and reasons of every message from ``within_s`` on, for as long as the fault lasts; None where there
            are no messages. ABSTAINED is apart, it follows the confidence.
        within_s: time from the first moment of the fault, in seconds.
        again_s: time from the end of the fault until face and voice are fused again, in seconds.
        meanwhile: what else may be said before ``within_s``.
    """

    name: str
    what: str
    said: Said | None
    within_s: float
    again_s: float
    meanwhile: tuple[Said, ...] = ()


_CAMERA, _MICROPHONE = Reason.CAMERA_STALE, Reason.MICROPHONE_STALE
_WHOLE = (Status.BOTH, Reason.NONE)
_NO_CAMERA, _NO_MICROPHONE = (Status.SPEECH_ONLY, _CAMERA), (Status.FACE_ONLY, _MICROPHONE)
_NOTHING = (Status.NEITHER, _CAMERA | _MICROPHONE)
_NO_FACE_MODEL = (Status.SPEECH_ONLY, _CAMERA | Reason.MODEL_MISSING)
_NO_VOICE_MODEL = (Status.FACE_ONLY, _MICROPHONE | Reason.MODEL_MISSING)
_OFF = (Status.NEITHER, Reason.DISABLED)
_NO_VOICE = (Status.FACE_ONLY, Reason.NO_VOICE)
_CAMERA_FROZEN = (Status.SPEECH_ONLY, Reason.CAMERA_FROZEN)
_MICROPHONE_FROZEN = (Status.FACE_ONLY, Reason.MICROPHONE_FROZEN)
_ANEW = (_NOTHING, _NO_MICROPHONE)

SENSOR_FAULTS = (
    Fault("camera gone", "no frame comes", _NO_CAMERA, 1.5, 1.0, (_WHOLE,)),
    Fault("camera frozen", "the same picture comes with new stamps", _CAMERA_FROZEN, 3.0, 1.0, (_WHOLE,)),
    Fault("camera late", "frames come 2 s after their stamps", _NO_CAMERA, 1.5, 1.0, (_WHOLE,)),
    Fault("camera garbage", "frames are cut off or of an unknown encoding", _NO_CAMERA, 1.5, 1.0, (_WHOLE,)),
    Fault("nobody in view", "frames come, without a face", (Status.SPEECH_ONLY, Reason.NO_FACE), 1.0, 1.0, (_WHOLE,)),
    Fault("microphone gone", "no sound comes", _NO_MICROPHONE, 1.0, 2.0, (_WHOLE,)),
    Fault("microphone frozen", "all samples have one value", _MICROPHONE_FROZEN, 4.0, 3.0, (_WHOLE, _NO_VOICE)),
    Fault("microphone late", "sound comes 2 s after its stamps", _NO_MICROPHONE, 1.0, 2.0, (_WHOLE,)),
    Fault("microphone garbage", "messages are no whole number of samples", _NO_MICROPHONE, 1.0, 2.0, (_WHOLE,)),
    Fault("microphone clipped", "all samples are at full scale", _NO_MICROPHONE, 2.0, 4.0, (_WHOLE,)),
    Fault("nobody speaks", "sound comes, without a voice", _NO_VOICE, 4.0, 3.0, (_WHOLE,)),
    Fault("both gone", "neither frames nor sound come", _NOTHING, 2.5, 2.0, (_WHOLE,)),
    Fault("both late", "frames and sound come 2 s after their stamps", _NOTHING, 2.5, 2.0, (_WHOLE,)),
    Fault("clock and sensors forward", "ROS time and all stamps jump 10 s ahead", _WHOLE, 2.0, 1.0, _ANEW),
    Fault("clock and sensors back", "ROS time and all stamps jump 10 s back", _WHOLE, 2.0, 1.0, _ANEW),
    Fault("clock forward", "ROS time jumps 10 s ahead of the stamps", _NOTHING, 1.5, 2.0),
    Fault("clock back", "ROS time jumps 10 s behind the stamps", _NOTHING, 1.5, 2.0),
    Fault("no face model", "`visual_classifier` is cleaned up", _NO_FACE_MODEL, 1.5, 2.0, (_WHOLE, _NO_CAMERA)),
    Fault("no voice model", "`speech_classifier` is cleaned up", _NO_VOICE_MODEL, 1.5, 2.5, (_WHOLE, _NO_MICROPHONE)),
    Fault("switched off", "`~/enable` of any node was called with false", _OFF, 0.2, 3.0),
)

NODE_FAULTS = (
    Fault("face_detector", "", _NO_CAMERA, 1.5, NODE_WHOLE_WITHIN_S, (_WHOLE,)),
    Fault("mfcc_extractor", "", _NO_MICROPHONE, 1.0, NODE_WHOLE_WITHIN_S, (_WHOLE,)),
    Fault("visual_classifier", "", _NO_CAMERA, 1.5, NODE_WHOLE_WITHIN_S, (_WHOLE,)),
    Fault("speech_classifier", "", _NO_MICROPHONE, 1.0, NODE_WHOLE_WITHIN_S, (_WHOLE,)),
    Fault("fusion", "", None, 0.0, NODE_WHOLE_WITHIN_S),
)


def words(said: Said | None) -> str:
    """Return status and reasons as the page has them."""
    if said is None:
        return "no message"
    names = [f"`{reason.name}`" for reason in Reason if reason and reason in said[1]]
    return ", ".join([f"`{said[0].name}`", *names])


def markdown(faults: Sequence[Fault]) -> str:
    """Return rows as a Markdown table; without the column ``what`` where all are empty."""
    told = any(fault.what for fault in faults)
    head = ["fault", *(["what happens"] if told else []), "`emotion` says", "within", "until then also", "whole within"]
    rows = [head, ["---"] * len(head)]
    for fault in faults:
        row = [fault.name, *([fault.what] if told else []), words(fault.said), f"{fault.within_s:g} s"]
        rows.append([*row, "; ".join(map(words, fault.meanwhile)) or "–", f"{fault.again_s:g} s"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
