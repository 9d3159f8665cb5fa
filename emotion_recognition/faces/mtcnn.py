"""MTCNN with ONNX Runtime and numpy.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks",
https://arxiv.org/abs/1604.02878. Arithmetic and weights follow facenet-pytorch, https://github.com/timesler/facenet-pytorch:
a first network scans a pyramid of the image for candidates, a second and a third refuse most and refine the rest.

All resizing is averaging over whole pixels (adaptive average pooling), which a table of sums of the image gives for
every level of the pyramid and every candidate at once.
"""

from pathlib import Path

import numpy as np

from emotion_recognition.faces.detection import (
    MIN_FACE_SIZE,
    THRESHOLDS,
    Detection,
    check_rgb,
    check_settings,
    sort_detections,
)

SIDECAR = Path(__file__).resolve().parents[1] / "weights" / "mtcnn.json"
FACTOR = 0.709  # from one level of the pyramid to the next; area halves
CELL, STRIDE = 12, 2  # receptive field of the first network and distance between its outputs, in pixels
_BATCH = 256


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
            ModelError: a network's file is missing or is not the one the sidecar names.
        """
        from emotion_recognition.engines.onnxruntime_engine import create_session
        from emotion_recognition.engines.weights import verify_files

        self.min_face_size = float(min_face_size)
        self.thresholds = check_settings(min_face_size, thresholds)
        files = verify_files(Path(sidecar))
        self._pnet, self._rnet, self._onet = (
            create_session(str(files[f"{name}_onnx"]), threads, sizes_vary=True) for name in ("pnet", "rnet", "onet")
        )

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

    def _propose(self, image: "SummedImage") -> np.ndarray:
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

    def _refine(self, image: "SummedImage", boxes: np.ndarray) -> np.ndarray:
        """Return the (M, 4) square candidates the second network passes."""
        boxes, crops = image.crops(boxes, 24)
        logits, offsets = _run(self._rnet, ("logits", "offsets"), crops)
        scores = _face_probability(logits)
        passed = scores > self.thresholds[1]
        boxes, scores, offsets = boxes[passed], scores[passed], offsets[passed]
        keep = non_maximum_suppression(boxes, scores, 0.7)
        return make_square(_regress(boxes[keep], offsets[keep]))

    def _finish(self, image: "SummedImage", boxes: np.ndarray) -> list[Detection]:
        """Return the faces the third network passes."""
        boxes, crops = image.crops(boxes, 48)
        logits, offsets, points = _run(self._onet, ("logits", "offsets", "landmarks"), crops)
        scores = _face_probability(logits)
        passed = scores > self.thresholds[2]
        boxes, scores, offsets, points = boxes[passed], scores[passed], offsets[passed], points[passed]
        size = boxes[:, 2:] - boxes[:, :2] + 1
        landmarks = points.reshape(-1, 2, 5).transpose(0, 2, 1) * size[:, None] + boxes[:, None, :2] - 1
        boxes = _regress(boxes, offsets)
        keep = non_maximum_suppression(boxes, scores, 0.7, minimum=True)
        return sort_detections(boxes[keep], scores[keep], landmarks[keep])


class SummedImage:
    """An RGB image as a table of sums, for averages over any rectangles."""

    def __init__(self, rgb: np.ndarray):
        """Sum an (H, W, 3) uint8 image; sums wrap at 2**32, so a rectangle may hold up to 16 million pixels."""
        self.height, self.width = rgb.shape[:2]
        sums = np.zeros((self.height + 1, self.width + 1, 3), np.uint32)
        body = sums[1:, 1:]
        body[...] = rgb
        # Whole rows at a time, which is far faster than np.cumsum along the first axis.
        for row in range(1, self.height):
            np.add(sums[row], sums[row + 1], out=sums[row + 1])
        np.cumsum(body, axis=1, out=body)
        self._sums = sums

    def resized(self, height: int, width: int) -> np.ndarray:
        """Return the whole image as (1, 3, height, width) float32 in [-1, 1], each value the mean of its rectangle."""
        top, bottom = _edges(np.array([self.height]), height)
        left, right = _edges(np.array([self.width]), width)
        rows = self._sums[bottom[0]] - self._sums[top[0]]
        sums = rows[:, right[0]] - rows[:, left[0]]
        area = (bottom - top)[0][:, None] * (right - left)[0]
        return _normalised(sums[None], area[None])

    def crops(self, boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Cut (N, 4) boxes out, clipped to the image and averaged to ``size`` x ``size`` pixels.

        Returns:
            The (M, 4) boxes that touch the image and their (M, 3, size, size) float32 pixels in [-1, 1].
        """
        whole = np.trunc(boxes).astype(np.int64)
        x1, y1 = np.maximum(whole[:, 0], 1) - 1, np.maximum(whole[:, 1], 1) - 1
        x2, y2 = np.minimum(whole[:, 2], self.width), np.minimum(whole[:, 3], self.height)
        inside = (x2 > x1) & (y2 > y1)
        boxes, x1, y1, x2, y2 = boxes[inside], x1[inside], y1[inside], x2[inside], y2[inside]
        top, bottom = (edge + y1[:, None] for edge in _edges(y2 - y1, size))
        left, right = (edge + x1[:, None] for edge in _edges(x2 - x1, size))
        top, bottom = top[:, :, None] * (self.width + 1), bottom[:, :, None] * (self.width + 1)
        left, right = left[:, None], right[:, None]
        table = self._sums.reshape(-1, 3)
        sums = table[bottom + right] - table[bottom + left]
        sums -= table[top + right]
        sums += table[top + left]
        area = (bottom - top) // (self.width + 1) * (right - left)
        return boxes, _normalised(sums, area)


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


def _regress(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(size, 2)


def _edges(lengths: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last-plus-one pixel, each (N, bins), of the bins that adaptive pooling makes of N lengths."""
    steps = np.arange(bins + 1)
    first = steps[:-1] * lengths[:, None] // bins
    last = -(-steps[1:] * lengths[:, None] // bins)
    return first, last


def _normalised(sums: np.ndarray, area: np.ndarray) -> np.ndarray:
    """(N, h, w, 3) sums over (N, h, w) areas to (N, 3, h, w) float32, (mean - 127.5) / 128."""
    values = np.empty((sums.shape[0], 3, *sums.shape[1:3]), np.float32)
    np.multiply(
        sums.transpose(0, 3, 1, 2), (1 / (128 * area)).astype(np.float32)[:, None], out=values, casting="same_kind"
    )
    values -= np.float32(127.5 / 128)
    return values


def _run(session, outputs: tuple[str, ...], images: np.ndarray) -> list[np.ndarray]:
    """Run a network on (N, 3, s, s) images in batches; N may be 0."""
    batches = [
        session.run(outputs, {"image": images[start : start + _BATCH]}) for start in range(0, len(images) or 1, _BATCH)
    ]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]
