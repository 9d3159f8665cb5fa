"""Whether perception is switched on: a register of which every node keeps a copy, the same everywhere in the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from emotion_recognition.stamps import SECOND_NS

# sequence is a uint64 on the topic.
LAST_SEQUENCE = 2**64 - 1


@dataclass(frozen=True)
class SwitchState:
    """One state of the switch; the fields are those of msg/PerceptionState.msg.

    Attributes:
        sequence: 0 to LAST_SEQUENCE.
        enabled: whether perception is on.
        changed_by: full name of the node that was asked; empty before anybody was.
        when: seconds and nanoseconds of the wall clock at which it was asked.
    """

    sequence: int = 0
    enabled: bool = True
    changed_by: str = ""
    when: tuple[int, int] = (0, 0)

    def holds_over(self, other: "SwitchState") -> bool:
        """Tell whether this state replaces another: the larger sequence does, and off where both have one.

        Who and when come last, so that of any two states that differ one replaces the other, whoever compares them.
        """
        return self._rank > other._rank

    @property
    def _rank(self) -> tuple:
        return self.sequence, not self.enabled, self.changed_by, self.when


class Switch:
    """One node's copy of the register.

    Copies that have heard the same states are the same, in whatever order and however often they heard them.

    Args:
        name: full name of the node.
        clock: wall clock, nanoseconds.
    """

    def __init__(self, name: str, clock: Callable[[], int] = time.time_ns):
        self._name, self._clock = name, clock
        self.state = SwitchState()

    @property
    def enabled(self) -> bool:
        """Whether perception is on."""
        return self.state.enabled

    def ask(self, enabled: bool) -> SwitchState:
        """Switch perception on or off for every node that hears of it; return the state to tell the others.

        Raises:
            ValueError: no sequence is left to switch on with. Off can always be said.
        """
        state = self.state
        if state.sequence == LAST_SEQUENCE and enabled == state.enabled:
            return state
        sequence = min(state.sequence + 1, LAST_SEQUENCE)
        asked = SwitchState(sequence, enabled, self._name, divmod(self._clock(), SECOND_NS))
        if not asked.holds_over(state):
            raise ValueError(
                f"{state.changed_by or 'somebody'} switched perception off with the last sequence there is, "
                f"{LAST_SEQUENCE}: it stays off until all nodes are started anew"
            )
        self.state = asked
        return asked

    def hear(self, heard: SwitchState) -> bool:
        """Take what another copy says; return whether it holds over what was known, and is to be passed on."""
        if not heard.holds_over(self.state):
            return False
        self.state = heard
        return True
