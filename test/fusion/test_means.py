import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emotion_recognition.fusion.means import METHODS, arithmetic_mean, geometric_mean, to_common, transfer

ALL = tuple(range(1, 9))
NO_CALM = (1, 3, 4, 5, 6, 7, 8)


def distributions(size):
    """Distributions with zeros among them."""
    values = st.lists(st.sampled_from([0.0]) | st.floats(1e-9, 1), min_size=size, max_size=size)
    return values.filter(lambda found: sum(found) > 0).map(lambda found: np.array(found) / np.sum(found))


tables = st.sets(st.integers(1, 8), min_size=1).map(lambda found: tuple(sorted(found)))


def test_geometric_mean_is_equation_8_normalised():
    p, q = np.array([0.64, 0.36]), np.array([0.36, 0.64])
    np.testing.assert_allclose(geometric_mean(p, q), [0.5, 0.5])
    p, q = np.array([0.9, 0.1]), np.array([0.4, 0.6])
    roots = np.array([0.6, np.sqrt(0.06)])
    np.testing.assert_allclose(geometric_mean(p, q), roots / roots.sum())


def test_arithmetic_mean():
    np.testing.assert_allclose(arithmetic_mean(np.array([0.9, 0.1]), np.array([0.4, 0.6])), [0.65, 0.35])


def test_a_zero_in_one_stream_does_not_erase_the_other():
    """The floor, 1e-6, takes the zero's place: sqrt(0.99 * 1e-6) against sqrt(0.01 * 1)."""
    found = geometric_mean(np.array([0.99, 0.01]), np.array([0.0, 1.0]))
    expected = np.sqrt([0.99e-6, 0.01])
    np.testing.assert_allclose(found, expected / expected.sum())
    assert found[0] > 0.009


def test_two_certain_streams_that_disagree_share():
    found = geometric_mean(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(found, np.array([1e-3, 1e-3, 1e-6]) / 2.001e-3)


@pytest.mark.parametrize("mean", METHODS.values())
@given(distributions(8), distributions(8))
def test_means_are_distributions_whatever_the_order(mean, p, q):
    found = mean(p, q)
    assert np.isfinite(found).all() and found.min() >= 0
    assert found.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(found, mean(q, p), atol=1e-12)


@given(distributions(8))
def test_two_equal_streams_change_nothing(p):
    np.testing.assert_allclose(arithmetic_mean(p, p), p, atol=1e-12)
    np.testing.assert_allclose(geometric_mean(p, p), p, atol=1e-5)


@given(distributions(8), distributions(8))
def test_no_class_is_erased_by_the_geometric_mean(p, q):
    assert geometric_mean(p, q).min() > 0


@pytest.mark.parametrize(
    ("p", "q"),
    [([1.0], [0.5, 0.5]), ([], []), ([np.nan, 1], [0.5, 0.5]), ([-1, 2], [0.5, 0.5]), ([0, 0], [0.5, 0.5])],
)
@pytest.mark.parametrize("mean", METHODS.values())
def test_what_is_no_distribution_is_refused(mean, p, q):
    with pytest.raises(ValueError, match="distribution"):
        mean(np.array(p), np.array(q))


def test_a_face_that_cannot_say_calm_shares_neutral_as_the_voice_does():
    """The voice gives neutral and calm 0.1 and 0.3, so a quarter of the face's 0.6 stays neutral."""
    face = [0.6, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0]
    voice = [0.1, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    p, q, table = to_common(face, NO_CALM, voice, ALL)
    assert table == ALL
    np.testing.assert_allclose(p, [0.15, 0.45, 0.2, 0.1, 0.1, 0, 0, 0])
    np.testing.assert_allclose(q, voice)
    expected = np.sqrt(np.maximum(p, 1e-6) * np.maximum(q, 1e-6))
    np.testing.assert_allclose(geometric_mean(p, q), expected / expected.sum())
    assert geometric_mean(p, q).argmax() == 1


def test_a_voice_that_cannot_say_neutral_shares_calm_as_the_face_does():
    voice_table = (2, 3, 4, 5, 6, 7, 8)
    face = [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]
    voice = [0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]
    p, q, table = to_common(face, ALL, voice, voice_table)
    assert table == ALL
    np.testing.assert_allclose(p, face)
    np.testing.assert_allclose(q, [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])


def test_the_order_of_the_streams_does_not_matter():
    face, voice = [0.6, 0.2, 0.1, 0.1, 0, 0, 0], [0.1, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    p, q, _ = to_common(face, NO_CALM, voice, ALL)
    q2, p2, _ = to_common(voice, ALL, face, NO_CALM)
    np.testing.assert_allclose(p, p2)
    np.testing.assert_allclose(q, q2)


def test_where_the_other_stream_has_neither_class_the_mass_is_halved():
    p, _, _ = to_common([0.6, 0.4, 0, 0, 0, 0, 0], NO_CALM, [0, 0, 1, 0, 0, 0, 0, 0], ALL)
    np.testing.assert_allclose(p[:3], [0.3, 0.3, 0.4])


def test_a_class_both_streams_lack_is_left_out():
    p, q, table = to_common([0.5, 0.5, 0, 0, 0, 0, 0], NO_CALM, [1, 0, 0, 0, 0, 0, 0], NO_CALM)
    assert table == NO_CALM
    assert p.tolist() == [0.5, 0.5, 0, 0, 0, 0, 0] and q.tolist() == [1, 0, 0, 0, 0, 0, 0]


def test_streams_that_lack_each_others_class_agree_on_both():
    """One says neutral where the other says calm: neither knows the proportion, so both halve."""
    p, q, table = to_common([0.9, 0.1], (1, 5), [0.9, 0.1], (2, 5))
    assert table == (1, 2, 5)
    np.testing.assert_allclose(p, [0.45, 0.45, 0.1])
    np.testing.assert_allclose(q, [0.45, 0.45, 0.1])


def test_a_class_the_new_table_lacks_moves_to_its_nearest():
    found = transfer([0.1, 0.5, 0.4], (1, 2, 3), (1, 3), [0.5, 0.5], (1, 3))
    np.testing.assert_allclose(found, [0.6, 0.4])


@given(st.data(), tables, tables)
def test_a_transfer_loses_no_mass(data, own, other):
    p = data.draw(distributions(len(own)))
    q = data.draw(distributions(len(other)))
    a, b, table = to_common(p, own, q, other)
    assert set(table) == set(own) | set(other)
    for values in (a, b):
        assert np.isfinite(values).all() and values.min() >= 0
        assert values.sum() == pytest.approx(1, abs=1e-6)
    for mean in METHODS.values():
        assert mean(a, b).sum() == pytest.approx(1, abs=1e-6)


@given(st.data(), tables)
def test_with_one_table_nothing_is_changed(data, table):
    assume(len(table) > 0)
    p, q = data.draw(distributions(len(table))), data.draw(distributions(len(table)))
    a, b, _ = to_common(p, table, q, table)
    np.testing.assert_allclose(a, p)
    np.testing.assert_allclose(b, q)
