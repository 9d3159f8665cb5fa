"""Real nodes and the test's own in one executor, which the test spins until what it waits for has come."""

import time
from collections.abc import Callable

import rclpy
from lifecycle_msgs.srv import GetState
from rcl_interfaces.msg import Log
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile

from emotion_recognition.nodes.conversions import stamp_ns
from emotion_recognition.parameters import declarations

DEADLINE_S = 30.0


class Bench:
    """Nodes under test, publishers and listeners of the test, all in one namespace."""

    def __init__(self, context, namespace: str):
        self.context = context
        self.namespace = namespace
        self.node = rclpy.create_node("test", context=context, namespace=namespace, use_global_arguments=False)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.nodes = []
        self._log = []
        # Kept by its publishers for a while: a line written before the subscription was matched is not missed.
        qos = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(Log, "/rosout", self._log.append, qos)

    def add(self, make, *ros_args: str, started: bool = True, **parameters):
        """Make a node with parameters, and start it as it would start by itself.

        Unless they say otherwise it listens at once, whoever listens to it.
        """
        if started and "on_demand" in declarations(make.NAME):
            parameters.setdefault("on_demand", False)
        node = make(
            context=self.context,
            namespace=self.namespace,
            use_global_arguments=False,
            cli_args=["--ros-args", *ros_args],
            parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()],
        )
        self.nodes.append(node)
        self.executor.add_node(node)
        if started:
            assert node.autostart(), "the node does not start"
        return node

    def publisher(self, message_type, topic: str, qos=10):
        """Return a publisher that a node under test listens to."""
        publisher = self.node.create_publisher(message_type, topic, qos)
        self.until(publisher.get_subscription_count, f"somebody listens to {publisher.topic_name}")
        return publisher

    def listen(self, message_type, topic: str, qos=1000) -> list:
        """Return the list that the topic's messages will be appended to."""
        heard = []
        subscription = self.node.create_subscription(message_type, topic, heard.append, qos)
        self.until(subscription.get_publisher_count, f"somebody publishes {subscription.topic_name}")
        return heard

    def until(self, condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S):
        """Spin until the condition holds and return its value; fail after the deadline."""
        end = time.monotonic() + deadline_s
        while not (value := condition()):
            assert time.monotonic() < end, f"not within {deadline_s} s: {what}; log: {[line.msg for line in self._log]}"
            self.executor.spin_once(timeout_sec=0.02)
        return value

    def settle(self) -> None:
        """Spin until the nodes have taken what was published to them before; in one process it has arrived already."""
        for _ in range(20):
            self.executor.spin_once(timeout_sec=0.002)
        workers = [node.worker for node in self.nodes if node.worker]
        self.until(lambda: all(worker.is_idle for worker in workers), "the nodes have worked off what they took")

    def call(self, service_type, name: str, request, again_after_s: float = DEADLINE_S):
        """Call a service from outside the node that offers it, and return the answer.

        Args:
            again_after_s: ask again where no answer has come; a server that has not yet discovered the client's end
                drops its answer.
        """
        client = self.node.create_client(service_type, name)
        self.until(client.service_is_ready, f"service {name}", 60.0)
        asked = []

        def answered():
            if not asked or time.monotonic() > asked[-1][0] + again_after_s:
                asked.append((time.monotonic(), client.call_async(request)))
            return next((future for _, future in asked if future.done()), None)

        answer = self.until(answered, f"answer of {name}").result()
        self.node.destroy_client(client)
        return answer

    def state(self, name: str) -> int:
        """Return the life cycle's state of a node, given its full name."""
        return self.call(GetState, f"{name}/get_state", GetState.Request(), again_after_s=1.0).current_state.id

    def lines(self, node, least: int = Log.WARN) -> list[str]:
        """Return what a node has logged up to now at WARN or above, in order."""
        mark = f"mark {time.monotonic_ns()}"
        name = node.get_logger().name
        node.get_logger().info(mark)
        self.until(lambda: any(line.msg == mark for line in self._log), f"{mark} of {name}")
        return [line.msg for line in self._log if line.name == name and line.level >= least]

    def now_ns(self) -> int:
        """Return ROS time."""
        return self.node.get_clock().now().nanoseconds

    def close(self) -> None:
        """Take everything down."""
        for node in (*self.nodes, self.node):
            self.executor.remove_node(node)
            node.destroy_node()
        self.executor.shutdown()


def stamps(messages) -> list[int]:
    """Return the header stamps of messages in nanoseconds."""
    return [stamp_ns(message.header.stamp) for message in messages]
