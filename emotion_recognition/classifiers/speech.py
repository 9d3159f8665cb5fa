"""Emotion of a voice from the mean MFCCs of a window."""

from collections.abc import Sequence

import numpy as np

from emotion_recognition.classifiers.classification import Classification, named_softmax
from emotion_recognition.engines import ModelError, ModelMetadata, SpeechPreprocessing, load_network


class SpeechClassifier:
    """Class probabilities of windows of sound; it keeps nothing between calls.

    Args:
        metadata: a speech model's.
        engine: ``onnxruntime`` or ``torch``.
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

    def classify(self, mfcc_mean: np.ndarray, stamps_ns: Sequence[int] = ()) -> Classification:
        """Classify one window.

        Args:
            mfcc_mean: (40,) mean over time of the MFCCs the model was trained on.
            stamps_ns: returned with the result.

        Raises:
            ValueError: the vector has another shape or a value that is not finite.
            ModelError: the network gave values that are not finite.
        """
        vector = np.asarray(mfcc_mean, np.float32)
        if vector.shape != self._mean.shape or not np.isfinite(vector).all():
            raise ValueError(f"MFCC mean of shape {vector.shape}, expected {self._mean.shape}, every value finite")
        logits = self._network.run(((vector - self._mean) / self._std)[np.newaxis])[0]
        table = self.metadata.class_ids
        return Classification(table, named_softmax(logits, table, self.metadata.temperature), tuple(stamps_ns))
