import json
import shutil

import numpy as np
import pytest

from emotion_recognition.audio import VOICE_ACTIVITY_ENGINES, create_voice_activity
from emotion_recognition.audio.voice_activity import WEIGHTS, SileroVoiceActivity
from emotion_recognition.engines import ModelError

RATE = 16000
TIME = np.arange(RATE * 8) / RATE
NOISE = np.random.default_rng(0).normal(0, 0.05, len(TIME)).astype(np.float32)
SOUNDS_WITHOUT_VOICE = {
    "silence": np.zeros(len(TIME), np.float32),
    "noise": NOISE,
    "faint noise": NOISE / 30,
    "hum": (0.1 * np.sin(2 * np.pi * 50 * TIME)).astype(np.float32),
    "tone": (0.3 * np.sin(2 * np.pi * 1000 * TIME)).astype(np.float32),
}
BURSTS = (NOISE * np.where(np.sin(2 * np.pi * TIME) > 0, 1.0, 0.01)).astype(np.float32)


@pytest.fixture(params=VOICE_ACTIVITY_ENGINES)
def detector(request):
    return create_voice_activity(request.param)


@pytest.mark.parametrize("sound", SOUNDS_WITHOUT_VOICE)
def test_no_voice_in(detector, sound):
    detector.push(SOUNDS_WITHOUT_VOICE[sound])
    assert detector.share(0, len(TIME)) == 0.0


def test_real_speech_is_heard(detector, data_folder):
    soundfile = pytest.importorskip("soundfile")
    heard = []
    for actor in range(1, 25):
        name = f"ravdess_speech/Actor_{actor:02d}/03-01-05-01-01-01-{actor:02d}.flac"
        sound, _ = soundfile.read(data_folder / name, dtype="float32")
        detector.reset()
        detector.push(sound)
        heard.append(detector.share(0, len(sound)))
    assert np.mean(np.array(heard) >= 0.1) >= 0.9
    assert 0.2 < np.mean(heard) < 0.7  # the clips begin and end in silence


def test_speech_is_found_where_it_is(data_folder):
    soundfile = pytest.importorskip("soundfile")
    sound, _ = soundfile.read(data_folder / "ravdess_speech/Actor_03/03-01-05-02-01-01-03.flac", dtype="float32")
    detector = create_voice_activity("silero")
    padded = np.concatenate([np.zeros(RATE * 2, np.float32), sound, np.zeros(RATE * 2, np.float32)])
    detector.push(padded)
    assert detector.share(0, RATE * 2) == 0.0
    assert detector.share(RATE * 2, RATE * 2 + len(sound)) > 0.4
    assert detector.share(len(padded) - RATE, len(padded)) == 0.0


def test_chunks_do_not_matter(detector):
    whole = detector.push(BURSTS)
    assert len(whole) == len(BURSTS) // 512
    detector.reset()
    parts = [detector.push(chunk) for chunk in np.array_split(BURSTS, 331)]
    assert np.concatenate(parts) == pytest.approx(whole, abs=1e-5)


def test_reset_forgets(detector):
    first = detector.push(BURSTS[:20000])
    detector.push(BURSTS[5000:9000])
    detector.reset()
    assert (detector.push(BURSTS[:20000]) == first).all()


def test_energy_follows_bursts_and_share_counts_whole_chunks():
    detector = create_voice_activity("energy")
    probabilities = detector.push(BURSTS)
    assert detector.share(0, len(BURSTS)) == pytest.approx(0.5, abs=0.07)
    loud = np.flatnonzero(probabilities >= 0.5)[-1]
    assert detector.share(loud * 512, loud * 512 + 512) == 1.0
    assert detector.share(loud * 512 + 1, loud * 512 + 512) == 0.0  # no whole chunk
    before = detector.share(65536, 65536 + 16384)
    detector.forget(65536)
    assert detector.share(65536, 65536 + 16384) == before
    detector.forget(0)
    assert detector.share(65536, 65536 + 16384) == before


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan")])
def test_wrong_threshold_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        create_voice_activity("energy", threshold)


def test_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="'webrtc'.*silero, energy"):
        create_voice_activity("webrtc")


def test_a_damaged_model_is_refused(tmp_path):
    shutil.copy(WEIGHTS, tmp_path)
    name = json.loads(WEIGHTS.read_text())["files"]["silero_vad_onnx"]["path"]
    content = bytearray((WEIGHTS.parent / name).read_bytes())
    content[1000] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="silero_vad.onnx"):
        SileroVoiceActivity(sidecar=tmp_path / WEIGHTS.name)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match="silero_vad.onnx"):
        SileroVoiceActivity(sidecar=tmp_path / WEIGHTS.name)


def test_the_licence_lies_beside_the_model():
    assert "MIT License" in WEIGHTS.with_name("silero_vad.LICENSE").read_text()
