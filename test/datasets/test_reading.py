import pickle

import numpy as np
import pytest
from data_set_media import frame_numbers, sine, write_video
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.audio.resampling import Resampler
from emotion_recognition.datasets import UnreadableFile, open_corpus, read_all, read_frames, read_sound
from emotion_recognition.datasets.reading import segment_centres

soundfile = pytest.importorskip("soundfile")


def loudest(sound, rate=16000):
    return np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * rate / len(sound)


@given(st.integers(1, 400), st.integers(1, 40), st.integers(0, 50))
def test_the_centre_of_each_segment(total, count, skip):
    """By the definition: the segment i of equal length reaches from i n / count to (i + 1) n / count."""
    if total <= skip:
        with pytest.raises(ValueError, match="some left"):
            segment_centres(total, count, skip)
        return
    left = total - skip
    expected = [skip + int((i + 0.5) * left // count) for i in range(count)]
    found = segment_centres(total, count, skip)
    assert found.tolist() == expected and found.dtype == np.int64
    assert found.min() >= skip and found.max() < total
    if left % count == 0 and (left // count) % 2:
        half = left // count // 2
        assert found.tolist() == list(range(skip + half, total, left // count))


def test_fifteen_of_fortyfive_frames_are_the_middles_of_threes():
    assert segment_centres(45).tolist() == list(range(1, 45, 3))


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
@pytest.mark.parametrize(("frames", "count", "skip", "expected"), [
    (27, 9, 0, [1, 4, 7, 10, 13, 16, 19, 22, 25]), (20, 5, 5, [6, 9, 12, 15, 18]), (3, 6, 0, [0, 0, 1, 1, 2, 2]),
])  # fmt: skip
def test_frames_of_a_video(tmp_path, suffix, frames, count, skip, expected):
    path = write_video(tmp_path / f"clip{suffix}", frames)
    found, indices = read_frames(path, count, skip)
    assert indices.tolist() == expected == frame_numbers(found)
    assert found.shape == (count, 48, 64, 3) and found.dtype == np.uint8


def test_a_video_that_says_too_few_packets_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr("emotion_recognition.datasets.reading._count_packets", lambda path: 9)
    found, indices = read_frames(write_video(tmp_path / "clip.mp4", 27), 9)
    assert indices.tolist() == [1, 4, 7, 10, 13, 16, 19, 22, 25] == frame_numbers(found)


def test_too_many_skipped_frames_are_named(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 6)
    with pytest.raises(UnreadableFile, match="clip.mp4.*6 frames, of which 6 are skipped"):
        read_frames(path, skip=6)
    with pytest.raises(ValueError, match="expected from 1 frame"):
        read_frames(path, count=0)


def test_sound_of_a_file_is_no_video(tmp_path):
    soundfile.write(tmp_path / "clip.wav", sine(), 16000)
    with pytest.raises(UnreadableFile, match="it has no video"):
        read_frames(tmp_path / "clip.wav")


def test_a_silent_video_has_no_sound(tmp_path):
    with pytest.raises(UnreadableFile, match="clip.mp4: cannot be read .*no audio stream"):
        read_sound(write_video(tmp_path / "clip.mp4", 3))


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_sound_of_a_video(tmp_path, suffix):
    rate = 44100 if suffix == ".flv" else 48000  # FLV has no 48 kHz
    path = write_video(tmp_path / f"clip{suffix}", 10, sound=sine(1.0, 440, rate), rate=rate)
    sound = read_sound(path)
    assert sound.dtype == np.float32 and len(sound) == pytest.approx(16000, abs=2000)
    assert loudest(sound) == pytest.approx(440, abs=3)
    assert np.abs(sound[4000:12000]).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_sound_is_resampled_as_the_robot_does(tmp_path, suffix):
    stereo = np.random.default_rng(0).uniform(-0.5, 0.5, (48000, 2)).astype(np.float32)
    path = tmp_path / f"clip{suffix}"
    soundfile.write(path, stereo, 48000, subtype="PCM_24")
    stored, _ = soundfile.read(path, dtype="float32")
    resampler = Resampler(48000, 2)
    expected = np.concatenate([resampler.process(stored[:30000]), resampler.process(stored[30000:]), resampler.flush()])
    assert np.array_equal(read_sound(path), expected)
    assert len(read_sound(path, rate=8000)) == 8000


def test_sound_at_its_rate_is_exact(tmp_path):
    soundfile.write(tmp_path / "clip.flac", np.array([0.5, -0.25, 0.125]), 16000)
    assert read_sound(tmp_path / "clip.flac").tolist() == [0.5, -0.25, 0.125]


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"


@pytest.mark.parametrize("reader", [read_sound, read_frames])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp4", ".flv"])
@pytest.mark.parametrize(("content", "reason"), [
    (b"", ""), (b"not media", ""), (b"RIFF\x00\x00\x00\x00WAVE", ""), (POINTER, "Git LFS pointer .*git lfs pull"),
])  # fmt: skip
def test_a_broken_file_is_named(tmp_path, reader, suffix, content, reason):
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=f"clip{suffix}: cannot be read .*{reason}") as caught:
        reader(path)
    assert caught.value.path == path and str(path) not in caught.value.reason


@pytest.mark.parametrize("reader", [read_sound, read_frames])
@pytest.mark.parametrize("suffix", [".wav", ".mp4"])
def test_a_file_that_is_gone_is_named(tmp_path, reader, suffix):
    with pytest.raises(UnreadableFile, match=f"gone{suffix}"):
        reader(tmp_path / f"gone{suffix}")


def test_sound_that_is_not_finite_or_empty_is_refused(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.array([0.0, np.nan, 0.5], np.float32), 16000, subtype="FLOAT")
    with pytest.raises(UnreadableFile, match="not finite"):
        read_sound(path)
    soundfile.write(path, np.empty((0, 1), np.float32), 16000)
    with pytest.raises(UnreadableFile, match="holds no sound"):
        read_sound(path)


def test_a_cut_mp4_is_unreadable(tmp_path):
    """Its index stands at the end."""
    path = write_video(tmp_path / "clip.mp4", 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableFile, match="clip.mp4"):
        read_frames(path)


def corpus_with_a_broken_file(folder):
    for number in (1, 2, 3):
        soundfile.write(folder / f"03-01-03-01-01-01-{number:02d}.wav", sine(0.01 * number), 16000)
    (folder / "03-01-03-01-01-01-02.wav").write_bytes(b"broken")
    return open_corpus(folder)


def test_unreadable_files_are_reported_counted_and_skipped(tmp_path):
    corpus = corpus_with_a_broken_file(tmp_path)
    told = []
    sounds, unreadable = read_all(corpus.clips, read_sound, report=told.append)
    assert [None if sound is None else len(sound) for sound in sounds] == [160, None, 480]
    assert told == unreadable and [problem.path.name for problem in unreadable] == ["03-01-03-01-01-01-02.wav"]


def test_an_unreadable_file_stops_where_asked(tmp_path):
    corpus, told, read = corpus_with_a_broken_file(tmp_path), [], []
    with pytest.raises(UnreadableFile, match="03-01-03-01-01-01-02.wav"):
        read_all(corpus.clips, lambda clip: read.append(clip.actor) or read_sound(clip), "stop", told.append)
    assert read == [1, 2] and len(told) == 1


def test_other_errors_are_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        read_all([0], lambda number: 1 / number)
    with pytest.raises(ValueError, match="on_unreadable 'ignore': expected one of skip, stop"):
        read_all([], read_sound, "ignore")


def test_the_error_survives_the_way_between_processes():
    problem = pickle.loads(pickle.dumps(UnreadableFile("a.wav", "it is broken")))
    assert (problem.path.name, problem.reason) == ("a.wav", "it is broken") and "a.wav: cannot be read" in str(problem)


def test_a_real_clip_and_a_real_video(data_folder):
    sound = read_sound(data_folder / "ravdess_speech" / "Actor_01" / "03-01-01-01-01-01-01.flac")
    assert 2 < len(sound) / 16000 < 6 and 0.001 < np.abs(sound).max() <= 1
    frames, indices = read_frames(data_folder / "mead_clips" / "M030_sad_3_001.mp4")
    assert frames.shape[0] == 15 and frames.shape[3] == 3 and np.unique(indices).size == 15
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() < 40 and frames.std() > 20
    assert len(read_sound(data_folder / "mead_clips" / "M030_sad_3_001.mp4")) / 16000 == pytest.approx(3.7, abs=0.2)
