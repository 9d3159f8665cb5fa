"""What a voice is asked beside its emotion while the network learns: how strongly it is played, and the speaker's sex.

A network that has to hear both apart from the emotion keeps less of them in what it takes for the emotion. The robot's
network has no columns for them.
"""

from collections.abc import Sequence

import numpy as np

from emotion_recognition.datasets.clips import SEXES, Clip
from emotion_recognition.training.objectives import UNKNOWN

# Columns of each task.
SIDE_TASKS = {"intensity": 2, "sex": len(SEXES)}
SIZES = tuple(SIDE_TASKS.values())
# What the data sets call weak and strong; CREMA-D's medium is neither.
_INTENSITIES = {("ravdess", 1): 0, ("ravdess", 2): 1, ("cremad", 1): 0, ("cremad", 3): 1}


def side_targets(clips: Sequence[Clip]) -> np.ndarray:
    """Return the column of each clip in each of SIDE_TASKS, int64 (N, tasks), UNKNOWN where nothing is known."""
    return np.array(
        [
            (_INTENSITIES.get((clip.corpus, clip.intensity), UNKNOWN), SEXES.index(clip.sex) if clip.sex else UNKNOWN)
            for clip in clips
        ],
        np.int64,
    ).reshape(len(clips), len(SIDE_TASKS))
