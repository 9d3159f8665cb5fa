"""The emotion classes every model, message and report of this package shares, as data.

The ids are those of RAVDESS and of the paper, in the paper's order; 0 is UNKNOWN, which is also what a freshly
made message says.
"""

UNKNOWN = 0
NEUTRAL = 1
CALM = 2
HAPPY = 3
SAD = 4
ANGRY = 5
FEARFUL = 6
DISGUST = 7
SURPRISED = 8

LABELS = {
    NEUTRAL: "neutral",
    CALM: "calm",
    HAPPY: "happy",
    SAD: "sad",
    ANGRY: "angry",
    FEARFUL: "fearful",
    DISGUST: "disgust",
    SURPRISED: "surprised",
}
CLASS_IDS = tuple(LABELS)
# The paper's six, CREMA-D's, and those that RAVDESS shares with EMO-DB.
SIX = (NEUTRAL, HAPPY, SAD, ANGRY, FEARFUL, DISGUST)
UNKNOWN_LABEL = "unknown"

# Words for the same emotion. Not among them are neighbours such as anxious, relaxed or content.
SYNONYMS = {
    "afraid": FEARFUL,
    "anger": ANGRY,
    "calmness": CALM,
    "disgusted": DISGUST,
    "disgusting": DISGUST,
    "fear": FEARFUL,
    "fright": FEARFUL,
    "frightened": FEARFUL,
    "happiness": HAPPY,
    "joy": HAPPY,
    "joyful": HAPPY,
    "mad": ANGRY,
    "neutrality": NEUTRAL,
    "sadness": SAD,
    "scared": FEARFUL,
    "sorrow": SAD,
    "surprise": SURPRISED,
    "surprising": SURPRISED,
    "unhappy": SAD,
}
_BY_NAME = {**{label: number for number, label in LABELS.items()}, **SYNONYMS}


def class_id(name: str) -> int | None:
    """Return the class id a label or a common synonym of it names, whatever its case; None if it names none."""
    return _BY_NAME.get(name.strip().lower())


def label_of(number: int) -> str:
    """Return the label of a class id, ``unknown`` for 0.

    Raises:
        KeyError: no class has that id.
    """
    return UNKNOWN_LABEL if number == UNKNOWN else LABELS[number]
