"""A bag through the real nodes: all in one process, with ``use_sim_time`` and the bag's time on ``/clock``.

The nodes run in a ROS_DOMAIN_ID of their own, on this machine only. Their sensor topics are made reliable, so that what
they hear does not depend on the load, and the time stands still while a frame waits for the one before it.
"""

import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from emotion_recognition.bags.playing import Player, sensor_topics
from emotion_recognition.bags.reading import Bag
from emotion_recognition.bags.recorded import decision_of, estimate_of
from emotion_recognition.bags.results import Decision
from emotion_recognition.bags.sources import Sources
from emotion_recognition.parameters import PERCEPTION
from emotion_recognition.processes import Process, own_domain
from emotion_recognition.stamps import SECOND_NS

START_S = 60.0
# Where the nodes have said nothing for so long at the end, or have not caught up within so long, they will not.
QUIET_S, CATCH_UP_S = 1.0, 2.0
LOG_LINES = 20
_LEFT_OUT = re.compile(r" on (/\S+) left out")
# Of sound at full scale nobody's message is to blame.
NOT_PROBLEMS = ("at full scale",)
TOPICS = {"face": "emotion/face", "speech": "emotion/speech", "fused": "emotion"}


def replay(
    bag: Bag,
    sources: Sources,
    parameters: Mapping[str, Mapping[str, Any]],
    rate: float,
    hear: Callable[[Decision], None],
) -> dict[str, Any]:
    """Play a bag to the nodes and hand over every decision they publish.

    Args:
        bag: an open bag with messages.
        sources: its topics.
        parameters: of the nodes, by node.
        rate: seconds of the bag in one second; a machine that is too slow for it takes longer.
        hear: called with each decision; its latency is in the bag's time.

    Returns:
        ``wall_s``: seconds it took to play, ``log``: the nodes' warnings, and ``skipped``: frames that they left out
        because the processor was busy.

    Raises:
        RuntimeError: ROS is not there, or the nodes end or do not start; their last lines are named.
    """
    try:
        import rclpy
        from rcl_interfaces.msg import Log

        from emotion_recognition.msg import Emotion, FaceSamples
    except ImportError as error:
        raise RuntimeError(f"replaying needs ROS 2 with this package's messages ({error}): run `make setup`") from error
    from emotion_recognition.nodes.running import prepare_environment

    domain = own_domain()
    context = rclpy.Context()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        file = Path(folder) / "parameters.yaml"
        file.write_text(yaml.safe_dump(node_parameters(parameters, sources)), encoding="utf-8")
        prepare_environment()
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = domain["ROS_AUTOMATIC_DISCOVERY_RANGE"]
        rclpy.init(args=[], context=context, domain_id=int(domain["ROS_DOMAIN_ID"]))
        stack.callback(context.try_shutdown)
        node = rclpy.create_node("bag_player", context=context)
        stack.callback(node.destroy_node)
        executor = rclpy.executors.SingleThreadedExecutor(context=context)
        executor.add_node(node)
        nodes = stack.enter_context(_nodes(file, domain))
        spin = _watched(executor, nodes)
        sampling = parameters["face_detector"]
        ear = _Ear(bag, hear, sampling["window"] / sampling["frames"])
        player = Player(node, bag, sources, spin, rate, held=ear.held)
        ear.player = player
        for stream, topic in TOPICS.items():
            node.create_subscription(Emotion, topic, ear.listener(stream), 1000)
        node.create_subscription(FaceSamples, "face_samples", ear.hear_samples, 1000)
        node.create_subscription(Log, "/rosout", ear.hear_log, 1000)
        _wait_for_nodes(node, player, spin)
        began = time.monotonic()
        player.play()
        wall_s = time.monotonic() - began
        _until_quiet(ear, spin)
        return {"wall_s": wall_s, "log": _warnings(nodes), "skipped": ear.skipped}


def node_parameters(parameters: Mapping[str, Mapping[str, Any]], sources: Sources) -> dict[str, Any]:
    """Return a ROS parameter file's content: the given parameters, the bag's time, its transports, nothing lost."""
    own = set(sensor_topics(sources).values())
    reliable = {}
    for topic in sorted(own - {"audio_info"}):
        prefix = f"qos_overrides./{topic}.subscription"
        reliable |= {f"{prefix}.reliability": "reliable", f"{prefix}.depth": 500}
    document: dict[str, Any] = {}
    for name in PERCEPTION:
        changes: dict[str, Any] = {"use_sim_time": True, "autostart": True}
        if name == "face_detector":
            changes["image_transport"] = "compressed" if "image/compressed" in own else "raw"
        if name == "mfcc_extractor":
            changes["audio_transport"] = "plain" if "audio" in own else "stamped"
        document[f"/**/{name}"] = {"ros__parameters": {**parameters[name], **changes, **reliable}}
    return document


class _Ear:
    """Takes what the nodes say, and tells the player when to wait for them."""

    def __init__(self, bag: Bag, hear: Callable[[Decision], None], interval_s: float):
        self.player: Player | None = None
        self.skipped = 0
        self.heard_at = time.monotonic()
        self._bag, self._hear = bag, hear
        self._face_ns: int | None = None
        self._interval_ns = round(interval_s * SECOND_NS)
        self._waiting_since: float | None = None

    def listener(self, stream: str) -> Callable[[Any], None]:
        def hear(message: Any) -> None:
            self.heard_at = time.monotonic()
            try:
                estimate = estimate_of(message)
            except ValueError as error:
                self._bag.problems.add(f"/{TOPICS[stream]}", self.player.now_ns, f"message left out: {error}")
                return
            if stream == "face":
                self._face_ns = estimate.stamp_ns
                self._waiting_since = None
            latency_s = (self.player.now_ns - estimate.stamp_ns) / SECOND_NS
            self._hear(decision_of(estimate, stream, self._bag.start_ns, latency_s))

        return hear

    def hear_samples(self, message: Any) -> None:
        self.skipped += message.skipped

    def hear_log(self, message: Any) -> None:
        """Take what a node says it has left out for a problem of the bag."""
        found = _LEFT_OUT.search(message.msg)
        if found and not any(kind in message.msg for kind in NOT_PROBLEMS):
            names = {f"/{own}": name for name, own in self.player.topics.items()}
            topic = names.get(found.group(1), found.group(1))
            self._bag.problems.add(topic, self.player.now_ns, f"{message.name}: {message.msg}")

    def held(self, time_ns: int, topic: str) -> bool:
        """Tell whether an image has to wait: two frames that are looked at are on their way already."""
        if not topic.startswith("image") or self._face_ns is None:
            return False
        newest_ns = self.player.newest_ns.get(topic, 0)
        if newest_ns - self._face_ns < 2 * self._interval_ns - self._interval_ns // 4:
            return False
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        return time.monotonic() - self._waiting_since < CATCH_UP_S


@contextlib.contextmanager
def _nodes(file: Path, domain: Mapping[str, str]) -> Iterator[Process]:
    ros_arguments = ["--ros-args", "--params-file", str(file)]
    words = [sys.executable, "-m", "emotion_recognition.nodes.composed", "--strict", *ros_arguments]
    process = Process("nodes", words, {**os.environ, **domain})
    try:
        yield process
    finally:
        process.close()


def _warnings(nodes: Process) -> list[str]:
    return [line for line in nodes.output().splitlines() if "[WARN]" in line or "[ERROR]" in line][:LOG_LINES]


def _watched(executor: Any, nodes: Process) -> Callable[[float], None]:
    def spin(seconds: float) -> None:
        executor.spin_once(timeout_sec=max(0.0, seconds))
        if not nodes.is_running:
            last = "; ".join(nodes.output().splitlines()[-3:])
            raise RuntimeError(f"the nodes ended with exit code {nodes.end()}: {last}")

    return spin


def _wait_for_nodes(node: Any, player: Player, spin: Callable[[float], None]) -> None:
    """Wait until every node has the bag's time, and the chain is joined from the sensors to those who listen."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        spin(0.05)
        joined = all(node.count_subscribers(topic) >= 2 for topic in ("emotion/face", "emotion/speech"))
        if joined and player.is_heard and player.clocks >= len(PERCEPTION):
            for _ in range(10):
                spin(0.05)
            return
    raise RuntimeError(f"the nodes do not listen within {START_S:.0f} s")


def _until_quiet(ear: _Ear, spin: Callable[[float], None]) -> None:
    ear.heard_at = time.monotonic()
    while time.monotonic() - ear.heard_at < QUIET_S:
        spin(0.05)
