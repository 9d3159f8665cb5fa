"""A process with the real nodes, to which malformed messages are sent; ``reliability.fuzz`` starts it and counts.

Five nodes work as on a robot; three more hear what those five do not: compressed images, sound without stamps, and
estimates that no classifier made. Every subscription gets one message at a time, so that none is skipped as too many.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from emotion_recognition.bench.material import load_material
from emotion_recognition.memory import keep_freed_memory
from emotion_recognition.processes import own_domain
from emotion_recognition.reliability.bringup import Bringup
from emotion_recognition.reliability.judging import Judge, stamp_ns
from emotion_recognition.reliability.mutation import change_bytes, change_fields, shift_times
from emotion_recognition.reliability.sensing import (
    audio_info,
    audio_message,
    compressed_message,
    image_message,
    origin_of,
)
from emotion_recognition.reliability.workers import FLIGHT, write_report
from emotion_recognition.stamps import SECOND_NS

ROBOT, OTHERS = "/robot", "/others"
BEGIN_NS = 1_700_000_000 * SECOND_NS
STEP_NS = SECOND_NS // 10
PICTURE = 160, 120
# Of the cases: as they should be, fields changed, bytes changed, bytes of nothing.
KINDS = {"good": 0.1, "fields": 0.5, "bytes": 0.35, "noise": 0.05}
# The robot's Emotions are judged in full; the fusion of OTHERS is given made up estimates, and hands theirs on.
JUDGED = (
    (f"{ROBOT}/emotion", True), (f"{ROBOT}/emotion/raw", True), (f"{ROBOT}/emotion/face", True),
    (f"{ROBOT}/emotion/speech", True), (f"{OTHERS}/emotion", False), (f"{OTHERS}/emotion/raw", False),
)  # fmt: skip
FRAME_ID = "camera"
# Whose header is read by itself.
IMAGES = (f"{ROBOT}/image", f"{OTHERS}/image/compressed")
# One in so many of a process's messages is sent while the switch is among the topics.
SWITCHED_SHARE, SWITCH_TIMES = 10, 8
PROGRESS = 200
SWITCH = f"{ROBOT}/perception_state"
SMALL_FACES = {"min_face_size": 40, "frames": 150, "window": 3.0}


@dataclass
class Target:
    """A topic of the nodes that is sent malformed messages.

    Attributes:
        type: of its messages.
        publisher: of the sensors' node.
        examples: messages as they should be, serialized.
    """

    type: type
    publisher: Any
    examples: list[bytes] = field(default_factory=list)


class FuzzedNodes:
    """The nodes, what is sent to them, and what comes of it.

    Args:
        domain: ROS_DOMAIN_ID.

    Attributes:
        sent: malformed messages that reached the nodes, by topic.
        good: messages as they should be among them.
        undeliverable: messages that the middleware did not publish.
    """

    def __init__(self, domain: int):
        self.bringup = Bringup(domain)
        self.judges = {True: Judge(rising=False), False: Judge(rising=False, origins=False)}
        self.targets: dict[str, Target] = {}
        self.sent: Counter[str] = Counter()
        self.good: Counter[str] = Counter()
        self.undeliverable: Counter[str] = Counter()
        self._errors = _middleware_errors()
        self.now_ns = BEGIN_NS
        self._material, self._played = load_material(PICTURE), 0
        self._start()

    def _start(self) -> None:
        from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
        from rosgraph_msgs.msg import Clock
        from sensor_msgs.msg import CompressedImage, Image

        from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow, PerceptionState
        from emotion_recognition.nodes.composed import PERCEPTION
        from emotion_recognition.nodes.face_detector import FaceDetector
        from emotion_recognition.nodes.fusion import FusionNode
        from emotion_recognition.nodes.mfcc_extractor import MfccExtractor

        always = {"use_sim_time": True, "on_demand": False}
        short = {"window": 2.0, "min_window": 0.5, "hop": 0.5}
        own = {"face_detector": SMALL_FACES, "visual_classifier": {"frames": 150}, "mfcc_extractor": short}
        for make in PERCEPTION:
            self.bringup.add(make, ROBOT, {**always, **own.get(make.NAME, {})})
        self.bringup.add(FaceDetector, OTHERS, {**always, **SMALL_FACES, "image_transport": "compressed"})
        self.bringup.add(MfccExtractor, OTHERS, {**always, **short, "audio_transport": "plain", "sample_rate": 16000})
        # Of its own output the test hears nothing but what the nodes make of it.
        remap = [f"emotion/face:={OTHERS}/estimates/face", f"emotion/speech:={OTHERS}/estimates/speech"]
        self.bringup.add(FusionNode, OTHERS, always, remap)
        for topic, kind in {
            f"{ROBOT}/image": Image, f"{ROBOT}/audio_stamped": AudioDataStamped, f"{ROBOT}/audio_info": AudioInfo,
            f"{ROBOT}/face_samples": FaceSamples, f"{ROBOT}/mfcc": MfccWindow, SWITCH: PerceptionState,
            f"{OTHERS}/image/compressed": CompressedImage, f"{OTHERS}/audio": AudioData,
            f"{OTHERS}/estimates/face": Emotion, f"{OTHERS}/estimates/speech": Emotion, "/clock": Clock,
        }.items():  # fmt: skip
            latched = topic.endswith("audio_info") or topic == SWITCH
            self.targets[topic] = Target(kind, self.bringup.publisher(kind, topic, latched))
        for topic, strict in JUDGED:
            self.bringup.listen(Emotion, topic, self._judged_by(self.judges[strict], topic))
        self.bringup.join()

    def _judged_by(self, judge: Judge, topic: str) -> Callable[[Any], None]:
        return lambda message: judge.hear(topic, message) and None

    def gather(self) -> None:
        """Play a face and a voice to the nodes; what they make of it are the examples of messages as they should be."""
        from rclpy.serialization import serialize_message

        from emotion_recognition.msg import Emotion

        heard = {f"{ROBOT}/face_samples": f"{ROBOT}/face_samples", f"{ROBOT}/mfcc": f"{ROBOT}/mfcc"}
        heard |= {f"{ROBOT}/emotion/{one}": f"{OTHERS}/estimates/{one}" for one in ("face", "speech")}
        listening = []
        for topic, target in heard.items():
            kind = Emotion if "emotion" in topic else self.targets[target].type
            listening.append(self.bringup.listen(kind, topic, self.targets[target].examples.append, raw=True))
        self.bringup.join()
        self.play(20, keep=True)
        for subscription in listening:
            self.bringup.unlisten(subscription)
        for topic in (f"{ROBOT}/audio_info", SWITCH, "/clock"):
            self.targets[topic].examples.append(serialize_message(self._plain(topic)))
        missing = [topic for topic, target in self.targets.items() if not target.examples]
        if missing:
            raise RuntimeError(f"no example of a message on {', '.join(missing)}: the nodes do not work")
        for counts in (self.sent, self.good, self.undeliverable):
            counts.clear()

    def play(self, number: int, keep: bool = False) -> None:
        """Play a face and a voice to the nodes for so many tenths of a second; ``keep`` the messages as examples."""
        from rclpy.serialization import serialize_message

        self._send(f"{ROBOT}/audio_info", serialize_message(audio_info()))
        for _ in range(number):
            self.tell_time()
            self._played += 1
            rgb = self._material.frames[self._material.frame(self._played / 10)]
            sound = self._material.sound_at(self._played * 1600, 1600)
            for topic, message in {
                f"{ROBOT}/image": image_message(rgb, self.now_ns, FRAME_ID),
                f"{ROBOT}/audio_stamped": audio_message(sound, self.now_ns, "microphone"),
                f"{OTHERS}/image/compressed": compressed_message(rgb, self.now_ns, FRAME_ID),
                f"{OTHERS}/audio": audio_message(sound, self.now_ns, "").audio,
            }.items():
                data = serialize_message(message)
                self._send(topic, data)
                if keep:
                    self.targets[topic].examples.append(data)
            self.bringup.work_off()

    def probe(self) -> bool:
        """Send what is as it should be; return whether decisions come of it."""
        before = self.judges[True].decisions
        self.play(20)
        return self.judges[True].decisions > before

    def _plain(self, topic: str) -> Any:
        from emotion_recognition.nodes.conversions import to_time

        if topic.endswith("audio_info"):
            return audio_info()
        message = self.targets[topic].type()
        if topic == "/clock":
            message.clock = to_time(self.now_ns)
        else:
            message.sequence, message.enabled, message.changed_by = 1, True, "/light"
        return message

    def tell_time(self) -> None:
        """Let a tenth of a second pass."""
        from rclpy.serialization import serialize_message

        self.now_ns += STEP_NS
        self._send("/clock", serialize_message(self._plain("/clock")))
        self.bringup.work_off()

    def draw(self, topic: str, random: Random) -> tuple[bytes, bool]:
        """Return a serialized message for a topic, and whether something was done to it."""
        from rclpy.serialization import deserialize_message, serialize_message

        target = self.targets[topic]
        (kind,) = random.choices(list(KINDS), KINDS.values())
        if kind == "noise":
            return random.randbytes(random.choice((0, 3, 4, 5, 20, 200))), True
        message = deserialize_message(random.choice(target.examples), target.type)
        first = next(_times(message), None)
        if first is not None:
            shift_times(message, self.now_ns - first)
        if kind == "fields":
            change_fields(message, random, random.randint(1, 3))
        data = serialize_message(message)
        return (change_bytes(data, random) if kind == "bytes" else data), kind != "good"

    def send(self, topic: str, data: bytes, malformed: bool = True) -> int:
        """Send a message; return 1 where it counts: it is malformed, and the middleware takes it to the nodes."""
        try:
            self._send(topic, data)
        except self._errors:
            self.undeliverable[topic] += 1
            return 0
        (self.sent if malformed else self.good)[topic] += 1
        return int(malformed)

    def _send(self, topic: str, data: bytes) -> None:
        """Send a message; the nodes may take the stamp of one that can be read, or of an image that begins with one."""
        from emotion_recognition.nodes.reading import read_message

        target = self.targets[topic]
        try:
            message = read_message(target.type, data)
        except ValueError:
            message = data if topic in IMAGES else None
        origin = origin_of(message)
        if origin is not None:
            for judge in self.judges.values():
                judge.sent(*origin)
        target.publisher.publish(data)

    def report(self) -> dict[str, Any]:
        """Return what was sent, received and found."""
        ledger = self.bringup.ledger
        return {
            "messages": sum(self.sent.values()),
            "sent": dict(self.sent),
            "good": dict(self.good),
            "undeliverable": dict(self.undeliverable),
            "received": {topic: ledger.received[topic] for topic in self.targets},
            "unhandled": ledger.unhandled,
            "unexpected": ledger.unexpected,
            "reports": sum(ledger.reports.values()),
            "emotions": sum(judge.emotions for judge in self.judges.values()),
            "decisions": sum(judge.decisions for judge in self.judges.values()),
            "bad_emotions": sum(judge.bad_emotions for judge in self.judges.values()),
            "examples": [one for judge in self.judges.values() for one in judge.examples],
        }


def _middleware_errors() -> tuple[type[Exception], ...]:
    """Return what rclpy raises where the middleware cannot read or publish bytes, or has no memory for them."""
    from rclpy.impl.implementation_singleton import rclpy_implementation

    return rclpy_implementation.RCLError, rclpy_implementation.RMWError, MemoryError


def _times(message: Any) -> Iterator[int]:
    """Yield the times in a message, in nanoseconds; first that of its header."""
    for name, kind in message.get_fields_and_field_types().items():
        if kind == "builtin_interfaces/Time":
            yield stamp_ns(getattr(message, name))
        elif kind == "std_msgs/Header":
            yield stamp_ns(message.header.stamp)


def main(args: list[str] | None = None) -> int:
    """Send ``--count`` malformed messages and leave what was found in ``--folder``."""
    parser = argparse.ArgumentParser(prog="reliability.fuzz_worker", description=__doc__)
    for name in ("count", "seed", "chunk"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(args)
    keep_freed_memory()
    nodes = FuzzedNodes(int(own_domain()["ROS_DOMAIN_ID"]))
    nodes.gather()
    # What switches perception off comes last: a switch that was told the highest number there is stays off.
    switched_from = options.count - options.count // SWITCHED_SHARE
    recovered, batch, sent = None, 0, 0
    while sent < options.count:
        if sent >= switched_from and recovered is None:
            recovered = nodes.probe()
        batch += 1
        random = Random(f"{options.seed} {options.chunk} {batch}")
        topics = [topic for topic in nodes.targets if topic != SWITCH]
        topics += [SWITCH] * SWITCH_TIMES if recovered is not None else []
        random.shuffle(topics)
        cases = [(topic, *nodes.draw(topic, random)) for topic in topics[: options.count - sent]]
        lines = [json.dumps([topic, base64.b64encode(data).decode()]) for topic, data, _ in cases]
        (options.folder / FLIGHT).write_text("\n".join(lines), encoding="utf-8")
        before = sent
        sent += sum([nodes.send(*case) for case in cases])
        nodes.bringup.work_off()
        nodes.tell_time()
        if before // PROGRESS < sent // PROGRESS:
            write_report(options.folder, nodes.report())
    recovered = nodes.probe() if recovered is None else recovered
    write_report(options.folder, nodes.report() | {"recovered": recovered})
    nodes.bringup.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
