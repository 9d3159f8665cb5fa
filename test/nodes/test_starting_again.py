"""A node that cannot start, or begin to work, says so, tries again, and keeps no other from its work."""

import shutil

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from lifecycle_msgs.msg import State, Transition  # noqa: E402
from processes import NODES, ros_args  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from test_lifecycle import RECORDING, change, copied, is_in  # noqa: E402
from test_switch import ask  # noqa: E402

from emotion_recognition.nodes import base, diagnosing  # noqa: E402
from emotion_recognition.nodes.media_source import MediaSourceNode  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402

ERROR, OK = DiagnosticStatus.ERROR, DiagnosticStatus.OK
ACTIVE, INACTIVE, UNCONFIGURED = (
    State.PRIMARY_STATE_ACTIVE, State.PRIMARY_STATE_INACTIVE, State.PRIMARY_STATE_UNCONFIGURED,
)  # fmt: skip


@pytest.fixture
def soon(monkeypatch):
    """Try again, and tell, at once."""
    monkeypatch.setattr(base, "AGAIN_S", 0.05)
    monkeypatch.setattr(diagnosing, "PERIOD_S", 0.05)


@pytest.fixture
def told(bench):
    """Return a function that waits for a status of a node whose message begins so."""
    arrays = []
    bench.node.create_subscription(DiagnosticArray, "/diagnostics", arrays.append, 100)

    def told(name: str, level: bytes, message: str) -> DiagnosticStatus:
        full = f"emotion_recognition: {bench.namespace.lstrip('/')}/{name}"
        arrays.clear()

        def found():
            every = (one for array in arrays for one in array.status)
            return next(
                (one for one in every if (one.name, one.level) == (full, level) and one.message.startswith(message)),
                None,
            )

        return bench.until(found, f"{name}: {message}")

    return told


@pytest.fixture
def unstarted(bench, model, tmp_path, soon):
    """A node whose model is missing, not started by itself yet, and what brings the model."""
    good = tmp_path / "elsewhere"
    good.mkdir()
    sidecar = copied(model("speech")["speech_model"], good)
    folder = tmp_path / "models"
    node = bench.add(SpeechClassifierNode, started=False, speech_model=str(folder / sidecar.name), on_demand=False)
    return node, lambda: shutil.move(good, folder)


def test_a_node_whose_model_is_missing_starts_when_it_is_there(bench, unstarted, told):
    node, bring_model = unstarted
    assert not node.autostart()
    for _ in range(2):
        told("speech_classifier", ERROR, "cannot configure: ")
    assert is_in(bench, node, UNCONFIGURED)
    bring_model()
    told("speech_classifier", OK, "at work")
    assert is_in(bench, node, ACTIVE)
    bench.until(lambda: node._again not in [*node.timers], "it tries no more")


def not_now():
    raise OSError("not now")


@pytest.mark.parametrize("activates", [False, True], ids=["configured", "activation failed"])
def test_a_manager_that_configures_the_node_decides_what_follows(bench, unstarted, activates):
    node, bring_model = unstarted
    assert not node.autostart()
    node._again.cancel()
    bring_model()
    assert change(bench, node, Transition.TRANSITION_CONFIGURE)
    if activates:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(node, "activate", not_now)
            assert not change(bench, node, Transition.TRANSITION_ACTIVATE)
    node._again.reset()
    bench.until(lambda: node._again not in [*node.timers], "it tries no more")
    assert is_in(bench, node, INACTIVE)


def test_a_node_that_cannot_start_keeps_no_other_from_its_work(bench, start, told, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text(f'/**/speech_classifier:\n  ros__parameters: {{speech_model: "{tmp_path}/mine.json"}}\n')
    process = start("composed", *ros_args(bench.namespace, "--params-file", str(file)))
    for name in (one for one in NODES if one != "speech_classifier"):
        full = f"{bench.namespace}/{name}"
        bench.until(lambda full=full: bench.state(full) == ACTIVE, f"{full} is active", 60.0)
    status = told("speech_classifier", ERROR, f"cannot configure: {tmp_path}/mine.json: ")
    assert {pair.key: pair.value for pair in status.values}["state"] == "unconfigured"
    assert process.running


def test_a_source_of_nothing_is_not_tried_again(bench, soon):
    node = bench.add(MediaSourceNode, started=False)
    assert not node.autostart() and not node.tries_again and node._again is None


def test_a_source_that_is_gone_when_perception_is_switched_on_is_found_later(bench, soon, told, tmp_path):
    pytest.importorskip("av", reason="the recording is read with PyAV")
    media, away = tmp_path / "film.mkv", tmp_path / "away.mkv"
    shutil.copy(RECORDING, media)
    source = bench.add(MediaSourceNode, media=str(media))
    assert ask(bench, source, False).success
    media.rename(away)
    assert ask(bench, source, True).success
    told("media_source", ERROR, "unexpected MediaError: ")
    away.rename(media)
    images = []
    bench.node.create_subscription(Image, "image", images.append, make.best_effort(10))
    bench.until(lambda: images, "it plays")
    assert source._working and is_in(bench, source, ACTIVE)
