"""Scores and the protocols they are measured under."""

from emotion_recognition.evaluation.confidence import Interval, interval
from emotion_recognition.evaluation.metrics import ClassScores, Scores, score
from emotion_recognition.evaluation.protocols import PROTOCOLS, Fold, Protocol, Split, load_protocol
from emotion_recognition.evaluation.records import (
    RecordError,
    RunRecord,
    join,
    library_versions,
    load_record,
    load_records,
)
from emotion_recognition.evaluation.summary import summarise, write_metrics

__all__ = [
    "PROTOCOLS",
    "ClassScores",
    "Fold",
    "Interval",
    "Protocol",
    "RecordError",
    "RunRecord",
    "Scores",
    "Split",
    "interval",
    "join",
    "library_versions",
    "load_protocol",
    "load_record",
    "load_records",
    "score",
    "summarise",
    "write_metrics",
]
