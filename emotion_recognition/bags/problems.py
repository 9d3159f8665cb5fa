"""What is wrong with a bag: a line a kind of problem, with bag, topic and offset."""

from dataclasses import dataclass

from emotion_recognition.stamps import SECOND_NS

EVERY_TOPIC = "*"


@dataclass
class _Found:
    topic: str
    first_ns: int | None
    text: str
    count: int = 1
    last_ns: int | None = None


class Problems:
    """Collects problems; of those that are alike the first is told, with their number and the last one's offset.

    Attributes:
        start_ns: time of the bag's first message, which offsets are counted from.
    """

    def __init__(self, bag: str):
        self.bag = bag
        self.start_ns: int | None = None
        self._found: dict[tuple[str, str], _Found] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, topic: str, time_ns: int | None, text: str, kind: str = "") -> None:
        """Take a problem.

        Args:
            topic: its name, ``*`` for the whole bag.
            time_ns: of the message, as received; None: the beginning.
            text: what was found and what was expected.
            kind: problems of one topic and kind are alike; the text if left out.
        """
        known = self._found.get((topic, kind or text))
        if known is None:
            self._found[topic, kind or text] = _Found(topic, time_ns, text)
        else:
            known.count += 1
            known.last_ns = time_ns

    def lines(self) -> list[str]:
        """Return a line a kind of problem, in the order in which they were found."""
        return [self._line(found) for found in self._found.values()]

    def _line(self, found: _Found) -> str:
        line = f"bag {self.bag}, topic {found.topic}, offset {self._offset(found.first_ns)}: {found.text}"
        if found.count > 1:
            line += f" ({found.count - 1} more like this, the last at offset {self._offset(found.last_ns)})"
        return line

    def _offset(self, time_ns: int | None) -> str:
        if time_ns is None or self.start_ns is None:
            return "0.000 s"
        return f"{(time_ns - self.start_ns) / SECOND_NS:.3f} s"
