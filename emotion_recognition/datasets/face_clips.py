"""The face of a video clip: crops of frames spread over it, as the face classifier takes them."""

from dataclasses import asdict, dataclass
from importlib import metadata

import numpy as np

from emotion_recognition.datasets.cache import Arrays, DiskCache
from emotion_recognition.datasets.clips import Clip
from emotion_recognition.datasets.reading import UnreadableFile, read_frames
from emotion_recognition.engines.weights import read_sidecar
from emotion_recognition.faces import Detector, create_detector, crop_face, mtcnn
from emotion_recognition.faces.crops import SIZE
from emotion_recognition.faces.detection import MIN_FACE_SIZE, THRESHOLDS
from emotion_recognition.faces.sampling import FRAMES

VERSION = 1  # to be raised when the crops of a clip change


@dataclass(frozen=True)
class CropSettings:
    """How a clip becomes crops.

    Attributes:
        frames: crops of a clip; see :func:`emotion_recognition.datasets.reading.read_frames`.
        skip: frames left out at the start of the clip.
        size: side of a crop in pixels.
        margin: of the crop around the detected box; see :func:`emotion_recognition.faces.crop_face`.
        min_face_size: smallest face searched for, in pixels.
        engine, thresholds: of the detector; see :func:`emotion_recognition.faces.create_detector`.
    """

    frames: int = FRAMES
    skip: int = 0
    size: int = SIZE
    margin: float = 0.0
    min_face_size: float = MIN_FACE_SIZE
    engine: str = "onnx"
    thresholds: tuple[float, float, float] = THRESHOLDS


class FaceClipReader:
    """Reads clips as crops of the largest face. For ``read_all``; it can be sent to another process.

    A frame in which no face is found takes the box of the nearest frame with one, the earlier of two equally near.

    Args:
        settings: how a clip becomes crops.
        cache: where crops are kept; None keeps none.
        detector: None makes that of the settings, when it is first needed. Another one must not be used with a cache:
            its crops would be taken for those of the settings.

    Raises:
        ValueError: a cache with another detector.
    """

    def __init__(
        self, settings: CropSettings | None = None, cache: DiskCache | None = None, detector: Detector | None = None
    ):
        if cache is not None and detector is not None:
            raise ValueError(
                "a cache with a detector of one's own: expected one of them; the cache cannot tell its crops"
            )
        self.settings = settings or CropSettings()
        self.cache = cache
        self._detector = detector

    def __call__(self, clip: Clip) -> np.ndarray:
        """Return the crops of a clip, RGB (frames, size, size, 3) uint8.

        Raises:
            UnreadableFile: the video cannot be read, or none of its frames has a face.
        """
        return self.read(clip)["crops"]

    def read(self, clip: Clip) -> Arrays:
        """Return crops and where they come from.

        Returns:
            ``crops`` (frames, size, size, 3) uint8; ``frames``, their numbers in the video, int64 (frames,); ``boxes``
            (frames, 4) float64, x, y, width and height in pixels; ``found`` bool (frames,), False where the box is
            that of another frame.

        Raises:
            UnreadableFile: see :meth:`__call__`.
        """
        if self.cache is None:
            return self._compute(clip)
        settings = {"what": "face crops", **asdict(self.settings), "weights": _weights(self.settings.engine)}
        try:
            return self.cache.get(clip.path, settings, lambda path: self._compute(clip), VERSION)
        except FileNotFoundError as error:
            raise UnreadableFile(clip.path, "no such file") from error

    def _compute(self, clip: Clip) -> Arrays:
        settings = self.settings
        frames, indices = read_frames(clip, settings.frames, settings.skip)
        if self._detector is None:
            self._detector = create_detector(settings.engine, settings.min_face_size, settings.thresholds)
        detected = {
            index: _largest(self._detector, frame) for index, frame in zip(indices.tolist(), frames, strict=True)
        }
        found = [index for index, box in detected.items() if box is not None]
        if not found:
            raise UnreadableFile(clip.path, f"no face in any of its {len(detected)} frames looked at")
        nearest = [min(found, key=lambda other: (abs(other - index), other)) for index in indices.tolist()]
        boxes = [detected[index] for index in nearest]
        crops = [
            crop_face(frame, box, settings.margin, settings.size) for frame, box in zip(frames, boxes, strict=True)
        ]
        return {
            "crops": np.stack(crops),
            "frames": indices,
            "boxes": np.array(boxes, np.float64),
            "found": np.array(nearest, np.int64) == indices,
        }

    def __getstate__(self) -> dict:
        """Leave the detector out: each process makes its own."""
        return {**self.__dict__, "_detector": None} if self.cache is not None else dict(self.__dict__)


def _weights(engine: str) -> dict[str, str]:
    """Return what tells a detector's weights from others: the sha256 of each file, or its package's version."""
    if engine == "onnx":
        return {key: entry["sha256"] for key, entry in read_sidecar(mtcnn.SIDECAR)["files"].items()}
    return {engine: metadata.version(engine)}


def _largest(detector: Detector, rgb: np.ndarray) -> tuple[float, float, float, float] | None:
    boxes = [detection.box for detection in detector.detect(rgb)]
    return next((box for box in boxes if min(box[2:]) > 0), None)
