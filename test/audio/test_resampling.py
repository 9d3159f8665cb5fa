import numpy as np
import pytest

from emotion_recognition.audio import Resampler
from emotion_recognition.sensors.pcm import AudioError


def tone(rate: int, seconds: float = 2.0, hz: float = 440.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate).astype(np.float32)[:, None]


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 48000, 96000, 192000])
def test_a_tone_keeps_its_time(rate):
    resampler = Resampler(rate, 1)
    chunks = [resampler.process(chunk) for chunk in np.array_split(tone(rate), 37)]
    out = np.concatenate([*chunks, resampler.flush()])
    assert out.dtype == np.float32
    assert abs(len(out) - 32000) <= 1
    expected = tone(16000)[: len(out), 0]
    # Half a sample of delay would be an error of 0.09 in the middle.
    assert np.abs(out[1600:-1600] - expected[1600 : len(out) - 1600]).max() < 1e-3


def test_chunks_do_not_matter():
    rng = np.random.default_rng(0)
    sound = rng.uniform(-1, 1, (44100, 1)).astype(np.float32)
    outs = []
    for count in (1, 10, 441):
        resampler = Resampler(44100, 1)
        outs.append(np.concatenate([*(resampler.process(c) for c in np.array_split(sound, count)), resampler.flush()]))
    assert np.abs(outs[1] - outs[0]).max() < 1e-5
    assert np.abs(outs[2] - outs[0]).max() < 1e-5


def test_16_khz_mono_passes_unchanged():
    sound = np.random.default_rng(1).uniform(-1, 1, (700, 1)).astype(np.float32)
    assert (Resampler(16000, 1).process(sound) == sound[:, 0]).all()


def test_channels_are_averaged():
    stereo = np.array([[1.0, 0.0], [0.5, -0.5], [-1.0, -0.5]], np.float32)
    assert Resampler(16000, 2).process(stereo).tolist() == [0.5, 0.0, -0.75]


def test_sound_above_8_khz_is_removed():
    assert np.abs(Resampler(48000, 1).process(tone(48000, hz=12000.0))[1000:-1000]).max() < 1e-3


@pytest.mark.parametrize(("rate", "channels", "text"), [
    (0, 1, "0 Hz"), (-16000, 1, "-16000 Hz"), (3999, 1, "4000 to 384000"), (44100.5, 1, "44100.5"),
    (10**9, 1, "1000000000"), (float("nan"), 1, "nan"), (16000, 0, "0 channels"), (16000, 100, "100 channels"),
])  # fmt: skip
def test_impossible_formats_are_refused(rate, channels, text):
    with pytest.raises(AudioError, match=text):
        Resampler(rate, channels)


def test_another_channel_count_is_refused():
    with pytest.raises(AudioError, match=r"\(10, 1\).*\(n, 2\)"):
        Resampler(16000, 2).process(np.zeros((10, 1), np.float32))
