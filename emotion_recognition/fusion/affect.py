"""Valence and arousal of the emotion classes, and of a distribution over them.

The coordinates are mean ratings of the classes' adjectives by English speakers: Warriner, Kuperman & Brysbaert, "Norms
of valence, arousal, and dominance for 13,915 English lemmas", Behavior Research Methods 45 (2013), 1191-1207,
https://doi.org/10.3758/s13428-012-0314-x, columns V.Mean.Sum and A.Mean.Sum of the published table, on a scale from 1
(unhappy, calm) to 9 (happy, excited), read in November 2026 from https://github.com/JULIELab/XANEW, file
Ratings_Warriner_et_al.csv. They are shifted and scaled here so that 1 becomes -1, 5 becomes 0 and 9 becomes 1.

They rate words, not faces or voices, and the scale's middle is not the word "neutral": a neutral face has an arousal of
-0.39 by them. That is left as published.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np

from emotion_recognition import emotions

SCALE_MIDDLE = 5.0
SCALE_HALF = 4.0

# Class id: the word rated, its mean valence and its mean arousal, 1 to 9.
RATINGS = {
    emotions.NEUTRAL: ("neutral", 5.50, 3.45),
    emotions.CALM: ("calm", 6.89, 1.67),
    emotions.HAPPY: ("happy", 8.47, 6.05),
    emotions.SAD: ("sad", 2.10, 3.49),
    emotions.ANGRY: ("angry", 2.53, 6.20),
    emotions.FEARFUL: ("fearful", 2.66, 5.45),
    emotions.DISGUST: ("disgusted", 2.68, 4.89),
    emotions.SURPRISED: ("surprised", 6.57, 5.95),
}
COORDINATES = {
    number: ((valence - SCALE_MIDDLE) / SCALE_HALF, (arousal - SCALE_MIDDLE) / SCALE_HALF)
    for number, (_, valence, arousal) in RATINGS.items()
}


def valence_arousal(probabilities: Sequence[float], class_ids: Sequence[int]) -> tuple[float, float]:
    """Return the probability-weighted mean of the classes' coordinates.

    Args:
        probabilities: (C,), sum 1.
        class_ids: the label table beside them.

    Returns:
        Valence from -1 (unpleasant) to 1 (pleasant), arousal from -1 (passive) to 1 (active).
    """
    valence, arousal = (np.asarray(probabilities, float) @ _coordinates(tuple(class_ids))).tolist()
    return valence, arousal


@functools.cache
def _coordinates(class_ids: tuple[int, ...]) -> np.ndarray:
    return np.array([COORDINATES[number] for number in class_ids])


def nearest_class(number: int, candidates: Sequence[int]) -> int:
    """Return the candidate nearest to a class in the valence-arousal plane; for calm among all others it is neutral.

    Raises:
        ValueError: there is no candidate.
    """
    here = COORDINATES[number]
    return min(candidates, key=lambda other: math.dist(here, COORDINATES[other]))
