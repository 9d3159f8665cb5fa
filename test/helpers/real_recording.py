"""A face and a voice of the bundled recording."""

from pathlib import Path

import numpy as np

import emotion_recognition
from emotion_recognition.sensors.media import AudioChunk, MediaSource, VideoFrame

RECORDING = Path(emotion_recognition.__file__).parent / "demo" / "recording.mkv"
VOICE_FROM_NS = 2_500_000_000  # in the recording


def recording_parts() -> tuple[np.ndarray, np.ndarray]:
    """Return a picture with one face, about 320 x 380, RGB, and some seconds of speech, int16 at 16 kHz."""
    picture, voice = None, []
    with MediaSource(str(RECORDING)) as source:
        for item in source:
            if isinstance(item, VideoFrame) and item.time_ns < 3_600_000_000:
                picture = item.rgb[:380, 150:470]
            elif isinstance(item, AudioChunk) and item.time_ns > VOICE_FROM_NS:
                voice.append(item.samples[:, 0])
    return np.ascontiguousarray(picture), np.concatenate(voice)
