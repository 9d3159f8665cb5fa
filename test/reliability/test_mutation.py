"""Ways to break messages: every field is reached, bytes change, and the same choices make the same case."""

from array import array
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="the messages are ROS's")

import messages as make  # noqa: E402
from builtin_interfaces.msg import Time  # noqa: E402
from diagnostic_msgs.msg import KeyValue  # noqa: E402
from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402

from emotion_recognition.nodes.conversions import to_time  # noqa: E402
from emotion_recognition.reliability import mutation  # noqa: E402

PIXELS = array("B", range(30))
NOW = 1_700_000_000_000_000_000
MESSAGES = {
    "image": make.image(np.zeros((3, 4, 3), np.uint8), NOW),
    "compressed": make.compressed(b"\1\2\3", NOW),
    "audio": make.audio(np.arange(30, dtype="<i2"), NOW),
    "info": make.audio_info(),
    "faces": make.face_samples(NOW, make.face(1, crop=PIXELS), make.face(2, crop=PIXELS)),
    "mfcc": make.mfcc(NOW),
    "emotion": make.emotion(NOW, extra=[KeyValue(key="a", value="b")]),
    "clock": Clock(clock=to_time(NOW)),
}


def copy_of(name: str):
    return deserialize_message(serialize_message(MESSAGES[name]), type(MESSAGES[name]))


def test_leaves_are_the_fields_that_are_no_messages():
    found = [(type(holder).__name__, name, kind) for holder, name, kind in mutation.leaves(copy_of("faces"))]
    faces = [one for one in found if one[0] == "FaceSample"]
    assert [one for one in found if one[0] in ("Time", "Header")] == [
        ("Time", "sec", "int32"), ("Time", "nanosec", "uint32"), ("Header", "frame_id", "string"),
    ]  # fmt: skip
    assert len(faces) == 2 * 5  # track_id, score, box, crop_margin, crop
    assert sum(one[0] == "Point32" for one in found) == 2 * 5 * 3
    assert ("FaceSamples", "faces", "sequence<emotion_recognition/FaceSample>") in found


@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_is_changed_by_some_choice_and_can_be_sent(name):
    changed = set()
    for seed in range(400):
        message = copy_of(name)
        before = [repr(getattr(holder, field)) for holder, field, _ in mutation.leaves(message)]
        mutation.change_fields(message, Random(seed), 1)
        after = [repr(getattr(holder, field)) for holder, field, _ in mutation.leaves(message)]
        if len(before) == len(after):
            changed |= {place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]}
        deserialize_message(serialize_message(message), type(message))
    assert changed == set(range(len(before)))


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(sorted(MESSAGES)), st.integers(1, 3))
def test_changed_fields_are_those_of_a_message_that_can_be_sent(random, name, count):
    message = copy_of(name)
    mutation.change_fields(message, random, count)
    deserialize_message(serialize_message(message), type(message))


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False), st.binary(max_size=400))
def test_changed_bytes_are_bytes(random, data):
    out = mutation.change_bytes(data, random)
    assert isinstance(out, bytes) and len(out) <= len(data) + 4 * 1000


def test_bytes_are_changed_and_a_seed_makes_the_same_of_them():
    data = serialize_message(MESSAGES["mfcc"])
    outs = [mutation.change_bytes(data, Random(seed)) for seed in range(200)]
    assert outs == [mutation.change_bytes(data, Random(seed)) for seed in range(200)]
    assert sum(out != data for out in outs) > 190 and len(set(outs)) > 190
    assert {len(out) < len(data) for out in outs} == {True, False} and any(len(out) > len(data) for out in outs)


def test_a_list_does_not_grow_without_end():
    message = copy_of("faces")
    for seed in range(200):
        mutation.change_fields(message, Random(seed), 1)
        assert len(message.faces) <= mutation.LONGEST_LIST


def test_all_times_are_moved_and_stay_times():
    message = copy_of("mfcc")
    mutation.shift_times(message, 5_000_000_001)
    assert message.header.stamp == to_time(NOW + 5_000_000_001)
    assert message.window_start == to_time(NOW - 2_900_000_000 + 5_000_000_001)
    mutation.shift_times(message, -2 * NOW)
    assert message.header.stamp == Time()
    mutation.shift_times(message, 10**19)
    assert message.header.stamp == Time(sec=2**31 - 1)
