"""Small bags, whole and damaged, made in code."""

from pathlib import Path

import numpy as np

from emotion_recognition.bags.reading import Bag
from emotion_recognition.bags.writing import AUDIO, AUDIO_INFO, COMPRESSED_IMAGE, BagWriter
from emotion_recognition.stamps import SECOND_NS

START = 1_600_000_000 * SECOND_NS


def random_bag(path: Path, storage: str = "mcap", compression: str = "none", messages: int = 60) -> list:
    """Write a bag of random pictures (no real ones) and sound; return topic, time and bytes of every message."""
    rng = np.random.default_rng(3)
    written = []
    with BagWriter(path, storage, compression) as bag:
        bag.add_topic("/cam/compressed", COMPRESSED_IMAGE)
        bag.add_topic("/mic", AUDIO)
        bag.add_topic("/audio_info", AUDIO_INFO, latched=True)
        for number in range(messages):
            time_ns = START + number * SECOND_NS // 10
            if number == 0:
                topic, data = "/audio_info", bag.audio_info(16000, 1)
            elif number % 2:
                topic, data = "/mic", bag.audio(time_ns, "mic", rng.integers(-9, 9, (1600, 1), np.int16))
            else:
                topic, data = "/cam/compressed", bag.compressed_image(time_ns, "cam", rng.bytes(60_000))
            bag.write(topic, time_ns, data)
            written.append((topic, time_ns, bytes(data)))
    return written


def storage_file(path: Path) -> Path:
    """Return the only file of a bag beside its metadata."""
    (file,) = (file for file in path.iterdir() if file.name not in ("metadata.yaml", "labels.csv"))
    return file


def cut(file: Path, share: float) -> None:
    """Cut a file off at a share of its length."""
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])


def copied(source: Path, target: Path, change) -> Path:
    """Write a copy of a bag: ``change(topic, time_ns, data)`` yields what of each message is written, and when."""
    with Bag(source) as old, BagWriter(target) as new:
        for topic in old.topics.values():
            new.add_topic(topic.name, topic.type)
        for message in old.messages():
            for time_ns, data in change(message.topic.name, message.time_ns, bytes(message.data)):
                new.write(message.topic.name, time_ns, data)
    return target
