"""What more faces and larger frames cost."""

from __future__ import annotations

from typing import Any

from emotion_recognition.bench.decision import frame_step_ns, robot_classifier, robot_detector, robot_pipeline
from emotion_recognition.bench.material import SIZE, Material, largest_face, with_faces
from emotion_recognition.bench.timing import interleaved
from emotion_recognition.stamps import SECOND_NS

FACES = (1, 2, 4, 8)
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))


class _Path:
    """A picture from pixels to the emotion of every face in it, again and again with growing stamps."""

    def __init__(self, rgb, faces: int):
        self.rgb = rgb
        self.detector = robot_detector()
        self._pipeline, self._classifier = robot_pipeline(self.detector), robot_classifier()
        self._stamp, self._step = SECOND_NS, frame_step_ns()
        self.found = len(self._pipeline.process(rgb, self._stamp))
        if self.found != faces:
            raise ValueError(f"{self.found} faces found in a picture with {faces}")

    def search(self) -> object:
        return self.detector.detect(self.rgb)

    def frame(self) -> None:
        self._stamp += self._step
        for sample in self._pipeline.process(self.rgb, self._stamp):
            self._classifier.update(sample.track_id, sample.crop, self._stamp)


def _measured(pictures: dict[str, _Path], seconds: float) -> list[dict[str, Any]]:
    search = interleaved({name: one.search for name, one in pictures.items()}, seconds / 2)
    frame = interleaved({name: one.frame for name, one in pictures.items()}, seconds / 2)
    return [{"search": search[name].to_json(), "frame": frame[name].to_json()} for name in pictures]


def face_numbers(material: Material, seconds: float) -> list[dict[str, Any]]:
    """Return what a 640 x 480 frame costs by the number of faces in it, in ms.

    ``search`` is a search of the whole frame; ``frame`` everything from pixels to the emotion of every face, with
    tracked faces refined in between searches as live.
    """
    rgb = material.frames[len(material.frames) // 2]
    box = largest_face(robot_detector(), rgb)
    pictures = {str(count): _Path(with_faces(rgb, box, count, SIZE), count) for count in FACES}
    return [{"faces": int(name), **one} for name, one in zip(pictures, _measured(pictures, seconds), strict=True)]


def frame_sizes(material: Material, seconds: float) -> list[dict[str, Any]]:
    """Return what a frame with one face costs by its size, in ms, as :func:`face_numbers` does."""
    rgb = material.frames[len(material.frames) // 2]
    box = largest_face(robot_detector(), rgb)
    pictures = {f"{width}x{height}": _Path(with_faces(rgb, box, 1, (width, height)), 1) for width, height in SIZES}
    return [{"size": name, **one} for name, one in zip(pictures, _measured(pictures, seconds), strict=True)]
