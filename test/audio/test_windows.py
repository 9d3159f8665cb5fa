import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.audio import AudioWindows

START = 1_700_000_000_000_000_000
COUNTING = np.arange(16000 * 6, dtype=np.float32)  # sample k holds k, so content tells position


def push_all(windows, chunks, offset_ns=0):
    out, done = [], 0
    for number, chunk in enumerate(chunks):
        out += windows.push(chunk, START + offset_ns + done * 62500, 1000 + number)
        done += len(chunk)
    return out


def test_windows_grow_then_slide():
    out = push_all(AudioWindows(3.0, 0.5, 1.0), [COUNTING])
    assert [(w.samples[0], w.samples[-1] + 1) for w in out] == [
        (0, 16000), (0, 24000), (0, 32000), (0, 40000), (0, 48000), (8000, 56000), (16000, 64000), (24000, 72000),
        (32000, 80000), (40000, 88000), (48000, 96000),
    ]  # fmt: skip
    assert [w.first_index for w in out] == [w.samples[0] for w in out]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9000), min_size=1, max_size=30))
def test_result_does_not_depend_on_the_chunks(sizes):
    chunks, done = [], 0
    for size in sizes:
        chunks.append(COUNTING[done : done + size])
        done += size
    chunks.append(COUNTING[done:])
    ends = np.cumsum([len(chunk) for chunk in chunks])
    out = push_all(AudioWindows(hop_s=0.5), chunks)
    whole = push_all(AudioWindows(hop_s=0.5), [COUNTING])
    assert len(out) == len(whole) == 11
    for found, expected in zip(out, whole, strict=True):
        assert (found.samples == expected.samples).all()
        assert (found.start_ns, found.end_ns) == (expected.start_ns, expected.end_ns)
        assert found.start_ns == START + int(found.samples[0]) * 62500
        assert found.end_ns == START + int(found.samples[-1]) * 62500
        assert found.stamp_ns == 1000 + int(np.searchsorted(ends, found.samples[-1], side="right"))


@pytest.mark.parametrize("jump_ns", [150_000_000, -150_000_000, 10**10, -(10**10)])
def test_a_gap_or_overlap_restarts_and_never_mixes(jump_ns):
    windows = AudioWindows(3.0, 0.5, 1.0, tolerance_s=0.1)
    windows.push(COUNTING[:15000], START, 1)
    later = START + 15000 * 62500 + jump_ns
    assert windows.push(COUNTING[20000:35999], later, 2) == []
    (window,) = windows.push(COUNTING[35999:36000], later + 15999 * 62500, 3)
    assert windows.restarts == 1
    assert (window.samples == COUNTING[20000:36000]).all()
    assert (window.start_ns, window.end_ns, window.stamp_ns) == (later, later + 15999 * 62500, 3)
    assert window.first_index == 0


def test_a_deviation_within_the_tolerance_goes_on():
    windows = AudioWindows(1.0, 0.5, 1.0, tolerance_s=0.1)
    windows.push(COUNTING[:8000], START, 1)
    (window,) = windows.push(COUNTING[8000:16000], START + 8000 * 62500 + 50_000_000, 2)
    assert windows.restarts == 0
    assert window.end_ns - window.start_ns == 15999 * 62500 + 50_000_000


def test_a_shortest_window_off_the_grid_waits_for_it():
    out = push_all(AudioWindows(3.0, 0.5, 0.7), [COUNTING[:16000]])
    assert [len(window.samples) for window in out] == [16000]


def test_hops_longer_than_the_window_leave_sound_out():
    out = push_all(AudioWindows(1.0, 2.0, 1.0), np.array_split(COUNTING, 17))
    assert [(w.samples[0], w.samples[-1]) for w in out] == [(16000, 31999), (48000, 63999), (80000, 95999)]


@pytest.mark.parametrize(
    "wrong", [{"hop_s": 0}, {"min_window_s": 0}, {"min_window_s": 4.0}, {"window_s": -1.0}, {"tolerance_s": -0.1}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="expected 0 < hop"):
        AudioWindows(**wrong)
