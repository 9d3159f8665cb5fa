"""Times of a stream's samples from the times its messages carry.

Times follow the sample count, because a message's own time jitters (a driver stamps when it wakes up; time of receipt
has the load of the machine in it). The count is pulled towards the messages' times with a time constant, so that the
drift of a sound card against the system clock (some 100 ppm) never adds up. Exact times pass through unchanged.
"""

from emotion_recognition.stamps import SECOND_NS


class SampleClock:
    """Times of consecutive chunks of one stream.

    Args:
        rate: sample rate in Hz.
        time_constant_s: time in which a deviation shrinks to 1 / e, in seconds of sound.
    """

    def __init__(self, rate: int, time_constant_s: float = 2.0):
        self.rate = rate
        self._time_constant_s = time_constant_s
        self._anchor_ns: int | None = None
        self._count = 0

    def place(self, first_sample_ns: int, count: int, tolerance_s: float) -> int | None:
        """Return the time of the first of ``count`` samples in ns, or None if they do not follow the last ones.

        None means a gap or an overlap of more than ``tolerance_s``; the clock is then as it was before the call.
        """
        if self._anchor_ns is None:
            self._anchor_ns, self._count = first_sample_ns, 0
        expected = self._anchor_ns + self._count * SECOND_NS // self.rate
        deviation = first_sample_ns - expected
        if abs(deviation) > tolerance_s * SECOND_NS:
            return None
        correction = round(deviation * min(1.0, count / self.rate / self._time_constant_s))
        self._anchor_ns += correction
        self._count += count
        return expected + correction
