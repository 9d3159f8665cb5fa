"""Which topics of a bag play which part: found by their types and names, or given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emotion_recognition.bags.reading import Bag, Topic
from emotion_recognition.bags.writing import AUDIO, AUDIO_INFO, AUDIO_PLAIN, COMPRESSED_IMAGE, EMOTION, IMAGE, TEXT

# The parts there are, and the types that can play them.
PARTS = {
    "image": (IMAGE, COMPRESSED_IMAGE),
    "audio": (AUDIO, AUDIO_PLAIN),
    "audio_info": (AUDIO_INFO,),
    "fused": (EMOTION,),
    "face": (EMOTION,),
    "speech": (EMOTION,),
    "labels": (TEXT, EMOTION),
}
# Names by which an Emotion topic is known, by the end of its name; others, such as emotion/raw, are not judged.
_EMOTION_ENDS = {"fused": "emotion", "face": "emotion/face", "speech": "emotion/speech"}
_LABEL_ENDS = ("labels", "label")
# Words in the names of pictures that no face detector wants.
_NO_COLOUR = ("depth", "infra", "thermal", "mask", "debug")


@dataclass(frozen=True)
class Sources:
    """The topic of each part that a bag has; ``others`` are of a type that fits but were not chosen."""

    topics: dict[str, Topic] = field(default_factory=dict)
    others: tuple[Topic, ...] = ()

    def get(self, part: str) -> Topic | None:
        """Return the topic of a part, None if the bag has none."""
        return self.topics.get(part)

    @property
    def has_sensors(self) -> bool:
        """Whether there is something to perceive."""
        return "image" in self.topics or "audio" in self.topics

    @property
    def perceived(self) -> tuple[str, ...]:
        """The streams that can be computed: ``face``, ``speech``."""
        return tuple(stream for part, stream in (("image", "face"), ("audio", "speech")) if part in self.topics)

    @property
    def has_emotions(self) -> bool:
        """Whether there are decisions that were recorded."""
        return any(part in self.topics for part in _EMOTION_ENDS)


def find_sources(bag: Bag, given: Mapping[str, str] | None = None) -> Sources:
    """Return the topics of a bag by their parts.

    Of several that fit, one that has messages is taken, then one in colour, one named as this package's, raw before
    compressed, and with the most messages.

    Args:
        bag: an open bag.
        given: names of topics by part; parts with an empty name are left out.

    Raises:
        ValueError: a part is not known, or the bag has no such topic of a type that fits.
    """
    given = dict(given or {})
    found: dict[str, Topic] = {}
    for part, name in given.items():
        if part not in PARTS:
            raise ValueError(f"topic {part}={name}: expected one of {', '.join(PARTS)}")
        if name:
            found[part] = _named(bag, part, name)
    taken = {topic.name for topic in found.values()}
    candidates = [topic for topic in bag.topics.values() if topic.name not in taken]
    others: list[Topic] = []
    for part in (part for part in PARTS if part not in given):
        fitting = [topic for topic in candidates if topic.type in PARTS[part] and _may_be(part, topic)]
        fitting.sort(key=lambda topic: _preference(part, topic))
        if fitting:
            found[part] = fitting[0]
            others += fitting[1:]
    return Sources({part: found[part] for part in PARTS if part in found}, tuple(others))


def _named(bag: Bag, part: str, name: str) -> Topic:
    topic = bag.topics.get(name) or bag.topics.get(f"/{name}")
    if topic is None:
        raise ValueError(f"bag {bag.name}, topic {name}: there is none; it has {', '.join(bag.topics) or 'no topics'}")
    if topic.type not in PARTS[part]:
        raise ValueError(f"bag {bag.name}, topic {name}: is of {topic.type}, expected {' or '.join(PARTS[part])}")
    return topic


def _may_be(part: str, topic: Topic) -> bool:
    name = topic.name
    if part == "labels":
        return topic.type == TEXT and name.rpartition("/")[2].endswith(_LABEL_ENDS)
    end = _EMOTION_ENDS.get(part)
    return end is None or name == f"/{end}" or name.endswith(f"/{end}")


def _preference(part: str, topic: Topic) -> tuple:
    name = topic.name.lower()
    own = {"image": ("/image", "/image/compressed"), "audio": ("/audio_stamped", "/audio")}.get(part, (f"/{part}",))
    return (
        topic.count == 0,
        any(word in name for word in _NO_COLOUR),
        not name.endswith(own),
        PARTS[part].index(topic.type),
        -topic.count,
        name,
    )
