import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.datasets import Clip, Corpus, CorpusError, Extent, cremad, emodb, open_corpus, ravdess
from emotion_recognition.emotions import ANGRY, DISGUST, FEARFUL, HAPPY, NEUTRAL, SAD


def make(folder, *paths):
    for number, path in enumerate(paths):
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content {number}")


def test_crema_d_sound(tmp_path):
    make(
        tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1091_IEO_SAD_HI.wav", "AudioWAV/1002_IEO_FEA_LO.wav",
        "AudioMP3/1001_DFA_ANG_XX.mp3", "VideoFlash/1001_DFA_ANG_XX.flv", "VideoDemographics.csv",
    )  # fmt: skip
    corpus = open_corpus(tmp_path)
    assert corpus.name == "cremad" and corpus.unrecognised == 0
    folder = tmp_path / "AudioWAV"
    assert corpus.clips == (
        Clip("1001_DFA_ANG_XX", folder / "1001_DFA_ANG_XX.wav", "cremad", ANGRY, 1001, "audio", "speech", 0, "DFA", 1),
        Clip("1002_IEO_FEA_LO", folder / "1002_IEO_FEA_LO.wav", "cremad", FEARFUL, 1002, "audio", "speech", 1, "IEO"),
        Clip("1091_IEO_SAD_HI", folder / "1091_IEO_SAD_HI.wav", "cremad", SAD, 1091, "audio", "speech", 3, "IEO"),
    )
    assert corpus.class_ids.tolist() == [ANGRY, FEARFUL, SAD] and corpus.class_ids.dtype == np.int64
    assert corpus.actors.tolist() == [1001, 1002, 1091] and corpus.actors.dtype == np.int64
    missing = corpus.missing
    assert missing.clips == 7439 and missing.actors == tuple(range(1003, 1091))


@pytest.mark.parametrize("modality", ["video", "audio-visual"])
def test_crema_d_video_in_both_formats(tmp_path, modality):
    make(
        tmp_path, "VideoFlash/1001_DFA_NEU_XX.flv", "VideoFlash/1001_DFA_HAP_XX.flv", "VideoMP4/1001_DFA_NEU_XX.mp4",
        "AudioWAV/1001_DFA_DIS_XX.wav",
    )  # fmt: skip
    corpus = open_corpus(tmp_path, "cremad", modality)
    assert [clip.path.name for clip in corpus.clips] == ["1001_DFA_HAP_XX.flv", "1001_DFA_NEU_XX.mp4"]
    assert {clip.modality for clip in corpus.clips} == {"audio-visual"} and corpus.copies == ("1001_DFA_NEU_XX",)
    assert corpus.class_ids.tolist() == [HAPPY, NEUTRAL]


@pytest.mark.parametrize(("name", "text"), [
    ("1092_DFA_ANG_XX", "actor 1092 in its name, expected 1001 to 1091"), ("1001_DFX_ANG_XX", "sentence DFX"),
    ("1001_DFA_CAL_XX", "emotion CAL in its name, expected one of ANG, DIS"), ("1001_DFA_ANG_ZZ", "level ZZ"),
])  # fmt: skip
def test_impossible_names_of_crema_d_are_named(tmp_path, name, text):
    make(tmp_path, f"AudioWAV/{name}.wav", "AudioWAV/1001_DFA_ANG_XX.wav")
    with pytest.raises(CorpusError, match=f"{name}.wav: {text}"):
        open_corpus(tmp_path)


def test_emo_db_leaves_boredom_out_and_counts_it(tmp_path):
    make(tmp_path, "wav/03a01Fa.wav", "wav/16b10Lb.wav", "wav/08a02Wc.wav", "wav/09a04N.wav")
    corpus = open_corpus(tmp_path)
    assert corpus.name == "emodb" and corpus.left_out == ("16b10Lb",)
    assert [(clip.name, clip.class_id, clip.actor, clip.statement, clip.repetition) for clip in corpus.clips] == [
        ("03a01Fa", HAPPY, 3, "a01", 1), ("08a02Wc", ANGRY, 8, "a02", 3), ("09a04N", NEUTRAL, 9, "a04", 1),
    ]  # fmt: skip
    assert corpus.missing.clips == 531


@pytest.mark.parametrize(("letter", "number"), [("W", ANGRY), ("E", DISGUST), ("A", FEARFUL), ("T", SAD)])
def test_emotions_of_emo_db(tmp_path, letter, number):
    make(tmp_path, f"11a05{letter}a.flac")
    assert open_corpus(tmp_path).class_ids.tolist() == [number]


@pytest.mark.parametrize(("name", "text"), [("04a01Fa", "speaker 04"), ("03a01Xa", "emotion X .*expected one of W")])
def test_impossible_names_of_emo_db_are_named(tmp_path, name, text):
    make(tmp_path, f"{name}.wav")
    with pytest.raises(CorpusError, match=text):
        open_corpus(tmp_path)


def test_a_set_of_boredom_alone_is_refused(tmp_path):
    make(tmp_path, "16b10Lb.wav")
    with pytest.raises(CorpusError, match="all 1 clips of EMO-DB are of emotions that are no class"):
        open_corpus(tmp_path)


def test_a_folder_of_another_set_is_named(tmp_path):
    make(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1001_DFA_DIS_XX.wav", "README.md")
    with pytest.raises(CorpusError) as caught:
        open_corpus(tmp_path, "ravdess")
    assert str(caught.value) == (
        f"{tmp_path}: found 2 .wav, 1 .md, the first '1001_DFA_ANG_XX.wav', '1001_DFA_DIS_XX.wav', 'README.md', "
        "which looks like CREMA-D; expected RAVDESS (Actor_NN/03-CC-EE-II-SS-RR-AA.wav or .flac)"
    )


def test_several_sets_in_one_folder_need_a_name(tmp_path):
    make(tmp_path, "a/1001_DFA_ANG_XX.wav", "b/03-01-03-01-01-01-01.wav", "b/03-01-04-01-01-01-01.wav")
    with pytest.raises(CorpusError, match="2 files of RAVDESS, 1 files of CREMA-D; expected one data set"):
        open_corpus(tmp_path)
    corpus = open_corpus(tmp_path, "ravdess")
    assert len(corpus.clips) == 2 and corpus.unrecognised == 1


@pytest.mark.parametrize("inside", ["archive", "folders"])
def test_fer2013_is_recognised(tmp_path, inside):
    if inside == "archive":
        with zipfile.ZipFile(tmp_path / "fer2013_jpg.zip", "w") as archive:
            archive.writestr("train/happy/1.jpg", "")
    else:
        make(tmp_path, "train/happy/1.jpg")
    with pytest.raises(CorpusError, match="which looks like FER2013, which has pictures, not clips; expected RAVDESS"):
        open_corpus(tmp_path)


def test_misnamed_files_are_listed(tmp_path):
    make(tmp_path, "happy/one.wav", "happy/two.wav", "sad/three.WAV", "sad/four.flac", ".hidden.wav")
    with pytest.raises(CorpusError, match="found 3 .wav, 1 .flac, the first 'one.wav'.*expected RAVDESS .* or EMO-DB"):
        open_corpus(tmp_path)


def test_an_empty_folder_a_file_and_no_folder(tmp_path):
    with pytest.raises(CorpusError, match="found no file; expected RAVDESS"):
        open_corpus(tmp_path)
    make(tmp_path, "file.wav")
    for path in (tmp_path / "file.wav", tmp_path / "nowhere"):
        with pytest.raises(CorpusError, match="no folder .*expected the folder of a data set"):
            open_corpus(path)


def test_a_modality_or_channel_that_is_not_there(tmp_path):
    make(tmp_path, "03a01Fa.wav")
    with pytest.raises(CorpusError, match="of EMO-DB only 1 audio speech .*expected EMO-DB, video speech.*sound alone"):
        open_corpus(tmp_path, modality="video")
    with pytest.raises(CorpusError, match="expected EMO-DB, audio song"):
        open_corpus(tmp_path, channel="song")


def test_unknown_requests(tmp_path):
    with pytest.raises(ValueError, match="modality 'sound': expected one of audio, video, audio-visual"):
        open_corpus(tmp_path, modality="sound")
    with pytest.raises(ValueError, match="channel 'sung': expected one of speech, song, all"):
        open_corpus(tmp_path, channel="sung")
    with pytest.raises(ValueError, match="data set 'iemocap'; expected one of ravdess, cremad, emodb"):
        open_corpus(tmp_path, "iemocap")
    with pytest.raises(ValueError, match="data set 'fer2013': it has no clips, read it with datasets.fer2013"):
        open_corpus(tmp_path, "fer2013")


def test_files_beside_the_set_are_counted_and_empty_files_are_no_copies(tmp_path):
    make(tmp_path, "Actor_01/03-01-03-01-01-01-01.wav", "notes.wav", "03-01-03-01-01-01-01 (2).wav")
    for name in ("03-01-03-01-01-02-01", "03-01-04-01-01-02-01"):
        (tmp_path / f"{name}.wav").touch()
    corpus = open_corpus(tmp_path)
    assert corpus.unrecognised == 2 and len(corpus.clips) == 3 and not corpus.copies


def test_a_set_of_unknown_extent_misses_nothing(tmp_path):
    corpus = Corpus("own", tmp_path, (Clip("a", tmp_path / "a.wav", "own", HAPPY, 1),))
    assert corpus.missing == Extent((), 0) and not corpus.missing and corpus.check_whole() is None


@given(st.text(max_size=24).filter(lambda text: "/" not in text and "\0" not in text))
def test_any_name_is_parsed_or_left(text):
    """No name brings a parser down: it tells a clip, is not of the set, or holds an impossible value."""
    from pathlib import Path

    for layout in (ravdess.LAYOUT, cremad.LAYOUT, emodb.LAYOUT):
        try:
            clip = layout.parse(Path(f"{text}.wav"))
        except ValueError as problem:
            assert "in its name, expected" in str(problem)
        else:
            assert clip is None or 0 <= clip.class_id <= 8


def test_the_real_emo_db(data_folder):
    corpus = open_corpus(data_folder / "emodb", "emodb")
    assert len(corpus.clips) == 454 and len(corpus.left_out) == 81 and corpus.check_whole() is None
    counts = np.bincount(corpus.class_ids, minlength=9).tolist()
    assert counts == [0, 79, 0, 71, 62, 127, 69, 46, 0]
    assert sorted(set(corpus.actors.tolist())) == list(emodb.ACTORS)
