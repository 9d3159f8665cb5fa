"""Scores and the protocols they are measured under."""

from emotion_recognition.evaluation.folds import actor_folds
from emotion_recognition.evaluation.metrics import Scores, score

__all__ = ["Scores", "actor_folds", "score"]
