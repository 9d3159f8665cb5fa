import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition import emotions
from emotion_recognition.fusion.affect import COORDINATES, nearest_class, valence_arousal

ALL = tuple(range(1, 9))


def test_the_published_means_are_rescaled_from_1_to_9():
    """Happy: 8.47 and 6.05; sad: 2.10 and 3.49 (Warriner et al. 2013)."""
    assert COORDINATES[emotions.HAPPY] == pytest.approx((0.8675, 0.2625))
    assert COORDINATES[emotions.SAD] == pytest.approx((-0.725, -0.3775))


def test_every_class_has_coordinates_in_range():
    assert set(COORDINATES) == set(emotions.CLASS_IDS)
    assert np.abs(list(COORDINATES.values())).max() <= 1


def test_signs_are_those_of_the_circumplex():
    assert COORDINATES[emotions.HAPPY][0] > 0.5
    assert all(COORDINATES[number][0] < -0.5 for number in (emotions.SAD, emotions.ANGRY, emotions.FEARFUL))
    assert COORDINATES[emotions.ANGRY][1] > COORDINATES[emotions.SAD][1]
    assert COORDINATES[emotions.CALM][1] == min(arousal for _, arousal in COORDINATES.values())


def test_a_certain_class_has_its_own_coordinates():
    for index, number in enumerate(ALL):
        assert valence_arousal(np.eye(8)[index], ALL) == pytest.approx(COORDINATES[number])


def test_a_mixture_is_weighted_by_probability():
    found = valence_arousal([0.25, 0.75], (emotions.HAPPY, emotions.SAD))
    assert found == pytest.approx((0.25 * 0.8675 - 0.75 * 0.725, 0.25 * 0.2625 - 0.75 * 0.3775))


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8).filter(lambda found: sum(found) > 1e-6))
def test_any_distribution_stays_in_range(values):
    valence, arousal = valence_arousal(np.array(values) / sum(values), ALL)
    assert -1 <= valence <= 1 and -1 <= arousal <= 1


def test_calm_is_nearest_to_neutral_and_neutral_to_calm():
    assert nearest_class(emotions.CALM, [number for number in ALL if number != emotions.CALM]) == emotions.NEUTRAL
    assert nearest_class(emotions.NEUTRAL, [number for number in ALL if number != emotions.NEUTRAL]) == emotions.CALM
