"""A lifecycle node with declared parameters whose transitions say what went wrong."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.time_source import CLOCK_TOPIC

from emotion_recognition.nodes.callback_groups import forget_destroyed
from emotion_recognition.nodes.declaring import declare_parameters, name_unknown_parameters
from emotion_recognition.nodes.reading import handing_on, read_message
from emotion_recognition.nodes.timing import read_clock
from emotion_recognition.parameters import ParameterError
from emotion_recognition.pinning import format_cores, pin

EXPECTED_ERRORS = (ImportError, OSError, ValueError, RuntimeError)
# Least time between two log lines about what is no message or no time.
LEFT_OUT_S = 5.0


class ManagedNode(LifecycleNode):
    """Lifecycle node that does its work in the methods below; a subclass names itself in NAME.

    A configuration or activation that fails with one of EXPECTED_ERRORS is undone, and the node stays what it was. Any
    other error, in whatever transition, is processed: everything is dropped, and the node is unconfigured.

    Attributes:
        parameters: their checked values by name.
        failure: of the last transition, as it stands in the log; empty where it was made.
        transitions: how many were tried.

    Raises:
        ParameterError: a parameter has a wrong value.
    """

    NAME = ""

    def __init__(self, **kwargs: Any):
        self.failure, self.transitions = "", 0
        super().__init__(self.NAME, **kwargs)
        forget_destroyed(self.default_callback_group)
        try:
            self.parameters = declare_parameters(self, self.NAME)
        except ParameterError:
            super().destroy_node()
            raise
        name_unknown_parameters(self, self.parameters)

    # What a subclass fills in.

    def configure(self) -> None:
        """Load models, make cores and publishers. Raises one of EXPECTED_ERRORS where that fails."""

    def _configured(self) -> None:
        """Do what follows on :meth:`configure`."""

    def _start(self) -> None:
        """Begin to work. Raises one of EXPECTED_ERRORS where that fails."""

    def _started(self) -> None:
        """Do what needs publishers that publish."""

    def _stop(self) -> None:
        """Cease to work; called at any time."""

    def _release(self) -> None:
        """Stop and drop everything; called at any time."""

    def _leave(self) -> None:
        """Release everything, and what an unconfigured node has; called at any time."""

    # Lifecycle.

    @property
    def state_label(self) -> str:
        """State of the lifecycle: unconfigured, inactive, active, finalized or a transition's."""
        return self._state_machine.current_state[1]

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load and check everything; a failure leaves the node unconfigured, with the reason in the log."""
        return self._attempt("configure", self._pin_and_configure, partial(super().on_configure, state), self._release)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to listen and publish; a failure leaves the node inactive, with the reason in the log."""
        speak = super().on_activate

        def begin() -> TransitionCallbackReturn:
            result = speak(state)
            self._started()
            return result

        return self._attempt("activate", self._start, begin, self._stop)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop all work; models stay loaded."""
        return self._attempt("deactivate", self._stop, partial(super().on_deactivate, state))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Drop models and publishers."""
        return self._attempt("clean up", self._release, partial(super().on_cleanup, state))

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and drop everything, from whatever state."""
        return self._attempt("shut down", self._leave, partial(super().on_shutdown, state))

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and drop everything; the node can be configured again."""
        failure = self.failure
        result = self._attempt("recover", self._release, lambda: TransitionCallbackReturn.SUCCESS)
        self.failure = self.failure or failure
        return result

    def _attempt(
        self,
        what: str,
        action: Callable[[], None],
        then: Callable[[], TransitionCallbackReturn],
        undo: Callable[[], None] | None = None,
    ) -> TransitionCallbackReturn:
        """Make a transition; one that can be undone fails with an expected error, any other error is processed."""
        self.transitions += 1
        try:
            action()
            result = then()
        except Exception as error:
            if undo is None or not isinstance(error, EXPECTED_ERRORS):
                # rclpy would say nothing of it.
                return self._fail(f"cannot {what}: unexpected {type(error).__name__}: {error}")
            undo()
            return self._fail(f"cannot {what}: {error}", TransitionCallbackReturn.FAILURE)
        self.failure = ""
        return result

    def _fail(
        self, failure: str, result: TransitionCallbackReturn = TransitionCallbackReturn.ERROR
    ) -> TransitionCallbackReturn:
        self.failure = failure
        self.get_logger().error(failure)
        return result

    def _pin_and_configure(self) -> None:
        # First of all, so that the threads an engine starts are kept there, too.
        cores = pin(self.parameters["cpus"])
        if cores is not None:
            self.get_logger().info(f"runs on cores {format_cores(cores)}")
        self.configure()
        self._configured()

    def create_subscription(
        self, msg_type: type, topic: str, callback: Callable, *args: Any, raw: bool = False, **kwargs: Any
    ) -> Any:
        """Subscribe as any node does; left out is what is no message, and what is told on /clock and is no time.

        Messages are taken as bytes and read here: see :func:`~emotion_recognition.nodes.reading.read_message`.
        """
        if topic == CLOCK_TOPIC:
            callback = handing_on(read_clock, callback, self._leave_out_time)
        if not raw:
            callback = handing_on(partial(read_message, msg_type), callback, partial(self._leave_out_unreadable, topic))
        return super().create_subscription(msg_type, topic, callback, *args, raw=True, **kwargs)

    def _leave_out_time(self, problem: str) -> None:
        name = self.resolve_topic_name(CLOCK_TOPIC)
        self.get_logger().warning(f"time on {name} left out: {problem}", throttle_duration_sec=LEFT_OUT_S)

    def _leave_out_unreadable(self, topic: str, problem: str) -> None:
        name = self.resolve_topic_name(topic)
        self.get_logger().warning(f"message on {name} left out: {problem}", throttle_duration_sec=LEFT_OUT_S)

    def destroy_node(self) -> None:
        """Drop everything before the node's handles go, whatever goes wrong with it."""
        try:
            self._leave()
        except Exception as error:
            self.get_logger().error(f"cannot end in order: unexpected {type(error).__name__}: {error}")
        finally:
            super().destroy_node()
