"""Running one node or several in one process."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import rclpy
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from emotion_recognition.parameters import ParameterError

# Fast DDS 3 reads the first, Fast DDS 2 the second; both at once load the profile twice, which is an error.
PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
FAST_DDS_2 = ("humble", "iron", "jazzy")
EXIT_OK, EXIT_FAILED, EXIT_WRONG_PARAMETER = 0, 1, 2


def middleware_profile() -> dict[str, str]:
    """Return the environment variable that makes Fast DDS read the shipped profile; nothing where one is set already.

    Fast DDS by default sends a camera image in more fragments than its shared memory holds, and best effort then loses
    frames: the profile shipped in config/ gives it room.
    """
    try:
        profile = Path(get_package_share_directory("emotion_recognition")) / "config" / "fastdds.xml"
    except PackageNotFoundError:
        return {}
    if not profile.is_file() or any(name in os.environ for name in PROFILE_VARIABLES):
        return {}
    return {PROFILE_VARIABLES[os.environ.get("ROS_DISTRO") in FAST_DDS_2]: str(profile)}


def prepare_environment() -> None:
    """Set what rclpy and the middleware read from the environment, where the user has not set it."""
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    os.environ.update(middleware_profile())


def spin_nodes(
    makers: Sequence[Callable[[], Node]], args: list[str] | None = None, until: Callable[[list[Node]], bool] | None = None
) -> int:
    """Make nodes, start them by themselves where their ``autostart`` says so, and spin them in one executor.

    Args:
        makers: make the nodes, in order.
        args: command line with ROS arguments, ``sys.argv`` if None.
        until: looked at after every callback; True ends the spinning.

    Returns:
        Exit code: 0 after an interrupt or ``until``, 1 where a node could not start, 2 for a wrong parameter.
    """
    prepare_environment()
    rclpy.init(args=args)
    nodes: list[Node] = []
    code = EXIT_OK
    executor = SingleThreadedExecutor()
    try:
        for make in makers:
            node = make()
            nodes.append(node)
            executor.add_node(node)
        if all(node.autostart() for node in nodes):
            while rclpy.ok() and not (until and until(nodes)):
                executor.spin_once(timeout_sec=0.2 if until else None)
        else:
            code = EXIT_FAILED
    except ParameterError as error:
        rclpy.logging.get_logger("emotion_recognition").fatal(str(error))
        code = EXIT_WRONG_PARAMETER
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        for node in reversed(nodes):
            node.destroy_node()
        executor.shutdown()
        rclpy.try_shutdown()
    return code


def run(make: Callable[[], Node], args: list[str] | None = None) -> int:
    """Run one node until it is interrupted; return the exit code."""
    return spin_nodes([make], args)
