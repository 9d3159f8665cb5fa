"""How far arrays of two machines lie apart, and what is said of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotion_recognition.emulation import LIMIT, compare, table, worst

FINITE = st.floats(-1e6, 1e6)


def one(expected, found, name="stage/name"):
    (difference,) = compare({name: np.asarray(expected)}, {name: np.asarray(found)})
    return difference


def test_the_largest_difference_of_an_array():
    difference = one([0.5, -0.25, 0.0], [0.5, -0.26, 0.001], "networks, ncnn/face logits")
    assert (difference.stage, difference.name, difference.size) == ("networks, ncnn", "face logits", 3)
    assert difference.absolute == pytest.approx(0.01) and difference.relative == difference.absolute
    assert difference.largest == 0.5


def test_large_values_may_differ_in_proportion():
    difference = one([-500.0, 2.0], [-500.0, 2.01])
    assert difference.absolute == pytest.approx(0.01) and difference.relative == pytest.approx(0.01 / 500)


def test_whole_numbers_do_not_wrap():
    assert one(np.array([0, 255], np.uint8), np.array([1, 254], np.uint8)).absolute == 1
    assert one(np.array([3], np.uint8), np.array([5], np.uint8)).absolute == 2


@pytest.mark.parametrize(
    "expected, found",
    [([1.0, 2.0], [1.0]), ([1.0], [[1.0]]), ([1.0], [math.nan]), ([math.nan], [math.nan]), ([math.inf], [math.inf])],
)
def test_what_cannot_be_compared_is_infinitely_far_apart(expected, found):
    difference = one(expected, found)
    assert difference.absolute == difference.relative == math.inf
    assert "too far" in table([difference])


def test_empty_arrays_are_alike():
    assert one(np.empty((0, 4)), np.empty((0, 4))).absolute == 0


def test_a_stage_that_one_machine_lacks_is_named():
    with pytest.raises(ValueError, match="arrays a/x, b/y are in one of both only"):
        compare({"a/x": np.zeros(1), "c/z": np.zeros(1)}, {"b/y": np.zeros(1), "c/z": np.zeros(1)})
    with pytest.raises(ValueError, match="at least one"):
        compare({}, {})


@given(arrays(np.float64, 5, elements=FINITE), arrays(np.float64, 5, elements=FINITE))
def test_the_share_is_never_above_the_difference(expected, found):
    difference = one(expected, found)
    assert 0 <= difference.relative <= difference.absolute == np.abs(expected - found).max()


def test_the_table_has_the_worst_array_of_each_stage_in_order():
    expected = {"b/small": np.ones(3), "b/large": np.full(3, 1000.0), "a/only": np.ones(2)}
    found = {"b/small": np.ones(3) + 2e-4, "b/large": np.full(3, 1000.01), "a/only": np.ones(2) + 5e-5}
    differences = compare(expected, found)
    assert {stage: one.name for stage, one in worst(differences).items()} == {"b": "small", "a": "only"}
    rows = table(differences).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| b", "| a"]
    assert rows[0].endswith("| too far |") and rows[1].endswith("| ok |")
    assert LIMIT == 1e-4
