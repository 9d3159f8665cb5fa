"""One bag, or many, to results: decisions made offline, by the nodes or long ago, beside the labels."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from emotion_recognition.bags import labels as label_files
from emotion_recognition.bags.coverage import coverage
from emotion_recognition.bags.crops import face_crops
from emotion_recognition.bags.labels import LabelError
from emotion_recognition.bags.offline import OfflineChain
from emotion_recognition.bags.problems import EVERY_TOPIC, Problems
from emotion_recognition.bags.reading import Bag
from emotion_recognition.bags.recorded import decision_of, label_changes, models_of, recorded_decisions
from emotion_recognition.bags.results import STREAMS, BagResult, Decision, Interval, with_truth
from emotion_recognition.bags.settings import flat, models_named, read_parameters
from emotion_recognition.bags.sources import Sources, find_sources
from emotion_recognition.evaluation.records import library_versions
from emotion_recognition.memory import keep_freed_memory
from emotion_recognition.stamps import SECOND_NS

WAYS = ("auto", "offline", "replayed", "recorded")


@dataclass(frozen=True)
class Evaluation:
    """How to evaluate bags.

    Attributes:
        way: ``offline``, ``replayed`` (through the nodes), ``recorded`` (the decisions in the bag) or ``auto``: offline
            where the bag has camera or microphone, else recorded.
        labels: a CSV file, or a folder with one named as each bag (``BAG.csv``); None: ``labels.csv`` in the bag's
            folder, else a topic of labels, else the bag's name.
        parameters: a ROS parameter file; None: defaults.
        topics: names of topics by part, see :data:`emotion_recognition.bags.sources.PARTS`.
        rate: seconds of the bag in one second, for ``replayed``.
        with_faces: keep the faces of the worst moments.
    """

    way: str = "auto"
    labels: Path | None = None
    parameters: Path | None = None
    topics: dict[str, str] = field(default_factory=dict)
    rate: float = 1.0
    with_faces: bool = False


def evaluate_bag(path: str | Path, how: Evaluation = Evaluation()) -> BagResult:  # noqa: B008 (frozen)
    """Return the evaluation of one bag.

    What of the bag, or of its labels, cannot be used is in the result's problems; nothing else is missing in it.

    Raises:
        ValueError: a parameter or a topic is not possible, or the bag has none of what ``how.way`` needs.
        OSError: a file that is not of the bag cannot be read.
        RuntimeError: the nodes do not run.
    """
    if how.way not in WAYS or not how.rate > 0:
        raise ValueError(f"way {how.way}, rate {how.rate}: expected one of {', '.join(WAYS)}, and above 0")
    parameters = read_parameters(how.parameters)
    try:
        bag = Bag(path)
    except ValueError as error:
        return _unreadable(path, str(error))
    with bag:
        if bag.start_ns is None:
            bag.problems.add(EVERY_TOPIC, None, "holds no message; expected camera, microphone or emotions")
            return _unreadable(path, *bag.problems.lines())
        sources = find_sources(bag, how.topics)
        way = _way(bag, how.way, sources)
        found = _Found(flat(parameters))
        if way == "recorded":
            _recorded(bag, sources, found)
        elif way == "replayed":
            from emotion_recognition.bags.replay import replay

            found.timing |= replay(bag, sources, parameters, how.rate, found.hear)
            found.models.update(models_named(parameters, sources.perceived))
        else:
            _offline(bag, sources, parameters, found)
        return _result(bag, sources, way, found, how)


def evaluate_bags(
    paths: Sequence[str | Path],
    how: Evaluation = Evaluation(),  # noqa: B008 (frozen)
    jobs: int | None = 1,
    scheduler: str | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> list[BagResult]:
    """Return the evaluation of bags in their order; one that fails does not stop the rest, its result says why.

    Args:
        paths: the bags' folders.
        how: see :class:`Evaluation`.
        jobs, scheduler, report: see :func:`emotion_recognition.training.jobs.run_jobs`.

    Raises:
        ConnectionError, RuntimeError: the cluster cannot be reached, or a worker died.
    """
    from emotion_recognition.training.jobs import run_jobs

    names = [Path(path).resolve().name for path in paths]
    return run_jobs(_guarded, [(str(path), how) for path in paths], jobs, scheduler, report, names)


def _guarded(path: str, how: Evaluation) -> BagResult:
    try:
        return evaluate_bag(path, how)
    except Exception as error:  # one bad bag must not stop the rest
        kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
        name = Path(path).resolve().name
        text = str(error)
        return _unreadable(path, text if text.startswith(f"bag {name},") else _line(name, f"{kind}{text}"))


class _Found:
    """What an evaluation gathers while it runs."""

    def __init__(self, parameters: dict[str, Any]):
        self.parameters = parameters
        self.decisions: list[Decision] = []
        self.models: dict[str, dict[str, str]] = {}
        self.timing: dict[str, Any] = {}

    def hear(self, decision: Decision) -> None:
        self.decisions.append(decision)


def _way(bag: Bag, way: str, sources: Sources) -> str:
    needed = {"offline": sources.has_sensors, "replayed": sources.has_sensors, "recorded": sources.has_emotions}
    if way == "auto":
        way = "recorded" if sources.has_emotions and not sources.has_sensors else "offline"
    if not needed[way]:
        held = ", ".join(f"{topic.name} ({topic.type})" for topic in bag.topics.values()) or "no topic"
        wanted = "Emotion" if way == "recorded" else "Image, CompressedImage, AudioDataStamped or AudioData"
        raise ValueError(_line(bag.name, f"holds {held}; expected a topic of {wanted}"))
    return way


def _offline(bag: Bag, sources: Sources, parameters: dict[str, dict[str, Any]], found: _Found) -> None:
    keep_freed_memory()
    chain = OfflineChain(parameters, sources)
    found.models.update(models_named(parameters, sources.perceived))
    began = time.perf_counter()
    for heard in chain.run(bag):
        found.hear(decision_of(heard.estimate, heard.stream, bag.start_ns))
    found.timing["wall_s"] = time.perf_counter() - began


def _recorded(bag: Bag, sources: Sources, found: _Found) -> None:
    for decision, estimate in recorded_decisions(bag, sources):
        found.hear(decision)
        models_of(estimate, found.models)


def _result(bag: Bag, sources: Sources, way: str, found: _Found, how: Evaluation) -> BagResult:
    duration_s = round((bag.last_ns - bag.start_ns) / SECOND_NS, 6)
    labels = _labels(bag, sources, how.labels, duration_s)
    order = {stream: place for place, stream in enumerate(STREAMS)}
    decisions = sorted(found.decisions, key=lambda one: (one.time_s, order[one.stream], one.person))
    topics = {f"{part}_topic": topic.name for part, topic in sources.topics.items()}
    timing: dict[str, Any] = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": library_versions() | {"rosbags": metadata.version("rosbags")},
        **found.timing,
    }
    if "wall_s" in found.timing:
        timing["realtime_factor"] = duration_s / max(found.timing["wall_s"], 1e-9)
    result = BagResult(
        bag=bag.name,
        duration_s=duration_s,
        mode=way,
        decisions=with_truth(decisions, labels),
        labels=labels,
        coverage=coverage(decisions, duration_s),
        models=found.models,
        parameters=found.parameters | topics,
        timing=timing,
    )
    if how.with_faces:
        result = replace(result, faces=face_crops(bag, sources, result))
    return replace(result, problems=tuple(bag.problems.lines()))


def _labels(bag: Bag, sources: Sources, given: Path | None, duration_s: float) -> tuple[Interval, ...]:
    own = bag.path / label_files.FILE_NAME
    file = given / f"{bag.name}.csv" if given is not None and given.is_dir() else given
    if file is not None or own.is_file():
        return _labels_of_file(bag, file or own, duration_s)
    topic = sources.get("labels")
    if topic is not None:
        return label_files.from_changes(label_changes(bag, topic), duration_s)
    return label_files.from_name(bag.name, duration_s)


def _labels_of_file(bag: Bag, file: Path, duration_s: float) -> tuple[Interval, ...]:
    """Return what of a file's labels can be used; the rest goes to the bag's problems, under the file's name."""

    def problem(offset_s: float, text: str) -> None:
        bag.problems.add(file.name, bag.start_ns + round(offset_s * SECOND_NS), text)

    try:
        return label_files.read_labels(file, duration_s, problem)
    except (LabelError, OSError) as error:
        problem(0.0, str(error))
        return ()


def _line(bag: str, text: str) -> str:
    problems = Problems(bag)
    problems.add(EVERY_TOPIC, None, text)
    return problems.lines()[0]


def _unreadable(path: str | Path, *problems: str) -> BagResult:
    empty = {"face": 0.0, "voice": 0.0, "decision": 0.0}
    return BagResult(Path(path).resolve().name, 0.0, "offline", (), (), empty, problems=problems)
