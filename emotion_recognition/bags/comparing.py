"""Two runs over the same bags: paired differences of their scores, and how sure these are.

Intervals come from a paired bootstrap: bags, or where there are few, blocks of time within them, are drawn with
replacement, the same for both runs. Decisions close in time share sound and frames, so that drawing decisions would
give intervals that are too narrow. Whole bags are the clusters of Field & Welsh 2007, "Bootstrapping clustered data",
J. R. Stat. Soc. B 69(3), https://doi.org/10.1111/j.1467-9868.2007.00593.x; blocks that do not overlap are those of
Carlstein 1986, "The Use of Subseries Values for Estimating the Variance of a General Statistic from a Stationary
Sequence", Ann. Statist. 14(3), https://doi.org/10.1214/aos/1176350057. Beside them, McNemar's test in its exact form
over the labelled stretches, each of which a run names right or wrong (McNemar 1947,
https://doi.org/10.1007/BF02295996).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from emotion_recognition import emotions
from emotion_recognition.bags.coverage import covered
from emotion_recognition.bags.results import COVERAGE, STREAMS, VOICE_PERSON, BagResult, Decision, Interval
from emotion_recognition.evaluation.calibration import BINS

MEASURES = ("accuracy", "uar", "macro_f1", "ece", *(f"{kind}_coverage" for kind in COVERAGE))
RESAMPLED = ("auto", "bags", "blocks")
# Fewer bags than this say little about bags: blocks of time are drawn instead.
FEWEST_BAGS = 10
# Fewer units than this, and an interval is named as unsure.
FEWEST_UNITS = 10
# Several windows of 3 s: neighbouring blocks share little.
BLOCK_S = 10.0
RESAMPLES = 10_000
# A larger share of draws that lack a class is named.
MOST_LACKING = 0.05
_CHUNK = 500
_SAME_S = 1e-3
_CLASSES = len(emotions.CLASS_IDS)


@dataclass(frozen=True)
class Difference:
    """One measure of two runs.

    Attributes:
        measure: one of MEASURES.
        a, b: its value in each run, 0 to 1; None where nothing was judged.
        difference: b minus a.
        interval: lower and upper limit of the difference; None with fewer than two units.
    """

    measure: str
    a: float | None
    b: float | None
    difference: float | None
    interval: tuple[float, float] | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class McNemar:
    """The exact test of two runs over labelled stretches that both made a decision in.

    Attributes:
        stretches: how many.
        only_a, only_b: of how many only this run was right. A run's answer is the class with most probability, summed
            over its judged decisions.
        p: two-sided probability of a split as uneven by chance.
    """

    stretches: int
    only_a: int
    only_b: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Two runs compared.

    Attributes:
        stream: whose decisions.
        differences: by measure, in the order of MEASURES.
        level: share of the resamples inside an interval.
        resampled: ``bags`` or ``blocks``.
        units: how many there are of them.
        block_s: shortest block, seconds; None for bags.
        resamples: how many were drawn.
        decisions: (in A, in B, in both at the same time about the same person).
        same: share of the decisions in both that name the same class; None without any.
        mcnemar: None where no labelled stretch has decisions of both.
        notes: what to keep in mind.
    """

    stream: str
    differences: tuple[Difference, ...]
    level: float
    resampled: str
    units: int
    block_s: float | None
    resamples: int
    decisions: tuple[int, int, int]
    same: float | None
    mcnemar: McNemar | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as a dictionary that JSON can hold; ``differences`` by measure."""
        out = asdict(self)
        out["differences"] = {one.pop("measure"): one for one in out["differences"]}
        return out


def compare(
    a: Sequence[BagResult],
    b: Sequence[BagResult],
    *,
    stream: str | None = None,
    resample: str = "auto",
    block_s: float = BLOCK_S,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Return the comparison of two runs; the same arguments give the same one.

    Args:
        a, b: results of the same bags with the same labels, in any order.
        stream: one of STREAMS; None: the first of them that both runs have.
        resample: one of RESAMPLED; ``auto`` draws bags from FEWEST_BAGS on.
        block_s: least length of a block, above 0 s.
        level: share of the resamples inside an interval, between 0 and 1.
        resamples: how many, from 1000.
        seed: of the draws.

    Raises:
        ValueError: bags or labels differ, no stream is in both, or an argument is out of its range.
    """
    if resample not in RESAMPLED or not block_s > 0 or not 0 < level < 1 or resamples < 1000:
        raise ValueError(
            f"resample {resample}, block {block_s} s, level {level}, resamples {resamples}: expected one of "
            f"{', '.join(RESAMPLED)}, above 0, between 0 and 1, and from 1000"
        )
    pairs = paired(a, b)
    stream = _stream(a, b, stream)
    by_bag = resample == "bags" or (resample == "auto" and len(pairs) >= FEWEST_BAGS)
    counts = [1 if by_bag else max(1, int(one.duration_s / block_s)) for one, _ in pairs]
    tables = [
        np.concatenate([_table(pair[side], stream, count) for pair, count in zip(pairs, counts, strict=True)])
        for side in (0, 1)
    ]
    values = [_measures(table.sum(axis=0, keepdims=True))[:, 0] for table in tables]
    limits, lacking = [None] * len(MEASURES), 0.0
    if sum(counts) > 1:
        limits, lacking = _limits(tables, level, resamples, seed)
    both, same = _agreement(pairs, stream)
    sizes = [sum(one.stream == stream for result in run for one in result.decisions) for run in (a, b)]
    return Comparison(
        stream=stream,
        differences=tuple(
            Difference(name, _number(one), _number(other), _number(other - one), limit)
            for name, one, other, limit in zip(MEASURES, *values, limits, strict=True)
        ),
        level=level,
        resampled="bags" if by_bag else "blocks",
        units=sum(counts),
        block_s=None if by_bag else block_s,
        resamples=resamples,
        decisions=(*sizes, both),
        same=same / both if both else None,
        mcnemar=_mcnemar(pairs, stream),
        notes=_notes(pairs, sum(counts), lacking),
    )


def paired(a: Sequence[BagResult], b: Sequence[BagResult]) -> list[tuple[BagResult, BagResult]]:
    """Return the results of two runs bag by bag, in the order of the first; bags of one name in their order.

    Raises:
        ValueError: no bag, or bags, their lengths or their labels differ; it says which.
    """
    names = [Counter(one.bag for one in run) for run in (a, b)]
    if names[0] != names[1]:
        only = [", ".join(sorted((names[side] - names[1 - side]).elements())) or "none" for side in (0, 1)]
        raise ValueError(f"the bags differ: only in A: {only[0]}; only in B: {only[1]}; expected the same bags")
    if not a:
        raise ValueError("the runs hold no bag")
    others: dict[str, list[BagResult]] = {}
    for one in b:
        others.setdefault(one.bag, []).append(one)
    pairs = [(one, others[one.bag].pop(0)) for one in a]
    for one, other in pairs:
        if abs(one.duration_s - other.duration_s) > _SAME_S:
            cause = "".join(f" ({problem})" for problem in (*one.problems, *other.problems)[:1])
            raise ValueError(
                f"bag {one.bag}: {one.duration_s:.3f} s long in A, {other.duration_s:.3f} s in B{cause}; "
                "expected the same recording"
            )
        labels = [Counter(_words(label) for label in result.labels) for result in (one, other)]
        if labels[0] != labels[1]:
            only = ["; ".join(sorted((labels[side] - labels[1 - side]).elements())[:3]) or "none" for side in (0, 1)]
            raise ValueError(
                f"bag {one.bag}: the labels differ: only in A: {only[0]}; only in B: {only[1]}; "
                "expected the same labels"
            )
    return pairs


def _words(label: Interval) -> str:
    who = label.person or "anyone"
    return f"{label.start_s:.3f} to {label.end_s:.3f} s {who} {emotions.label_of(label.class_id)}"


def _stream(a: Sequence[BagResult], b: Sequence[BagResult], wanted: str | None) -> str:
    held = [{one.stream for result in run for one in result.decisions} for run in (a, b)]
    if wanted is not None and wanted not in STREAMS:
        raise ValueError(f"stream {wanted}: expected one of {', '.join(STREAMS)}")
    found = next((name for name in STREAMS if name in held[0] & held[1] and wanted in (None, name)), None)
    if found is None:
        there = [", ".join(sorted(one)) or "none" for one in held]
        raise ValueError(f"streams of A: {there[0]}; of B: {there[1]}; expected {wanted or 'one'} in both")
    return found


def _table(result: BagResult, stream: str, count: int) -> np.ndarray:
    """Return the counts that the measures need of each of ``count`` equally long blocks: (count, columns).

    Columns: confusion matrix, then decisions, confidence and hits of each bin, then covered seconds, then seconds.
    """
    judged = [one for one in result.decisions if one.stream == stream and one.is_judged]
    length = result.duration_s / count
    out = np.zeros((count, _CLASSES**2 + 3 * BINS + len(COVERAGE) + 1))
    for one in judged:
        block = min(max(int(one.time_s / length), 0), count - 1) if length > 0 else 0
        best = int(np.argmax(one.probabilities))
        surest = one.probabilities[best]
        place = _CLASSES**2 + 3 * min(int(surest * BINS), BINS - 1)
        out[block, (one.truth - 1) * _CLASSES + one.class_id - 1] += 1
        out[block, place : place + 3] += (1, surest, one.class_ids[best] == one.truth)
    edges = np.linspace(0, result.duration_s, count + 1)
    for column, kind in enumerate(COVERAGE, start=_CLASSES**2 + 3 * BINS):
        for start, end in covered(result.decisions, kind, result.duration_s):
            out[:, column] += np.clip(np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1]), 0, None)
    out[:, -1] = np.diff(edges)
    return out


def _measures(sums: np.ndarray) -> np.ndarray:
    """Return MEASURES of summed tables (R, columns): (measures, R), not-a-number where there is nothing to measure."""
    confusion = sums[:, : _CLASSES**2].reshape(-1, _CLASSES, _CLASSES)
    bins = sums[:, _CLASSES**2 : _CLASSES**2 + 3 * BINS].reshape(-1, BINS, 3)
    right, support, said = np.einsum("rcc->rc", confusion), confusion.sum(axis=2), confusion.sum(axis=1)
    judged, classes = support.sum(axis=1), (support > 0).sum(axis=1)
    recalls = np.divide(right, support, where=support > 0, out=np.zeros_like(right)).sum(axis=1)
    f1 = np.divide(2 * right, support + said, where=support > 0, out=np.zeros_like(right)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([
            right.sum(axis=1) / judged, recalls / classes, f1 / classes,
            np.abs(bins[:, :, 1] - bins[:, :, 2]).sum(axis=1) / judged,
            *(sums[:, -1 - len(COVERAGE) : -1] / sums[:, -1:]).T,
        ])  # fmt: skip


def _limits(
    tables: Sequence[np.ndarray], level: float, resamples: int, seed: int
) -> tuple[list[tuple[float, float] | None], float]:
    """Return the percentile interval of each measure's difference, and the share of the draws that lack a class.

    Draws without a judged decision are left out of a measure that needs one.
    """
    units = len(tables[0])
    supports = [table[:, : _CLASSES**2].reshape(units, _CLASSES, _CLASSES).sum(axis=2) for table in tables]
    rng = np.random.default_rng(seed)
    drawn, lacking = [], 0
    for start in range(0, resamples, _CHUNK):
        weights = rng.multinomial(units, np.full(units, 1 / units), size=min(_CHUNK, resamples - start)).astype(float)
        drawn.append(_measures(weights @ tables[1]) - _measures(weights @ tables[0]))
        gone = [((weights @ support == 0) & (support.sum(axis=0) > 0)).any(axis=1) for support in supports]
        lacking += int((gone[0] | gone[1]).sum())
    out = []
    for values in np.concatenate(drawn, axis=1):
        values = values[np.isfinite(values)]
        low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2)) if values.size else (np.nan, np.nan)
        out.append((float(low), float(high)) if values.size else None)
    return out, lacking / resamples


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _agreement(pairs: Sequence[tuple[BagResult, BagResult]], stream: str) -> tuple[int, int]:
    """Return how many decisions both runs made at one time about one person, and how many of these are the same."""
    both = same = 0
    for pair in pairs:
        one, other = (
            {(round(d.time_s, 6), d.person): d.class_id for d in result.decisions if d.stream == stream}
            for result in pair
        )
        shared = one.keys() & other.keys()
        both += len(shared)
        same += sum(one[key] == other[key] for key in shared)
    return both, same


def _mcnemar(pairs: Sequence[tuple[BagResult, BagResult]], stream: str) -> McNemar | None:
    rights = []
    for pair in pairs:
        said = [[one for one in result.decisions if one.stream == stream and one.is_judged] for result in pair]
        for label in pair[0].labels:
            answers = [_answer(decisions, label) for decisions in said]
            if None not in answers:
                rights.append(tuple(answer == label.class_id for answer in answers))
    if not rights:
        return None
    from scipy.stats import binomtest

    only_a, only_b = rights.count((True, False)), rights.count((False, True))
    p = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    return McNemar(len(rights), only_a, only_b, p)


def _answer(decisions: Sequence[Decision], label: Interval) -> int | None:
    """Return the class with most probability over those of judged decisions in a labelled stretch, None without any."""
    sums = np.zeros(_CLASSES)
    for one in decisions:
        is_meant = not label.person or one.person in (label.person, VOICE_PERSON)
        if label.start_s <= one.time_s < label.end_s and is_meant:
            sums[np.asarray(one.class_ids) - 1] += one.probabilities
    return int(sums.argmax()) + 1 if sums.any() else None


def _notes(pairs: Sequence[tuple[BagResult, BagResult]], units: int, lacking: float) -> tuple[str, ...]:
    out = []
    for name, side in (("A", 0), ("B", 1)):
        if partial := [pair[side].bag for pair in pairs if pair[side].problems]:
            out.append(f"{name} is partial: {', '.join(partial)} could not be read whole")
    modes = [", ".join(sorted({pair[side].mode for pair in pairs})) for side in (0, 1)]
    if modes[0] != modes[1]:
        out.append(f"A is {modes[0]}, B {modes[1]}")
    if not any(one.labels for one, _ in pairs):
        out.append("no bag has labels: only coverage and agreement can be compared")
    if units < FEWEST_UNITS:
        out.append(f"{units} units to draw from: the intervals are not to be trusted; more or longer bags would help")
    if lacking > MOST_LACKING:
        out.append(
            f"{lacking:.0%} of the draws lack a class: the intervals of UAR and macro F1 are over the classes drawn "
            "and may lie to one side"
        )
    return tuple(out)
