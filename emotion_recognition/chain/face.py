"""The faces of a frame to one face emotion each."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from emotion_recognition.classifiers import VisualClassifier
from emotion_recognition.engines import load_metadata
from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion import decide
from emotion_recognition.weights import face_sidecar


class Face(Protocol):
    """One face of a frame; ``box`` is x, y, width, height in pixels, ``crop`` (side, side, 3) uint8 RGB."""

    track_id: int
    box: Sequence[float]
    crop: np.ndarray


def visual_classifier(parameters: Mapping[str, Any]) -> VisualClassifier:
    """Return the classifier that parameters of ``visual_classifier`` ask for.

    Raises:
        ModelError: the weights cannot be loaded.
    """
    p = parameters
    metadata = load_metadata(face_sidecar(p["face_model"]))
    return VisualClassifier(metadata, p["classifier_engine"], p["frames"], p["window"], p["threads"], p["track_gap"])


class FaceStep:
    """Says of every face of a frame, the largest first, how it looks, or that there is none.

    Args:
        parameters: of ``visual_classifier``.

    Raises:
        ModelError: the weights cannot be loaded.
    """

    def __init__(self, parameters: Mapping[str, Any]):
        self._classifier = visual_classifier(parameters)
        self.metadata = self._classifier.metadata
        self._last_ns = 0

    def reset(self) -> None:
        """Drop the embeddings of all tracks."""
        self._classifier.reset()
        self._last_ns = 0

    def classify(
        self,
        faces: Sequence[Face],
        reasons: Reason,
        stamp_ns: int,
        frame_id: str,
        size: tuple[int, int],
        left_out: Callable[[int, ValueError], None],
    ) -> Iterator[Estimate]:
        """Yield an estimate a face, or a single one with status NEITHER.

        Args:
            faces: of one frame, the largest first.
            reasons: why there are none, where that is not for want of a face.
            stamp_ns, frame_id: of the frame.
            size: width and height of the frame in pixels.
            left_out: called with the track of a face that cannot be used and why; the others are.
        """
        if stamp_ns <= self._last_ns:
            # The detector lets a stamp go back only where time began anew.
            self._classifier.reset()
        self._last_ns = stamp_ns
        if not faces:
            yield Estimate.nothing(Modality.FACE, reasons or Reason.NO_FACE, stamp_ns, frame_id)
        for rank, face in enumerate(faces):
            try:
                estimate = self._estimate(face, rank, len(faces), stamp_ns, frame_id, size)
            except ValueError as error:
                left_out(face.track_id, error)
                continue
            yield estimate

    def _estimate(
        self, face: Face, rank: int, count: int, stamp_ns: int, frame_id: str, size: tuple[int, int]
    ) -> Estimate:
        box = tuple(float(value) for value in face.box)
        if not all(math.isfinite(value) for value in box):
            raise ValueError(f"box {list(box)}, expected finite pixels")
        found = self._classifier.update(face.track_id, face.crop, stamp_ns)
        return decide(
            found.probabilities,
            found.class_ids,
            stamp_ns=stamp_ns,
            frame_id=frame_id,
            window_start_ns=found.stamps_ns[0],
            window_end_ns=found.stamps_ns[-1],
            person_id=f"face_{face.track_id}",
            modality=Modality.FACE,
            status=Status.FACE_ONLY,
            face_box=box,
            image_width=size[0],
            image_height=size[1],
            face_rank=rank,
            faces_in_view=count,
            face_frames=len(found.stamps_ns),
            face_weights=self.metadata.weights_sha256,
        )
