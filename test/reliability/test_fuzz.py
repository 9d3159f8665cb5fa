"""Malformed messages through the real nodes: a short run finds nothing, and what there is to find would be counted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

from emotion_recognition.msg import Emotion  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402

from emotion_recognition.processes import own_domain  # noqa: E402
from emotion_recognition.reliability.fuzz import fuzz  # noqa: E402
from emotion_recognition.reliability.fuzz_worker import ROBOT, SWITCH, FuzzedNodes  # noqa: E402
from emotion_recognition.reliability.workers import FLIGHT, REPORT  # noqa: E402

KEYS = {"messages", "crashes", "unhandled", "bad_emotions", "not_recovered", "subscriptions"}
SUBSCRIPTIONS = {
    "/clock", "/others/audio", "/others/estimates/face", "/others/estimates/speech", "/others/image/compressed",
    "/robot/audio_info", "/robot/audio_stamped", "/robot/face_samples", "/robot/image", "/robot/mfcc",
    "/robot/perception_state",
}  # fmt: skip
# Stands for a process with nodes: the folder is the last word of its command.
CRASHES_ONCE = f"""
import json, os, pathlib, sys
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
folder, count, chunk = pathlib.Path(words["--folder"]), int(words["--count"]), int(words["--chunk"])
(folder / {FLIGHT!r}).write_text("the last message")
report = {{"messages": count, "recovered": True, "sent": {{"/image": count}}, "emotions": 5}}
if chunk == 1:
    report |= {{"messages": 4, "unhandled": 2, "unexpected": ["node: bad"]}}
    (folder / {REPORT!r}).write_text(json.dumps(report))
    print("what it said last", flush=True)
    os.abort()
(folder / {REPORT!r}).write_text(json.dumps(report | {{"bad_emotions": 1, "recovered": chunk != 2}}))
"""


def domain() -> int:
    return int(own_domain()["ROS_DOMAIN_ID"])


@pytest.fixture(scope="module")
def nodes():
    made = FuzzedNodes(domain())
    made.gather()
    yield made
    made.bringup.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False), data=st.data())
def test_no_message_makes_a_node_say_what_must_not_be(nodes, random, data):
    """One message at a time, so that hypothesis can find the smallest that does."""
    topic = data.draw(st.sampled_from(sorted(set(nodes.targets) - {SWITCH})))
    before = nodes.report()
    nodes.send(topic, nodes.draw(topic, random)[0])
    nodes.bringup.work_off()
    nodes.tell_time()
    after = nodes.report()
    assert (after["unhandled"], after["bad_emotions"]) == (0, 0), (after["unexpected"], after["examples"])
    assert after["messages"] >= before["messages"]


def test_after_all_that_good_messages_lead_to_decisions(nodes):
    assert nodes.probe()
    assert {topic for topic in nodes.targets} == SUBSCRIPTIONS


def test_what_the_nodes_say_is_judged(nodes):
    """A decision about a frame that no camera sent, as a node that mixes up its stamps would publish it, is bad."""
    message = deserialize_message(nodes.targets["/others/estimates/face"].examples[0], Emotion)
    message.header.stamp.nanosec += 1
    message.window_end.nanosec += 1
    before = nodes.report()["bad_emotions"]
    publisher = nodes.bringup.publisher(Emotion, f"{ROBOT}/emotion/face")
    nodes.bringup.join()
    publisher.publish(message)
    nodes.bringup.work_off()
    assert nodes.report()["bad_emotions"] > before
    assert any("was not sent by a sensor" in one for one in nodes.report()["examples"])


def test_a_short_run_finds_nothing(tmp_path):
    words = ["--messages", "160", "--workers", "1", "--seed", "6", "--keep", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "emotion_recognition.reliability.fuzz", *words], capture_output=True, text=True,
        timeout=200, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) >= KEYS
    counted = [found[key] for key in ("messages", "crashes", "unhandled", "bad_emotions", "not_recovered")]
    assert counted == [160, 0, 0, 0, 0]
    assert found["decisions"] > 0 and set(found["subscriptions"]) == SUBSCRIPTIONS
    assert sum(counts["sent"] for counts in found["subscriptions"].values()) == 160
    assert all(counts["sent"] > 3 for topic, counts in found["subscriptions"].items() if topic != SWITCH)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_early_is_counted_and_its_last_messages_are_kept(tmp_path):
    said = []
    found = fuzz(25, 3, 1, tmp_path, 10, said.append, [sys.executable, "-c", CRASHES_ONCE])
    # Processes of 10, 10 and 5 messages; the second crashed after 4 of them, and another sent its other 6.
    assert (found["messages"], found["crashes"], found["clean"]) == (10 + 4 + 5 + 6, 1, False)
    assert (found["unhandled"], found["bad_emotions"], found["not_recovered"]) == (2, 3, 1)
    (crashed,) = (one for one in found["problems"] if "exit code" in one)
    assert "process fuzz-3-1 ended with exit code -6" in crashed and "what it said last" in crashed
    (kept,) = tmp_path.iterdir()
    assert Path(kept, FLIGHT).read_text() == "the last message" and "said last" in Path(kept, "output.txt").read_text()
    assert "node: bad" in found["problems"] and len(said) == 4


def test_processes_that_crash_again_and_again_are_not_tried_for_ever(tmp_path):
    found = fuzz(10, 3, 2, tmp_path, 10, worker=[sys.executable, "-c", "raise SystemExit(7)"])
    assert 20 <= found["crashes"] <= 21 and found["messages"] == 0 and not found["clean"]
