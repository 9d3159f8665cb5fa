"""The nodes as processes: five and a source, or all in one, heard from outside."""

from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

from emotion_recognition.msg import Emotion  # noqa: E402
from harness import stamps  # noqa: E402
from lifecycle_msgs.msg import State  # noqa: E402
from processes import NODES, ros_args  # noqa: E402
from stream import assert_consistent  # noqa: E402

import emotion_recognition  # noqa: E402

RECORDING = Path(emotion_recognition.__file__).parent / "demo" / "recording.mkv"
LENGTH_NS = 9_800_000_000
KINDS = {Emotion.STATUS_FACE_ONLY, Emotion.STATUS_BOTH, Emotion.STATUS_SPEECH_ONLY}
# The remapped names of the topics between the source and us.
REMAPPED = {"image": "eyes/image", "audio_stamped": "ears/sound", "audio_info": "ears/format", "emotion": "feeling"}


@pytest.fixture
def arguments(bench, model, tmp_path):
    """Namespace, remapped topics and parameter file, as ROS arguments."""
    weights = model("face", "speech")
    file = tmp_path / "parameters.yaml"
    file.write_text(
        f"/**/visual_classifier:\n  ros__parameters: {{face_model: {weights['face_model']}}}\n"
        f"/**/speech_classifier:\n  ros__parameters: {{speech_model: {weights['speech_model']}}}\n"
        "/**/media_source:\n"
        f"  ros__parameters: {{media: {RECORDING}, wait_for_subscriber: true, camera_frame_id: eyes}}\n"
    )
    remappings = [word for topic, name in REMAPPED.items() for word in ("-r", f"{topic}:={name}")]
    return ros_args(bench.namespace, "--params-file", str(file), *remappings)


def listen(bench):
    """Subscribe outside the nodes before they start; return what will be heard."""
    heard = []
    bench.node.create_subscription(Emotion, REMAPPED["emotion"], heard.append, 100)
    return heard


def assert_heard(heard, frame_id: str) -> None:
    assert KINDS.issubset(one.status for one in heard)
    for message in heard:
        assert_consistent(message, smoothed=True)
    fused = [message for message in heard if message.status == Emotion.STATUS_BOTH]
    assert {message.person_id for message in fused} == {"face_1"}
    assert {message.header.frame_id for message in fused} <= {frame_id, "microphone"}
    for person in {message.person_id for message in heard}:
        times = stamps(message for message in heard if message.person_id == person)
        assert times == sorted(set(times)) and times[-1] - times[0] < LENGTH_NS + 3_000_000_000


def test_five_processes_and_a_source_are_heard_outside(bench, start, arguments):
    heard = listen(bench)
    processes = [start(name, *arguments) for name in NODES]
    for name in NODES:
        node = f"{bench.namespace}/{name}"
        bench.until(lambda node=node: bench.state(node) == State.PRIMARY_STATE_ACTIVE, f"{node} is active", 60.0)
    processes.append(start("media_source", *arguments))
    # The recording ends with the voice alone.
    bench.until(lambda: KINDS.issubset(one.status for one in heard), "face, both and voice", 60.0)
    assert_heard(heard, "eyes")
    assert all(process.running for process in processes), [process.output() for process in processes]
    names = {name for name, namespace in bench.node.get_node_names_and_namespaces() if namespace == bench.namespace}
    assert names == {*NODES, "media_source", "test"}


def test_one_process_is_heard_outside_and_ends_with_the_file(bench, start, arguments):
    heard = listen(bench)
    process = start("composed", f"--media={RECORDING}", "--wait-for-subscriber", *arguments)
    bench.until(lambda: not process.running, "the end of the recording", 60.0)
    assert process.ended() == 0, process.output()
    assert_heard(heard, "eyes")


def test_a_file_that_cannot_be_played_ends_the_process(start, bench, arguments, tmp_path):
    process = start("composed", f"--media={tmp_path}/missing.mp4", *arguments)
    assert process.ended() == 1
    assert f"{tmp_path}/missing.mp4: no such file" in process.output()
