"""What goes wrong on a robot, as data: how each kind begins, and how it ends where mending is not enough."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from emotion_recognition.reliability.mutation import change_bytes, change_fields
from emotion_recognition.reliability.robot import CAMERA, MICROPHONE, NAMESPACE, RATE, Robot
from emotion_recognition.reliability.sensing import audio_info, audio_message, image_message
from emotion_recognition.stamps import SECOND_NS


@dataclass(frozen=True)
class Incident:
    """A kind of fault.

    Attributes:
        begin: brings it about, with choices of its own.
        end: called beside :meth:`Robot.mend`.
        weight: how often, beside 1; lower for what takes the nodes longer to come back from.
    """

    begin: Callable[[Robot, Random], None]
    end: Callable[[Robot], None] | None = None
    weight: float = 1.0


# --- Camera ---


def _camera_gone(robot: Robot, random: Random) -> None:
    robot.camera = lambda rgb, stamp: []


def _camera_frozen(robot: Robot, random: Random) -> None:
    still = np.array(robot.material.frames[0])
    robot.camera = lambda rgb, stamp: [image_message(still, stamp, CAMERA)]


def _camera_late(robot: Robot, random: Random) -> None:
    robot.camera_late_ns, robot.stamps_go_back = random.randint(1, 8) * SECOND_NS, True


def _camera_garbage(robot: Robot, random: Random) -> None:
    from rclpy.serialization import serialize_message

    def broken(rgb: np.ndarray, stamp: int) -> list[Any]:
        message = image_message(rgb, stamp, CAMERA)
        if random.random() < 0.5:
            change_fields(message, random, random.randint(1, 3))
            return [message]
        data = change_bytes(serialize_message(message), random)
        # What has no whole prefix the middleware does not publish.
        return [data] if data[:4] == b"\0\1\0\0" and len(data) > 4 else []

    robot.camera, robot.stamps_go_back = broken, True


def _camera_of_other_formats(robot: Robot, random: Random) -> None:
    """Every frame has another encoding or size than the last."""
    formats = list(itertools.product((1, 2, 4), ("rgb8", "bgr8", "mono8")))
    random.shuffle(formats)
    following = itertools.cycle(formats)

    def changed(rgb: np.ndarray, stamp: int) -> list[Any]:
        scale, encoding = next(following)
        return [image_message(np.repeat(np.repeat(rgb, scale, axis=0), scale, axis=1), stamp, CAMERA, encoding)]

    robot.camera = changed


def _camera_stamps_wrong(robot: Robot, random: Random) -> None:
    robot.camera = lambda rgb, stamp: [
        image_message(rgb, random.choice((0, 1, stamp - 3600 * SECOND_NS, stamp + 3600 * SECOND_NS)), CAMERA)
    ]


def _camera_restarted(robot: Robot, random: Random) -> None:
    """Its clock stands a little behind what it was; its earlier stamps come again."""
    robot.camera_late_ns, robot.stamps_go_back = round(random.uniform(0.6, 1.4) * SECOND_NS), True


def _camera_twice(robot: Robot, random: Random) -> None:
    robot.camera = lambda rgb, stamp: [image_message(rgb, stamp, CAMERA)] * 2


def _two_cameras(robot: Robot, random: Random) -> None:
    """On one topic, which nobody should do."""
    robot.camera = lambda rgb, stamp: [
        image_message(rgb, stamp, CAMERA), image_message(255 - rgb, stamp - SECOND_NS // 4, "another_camera"),
    ]  # fmt: skip


def _camera_flood(robot: Robot, random: Random) -> None:
    robot.camera = lambda rgb, stamp: [
        image_message(rgb, stamp - number * SECOND_NS // 100, CAMERA) for number in range(19, -1, -1)
    ]


# --- Who is there ---


def _nobody(robot: Robot, random: Random) -> None:
    robot.scene = lambda rgb: np.full_like(rgb, 60 + robot.steps % 120)


def _dark(robot: Robot, random: Random) -> None:
    noise = np.random.default_rng(random.randrange(2**32))
    robot.scene = lambda rgb: noise.integers(0, 30, rgb.shape, np.uint8)


def _another_person(robot: Robot, random: Random) -> None:
    """Somebody else stands elsewhere: the mirrored face at another place."""
    shift = random.choice((-40, -30, 30, 40))
    robot.scene = lambda rgb: np.roll(rgb[:, ::-1], shift, axis=1)


def _two_persons(robot: Robot, random: Random) -> None:
    robot.scene = lambda rgb: np.concatenate([rgb, rgb[:, ::-1]], axis=1)


def _crowd(robot: Robot, random: Random) -> None:
    robot.scene = lambda rgb: np.tile(rgb[:100, 30:130], (3, 4, 1))


def _silence(robot: Robot, random: Random) -> None:
    noise = np.random.default_rng(random.randrange(2**32))
    robot.voice = lambda samples: noise.normal(0, 40, len(samples)).astype(np.int16)


# --- Microphone ---


def _microphone_gone(robot: Robot, random: Random) -> None:
    robot.microphone = lambda samples, stamp: []


def _microphone_muted(robot: Robot, random: Random) -> None:
    robot.voice = lambda samples: np.zeros_like(samples)


def _microphone_clipped(robot: Robot, random: Random) -> None:
    robot.voice = lambda samples: np.where(samples >= 0, 32767, -32768).astype(np.int16)


def _microphone_late(robot: Robot, random: Random) -> None:
    robot.microphone_late_ns, robot.stamps_go_back = random.randint(1, 8) * SECOND_NS, True


def _microphone_in_one_piece(robot: Robot, random: Random) -> None:
    """A minute of sound comes at once, and again."""
    robot.microphone = lambda samples, stamp: [audio_message(np.tile(samples, 60), stamp, MICROPHONE)]


def _microphone_gaps(robot: Robot, random: Random) -> None:
    def holed(samples: np.ndarray, stamp: int) -> list[Any]:
        return [] if random.random() < 0.4 else [audio_message(samples[random.randrange(2000) :], stamp, MICROPHONE)]

    robot.microphone = holed


def _microphone_garbage(robot: Robot, random: Random) -> None:
    def broken(samples: np.ndarray, stamp: int) -> list[Any]:
        message = audio_message(samples, stamp, MICROPHONE)
        change_fields(message, random, random.randint(1, 3))
        return [message]

    robot.microphone, robot.stamps_go_back = broken, True


def _microphone_of_other_formats(robot: Robot, random: Random) -> None:
    """Every message has another rate or number of channels than the last."""
    formats = list(itertools.product((1, 3), (1, 2, 8)))
    random.shuffle(formats)
    following = itertools.cycle(formats)

    def changed(samples: np.ndarray, stamp: int) -> list[Any]:
        times, channels = next(following)
        robot.formats.publish(audio_info(times * RATE, channels))
        robot.bringup.work_off()
        return [audio_message(np.repeat(np.repeat(samples, times)[:, None], channels, axis=1), stamp, MICROPHONE)]

    robot.microphone = changed


def _format_garbage(robot: Robot, random: Random) -> None:
    message = audio_info()
    change_fields(message, random, 2)
    robot.formats.publish(message)


def _format_again(robot: Robot) -> None:
    robot.formats.publish(audio_info())


# --- Clock ---


def _clock_and_sensors_forward(robot: Robot, random: Random) -> None:
    robot.jump(random.choice((2, 10, 600, 3600)), sensors=True)


def _clock_and_sensors_back(robot: Robot, random: Random) -> None:
    robot.jump(-random.choice((2, 10, 600, 3600)), sensors=True)


def _clock_forward(robot: Robot, random: Random) -> None:
    robot.jump(random.choice((2, 10, 600)), sensors=False)


def _clock_back(robot: Robot, random: Random) -> None:
    robot.jump(-random.choice((2, 10, 600)), sensors=False)


def _clock_back_to_sensors(robot: Robot) -> None:
    # The sensors' time is ROS time again: to them it has jumped, forward or back.
    robot.judge.began_anew()


def _clock_stands(robot: Robot, random: Random) -> None:
    robot.tells_time, robot.time_is_odd = False, True


def _clock_garbage(robot: Robot, random: Random) -> None:
    from rosgraph_msgs.msg import Clock

    robot.time_is_odd = True
    for _ in range(5):
        message = Clock()
        change_fields(message, random, 2)
        robot.clock.publish(message)
        robot.bringup.work_off()
    robot.judge.began_anew()


# --- Nodes, and who listens ---


def _switched_off(robot: Robot, random: Random) -> None:
    from std_srvs.srv import SetBool

    answer = robot.call(SetBool, f"{random.choice(_nodes(robot))}/enable", SetBool.Request(data=False))
    if not answer.success:
        raise RuntimeError(f"a node does not let itself be switched off: {answer.message}")
    robot.bringup.work_off()
    robot.judge.switched_off = True


def _switched_on(robot: Robot) -> None:
    from std_srvs.srv import SetBool

    robot.judge.switched_off = False
    robot.call(SetBool, f"{_nodes(robot)[0]}/enable", SetBool.Request(data=True))
    robot.until_at_work()


def _deactivated(robot: Robot, random: Random) -> None:
    _change_states(robot, random.choice(_nodes(robot)), "deactivate")


def _cleaned_up(robot: Robot, random: Random) -> None:
    _change_states(robot, random.choice(_nodes(robot)), "deactivate", "cleanup")


def _active_again(robot: Robot) -> None:
    for name in _nodes(robot):
        if robot.bringup.nodes[f"{NAMESPACE}/{name}"].state_label == "unconfigured":
            _change_states(robot, name, "configure")
        if robot.bringup.nodes[f"{NAMESPACE}/{name}"].state_label == "inactive":
            _change_states(robot, name, "activate")
    robot.until_at_work()


def _change_states(robot: Robot, name: str, *labels: str) -> None:
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState

    for label in labels:
        request = ChangeState.Request(transition=Transition(label=label))
        if not robot.call(ChangeState, f"{name}/change_state", request).success:
            raise RuntimeError(f"{name} does not {label}")


def _nodes(robot: Robot) -> list[str]:
    return [name.rsplit("/", 1)[1] for name in robot.bringup.nodes]


def _nobody_listens(robot: Robot, random: Random) -> None:
    robot.stop_listening()
    robot.until_at_rest()


def _somebody_listens(robot: Robot) -> None:
    robot.listen()
    robot.until_at_work()


def _unfit_publisher(robot: Robot, random: Random) -> None:
    """One that offers best effort where reliable messages are asked for."""
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    from emotion_recognition.msg import Emotion

    profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    topic = f"{robot.bringup.root}{NAMESPACE}/emotion/face"
    robot.unfit = robot.bringup.node.create_publisher(Emotion, topic, profile)


def _unfit_publisher_gone(robot: Robot) -> None:
    robot.bringup.node.destroy_publisher(robot.unfit)


INCIDENTS: dict[str, Incident] = {
    "camera gone": Incident(_camera_gone),
    "camera frozen": Incident(_camera_frozen),
    "camera late": Incident(_camera_late),
    "camera garbage": Incident(_camera_garbage),
    "camera of other formats": Incident(_camera_of_other_formats),
    "camera stamps wrong": Incident(_camera_stamps_wrong),
    "camera restarted": Incident(_camera_restarted),
    "camera sends everything twice": Incident(_camera_twice),
    "two cameras": Incident(_two_cameras),
    "camera floods": Incident(_camera_flood, weight=0.3),
    "nobody": Incident(_nobody),
    "dark": Incident(_dark),
    "another person": Incident(_another_person),
    "two persons": Incident(_two_persons),
    "crowd": Incident(_crowd, weight=0.3),
    "silence": Incident(_silence),
    "microphone gone": Incident(_microphone_gone),
    "microphone muted": Incident(_microphone_muted),
    "microphone clipped": Incident(_microphone_clipped),
    "microphone late": Incident(_microphone_late),
    "microphone in one piece": Incident(_microphone_in_one_piece, weight=0.3),
    "microphone gaps": Incident(_microphone_gaps),
    "microphone garbage": Incident(_microphone_garbage),
    "microphone of other formats": Incident(_microphone_of_other_formats, _format_again),
    "format garbage": Incident(_format_garbage, _format_again),
    "clock and sensors forward": Incident(_clock_and_sensors_forward),
    "clock and sensors back": Incident(_clock_and_sensors_back),
    "clock forward": Incident(_clock_forward, _clock_back_to_sensors),
    "clock back": Incident(_clock_back, _clock_back_to_sensors),
    "clock stands": Incident(_clock_stands),
    "clock garbage": Incident(_clock_garbage),
    "switched off": Incident(_switched_off, _switched_on, weight=0.3),
    "node deactivated": Incident(_deactivated, _active_again, weight=0.3),
    "node cleaned up": Incident(_cleaned_up, _active_again, weight=0.3),
    "nobody listens": Incident(_nobody_listens, _somebody_listens, weight=0.1),
    "unfit publisher": Incident(_unfit_publisher, _unfit_publisher_gone, weight=0.3),
}
