"""Files of bags that rosbags refuses, read from their beginning for as long as they make sense.

A recorder that is killed, or a disk that is full, leaves an MCAP file without its index at the end and an sqlite file
without its last pages, both with everything before.
"""

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import apsw
import zstandard
from backports import zstd
from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.rosbag2 import ReaderError

SUFFIXES = (".mcap", ".db3")
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BLOCK = 1 << 20
# What reading a damaged file raises in rosbags, mcap, their decompressors and sqlite.
READ_ERRORS = (
    ReaderError, McapError, apsw.Error, sqlite3.Error, zstd.ZstdError, zstandard.ZstdError, OSError, EOFError,
    ValueError, KeyError,
    TypeError, IndexError, AssertionError, RuntimeError, struct.error, AttributeError,
)  # fmt: skip
Raw = tuple[str, int, bytes]


class Damaged(Protocol):
    """A file that is read without its index.

    Attributes:
        path: the file.
        topics: type and definition (empty where there is none) by name, as far as known.
        start_ns: time of its first message, None where none can be read.
    """

    path: Path
    topics: dict[str, tuple[str, str]]
    start_ns: int | None

    def messages(self) -> Iterator[Raw]:
        """Yield topic, time and bytes of each message; raises one of READ_ERRORS where the file makes no sense."""


def open_damaged(path: Path) -> Damaged:
    """Return a damaged file.

    Raises:
        One of READ_ERRORS: nothing in it can be read.
    """
    return DamagedMcap(path) if path.suffix == ".mcap" else DamagedSqlite(path)


def reason(error: BaseException) -> str:
    """Return an error in words."""
    text = str(error) or type(error).__name__
    if isinstance(error, EndOfFile):
        return "the file ends before the recording does"
    return text if isinstance(error, (ReaderError, OSError)) else f"{type(error).__name__}: {text}"


def decompressed(data: bytes) -> bytes:
    """Return a message's bytes, decompressed where they are not: CDR never begins as a zstd frame does.

    Raises:
        zstd.ZstdError: the frame is damaged.
    """
    return zstd.decompress(data) if data[:4] == ZSTD_MAGIC else data


def decompress_file(path: Path, folder: Path) -> tuple[Path, str]:
    """Decompress a file as far as it goes; return the new file, and why it ends early (empty where it does not)."""
    target = folder / path.name.removesuffix(".zstd")
    with path.open("rb") as packed, target.open("wb") as out:
        try:
            with zstd.open(packed) as stream:
                while block := stream.read(BLOCK):
                    out.write(block)
        except (zstd.ZstdError, EOFError, OSError) as error:
            return target, reason(error)
    return target, ""


class DamagedMcap:
    """An MCAP file read record by record."""

    def __init__(self, path: Path):
        self.path = path
        self.topics: dict[str, tuple[str, str]] = {}
        self.start_ns: int | None = None
        try:
            for _, time_ns, _ in self.messages():
                self.start_ns = time_ns if self.start_ns is None else min(self.start_ns, time_ns)
        except READ_ERRORS:
            if self.start_ns is None and not self.topics:
                raise

    def messages(self) -> Iterator[Raw]:
        """See :class:`Damaged`."""
        schemas: dict[int, Schema] = {}
        channels: dict[int, Channel] = {}
        with self.path.open("rb") as file:
            for record in StreamReader(file, validate_crcs=True).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                    schema = schemas[record.schema_id]
                    self.topics[record.topic] = (schema.name, schema.data.decode())
                elif isinstance(record, Message):
                    yield channels[record.channel_id].topic, record.log_time, decompressed(record.data)


class DamagedSqlite:
    """An sqlite file whose table of messages is read in the order of writing, without its index by time."""

    def __init__(self, path: Path):
        self.path = path
        with self._connection() as connection:
            rows = list(connection.execute("SELECT id, name, type FROM topics"))
            self._names = {number: name for number, name, _ in rows}
            self.topics = {name: (kind, "") for _, name, kind in rows}
        first = next(self.messages(), None)
        self.start_ns = None if first is None else first[1]

    def _connection(self) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(f"{self.path.resolve().as_uri()}?immutable=1", flags=flags)
        # Without it sqlite refuses a file with fewer pages than its header says.
        connection.execute("PRAGMA writable_schema=ON")
        return connection

    def messages(self) -> Iterator[Raw]:
        """See :class:`Damaged`."""
        connection = self._connection()
        try:
            query = "SELECT topic_id, timestamp, data FROM messages NOT INDEXED"
            for number, time_ns, data in connection.execute(query):
                yield self._names[number], time_ns, decompressed(data)
        finally:
            connection.close()
