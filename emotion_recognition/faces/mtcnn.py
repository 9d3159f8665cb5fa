"""MTCNN with ONNX Runtime and numpy.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks",
https://arxiv.org/abs/1604.02878. Arithmetic and weights follow facenet-pytorch, https://github.com/timesler/facenet-pytorch:
a first network scans a pyramid of the image for candidates, a second and a third refuse most and refine the rest.

All resizing is averaging over whole pixels. A full detection makes a table of sums of the image, which serves every
level of the pyramid and every candidate; the refinement of a few boxes reads these alone.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from emotion_recognition.faces.averaging import SummedImage, averaged_crops
from emotion_recognition.faces.detection import (
    MIN_FACE_SIZE,
    THRESHOLDS,
    Box,
    Detection,
    check_rgb,
    check_settings,
    sort_detections,
)

SIDECAR = Path(__file__).resolve().parents[1] / "weights" / "mtcnn.json"
FACTOR = 0.709  # from one level of the pyramid to the next; area halves
# Shapes of what the networks take and give, by name; None for a free length.
NETWORKS = {
    "pnet": (
        {"image": (None, 3, None, None)},
        {"logits": (None, 2, None, None), "offsets": (None, 4, None, None)},
    ),
    "rnet": ({"image": (None, 3, 24, 24)}, {"logits": (None, 2), "offsets": (None, 4)}),
    "onet": ({"image": (None, 3, 48, 48)}, {"logits": (None, 2), "offsets": (None, 4), "landmarks": (None, 10)}),
}
CELL, STRIDE = 12, 2  # receptive field of the first network and distance between its outputs, in pixels
FACE_SIZE = 48  # side of what the third network sees, in pixels
# Candidates the second and third network see at a time: few enough that what lies between their layers stays in a
# core's cache and in memory that malloc keeps; all 60 of a frame at once take four times as long each.
RNET_BATCH, ONET_BATCH = 12, 4
Onet = tuple[np.ndarray, np.ndarray, np.ndarray]


class OnnxDetector:
    """MTCNN as ONNX networks; see :func:`emotion_recognition.faces.create_detector` for the settings."""

    def __init__(
        self,
        min_face_size: float = MIN_FACE_SIZE,
        thresholds=THRESHOLDS,
        threads: int = 1,
        sidecar: Path | str = SIDECAR,
    ):
        """Load the networks.

        Raises:
            ValueError: a setting is out of range.
            ModelError: a network's file is missing, is not the one the sidecar names, or holds another network.
        """
        from emotion_recognition.engines.onnxruntime_engine import check_signature, create_session
        from emotion_recognition.engines.weights import verify_files

        self.min_face_size = float(min_face_size)
        self.thresholds = check_settings(min_face_size, thresholds)
        files = verify_files(Path(sidecar), [f"{name}_onnx" for name in NETWORKS])
        sessions = {}
        for name, signature in NETWORKS.items():
            path = files[f"{name}_onnx"]
            sessions[name] = create_session(str(path), threads, sizes_vary=True)
            check_signature(sessions[name], path, *signature)
        self._pnet, self._rnet, self._onet = sessions.values()

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """Return the faces of an (H, W, 3) uint8 RGB image, the largest first.

        Raises:
            ValueError: the image has another shape or type.
        """
        check_rgb(rgb)
        image = SummedImage(rgb)
        boxes = self._propose(image)
        boxes = self._refine(image, boxes)
        return self._finish(image, boxes)

    def refine(self, rgb: np.ndarray, boxes: Sequence[Box]) -> list[Detection | None]:
        """Look for faces only where they are expected; see :class:`~emotion_recognition.faces.detection.Detector`.

        Raises:
            ValueError: the image has another shape or type, or a box is not finite.
        """
        return refine(rgb, boxes, self._run_onet, self.thresholds[2])

    def _propose(self, image: SummedImage) -> np.ndarray:
        """Scan the pyramid; return (N, 4) float32 square candidates."""
        found = []
        for scale in pyramid_scales(image.height, image.width, self.min_face_size):
            level = image.resized(int(image.height * scale + 1), int(image.width * scale + 1))
            logits, offsets = self._pnet.run(("logits", "offsets"), {"image": level})
            probability = _face_probability(logits)[0]
            rows, columns = np.nonzero(probability >= self.thresholds[0])
            if not len(rows):
                continue
            cells = np.stack([columns, rows], 1).astype(np.float32) * STRIDE
            corners = np.floor(np.concatenate([cells + 1, cells + CELL], 1) / np.float32(scale))
            scores = probability[rows, columns]
            keep = non_maximum_suppression(corners, scores, 0.5)
            found.append((corners[keep], scores[keep], offsets[0][:, rows, columns].T[keep]))
        if not found:
            return np.empty((0, 4), np.float32)
        corners, scores, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        keep = non_maximum_suppression(corners, scores, 0.7)
        corners, offsets = corners[keep], offsets[keep]
        size = corners[:, 2:] - corners[:, :2]
        return make_square(corners + offsets * np.tile(size, 2))

    def _refine(self, image: SummedImage, boxes: np.ndarray) -> np.ndarray:
        """Return the (M, 4) square candidates the second network passes."""
        boxes, crops = image.crops(boxes, 24)
        logits, offsets = _run(self._rnet, ("logits", "offsets"), crops, RNET_BATCH)
        scores = _face_probability(logits)
        passed = scores > self.thresholds[1]
        boxes, scores, offsets = boxes[passed], scores[passed], offsets[passed]
        keep = non_maximum_suppression(boxes, scores, 0.7)
        return make_square(_regress(boxes[keep], offsets[keep]))

    def _finish(self, image: SummedImage, boxes: np.ndarray) -> list[Detection]:
        """Return the faces the third network passes."""
        boxes, crops = image.crops(boxes, FACE_SIZE)
        scores, offsets, points = self._run_onet(crops)
        passed = scores > self.thresholds[2]
        boxes, scores = boxes[passed], scores[passed]
        boxes, landmarks = _located(boxes, offsets[passed], points[passed])
        keep = non_maximum_suppression(boxes, scores, 0.7, minimum=True)
        return sort_detections(boxes[keep], scores[keep], landmarks[keep])

    def _run_onet(self, crops: np.ndarray) -> Onet:
        logits, offsets, points = _run(self._onet, ("logits", "offsets", "landmarks"), crops, ONET_BATCH)
        return _face_probability(logits), offsets, points


def refine(
    rgb: np.ndarray, boxes: Sequence[Box], run_onet: Callable[[np.ndarray], Onet], threshold: float
) -> list[Detection | None]:
    """Look with the third network alone for faces where they are expected.

    Args:
        rgb: (H, W, 3) uint8.
        boxes: x, y of the upper left corner, width, height; pixels.
        run_onet: from (N, 3, 48, 48) float32 in [-1, 1] to (N,) scores, (N, 4) offsets and (N, 10) landmarks.
        threshold: least score.

    Returns:
        For each box its face, or None where there is none: outside the image, or the score is not above the threshold.

    Raises:
        ValueError: the image has another shape or type, or a box is not finite.
    """
    check_rgb(rgb)
    expected = np.array(boxes, np.float64).reshape(-1, 4)
    if not np.isfinite(expected).all():
        raise ValueError(f"boxes (x, y, width, height) {expected.tolist()}; expected finite pixels")
    corners = np.concatenate([expected[:, :2], expected[:, :2] + expected[:, 2:]], 1)
    squares = make_square(corners.astype(np.float32))
    inside, crops = averaged_crops(rgb, squares, FACE_SIZE)
    found: list[Detection | None] = [None] * len(squares)
    if not len(crops):
        return found
    scores, offsets, points = run_onet(crops)
    located, landmarks = _located(squares[inside], offsets, points)
    for index, box, score, marks in zip(np.flatnonzero(inside), located, scores, landmarks, strict=True):
        if score > threshold and (box[2:] > box[:2]).all():
            (found[index],) = sort_detections(box[None], [score], marks[None])
    return found


def pyramid_scales(height: int, width: int, min_face_size: float) -> list[float]:
    """Return the scales at which faces from ``min_face_size`` pixels up to the image's shorter side fill a cell."""
    scale = CELL / min_face_size
    side = min(height, width) * scale
    scales = []
    while side >= CELL:
        scales.append(scale)
        scale *= FACTOR
        side *= FACTOR
    return scales


def non_maximum_suppression(
    boxes: np.ndarray, scores: np.ndarray, threshold: float, minimum: bool = False
) -> np.ndarray:
    """Return the indices of the boxes to keep, the best score first.

    A box goes if it overlaps a better one by more than ``threshold``: the intersection over the union, or with
    ``minimum`` over the smaller of the two areas, which takes pixels as inclusive (a side is x2 - x1 + 1). Of equal
    scores, common since those of clear faces round to 1, the better is the one facenet-pytorch's sorting puts first.
    """
    order = np.argsort(scores)[::-1] if minimum else np.argsort(-scores, kind="stable")
    x1, y1, x2, y2 = boxes[order].T
    extra = np.float32(1 if minimum else 0)
    area = (x2 - x1 + extra) * (y2 - y1 + extra)
    alive = np.ones(len(order), bool)
    kept = []
    for i in range(len(order)):
        if not alive[i]:
            continue
        kept.append(order[i])
        rest = slice(i + 1, None)
        overlap = np.maximum(np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]) + extra, 0)
        overlap *= np.maximum(np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]) + extra, 0)
        # A product in place of the quotient, so that an empty box needs no case of its own.
        base = np.minimum(area[i], area[rest]) if minimum else area[i] + area[rest] - overlap
        alive[rest] &= overlap <= threshold * base
    return np.array(kept, np.int64)


def make_square(boxes: np.ndarray) -> np.ndarray:
    """Return (N, 4) boxes x1, y1, x2, y2 made square about their centres with their longer side."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(1, keepdims=True) if len(size) else size[:, :1]
    corner = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([corner, corner + side], 1)


def _face_probability(logits: np.ndarray) -> np.ndarray:
    """(N, 2, ...) logits of no face and face to (N, ...) probabilities of a face."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))


def _located(boxes: np.ndarray, offsets: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 4) squares the third network saw and what it said of them to (N, 4) faces and (N, 5, 2) landmarks."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    landmarks = points.reshape(-1, 2, 5).transpose(0, 2, 1) * size[:, None] + boxes[:, None, :2] - 1
    return _regress(boxes, offsets), landmarks


def _regress(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(size, 2)


def _run(session, outputs: tuple[str, ...], images: np.ndarray, batch: int) -> list[np.ndarray]:
    """Run a network on (N, 3, s, s) images, so many at a time; N may be 0."""
    batches = [
        session.run(outputs, {"image": images[start : start + batch]}) for start in range(0, len(images) or 1, batch)
    ]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]
