import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.classifiers.classification import named_softmax


def test_a_column_the_table_lacks_has_no_say():
    logits = np.array([0.0, 50.0, math.log(3), 0, 0, 0, 0, 0])
    np.testing.assert_allclose(named_softmax(logits, (1, 3), 1.0), [0.25, 0.75])


def test_the_table_gives_the_order():
    logits = np.array([0.0, 0, math.log(3), 0, 0, 0, 0, 0])
    np.testing.assert_allclose(named_softmax(logits, (3, 1), 1.0), [0.75, 0.25])


def test_temperature_divides_the_logits():
    logits = np.array([0.0, math.log(9), 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(named_softmax(logits, (1, 2), 2.0), [0.25, 0.75])


@given(st.lists(st.floats(-3e38, 3e38), min_size=8, max_size=8), st.sets(st.integers(1, 8), min_size=1))
def test_any_finite_logits_give_a_distribution(logits, table):
    found = named_softmax(np.array(logits, np.float32), tuple(table), 1.0)
    assert np.isfinite(found).all() and found.min() >= 0
    assert found.sum() == pytest.approx(1, abs=1e-9)
