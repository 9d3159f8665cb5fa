"""Simulated life of a robot full of faults: a short one finds nothing, and what there is to find would be counted."""

import json
import os
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

from emotion_recognition.processes import own_domain  # noqa: E402
from emotion_recognition.reliability import soak_worker  # noqa: E402
from emotion_recognition.reliability.incidents import Incident  # noqa: E402
from emotion_recognition.reliability.robot import Robot  # noqa: E402
from emotion_recognition.reliability.sensing import image_message  # noqa: E402
from emotion_recognition.reliability.soak import soak  # noqa: E402
from emotion_recognition.reliability.soak_worker import Soak  # noqa: E402
from emotion_recognition.reliability.workers import REPORT  # noqa: E402

KEYS = {"simulated_hours", "crashes", "bad_emotions", "rss_growth_percent", "unhandled", "not_recovered", "faults"}
# Stands for a process with a robot.
CRASHES_ONCE = f"""
import json, pathlib, sys
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
minutes, seed = int(words["--minutes"]), words["--seed"]
report = {{"minutes": minutes, "rss_mib": [110.0, 111.0, 105.0], "faults": {{"dark": 2}}, "frames": 7, "decisions": 3}}
report["given_back_mib"] = [100.0, 103.0, 99.0]
crashes = seed.endswith("-1-0")
if crashes:
    report |= {{"minutes": 20, "unhandled": 1, "not_recovered": {{"dark": 1}}}}
    report["rss_mib"] = [110.0] * 10 + [GROWS_TO] * 10 + [121.0]
    report["given_back_mib"] = [100.0] * 10 + [120.0] * 9 + [140.0]
pathlib.Path(words["--folder"], {REPORT!r}).write_text(json.dumps(report))
sys.exit(3 if crashes else 0)
"""


@pytest.fixture(scope="module")
def robot():
    made = Robot(int(own_domain()["ROS_DOMAIN_ID"]))
    for _ in range(5):
        made.step()
    yield made
    made.bringup.close()


def test_a_healthy_robot_decides_every_second_on_face_and_voice(robot):
    frames, decisions, both = robot.frames, robot.judge.decisions, robot.both
    for _ in range(10):
        robot.step()
    assert robot.frames - frames == 20
    assert robot.both - both >= 4 and robot.judge.decisions - decisions >= 3 * 10
    assert robot.judge.bad_emotions == 0, robot.judge.examples


# One of each sort, and those with an end of their own.
SOME = (
    "camera garbage", "microphone of other formats", "clock and sensors back", "clock garbage", "switched off",
    "node cleaned up", "nobody listens", "unfit publisher",
)  # fmt: skip


def test_the_robot_comes_back_from_faults(robot):
    life = Soak(robot, Random(1))
    for kind in SOME:
        life._suffer(kind, 17, 1, 3)
    assert life.report()["in_order"] == list(SOME)
    assert not life.not_recovered
    found = life.report()
    assert (found["bad_emotions"], found["unhandled"]) == (0, 0), (found["examples"], found["unexpected"])


def test_a_fault_that_is_not_mended_is_counted(robot):
    life = Soak(robot, Random(1))
    robot.mend, mend = (lambda: None), robot.mend
    try:
        life._suffer("microphone gone", 17, 1, 3)
        assert life.not_recovered == Counter({"microphone gone": 1})
    finally:
        del robot.mend
        mend()
    for _ in range(5):
        robot.step()


def test_a_stamp_of_no_sensor_is_counted(robot):
    before = robot.judge.bad_emotions
    # Past the judge, as a node that makes up a stamp would publish it.
    robot.camera = lambda rgb, stamp: robot.images.publish(image_message(rgb, stamp, "camera")) or []
    for _ in range(4):
        robot.step()
    robot.mend()
    assert robot.judge.bad_emotions > before
    assert any("was not sent by a sensor" in one for one in robot.judge.examples)


class Still:
    """Stands for a robot; what happens is noted."""

    both = 0

    def __init__(self, happened: list[str]):
        self.step = lambda: happened.append("step")
        self.mend = lambda: None


def test_memory_is_weighed_when_it_has_not_gone_back_for_as_long_as_in_a_node(monkeypatch):
    happened = []
    monkeypatch.setattr(soak_worker, "give_back_freed_memory", lambda: happened.append("given back"))
    monkeypatch.setattr(soak_worker.Soak, "_resident_mib", lambda self: happened.append("weighed") or 100.0)
    monkeypatch.setattr(soak_worker, "INCIDENTS", {"nothing": Incident(lambda robot, random: None)})
    life = Soak(Still(happened), Random(1))
    for _ in range(2):
        life.minute()
    ten_seconds = ["step"] * 10
    minute = [*[*ten_seconds, "given back"] * 5, *ten_seconds, "weighed", "given back", "weighed"]
    assert happened == minute * 2 and life.rss_mib == life.given_back_mib == [100.0] * 2


def test_a_crash_is_counted_and_another_process_lives_the_rest(tmp_path):
    said = []
    found = soak(2.0, 4, 2, tmp_path, said.append, _standing_for_a_robot(grows_to=165.0))
    # Of two robots with an hour each the second crashed after 20 minutes; a third lived its other 40.
    assert (found["simulated_hours"], found["crashes"], found["unhandled"], found["not_recovered"]) == (2.0, 1, 1, 1)
    assert not found["clean"]
    # After ten minutes, at most, at the end; the largest sample; growth in per cent.
    steady = ([110.0, 110.0, 110.0, 111.0, 0.0], [100.0, 100.0, 100.0, 103.0, 0.0])
    grown = ([110.0, 165.0, 121.0, 165.0, 50.0], [100.0, 120.0, 120.0, 140.0, 20.0])
    assert sorted(
        tuple(list(one[kind].values()) for kind in ("as_it_was", "given_back")) for one in found["memory"]
    ) == [steady, steady, grown]  # fmt: skip
    assert found["faults"] == {"dark": 6} and found["frames"] == 21 and len(said) == 3
    (crashed,) = found["problems"]
    assert "process soak-4-1-0 ended with exit code 3" in crashed
    assert [one.name for one in tmp_path.iterdir()] == ["soak-4-1-0"]


@pytest.mark.parametrize("grows_to, percent", [(165.0, 50.0), (111.1, 20.0)])
def test_memory_has_grown_by_what_grew_most(tmp_path, grows_to, percent):
    found = soak(2.0, 4, 2, tmp_path, worker=_standing_for_a_robot(grows_to))
    assert found["rss_growth_percent"] == percent


def _standing_for_a_robot(grows_to: float) -> list[str]:
    return [sys.executable, "-c", CRASHES_ONCE.replace("GROWS_TO", str(grows_to))]


def test_a_short_life_ends_with_one_line_of_json(tmp_path):
    words = ["--hours", "0.0333", "--robots", "1", "--seed", "2", "--keep", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "emotion_recognition.reliability.soak", *words], capture_output=True, text=True,
        timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) >= KEYS and found["clean"]
    assert [found[key] for key in ("crashes", "bad_emotions", "unhandled", "not_recovered")] == [0, 0, 0, 0]
    assert found["simulated_hours"] == 0.033 and found["frames"] > 120
    assert sum(found["faults"].values()) == 2 and found["decisions"] > 120
