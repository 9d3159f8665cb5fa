"""Emotion messages, as recorded in a bag or heard from the nodes, to decisions."""

from collections.abc import Iterator
from typing import Any

from emotion_recognition.bags.labels import Change, LabelError, change_of_text
from emotion_recognition.bags.reading import Bag, Topic
from emotion_recognition.bags.results import STREAMS, Decision
from emotion_recognition.bags.sources import Sources
from emotion_recognition.bags.writing import TEXT
from emotion_recognition.estimates import Estimate, Modality, Status
from emotion_recognition.stamps import SECOND_NS

# Probabilities and times are kept to a millionth.
_DIGITS = 6
_MODALITIES = {"face": Modality.FACE, "speech": Modality.SPEECH, "fused": Modality.FUSED}


def decision_of(estimate: Any, stream: str, start_ns: int, latency_s: float | None = None) -> Decision:
    """Return an estimate as a decision of a bag.

    Args:
        estimate: an :class:`~emotion_recognition.estimates.Estimate`.
        stream: the decision's.
        start_ns: time of the bag's first message.
        latency_s: from its stamp to its receipt.
    """
    return Decision(
        time_s=_seconds(estimate.stamp_ns, start_ns),
        stream=stream,
        person=estimate.person_id,
        status=estimate.status.name,
        reasons=int(estimate.reasons),
        class_id=int(estimate.class_id),
        confidence=round(float(estimate.confidence), _DIGITS),
        class_ids=tuple(int(number) for number in estimate.class_ids),
        probabilities=tuple(round(float(value), _DIGITS) for value in estimate.probabilities),
        face_box=tuple(round(float(value), 2) for value in estimate.face_box) if any(estimate.face_box) else None,
        window_start_s=_seconds(estimate.window_start_ns, start_ns),
        window_end_s=_seconds(estimate.window_end_ns, start_ns),
        latency_s=None if latency_s is None else round(latency_s, _DIGITS),
    )


def estimate_of(message: Any) -> Estimate:
    """Return a decoded Emotion message as an estimate; the face box and all that a decision holds is kept.

    Raises:
        ValueError: the message breaks what msg/Emotion.msg promises.
    """
    return Estimate(
        stamp_ns=_nanoseconds(message.header.stamp),
        frame_id=message.header.frame_id,
        window_start_ns=_nanoseconds(message.window_start),
        window_end_ns=_nanoseconds(message.window_end),
        person_id=message.person_id,
        modality=Modality(int(message.modality)),
        status=Status(int(message.status)),
        reasons=int(message.reasons),
        class_id=int(message.class_id),
        confidence=float(message.confidence),
        class_ids=tuple(int(number) for number in message.class_ids),
        probabilities=tuple(float(value) for value in message.probabilities),
        face_box=tuple(float(value) for value in message.face_box),
        face_weights=message.face_weights,
        speech_weights=message.speech_weights,
    )


def recorded_decisions(bag: Bag, sources: Sources) -> Iterator[tuple[Decision, Estimate]]:
    """Yield the decisions that a bag holds; messages that cannot be used go to its problems."""
    parts = {topic.name: part for part in STREAMS if (topic := sources.get(part)) is not None}
    for message in bag.messages([bag.topics[name] for name in parts]):
        stream = parts[message.topic.name]
        try:
            estimate = estimate_of(bag.decode(message))
            if estimate.modality is not _MODALITIES[stream]:
                raise ValueError(f"modality {estimate.modality.name}, expected {_MODALITIES[stream].name}")
            if estimate.stamp_ns <= 0:
                raise ValueError(f"stamp {estimate.stamp_ns / SECOND_NS:.9f} s is not set")
        except ValueError as error:
            bag.problems.add(message.topic.name, message.time_ns, f"message left out: {error}", "emotion")
            continue
        latency_s = (message.time_ns - estimate.stamp_ns) / SECOND_NS
        yield decision_of(estimate, stream, bag.start_ns, latency_s), estimate


def label_changes(bag: Bag, topic: Topic) -> Iterator[Change]:
    """Yield the changes that a topic of labels tells; messages that name no emotion go to the bag's problems."""
    for message in bag.messages([topic]):
        try:
            found = bag.decode(message)
            if topic.type == TEXT:
                yield change_of_text(found.data, (message.time_ns - bag.start_ns) / SECOND_NS)
            else:
                estimate = estimate_of(found)
                yield Change(_seconds(estimate.stamp_ns, bag.start_ns), estimate.person_id, estimate.class_id)
        except LabelError as error:
            bag.problems.add(topic.name, message.time_ns, str(error))
        except ValueError as error:
            bag.problems.add(topic.name, message.time_ns, f"label left out: {error}", "label")


def models_of(estimates: Estimate, models: dict[str, dict[str, str]]) -> None:
    """Note the weights that a recorded estimate names."""
    for stream, weights in (("face", estimates.face_weights), ("speech", estimates.speech_weights)):
        if weights:
            models.setdefault(stream, {"name": "", "weights": weights})


def _nanoseconds(stamp: Any) -> int:
    return int(stamp.sec) * SECOND_NS + int(stamp.nanosec)


def _seconds(time_ns: int, start_ns: int) -> float:
    return round((time_ns - start_ns) / SECOND_NS, _DIGITS)
