"""What the perception nodes share: lifecycle, when they work and when they rest, and what they work with."""

from collections.abc import Callable
from copy import copy
from functools import partial
from math import inf
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.qos import QoSProfile

from emotion_recognition.diagnostics import Monitor, NodeFacts, Status, node_status, resident_mib
from emotion_recognition.nodes.conversions import stamp_ns
from emotion_recognition.nodes.diagnosing import PACKAGE, Diagnoser
from emotion_recognition.nodes.inputs import Inputs
from emotion_recognition.nodes.managed import ManagedNode
from emotion_recognition.nodes.mismatches import PUBLISHER, Mismatches
from emotion_recognition.nodes.outputs import Output
from emotion_recognition.nodes.qos import overridable
from emotion_recognition.nodes.reporting import Reporter
from emotion_recognition.nodes.switching import SwitchPanel
from emotion_recognition.nodes.worker import Worker
from emotion_recognition.stamps import StampGuard

# How often a node looks whether somebody listens to it.
DEMAND_S = 0.2
# How often a node that could not start, or begin to work, tries again: a model or a device may be there by then.
AGAIN_S = 10.0


class PerceptionNode(ManagedNode):
    """Node that perceives something, and rests while nobody wants to know it.

    A subclass names itself in NAME and fills in :meth:`configure` (load and check, make publishers),
    :meth:`activate` (subscribe through :meth:`listen`), and, where it keeps state, :meth:`forget`.
    Subscriptions, timers and the worker exist only while the node is active, perception is switched on and, with the
    parameter ``on_demand``, somebody listens to one of its outputs.

    Attributes:
        worker: at work on what was received; None while the node rests.
        monitor: counts for the diagnostics.
        about: what the node was configured with, for the diagnostics; filled in by :meth:`configure`.
        reporter: writes log lines that do not flood.
        mismatches: peers that do not fit.
    """

    def __init__(self, **kwargs: Any):
        self.worker: Worker | None = None
        self.monitor = Monitor()
        self.about: dict[str, str] = {}
        self._outputs: list[Output] = []
        self._clocks: list = []
        self._demand: Any = None
        self._again: Any = None
        self._left = 0
        self._active = self._working = False
        super().__init__(**kwargs)
        self.reporter = Reporter(self.get_logger().warning, self.parameters.get("silence_report", 5.0))
        self.mismatches = Mismatches(self, self.get_logger().warning)
        self._inputs = Inputs(self, self.reporter, self.mismatches, self.monitor, self._unexpected)
        self._panel = SwitchPanel(self, self.mismatches, self._adopted)
        self._diagnoser = Diagnoser(self, self.monitor, self._statuses, self._guarded)

    # What a subclass fills in.

    def activate(self) -> None:
        """Begin to listen. Called again whenever somebody listens to this node after nobody did."""

    def say_off(self) -> None:
        """Say that perception is switched off; called when it is, and on activation while it is."""

    def forget(self) -> None:
        """Drop everything heard so far; called whenever the node ceases to work."""

    # Lifecycle.

    @property
    def tries_again(self) -> bool:
        """Whether the node goes on to try where it could not start."""
        return True

    def autostart(self, learn_s: float = 0.0) -> bool:
        """Configure and activate if the parameter ``autostart`` says so; return False where that failed.

        Where the node tries again it does so every AGAIN_S, until it works or a manager makes a transition.

        Args:
            learn_s: least time from the node's making to its activation, in which it can hear that perception is
                switched off; shorter where it has heard.
        """
        if not self.parameters["autostart"]:
            return True
        if self._get_to_work(learn_s):
            return True
        if self.tries_again:
            self._again = self._steadily(AGAIN_S, self._start_again)
        return False

    def _get_to_work(self, learn_s: float) -> bool:
        if self.state_label == "unconfigured" and self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            works = False
        else:
            self._panel.learn(learn_s)
            works = self.trigger_activate() == TransitionCallbackReturn.SUCCESS
        self._left = self.transitions
        return works

    def _start_again(self) -> None:
        # What becomes of a node to which a manager has turned is the manager's.
        if self.transitions != self._left or self._get_to_work(0.0):
            self.destroy_timer(self._again)

    def _configured(self) -> None:
        if not self._panel.enabled:
            self.forget()
        self._panel.offer()

    def _start(self) -> None:
        self._panel.learn(0.0)
        self._active = True
        # Also where nobody listens: what is wrong with it comes out now.
        if self._panel.enabled:
            self._begin()
        if self.parameters.get("on_demand"):
            self._demand = self._steadily(DEMAND_S, self._follow)
        self._follow()

    def _started(self) -> None:
        self._panel.tell_once()
        if not self._panel.enabled:
            self.say_off()

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
            self._outputs, self.about = [], {}

    def _leave(self) -> None:
        try:
            self._release()
        finally:
            self._panel.close()
            self._diagnoser.close()

    # Work and rest.

    def _is_demanded(self) -> bool | None:
        """Return whether somebody listens to an output, None where the node works anyway."""
        if not self.parameters.get("on_demand"):
            return None
        return any(output.get_subscription_count() for output in self._outputs)

    def _follow(self) -> None:
        """Work while perception is on and, with ``on_demand``, somebody listens to an output; else rest."""
        wanted = self._active and self._panel.enabled and self._is_demanded() is not False
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
        try:
            self.activate()
        except BaseException:
            self._rest()
            if self._demand is None:
                self._demand = self._steadily(AGAIN_S, self._follow)
            raise
        if "silence_report" in self.parameters:
            period_s = self.parameters["silence_report"]
            self._clocks.append(self._steadily(period_s, partial(self._inputs.name_silent, period_s)))
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
        self._outputs.append(Output(publisher, self.monitor))
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
            self.leave_out(topic, f"stamp {topic}", f"message on {{topic}} left out: {verdict.problem}")
        return verdict.accepted

    def every(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back periodically as long as this node listens, by steady time, or by ROS time where that is told.

        A timer by the system's clock stands still for as long as that is set back; one by a time that is told does not.
        """
        if self.get_parameter("use_sim_time").value:
            timer = self.create_timer(period_s, self._guarded(callback))
        else:
            timer = self._steadily(period_s, callback)
        self._clocks.append(timer)

    def _steadily(self, period_s: float, callback: Callable[[], None]) -> Any:
        """Return a timer of steady time."""
        return self.create_timer(period_s, self._guarded(callback), clock=Clock(clock_type=ClockType.STEADY_TIME))

    def work_in_thread(self, work: Callable[[Any], None], capacity: int, patience_s: float = inf) -> Worker:
        """Start this node's worker thread; it lives as long as this node listens. Arguments as for Worker."""
        self.worker = Worker(self.NAME, work, capacity, self._unexpected, patience_s)
        return self.worker

    def take_dropped(self, topic: str, *, reported: bool = True) -> int:
        """Return how many messages of a topic the worker dropped since the last call, and report them if wanted."""
        dropped = self.worker.take_dropped() if self.worker else 0
        self.monitor.skip(topic, dropped)
        if dropped and reported:
            name = self.resolve_topic_name(topic)
            self.reporter.report(f"dropped {name}", f"{dropped} messages on {name} skipped: the processor is too busy")
        return dropped

    def leave_out(self, topic: str, kind: str, problem: object) -> None:
        """Count a message of a topic as left out and say why, ``{topic}`` in the text being its full name.

        Args:
            topic: as this node names it.
            kind: of the problem, the same for all that are alike; see Reporter.
            problem: with the value found and what was expected.
        """
        self.monitor.leave_out(topic, self._report(topic, kind, problem))

    def _leave_out_unreadable(self, topic: str, problem: str) -> None:
        if topic in self.monitor.inputs():
            self.monitor.receive(topic)
            self.leave_out(topic, f"unreadable {topic}", f"message on {{topic}} left out: {problem}")
        else:
            super()._leave_out_unreadable(topic, problem)

    def caution(self, topic: str, kind: str, problem: object) -> None:
        """Say what is wrong with a topic whose messages are used; arguments as for :meth:`leave_out`."""
        self.monitor.caution(topic, self._report(topic, kind, problem))

    def _report(self, topic: str, kind: str, problem: object) -> str:
        text = str(problem).replace("{topic}", self.resolve_topic_name(topic))
        self.reporter.report(kind, text)
        return text

    def _guarded(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return a callback of a timer that raises nothing: that would end the spinning of all nodes."""

        def guarded() -> None:
            try:
                callback()
            except Exception as error:
                self._unexpected(error)

        return guarded

    def _unexpected(self, error: Exception) -> None:
        text = f"unexpected {type(error).__name__}: {error}"
        self.monitor.fail(text)
        self.reporter.report(f"unexpected {type(error).__name__}", f"{text}; going on")

    # Diagnostics.

    def _statuses(self) -> list[Status]:
        errors, error, error_age_s = self.monitor.errors()
        facts = NodeFacts(
            state=self.state_label,
            enabled=self._panel.enabled,
            demanded=self._is_demanded(),
            working=self._working,
            failure=self.failure,
            errors=errors,
            error=error,
            error_age_s=error_age_s,
            mismatches={output.topic_name: self.mismatches.count(output.topic_name) for output in self._outputs},
            about=self.about,
            notes=self.monitor.notes(),
            memory_mib=resident_mib(),
        )
        name = f"{PACKAGE}: {self.get_fully_qualified_name().lstrip('/')}"
        return [node_status(name, facts, self.monitor.outputs()), *self._inputs.statuses(name, facts.rest)]
