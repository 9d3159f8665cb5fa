"""Bags made of media files: stamps, pictures, sound and labels."""

import io

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")
pytest.importorskip("av", reason="needs PyAV")

import soundfile  # noqa: E402
from data_set_media import frame_numbers, write_video  # noqa: E402
from PIL import Image  # noqa: E402

from emotion_recognition import emotions  # noqa: E402
from emotion_recognition.bags.labels import read_labels  # noqa: E402
from emotion_recognition.bags.making import START_NS, Making, find_media, find_still, make_bag  # noqa: E402
from emotion_recognition.bags.reading import Bag  # noqa: E402
from emotion_recognition.bags.results import Interval  # noqa: E402
from emotion_recognition.sensors.cdr import read_compressed_image, read_header, read_image  # noqa: E402
from emotion_recognition.sensors.images import decode_compressed  # noqa: E402

RATE = 16000


@pytest.fixture
def clips(tmp_path):
    """Two clips of sound named as RAVDESS's, of 0.5 and 0.25 s, and a picture for each actor."""
    folder = tmp_path / "clips" / "Actor_01"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, seconds in (("03-01-03-01-01-01-01", 0.5), ("03-01-05-01-01-01-01", 0.25)):
        sound = rng.integers(-3000, 3000, int(RATE * seconds), np.int16)
        soundfile.write(folder / f"{name}.wav", sound, RATE, subtype="PCM_16")
    Image.new("RGB", (64, 48), (200, 100, 50)).save(tmp_path / "Actor_01.png")
    return tmp_path / "clips"


def read(path):
    with Bag(path) as bag:
        assert not bag.problems
        return [(one.topic.name, one.time_ns - START_NS, one, bag.decode(one)) for one in bag.messages()]


def test_sound_comes_when_its_last_sample_is_there_with_the_stamp_of_its_first(clips, tmp_path):
    made = make_bag(find_media([clips]), tmp_path / "bag", Making(gap_s=0.5))
    messages = read(tmp_path / "bag")
    assert made.messages == len(messages) and made.problems == ()
    infos = [
        (time, one.sample_rate, one.channels, one.sample_format) for name, time, _, one in messages if "info" in name
    ]
    assert infos == [(0, RATE, 1, "S16LE"), (1_000_000_000, RATE, 1, "S16LE")]
    samples = {}
    for name, time_ns, _, one in messages:
        if name == "/audio_stamped":
            stamp_ns = one.header.stamp.sec * 10**9 + one.header.stamp.nanosec - START_NS
            sound = np.frombuffer(one.audio.data.tobytes(), "<i2")
            assert time_ns == stamp_ns + len(sound) * 10**9 // RATE
            samples[stamp_ns] = sound
    for start_ns, file in zip((0, 1_000_000_000), find_media([clips]), strict=True):
        sound, _ = soundfile.read(file, dtype="int16")
        found = np.concatenate([part for stamp, part in sorted(samples.items()) if start_ns <= stamp < start_ns + 6e8])
        np.testing.assert_array_equal(found, sound)
    assert [time for _, time, _, _ in messages] == sorted(time for _, time, _, _ in messages)


def test_labels_follow_the_names_and_stand_in_the_bag(clips, tmp_path):
    made = make_bag(find_media([clips]), tmp_path / "bag", Making(gap_s=0.5))
    assert made.labels == (Interval(0.0, 0.5, "", emotions.HAPPY), Interval(1.0, 1.25, "", emotions.ANGRY))
    assert read_labels(tmp_path / "bag" / "labels.csv") == made.labels


def test_a_still_stands_in_for_the_camera_and_no_two_frames_are_the_same(clips, tmp_path):
    how = Making(stills=tmp_path, rate=20.0, size=(80, 80), storage="sqlite3")
    make_bag(find_media([clips])[:1], tmp_path / "bag", how)
    frames = [one for name, _, one, _ in read(tmp_path / "bag") if name == "/image/compressed"]
    assert [read_header(one.data).stamp_ns - START_NS for one in frames] == [n * 50_000_000 for n in range(10)]
    assert [one.time_ns - START_NS for one in frames] == [n * 50_000_000 for n in range(10)]
    pictures = []
    for one in frames:
        image = read_compressed_image(one.data)
        pictures.append(decode_compressed(image.format, image.data))
    assert pictures[0].shape == (80, 80, 3)
    assert np.abs(pictures[0][40, 40].astype(int) - (200, 100, 50)).max() < 12
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_raw_pictures_are_those_of_the_film(tmp_path):
    write_video(tmp_path / "film.mp4", frames=5)
    make_bag([tmp_path / "film.mp4"], tmp_path / "bag", Making(images="raw"))
    found = [(time, read_image(one.data)) for name, time, one, _ in read(tmp_path / "bag") if name == "/image"]
    assert [time for time, _ in found] == [number * 40_000_000 for number in range(5)]
    assert {(one.encoding, one.step) for _, one in found} == {("rgb8", 3 * found[0][1].width)}
    pixels = np.stack([np.frombuffer(one.data, np.uint8).reshape(one.height, one.width, 3) for _, one in found])
    assert frame_numbers(pixels) == list(range(5))


def test_clips_are_repeated_until_the_time_is_over(clips, tmp_path):
    made = make_bag(find_media([clips]), tmp_path / "bag", Making(gap_s=0.25, duration_s=3.0))
    times = [time for _, time, _, _ in read(tmp_path / "bag")]
    assert 2.5 < made.duration_s <= 3.0 and max(times) <= 3_000_000_000
    assert [label.class_id for label in made.labels][:3] == [emotions.HAPPY, emotions.ANGRY, emotions.HAPPY]


def test_the_same_media_give_the_same_bag(clips, tmp_path):
    for name in ("a", "b"):
        make_bag(find_media([clips]), tmp_path / name, Making(stills=tmp_path / "Actor_01.png"))
    one, two = ([(n, t, bytes(m.data)) for n, t, m, _ in read(tmp_path / name)] for name in ("a", "b"))
    assert one == two


def test_what_cannot_be_made_is_said(clips, tmp_path):
    with pytest.raises(ValueError, match="holds no media file"):
        find_media([_empty(tmp_path)])
    with pytest.raises(ValueError, match="0 files"):
        make_bag([], tmp_path / "bag")
    make_bag(find_media([clips]), tmp_path / "bag")
    with pytest.raises(ValueError, match="exists already"):
        make_bag(find_media([clips]), tmp_path / "bag")
    with pytest.raises(ValueError, match="only that has chunks"):
        make_bag(find_media([clips]), tmp_path / "other", Making(storage="sqlite3", compression="chunk"))
    with pytest.raises(ValueError, match="no picture for strange.wav"):
        find_still(tmp_path, tmp_path / "strange.wav")


def _empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def test_a_jpeg_is_of_the_quality_asked_for(clips, tmp_path):
    sizes = {}
    for quality in (30, 95):
        how = Making(stills=tmp_path / "Actor_01.png", quality=quality)
        make_bag(find_media([clips])[:1], tmp_path / str(quality), how)
        image = next(one for name, _, one, _ in read(tmp_path / str(quality)) if name == "/image/compressed")
        sizes[quality] = len(read_compressed_image(image.data).data)
        assert Image.open(io.BytesIO(read_compressed_image(image.data).data)).format == "JPEG"
    assert sizes[30] < sizes[95]
