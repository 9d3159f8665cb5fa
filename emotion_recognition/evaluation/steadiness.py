"""How often the label changes, and what steadiness costs: the data behind the defaults of smoothing and hysteresis.

Sessions are composed of real clips: one actor shows an emotion for several clips, then another one. The voice is the
out-of-fold predictions of protocol P5's windows, the face beside it those of the same performances' action units, one
a clip; both are committed run records. A session of faces alone is made of FER2013's test stills, each shown for a
while with frames shifted, relit and now and then degraded (``training.augment_faces.degrade``). Every session goes
through the robot's own fusion and smoothing, one decision a window of sound or frame. Temperatures are those of the
other folds. Run ``python -m emotion_recognition.evaluation.steadiness --help``.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from emotion_recognition import emotions
from emotion_recognition.chain import FusionStep
from emotion_recognition.estimates import Estimate, Modality, Status
from emotion_recognition.evaluation.calibration import softmax
from emotion_recognition.evaluation.records import WHOLE, RunRecord, load_record
from emotion_recognition.fusion import Smoother, Steadiness, decide
from emotion_recognition.parameters import defaults
from emotion_recognition.stamps import SECOND_NS

RUNS = Path(__file__).parent / "runs"
VOICE, FACE, FUSED = "speech-resnet-p5", "action-units-p2", "speech-resnet-p2-action-units-gm"
WINDOW_NS, FRAME_NS = SECOND_NS // 2, SECOND_NS // 5  # from one window of sound, one camera frame, to the next
BOUT = 4  # clips of one emotion after each other
STILL_S = 10.0  # time a still is shown
SHIFT, GAIN, DEGRADED = 2, 0.1, 0.2  # pixels; share; chance of a degraded frame
BEGIN_NS = 1000 * SECOND_NS
STREAMS = ("voice", "both", "face")


@dataclass(frozen=True)
class Session:
    """One person's raw decisions in the order of their stamps, and the true class id beside each."""

    decisions: tuple[Estimate, ...]
    truth: tuple[int, ...]


@dataclass(frozen=True)
class Setting:
    """Parameters of the node ``fusion``: ``smoothing`` (s), ``hysteresis`` and ``min_confidence`` (0 to 1)."""

    smoothing: float = 0.0
    hysteresis: float = 0.0
    min_confidence: float = 0.0


@dataclass(frozen=True)
class Score:
    """What a setting gives over sessions.

    Attributes:
        changes: of the label a minute, from or to UNKNOWN counted.
        true_changes: of the emotion a minute.
        accuracy: of the decisions that name a class, 0 to 1.
        coverage: share of decisions that name a class, 0 to 1.
        delay_s, delay_p90_s: median and 90 % quantile of the time from a change of emotion to the first decision that
            names the new one, over the changes after which it is named at all.
        found: share of those changes, 0 to 1.
    """

    changes: float
    true_changes: float
    accuracy: float
    coverage: float
    delay_s: float
    delay_p90_s: float
    found: float


def score(sessions: Iterable[Session], setting: Setting) -> Score:
    """Return what the topic ``emotion`` would have said of sessions.

    Raises:
        ValueError: no sessions, or none with a change of emotion.
    """
    changes = true_changes = named = right = count = 0
    length_ns, delays, sought = 0, [], 0
    for session in sessions:
        steadiness = Steadiness(setting.hysteresis, setting.min_confidence)
        smoother = Smoother(setting.smoothing, steadiness=steadiness)
        labels = np.array([smoother.update(decision).class_id for decision in session.decisions])
        stamps = np.array([decision.stamp_ns for decision in session.decisions])
        truth = np.array(session.truth)
        changes += int((np.diff(labels) != 0).sum())
        named += int((labels != emotions.UNKNOWN).sum())
        right += int((labels == truth).sum())
        count += len(labels)
        length_ns += int(stamps[-1] - stamps[0])
        starts = np.flatnonzero(np.diff(truth)) + 1
        true_changes += len(starts)
        for start, end in pairwise([*starts.tolist(), len(truth)]):
            sought += 1
            hits = np.flatnonzero(labels[start:end] == truth[start])
            if len(hits):
                delays.append((stamps[start + hits[0]] - stamps[start]) / SECOND_NS)
    if not sought or not delays:
        raise ValueError(f"{count} decisions with {sought} changes of emotion: expected sessions with some, found ones")
    minutes = length_ns / SECOND_NS / 60
    return Score(
        changes / minutes, true_changes / minutes, right / max(named, 1), named / count,
        float(np.median(delays)), float(np.quantile(delays, 0.9)), len(delays) / sought,
    )  # fmt: skip


def clip_sessions(voice: RunRecord, face: RunRecord | None, temperatures: dict, seed: int = 0) -> list[Session]:
    """Return a session an actor: bouts of clips of one emotion, in random order.

    Args:
        voice: windows of clips, several a clip in the order of time.
        face: one prediction a performance, shown as camera frames for as long as its windows last; None for the voice
            alone.
        temperatures: of ``voice``, ``face`` and ``fused``, a list by fold each.
        seed: of the order.
    """
    rng = np.random.default_rng(seed)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(voice.names):
        rows.setdefault(name, []).append(row)
    beside = {name[3:]: row for row, name in enumerate(face.names)} if face else {}
    sessions = []
    for actor in np.unique(voice.actors):
        own = [name for name, places in rows.items() if voice.actors[places[0]] == actor]
        fold = int(voice.folds[rows[own[0]][0]])
        step = FusionStep(defaults("fusion") | {"fused_temperature": temperatures["fused"][fold]})
        events: list[tuple[int, Estimate, int]] = []
        now_ns = BEGIN_NS
        for name in _bouts(own, [int(voice.truth[rows[name][0]]) for name in own], rng):
            places = rows[name]
            truth = int(voice.truth[places[0]])
            heard = softmax(voice.logits[places] / temperatures["voice"][fold])
            for number, row in enumerate(heard):
                at_ns = now_ns + number * WINDOW_NS
                events.append((at_ns, _estimate(Modality.SPEECH, row, emotions.CLASS_IDS, at_ns), truth))
            end_ns = now_ns + len(places) * WINDOW_NS
            if face:
                seen = softmax(face.logits[[beside[name[3:]]]] / temperatures["face"][fold])[0]
                # Just after the window of the same time, as a camera would not know it.
                frames = range(now_ns + 1, end_ns, FRAME_NS)
                events += [(at, _estimate(Modality.FACE, seen, emotions.CLASS_IDS, at), truth) for at in frames]
            now_ns = end_ns
        sessions.append(_session(step, events))
    return sessions


def still_sessions(
    images: np.ndarray, class_ids: Sequence[int], classify: Callable[[np.ndarray, int], np.ndarray],
    table: Sequence[int], count: int, seed: int = 0,
) -> list[Session]:  # fmt: skip
    """Return one session of faces: stills in random order, no class after itself, each with frames that vary.

    Args:
        images: (N, S, S) uint8, grey.
        class_ids: of the stills.
        classify: probabilities (C,) of the next frame (S, S, 3) uint8 with its stamp in ns.
        table: label table of the probabilities.
        count: stills to show.
        seed: of order, stills and frames.
    """
    import torch

    from emotion_recognition.training.augment_faces import degrade

    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    class_ids = np.asarray(class_ids)
    step = FusionStep(defaults("fusion"))
    events, last, now_ns = [], None, BEGIN_NS
    for _ in range(count):
        last = int(rng.choice([one for one in np.unique(class_ids) if one != last]))
        still = images[rng.choice(np.flatnonzero(class_ids == last))]
        for _ in range(round(STILL_S * SECOND_NS / FRAME_NS)):
            frame = still
            if rng.random() < DEGRADED:
                frame = degrade(torch.from_numpy(still[None].copy()), generator)[0].numpy()
            moved = np.roll(frame, rng.integers(-SHIFT, SHIFT + 1, 2), (0, 1)) * (1 + GAIN * rng.uniform(-1, 1))
            picture = np.repeat(np.clip(moved, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
            events.append((now_ns, _estimate(Modality.FACE, classify(picture, now_ns), table, now_ns), last))
            now_ns += FRAME_NS
    return [_session(step, events)]


def _bouts(names: Sequence[str], truth: Sequence[int], rng: np.random.Generator) -> Iterator[str]:
    """Yield clips in bouts of one class each, no class after itself where that can be."""
    left = {number: list(rng.permutation([n for n, t in zip(names, truth, strict=True) if t == number]))
            for number in sorted(set(truth))}  # fmt: skip
    last = None
    while any(left.values()):
        open_ones = [number for number, clips in left.items() if clips and number != last]
        last = int(rng.choice(open_ones)) if open_ones else last
        chosen, left[last] = left[last][:BOUT], left[last][BOUT:]
        yield from map(str, chosen)


def _session(step: FusionStep, events: list[tuple[int, Estimate, int]]) -> Session:
    decisions, truth = [], []
    for at_ns, estimate, true in sorted(events, key=lambda event: event[0]):
        for raw, _ in step.take(estimate, estimate.modality, at_ns):
            decisions.append(raw)
            truth.append(true)
    return Session(tuple(decisions), tuple(truth))


def _estimate(modality: Modality, probabilities: np.ndarray, table: Sequence[int], stamp_ns: int) -> Estimate:
    speech = modality is Modality.SPEECH
    return decide(
        probabilities, table, modality=modality, status=Status.SPEECH_ONLY if speech else Status.FACE_ONLY,
        stamp_ns=stamp_ns, window_start_ns=stamp_ns, window_end_ns=stamp_ns, frame_id="",
        person_id="voice" if speech else "face_1",
    )  # fmt: skip


def recorded_sessions(runs: Path | str = RUNS, streams: Sequence[str] = STREAMS[:2]) -> dict[str, list[Session]]:
    """Return the sessions of the streams ``voice`` and ``both`` from the run records of a folder."""
    runs = Path(runs)
    voice = load_record(runs / f"{VOICE}.json").select("windows")
    face = load_record(runs / f"{FACE}.json").select(WHOLE)
    temperatures = load_record(runs / f"{FUSED}.json").recipe["temperatures"]
    return {name: clip_sessions(voice, face if name == "both" else None, temperatures) for name in streams}


def face_sessions(data: Path | str, count: int) -> list[Session]:
    """Return the sessions of FER2013's test stills through the shipped face weights."""
    from emotion_recognition.classifiers import VisualClassifier
    from emotion_recognition.datasets import fer2013
    from emotion_recognition.engines import load_metadata
    from emotion_recognition.weights import FACE as SIDECAR

    test = fer2013.load(data)["test"]
    metadata = load_metadata(SIDECAR)
    classifier = VisualClassifier(metadata)

    def classify(picture: np.ndarray, stamp_ns: int) -> np.ndarray:
        return np.asarray(classifier.update(1, picture, stamp_ns).probabilities)

    return still_sessions(test.images, test.class_ids, classify, metadata.class_ids, count)


def settings() -> list[Setting]:
    """Return what is compared: each parameter varied, the others at the shipped defaults, and nothing at all."""
    p = defaults("fusion")
    default = Setting(p["smoothing"], p["hysteresis"], p["min_confidence"])
    varied = [replace(default, smoothing=value) for value in (0.0, 0.5, 1.0, 2.0)]
    varied += [replace(default, hysteresis=value) for value in (0.0, 0.05, 0.1, 0.2)]
    varied += [replace(default, min_confidence=value) for value in (0.0, 0.2, 0.25, 0.3, 0.5)]
    return list(dict.fromkeys([Setting(), default, *varied]))


def table(rows: Sequence[tuple[str, Setting, Score]]) -> str:
    """Return scores as a Markdown table."""
    lines = [
        "| stream | smoothing (s) | hysteresis | min_confidence | changes a minute (true) | accuracy | coverage "
        "| delay, median and p90 (s) | found |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for stream, one, found in rows:
        lines.append(
            f"| {stream} | {one.smoothing:g} | {one.hysteresis:g} | {one.min_confidence:g} | {found.changes:.1f} "
            f"({found.true_changes:.1f}) | {found.accuracy:.3f} | {found.coverage:.3f} | {found.delay_s:.1f}, "
            f"{found.delay_p90_s:.1f} | {found.found:.2f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> list[tuple[str, Setting, Score]]:
    """Print the table, or JSON; return its rows."""
    parser = argparse.ArgumentParser(description="Compare settings of smoothing, hysteresis and min_confidence.")
    parser.add_argument("--runs", default=RUNS, help="folder of the run records (default: those of the package)")
    parser.add_argument("--fer2013", help="folder of FER2013, for the stream of faces alone; needs torch")
    parser.add_argument("--stills", type=int, default=150, help="stills shown of FER2013 (default 150)")
    words = "compare this smoothing, hysteresis and min_confidence instead; may be repeated"
    parser.add_argument("--setting", nargs=3, type=float, action="append", metavar=("S", "H", "C"), help=words)
    parser.add_argument("--json", action="store_true", help="print JSON in the place of the table")
    given = parser.parse_args(arguments)
    sessions = recorded_sessions(given.runs)
    if given.fer2013:
        sessions["face"] = face_sessions(given.fer2013, given.stills)
    compared = [Setting(*values) for values in given.setting] if given.setting else settings()
    rows = [(stream, one, score(sessions[stream], one)) for stream in STREAMS if stream in sessions for one in compared]
    if given.json:
        print(json.dumps([{"stream": stream, **asdict(one), **asdict(found)} for stream, one, found in rows], indent=1))
    else:
        print(table(rows))
    return rows


if __name__ == "__main__":
    main()
