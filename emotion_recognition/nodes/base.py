"""What the perception nodes share: lifecycle, when they work and when they rest, and what they work with."""

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile

from emotion_recognition.nodes.conversions import stamp_ns
from emotion_recognition.nodes.declaring import declare_parameters, name_unknown_parameters
from emotion_recognition.nodes.inputs import Inputs
from emotion_recognition.nodes.mismatches import PUBLISHER, Mismatches
from emotion_recognition.nodes.outputs import Output
from emotion_recognition.nodes.qos import overridable
from emotion_recognition.nodes.reporting import Reporter
from emotion_recognition.nodes.switching import SwitchPanel
from emotion_recognition.nodes.worker import Worker
from emotion_recognition.parameters import ParameterError
from emotion_recognition.pinning import format_cores, pin
from emotion_recognition.stamps import StampGuard

EXPECTED_ERRORS = (ImportError, OSError, ValueError, RuntimeError)
# How often a node looks whether somebody listens to it.
DEMAND_S = 0.2


class PerceptionNode(LifecycleNode):
    """Lifecycle node with declared parameters.

    A subclass names itself in NAME and fills in :meth:`configure` (load and check, make publishers),
    :meth:`activate` (subscribe through :meth:`listen`), and, where it keeps state, :meth:`forget`.
    Subscriptions, timers and the worker exist only while the node is active, perception is switched on and, with the
    parameter ``on_demand``, somebody listens to one of its outputs.
    """

    NAME = ""

    def __init__(self, **kwargs: Any):
        self.worker: Worker | None = None
        self._outputs: list[Output] = []
        self._clocks: list = []
        self._demand: Any = None
        self._active = self._working = False
        super().__init__(self.NAME, **kwargs)
        try:
            self.parameters = declare_parameters(self, self.NAME)
        except ParameterError:
            super().destroy_node()
            raise
        self.reporter = Reporter(self.get_logger().warning, self.parameters.get("silence_report", 5.0))
        self.mismatches = Mismatches(self, self.get_logger().warning)
        self._inputs = Inputs(self, self.reporter, self.mismatches, self._unexpected)
        self._panel = SwitchPanel(self, self.mismatches, self._adopted)
        name_unknown_parameters(self, self.parameters)

    # What a subclass fills in.

    def configure(self) -> None:
        """Load models, make cores and publishers. Raises one of EXPECTED_ERRORS where that fails."""

    def activate(self) -> None:
        """Begin to listen. Called again whenever somebody listens to this node after nobody did."""

    def say_off(self) -> None:
        """Say that perception is switched off; called when it is, and on activation while it is."""

    def forget(self) -> None:
        """Drop everything heard so far; called whenever the node ceases to work."""

    # Lifecycle.

    def autostart(self, learn_s: float = 0.0) -> bool:
        """Configure and activate if the parameter ``autostart`` says so; return False where that failed.

        Args:
            learn_s: least time from the node's making to its activation, in which it can hear that perception is
                switched off; shorter where it has heard.
        """
        if not self.parameters["autostart"]:
            return True
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            return False
        self._panel.learn(learn_s)
        return self.trigger_activate() == TransitionCallbackReturn.SUCCESS

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load and check everything; a failure leaves the node unconfigured, with the reason in the log."""
        return self._attempt("configure", self._pin_and_configure, partial(super().on_configure, state), self._release)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to listen and publish; a failure leaves the node inactive, with the reason in the log."""

        def speak() -> TransitionCallbackReturn:
            result = super(PerceptionNode, self).on_activate(state)
            self._panel.tell_once()
            if not self._panel.enabled:
                self.say_off()
            return result

        return self._attempt("activate", self._start, speak, self._stop)

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
        return self._attempt("recover", self._release, lambda: TransitionCallbackReturn.SUCCESS)

    def _attempt(
        self,
        what: str,
        action: Callable[[], None],
        then: Callable[[], TransitionCallbackReturn],
        undo: Callable[[], None] | None = None,
    ) -> TransitionCallbackReturn:
        """Take a transition; one that can be undone fails with an expected error, any other error is processed."""
        try:
            action()
            return then()
        except Exception as error:
            if undo is None or not isinstance(error, EXPECTED_ERRORS):
                # rclpy would say nothing of it.
                self.get_logger().error(f"cannot {what}: unexpected {type(error).__name__}: {error}")
                return TransitionCallbackReturn.ERROR
            self.get_logger().error(f"cannot {what}: {error}")
            undo()
            return TransitionCallbackReturn.FAILURE

    def _pin_and_configure(self) -> None:
        # First of all, so that the threads an engine starts are kept there, too.
        cores = pin(self.parameters["cpus"])
        if cores is not None:
            self.get_logger().info(f"runs on cores {format_cores(cores)}")
        self.configure()
        if not self._panel.enabled:
            self.forget()
        self._panel.offer()

    # Work and rest.

    def _start(self) -> None:
        self._panel.learn(0.0)
        self._active = True
        # Also where nobody listens: what is wrong with it comes out now.
        if self._panel.enabled:
            self._begin()
        if self.parameters.get("on_demand"):
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._demand = self.create_timer(DEMAND_S, self._guarded(self._follow), clock=steady)
        self._follow()

    def _follow(self) -> None:
        """Work while perception is on and, with ``on_demand``, somebody listens to an output; else rest."""
        demanded = not self.parameters.get("on_demand") or any(one.get_subscription_count() for one in self._outputs)
        wanted = self._active and self._panel.enabled and demanded
        if wanted == self._working:
            return
        names = ", ".join(output.topic_name for output in self._outputs)
        if wanted:
            if self.parameters.get("on_demand"):
                self.get_logger().info(f"somebody listens to {names}: at work")
            self._begin()
        else:
            self.get_logger().info(f"nobody listens to {names}: at rest until somebody does (on_demand)")
            self._rest()

    def _adopted(self, switched: bool) -> None:
        """Follow a new state of the switch and pass it on."""
        state = self._panel.state
        if switched and not state.enabled and self.worker is not None:
            # Nothing more is said by the time that anybody hears that perception is off.
            self.worker.dismiss()
        self._panel.tell()
        if switched:
            self.get_logger().info(f"perception is switched {'on' if state.enabled else 'off'} by {state.changed_by}")
            self._guarded(self._change_over)()

    def _change_over(self) -> None:
        self._rest()
        if self._panel.enabled:
            self._follow()
        elif self._active:
            self.say_off()

    def _begin(self) -> None:
        self.activate()
        if "silence_report" in self.parameters:
            period_s = self.parameters["silence_report"]
            self.every(
                period_s, partial(self._inputs.name_silent, period_s), clock=Clock(clock_type=ClockType.STEADY_TIME)
            )
        self._working = True

    def _rest(self) -> None:
        for timer in self._clocks:
            self.destroy_timer(timer)
        self._inputs.rest()
        self._clocks, self._working = [], False
        if self.worker is not None:
            if not self.worker.stop():
                self.get_logger().error("the worker thread did not end within 2 s")
            self.worker = None
        self.forget()

    def _stop(self) -> None:
        self._active = False
        if self._demand is not None:
            self.destroy_timer(self._demand)
            self._demand = None
        self._inputs.stop()
        self._rest()

    def _release(self) -> None:
        try:
            self._stop()
        finally:
            self._panel.withdraw()
            for output in self._outputs:
                self.destroy_lifecycle_publisher(output.publisher)
            self._outputs = []

    def _leave(self) -> None:
        try:
            self._release()
        finally:
            self._panel.close()

    def destroy_node(self) -> None:
        """Stop the worker before the node's handles go."""
        try:
            self._leave()
        finally:
            super().destroy_node()

    # What a subclass calls.

    def advertise(self, message_type: type, topic: str, qos: QoSProfile) -> Output:
        """Return an output of this node; it lives until cleanup."""
        name = self.resolve_topic_name(topic)
        # rclpy writes the overrides into the profile it is given: a copy keeps them off the other topics.
        publisher = self.create_lifecycle_publisher(
            message_type,
            topic,
            copy(qos),
            event_callbacks=PublisherEventCallbacks(incompatible_qos=partial(self.mismatches.found, PUBLISHER, name)),
            qos_overriding_options=overridable(),
        )
        self._outputs.append(Output(publisher))
        return self._outputs[-1]

    def listen(
        self, message_type: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile, **options: Any
    ) -> None:
        """Subscribe until nobody listens to this node any more, or its deactivation.

        Args:
            message_type, topic, callback, qos: of the subscription.
            options: of :meth:`~emotion_recognition.nodes.inputs.Inputs.listen`.
        """
        self._inputs.listen(message_type, topic, callback, qos, **options)

    def is_dated(self, topic: str, message: Any) -> bool:
        """Tell whether a message's stamp lies near the node's clock; where it does not, say so in the log.

        The order of stamps is not looked at: several messages may be about one camera frame.
        """
        guard = StampGuard(self.parameters["max_stamp_age"], self.parameters["max_stamp_ahead"])
        verdict = guard.check(stamp_ns(message.header.stamp), self.get_clock().now().nanoseconds)
        if not verdict.accepted:
            self.reporter.report(
                f"stamp {topic}", f"message on {self.resolve_topic_name(topic)} left out: {verdict.problem}"
            )
        return verdict.accepted

    def every(self, period_s: float, callback: Callable[[], None], clock: Clock | None = None) -> None:
        """Call back periodically as long as this node listens, by ROS time unless a clock is given."""
        self._clocks.append(self.create_timer(period_s, self._guarded(callback), clock=clock))

    def work_in_thread(self, work: Callable[[Any], None], capacity: int) -> Worker:
        """Start this node's worker thread; it lives as long as this node listens."""
        self.worker = Worker(self.NAME, work, capacity, self._unexpected)
        return self.worker

    def take_dropped(self, topic: str) -> int:
        """Return how many messages of a topic the worker dropped since the last call, and report them."""
        dropped = self.worker.take_dropped() if self.worker else 0
        if dropped:
            name = self.resolve_topic_name(topic)
            self.reporter.report(f"dropped {name}", f"{dropped} messages on {name} skipped: the processor is too busy")
        return dropped

    def _guarded(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return a callback of a timer that raises nothing: that would end the spinning of all nodes."""

        def guarded() -> None:
            try:
                callback()
            except Exception as error:
                self._unexpected(error)

        return guarded

    def _unexpected(self, error: Exception) -> None:
        self.reporter.report(
            f"unexpected {type(error).__name__}", f"unexpected {type(error).__name__}: {error}; going on"
        )
