"""Emotion of a face from its last frames.

A frame goes through the backbone once; its embedding is kept, and the frame attention reads the embeddings of a track's
last frames. A new frame so costs one backbone pass and gives what the whole clip would.
"""

from collections import deque
from collections.abc import Sequence
from math import inf

import numpy as np

from emotion_recognition.classifiers.classification import Classification, named_softmax
from emotion_recognition.classifiers.face_input import FaceInput
from emotion_recognition.engines import FacePreprocessing, ModelError, ModelMetadata, load_network
from emotion_recognition.stamps import SECOND_NS


class VisualClassifier:
    """Class probabilities of tracked faces, and of clips.

    Args:
        metadata: a face model's.
        engine: one of ``engines.ENGINES``.
        frames: most frames one decision uses, from 1.
        window_s: a decision uses no frame older than this before the newest, above 0; half a sampling interval
            (``window_s / frames``) is tolerated.
        threads: of the engine.
        max_gap_s: a track without a frame for longer is another face and begins anew, above 0; half a sampling
            interval is tolerated.

    Raises:
        ModelError: the model is not a face model, or the engine cannot load it.
        ValueError: ``frames``, ``window_s`` or ``max_gap_s`` is out of range.
    """

    def __init__(
        self, metadata: ModelMetadata, engine: str = "onnxruntime", frames: int = 15, window_s: float = 3.0,
        threads: int = 1, max_gap_s: float = inf,
    ):  # fmt: skip
        if not isinstance(metadata.preprocessing, FacePreprocessing):
            raise ModelError(f"{metadata.path}: architecture {metadata.architecture}, expected a face model")
        if frames < 1 or not window_s > 0 or not max_gap_s > 0:
            raise ValueError(
                f"frames {frames}, window_s {window_s}, max_gap_s {max_gap_s}: expected at least 1 and more than 0"
            )
        self.metadata = metadata
        self.frames = frames
        self.window_s = window_s
        half_an_interval_s = 0.5 * window_s / frames
        self._reach_ns = int((window_s + half_an_interval_s) * SECOND_NS)
        self._gap_ns = int((min(max_gap_s, window_s) + half_an_interval_s) * SECOND_NS)
        self._backbone = load_network(metadata, "backbone", engine, threads)
        self._fan = load_network(metadata, "fan", engine, threads)
        self._input = FaceInput(metadata.preprocessing)
        self._one = np.empty((1, *self._input.shape), np.float32)
        self._tracks: dict[int, deque[tuple[int, np.ndarray]]] = {}

    @property
    def tracks(self) -> tuple[int, ...]:
        """Ids of the tracks with embeddings kept."""
        return tuple(self._tracks)

    def reset(self) -> None:
        """Forget all tracks."""
        self._tracks.clear()

    def update(self, track_id: int, crop: np.ndarray, stamp_ns: int) -> Classification:
        """Classify a track with its newest frame; a frame that fails leaves everything as it was.

        Args:
            track_id: whose face it is.
            crop: (side, side, 3) uint8 RGB.
            stamp_ns: the frame's stamp, after the track's last.

        Returns:
            Probabilities over the model's label table and the stamps of the 1 to ``frames`` frames used.

        Raises:
            ValueError: the crop is not such an image, or the stamp is not after the track's last.
            ModelError: the network gave values that are not finite.
        """
        kept = self._tracks.get(track_id, ())
        if kept and stamp_ns <= kept[-1][0]:
            raise ValueError(
                f"track {track_id}: stamp {stamp_ns} ns, expected one after {kept[-1][0]} ns "
                "(reset() when time begins anew)"
            )
        if kept and stamp_ns - kept[-1][0] > self._gap_ns:
            kept = ()
        self._input.fill(crop, self._one[0])
        newest = (stamp_ns, self._backbone.run(self._one)[0])
        used = deque((item for item in kept if stamp_ns - item[0] <= self._reach_ns), maxlen=self.frames)
        used.append(newest)
        result = self._decide(np.stack([embedding for _, embedding in used]), tuple(stamp for stamp, _ in used))
        self._tracks[track_id] = used
        self._drop_unseen(stamp_ns)
        return result

    def classify_clip(self, crops: Sequence[np.ndarray], stamps_ns: Sequence[int] = ()) -> Classification:
        """Classify a clip at once; tracks are not touched.

        Args:
            crops: at least one (side, side, 3) uint8 RGB; all of them are used.
            stamps_ns: returned with the result.

        Raises:
            ValueError: there is no crop, or one is not such an image.
            ModelError: the network gave values that are not finite.
        """
        if len(crops) == 0:
            raise ValueError("a clip of 0 crops, expected at least 1")
        batch = np.empty((len(crops), *self._input.shape), np.float32)
        for crop, row in zip(crops, batch, strict=True):
            self._input.fill(crop, row)
        return self._decide(self._backbone.run(batch), tuple(stamps_ns))

    def _decide(self, embeddings: np.ndarray, stamps_ns: tuple[int, ...]) -> Classification:
        logits = self._fan.run(embeddings[np.newaxis])[0]
        table = self.metadata.class_ids
        return Classification(table, named_softmax(logits, table, self.metadata.temperature), stamps_ns)

    def _drop_unseen(self, stamp_ns: int) -> None:
        """Forget tracks none of whose frames could be used any more."""
        for track_id in [key for key, kept in self._tracks.items() if stamp_ns - kept[-1][0] > self._reach_ns]:
            del self._tracks[track_id]
