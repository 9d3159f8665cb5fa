"""The bundled recording is the one its description names, and tells the story it should."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

import emotion_recognition.demo  # noqa: E402
from emotion_recognition.demo import make_recording  # noqa: E402
from emotion_recognition.sensors.media import MediaSource, VideoFrame  # noqa: E402

FOLDER = Path(emotion_recognition.demo.__file__).parent
RECORDING = FOLDER / "recording.mkv"


def test_the_description_names_this_file():
    assert hashlib.sha256(RECORDING.read_bytes()).hexdigest() in (FOLDER / "recording.md").read_text()
    assert RECORDING.stat().st_size < 800_000


def test_silence_then_voice_then_silence():
    with MediaSource(RECORDING) as source:
        items = list(source)
    assert source.problems == [] and source.duration_s <= 10
    frames = [item for item in items if isinstance(item, VideoFrame)]
    assert len(frames) == 215 and frames[0].rgb.shape == (480, 640, 3)
    assert [frame.time_ns for frame in frames] == [40_000_000 * i for i in range(215)]
    sound = np.concatenate([item.samples for item in items if not isinstance(item, VideoFrame)])[:, 0] / 32768
    level = np.sqrt(np.mean(sound.reshape(-1, 3200) ** 2, axis=1))  # of every 0.2 s
    assert len(level) == 43
    assert level[:10].min() > 0.0005 and level[:10].max() < 0.002
    assert level[12:40].max() > 0.1 and level[12:40].min() > 0.01
    assert level[41:].max() < 0.002


def test_the_camera_keeps_within_the_photo():
    for time_s in np.arange(0, make_recording.DURATION_S, 0.04):
        left, top, right, bottom = make_recording.view(time_s)
        assert -2 <= left < right <= 514 and -2 <= top < bottom <= 514
        assert (right - left) / (bottom - top) == pytest.approx(4 / 3)


def test_a_voice_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="expected up to 6.5 s"):
        make_recording.sound(np.ones(8 * 16000), np.random.default_rng(0))
    with pytest.raises(ValueError, match="silent"):
        make_recording.sound(np.zeros(16000), np.random.default_rng(0))
