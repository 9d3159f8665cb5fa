"""A node's part in the switch: the topic ``perception_state`` and the service ``~/enable``."""

import time
from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from std_srvs.srv import SetBool

from emotion_recognition.msg import PerceptionState
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.mismatches import PUBLISHER, SUBSCRIPTION, Mismatches
from emotion_recognition.switch import Switch, SwitchState

TOPIC, SERVICE = "perception_state", "~/enable"
# A node that starts waits so long, loading included, for the others to say that perception is off. With the shipped
# profiles they are mostly heard within 0.3 s, seldom after 0.8 s.
LEARN_S = 1.0
_LOOK_S = 0.01


class SwitchPanel:
    """Hears and tells the state of the switch as long as the node lives, and takes requests between two calls.

    Args:
        node: publishes, subscribes and offers the service.
        mismatches: takes the peers that do not fit.
        adopted: called with True where perception was switched on or off by what was asked or heard, with False where
            only the sequence rose; it tells the others with :meth:`tell`.
    """

    def __init__(self, node: Node, mismatches: Mismatches, adopted: Callable[[bool], None]):
        self._node, self._adopted = node, adopted
        self._switch = Switch(node.get_fully_qualified_name())
        self._service: Any = None
        self._began, self._has_heard, self._has_told = time.monotonic(), False, False
        name = node.resolve_topic_name(TOPIC)

        def unfit(side: str) -> Callable[[Any], None]:
            return lambda event: mismatches.found(side, name, event, "reliable, transient_local")

        self._publisher: Any = node.create_publisher(
            PerceptionState,
            TOPIC,
            qos.STATE,
            event_callbacks=PublisherEventCallbacks(incompatible_qos=unfit(PUBLISHER)),
        )
        self._subscription: Any = node.create_subscription(
            PerceptionState,
            TOPIC,
            self._hear,
            qos.STATES,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=unfit(SUBSCRIPTION)),
        )

    @property
    def enabled(self) -> bool:
        """Whether perception is on."""
        return self._switch.enabled

    @property
    def state(self) -> SwitchState:
        """The state known here."""
        return self._switch.state

    def offer(self) -> None:
        """Begin to take requests."""
        self._service = self._node.create_service(SetBool, SERVICE, self._ask)

    def withdraw(self) -> None:
        """Take no more requests."""
        if self._service is not None:
            self._node.destroy_service(self._service)
            self._service = None

    def tell(self) -> None:
        """Tell the others, and the light, the state known here."""
        if self._publisher is None:
            return
        state, self._has_told = self.state, True
        seconds, nanoseconds = state.when
        self._publisher.publish(
            PerceptionState(
                sequence=state.sequence,
                enabled=state.enabled,
                changed_by=state.changed_by,
                stamp=Time(sec=seconds, nanosec=nanoseconds),
            )
        )

    def tell_once(self) -> None:
        """Tell the state unless it was told before."""
        if not self._has_told:
            self.tell()

    def learn(self, wait_s: float) -> None:
        """Take what the others have said, though no callback runs; wait for it up to ``wait_s`` after the start."""
        self._catch_up()
        while not self._has_heard and time.monotonic() < self._began + wait_s:
            time.sleep(_LOOK_S)
            self._catch_up()

    def close(self) -> None:
        """Neither hear nor tell any more."""
        self.withdraw()
        if self._publisher is not None:
            self._node.destroy_subscription(self._subscription)
            self._node.destroy_publisher(self._publisher)
            self._subscription = self._publisher = None

    def _catch_up(self) -> None:
        # As an executor takes a message, and hands it on: as bytes, which may be no message.
        handle = self._subscription.handle
        with handle:
            while (taken := handle.take_message(self._subscription.msg_type, True)) is not None:
                self._subscription.callback(taken[0])

    def _ask(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        was = self.enabled
        try:
            state = self._switch.ask(request.data)
        except ValueError as error:
            response.success, response.message = False, str(error)
            return response
        self._adopted(state.enabled != was)
        response.success = True
        response.message = f"perception is {'on' if state.enabled else 'off'}"
        return response

    def _hear(self, message: PerceptionState) -> None:
        self._has_heard = True
        was = self.enabled
        when = (message.stamp.sec, message.stamp.nanosec)
        if self._switch.hear(SwitchState(message.sequence, message.enabled, message.changed_by, when)):
            self._adopted(self.enabled != was)
