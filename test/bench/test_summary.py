import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.bench import latencies_ms, percentiles, summarise

NUMBERS = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


def test_known_values_in_short():
    found = summarise([4.0, 1.0, 2.0, 3.0, 10.0])
    short = {"median": 3, "q1": 2, "q3": 4, "iqr": 2, "mean": 4, "least": 1, "n": 5, "cpu_median": None}
    assert found.to_json() == short
    assert summarise([4.0, 6.0], [1.0, 2.0]).to_json() == {**summarise([4.0, 6.0]).to_json(), "cpu_median": 1.5}


@given(NUMBERS)
def test_they_are_in_order_whatever_the_order_of_the_values(values):
    found = summarise(values)
    assert found.least <= found.q1 <= found.median <= found.q3 <= max(values)
    assert found == summarise(values[::-1]) or found.mean == pytest.approx(summarise(values[::-1]).mean)


def test_percentiles_of_known_values():
    assert percentiles(range(101)) == {"p50": 50, "p95": 95, "p99": 99, "max": 100, "n": 101}


@pytest.mark.parametrize("function", [summarise, percentiles])
@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")], np.ones((2, 2))])
def test_nothing_and_what_is_no_number_are_refused(function, values):
    with pytest.raises(ValueError, match="expected at least one, all finite"):
        function(values)


def test_latencies_count_only_what_was_sent_and_received_meanwhile():
    sent = {1_000_000, 2_000_000, 3_000_000}
    heard = [
        (1_000_000, 9_000_000),  # before
        (2_000_000, 10_000_000),
        (2_500_000, 12_000_000),  # of another sensor
        (3_000_000, 10_500_000),
        (3_000_000, 20_000_000),  # after
    ]
    assert latencies_ms(heard, sent, 10_000_000, 20_000_000) == [8.0, 7.5]
