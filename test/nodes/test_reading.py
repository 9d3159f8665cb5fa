"""Messages read from bytes: what is none is refused, whatever it is."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped, AudioInfo  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow, PerceptionState  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402

from emotion_recognition.nodes.conversions import to_time  # noqa: E402
from emotion_recognition.nodes.reading import read_message  # noqa: E402

SECOND = 1_000_000_000
GOOD = {
    FaceSamples: make.face_samples(7 * SECOND, make.face()),
    MfccWindow: make.mfcc(7 * SECOND),
    Emotion: make.emotion(7 * SECOND),
    AudioDataStamped: make.audio(b"12345678", 7 * SECOND),
    AudioInfo: AudioInfo(channels=1, sample_rate=16000, sample_format="S16LE"),
    PerceptionState: PerceptionState(sequence=3, enabled=True, changed_by="/light"),
    Clock: Clock(clock=to_time(7 * SECOND)),
}
TYPES = pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)


@TYPES
def test_a_message_is_read_as_it_was(kind):
    whole = serialize_message(GOOD[kind])
    found = read_message(kind, whole)
    assert isinstance(found, kind) and serialize_message(found) == whole


@TYPES
@pytest.mark.parametrize("filled_up", [1, 2, 3, 0x2B])
def test_a_message_without_fields_that_says_how_it_was_filled_up_is_refused(kind, filled_up):
    """Fast CDR would read what lies behind it in memory."""
    with pytest.raises(ValueError, match=f"message of 4 bytes of which {filled_up & 3} fill it up"):
        read_message(kind, bytes([0, 1, 0, filled_up]))


@TYPES
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_less_than_a_header_is_refused(kind, kept):
    with pytest.raises(ValueError, match=f"message of {kept} bytes, expected at least 4"):
        read_message(kind, serialize_message(GOOD[kind])[:kept])


@TYPES
def test_a_message_that_ends_within_its_fields_is_refused_by_name(kind):
    whole = serialize_message(GOOD[kind])
    kept = min(len(whole) * 2 // 3, 20)
    expected = rf"message of {kept} bytes cannot be read as \w+/msg/{kind.__name__} "
    with pytest.raises(ValueError, match=expected):
        read_message(kind, whole[:kept])


@TYPES
@settings(deadline=None, max_examples=150)
@given(st.data())
def test_bytes_are_a_message_or_refused(kind, data):
    whole = bytearray(serialize_message(GOOD[kind])[:400])
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    kept = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        assert isinstance(read_message(kind, kept), kind)
    except ValueError as problem:
        assert f"message of {len(kept)} bytes" in str(problem)
