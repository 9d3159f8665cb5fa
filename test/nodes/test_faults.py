"""Every way in which a sensor or the clock fails: what the topic emotion says, as docs/FAULTS.md has it."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

import messages as make  # noqa: E402
from faulty_world import World  # noqa: E402
from harness import Bench  # noqa: E402
from PIL import Image as Picture  # noqa: E402
from real_recording import recording_parts  # noqa: E402

from emotion_recognition.estimates import Reason, Status  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402
from emotion_recognition.reliability.faults import NODE_FAULTS, SENSOR_FAULTS, markdown  # noqa: E402

SECOND = 1_000_000_000
AFTER_S = 1.2  # for so long the fault goes on; longer than idle_period
PAGE = Path(__file__).resolve().parents[2] / "docs" / "FAULTS.md"


def _change(**changes):
    def begin(world):
        for name, value in changes.items():
            setattr(world, name, value)

    return begin


def _late(*sensors):
    def begin(world):
        world.late_ns.update(dict.fromkeys(sensors, 2 * SECOND))

    return begin


def _garbage_camera(world):
    def broken(stamp_ns):
        whole = world.frame(stamp_ns)
        if stamp_ns // SECOND % 2:
            whole.encoding = "nonsense"
        else:
            whole.data = whole.data[:1000]
        return whole

    world.camera = broken


BEGIN = {
    "camera gone": _change(camera=None),
    "camera frozen": lambda world: _change(camera=world.frozen)(world),
    "camera late": _late("camera"),
    "camera garbage": _garbage_camera,
    "nobody in view": lambda world: _change(camera=world.nobody)(world),
    "microphone gone": _change(microphone=None),
    "microphone frozen": _change(voice=np.full(16000, 7, "<i2")),
    "microphone late": _late("microphone"),
    "microphone garbage": _change(microphone=lambda samples, stamp: make.audio(samples.tobytes()[:-1], stamp)),
    "microphone clipped": _change(voice=np.tile(np.array([32767, -32768], "<i2"), 8000)),
    "nobody speaks": _change(voice=np.random.default_rng(0).normal(0, 60, 16000).astype("<i2")),
    "both gone": _change(camera=None, microphone=None),
    "both late": _late("camera", "microphone"),
    "clock and sensors forward": lambda world: world.jump(10, sensors=True),
    "clock and sensors back": lambda world: world.jump(-10, sensors=True),
    "clock forward": lambda world: world.jump(10, sensors=False),
    "clock back": lambda world: world.jump(-10, sensors=False),
    "no face model": lambda world: world.unload(VisualClassifierNode.NAME),
    "no voice model": lambda world: world.unload(SpeechClassifierNode.NAME),
    "switched off": lambda world: world.switch(False),
}


@pytest.fixture(scope="module")
def world(ros):
    """The real nodes with the shipped parameters before sensors that work."""
    bench = Bench(ros, "/faults")
    picture, voice = recording_parts()
    small = np.asarray(Picture.fromarray(picture).resize((picture.shape[1] * 6 // 10, picture.shape[0] * 6 // 10)))
    try:
        made = World(bench, small, voice)
        made.until_whole(5.0)
        yield made
    finally:
        bench.close()


def test_every_fault_is_brought_about():
    assert list(BEGIN) == [fault.name for fault in SENSOR_FAULTS]


@pytest.mark.parametrize("fault", SENSOR_FAULTS, ids=lambda fault: fault.name)
def test_what_is_said_of_a_fault(world, fault):
    """World judges every message, too: no stamp that no sensor sent, none that is old, none that goes back."""
    BEGIN[fault.name](world)
    began = world.now_ns
    heard = world.run(fault.within_s + AFTER_S)
    told = [((one.at_ns - began) / SECOND, (Status(one.said[0]), Reason(one.said[1]))) for one in heard]
    assert {said for at_s, said in told if at_s <= fault.within_s} <= {fault.said, *fault.meanwhile}, told
    assert {said for at_s, said in told if at_s > fault.within_s} == {fault.said}, told
    world.mend()
    world.until_whole(fault.again_s)


def test_the_page_has_every_row():
    page = PAGE.read_text(encoding="utf-8")
    for faults in (SENSOR_FAULTS, NODE_FAULTS):
        assert markdown(faults) in page
