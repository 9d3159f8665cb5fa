import numpy as np
import pytest

from emotion_recognition.datasets.ravdess import Clip, find_clips, read_clip
from emotion_recognition.emotions import ANGRY, CALM

soundfile = pytest.importorskip("soundfile")


def write(folder, name, rate=16000, channels=1, seed=0, seconds=0.1):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(rate * seconds), channels))
    soundfile.write(path, sound, rate)
    return path


def test_names_are_read(tmp_path):
    write(tmp_path, "Actor_07/03-01-05-02-01-02-07.flac")
    path = write(tmp_path, "Actor_02/03-01-02-01-02-01-02.wav", seed=1)
    assert find_clips(tmp_path) == [
        Clip("03-01-02-01-02-01-02", path, CALM, 1, 2, 1, 2),
        Clip("03-01-05-02-01-02-07", tmp_path / "Actor_07/03-01-05-02-01-02-07.flac", ANGRY, 2, 1, 2, 7),
    ]


def test_a_copy_under_another_name_is_dropped(tmp_path):
    first = write(tmp_path, "Actor_07/03-01-03-01-02-01-07.flac")
    first.with_name("03-01-03-01-02-02-07.flac").write_bytes(first.read_bytes())
    assert [clip.name for clip in find_clips(tmp_path)] == ["03-01-03-01-02-01-07"]


def test_other_recordings_are_left_out(tmp_path):
    write(tmp_path, "Actor_01/03-01-01-01-01-01-01.wav")
    for number, name in enumerate(["03-02-01-01-01-01-01.wav", "01-01-01-01-01-01-01.wav", "notes.wav"]):
        write(tmp_path, f"Actor_01/{name}", seed=number + 1)
    (tmp_path / "README.txt").write_text("03-01-01-01-01-01-02")
    assert [clip.name for clip in find_clips(tmp_path)] == ["03-01-01-01-01-01-01"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder .*elsewhere.*Actor_NN"):
        find_clips(tmp_path / "elsewhere")


def test_an_empty_folder_says_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="no .wav or .flac file; expected RAVDESS speech named 03-01"):
        find_clips(tmp_path)


def test_misnamed_files_are_named(tmp_path):
    write(tmp_path, "emodb/03a01Fa.wav")
    with pytest.raises(FileNotFoundError, match="1 sound files, the first '03a01Fa.wav'"):
        find_clips(tmp_path)


@pytest.mark.parametrize(("name", "text"), [
    ("03-01-09-01-01-01-01", "emotion 09.*01 to 08"), ("03-01-00-01-01-01-01", "emotion 00"),
    ("03-01-01-03-01-01-01", "intensity 03"), ("03-01-01-01-01-01-25", "actor 25.*24"),
])  # fmt: skip
def test_numbers_out_of_range_are_named(tmp_path, name, text):
    write(tmp_path, f"{name}.wav")
    with pytest.raises(ValueError, match=text):
        find_clips(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path):
    write(tmp_path, "a/03-01-01-01-01-01-01.wav")
    write(tmp_path, "b/03-01-01-01-01-01-01.wav", seed=1)
    with pytest.raises(ValueError, match="another file of that name"):
        find_clips(tmp_path)


def test_sound_is_read_as_mono_at_16_khz(tmp_path):
    write(tmp_path, "03-01-01-01-01-01-01.wav", rate=48000, channels=2, seconds=0.5)
    (clip,) = find_clips(tmp_path)
    sound = read_clip(clip)
    assert sound.dtype == np.float32 and sound.shape == (8000,)


def test_mono_at_16_khz_is_read_exactly(tmp_path):
    path = tmp_path / "03-01-01-01-01-01-01.flac"
    soundfile.write(path, np.array([0.5, -0.25, 0.125]), 16000)
    assert read_clip(find_clips(tmp_path)[0]).tolist() == [0.5, -0.25, 0.125]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not sound at all"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "03-01-01-01-01-01-01.wav").write_bytes(content)
    with pytest.raises(ValueError, match="03-01-01-01-01-01-01.wav"):
        read_clip(find_clips(tmp_path)[0])


def test_the_real_set_is_whole(data_folder):
    clips = find_clips(data_folder / "ravdess_speech")
    assert len(clips) == 1439
    counts = np.bincount([clip.class_id for clip in clips], minlength=9)
    assert counts.tolist() == [0, 96, 192, 191, 192, 192, 192, 192, 192]
    assert set(np.bincount([clip.actor for clip in clips])[1:].tolist()) == {59, 60}
    assert "03-01-03-01-02-02-07" not in {clip.name for clip in clips}
