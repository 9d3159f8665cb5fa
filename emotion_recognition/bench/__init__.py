"""Measures this package on this machine, against goals and beside other packages; no node imports it.

``bench.timings`` times the cores on one thread, ``bench.live`` the nodes as processes, ``bench.peers`` what else a user
could pick; ``bench.report`` writes down what they found.
"""

from emotion_recognition.bench.goals import GOALS, judge
from emotion_recognition.bench.summary import Summary, latencies_ms, percentiles, summarise
from emotion_recognition.bench.timing import Candidate, interleaved

__all__ = [
    "GOALS",
    "Candidate",
    "Summary",
    "interleaved",
    "judge",
    "latencies_ms",
    "percentiles",
    "summarise",
]
