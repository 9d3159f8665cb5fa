"""Guard over a sensor's stamps: what is zero, old, from the future or from before is not used."""

import math
from dataclasses import dataclass

SECOND_NS = 1_000_000_000
# A clock set back by less is corrected, not restarted; a sensor's earlier timeline must last as long to be believed.
RESTART_NS = SECOND_NS
# A message's seconds have 32 bits, which end in January 2038; a day before that every window still ends in time.
LATEST_NS = (2**31 - 1 - 86_400) * SECOND_NS


@dataclass(frozen=True)
class Verdict:
    """What to do with a message.

    Attributes:
        accepted: use it.
        problem: why not, with the value and what is allowed; empty when accepted.
        restarted: time began anew with this message (a looped bag, a restarted simulation or sensor): drop whatever
            was kept from before. Only with ``accepted``.
    """

    accepted: bool
    problem: str = ""
    restarted: bool = False


class StampGuard:
    """Accepts a sensor's stamps while they go forward and lie near the node's clock.

    Args:
        max_age_s: oldest stamp accepted, seconds before now; ``math.inf`` switches the check off.
        max_future_s: newest stamp accepted, seconds after now; likewise.

    Raises:
        ValueError: a limit is negative or not a number.
    """

    def __init__(self, max_age_s: float = 2.0, max_future_s: float = 0.5):
        for name, value in (("max_age_s", max_age_s), ("max_future_s", max_future_s)):
            if not value >= 0:
                raise ValueError(f"{name} is {value}, expected 0 or more seconds")
        self.max_age_s = max_age_s
        self.max_future_s = max_future_s
        self.reset()

    def reset(self) -> None:
        """Forget every stamp seen."""
        self._last: int | None = None
        self._last_now: int | None = None
        self._restart = False
        # Newest stamp of a timeline before the accepted one, and the node's time when it was first seen.
        self._earlier: int | None = None
        self._earlier_since = 0

    def check(self, stamp_ns: int, now_ns: int) -> Verdict:
        """Judge one message's stamp.

        A stamp not after the last accepted one is refused, unless time itself began anew: the node's clock went back
        by RESTART_NS or more since the last call, or the sensor has kept to one earlier, rising timeline for longer
        than RESTART_NS of the node's clock.

        Args:
            stamp_ns: header stamp.
            now_ns: the node's clock (ROS time).
        """
        if self._last_now is not None and self._last_now - now_ns >= RESTART_NS:
            self.reset()
            self._restart = True
        self._last_now = now_ns
        problem = self._range_problem(stamp_ns, now_ns)
        if problem:
            return Verdict(False, problem)
        if self._last is not None and stamp_ns <= self._last:
            if not self._earlier_lasts(stamp_ns, now_ns):
                return Verdict(False, self._order_problem(stamp_ns))
            self._restart = True
        restarted, self._restart = self._restart, False
        self._last, self._earlier = stamp_ns, None
        return Verdict(True, restarted=restarted)

    def _range_problem(self, stamp_ns: int, now_ns: int) -> str:
        if stamp_ns <= 0:
            return f"stamp {_seconds(stamp_ns)} s is not set: expected the time the sensor measured"
        if stamp_ns > LATEST_NS:
            return (
                f"stamp {_seconds(stamp_ns)} s is too late for messages: expected at most {LATEST_NS // SECOND_NS} s, "
                "in January 2038"
            )
        if now_ns <= 0 and math.isfinite(self.max_future_s):
            return (
                f"stamp {_seconds(stamp_ns)} s, but the node's clock stands at {_seconds(now_ns)} s: with "
                "use_sim_time something must publish /clock"
            )
        age_ns = now_ns - stamp_ns
        if age_ns > self.max_age_s * SECOND_NS:
            return f"stamp {_seconds(stamp_ns)} s is {_short(age_ns)} s old: expected at most {self.max_age_s:g} s"
        if -age_ns > self.max_future_s * SECOND_NS:
            return (
                f"stamp {_seconds(stamp_ns)} s is {_short(-age_ns)} s in the future: expected at most "
                f"{self.max_future_s:g} s"
            )
        return ""

    def _order_problem(self, stamp_ns: int) -> str:
        if stamp_ns == self._last:
            return f"stamp {_seconds(stamp_ns)} s repeats the last one: expected a later stamp"
        return (
            f"stamp {_seconds(stamp_ns)} s is {_short(self._last - stamp_ns)} s before the last one, "
            f"{_seconds(self._last)} s: expected a later stamp"
        )

    def _earlier_lasts(self, stamp_ns: int, now_ns: int) -> bool:
        """Follow the timeline before the accepted one; tell whether it has lasted long enough to be the new one."""
        if stamp_ns == self._last:
            return False
        if self._earlier is None or stamp_ns <= self._earlier:
            self._earlier_since = now_ns
        self._earlier = stamp_ns
        return now_ns - self._earlier_since > RESTART_NS


def _seconds(time_ns: int) -> str:
    """Return nanoseconds as seconds with nine decimals, exactly."""
    sign = "-" if time_ns < 0 else ""
    return f"{sign}{abs(time_ns) // SECOND_NS}.{abs(time_ns) % SECOND_NS:09d}"


def _short(span_ns: int) -> str:
    return f"{span_ns / SECOND_NS:.3f}"
