"""The report as markdown: README's accuracy table and the paper's Tables III and IV beside our own figures."""

from pathlib import Path
from typing import Any

from emotion_recognition.emotions import label_of
from emotion_recognition.evaluation import paper
from emotion_recognition.evaluation.action_unit_classifier import ACTION_UNITS
from emotion_recognition.evaluation.records import WHOLE, RunRecord
from emotion_recognition.evaluation.report import DEFAULT, FER2013_TEST, PAPER, Pair, Runs

MARKER = "accuracy"
NONE = "–"
MEAN, POOLED = "mean of folds", "pooled"
GM, AM = "geometric", "arithmetic"


def accuracy_table(runs: Runs) -> str:
    """Return README's accuracy table: one row a measure, one column a pair of models.

    A row's label says whether its figures are means of the folds, with their standard deviation, or of all test clips
    pooled; :meth:`Runs.pair` gives the same. Brackets are 95 % intervals of that very figure from resampling actors
    (examples for FER2013, which has none).
    """
    rows = [
        (
            "speech, RAVDESS, unseen speakers (P2)",
            "UAR, mean of 6 folds",
            lambda pair: _speech(runs, pair, "p2", "uar", MEAN),
        ),
        ("", "accuracy, mean of 6 folds", lambda pair: _speech(runs, pair, "p2", "accuracy", MEAN)),
        (
            "speech, RAVDESS, speakers mixed (P1)",
            "accuracy, mean of 5 folds",
            lambda pair: _speech(runs, pair, "p1", "accuracy", MEAN),
        ),
        (
            "speech, RAVDESS, one split, speakers mixed",
            "accuracy, one fold",
            lambda pair: _speech(runs, pair, "p1-split", "accuracy"),
        ),
        ("speech, RAVDESS to EMO-DB (P4), 6 classes", "UAR, pooled", lambda pair: _speech(runs, pair, "p4", "uar")),
        (
            "face, FER2013 test without copies, 7 classes",
            "accuracy, pooled",
            lambda pair: _face(runs, pair, "accuracy"),
        ),
        ("", "UAR, pooled", lambda pair: _face(runs, pair, "uar")),
        ("", "accuracy, pooled, face found as on the robot", lambda pair: _face(runs, pair, "accuracy", "found")),
        ("voice and action units, RAVDESS, P2", "accuracy, pooled, geometric mean", lambda p: _fused(runs, p, GM)),
        ("", "accuracy, pooled, arithmetic mean", lambda pair: _fused(runs, pair, AM)),
        (
            "",
            "accuracy, pooled, better stream alone",
            lambda pair: _number(runs.pair(pair)["best_single_ravdess_p2_accuracy"]),
        ),
        ("", "ECE, pooled, geometric mean", lambda pair: _number(runs.pair(pair)["ece"])),
        ("both networks", "parameters", lambda pair: f"{runs.pair(pair)['parameters_total']:,}"),
        ("", "operations of a decision", lambda pair: f"{runs.pair(pair)['gflops_total']:.3f} G"),
    ]
    pairs = (PAPER, DEFAULT)
    lines = _table(
        ["what", "measure", *(f"{pair.title} ({pair.face}, {pair.speech})" for pair in pairs)],
        [[what, measure, *(cell(pair) for pair in pairs)] for what, measure, cell in rows],
    )
    return "\n".join(lines)


def classes_tables(runs: Runs) -> str:
    """Return each class's figures and the confusion matrix of both pairs' main records; empty without any.

    The main records are the voice's P2, the face's FER2013 test and P2 fused by the geometric mean, folds pooled.
    """
    parts = []
    for pair in (PAPER, DEFAULT):
        for record in (runs.find(pair.speech, "p2"), runs.find(pair.face, FER2013_TEST), _fused_record(runs, pair, GM)):
            found = runs.figures(record)
            if record is None or found is None:
                continue
            labels = [label_of(number) for number in found["class_ids"]]
            figures = [
                [label, *(_number(one[key]) for key in ("precision", "recall", "f1")), str(one["support"])]
                for label, one in zip(labels, found["classes"], strict=True)
            ]
            counts = [[label, *map(str, row)] for label, row in zip(labels, found["confusion"], strict=True)]
            parts += [
                f"### {pair.title}: {_what(record)}\n\n"
                f"{found['count']} clips pooled: accuracy {_number(found['accuracy'])}, UAR {_number(found['uar'])}, "
                f"macro-F1 {_number(found['macro_f1'])}, ECE {_number(found['ece'])}.",
                "\n".join(_table(["class", "precision", "recall", "F1", "clips"], figures)),
                "\n".join(_table(["true \\ said", *labels], counts)),
            ]
    return "\n\n".join(parts)


def conditions_table(runs: Runs) -> str:
    """Return protocol P5: accuracy, UAR and ECE by condition, one row a condition of each record; empty without any."""
    rows = []
    for record in runs.records.values():
        if record.protocol == "p5" or record.recipe.get("rule"):
            for condition in dict.fromkeys(record.conditions):
                found = runs.figures(record, condition)
                cells = [_number(found[key]) for key in ("accuracy", "uar", "ece")]
                rows.append([_what(record), condition, str(found["count"]), *cells])
    return "\n".join(_table(["what", "condition", "n", "accuracy", "UAR", "ECE"], rows)) if rows else ""


def variants_table(runs: Runs, title: str) -> str:
    """Return the paper's Table III (``III``) or IV (``IV``) from the runs at hand, beside the paper's own figures."""
    rows = []
    for row in runs.variants(paper.TABLE_III if title == "III" else paper.TABLE_IV):
        head = [f"{row['paper_name']} {row['model']}", f"{row['parameters']:,}", f"{row['operations'] / 1e9:.3f} G"]
        own = [_paper(row["paper"]["ravdess_accuracy"]), _paper(row["paper"]["cremad_accuracy"])]
        for name, found in row["runs"].items() or [(NONE, None)]:
            cells = [NONE] * 3
            if found:
                cells = [f"{found['corpus']} {found['protocol']}", _number(found["accuracy"]), _number(found["uar"])]
            rows.append([*head, name, *cells, *own])
    header = ["model", "parameters", "operations", "run", "protocol", "accuracy", "UAR"]
    return "\n".join(_table([*header, "paper: RAVDESS", "paper: CREMA-D"], rows))


def full_report(runs: Runs) -> str:
    """Return everything that ``emotion-recognition report`` prints."""
    claim = paper.CLAIM
    parts = [
        "## Accuracy",
        accuracy_table(runs),
        "## Table III: the face network's variants",
        variants_table(runs, "III"),
        "## Table IV: the speech network's variants",
        variants_table(runs, "IV"),
        f"The paper's own: {claim.ravdess_accuracy:.2%} on RAVDESS, {claim.cremad_accuracy:.2%} on CREMA-D (face and "
        f"voice, {paper.SPLIT}), {claim.parameters_m} M parameters, {claim.gflops} GFLOPs. Cells of its tables that "
        f"this project does not know are marked '{paper.NOT_GIVEN}'.",
    ]
    classes = classes_tables(runs)
    if classes:
        parts += ["## Each class", classes]
    conditions = conditions_table(runs)
    if conditions:
        parts += ["## Other conditions (P5)", conditions]
    return "\n\n".join(parts)


def write_between_markers(path: Path | str, table: str, marker: str = MARKER) -> bool:
    """Replace what stands between the lines ``<!-- marker -->`` and ``<!-- /marker -->`` of a file.

    Returns whether that changed it.

    Raises:
        ValueError: the file does not hold each marker once, in order.
        OSError: it cannot be read or written.
    """
    path = Path(path)
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    text = path.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{path}: expected one line '{begin}' and after it one line '{end}'")
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    new = f"{before}{begin}\n{table}\n{end}{after}"
    if new != text:
        path.write_text(new, encoding="utf-8")
    return new != text


def _speech(runs: Runs, pair: Pair, protocol: str, key: str, over: str = POOLED) -> str:
    return _cell(runs.figures(runs.find(pair.speech, protocol)), key, over)


def _face(runs: Runs, pair: Pair, key: str, condition: str = WHOLE) -> str:
    if condition == WHOLE:
        return _cell(runs.figures(runs.find(pair.face, FER2013_TEST)), key)
    return _cell(runs.figures(runs.records.get(f"{pair.face}-{FER2013_TEST}-{condition}"), condition), key)


def _fused_record(runs: Runs, pair: Pair, rule: str) -> RunRecord | None:
    return runs.find(f"{pair.speech} + {ACTION_UNITS}", "p2", rule)


def _fused(runs: Runs, pair: Pair, rule: str) -> str:
    return _cell(runs.figures(_fused_record(runs, pair, rule)), "accuracy")


def _cell(found: dict[str, Any] | None, key: str, over: str = POOLED) -> str:
    """Return a figure with the interval of that figure, not of another one."""
    if found is None:
        return NONE
    if over == POOLED:
        middle, (low, high) = _number(found[key]), found["interval"][key]
    else:
        middle = f"{_number(found['mean'][key])} ± {_number(found['std'][key])}"
        low, high = found["mean_interval"][key]
    return f"{middle} [{_number(low)}, {_number(high)}]"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}".removeprefix("0")


def _paper(value: float | None) -> str:
    return paper.NOT_GIVEN if value is None else f"{value:.2%}"


def _what(record: RunRecord) -> str:
    rule = record.recipe.get("rule")
    return f"{record.model}, {rule} mean, {record.protocol}" if rule else f"{record.model}, {record.protocol}"


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
