"""Identity of faces from frame to frame."""

import math
from dataclasses import dataclass

import numpy as np

from emotion_recognition.faces.detection import Box, Detection

MAX_GAP_S = 1.0
SHARED = 0.3  # of the smaller box: from here on two boxes may show one face
_SMOOTHING = 0.5  # share of the newest displacement in a track's velocity


@dataclass
class _Track:
    number: int
    box: np.ndarray  # x, y, width, height
    stamp_ns: int
    velocity: np.ndarray  # of the box's centre, pixels a second
    in_view: bool = True  # in the last frame

    def predicted(self, stamp_ns: int) -> np.ndarray:
        box = self.box.copy()
        box[:2] += self.velocity * (stamp_ns - self.stamp_ns) / 1e9
        return box

    def move(self, box: np.ndarray, stamp_ns: int) -> None:
        seconds = (stamp_ns - self.stamp_ns) / 1e9
        if seconds > 0:
            displacement = box[:2] + box[2:] / 2 - self.box[:2] - self.box[2:] / 2
            self.velocity += _SMOOTHING * (displacement / seconds - self.velocity)
        self.box, self.stamp_ns, self.in_view = box, stamp_ns, True


class Tracker:
    """Gives faces numbers and keeps them while the faces move.

    A detection belongs to the track whose box, moved on at its own speed, it fits best: by intersection over union less
    the distance of the centres in face sizes. Pairs are made from the best fit down.
    """

    def __init__(
        self, max_gap_s: float = MAX_GAP_S, min_iou: float = 0.1, max_distance: float = 0.8, max_ratio: float = 2.0
    ):
        """Set what counts as the same face.

        Args:
            max_gap_s: a track not seen for longer ends.
            min_iou: the least intersection over union, 0 to 1, of boxes further apart than ``max_distance``.
            max_distance: the greatest distance of the centres, in mean face sizes, of boxes that overlap less.
            max_ratio: the greatest ratio of the face sizes.

        Raises:
            ValueError: a setting is out of range.
        """
        if not (max_gap_s > 0 and 0 < min_iou <= 1 and max_distance >= 0 and max_ratio >= 1):
            raise ValueError(
                f"max_gap_s {max_gap_s}, min_iou {min_iou}, max_distance {max_distance}, max_ratio {max_ratio}; "
                "expected above 0, above 0 and up to 1, at least 0, at least 1"
            )
        self._max_gap_ns = round(max_gap_s * 1e9)
        self._min_iou, self._max_distance, self._max_ratio = min_iou, max_distance, max_ratio
        self._last_number = 0
        self._tracks: list[_Track] = []
        self._newest_ns: int | None = None

    def reset(self) -> None:
        """End all tracks; their numbers are not used again."""
        self._tracks = []
        self._newest_ns = None

    def update(self, detections: list[Detection], stamp_ns: int) -> list[tuple[int, Detection]]:
        """Return the detections of one frame, in their order, each with its track's number, from 1.

        A stamp older than the last one ends all tracks, since nothing is known of them at that time. The same stamp
        again corrects what was said of that frame.
        """
        if self._newest_ns is not None and stamp_ns < self._newest_ns:
            self.reset()
        self._newest_ns = stamp_ns
        self._tracks = [track for track in self._tracks if stamp_ns - track.stamp_ns <= self._max_gap_ns]
        boxes = [np.array(detection.box, np.float64) for detection in detections]
        owners = self._match(boxes, stamp_ns)
        for track in self._tracks:
            track.in_view = False
        found = []
        for detection, box, track in zip(detections, boxes, owners, strict=True):
            if track is None:
                self._last_number += 1
                track = _Track(self._last_number, box, stamp_ns, np.zeros(2))
                self._tracks.append(track)
            else:
                track.move(box, stamp_ns)
            found.append((track.number, detection))
        return found

    def expected(self, stamp_ns: int) -> dict[int, Box] | None:
        """Return by number where the faces of the last frame should be now, moved on at their own speed.

        None where only a search of the whole frame can tell: a track that has not ended was not in the last frame, or
        the stamp lies before it.
        """
        if self._newest_ns is None or stamp_ns < self._newest_ns:
            return None
        alive = [track for track in self._tracks if stamp_ns - track.stamp_ns <= self._max_gap_ns]
        if not all(track.in_view for track in alive):
            return None
        return {track.number: tuple(track.predicted(stamp_ns).tolist()) for track in alive}

    def follow(self, found: dict[int, Detection | None], stamp_ns: int) -> list[tuple[int, Detection]] | None:
        """Move tracks to what was found where :meth:`expected` said, and return it with their numbers.

        None, and nothing moves, where it is in doubt who is who: a face was not found, does not fit its track, or
        overlaps another by more than SHARED of the smaller one.
        """
        tracks = {track.number: track for track in self._tracks}
        boxes = {}
        for number, detection in found.items():
            if detection is None:
                return None
            box = np.array(detection.box, np.float64)
            if self._fit(tracks[number].predicted(stamp_ns), box) is None:
                return None
            if any(_shared(box, other) > SHARED for other in boxes.values()):
                return None
            boxes[number] = box
        self._newest_ns = stamp_ns
        for number, box in boxes.items():
            tracks[number].move(box, stamp_ns)
        return list(found.items())

    def _match(self, boxes: list[np.ndarray], stamp_ns: int) -> list[_Track | None]:
        predicted = [track.predicted(stamp_ns) for track in self._tracks]
        fits = [
            (fit, -t, -b)
            for t, expected in enumerate(predicted)
            for b, box in enumerate(boxes)
            if (fit := self._fit(expected, box)) is not None
        ]
        owners: list[_Track | None] = [None] * len(boxes)
        taken = set()
        for _, t, b in sorted(fits, reverse=True):
            if -t in taken or owners[-b] is not None:
                continue
            taken.add(-t)
            owners[-b] = self._tracks[-t]
        return owners

    def _fit(self, expected: np.ndarray, box: np.ndarray) -> float | None:
        """Return how well a box fits the one expected, 1 for the same box, or None if they are two faces."""
        sizes = math.sqrt(max(expected[2] * expected[3], 1e-9)), math.sqrt(max(box[2] * box[3], 1e-9))
        if max(sizes) > self._max_ratio * min(sizes):
            return None
        centres = expected[:2] + expected[2:] / 2, box[:2] + box[2:] / 2
        distance = math.dist(*centres) / (sum(sizes) / 2)
        overlap = intersection_over_union(expected, box)
        if overlap < self._min_iou and distance > self._max_distance:
            return None
        return overlap - distance


def intersection_over_union(a, b) -> float:
    """Return the intersection over union, 0 to 1, of two boxes x, y, width, height."""
    shared = _intersection(a, b)
    return float(shared / (a[2] * a[3] + b[2] * b[3] - shared)) if shared else 0.0


def _shared(a, b) -> float:
    """Return the intersection of two boxes over the area of the smaller one, 0 to 1."""
    shared = _intersection(a, b)
    return float(shared / min(a[2] * a[3], b[2] * b[3])) if shared else 0.0


def _intersection(a, b) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0
