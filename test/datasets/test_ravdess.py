import numpy as np
import pytest

from emotion_recognition.datasets import Clip, CorpusError, UnreadableFile, open_corpus
from emotion_recognition.datasets.ravdess import find_clips, read_clip
from emotion_recognition.emotions import ANGRY, CALM

soundfile = pytest.importorskip("soundfile")


def write(folder, name, rate=16000, channels=1, seed=0, seconds=0.1):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(rate * seconds), channels))
    soundfile.write(path, sound, rate)
    return path


def test_names_are_read(tmp_path):
    other = write(tmp_path, "Actor_07/03-01-05-02-01-02-07.flac")
    path = write(tmp_path, "Actor_02/03-01-02-01-02-01-02.wav", seed=1)
    assert find_clips(tmp_path) == [
        Clip("03-01-02-01-02-01-02", path, "ravdess", CALM, 2, "audio", "speech", 1, "02", 1, "female"),
        Clip("03-01-05-02-01-02-07", other, "ravdess", ANGRY, 7, "audio", "speech", 2, "01", 2, "male"),
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
    with pytest.raises(CorpusError, match="no folder .*elsewhere.*expected"):
        find_clips(tmp_path / "elsewhere")


def test_an_empty_folder_says_what_is_expected(tmp_path):
    with pytest.raises(CorpusError, match="found no file; expected RAVDESS, audio speech, named Actor_NN/03-CC"):
        find_clips(tmp_path)


def test_misnamed_files_are_named(tmp_path):
    write(tmp_path, "emodb/03a01Fa.wav")
    with pytest.raises(CorpusError, match="found 1 .wav, the first '03a01Fa.wav'; expected RAVDESS"):
        find_clips(tmp_path)


@pytest.mark.parametrize(("name", "text"), [
    ("03-01-09-01-01-01-01", "emotion 09.*01 to 08"), ("03-01-00-01-01-01-01", "emotion 00"),
    ("03-02-07-01-01-01-01", "emotion 07.*01 to 06"), ("04-01-01-01-01-01-01", "modality 04"),
    ("03-03-01-01-01-01-01", "channel 03"), ("03-01-01-03-01-01-01", "intensity 03"),
    ("03-01-01-01-01-01-25", "actor 25.*24"),
])  # fmt: skip
def test_numbers_out_of_range_are_named(tmp_path, name, text):
    write(tmp_path, f"{name}.wav")
    with pytest.raises(CorpusError, match=text):
        find_clips(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path):
    write(tmp_path, "a/03-01-01-01-01-01-01.wav")
    write(tmp_path, "b/03-01-01-01-01-01-01.wav", seed=1)
    with pytest.raises(CorpusError, match="another file of that name, .*, has other content"):
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
    with pytest.raises(UnreadableFile, match="03-01-01-01-01-01-01.wav: cannot be read"):
        read_clip(find_clips(tmp_path)[0])


def test_the_real_set_is_whole(data_folder):
    clips = find_clips(data_folder / "ravdess_speech")
    assert len(clips) == 1439
    counts = np.bincount([clip.class_id for clip in clips], minlength=9)
    assert counts.tolist() == [0, 96, 192, 191, 192, 192, 192, 192, 192]
    assert set(np.bincount([clip.actor for clip in clips])[1:].tolist()) == {59, 60}
    assert "03-01-03-01-02-02-07" not in {clip.name for clip in clips}
    assert open_corpus(data_folder / "ravdess_speech").missing.clips == 0


def make(folder, path):
    """An empty file: names alone are looked at."""
    path = folder / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def whole_set(folder, modality, channel, suffix):
    """Every file of the published set, by its rules: no strong neutral; no song by actor 18, six emotions sung."""
    for actor in range(1, 25):
        for emotion in range(1, 9 if channel == 1 else 7):
            for intensity in (1, 2)[: 1 if emotion == 1 else 2]:
                for statement, repetition in ((1, 1), (1, 2), (2, 1), (2, 2)):
                    if channel == 2 and actor == 18:
                        continue
                    numbers = (modality, channel, emotion, intensity, statement, repetition, actor)
                    make(folder, f"Actor_{actor:02d}/" + "-".join(f"{number:02d}" for number in numbers) + suffix)


@pytest.mark.parametrize(("modality", "code", "suffix"), [
    ("audio", 3, ".wav"), ("video", 2, ".mp4"), ("audio-visual", 1, ".mp4"),
])  # fmt: skip
def test_speech_and_song_in_every_modality(tmp_path, modality, code, suffix):
    kinds = {"audio": "Audio", "video": "Video", "audio-visual": "Video"}
    whole_set(tmp_path / f"{kinds[modality]}_Speech_Actors_01-24", code, 1, suffix)
    whole_set(tmp_path / f"{kinds[modality]}_Song_Actors_01-24", code, 2, suffix)
    for channel, count, actors in (("speech", 1440, 24), ("song", 1012, 23), ("all", 2452, 24)):
        corpus = open_corpus(tmp_path, modality=modality, channel=channel)
        assert len(corpus.clips) == count and len(set(corpus.actors.tolist())) == actors
        assert {clip.modality for clip in corpus.clips} == {modality}
        assert not corpus.missing and corpus.check_whole() is None
    assert {clip.channel for clip in corpus.clips} == {"speech", "song"}


def test_what_a_part_of_the_set_lacks(tmp_path):
    whole_set(tmp_path, 3, 1, ".wav")
    for actor in (3, 17):
        for path in (tmp_path / f"Actor_{actor:02d}").iterdir():
            path.unlink()
    (tmp_path / "Actor_01" / "03-01-01-01-01-01-01.wav").unlink()
    corpus = open_corpus(tmp_path)
    assert corpus.missing.actors == (3, 17) and corpus.missing.clips == 121
    with pytest.raises(CorpusError, match=r"found 1319 of 1440 clips and no clip of 2 of 24 actors \(3, 17\)"):
        corpus.check_whole()


def test_video_without_sound_and_with_it_are_told_apart(tmp_path):
    for name in ("01-01-03-01-01-01-02", "02-01-03-01-01-01-02"):
        make(tmp_path, f"Video_Speech_Actor_02/Actor_02/{name}.mp4")
    assert open_corpus(tmp_path, modality="video").names == ("02-01-03-01-01-01-02",)
    assert open_corpus(tmp_path, modality="audio-visual").names == ("01-01-03-01-01-01-02",)
    with pytest.raises(
        CorpusError, match="only 1 audio-visual speech, 1 video speech .*expected RAVDESS, audio speech"
    ):
        open_corpus(tmp_path)


def test_the_set_stored_twice_is_read_once(tmp_path):
    """As in an archive of it that is much used: every file stands in a second folder again."""
    first = write(tmp_path, "Actor_01/03-01-01-01-01-01-01.wav")
    second = tmp_path / "audio_speech_actors_01-24" / "Actor_01" / first.name
    second.parent.mkdir(parents=True)
    second.write_bytes(first.read_bytes())
    corpus = open_corpus(tmp_path)
    assert corpus.names == corpus.copies == ("03-01-01-01-01-01-01",) and corpus.missing.clips == 1439


def test_a_second_format_of_a_clip_is_a_copy(tmp_path):
    write(tmp_path, "03-01-01-01-01-01-01.flac")
    write(tmp_path, "03-01-01-01-01-01-01.wav")
    corpus = open_corpus(tmp_path)
    assert [clip.path.suffix for clip in corpus.clips] == [".wav"] and len(corpus.copies) == 1


def test_a_copy_under_another_emotion_is_refused(tmp_path):
    first = write(tmp_path, "03-01-03-01-02-01-07.flac")
    first.with_name("03-01-04-01-02-01-07.flac").write_bytes(first.read_bytes())
    with pytest.raises(CorpusError, match="byte copy of .*03-01-03-01-02-01-07.flac under another emotion"):
        open_corpus(tmp_path)
