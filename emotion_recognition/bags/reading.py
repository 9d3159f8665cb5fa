"""Rosbag2 folders as streams of serialized messages, in memory that does not grow with the bag.

Sqlite3 and MCAP, compressed by file, message or chunk, through rosbags. What is damaged is read as far as it can be
(:mod:`emotion_recognition.bags.salvage`), and ``problems`` names bag, topic and offset: such a bag is partial.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, ReaderError

from emotion_recognition.bags import salvage
from emotion_recognition.bags.problems import Problems
from emotion_recognition.bags.types import TypeStore, UnknownTypeError

METADATA = "metadata.yaml"
NO_TIME = 2**63 - 1


class BagError(ValueError):
    """Nothing can be read of a bag; the text names it, what was found and what was expected."""


@dataclass(frozen=True)
class Topic:
    """A topic of a bag: its name, its type (``sensor_msgs/msg/Image``) and its number of messages."""

    name: str
    type: str
    count: int


@dataclass(frozen=True, eq=False)
class BagMessage:
    """A message as it was recorded: ``time_ns`` is that of its receipt, ``data`` its serialized form (CDR)."""

    topic: Topic
    time_ns: int
    data: bytes


class Bag:
    """An open bag; a context manager.

    Attributes:
        name: of its folder.
        topics: by name.
        start_ns: time of its first message; None for a bag without messages.
        last_ns: time of the last message that was read.
        problems: what could not be read; complete once :meth:`messages` has ended.

    Args:
        path: the bag's folder, or a single file of one (``.mcap``, ``.db3``).

    Raises:
        BagError: there is no such folder, it holds no recording, or nothing in it can be read.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.name = self.path.resolve().name
        self.problems = Problems(self.name)
        self.types = TypeStore()
        self._stack = contextlib.ExitStack()
        self._readers: list[Reader] = []
        self._salvaged: list[salvage.Damaged] = []
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        starts = [reader.start_time for reader in self._readers if reader.message_count]
        starts += [one.start_ns for one in self._salvaged if one.start_ns is not None]
        self.start_ns: int | None = min(starts, default=None)
        self.problems.start_ns = self.start_ns
        self.last_ns = self.start_ns or 0
        self.topics = self._find_topics()

    def __enter__(self) -> "Bag":
        """Return itself."""
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the bag."""
        self.close()

    def close(self) -> None:
        """Close the bag's files; may be called twice."""
        self._stack.close()

    def messages(self, topics: Sequence[Topic] = (), from_ns: int | None = None) -> Iterator[BagMessage]:
        """Yield the messages of some topics, all if none are named, in the order of their receipt.

        Args:
            topics: of this bag.
            from_ns: begin with messages of this time.
        """
        wanted = {topic.name: topic for topic in topics or self.topics.values()}
        for message in self._messages(wanted, from_ns):
            self.last_ns = max(self.last_ns, message.time_ns)
            yield message

    def _messages(self, wanted: dict[str, Topic], from_ns: int | None) -> Iterator[BagMessage]:
        for reader in self._readers:
            yield from self._read(reader, wanted, from_ns)
        for damaged in self._salvaged:
            yield from self._rescue(damaged, wanted, from_ns or 0)

    def _read(self, reader: Reader, wanted: dict[str, Topic], from_ns: int | None) -> Iterator[BagMessage]:
        chosen = [one for one in reader.connections if one.topic in wanted]
        last_ns = from_ns or 0
        if not chosen:
            return
        try:
            for connection, time_ns, data in reader.messages(chosen, start=from_ns):
                last_ns = time_ns
                yield BagMessage(wanted[connection.topic], time_ns, salvage.decompressed(data))
        except salvage.READ_ERRORS as error:
            self.problems.add("*", last_ns or None, f"cannot be read on: {salvage.reason(error)}")
        else:
            return
        # The order by time needs an index that may be what is lost; the messages themselves may be there.
        for file in _storage_files(reader.path):
            with contextlib.suppress(salvage.READ_ERRORS):
                yield from self._rescue(self._damaged(file), wanted, last_ns + 1, say=False)

    def _rescue(
        self, damaged: salvage.Damaged, wanted: dict[str, Topic], from_ns: int, say: bool = True
    ) -> Iterator[BagMessage]:
        last_ns = None
        try:
            for name, time_ns, data in damaged.messages():
                last_ns = time_ns
                if name in wanted and time_ns >= from_ns:
                    yield BagMessage(wanted[name], time_ns, data)
        except salvage.READ_ERRORS as error:
            if say:
                self.problems.add("*", last_ns, f"{damaged.path.name} cannot be read on: {salvage.reason(error)}")

    def _open(self) -> None:
        if not self.path.exists():
            raise BagError(f"bag {self.name}: {self.path}: no such folder; expected a rosbag2 folder")
        files = _storage_files(self.path)
        if not files:
            raise BagError(
                f"bag {self.name}, topic *, offset 0.000 s: holds no recording; expected a rosbag2 folder with "
                f"{METADATA} and .mcap or .db3 files"
            )
        if self.path.is_dir() and not (self.path / METADATA).is_file():
            self.problems.add("*", None, f"{METADATA} is missing: its files are read by themselves")
        elif self._try(self.path):
            return
        for file in files:
            if file.suffix == ".zstd" or not self._try(file, say=False):
                self._salvage(file)
        if not self._readers and not self._salvaged:
            raise BagError("; ".join(self.problems.lines()))

    def _try(self, path: Path, say: bool = True) -> bool:
        """Open through rosbags; return whether that went well."""
        try:
            reader = Reader(path)
            reader.open()
        except salvage.READ_ERRORS as error:
            if say:
                self.problems.add("*", None, f"cannot be opened as a whole: {salvage.reason(error)}")
            return False
        self._stack.callback(reader.close)
        self._readers.append(reader)
        return True

    def _damaged(self, file: Path) -> salvage.Damaged:
        if file.suffix == ".zstd":
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
            file, problem = salvage.decompress_file(file, folder)
            if problem:
                self.problems.add("*", None, f"{file.name}.zstd ends early: {problem}")
        return salvage.open_damaged(file)

    def _salvage(self, file: Path) -> None:
        try:
            self._salvaged.append(self._damaged(file))
        except (*salvage.READ_ERRORS, ReaderError) as error:
            self.problems.add("*", None, f"{file.name} cannot be read: {salvage.reason(error)}")

    def _find_topics(self) -> dict[str, Topic]:
        found: dict[str, Topic] = {}
        for connection in self._connections():
            known = found.get(connection.topic)
            if known is not None and known.type != connection.msgtype:
                self.problems.add(
                    connection.topic, None, f"is of {known.type} and of {connection.msgtype}: expected one type"
                )
                continue
            count = connection.msgcount + (known.count if known else 0)
            found[connection.topic] = Topic(connection.topic, connection.msgtype, count)
            self.types.add(connection.msgtype, connection.msgdef.data)
        for damaged in self._salvaged:
            for name, (kind, definition) in damaged.topics.items():
                found.setdefault(name, Topic(name, kind, 0))
                self.types.add(kind, definition)
        return dict(sorted(found.items()))

    def _connections(self) -> list[Connection]:
        return [connection for reader in self._readers for connection in reader.connections]

    def decode(self, message: BagMessage) -> object:
        """Return a message's fields as an object that has them as attributes.

        Raises:
            ValueError: its type is unknown, or the bytes are not of it.
        """
        try:
            return self.types.decode(message.topic.type, message.data)
        except UnknownTypeError:
            raise
        except Exception as error:
            raise ValueError(f"{len(message.data)} bytes are no {message.topic.type}: {error}") from error


def _storage_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix in salvage.SUFFIXES else []
    names = (path.glob(f"*{suffix}{end}") for suffix in salvage.SUFFIXES for end in ("", ".zstd"))
    return sorted((file for group in names for file in group), key=_by_number)


def _by_number(file: Path) -> tuple[int, str]:
    """Sort as ros2 bag numbers its files: bag_2 before bag_10."""
    stem = file.name.split(".")[0]
    number = stem.rpartition("_")[2]
    return (int(number) if number.isdigit() else 0, file.name)
