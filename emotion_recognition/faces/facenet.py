"""facenet-pytorch's MTCNN behind this package's detector interface; needs torch, torchvision and facenet-pytorch."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.weights import file_sha256
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

# In the wheel of facenet-pytorch 2.6.0. They are pickles, of which torch takes tensors and nothing else; the nodes load
# no other pickle.
WEIGHTS_SHA256 = {
    "pnet.pt": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet.pt": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet.pt": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}


class FacenetDetector:
    """MTCNN of facenet-pytorch, https://github.com/timesler/facenet-pytorch."""

    def __init__(self, min_face_size: float = MIN_FACE_SIZE, thresholds=THRESHOLDS, threads: int = 1):
        """Load the networks and set torch to ``threads`` threads, for the whole process.

        Raises:
            ValueError: a setting is out of range.
            ModelError: one of facenet-pytorch's weight files is missing or is not the one known.
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
        verify_weights(Path(find_spec("facenet_pytorch").origin).parent / "data")
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


def verify_weights(folder: Path) -> None:
    """Check facenet-pytorch's weight files against WEIGHTS_SHA256.

    Raises:
        ModelError: one is missing or another; the text names it.
    """
    for name, expected in WEIGHTS_SHA256.items():
        path = folder / name
        try:
            actual = file_sha256(path)
        except OSError as error:
            raise ModelError(f"{path}: cannot read these weights of facenet-pytorch ({error.strerror})") from error
        if actual != expected:
            raise ModelError(
                f"{path}: sha256 is {actual}, expected {expected}: install facenet-pytorch 2.6.0 or use engine 'onnx'"
            )
