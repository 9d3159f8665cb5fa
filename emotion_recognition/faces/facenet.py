"""facenet-pytorch's MTCNN behind this package's detector interface; needs torch, torchvision and facenet-pytorch."""

from collections.abc import Sequence

import numpy as np

from emotion_recognition.faces.detection import (
    MIN_FACE_SIZE,
    THRESHOLDS,
    Box,
    Detection,
    check_rgb,
    check_settings,
    sort_detections,
)
from emotion_recognition.faces.mtcnn import Onet, refine


class FacenetDetector:
    """MTCNN of facenet-pytorch, https://github.com/timesler/facenet-pytorch."""

    def __init__(self, min_face_size: float = MIN_FACE_SIZE, thresholds=THRESHOLDS, threads: int = 1):
        """Load the networks and set torch to ``threads`` threads, for the whole process.

        Raises:
            ValueError: a setting is out of range.
            ImportError: torch, torchvision or facenet-pytorch is missing.
        """
        values = check_settings(min_face_size, thresholds)
        try:
            import torch

            from emotion_recognition.faces.torchvision_shim import import_torchvision

            import_torchvision()
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise ImportError(
                f"detector engine 'facenet_pytorch' needs torch, torchvision and facenet-pytorch: {error}; "
                "install them or use engine 'onnx'"
            ) from error
        torch.set_num_threads(threads)
        self._torch = torch
        self.min_face_size = float(min_face_size)
        self.thresholds = values
        self._mtcnn = MTCNN(
            min_face_size=min_face_size, thresholds=list(values), keep_all=True, device=torch.device("cpu")
        )

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """Return the faces of an (H, W, 3) uint8 RGB image, the largest first.

        Raises:
            ValueError: the image has another shape or type.
        """
        check_rgb(rgb)
        if min(rgb.shape[:2]) < self.min_face_size:  # facenet-pytorch fails on an empty pyramid
            return []
        boxes, scores, landmarks = self._mtcnn.detect(rgb, landmarks=True)
        return [] if boxes is None else sort_detections(boxes, scores, landmarks)

    def refine(self, rgb: np.ndarray, boxes: Sequence[Box]) -> list[Detection | None]:
        """Look for faces only where they are expected; see :class:`~emotion_recognition.faces.detection.Detector`.

        Raises:
            ValueError: the image has another shape or type, or a box is not finite.
        """
        return refine(rgb, boxes, self._run_onet, self.thresholds[2])

    def _run_onet(self, crops: np.ndarray) -> Onet:
        with self._torch.inference_mode():
            offsets, points, scores = self._mtcnn.onet(self._torch.from_numpy(crops))
        return scores[:, 1].numpy(), offsets.numpy(), points.numpy()
