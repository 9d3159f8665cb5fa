"""Bags read: whole ones in every form, and what is left of damaged ones."""

import shutil

import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")

from mcap.reader import make_reader  # noqa: E402
from rosbags.highlevel import AnyReader  # noqa: E402
from rosbags.rosbag2 import StoragePlugin, Writer  # noqa: E402
from small_bags import START, cut, random_bag, storage_file  # noqa: E402

from emotion_recognition.bags.reading import Bag, BagError  # noqa: E402
from emotion_recognition.bags.salvage import ZSTD_MAGIC  # noqa: E402
from emotion_recognition.bags.types import TypeStore  # noqa: E402
from emotion_recognition.bags.writing import BagWriter  # noqa: E402

FORMS = [
    ("mcap", "none"), ("mcap", "chunk"), ("mcap", "message"), ("mcap", "file"),
    ("sqlite3", "none"), ("sqlite3", "message"), ("sqlite3", "file"),
]  # fmt: skip


def read(path):
    with Bag(path) as bag:
        found = [(one.topic.name, one.time_ns, bytes(one.data)) for one in bag.messages()]
        return found, bag.problems.lines()


@pytest.mark.parametrize(("storage", "compression"), FORMS)
def test_bags_written_here_come_back_and_pass_the_checks_of_rosbags_and_mcap(tmp_path, storage, compression):
    written = random_bag(tmp_path / "bag", storage, compression)
    assert read(tmp_path / "bag") == (written, [])
    with AnyReader([tmp_path / "bag"]) as reader:
        found = []
        for connection, time_ns, data in reader.messages():
            reader.deserialize(data, connection.msgtype)
            found.append((connection.topic, time_ns, bytes(data)))
    assert found == written
    if (storage, compression) in (("mcap", "none"), ("mcap", "chunk")):
        with storage_file(tmp_path / "bag").open("rb") as file:
            checked = make_reader(file, validate_crcs=True)
            assert checked.get_summary().statistics.message_count == len(written)
            assert [(channel.topic, one.log_time, one.data) for _, channel, one in checked.iter_messages()] == written


def test_messages_of_some_topics_and_from_a_time(tmp_path):
    written = random_bag(tmp_path / "bag")
    with Bag(tmp_path / "bag") as bag:
        found = list(bag.messages([bag.topics["/mic"]], from_ns=START + 3_000_000_000))
        assert bag.start_ns == START and bag.topics["/mic"].type == "audio_common_msgs/msg/AudioDataStamped"
        assert bag.last_ns == found[-1].time_ns
    assert [one.time_ns for one in found] == [time for topic, time, _ in written[30:] if topic == "/mic"]


def test_a_single_file_of_a_bag_is_a_bag(tmp_path):
    written = random_bag(tmp_path / "bag")
    assert read(storage_file(tmp_path / "bag")) == (written, [])


@pytest.mark.parametrize(("storage", "compression"), FORMS)
def test_without_metadata_the_files_are_read_by_themselves(tmp_path, storage, compression):
    written = random_bag(tmp_path / "bag", storage, compression)
    (tmp_path / "bag" / "metadata.yaml").unlink()
    found, problems = read(tmp_path / "bag")
    assert found == written
    assert len(problems) == 1 and problems[0].startswith("bag bag, topic *, offset 0.000 s: metadata.yaml is missing")


@pytest.mark.parametrize(
    ("storage", "compression", "share"), [(*form, 0.7) for form in FORMS] + [("mcap", "none", 0.999)]
)
def test_of_a_truncated_bag_the_beginning_is_read(tmp_path, storage, compression, share):
    written = random_bag(tmp_path / "bag", storage, compression, messages=120)
    cut(storage_file(tmp_path / "bag"), share)
    found, problems = read(tmp_path / "bag")
    assert 0.2 * len(written) < len(found) <= len(written)
    assert found == written[: len(found)]
    assert problems and all(line.startswith("bag bag, topic *, offset ") for line in problems)


def test_a_damaged_chunk_is_told_with_its_offset_and_what_comes_before_it_is_read(tmp_path):
    written = random_bag(tmp_path / "bag", "mcap", "chunk", messages=140)
    file = storage_file(tmp_path / "bag")
    data = bytearray(file.read_bytes())
    second = data.index(ZSTD_MAGIC, data.index(ZSTD_MAGIC) + 1)
    data[second : second + 4] = bytes(4)
    file.write_bytes(data)
    found, problems = read(tmp_path / "bag")
    assert 20 < len(found) < 120 and found == written[: len(found)]
    assert len(problems) == 1 and f"offset {(found[-1][1] - START) / 1e9:.3f} s" in problems[0]


def test_a_cut_message_of_a_type_is_refused(tmp_path):
    random_bag(tmp_path / "bag")
    with Bag(tmp_path / "bag") as bag:
        message = next(one for one in bag.messages([bag.topics["/mic"]]))
        assert bag.decode(message).audio.data.size == 3200
        object.__setattr__(message, "data", message.data[:40])
        with pytest.raises(ValueError, match="are no audio_common_msgs/msg/AudioDataStamped"):
            bag.decode(message)


def test_folders_without_a_recording_say_what_is_expected(tmp_path):
    with pytest.raises(BagError, match="no such folder"):
        Bag(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BagError, match=r"bag empty, topic \*, offset 0.000 s: holds no recording"):
        Bag(tmp_path / "empty")


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_an_empty_file_and_one_of_something_else(tmp_path, storage):
    random_bag(tmp_path / "bag", storage)
    for content in (b"", b"not a recording" * 100):
        storage_file(tmp_path / "bag").write_bytes(content)
        with pytest.raises(BagError, match=r"bag bag, topic \*, offset 0.000 s: .*cannot be read"):
            Bag(tmp_path / "bag")


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_without_messages_has_no_start(tmp_path, storage):
    with BagWriter(tmp_path / "bag", storage) as writer:
        writer.add_topic("/mic", "audio_common_msgs/msg/AudioDataStamped")
    with Bag(tmp_path / "bag") as bag:
        assert bag.start_ns is None and list(bag.messages()) == [] and list(bag.topics) == ["/mic"]


def test_a_missing_file_of_several_is_told(tmp_path):
    written = random_bag(tmp_path / "bag")
    metadata = tmp_path / "bag" / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("- bag.mcap", "- bag.mcap\n  - bag_1.mcap"))
    found, problems = read(tmp_path / "bag")
    assert found == written and "bag_1.mcap" in problems[0]


@pytest.mark.parametrize("text", ["", "{", "version: 99", "[1, 2]", "rosbag2_bagfile_information: {version: 99}"])
def test_metadata_that_is_none_does_not_hide_the_messages(tmp_path, text):
    written = random_bag(tmp_path / "bag")
    (tmp_path / "bag" / "metadata.yaml").write_text(text)
    found, problems = read(tmp_path / "bag")
    assert found == written and len(problems) == 1


def test_files_are_read_in_the_order_of_their_numbers(tmp_path):
    parts = []
    for number in (0, 2, 10):
        random_bag(tmp_path / "one", messages=4)
        (tmp_path / "bag").mkdir(exist_ok=True)
        target = tmp_path / "bag" / f"bag_{number}.mcap"
        storage_file(tmp_path / "one").rename(target)
        shutil.rmtree(tmp_path / "one")
        parts.append(target)
    with Bag(tmp_path / "bag") as bag:
        assert [reader.path.name for reader in bag._readers] == [part.name for part in parts]


def test_a_type_that_nobody_defines_is_named(tmp_path):
    definition, digest = "int32 value\n", "RIHS01_" + "0" * 64
    with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        strange = writer.add_connection("/strange", "strange_msgs/msg/Strange", msgdef=definition, rihs01=digest)
        writer.write(strange, START, b"\x00\x01\x00\x00\x07\x00\x00\x00")
    with Bag(tmp_path / "bag") as bag:
        (message,) = bag.messages()
        assert bag.decode(message).value == 7  # the bag itself defines it
        bag.types = TypeStore()
        with pytest.raises(ValueError, match="strange_msgs/msg/Strange is not known"):
            bag.decode(message)
