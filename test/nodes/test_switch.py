"""Perception switched off: nothing is heard, nothing is kept, and every node knows."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow, PerceptionState  # noqa: E402
from harness import stamps  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from rcl_interfaces.msg import Log  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402
from test_lifecycle import RECORDING, change  # noqa: E402
from test_overload import Gate  # noqa: E402

from emotion_recognition.nodes.composed import PERCEPTION  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.media_source import MediaSourceNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.switching import LEARN_S  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

LATCHED = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
QUIET = {"silence_report": 60.0}
OFF = [(Emotion.STATUS_NEITHER, Emotion.REASON_DISABLED)]
# Topic and type of everything that passes between sensors and nodes.
PASSED = {
    "image": Image, "audio_stamped": AudioDataStamped, "face_samples": FaceSamples, "mfcc": MfccWindow,
    "emotion/face": Emotion, "emotion/speech": Emotion,
}  # fmt: skip


def ask(bench, node, enabled: bool):
    """Ask a node to switch perception on or off; return the answer."""
    return bench.call(SetBool, f"{node.get_fully_qualified_name()}/enable", SetBool.Request(data=enabled), 5.0)


def light(bench) -> list:
    """Return the states that a light which is plugged in now hears."""
    heard = []
    bench.node.create_subscription(PerceptionState, "perception_state", heard.append, LATCHED)
    return heard


def said(message) -> tuple[int, int]:
    return message.status, message.reasons


def know(nodes, enabled: bool) -> bool:
    return all(node._panel.enabled is enabled for node in nodes)


@pytest.mark.parametrize("on_demand", [False, True], ids=["always", "on demand"])
def test_one_node_asked_switches_all_off_and_on(bench, model, on_demand):
    parameters = {"fusion": {"idle_period": 0.1}, "face_detector": {"window": 0.5, "frames": 150}}
    nodes = [
        bench.add(
            node, **parameters.get(node.NAME, {}), **QUIET, on_demand=on_demand,
            **model(*{"visual_classifier": ("face",), "speech_classifier": ("speech",)}.get(node.NAME, ())),
        )
        for node in PERCEPTION
    ]  # fmt: skip
    emotions = []
    bench.node.create_subscription(Emotion, "emotion", emotions.append, 100)
    camera, microphone = (bench.publisher(PASSED[topic], topic) for topic in ("image", "audio_stamped"))

    def frame() -> int:
        camera.publish(make.grey_image(stamp := bench.now_ns()))
        bench.settle()
        return stamp

    def at_work() -> None:
        """Assert that frames reach the decisions, while there is no sound."""
        heard, first = len(emotions), bench.now_ns()
        bench.until(camera.get_subscription_count, "the camera is listened to")
        bench.until(
            lambda: frame() and emotions and emotions[-1].reasons & Emotion.REASON_NO_FACE, "a frame has its effect"
        )
        assert all(message.reasons != Emotion.REASON_DISABLED for message in emotions[heard + 1 :])
        assert stamps(emotions)[-1] >= first

    for number in (1, 3):
        at_work()
        answer = ask(bench, nodes[number], False)
        assert (answer.success, answer.message) == (True, "perception is off")
        bench.until(lambda: know(nodes, False), "every node knows")
        assert all(node.worker is None and not node._inputs for node in nodes)
        bench.until(lambda: not camera.get_subscription_count(), "nobody listens to the camera")
        assert not microphone.get_subscription_count()
        passed = {topic: [] for topic in PASSED if topic not in ("image", "audio_stamped")}
        listeners = [
            bench.node.create_subscription(PASSED[topic], topic, passed[topic].append, 100) for topic in passed
        ]
        bench.until(lambda: [said(message) for message in emotions[-3:]] == OFF * 3, "fusion says so")
        sent = frame()
        heard = len(emotions)
        bench.until(lambda heard=heard: len(emotions) > heard + 3, "fusion goes on saying so")
        assert {said(message) for message in emotions[heard:]} == set(OFF)
        assert not any(passed.values())
        assert stamps(emotions[heard:]) == sorted(set(stamps(emotions[heard:])))
        assert sent not in stamps(emotions)
        for one in listeners:
            bench.node.destroy_subscription(one)
        assert ask(bench, nodes[-number], True).message == "perception is on"
        bench.until(lambda: know(nodes, True), "every node knows")
    at_work()
    states = light(bench)
    bench.until(lambda: len(states) == len(nodes), "the state that every node has latched")
    asked = nodes[-3].get_fully_qualified_name()
    assert {(one.sequence, one.enabled, one.changed_by) for one in states} == {(4, True, asked)}
    assert all(abs(one.stamp.sec * 10**9 - bench.now_ns()) < 600 * 10**9 for one in states)
    told = [line for line in bench.lines(nodes[0], Log.INFO) if "perception is switched" in line]
    assert [line.split()[3] for line in told] == ["off", "on", "off", "on"] and asked in told[-1]
    assert not [line for node in nodes for line in bench.lines(node)]


def test_what_was_heard_before_is_forgotten(bench):
    node = bench.add(FusionNode, idle_period=0.1, stale_after=60.0, max_stamp_age=60.0, **QUIET)
    face, voice = (bench.publisher(Emotion, f"emotion/{stream}") for stream in ("face", "speech"))
    heard = bench.listen(Emotion, "emotion")
    face.publish(make.emotion(bench.now_ns()))
    bench.until(lambda: Emotion.STATUS_FACE_ONLY in [one.status for one in heard], "a decision by the face")
    ask(bench, node, False)
    ask(bench, node, True)
    count = len(heard)
    bench.until(lambda: len(heard) > count + 1, "fusion has nothing to say")
    nothing = Emotion.REASON_CAMERA_STALE | Emotion.REASON_MICROPHONE_STALE
    assert heard[-1].status == Emotion.STATUS_NEITHER and heard[-1].reasons & nothing == nothing
    bench.until(voice.get_subscription_count, "the node listens")
    voice.publish(make.emotion(stamp := bench.now_ns(), speech=True))
    bench.until(lambda: stamp in stamps(heard), "a decision by the voice")
    assert Emotion.STATUS_BOTH not in [one.status for one in heard]


def test_off_is_said_at_once(bench):
    node = bench.add(FusionNode, idle_period=60.0, **QUIET)
    heard, raw = bench.listen(Emotion, "emotion"), bench.listen(Emotion, "emotion/raw")
    begin = bench.now_ns()
    ask(bench, node, False)
    bench.until(lambda: heard and raw, "fusion says so")
    for (message,) in (heard, raw):
        assert [said(message)] == OFF
        assert (message.class_id, message.confidence, message.person_id) == (Emotion.UNKNOWN, 0.0, "")
        assert begin <= stamps([message])[0] <= bench.now_ns()


def test_the_frame_in_hand_is_not_published(bench, monkeypatch):
    """What was seen before the switch, and found only after it, is never said."""
    node = bench.add(FaceDetector, window=0.5, frames=150, **QUIET)
    camera, heard = bench.publisher(Image, "image"), bench.listen(FaceSamples, "face_samples")
    gate = Gate(monkeypatch, node._step._pipeline, "process")
    camera.publish(make.changing_image(bench.now_ns()))
    bench.until(gate.reached.is_set, "the frame is looked at")
    worker, states = node.worker, light(bench)
    monkeypatch.setattr(worker._thread, "join", lambda timeout: gate.open())
    assert ask(bench, node, False).success
    bench.until(lambda: states and not states[-1].enabled, "the light goes out")
    bench.until(lambda: not worker._thread.is_alive(), "the frame was looked at")
    bench.settle()
    assert not heard
    ask(bench, node, True)
    bench.until(camera.get_subscription_count, "the node listens again")
    camera.publish(make.changing_image(stamp := bench.now_ns()))
    bench.until(lambda: heard, "a frame after it is published")
    assert stamps(heard) == [stamp]


def test_a_node_that_is_not_active_is_switched_too(bench):
    node = bench.add(FusionNode, started=False, autostart=False, idle_period=60.0, on_demand=False)
    face = bench.node.create_publisher(Emotion, "emotion/face", 10)
    service = f"{node.get_fully_qualified_name()}/enable"

    def services():
        return [name for name, _ in bench.node.get_service_names_and_types() if name == service]

    assert not services()
    assert change(bench, node, Transition.TRANSITION_CONFIGURE)
    assert ask(bench, node, False).success
    assert change(bench, node, Transition.TRANSITION_ACTIVATE)
    heard = bench.listen(Emotion, "emotion")
    bench.settle()
    assert not face.get_subscription_count()
    # Said on activation, before anybody listened; and once more on the next.
    assert change(bench, node, Transition.TRANSITION_DEACTIVATE)
    assert change(bench, node, Transition.TRANSITION_ACTIVATE)
    bench.until(lambda: heard, "fusion says that perception is off")
    assert [said(message) for message in heard] == OFF
    ask(bench, node, True)
    bench.until(face.get_subscription_count, "the node listens")
    ask(bench, node, False)
    bench.until(lambda: not face.get_subscription_count(), "the node does not listen")
    assert change(bench, node, Transition.TRANSITION_DEACTIVATE)
    assert change(bench, node, Transition.TRANSITION_CLEANUP)
    bench.until(lambda: not services(), "the service ends")
    # The register lives on.
    assert change(bench, node, Transition.TRANSITION_CONFIGURE)
    assert change(bench, node, Transition.TRANSITION_ACTIVATE)
    assert not node._inputs and not node._panel.enabled
    assert not bench.lines(node)


def test_a_node_that_starts_learns_that_perception_is_off(bench):
    """From any other that is left, before it begins to listen."""
    first = bench.add(FusionNode, "-r", "__node:=first", **QUIET)
    second = bench.add(FusionNode, "-r", "__node:=second", **QUIET)
    assert ask(bench, first, False).success
    bench.until(lambda: know([second], False), "the other knows")
    bench.executor.remove_node(first)
    bench.nodes.remove(first)
    first.destroy_node()
    new = bench.add(FaceDetector, started=False, on_demand=False)
    listened = []
    inner, new.listen = new.listen, lambda *args, **options: (listened.append(args), inner(*args, **options))
    assert new.autostart(LEARN_S)
    assert not new._panel.enabled and not listened and new.worker is None
    assert ask(bench, new, True).success
    bench.until(lambda: know([second, new], True), "both know")
    assert [args[1] for args in listened] == ["image"]
    states = light(bench)
    bench.until(lambda: len(states) == 2, "the state of both")
    assert {(one.sequence, one.changed_by) for one in states} == {(2, new.get_fully_qualified_name())}


@pytest.mark.parametrize(
    "broken, problem",
    [(b"\x00\x01\x00\x03", "of 4 bytes of which 3 fill it up"), (None, "of 14 bytes cannot be read as ")],
    ids=["nothing but filling", "cut off"],
)
def test_a_kept_state_that_is_none_is_left_out_by_a_node_that_starts(bench, broken, problem):
    off = serialize_message(PerceptionState(sequence=7, enabled=False, changed_by="/lid"))
    switch = bench.node.create_publisher(PerceptionState, "perception_state", LATCHED)
    switch.publish(off[:14] if broken is None else broken)
    node = bench.add(FusionNode, **QUIET, started=False)
    bench.until(switch.get_subscription_count, "the node is found")
    assert node.autostart(LEARN_S) and node._panel.enabled
    expected = f"message on {switch.topic_name} left out: message {problem}"
    bench.until(lambda: any(expected in line for line in bench.lines(node)), "the node names it")
    # Nor does it keep the node from hearing the next one.
    switch.publish(off)
    bench.until(lambda: not node._panel.enabled, "the node hears the next")


def test_a_state_learnt_late_stops_a_node_at_once(bench):
    node = bench.add(MfccExtractor, **QUIET)
    bench.publisher(AudioDataStamped, "audio_stamped")
    assert node.worker is not None
    switch = bench.publisher(PerceptionState, "perception_state", LATCHED)
    switch.publish(PerceptionState(sequence=7, enabled=False, changed_by="/lid"))
    bench.until(lambda: not node._panel.enabled, "the node hears it")
    assert node.worker is None and not node._inputs
    switch.publish(PerceptionState(sequence=6, enabled=True, changed_by="/lid"))
    bench.settle()
    assert not node._panel.enabled and node.worker is None


def test_what_stays_off_for_good_says_why(bench):
    node = bench.add(VisualClassifierNode, **QUIET)
    switch = bench.publisher(PerceptionState, "perception_state", LATCHED)
    switch.publish(PerceptionState(sequence=2**64 - 1, enabled=False, changed_by="/lid"))
    bench.until(lambda: not node._panel.enabled, "the node hears it")
    answer = ask(bench, node, True)
    assert not answer.success and answer.message.startswith("/lid switched perception off with the last sequence")
    assert ask(bench, node, False).success and not node._panel.enabled


def test_the_source_closes_what_it_plays(bench):
    pytest.importorskip("av", reason="the recording is read with PyAV")
    source = bench.add(MediaSourceNode, media=str(RECORDING))
    images = bench.listen(Image, "image", make.best_effort(10))
    bench.until(lambda: len(images) >= 3, "images")
    assert ask(bench, source, False).success
    bench.settle()
    count = len(images)
    assert source._source is None and source._player is None
    assert change(bench, source, Transition.TRANSITION_DEACTIVATE)
    assert change(bench, source, Transition.TRANSITION_CLEANUP)
    assert change(bench, source, Transition.TRANSITION_CONFIGURE)
    assert source._source is None
    assert change(bench, source, Transition.TRANSITION_ACTIVATE)
    bench.settle()
    assert len(images) == count
    assert ask(bench, source, True).success
    bench.until(lambda: len(images) > count + 3, "images again")
    assert not bench.lines(source)


def test_namespaces_have_switches_of_their_own(bench):
    left = bench.add(FusionNode, "-r", f"__ns:={bench.namespace}/left", **QUIET)
    right = bench.add(FusionNode, "-r", f"__ns:={bench.namespace}/right", **QUIET)
    assert ask(bench, left, False).success
    assert ask(bench, right, True).success
    assert not left._panel.enabled and right._panel.enabled
