"""Running one node or several in one process."""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import rclpy
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from emotion_recognition.memory import GIVE_BACK_S, give_back_freed_memory, keep_freed_memory
from emotion_recognition.nodes.ending import EndOnSignal
from emotion_recognition.nodes.switching import LEARN_S
from emotion_recognition.parameters import ParameterError

# Fast DDS 3 reads the first, Fast DDS 2 the second; both at once load the profile twice, which is an error.
PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
FAST_DDS_2 = ("humble", "iron", "jazzy")
# How often a spinning process looks for a signal.
WAKE_S = 0.2
EXIT_OK, EXIT_FAILED, EXIT_WRONG_PARAMETER = 0, 1, 2


def middleware_profile(images: bool = True) -> dict[str, str]:
    """Return the environment variable that makes Fast DDS read a shipped profile; nothing where the user has set one.

    Fast DDS by default sends a camera image in more fragments than its shared memory holds, and best effort then loses
    frames: the profiles shipped in config/ give it room. All of a process's shared memory is resident, so one that
    publishes no images (``images`` false) takes less.
    """
    try:
        folder = Path(get_package_share_directory("emotion_recognition")) / "config"
    except PackageNotFoundError:
        return {}
    profile = folder / ("fastdds.xml" if images else "fastdds_small.xml")
    # A shipped one in the environment comes from the process that started this one.
    set_already = (name for name in PROFILE_VARIABLES if name in os.environ)
    if not profile.is_file() or any(Path(os.environ[name]).parent != folder for name in set_already):
        return {}
    return {PROFILE_VARIABLES[os.environ.get("ROS_DISTRO") in FAST_DDS_2]: str(profile)}


def prepare_environment(images: bool = True) -> None:
    """Set what rclpy and the middleware read from the environment, where the user has not set it.

    Args:
        images: whether this process publishes images, see :func:`middleware_profile`.
    """
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
    os.environ.update(middleware_profile(images))


class Spinner:
    """An executor for each node; of several nodes each has a thread, which begins with the first spinning."""

    def __init__(self):
        self._executors: list[SingleThreadedExecutor] = []
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._failed = threading.Event()
        self._error: BaseException | None = None

    def add(self, node: Node) -> None:
        """Take a node, before the first spinning."""
        self._executors.append(SingleThreadedExecutor())
        self._executors[-1].add_node(node)

    def spin_for(self, seconds: float) -> None:
        """Let the nodes work for up to so many seconds; raises what a callback of theirs raised."""
        if len(self._executors) == 1:
            self._executors[0].spin_once(timeout_sec=seconds)
            return
        if not self._threads:
            self._threads = [threading.Thread(target=self._spin, args=(one,), daemon=True) for one in self._executors]
            for thread in self._threads:
                thread.start()
        if self._failed.wait(seconds):
            raise self._error

    def stop(self) -> None:
        """End the threads, each after the callback in hand."""
        self._stop.set()
        for executor in self._executors:
            executor.wake()
        for thread in self._threads:
            thread.join()

    def shutdown(self) -> None:
        """Shut the executors down."""
        for executor in self._executors:
            executor.shutdown()

    def _spin(self, executor: SingleThreadedExecutor) -> None:
        try:
            while not self._stop.is_set():
                executor.spin_once(timeout_sec=WAKE_S)
        except BaseException as error:
            self._error = error
            self._failed.set()


def spin_nodes(
    makers: Sequence[Callable[[], Node]],
    args: list[str] | None = None,
    until: Callable[[list[Node]], bool] | None = None,
    images: bool = False,
    strict: bool = False,
) -> int:
    """Make nodes, start them by themselves where their ``autostart`` says so, and spin them.

    A node that cannot start says so on /diagnostics and tries again, beside the others; with ``strict``, or where it
    does not try again (``tries_again``), as with a media file that cannot be played, the process ends.

    One node is spun in this thread, several in a thread and an executor each: an executor looks at all that its nodes
    have whenever one message comes.

    SIGINT and SIGTERM end the spinning however often they come: a launcher and a terminal may both send one. Where that
    takes too long the process is ended: see :class:`~emotion_recognition.nodes.ending.EndOnSignal`.

    Args:
        makers: make the nodes, in order.
        args: command line with ROS arguments, ``sys.argv`` if None.
        until: looked at several times a second; True ends the spinning.
        images: whether one of them publishes images.
        strict: end where a node cannot start.

    Returns:
        Exit code: 0 after a signal or ``until``, 1 where the process ends because a node cannot be made or start, 2 for
        a wrong parameter.
    """
    with EndOnSignal() as ending:
        return _spin_until(ending.stop, makers, args, until, images, strict)


def _spin_until(
    stop: threading.Event,
    makers: Sequence[Callable[[], Node]],
    args: list[str] | None,
    until: Callable[[list[Node]], bool] | None,
    images: bool,
    strict: bool,
) -> int:
    prepare_environment(images)
    keep_freed_memory()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        # rcl cannot read the ROS arguments or a parameter file that they name; there is no logger yet.
        print(error, file=sys.stderr)
        return EXIT_WRONG_PARAMETER
    nodes: list[Node] = []
    code = EXIT_OK
    spinner = Spinner()
    try:
        for make in makers:
            if stop.is_set():
                break
            try:
                node = make()
            except RuntimeError as error:
                # The middleware makes none, for example because it cannot enforce the security it is asked for.
                print(f"cannot make a node: {error}", file=sys.stderr)
                code = EXIT_FAILED
                break
            nodes.append(node)
            spinner.add(node)
        if code == EXIT_OK:
            failed = [node for node in nodes if not (stop.is_set() or node.autostart(LEARN_S))]
            if any(strict or not node.tries_again for node in failed):
                code = EXIT_FAILED
        give_back = time.monotonic()
        while code == EXIT_OK and not stop.is_set() and not (until and until(nodes)):
            # Loading the models has left the most.
            if time.monotonic() >= give_back:
                give_back_freed_memory()
                give_back = time.monotonic() + GIVE_BACK_S
            spinner.spin_for(WAKE_S)
    except ParameterError as error:
        rclpy.logging.get_logger("emotion_recognition").fatal(str(error))
        code = EXIT_WRONG_PARAMETER
    finally:
        spinner.stop()
        for node in reversed(nodes):
            node.destroy_node()
        spinner.shutdown()
        rclpy.try_shutdown()
    return code


def run(make: Callable[[], Node], args: list[str] | None = None) -> int:
    """Run one node until it is interrupted; return the exit code."""
    return spin_nodes([make], args)
