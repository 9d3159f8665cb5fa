import subprocess
import sys
import time

import numpy as np
import pytest

from emotion_recognition.features import MFCC_ENGINES, MfccSettings, NumpyMfcc, create_mfcc
from emotion_recognition.features.mfcc import dct_matrix, hz_to_mel, mel_filters, mel_to_hz
from emotion_recognition.sensors.pcm import AudioError

RATE = 16000


def voice_like(seconds: float = 3.0) -> np.ndarray:
    """A gliding, syllable-modulated pulse train: harmonics, pauses and a falling spectrum like a voice's."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    pulses = sum(np.cos(k * phase) / k for k in range(1, 40))
    return (0.1 * pulses * np.clip(np.sin(2 * np.pi * 2.5 * t), 0, 1)).astype(np.float32)


SOUNDS = {
    "speech": voice_like(),
    "noise": np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32),
    "silence": np.zeros(48000, np.float32),
    "clipped": np.clip(voice_like() * 40, -1, 1),
    "tone": (0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / RATE)).astype(np.float32),
    "one second": voice_like(1.0),
    "shorter than a frame": voice_like(0.05),
    "one sample": np.array([0.5], np.float32),
}


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("engine", [name for name in MFCC_ENGINES if name != "numpy"])
def test_engines_agree(engine, sound):
    pytest.importorskip({"librosa": "librosa", "torchaudio": "torch"}[engine])
    expected = create_mfcc("numpy")(SOUNDS[sound])
    found = create_mfcc(engine)(SOUNDS[sound])
    assert found.dtype == expected.dtype == np.float32
    assert found.shape == expected.shape == (40, 1 + len(SOUNDS[sound]) // 512)
    assert np.abs(found.mean(1, dtype=float) - expected.mean(1, dtype=float)).max() <= 1e-3


@pytest.mark.parametrize("engine", [name for name in MFCC_ENGINES if name != "numpy"])
def test_engines_agree_on_other_settings(engine):
    pytest.importorskip({"librosa": "librosa", "torchaudio": "torch"}[engine])
    settings = MfccSettings(coefficients=20, n_fft=1024, hop=160, mels=64, f_min=50.0, f_max=7600.0, top_db=60.0)
    found = create_mfcc(engine, settings)(SOUNDS["speech"])
    expected = create_mfcc("numpy", settings)(SOUNDS["speech"])
    assert found.shape == expected.shape == (20, 301)
    assert np.abs(found.mean(1) - expected.mean(1)).max() <= 1e-3


def test_engines_agree_on_real_speech(data_folder):
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("librosa")
    sound, _ = soundfile.read(data_folder / "ravdess_speech/Actor_03/03-01-05-02-01-01-03.flac", dtype="float32")
    means = [create_mfcc(engine)(sound).mean(1, dtype=float) for engine in MFCC_ENGINES]
    assert np.abs(means[1] - means[0]).max() <= 1e-3
    assert np.abs(means[2] - means[0]).max() <= 1e-3


def test_silence_is_the_floor_in_the_first_coefficient():
    mfcc = create_mfcc()(SOUNDS["silence"])
    assert mfcc[0] == pytest.approx(-100 * np.sqrt(128), abs=1e-3)
    assert np.abs(mfcc[1:]).max() < 1e-4


def test_gain_moves_only_the_first_coefficient():
    quiet, loud = (create_mfcc()(SOUNDS["noise"] * gain) for gain in (0.1, 0.5))
    assert (loud - quiet)[0] == pytest.approx(20 * np.log10(5) * np.sqrt(128), abs=1e-3)
    assert np.abs((loud - quiet)[1:]).max() < 1e-3


def test_mel_scale_is_htk():
    assert hz_to_mel(1000.0) == pytest.approx(999.9855, abs=1e-3)
    assert hz_to_mel(700.0) == pytest.approx(2595 * np.log10(2))
    hz = np.linspace(0, 8000, 50)
    assert mel_to_hz(hz_to_mel(hz)) == pytest.approx(hz)


def test_filters_have_unit_area_and_dct_is_orthonormal():
    filters = mel_filters(MfccSettings(n_fft=32768))
    assert filters.shape == (128, 16385)
    assert filters.sum(axis=1) * RATE / 32768 == pytest.approx(np.ones(128), abs=0.01)
    matrix = dct_matrix(128, 128)
    assert matrix @ matrix.T == pytest.approx(np.eye(128), abs=1e-12)


@pytest.mark.parametrize("engine", MFCC_ENGINES)
@pytest.mark.parametrize("bad", [np.zeros(0), np.zeros((2, 100)), np.array([0.0, np.nan]), np.array([np.inf, -np.inf])])
def test_bad_sound_is_refused(engine, bad):
    pytest.importorskip({"numpy": "numpy", "librosa": "librosa", "torchaudio": "torch"}[engine])
    with pytest.raises(AudioError):
        create_mfcc(engine)(bad)


@pytest.mark.parametrize("wrong", [
    {"rate": 0}, {"hop": 0}, {"n_fft": 1023}, {"coefficients": 129}, {"coefficients": 0}, {"f_max": 9000.0},
    {"f_min": 8000.0}, {"top_db": 0.0}, {"amin": 0.0},
])  # fmt: skip
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        MfccSettings(**wrong)


def test_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="'matlab'.*numpy, librosa, torchaudio"):
        create_mfcc("matlab")


def test_three_seconds_are_fast():
    mfcc = NumpyMfcc()
    took = []
    for _ in range(30):
        started = time.perf_counter()
        mfcc(SOUNDS["speech"])
        took.append(time.perf_counter() - started)
    assert min(took) < 0.01  # 1.2 ms on a 2-core Xeon; the limit only catches a lost table or a slow FFT


def test_robot_needs_numpy_only():
    code = (
        "import sys\n"
        "import emotion_recognition.features as f, emotion_recognition.audio\n"
        "f.create_mfcc()\n"
        "print([m for m in ('torch', 'librosa', 'torchaudio', 'soundfile', 'scipy', 'av') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
