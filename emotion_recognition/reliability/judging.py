"""What must hold of every published Emotion, judged message by message; it knows nothing of ROS.

A message is anything with the fields of msg/Emotion.msg.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import Any

from emotion_recognition import emotions
from emotion_recognition.estimates import STREAM_REASONS, SUM_TOLERANCE, Modality, Reason, Status
from emotion_recognition.stamps import SECOND_NS

_KNOWN = sum(Reason)
# A fused message of these states must say why the other stream is left out.
_WHY = {
    Status.FACE_ONLY: STREAM_REASONS[Modality.SPEECH] | Reason.VOICE_OF_ANOTHER,
    Status.SPEECH_ONLY: STREAM_REASONS[Modality.FACE],
}
_HAS_FACE = (Status.FACE_ONLY, Status.BOTH)
_HAS_VOICE = (Status.SPEECH_ONLY, Status.BOTH)
# How many stamps of sensors and how many bad messages are kept.
STAMPS_KEPT = 20_000
# How far a window's times, which follow the sensor's clock evenly, may lie beside the stamps it comes from.
JITTER_S = 0.1
EXAMPLES_KEPT = 20


def contract_problems(message: Any, *, origins: bool = True, smoothed: bool = False) -> list[str]:
    """Return what a message breaks of what msg/Emotion.msg promises of every message; empty where nothing.

    Args:
        message: an Emotion.
        origins: judge also whether the fields that tell of face and voice fit the status; a fusion that is given made
            up estimates hands theirs on.
        smoothed: of the topic ``emotion``, whose class need not be the most probable one: a label is held for a while.
    """
    probabilities = [float(value) for value in message.probabilities]
    ids, labels = list(message.class_ids), list(message.labels)
    if not len(ids) == len(labels) == len(probabilities) >= 1:
        return [f"table: {len(ids)} ids, {len(labels)} labels, {len(probabilities)} probabilities"]
    if not all(map(math.isfinite, probabilities)):
        return [f"finite: probabilities {probabilities}"]
    found = []
    if min(probabilities) < 0 or max(probabilities) > 1:
        found.append(f"range: probabilities {probabilities}")
    if abs(math.fsum(probabilities) - 1) >= SUM_TOLERANCE:
        found.append(f"sum: probabilities sum to {math.fsum(probabilities)}")
    if not set(ids) <= set(emotions.CLASS_IDS) or len(set(ids)) != len(ids):
        return [*found, f"table: ids {ids}"]
    if labels != [emotions.LABELS[number] for number in ids]:
        found.append(f"table: ids {ids} beside labels {labels}")
    found += _range_problems(message)
    try:
        status, modality = Status(message.status), Modality(message.modality)
    except ValueError as error:
        return [*found, f"state: {error}"]
    found += _class_problems(message, status, probabilities, smoothed)
    found += _reason_problems(message, status, modality)
    if origins:
        found += _origin_problems(message, status)
    return found


def _range_problems(message: Any) -> list[str]:
    values = {name: getattr(message, name) for name in ("confidence", "voice_activity", "valence", "arousal")}
    low = {"valence": -1, "arousal": -1}
    # Written so that NaN is out of range.
    found = [
        f"range: {name} {value}" for name, value in values.items() if not low.get(name, 0) <= value <= 1
    ]  # fmt: skip
    if not all(map(math.isfinite, message.face_box)):
        found.append(f"finite: face_box {list(message.face_box)}")
    if stamp_ns(message.window_end) < stamp_ns(message.window_start):
        found.append("window: it ends before it starts")
    return found


def _class_problems(message: Any, status: Status, probabilities: list[float], smoothed: bool) -> list[str]:
    said = message.class_id, message.label
    if status is Status.NEITHER:
        wrong = said != (emotions.UNKNOWN, emotions.UNKNOWN_LABEL) or message.confidence != 0
        wrong = wrong or len(set(probabilities)) != 1
        return [f"class: status NEITHER with class {said}, confidence {message.confidence}"] if wrong else []
    ids = list(message.class_ids)
    confidence = max(probabilities)
    expected = ids[probabilities.index(confidence)]
    if message.reasons & Reason.ABSTAINED:
        expected = emotions.UNKNOWN
    elif smoothed and message.class_id in ids:
        expected, confidence = message.class_id, probabilities[ids.index(message.class_id)]
    found = []
    if said != (expected, emotions.label_of(expected)):
        found.append(f"class: {said}, expected {expected}, {emotions.label_of(expected)}")
    if message.confidence != confidence:
        found.append(f"class: confidence {message.confidence}, expected {confidence}")
    return found


def _reason_problems(message: Any, status: Status, modality: Modality) -> list[str]:
    reasons = int(message.reasons)
    found = []
    if reasons & ~_KNOWN:
        found.append(f"reasons: {reasons} has bits without a meaning")
    why = STREAM_REASONS[modality] if status is Status.NEITHER else _WHY.get(status)
    if status is Status.NEITHER or (modality is Modality.FUSED and why):
        if not reasons & why:
            found.append(f"reasons: {reasons} do not say why the status is {status.name}")
    elif reasons & ~Reason.ABSTAINED:
        found.append(f"reasons: {reasons} with status {status.name}")
    return found


def _origin_problems(message: Any, status: Status) -> list[str]:
    face = bool(message.face_weights), bool(message.face_frames), any(message.face_box)
    voice = bool(message.speech_weights), message.voice_activity > 0
    found = []
    if set(face) != {status in _HAS_FACE}:
        found.append(f"origin: status {status.name} with face weights, frames, box: {face}")
    if set(voice) != {status in _HAS_VOICE}:
        found.append(f"origin: status {status.name} with speech weights, voice activity: {voice}")
    return found


class Judge:
    """Judges the Emotions of a run against what its sensors sent, and counts those that are bad.

    Whoever runs the sensors tells each stamp before the message goes out (:meth:`sent`), and when stamps may go back
    (:meth:`began_anew`).

    Attributes:
        emotions: messages judged.
        decisions: those of them with another status than NEITHER.
        bad_emotions: messages with a problem.
        problems: how often each kind of problem was found, by the word it begins with.
        examples: the first problems found, in full.
        switched_off: perception is switched off: any decision is a problem. To be set when the nodes have worked off
            what they had.

    Args:
        longest_window_s: of a decision; a longer one is a problem. None: any.
        stale_after_s: a decision whose stamp lies further behind now, and a message of status NEITHER on a fused topic
            whose stamp is not now to within it, is a problem, where now is known. None: any.
        weights: hashes that may be named; None: any.
        rising: the stamps of a person on a topic must rise.
        origins: see :func:`contract_problems`.
        stamps_kept: how many of the sensors' stamps are known, the newest.
        ends_before_s: a window may end so far before its stamp: up to a hop where sound is stamped with its end.
    """

    def __init__(
        self,
        longest_window_s: float | None = None,
        stale_after_s: float | None = None,
        weights: set[str] | None = None,
        rising: bool = True,
        origins: bool = True,
        stamps_kept: int = STAMPS_KEPT,
        ends_before_s: float = 0.0,
    ):
        self.emotions = self.decisions = self.bad_emotions = 0
        self.problems: Counter[str] = Counter()
        self.examples: list[str] = []
        self.switched_off = False
        self._beside_ns = round((JITTER_S + ends_before_s) * SECOND_NS)
        self._longest_s, self._stale_after_s, self._weights = longest_window_s, stale_after_s, weights
        self._rising, self._origins, self._stamps_kept = rising, origins, stamps_kept
        self._order: deque[tuple[str, int]] = deque()
        self._sent: Counter[tuple[str, int]] = Counter()
        self._last: dict[tuple[str, str], int] = {}

    def sent(self, frame_id: str, stamp: int) -> None:
        """Take the stamp, in nanoseconds, of a sensor's message that goes out now."""
        self._order.append((frame_id, stamp))
        self._sent[frame_id, stamp] += 1
        if len(self._order) > self._stamps_kept:
            oldest = self._order.popleft()
            self._sent[oldest] -= 1
            if not self._sent[oldest]:
                del self._sent[oldest]

    def began_anew(self) -> None:
        """Let every person's stamps begin anew: time or a sensor went back, or the nodes forgot what they heard."""
        self._last.clear()

    def hear(self, topic: str, message: Any, now_ns: int | None = None) -> list[str]:
        """Judge a message of a topic, heard at a time of the nodes' clock if that is known; return what is wrong."""
        smoothed = message.modality == Modality.FUSED and not topic.endswith("/raw")
        found = contract_problems(message, origins=self._origins, smoothed=smoothed)
        self.emotions += 1
        if message.status == Status.NEITHER:
            found += self._nothing_problems(message, now_ns)
        else:
            self.decisions += 1
            found += self._stamp_problems(topic, message, now_ns)
        if found:
            self.bad_emotions += 1
            self.problems.update(one.split(":")[0] for one in found)
            if len(self.examples) < EXAMPLES_KEPT:
                self.examples.append(
                    f"{topic} {stamp_ns(message.header.stamp)} {message.person_id}: {'; '.join(found)}"
                )
        return found

    def _nothing_problems(self, message: Any, now_ns: int | None) -> list[str]:
        stamp = stamp_ns(message.header.stamp)
        found = []
        if (stamp_ns(message.window_start), stamp_ns(message.window_end)) != (stamp, stamp):
            found.append("window: status NEITHER with a window")
        if message.person_id:
            found.append(f"person: status NEITHER of {message.person_id}")
        if message.modality == Modality.FUSED:
            if message.header.frame_id:
                found.append(f"stamp: status NEITHER on a fused topic with frame_id {message.header.frame_id!r}")
            limit = self._stale_after_s
            if now_ns is not None and limit is not None and abs(now_ns - stamp) > limit * SECOND_NS:
                found.append(f"stamp: status NEITHER is stamped {(now_ns - stamp) / SECOND_NS:.3f} s before now")
        elif not self._sent[message.header.frame_id, stamp]:
            found.append(f"stamp: {message.header.frame_id!r} {stamp} was not sent by a sensor")
        return found

    def _stamp_problems(self, topic: str, message: Any, now_ns: int | None) -> list[str]:
        stamp, frame_id = stamp_ns(message.header.stamp), message.header.frame_id
        found = []
        if self.switched_off:
            found.append("off: a decision while perception is switched off")
        if not self._sent[frame_id, stamp]:
            found.append(f"stamp: {frame_id!r} {stamp} was not sent by a sensor")
        who = topic, message.person_id
        if self._rising and stamp <= self._last.get(who, -1):
            found.append(f"order: {stamp} of {message.person_id} after {self._last[who]}")
        self._last[who] = stamp
        if not message.person_id:
            found.append("person: a decision about nobody")
        start, end = stamp_ns(message.window_start), stamp_ns(message.window_end)
        if self._longest_s is not None:
            limit_ns = round(self._longest_s * SECOND_NS)
            if end - start > limit_ns or not start - self._beside_ns <= stamp <= end + self._beside_ns:
                found.append(f"window: {start} to {end} about {stamp}, longer than {self._longest_s} s or beside it")
        if self._stale_after_s is not None and now_ns is not None:
            age_s = (now_ns - stamp) / SECOND_NS
            if age_s > self._stale_after_s:
                found.append(f"old: {age_s:.3f} s, expected at most {self._stale_after_s} s")
        if self._weights is not None:
            named = {message.face_weights, message.speech_weights} - {""}
            if not named <= self._weights:
                found.append(f"weights: {named - self._weights} were not loaded")
        return found


def stamp_ns(stamp: Any) -> int:
    """Return a message's stamp (sec, nanosec) in nanoseconds."""
    return int(stamp.sec) * SECOND_NS + int(stamp.nanosec)
