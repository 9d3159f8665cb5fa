"""Emotion of a voice from the MFCCs of a window."""

from collections.abc import Sequence

import numpy as np

from emotion_recognition.classifiers.classification import Classification, named_softmax
from emotion_recognition.engines import ModelError, ModelMetadata, SpeechPreprocessing, load_network
from emotion_recognition.features.trimming import sounding
from emotion_recognition.models.configurations import SPEECH


class SpeechClassifier:
    """Class probabilities of windows of sound; it keeps nothing between calls.

    Args:
        metadata: a speech model's.
        engine: one of ``engines.ENGINES``.
        threads: of the engine.

    Raises:
        ModelError: the model is not a speech model, or the engine cannot load it.
    """

    def __init__(self, metadata: ModelMetadata, engine: str = "onnxruntime", threads: int = 1):
        if not isinstance(metadata.preprocessing, SpeechPreprocessing):
            raise ModelError(f"{metadata.path}: architecture {metadata.architecture}, expected a speech model")
        self.metadata = metadata
        self._network = load_network(metadata, "speech", engine, threads)
        self._mean = np.asarray(metadata.preprocessing.mean, np.float32)
        self._std = np.asarray(metadata.preprocessing.std, np.float32)

    @property
    def reads_matrix(self) -> bool:
        """Whether :meth:`classify` wants the matrix of MFCCs over time, not their mean."""
        return SPEECH[self.metadata.architecture].reads_matrix

    def classify(self, mfcc: np.ndarray, stamps_ns: Sequence[int] = ()) -> Classification:
        """Classify one window.

        Args:
            mfcc: the MFCCs the model was trained on: the matrix (40, T), T from 1, if ``reads_matrix``, else their mean
                over time (40,).
            stamps_ns: returned with the result.

        Raises:
            ValueError: the array has another shape or a value that is not finite.
            ModelError: the network gave values that are not finite.
        """
        mfcc = np.asarray(mfcc, np.float32)
        rows = len(self._mean)
        fits = mfcc.ndim == 2 and mfcc.shape[1] if self.reads_matrix else mfcc.ndim == 1
        if not fits or mfcc.shape[0] != rows or not np.isfinite(mfcc).all():
            wanted = f"({rows}, T)" if self.reads_matrix else f"({rows},)"
            raise ValueError(f"MFCCs of shape {mfcc.shape}, expected {wanted}, every value finite")
        prepared = prepare(mfcc, self.metadata.preprocessing) if self.reads_matrix else mfcc
        standardised = ((prepared.T - self._mean) / self._std).T
        logits = self._network.run(standardised[np.newaxis])[0]
        table = self.metadata.class_ids
        return Classification(table, named_softmax(logits, table, self.metadata.temperature), tuple(stamps_ns))


def prepare(mfcc: np.ndarray, preprocessing: SpeechPreprocessing) -> np.ndarray:
    """Return a matrix of MFCCs (40, T) with the silence at its ends cut off, repeated if it is too short."""
    if preprocessing.trim_db:
        mfcc = mfcc[:, sounding(mfcc, preprocessing.trim_db)]
    repeats = -(-preprocessing.least_frames // mfcc.shape[1])
    return np.tile(mfcc, (1, repeats))[:, : max(mfcc.shape[1], preprocessing.least_frames)] if repeats > 1 else mfcc
