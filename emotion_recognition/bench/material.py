"""What is measured on: the bundled recording's face and voice, enlarged, looped or put together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from emotion_recognition.audio import RATE
from emotion_recognition.demo import RECORDING
from emotion_recognition.faces import Detector, crop_square

# Where in the recording the whole face is in view, and where the voice is heard; demo/recording.md.
FACE_S = (2.0, 5.6)
VOICE_S = (2.1, 8.1)
SIZE = 640, 480
# Of a face put into a picture: the longer side of its box, in the shorter side of its tile.
FACE_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Material:
    """A face and a voice.

    Attributes:
        frames: (N, H, W, 3) uint8 RGB, the face in view in each.
        fps: frames a second.
        sound: (n,) int16 at 16 kHz, a voice throughout.
    """

    frames: np.ndarray
    fps: float
    sound: np.ndarray

    def frame(self, seconds: float) -> int:
        """Return the number of the frame at a time, played forward and backward without end, so that nothing jumps."""
        last = len(self.frames) - 1
        phase = int(seconds * self.fps) % max(1, 2 * last)
        return phase if phase <= last else 2 * last - phase

    def sound_at(self, first: int, count: int) -> np.ndarray:
        """Return ``count`` samples from number ``first`` on of the voice repeated without end, (count,) int16."""
        return self.sound[np.arange(first, first + count) % len(self.sound)]


def load_material(size: tuple[int, int] = SIZE) -> Material:
    """Return the recording's face, enlarged to ``size`` (width, height), and its voice; needs PyAV.

    Raises:
        ValueError: the recording has not what is expected of it.
    """
    from emotion_recognition.sensors.media import MediaSource, VideoFrame

    frames, times, pieces = [], [], []
    with MediaSource(RECORDING) as source:
        for item in source:
            seconds = item.time_ns / 1e9
            if isinstance(item, VideoFrame):
                if FACE_S[0] <= seconds < FACE_S[1]:
                    frames.append(resized(item.rgb, size))
                    times.append(seconds)
            elif item.rate != RATE:
                raise ValueError(f"{RECORDING}: sound at {item.rate} Hz, expected {RATE}")
            else:
                pieces.append(item.samples[:, 0])
    sound = np.concatenate(pieces)[round(VOICE_S[0] * RATE) : round(VOICE_S[1] * RATE)]
    if len(frames) < 2 or len(sound) < RATE:
        raise ValueError(f"{RECORDING}: {len(frames)} frames and {len(sound)} samples between {FACE_S} and {VOICE_S} s")
    return Material(np.stack(frames), (len(times) - 1) / (times[-1] - times[0]), sound)


def resized(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an (H, W, 3) uint8 picture scaled to ``size``, width and height."""
    if rgb.shape[1::-1] == tuple(size):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def with_faces(rgb: np.ndarray, box, count: int, size: tuple[int, int]) -> np.ndarray:
    """Return a grey (H, W, 3) uint8 picture of ``size`` with a face ``count`` times, each in a tile of its own.

    Args:
        rgb: picture with the face.
        box: of the face, x, y, width, height.
        count: from 1.
        size: width and height.
    """
    width, height = size
    columns = math.ceil(math.sqrt(count * width / height))
    rows = math.ceil(count / columns)
    tile = min(width // columns, height // rows)
    left, top, side = (round(value) for value in crop_square(box, 1 / FACE_SHARE - 1))
    face = Image.fromarray(rgb).crop((left, top, left + side, top + side)).resize((tile, tile))
    picture = np.full((height, width, 3), 128, np.uint8)
    for number in range(count):
        row, column = divmod(number, columns)
        y, x = row * height // rows, column * width // columns
        picture[y : y + tile, x : x + tile] = np.asarray(face)
    return picture


def largest_face(detector: Detector, rgb: np.ndarray) -> tuple[float, float, float, float]:
    """Return the box of the largest face in a picture.

    Raises:
        ValueError: there is none.
    """
    found = detector.detect(rgb)
    if not found:
        raise ValueError(f"no face found in a picture of {rgb.shape[1]} x {rgb.shape[0]} pixels, expected one")
    return found[0].box
