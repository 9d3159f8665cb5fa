"""The project's figures, from committed run records: no training and no torch.

A figure whose record is not there is None. Where several records are of one model and protocol, the one named
``<model>-<protocol>`` counts (what ``cross-validate`` calls it), the others are other seeds or recipes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from emotion_recognition.evaluation import paper
from emotion_recognition.evaluation.action_unit_classifier import ACTION_UNITS
from emotion_recognition.evaluation.records import WHOLE, RecordError, RunRecord, load_records
from emotion_recognition.evaluation.summary import summarise
from emotion_recognition.models.configurations import CONFIGURATIONS

RUNS = Path(__file__).parent / "runs"
COSTS = Path(__file__).parents[1] / "models" / "costs.json"
FER2013_TEST = "fer2013-test"


@dataclass(frozen=True)
class Pair:
    """A face and a speech model by their own names, and what the pair is called."""

    title: str
    face: str
    speech: str


DEFAULT = Pair("robot's default", "resnet-fan", "speech-resnet")
PAPER = Pair("paper's architecture", "ghostnet-tam-fan", "speech-cnn-s2")


class Runs:
    """Run records to be looked up, and their figures, each computed once.

    Args:
        records: with different names.

    Raises:
        RecordError: two records have one name.
    """

    def __init__(self, records: Sequence[RunRecord]):
        self.records = {record.name: record for record in records}
        if len(self.records) != len(records):
            raise RecordError(f"{len(records)} records, {len(self.records)} names: expected each name once")
        self._figures: dict[str, dict[str, Any]] = {}

    @classmethod
    def load(cls, folder: Path | str = RUNS) -> "Runs":
        """Return the records of a folder.

        Raises:
            RecordError: see :func:`load_records`.
        """
        return cls(load_records(folder))

    def find(self, model: str, protocol: str, rule: str | None = None) -> RunRecord | None:
        """Return the record of a model under a protocol, of a rule of fusion if one is given; None if there is none.

        Raises:
            RecordError: there are several, and none of them is named ``<model>-<protocol>``.
        """
        found = [
            record for record in self.records.values()
            if (record.model, record.protocol, record.recipe.get("rule")) == (model, protocol, rule)
        ]  # fmt: skip
        if rule is not None:
            voice = self.find(model.split(" + ")[0], protocol)
            found = [record for record in found if voice is None or record.recipe.get("voice") == voice.name]
        if len(found) <= 1:
            return found[0] if found else None
        named = self.records.get(f"{model}-{protocol}")
        if named is None or named not in found:
            names = ", ".join(record.name for record in found)
            raise RecordError(
                f"{names} are all of {model} under {protocol}: name the one that counts {model}-{protocol}"
            )
        return named

    def figures(self, record: RunRecord | None, condition: str = WHOLE) -> dict[str, Any] | None:
        """Return what :func:`summarise` gives for a condition of a record; None without record or condition."""
        if record is None:
            return None
        if record.name not in self._figures:
            self._figures[record.name] = summarise(record)["conditions"]
        return self._figures[record.name].get(condition)

    def pair(self, pair: Pair) -> dict[str, float | int | None]:
        """Return the figures of a pair of models.

        Returns:
            ``speech_ravdess_p2_uar`` and ``speech_ravdess_p1_accuracy`` (means over the folds); pooled,
            ``speech_emodb_uar``, ``face_fer2013_accuracy``, ``fused_ravdess_p2_accuracy_gm`` and ``_am``,
            ``best_single_ravdess_p2_accuracy`` (of the voice and the action units, which stand for the face there) and
            ``ece`` (geometric mean, tempered; 15 bins); each None without its record. ``parameters_face``,
            ``parameters_speech``, ``parameters_total``, ``gflops_total`` by ``models.cost``.
        """
        voice = self.find(pair.speech, "p2")
        singles = [self.figures(voice), self.figures(self.find(ACTION_UNITS, "p2"))]
        fused = {rule: self.find(f"{pair.speech} + {ACTION_UNITS}", "p2", rule) for rule in ("geometric", "arithmetic")}
        geometric = self.figures(fused["geometric"])
        face, speech = self.costs[pair.face], self.costs[pair.speech]
        return {
            "speech_ravdess_p2_uar": _pick(self.figures(voice), "mean", "uar"),
            "speech_ravdess_p1_accuracy": _pick(self.figures(self.find(pair.speech, "p1")), "mean", "accuracy"),
            "speech_emodb_uar": _pick(self.figures(self.find(pair.speech, "p4")), "uar"),
            "face_fer2013_accuracy": _pick(self.figures(self.find(pair.face, FER2013_TEST)), "accuracy"),
            "fused_ravdess_p2_accuracy_gm": _pick(geometric, "accuracy"),
            "fused_ravdess_p2_accuracy_am": _pick(self.figures(fused["arithmetic"]), "accuracy"),
            "best_single_ravdess_p2_accuracy": (
                None if None in singles else max(one["accuracy"] for one in singles if one)
            ),
            "ece": _pick(geometric, "ece"),
            "parameters_face": face["parameters"],
            "parameters_speech": speech["parameters"],
            "parameters_total": face["parameters"] + speech["parameters"],
            "gflops_total": (face["operations"] + speech["operations"]) / 1e9,
        }

    def variants(self, table: Mapping[str, tuple[float | None, float | None]]) -> list[dict[str, Any]]:
        """Return the rows of a table of variants: each model's costs, its scores by run, and the paper's own."""
        rows = []
        for model, (ravdess, cremad) in table.items():
            runs = {}
            for record in self.records.values():
                found = self.figures(record) if record.model == model else None
                if found:
                    keys = ("count", "accuracy", "uar", "macro_f1", "ece")
                    runs[record.name] = {
                        "protocol": record.protocol, "corpus": record.corpus, **{key: found[key] for key in keys},
                    }  # fmt: skip
            own = {"ravdess_accuracy": ravdess, "cremad_accuracy": cremad}
            rows.append(
                {
                    "model": model,
                    "paper_name": CONFIGURATIONS[model].paper,
                    **self.costs[model],
                    "runs": runs,
                    "paper": own,
                }
            )
        return rows

    @cached_property
    def costs(self) -> dict[str, dict[str, int]]:
        """Parameters and operations of every model, as committed."""
        return json.loads(COSTS.read_text(encoding="utf-8"))["models"]

    def to_json(self) -> dict[str, Any]:
        """Return the figures of the default, those of the paper's architecture as ``paper``, tables and claims."""
        return {
            **self.pair(DEFAULT),
            "models": asdict(DEFAULT),
            "paper": {**self.pair(PAPER), "models": asdict(PAPER)},
            "paper_claims": {**asdict(paper.CLAIM), "protocol": paper.SPLIT},
            "table_iii": self.variants(paper.TABLE_III),
            "table_iv": self.variants(paper.TABLE_IV),
            "runs": sorted(self.records),
        }


def _pick(found: Mapping[str, Any] | None, *keys: str) -> float | None:
    for key in keys:
        if found is None:
            return None
        found = found[key]
    return found
