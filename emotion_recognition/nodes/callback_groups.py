"""Callback groups that do not grow."""

import weakref
from typing import Any

from rclpy.callback_groups import CallbackGroup


def forget_destroyed(group: CallbackGroup) -> None:
    """Let a callback group drop its references to what is destroyed from now on.

    rclpy keeps one for ever to each subscription, timer and event that there ever was; a node makes new ones whenever
    it wakes.
    """

    def add_entity(entity: Any) -> None:
        group.entities.add(weakref.ref(entity, group.entities.discard))

    group.add_entity = add_entity
