"""Which topics of a bag play which part."""

import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")

from emotion_recognition.bags.reading import Bag  # noqa: E402
from emotion_recognition.bags.sources import find_sources  # noqa: E402
from emotion_recognition.bags.writing import (  # noqa: E402
    AUDIO,
    AUDIO_INFO,
    COMPRESSED_IMAGE,
    EMOTION,
    IMAGE,
    TEXT,
    BagWriter,
)

TOPICS = {
    "/depth/image": IMAGE, "/head_camera/image_raw": IMAGE, "/head_camera/image_raw/compressed": COMPRESSED_IMAGE,
    "/mic": AUDIO, "/mic_info": AUDIO_INFO, "/robot/emotion": EMOTION, "/robot/emotion/raw": EMOTION,
    "/robot/emotion/face": EMOTION, "/robot/emotion/speech": EMOTION, "/chatter": TEXT, "/session/labels": TEXT,
}  # fmt: skip


@pytest.fixture
def bag(tmp_path):
    def make(topics=TOPICS, messages=()):
        with BagWriter(tmp_path / "bag") as writer:
            for name, kind in topics.items():
                writer.add_topic(name, kind)
            for number, (name, data) in enumerate(messages, 1):
                writer.write(name, number, data)
        return Bag(tmp_path / "bag")

    return make


def names(sources):
    return {part: topic.name for part, topic in sources.topics.items()}


def test_parts_are_found_by_type_and_name(bag):
    with bag() as found:
        sources = find_sources(found)
    assert names(sources) == {
        "image": "/head_camera/image_raw", "audio": "/mic", "audio_info": "/mic_info", "fused": "/robot/emotion",
        "face": "/robot/emotion/face", "speech": "/robot/emotion/speech", "labels": "/session/labels",
    }  # fmt: skip
    assert sources.has_sensors and sources.has_emotions
    assert {topic.name for topic in sources.others} == {"/depth/image", "/head_camera/image_raw/compressed"}


def test_this_packages_names_come_first_and_topics_without_messages_last(bag):
    with bag({"/a": AUDIO, "/audio_stamped": AUDIO, "/b": AUDIO}, [("/b", b"x"), ("/b", b"x"), ("/a", b"x")]) as found:
        assert names(find_sources(found))["audio"] == "/b"


def test_given_names_win_and_an_empty_one_leaves_a_part_out(bag):
    with bag() as found:
        given = {"image": "depth/image", "audio": "", "labels": "/robot/emotion"}
        assert {part: names(find_sources(found, given)).get(part) for part in (*given, "fused")} == {
            "image": "/depth/image", "audio": None, "labels": "/robot/emotion", "fused": None,
        }  # fmt: skip


def test_what_is_not_there_or_does_not_fit_is_named(bag):
    with bag() as found:
        with pytest.raises(ValueError, match="topic /nose: there is none; it has /chatter, /depth/image"):
            find_sources(found, {"image": "/nose"})
        with pytest.raises(ValueError, match="topic /mic: is of audio_common_msgs.*expected sensor_msgs/msg/Image or"):
            find_sources(found, {"image": "/mic"})
        with pytest.raises(ValueError, match="topic picture=/x: expected one of image, audio"):
            find_sources(found, {"picture": "/x"})
