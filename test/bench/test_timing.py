import pytest

from emotion_recognition.bench import Candidate, interleaved, timing


class Clock:
    """Time that passes only where a candidate says so."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(timing.time, "process_time", lambda: self.now / 4)

    def takes(self, seconds, note=None, log=None):
        def run():
            self.now += seconds
            if log is not None:
                log.append(note)

        return run


def test_candidates_take_turns_after_two_runs_that_do_not_count(monkeypatch):
    clock, log = Clock(monkeypatch), []
    monkeypatch.setattr(timing, "ROUNDS", (2, 2))
    found = interleaved({"a": clock.takes(1, "a", log), "b": clock.takes(3, "b", log)}, seconds=0.1, repeats=2)
    assert "".join(log) == "ab" * 2 + "aabb" * 2
    assert (found["a"].median, found["b"].median, found["a"].n) == (1000, 3000, 4)


def test_what_is_prepared_is_not_timed(monkeypatch):
    clock = Clock(monkeypatch)
    found = interleaved({"a": Candidate(clock.takes(0.5), clock.takes(7))}, seconds=1)
    assert (found["a"].least, found["a"].mean, found["a"].cpu_median) == (500, 500, 125)


@pytest.mark.parametrize(("seconds", "rounds"), [(0, 7), (30, 10), (1e9, 300)])
def test_rounds_fill_the_time_within_limits(monkeypatch, seconds, rounds):
    clock = Clock(monkeypatch)
    assert interleaved({"a": clock.takes(1)}, seconds=seconds, repeats=3)["a"].n == 3 * rounds


def test_a_slow_first_run_does_not_count(monkeypatch):
    clock = Clock(monkeypatch)
    times = iter([100, 50])
    monkeypatch.setattr(timing, "ROUNDS", (4, 4))

    def run():
        clock.now += next(times, 1)

    assert interleaved({"a": run}, seconds=1)["a"].mean == 1000
