"""Windows of sound to one speech emotion each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emotion_recognition.classifiers import SpeechClassifier
from emotion_recognition.engines import load_metadata
from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion import decide
from emotion_recognition.weights import speech_sidecar


def speech_classifier(parameters: Mapping[str, Any]) -> SpeechClassifier:
    """Return the classifier that parameters of ``speech_classifier`` ask for.

    Raises:
        ModelError: the weights cannot be loaded.
    """
    p = parameters
    return SpeechClassifier(load_metadata(speech_sidecar(p["speech_model"])), p["classifier_engine"], p["threads"])


class SpeechStep:
    """Says of a window how the voice in it sounds, or that there is none; it keeps nothing between calls.

    Args:
        parameters: of ``speech_classifier``.

    Raises:
        ModelError: the weights cannot be loaded.
    """

    def __init__(self, parameters: Mapping[str, Any]):
        self._least_voice = parameters["min_voice_activity"]
        self._classifier = speech_classifier(parameters)
        self.metadata = self._classifier.metadata

    @property
    def reads_matrix(self) -> bool:
        """Whether :meth:`classify` wants the matrix of MFCCs over time, not their mean."""
        return self._classifier.reads_matrix

    def classify(
        self,
        mfcc: np.ndarray,
        voice_activity: float,
        reasons: Reason,
        stamp_ns: int,
        frame_id: str,
        window_ns: tuple[int, int],
    ) -> Estimate:
        """Return the estimate of one window.

        Args:
            mfcc: the matrix (40, T) or the mean (40,), as ``reads_matrix`` says.
            voice_activity: share of the window with voice, 0 to 1.
            reasons: why there is no voice, where that is not for want of one.
            stamp_ns, frame_id: of the window's message.
            window_ns: times of its first and last sample.

        Raises:
            ValueError: the MFCCs or the voice activity are out of range.
        """
        if not 0 <= voice_activity <= 1:
            raise ValueError(f"voice_activity {voice_activity}, expected 0 to 1")
        if voice_activity < self._least_voice:
            return Estimate.nothing(Modality.SPEECH, reasons or Reason.NO_VOICE, stamp_ns, frame_id)
        found = self._classifier.classify(mfcc, (stamp_ns,))
        return decide(
            found.probabilities,
            found.class_ids,
            stamp_ns=stamp_ns,
            frame_id=frame_id,
            window_start_ns=window_ns[0],
            window_end_ns=window_ns[1],
            person_id="voice",
            modality=Modality.SPEECH,
            status=Status.SPEECH_ONLY,
            voice_activity=voice_activity,
            speech_weights=self.metadata.weights_sha256,
        )
