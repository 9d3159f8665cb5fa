"""A process with one robot that lives through simulated hours of faults; ``reliability.soak`` starts it and counts.

Every simulated minute something goes wrong for a while and is mended; within the minute a decision on face and voice
must come again. In the first ten minutes every kind of fault happens once, so that what each needs is in memory; a life
that is shorter begins without them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import psutil

from emotion_recognition.memory import GIVE_BACK_S, give_back_freed_memory, keep_freed_memory
from emotion_recognition.processes import own_domain
from emotion_recognition.reliability.incidents import INCIDENTS
from emotion_recognition.reliability.robot import STEP_NS, Robot
from emotion_recognition.reliability.workers import write_report
from emotion_recognition.stamps import SECOND_NS

MINUTE, GIVE_BACK = 60 * SECOND_NS // STEP_NS, round(GIVE_BACK_S * SECOND_NS / STEP_NS)  # steps
WARM_UP_MINUTES = 10
# Of a minute, in steps: when the fault begins and how long it lasts at most; what is left is for coming back.
BEGINS, LASTS = (3, 10), (3, 30)
# Of the warm-up, for each kind.
SHORT_BEGINS, SHORT_LASTS = 1, (6, 7)
# In so many of the last steps of a minute a decision on face and voice must come.
WHOLE_WITHIN = 8
MIB = 1 << 20
PROGRESS_MINUTES = 10


class Soak:
    """A robot's life.

    Attributes:
        not_recovered: minutes without a decision on face and voice after the fault, by its kind.
        minutes, kinds: lived through.
        rss_mib: resident memory at the end of the first ten minutes and of each further one, when free memory has not
            gone back for as long as it ever has not.
        given_back_mib: the same when it has.

    Args:
        robot: with its nodes at work.
        random: chooses the faults.
    """

    def __init__(self, robot: Robot, random: Random):
        self.robot, self._random = robot, random
        self.not_recovered: Counter[str] = Counter()
        self.minutes = 0
        self.kinds: list[str] = []
        self.rss_mib: list[float] = []
        self.given_back_mib: list[float] = []
        self._process = psutil.Process()
        self._kept = 0  # steps since free memory went back

    def warm_up(self) -> None:
        """Live through the first ten minutes, with every kind of fault once."""
        kinds = list(INCIDENTS)
        self._random.shuffle(kinds)
        steps = WARM_UP_MINUTES * MINUTE
        every = steps // len(kinds)
        for kind in kinds:
            self._suffer(kind, every, SHORT_BEGINS, self._random.randint(*SHORT_LASTS))
        self._live(steps - every * len(kinds))
        self.minutes += WARM_UP_MINUTES
        self._weigh()

    def minute(self) -> None:
        """Live through a minute with a fault."""
        (kind,) = self._random.choices(list(INCIDENTS), [one.weight for one in INCIDENTS.values()])
        begins, lasts = self._random.randint(*BEGINS), self._random.randint(*LASTS)
        self._suffer(kind, MINUTE, begins, lasts)
        self.minutes += 1
        self._weigh()

    def _suffer(self, kind: str, steps: int, begins: int, lasts: int) -> None:
        incident = INCIDENTS[kind]
        self.kinds.append(kind)
        self._live(begins)
        incident.begin(self.robot, self._random)
        self._live(lasts)
        self.robot.mend()
        if incident.end is not None:
            incident.end(self.robot)
        left = steps - begins - lasts
        self._live(max(0, left - WHOLE_WITHIN))
        before = self.robot.both
        self._live(min(left, WHOLE_WITHIN))
        if self.robot.both == before:
            self.not_recovered[kind] += 1

    def _live(self, steps: int) -> None:
        for _ in range(steps):
            if self._kept == GIVE_BACK:
                self._give_back()
            self.robot.step()
            self._kept += 1

    def _weigh(self) -> None:
        self.rss_mib.append(self._resident_mib())
        self._give_back()
        self.given_back_mib.append(self._resident_mib())

    def _give_back(self) -> None:
        """Give free memory back, which the nodes' processes do by themselves."""
        give_back_freed_memory()
        self._kept = 0

    def _resident_mib(self) -> float:
        return self._process.memory_info().rss / MIB

    def report(self) -> dict[str, Any]:
        """Return what was lived through and found."""
        ledger, judge = self.robot.bringup.ledger, self.robot.judge
        return {
            "minutes": self.minutes,
            "frames": self.robot.frames,
            "emotions": judge.emotions,
            "decisions": judge.decisions,
            "bad_emotions": judge.bad_emotions,
            "examples": judge.examples,
            "unhandled": ledger.unhandled,
            "unexpected": ledger.unexpected,
            "not_recovered": dict(self.not_recovered),
            "faults": dict(Counter(self.kinds)),
            "in_order": self.kinds,
            "rss_mib": [round(value, 2) for value in self.rss_mib],
            "given_back_mib": [round(value, 2) for value in self.given_back_mib],
        }


def main(args: list[str] | None = None) -> int:
    """Let a robot live for ``--minutes`` and leave what was found in ``--folder``."""
    parser = argparse.ArgumentParser(prog="reliability.soak_worker", description=__doc__)
    parser.add_argument("--minutes", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(args)
    keep_freed_memory()
    soak = Soak(Robot(int(own_domain()["ROS_DOMAIN_ID"])), Random(options.seed))
    try:
        if options.minutes >= WARM_UP_MINUTES:
            soak.warm_up()
        while soak.minutes < options.minutes:
            soak.minute()
            if soak.minutes % PROGRESS_MINUTES == 0:
                write_report(options.folder, soak.report())
    finally:
        write_report(options.folder, soak.report())
    soak.robot.bringup.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
