import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emotion_recognition.features import MfccSettings, NumpyMfcc, SlidingMfcc, create_mfcc
from emotion_recognition.features.mfcc import BLOCK
from emotion_recognition.sensors.pcm import AudioError

RNG = np.random.default_rng(0)
# Loud and quiet parts, so that the range below the loudest bin differs from window to window.
SOUND = (RNG.normal(0, 0.1, 160_000) * 10.0 ** RNG.uniform(-4, 0, 40).repeat(4000)).astype(np.float32)
SHARED = BLOCK * MfccSettings().hop
OTHER = MfccSettings(coefficients=20, n_fft=1024, hop=160, mels=64)


def windows(first: int, hop: int, lengths):
    """Return first sample and samples of windows of given lengths, each ``hop`` samples after the one before."""
    starts = [first + hop * number for number in range(len(lengths))]
    return [(start, SOUND[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


@settings(deadline=None, max_examples=60)
@example(first=1152, hop=8192, lengths=[48000] * 5, other=False)
@example(first=0, hop=0, lengths=[16384, 24576, 32768, 40960], other=False)
@given(
    first=st.integers(0, 5000),
    hop=st.one_of(st.integers(0, 12).map(lambda blocks: blocks * SHARED), st.integers(0, 20_000)),
    lengths=st.lists(st.integers(1, 60_000), min_size=2, max_size=5),
    other=st.booleans(),
)
def test_every_window_has_the_engines_coefficients_to_the_last_bit(first, hop, lengths, other):
    engine = NumpyMfcc(OTHER if other else None)
    sliding = SlidingMfcc(engine)
    for start, samples in windows(first, hop, lengths):
        if len(samples):
            assert np.array_equal(sliding(samples, start), engine(samples))


def test_of_the_robots_windows_a_quarter_is_computed():
    sliding = SlidingMfcc(create_mfcc())
    for start, samples in windows(1152, 8192, [48000] * 3):
        computed, reused = sliding.computed, sliding.reused
        sliding(samples, start)
    # 94 frames are 24 blocks; 16 frames of new sound are 4, the ends that see the zeros beyond the window are 2 more.
    assert (sliding.computed - computed, sliding.reused - reused) == (6, 18)


@pytest.mark.parametrize(("hop", "shares"), [(8192, True), (2048, True), (8000, False), (512, False)])
def test_windows_share_where_their_starts_lie_whole_blocks_apart(hop, shares):
    sliding = SlidingMfcc(create_mfcc())
    for start, samples in windows(0, hop, [48000] * 3):
        sliding(samples, start)
    assert bool(sliding.reused) == shares


def test_what_is_kept_is_used_and_forgotten_on_reset():
    """Other sound under the same numbers, which a caller must not send: so that the tests above can fail."""
    engine = NumpyMfcc()
    sliding = SlidingMfcc(engine)
    sliding(SOUND[:48000], 0)
    assert not np.array_equal(sliding(SOUND[50000:98000], 0), engine(SOUND[50000:98000]))
    sliding.reset()
    assert np.array_equal(sliding(SOUND[50000:98000], 0), engine(SOUND[50000:98000]))


@pytest.mark.parametrize("hop", [8192, 8000])
def test_memory_stays_bounded(hop):
    sliding = SlidingMfcc(create_mfcc())
    for number in range(14):
        sliding(SOUND[number * hop :][:48000], number * hop)
    assert len(sliding._kept) <= 24 * -(-48000 // 8000)


def test_other_engines_are_asked_for_every_window():
    asked = []
    sliding = SlidingMfcc(lambda samples: asked.append(samples) or np.zeros((40, 1), np.float32))
    for start, samples in windows(0, 8192, [48000] * 3):
        assert sliding(samples, start).shape == (40, 1)
        assert asked.pop() is samples


@pytest.mark.parametrize("bad", [np.zeros(0), np.zeros((2, 100)), np.array([0.0, np.nan])])
def test_bad_sound_is_refused(bad):
    with pytest.raises(AudioError):
        SlidingMfcc(create_mfcc())(bad, 0)
