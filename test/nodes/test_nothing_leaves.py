"""Faces and voices stay where they are documented to be: no other topic, no file, no socket but the middleware's."""

import os
import signal
import socket
import sys
import tempfile
import threading
from importlib import import_module

import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

from audio_common_msgs.msg import AudioDataStamped  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from lifecycle_msgs.msg import State  # noqa: E402
from messages import best_effort  # noqa: E402
from processes import NODES, ros_args  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from watching import SHARED_MEMORY, require_proc, sockets, writable_files  # noqa: E402

from emotion_recognition.demo import RECORDING  # noqa: E402
from emotion_recognition.nodes.composed import PERCEPTION  # noqa: E402
from emotion_recognition.nodes.media_source import MediaSourceNode  # noqa: E402
from emotion_recognition.security import ENDPOINTS, resolved  # noqa: E402
from emotion_recognition.security.endpoints import SENSITIVE_TOPICS  # noqa: E402

ALL_KINDS = {Emotion.STATUS_FACE_ONLY, Emotion.STATUS_BOTH}
# Audit events (https://docs.python.org/3/library/audit_events.html) of what leaves a process.
LEAVING = (
    "socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "os.mkdir", "os.rename",
    "os.link", "os.symlink", "os.truncate", "shutil.", "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.",
)  # fmt: skip
# Types of the topics that carry what a sensor took, and the part of a message that is it.
PAYLOADS = {
    "image": (Image, lambda message: [message.data]),
    "audio_stamped": (AudioDataStamped, lambda message: [message.audio.data]),
    "face_samples": (FaceSamples, lambda message: [face.crop for face in message.faces]),
    "mfcc": (MfccWindow, lambda message: [message.mfcc, message.mfcc_mean]),
}
THREADS = {threading.main_thread().name, "player", *ENDPOINTS}  # the executor's and the nodes'
SPAN, STEP = 24, 8  # any run of SPAN + STEP bytes in common is found


class Audit:
    """Notes what the process's Python code opens for writing, sends or starts; a hook cannot be taken away again."""

    _noting: list | None = None
    _hooked = False

    def __enter__(self) -> list[str]:
        if not Audit._hooked:
            sys.addaudithook(Audit._note)
            Audit._hooked = True
        Audit._noting = []
        return Audit._noting

    def __exit__(self, *_) -> None:
        Audit._noting = None

    @staticmethod
    def _note(event: str, args: tuple) -> None:
        # Not what another test's threads still do.
        if Audit._noting is None or threading.current_thread().name not in THREADS:
            return
        writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event.startswith(LEAVING):
            Audit._noting.append(f"{event} {args!r}")


def runs(data: bytes, step: int) -> set[bytes]:
    """Return pieces of SPAN bytes that are varied enough not to occur by chance."""
    pieces = (data[start : start + SPAN] for start in range(0, len(data) - SPAN + 1, step))
    return {piece for piece in pieces if len(set(piece)) >= SPAN // 2}


def listen_raw(bench, topic: str, kind: str, qos=1000) -> list[bytes]:
    """Return the list that a topic's serialized messages will be appended to."""
    package, _, name = kind.split("/")
    heard = []
    bench.node.create_subscription(getattr(import_module(f"{package}.msg"), name), topic, heard.append, qos, raw=True)
    return heard


def is_mine(bench, name: str) -> bool:
    return name.startswith(f"{bench.namespace}/") and not name.startswith(f"{bench.namespace}/test/")


def test_neither_pixels_nor_sound_are_on_other_topics_nor_leave_the_process(bench):
    require_proc()
    before = sockets(os.getpid())
    bench.add(MediaSourceNode, media=str(RECORDING), wait_for_subscriber=True)
    for node in PERCEPTION:
        bench.add(node)
    topics = {name: kinds[0] for name, kinds in bench.node.get_topic_names_and_types()}
    sensitive = {resolved(name, bench.namespace, "") for name in SENSITIVE_TOPICS}
    secrets = {
        name: listen_raw(bench, name, kind, best_effort(5)) for name, kind in topics.items() if name in sensitive
    }
    told = {name: listen_raw(bench, name, kind) for name, kind in topics.items() if name not in sensitive}
    with Audit() as left:
        heard = bench.listen(Emotion, "emotion")
        bench.until(lambda: {one.status for one in heard} >= ALL_KINDS, "face, and face and voice")
        bench.settle()
    assert not left, left

    # No topic and no service but the documented ones.
    documented = {
        kind: {
            resolved(name, bench.namespace, node)
            for node, one in ENDPOINTS.items()
            for name in (one.answers if kind == "services" else (*one.publishes, *one.hears))
        }
        for kind in ("topics", "services")
    }
    mine = {name for name, _ in bench.node.get_topic_names_and_types() if is_mine(bench, name)}
    assert f"{bench.namespace}/emotion" in mine and mine <= documented["topics"], mine - documented["topics"]
    mine = {name for name, _ in bench.node.get_service_names_and_types() if is_mine(bench, name)}
    assert f"{bench.namespace}/fusion/get_state" in mine and mine <= documented["services"]

    # What was seen and heard is on the topics meant for it, and on no other.
    local = {name.removeprefix(f"{bench.namespace}/"): found[-3:] for name, found in secrets.items() if found}
    assert set(local) == set(PAYLOADS)
    private = set()
    for name, messages in local.items():
        kind, payload = PAYLOADS[name]
        for part in (part for message in messages for part in payload(deserialize_message(message, kind))):
            private |= runs(bytes(part), STEP)
        # Found where it may be, so that it would be found elsewhere.
        assert any(runs(message, 1) & private for message in messages), name
    assert len(private) > 100_000
    assert sum(map(len, told.values())) > 10 and told[f"{bench.namespace}/emotion/face"]
    for name, messages in told.items():
        for message in messages:
            assert not runs(message, 1) & private, f"{name} carries what a sensor took"

    assert set(sockets(os.getpid())) <= set(before), "the nodes' sockets are those that the middleware had before"


def test_processes_open_no_socket_but_the_middlewares_and_write_no_file_but_the_log(
    bench, start, tmp_path, monkeypatch
):
    require_proc()
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))  # also the processes' working directory
    for name in ("ROS_HOME", "ROS_LOG_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    arguments = ros_args(bench.namespace)
    processes = [start(name, *arguments) for name in NODES]
    playing = ros_args(bench.namespace, "-p", f"media:={RECORDING}", "-p", "wait_for_subscriber:=true")
    processes.append(start("media_source", *playing))
    heard, problems = [], []
    bench.node.create_subscription(Emotion, "emotion", heard.append, 1000)
    logs = home / ".ros" / "log"

    def works_and_is_clean():
        for process in processes:
            if not process.running:
                return problems.append(f"{process.name} has ended: {process.output()}") or problems
            for kind in sockets(process.pid).values():
                if kind not in ("udp", "unused"):
                    problems.append(f"{process.name}: {kind}")
            for file in writable_files(process.pid):
                ours = file.startswith(f"{temporary}/") and file.endswith(" (deleted)")  # what the test reads
                if not (ours or file.startswith(f"{logs}/") or SHARED_MEMORY.fullmatch(file)):
                    problems.append(f"{process.name}: {file}")
        return problems or {one.status for one in heard} >= ALL_KINDS

    bench.until(works_and_is_clean, "face, and face and voice", 60.0)
    assert not problems, problems
    states = {name: bench.state(f"{bench.namespace}/{name}") for name in NODES}
    assert set(states.values()) == {State.PRIMARY_STATE_ACTIVE}
    assert all("udp" in sockets(process.pid).values() for process in processes), "the middleware's own are seen"
    for process in processes:
        process.send(signal.SIGTERM)
    assert [process.ended() for process in processes] == [0] * len(processes)
    written = {path for path in (*home.rglob("*"), *temporary.rglob("*")) if path.is_file()}
    assert written and all(path.parent == logs and path.suffix == ".log" for path in written), written
    assert sum(path.stat().st_size for path in written) < 1 << 20


def test_the_watch_sees_a_connection_and_a_file(tmp_path):
    require_proc()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        port = f"{server.getsockname()[1]:04X}"
        found = sockets(os.getpid())
        assert found[str(os.fstat(client.fileno()).st_ino)] == f"tcp to 0100007F:{port}"
        assert found[str(os.fstat(server.fileno()).st_ino)] == "tcp"
    one, other = socket.socketpair()
    with one, other:
        assert sockets(os.getpid())[str(os.fstat(one.fileno()).st_ino)] == "unix"
    with Audit() as left, open(tmp_path / "out", "w") as file:
        assert str(tmp_path / "out") in writable_files(os.getpid())
        file.write("x")
    assert len(left) == 1 and str(tmp_path / "out") in left[0]
    with open(tmp_path / "out") as file:
        assert str(tmp_path / "out") not in writable_files(os.getpid())
