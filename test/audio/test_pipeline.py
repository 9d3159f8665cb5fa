import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.audio import AudioPipeline, AudioSettings
from emotion_recognition.features import MfccSettings, create_mfcc
from emotion_recognition.sensors.pcm import AudioError

START = 1_700_000_000_123_456_789
SETTINGS = AudioSettings(voice_activity="energy", hop_s=0.5)


def noise(rate: int, seconds: float, channels: int = 1, level: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(0, level, (round(rate * seconds), channels)), -0.99, 0.99).astype(np.float32)


def push_all(pipeline, sound, rate, sizes, start_ns=START, **more):
    """Push in chunks of the sizes given, over and over; the stamp of a chunk is its end. Returns results, ends."""
    results, ends, done, turn = [], [], 0, 0
    while done < len(sound):
        chunk = sound[done : done + sizes[turn % len(sizes)]]
        first_ns = start_ns + done * 10**9 // rate
        done += len(chunk)
        turn += 1
        ends.append(start_ns + done * 10**9 // rate)
        results += pipeline.push(chunk, rate, first_ns, ends[-1], **more)
    return results, ends


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from([16000, 44100, 48000]),
    st.lists(st.integers(1, 9000), min_size=1, max_size=8).filter(lambda sizes: np.mean(sizes) > 150),
    st.integers(1, 2),
)
def test_stamps_and_times_are_those_of_the_samples(rate, sizes, channels):
    sound = noise(rate, 4.3, channels)
    results, ends = push_all(AudioPipeline(SETTINGS), sound, rate, sizes)
    last = results[-1]
    for number, result in enumerate(results):
        end_s = 1.0 + 0.5 * number
        assert abs(result.end_ns - (START + (end_s - 1 / 16000) * 1e9)) < 1e5
        assert abs(result.start_ns - (START + max(0.0, end_s - 3.0) * 1e9)) < 1e5
        assert result.stamp_ns == next(end for end in ends if end > result.end_ns + 1000)
        assert (result.source_rate, result.source_channels, result.rate) == (rate, channels, 16000)
    # soxr holds back a few hundredths of a second, never a whole hop of 0.5 s
    assert len(results) in ((7,) if rate == 16000 else (6, 7))
    assert last.mfcc.shape == (40, 94) and last.frame_hop_s == 0.032


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_click_stands_at_its_true_time(rate):
    sound = np.zeros((rate * 4, 1), np.float32)
    sound[round(rate * 1.7)] = 0.9
    wide = dataclasses.replace(SETTINGS, window_s=1.0, mfcc=MfccSettings(n_fft=512, hop=128))
    results, _ = push_all(AudioPipeline(wide), sound, rate, [1024])
    result = next(r for r in results if r.start_ns <= START + 1.2e9 and r.end_ns > START + 1.99e9)
    loudest = result.mfcc[0].argmax() * 128 / 16000
    assert result.start_ns - START + loudest * 1e9 == pytest.approx(1.7e9, abs=9e6)


def test_results_do_not_depend_on_the_chunks():
    sound = noise(48000, 4.0, 2) * np.sin(np.arange(48000 * 4) / 9000)[:, None].astype(np.float32)
    whole, _ = push_all(AudioPipeline(AudioSettings(hop_s=0.5)), sound, 48000, [len(sound)])
    parts, _ = push_all(AudioPipeline(AudioSettings(hop_s=0.5)), sound, 48000, [480, 1, 3333])
    assert len(whole) == len(parts) == 6
    for found, expected in zip(parts, whole, strict=True):
        assert abs(found.start_ns - expected.start_ns) <= 2 and abs(found.end_ns - expected.end_ns) <= 2
        assert np.abs(found.mfcc_mean - expected.mfcc_mean).max() < 1e-2
        assert found.voice_activity == expected.voice_activity
        assert found.level_dbfs == pytest.approx(expected.level_dbfs, abs=1e-3)


def test_coefficients_are_those_of_the_window():
    sound = noise(16000, 3.5)
    results, _ = push_all(AudioPipeline(SETTINGS), sound, 16000, [700])
    expected = create_mfcc()(sound[8000:, 0])
    assert (results[-1].mfcc == expected).all()
    assert results[-1].mfcc_mean == pytest.approx(expected.mean(1), abs=1e-3)


def test_windows_share_frames_and_get_the_same_coefficients():
    """In a stream that starts anew, too, where samples are counted from 0 again."""
    pipeline = AudioPipeline(AudioSettings(voice_activity="energy"))
    for start, seed in ((START, 0), (START + 10**12, 1)):
        sound = noise(16000, 6.0, seed=seed)
        results, _ = push_all(pipeline, sound, 16000, [900], start_ns=start)
        assert len(results) == 10
        for number, result in enumerate(results):
            end = 16384 + 8192 * number
            assert np.array_equal(result.mfcc, create_mfcc()(sound[max(0, end - 48000) : end, 0]))
    assert pipeline.restarts == 1 and pipeline._mfcc.reused > pipeline._mfcc.computed


def test_level_and_clipping():
    rate = 48000
    square = np.ones((rate * 3, 2), np.float32) * 0.5
    square[: rate // 2, 0] = 1.0  # one of two channels, a sixth of the time
    pipeline = AudioPipeline(dataclasses.replace(SETTINGS, min_window_s=2.5, window_s=2.5))
    (result,) = push_all(pipeline, square, rate, [4800])[0]
    assert result.clipped == pytest.approx(0.1, abs=1e-4)
    assert result.level_dbfs == pytest.approx(10 * np.log10(0.2 * 0.75**2 + 0.8 * 0.5**2), abs=0.02)


def test_silence_is_measured_not_refused():
    results, _ = push_all(AudioPipeline(), np.zeros((48000, 1), np.float32), 16000, [512])
    assert len(results) == 4  # of 1.024 s and every 0.512 s more
    for result in results:
        assert (result.level_dbfs, result.voice_activity, result.clipped) == (-120.0, 0.0, 0.0)
        assert np.isfinite(result.mfcc).all()


@pytest.mark.parametrize(("rate", "channels"), [(44100, 1), (16000, 2), (48000, 2)])
def test_a_change_of_format_restarts(rate, channels):
    pipeline = AudioPipeline(SETTINGS)
    push_all(pipeline, noise(16000, 2.2), 16000, [800])
    later = START + 2_200_000_000
    sound = noise(rate, 1.4, channels, level=0.01, seed=1)
    results, _ = push_all(pipeline, sound, rate, [rate // 20], start_ns=later)
    assert pipeline.restarts == 1
    assert len(results) == 1
    assert abs(results[0].start_ns - later) < 1e5
    assert (results[0].source_rate, results[0].source_channels) == (rate, channels)
    fresh, _ = push_all(AudioPipeline(SETTINGS), sound, rate, [rate // 20], start_ns=later)
    assert (results[0].mfcc == fresh[0].mfcc).all()
    assert results[0].level_dbfs == fresh[0].level_dbfs < -30


@pytest.mark.parametrize("jump_ns", [300_000_000, -300_000_000])
def test_a_gap_restarts_and_never_mixes(jump_ns):
    pipeline = AudioPipeline(SETTINGS)
    push_all(pipeline, noise(48000, 2.2), 48000, [960])
    later = START + 2_200_000_000 + jump_ns
    quiet = noise(48000, 1.2, level=0.001, seed=1)
    results, _ = push_all(pipeline, quiet, 48000, [960], start_ns=later)
    assert pipeline.restarts == 1
    assert len(results) == 1
    assert abs(results[0].start_ns - later) < 1e5
    assert results[0].level_dbfs < -59


def test_times_of_receipt_may_deviate_more():
    sound = noise(16000, 1.0)
    for by_receipt, restarts in ((False, 1), (True, 0)):
        pipeline = AudioPipeline(SETTINGS)
        push_all(pipeline, sound, 16000, [1600], by_receipt=by_receipt)
        pipeline.push(sound[:1600], 16000, START + 1_300_000_000, 7, by_receipt=by_receipt)
        assert pipeline.restarts == restarts


def test_jitter_of_receipt_does_not_restart():
    pipeline, rng = AudioPipeline(SETTINGS), np.random.default_rng(0)
    results = []
    for chunk in range(100):
        true_ns = START + chunk * 64_000_000
        received_ns = true_ns + int(rng.exponential(30e6))
        results += pipeline.push(noise(16000, 0.064, seed=chunk), 16000, received_ns, received_ns, by_receipt=True)
    assert pipeline.restarts == 0
    assert len(results) == 11
    assert np.all(np.diff([result.end_ns for result in results]) > 0)
    last_true_end_ns = START + 6_000_000_000
    assert abs(results[-1].end_ns - last_true_end_ns) < 60e6


@pytest.mark.parametrize("bad", [
    np.full((160, 1), np.nan, np.float32), np.array([[0.1], [np.inf]], np.float32), np.full((160, 1), 3e4, np.float32),
    np.zeros((0, 1), np.float32), np.zeros((160, 1), np.int16), np.zeros((2, 2, 2), np.float32),
])  # fmt: skip
def test_a_bad_chunk_is_refused_and_poisons_nothing(bad):
    pipeline = AudioPipeline(SETTINGS)
    sound = noise(16000, 3.0)
    push_all(pipeline, sound[:24000], 16000, [800])
    with pytest.raises(AudioError):
        pipeline.push(bad, 16000, START + 1_500_000_000, 5)
    results, _ = push_all(pipeline, sound[24000:], 16000, [800], start_ns=START + 1_500_000_000)
    expected, _ = push_all(AudioPipeline(SETTINGS), sound, 16000, [800])
    assert pipeline.restarts == 0
    assert (results[-1].mfcc == expected[-1].mfcc).all()
    assert results[-1].stamp_ns == expected[-1].stamp_ns


@pytest.mark.parametrize("rate", [0, -1, 100, 10**7])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(AudioError, match="Hz"):
        AudioPipeline(SETTINGS).push(noise(16000, 0.1), rate, START, START)


def test_reset_starts_a_new_stream():
    pipeline = AudioPipeline(SETTINGS)
    push_all(pipeline, noise(16000, 2.9), 16000, [800])
    pipeline.reset()
    results, _ = push_all(pipeline, noise(16000, 1.1), 16000, [800], start_ns=START - 10**12)
    assert pipeline.restarts == 0
    assert [result.start_ns for result in results] == [START - 10**12]


def test_memory_stays_bounded():
    pipeline = AudioPipeline(SETTINGS)
    push_all(pipeline, noise(16000, 30.0), 16000, [1600])
    assert len(pipeline._windows._samples) <= 48000 + 1600
    assert len(pipeline._clipped) <= 48000 + 1600
    assert len(pipeline._windows._chunks) <= 32 and len(pipeline._messages) <= 2
    assert pipeline._voice._probabilities.size <= 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"gap_tolerance_s": -1.0},
        {"clock_time_constant_s": 0.0},
        {"hop_s": 0.0},
        {"voice_activity": "none"},
        {"mfcc_engine": "none"},
        {"mfcc": MfccSettings(rate=48000)},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError):
        AudioPipeline(dataclasses.replace(SETTINGS, **wrong))
