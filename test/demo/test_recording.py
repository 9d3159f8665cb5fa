"""The bundled recording is the one its description names, and tells the story it should."""

import hashlib
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


def test_a_recording_is_made_of_a_photo_and_a_voice(tmp_path, monkeypatch):
    """As the command makes it, in short: what the camera path shows, and the voice from its time on."""
    monkeypatch.setattr(make_recording, "DURATION_S", 0.8)
    monkeypatch.setattr(make_recording, "VOICE_STARTS_S", 0.4)
    photo = np.zeros((512, 512, 3), np.uint8)
    photo[:, 256:] = (200, 100, 50)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(48000 // 4) / 48000) * 32767).astype("<i2")
    with wave.open(str(tmp_path / "voice.wav"), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(48000)
        file.writeframes(tone.tobytes())
    words = ["--photo", tmp_path / "photo.png", "--voice", tmp_path / "voice.wav", "--output", tmp_path / "made.mkv"]
    monkeypatch.setattr(sys, "argv", ["make_recording", *map(str, words)])
    make_recording.main()
    with MediaSource(tmp_path / "made.mkv") as source:
        items = list(source)
    frames = [item.rgb for item in items if isinstance(item, VideoFrame)]
    assert len(frames) == 20 and frames[0].shape == (480, 640, 3)
    # The camera begins at 400 of 512, right of the photo's edge.
    np.testing.assert_allclose(frames[0].mean((0, 1)), (200, 100, 50), atol=6)
    raw = make_recording.picture(Image.fromarray(photo), 0.0, np.random.default_rng(0))
    assert raw[..., 1].std() == pytest.approx(make_recording.PICTURE_NOISE, rel=0.1)
    sound = np.concatenate([item.samples[:, 0] for item in items if not isinstance(item, VideoFrame)])
    assert len(sound) == 12800
    before, voice, after = sound[:6000], sound[6800:10000], sound[10800:]
    assert np.abs(before).max() < 400 and np.abs(after).max() < 400
    assert np.abs(voice).max() == pytest.approx(0.5 * 32767, rel=0.02)
    assert np.argmax(np.abs(np.fft.rfft(voice))) * 16000 / len(voice) == pytest.approx(440, abs=5)
