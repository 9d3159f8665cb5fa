"""What the evaluation of bags gives, as plain data: decisions, labels, scores and the JSON form of all three."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from emotion_recognition import emotions
from emotion_recognition.evaluation.calibration import calibration_error, reliability
from emotion_recognition.evaluation.metrics import score

# The first of them that a run has is the one judged at the top level of its scores.
STREAMS = ("fused", "face", "speech")
MODES = ("offline", "replayed", "recorded")
COVERAGE = ("face", "voice", "decision")
FORMAT = 1
VOICE_PERSON = "voice"


@dataclass(frozen=True)
class Interval:
    """A stretch of a bag with one emotion.

    Attributes:
        start_s, end_s: seconds from the bag's first message; the end is not part of it.
        person: as in Emotion.msg's person_id; empty for anyone.
        class_id: from 1.
    """

    start_s: float
    end_s: float
    person: str
    class_id: int


@dataclass(frozen=True)
class Decision:
    """One decision about one person.

    Attributes:
        time_s: its stamp, seconds from the bag's first message.
        stream: one of STREAMS.
        person: person_id; empty with status NEITHER.
        status: NEITHER, FACE_ONLY, SPEECH_ONLY or BOTH.
        reasons: bits, as in Emotion.msg.
        class_id: 0 (unknown) to 8.
        confidence: of the class, 0 to 1; of the most probable one where it is unknown.
        class_ids, probabilities: the label table and the probabilities beside it.
        face_box: x, y, width, height in pixels; None where no face was used.
        window_start_s, window_end_s: times of the oldest and newest sample used, as ``time_s``.
        latency_s: time of receipt minus stamp; None offline.
        truth: class id by the labels at ``time_s``; None where there is no label.
    """

    time_s: float
    stream: str
    person: str
    status: str
    reasons: int
    class_id: int
    confidence: float
    class_ids: tuple[int, ...]
    probabilities: tuple[float, ...]
    face_box: tuple[float, float, float, float] | None
    window_start_s: float
    window_end_s: float
    latency_s: float | None = None
    truth: int | None = None

    @property
    def is_judged(self) -> bool:
        """Whether it names a class where there is a label."""
        return self.truth is not None and self.class_id != emotions.UNKNOWN


@dataclass(frozen=True)
class BagResult:
    """The evaluation of one bag.

    Attributes:
        bag: name of its folder.
        duration_s: from its first to its last message, as far as it could be read.
        mode: one of MODES.
        decisions: by time, then stream, then person.
        labels: by start.
        coverage: shares of time, 0 to 1, by COVERAGE: with a face, with a voice, with a decision.
        problems: each names bag, topic and offset; where there is one, the result is partial.
        models: by stream: ``{"name": ..., "weights": sha256}``.
        parameters: by name, as the nodes take them.
        timing: whatever was measured or dated; nothing else differs between two offline runs.
        faces: JPEG files of faces by the index of their decision; empty unless asked for.
    """

    bag: str
    duration_s: float
    mode: str
    decisions: tuple[Decision, ...]
    labels: tuple[Interval, ...]
    coverage: dict[str, float]
    problems: tuple[str, ...] = ()
    models: dict[str, dict[str, str]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    timing: dict[str, Any] = field(default_factory=dict)
    faces: dict[int, bytes] = field(default_factory=dict)


def truth_at(labels: Iterable[Interval], time_s: float, person: str) -> int | None:
    """Return the class id that labels give a person at a time, None where there is none.

    A label for anyone counts for everyone. The voice belongs to no person in particular: it has the labels of all,
    where they agree.
    """
    here = [one for one in labels if one.start_s <= time_s < one.end_s]
    found = {one.class_id for one in here if person in ("", VOICE_PERSON) or one.person in ("", person)}
    return found.pop() if len(found) == 1 else None


def with_truth(decisions: Iterable[Decision], labels: Sequence[Interval]) -> tuple[Decision, ...]:
    """Return decisions with the truth that the labels give them."""
    return tuple(replace(one, truth=truth_at(labels, one.time_s, one.person)) for one in decisions)


def scores(results: Sequence[BagResult]) -> dict[str, Any]:
    """Return the scores of the decisions of all bags together.

    Judged are decisions that name a class where there is a label; where the weights cannot name the label they are
    wrong, and counted in ``outside``. Without judged decisions the scores are None.

    Returns:
        ``stream`` (the one that the top level is about), ``accuracy``, ``uar``, ``macro_f1``, ``ece``, ``decisions``,
        ``judged``, ``outside``, ``confusion`` (``labels`` and ``matrix``, true class by row), ``per_class`` (by label:
        ``precision``, ``recall``, ``f1``, ``support``), ``reliability`` (bins), ``coverage``, and ``streams``: all but
        the last two for each stream there is.
    """
    by_stream = {
        stream: [one for result in results for one in result.decisions if one.stream == stream] for stream in STREAMS
    }
    main = next((stream for stream in STREAMS if by_stream[stream]), STREAMS[0])
    streams = {stream: _scores_of(found) for stream, found in by_stream.items() if found or stream == main}
    return {"stream": main, **streams[main], "coverage": _coverage(results), "streams": streams}


def to_json(results: Sequence[BagResult]) -> dict[str, Any]:
    """Return results as what ``evaluate --json`` writes: scores, ``bags``, ``problems``, ``timing``.

    Latencies of decisions are measured, so that they stand under ``timing``.
    """
    return {
        "format": FORMAT,
        **scores(results),
        "bags": [_bag_to_json(result) for result in results],
        "problems": [problem for result in results for problem in result.problems],
        "timing": {**_common_timing(results), "bags": [_timing_to_json(result) for result in results]},
    }


def from_json(data: Mapping[str, Any]) -> list[BagResult]:
    """Return the results that :func:`to_json` was given.

    Raises:
        ValueError: it is not what ``evaluate --json`` writes.
    """
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, Mapping) else type(data).__name__
        raise ValueError(f"format {found!r}: expected {FORMAT}, as written by `emotion-recognition evaluate --json`")
    try:
        return [_bag_from_json(*pair) for pair in zip(data["bags"], data["timing"]["bags"], strict=True)]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"not a run of `emotion-recognition evaluate --json`: {type(error).__name__} {error}"
        ) from error


def _scores_of(decisions: Sequence[Decision]) -> dict[str, Any]:
    judged = [one for one in decisions if one.is_judged]
    out: dict[str, Any] = {
        "accuracy": None, "uar": None, "macro_f1": None, "ece": None, "decisions": len(decisions),
        "judged": len(judged), "outside": sum(one.truth not in one.class_ids for one in judged),
        "confusion": {"labels": list(emotions.LABELS.values()), "matrix": [[0] * 8 for _ in range(8)]},
        "per_class": {}, "reliability": [],
    }  # fmt: skip
    if not judged:
        return out
    truth = np.array([one.truth for one in judged])
    found = score(truth, np.array([one.class_id for one in judged]), emotions.CLASS_IDS)
    spread = np.zeros((len(judged), len(emotions.CLASS_IDS)))
    for row, one in zip(spread, judged, strict=True):
        row[np.asarray(one.class_ids) - 1] = one.probabilities
    out.update(
        accuracy=found.accuracy,
        uar=found.uar,
        macro_f1=found.macro_f1,
        ece=calibration_error(truth, spread, emotions.CLASS_IDS),
        reliability=[asdict(one) for one in reliability(truth, spread, emotions.CLASS_IDS)],
        per_class={
            emotions.LABELS[one.class_id]: {
                "precision": one.precision, "recall": one.recall, "f1": one.f1, "support": one.support
            } for one in found.classes
        },
    )  # fmt: skip
    out["confusion"]["matrix"] = [list(row) for row in found.confusion]
    return out


def _coverage(results: Sequence[BagResult]) -> dict[str, float]:
    total = sum(result.duration_s for result in results)
    return {
        name: sum(result.coverage.get(name, 0.0) * result.duration_s for result in results) / total if total else 0.0
        for name in COVERAGE
    }


def _common_timing(results: Sequence[BagResult]) -> dict[str, Any]:
    """Return what holds for all bags together: realtime_factor, latency percentiles, versions, date."""
    out: dict[str, Any] = {"realtime_factor": None, "latency_s": None}
    timed = [one for one in results if one.timing.get("wall_s")]
    if timed:
        out["realtime_factor"] = sum(one.duration_s for one in timed) / sum(one.timing["wall_s"] for one in timed)
    latencies = [
        one.latency_s for result in results for one in result.decisions if one.latency_s is not None and one.class_id
    ]
    if latencies:
        values = np.percentile(latencies, (50, 95, 99))
        out["latency_s"] = {name: float(value) for name, value in zip(("p50", "p95", "p99"), values, strict=True)}
    for name in ("versions", "date"):
        found = next((one.timing[name] for one in results if name in one.timing), None)
        if found is not None:
            out[name] = found
    return out


def _bag_to_json(result: BagResult) -> dict[str, Any]:
    out = {item.name: getattr(result, item.name) for item in fields(result) if item.name not in ("timing", "faces")}
    out["decisions"] = [
        {name: value for name, value in asdict(one).items() if name != "latency_s"} for one in result.decisions
    ]
    out["labels"] = [asdict(one) for one in result.labels]
    out["problems"] = list(result.problems)
    out["scores"] = scores([result])
    if result.faces:
        out["faces"] = {str(index): base64.b64encode(data).decode() for index, data in sorted(result.faces.items())}
    return out


def _timing_to_json(result: BagResult) -> dict[str, Any]:
    out = {"bag": result.bag, **result.timing}
    if any(one.latency_s is not None for one in result.decisions):
        out["latencies_s"] = [one.latency_s for one in result.decisions]
    return out


def _bag_from_json(data: Mapping[str, Any], timing: Mapping[str, Any]) -> BagResult:
    latencies = timing.get("latencies_s", [None] * len(data["decisions"]))
    decisions = tuple(
        Decision(**{name: _frozen(value) for name, value in one.items()}, latency_s=latency)
        for one, latency in zip(data["decisions"], latencies, strict=True)
    )
    kept = {name: data[name] for name in ("bag", "duration_s", "mode", "coverage", "models", "parameters")}
    return BagResult(
        **kept,
        decisions=decisions,
        labels=tuple(Interval(**one) for one in data["labels"]),
        problems=tuple(data["problems"]),
        timing={name: value for name, value in timing.items() if name not in ("bag", "latencies_s")},
        faces={int(index): base64.b64decode(text) for index, text in data.get("faces", {}).items()},
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
