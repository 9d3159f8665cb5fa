"""What a protocol may learn from and test: whole data sets, and nothing that is tested."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("joblib")
pytest.importorskip("sklearn")

import made_corpora  # noqa: E402

from emotion_recognition.datasets import emodb, ravdess  # noqa: E402
from emotion_recognition.datasets.clips import Corpus, CorpusError  # noqa: E402
from emotion_recognition.evaluation.protocols import load_protocol  # noqa: E402
from emotion_recognition.training import cross_validation  # noqa: E402
from emotion_recognition.training.changes import Changes  # noqa: E402
from emotion_recognition.training.cross_validation import cross_validate, split_clips  # noqa: E402
from emotion_recognition.training.folds import CLAIM, claim  # noqa: E402
from emotion_recognition.training.learners import Task, create_learner, sources  # noqa: E402
from emotion_recognition.training.search import search  # noqa: E402
from emotion_recognition.training.whole import train_model  # noqa: E402

QUICK = Changes(epochs=1, batch=4)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    made_corpora.make_ravdess_speech(folder / "ravdess", [1, 5], repetitions=(1,))
    made_corpora.make_ravdess_speech(folder / "other", [2], repetitions=(1,))
    made_corpora.make_emodb(folder / "emodb")
    made_corpora.make_cremad(folder / "cremad", [1001])
    return folder


@pytest.fixture
def task(folders):
    return Task("speech-resnet", str(folders / "ravdess"), changes=QUICK, cache=str(folders / "cache"))


def known(corpus, names, left_out=()):
    """Return a learner's surface of clips without files, all readable."""
    parse = {"ravdess": ravdess.parse, "emodb": emodb.parse}[corpus]
    clips = tuple(parse(Path(f"{name}.wav")) for name in sorted(names))
    channel = "song" if clips[0].channel == "song" else "speech"
    extent = (ravdess if corpus == "ravdess" else emodb).extent("audio", channel)
    found = Corpus(corpus, Path("data"), clips, extent=extent, left_out=left_out)
    return SimpleNamespace(
        corpus=found, names=found.names, actors=found.actors, unreadable=[], added=None, task=Task("S1", "data")
    )


def without(learner, name):
    """Return the surface of a learner that could not read one clip."""
    kept = [index for index, one in enumerate(learner.names) if one != name]
    return SimpleNamespace(**{
        **vars(learner), "names": tuple(learner.names[index] for index in kept), "actors": learner.actors[kept],
        "unreadable": [SimpleNamespace(path=Path(f"{name}.wav"), reason="cut off")],
    })  # fmt: skip


def speech_names():
    protocol = load_protocol("p1")
    return ["03-" + name for fold in protocol.folds for name in fold.test] + ["03-" + n for n in protocol.left_out]


def song_names():
    return [
        f"03-02-{class_id:02d}-{level:02d}-{statement:02d}-{repetition:02d}-{actor:02d}"
        for actor in range(1, 25)
        for class_id in range(1, 7)
        for level in (1, 2)
        for statement in (1, 2)
        for repetition in (1, 2)
        if actor != 18 and (class_id > 1 or level == 1)
    ]


@pytest.mark.parametrize(("protocol", "added"), [("p4", "emodb"), ("p2", "other")])
def test_a_data_set_that_is_tested_cannot_be_added(task, folders, tmp_path, protocol, added):
    task = dataclasses.replace(task, added=str(folders / added))
    test_data = str(folders / "emodb") if protocol == "p4" else ""
    with pytest.raises(ValueError, match=r"(emodb, which p4 tests|other holds ravdess as .*ravdess does).*add another"):
        cross_validate(task, protocol, tmp_path / "o", 1, allow_partial=True, test_data=test_data)
    with pytest.raises(ValueError, match="add another data set"):
        search(task, protocol, tmp_path / "s", 1, jobs=1, allow_partial=True)
    assert not (tmp_path / "o").exists() and not (tmp_path / "s").exists()


def test_a_learner_refuses_more_of_its_own_data_set(task, folders):
    with pytest.raises(ValueError, match="tested on; add another data set"):
        create_learner(dataclasses.replace(task, added=str(folders / "other")))
    assert create_learner(dataclasses.replace(task, added=str(folders / "cremad"))).added.corpus.name == "cremad"


def test_frames_cannot_be_skipped_of_sounds(task):
    with pytest.raises(ValueError, match="skip_frames 3: speech-resnet reads no video"):
        create_learner(dataclasses.replace(task, skip_frames=3))


def test_a_folder_is_claimed_for_the_added_clips_too(task, folders, tmp_path):
    made_corpora.make_emodb(tmp_path / "more", ("03",))
    with_added = dataclasses.replace(task, added=str(tmp_path / "more"))
    learner = create_learner(with_added)
    claim(tmp_path / "run", learner, learner.names)
    first = json.loads((tmp_path / "run" / CLAIM).read_text())["learned"]
    assert first.startswith("16 clips of ravdess and 6 of emodb, ")
    (tmp_path / "more" / "03a01Na.wav").rename(tmp_path / "more" / "03a02Na.wav")
    with pytest.raises(ValueError, match="holds another run: learned"):
        claim(tmp_path / "run", create_learner(with_added), learner.names)
    alone = create_learner(task)
    claim(tmp_path / "alone", alone, alone.names)
    assert json.loads((tmp_path / "alone" / CLAIM).read_text())["learned"].startswith("16 clips of ravdess, ")


def test_every_actor_with_clips_missing_is_partial_all_the_same():
    names = speech_names()
    learner = known("ravdess", names)
    assert len(split_clips(load_protocol("p2"), learner, False)) == 6
    few = known("ravdess", [name for name in names if name[9:17] == "01-01-01"])
    assert len(set(few.actors.tolist())) == 24
    for protocol in ("p1", "p2", "p4", "p5"):
        with pytest.raises(CorpusError, match="ravdess is not whole: found 192 of 1440 clips"):
            split_clips(load_protocol(protocol), few, False)
    assert len(split_clips(load_protocol("p2"), few, True)) == 6


@pytest.mark.parametrize("protocol", ["p1", "p2"])
def test_a_file_that_cannot_be_read_does_not_make_the_set_partial(protocol):
    learner = without(known("ravdess", speech_names()), "03-01-05-02-01-01-07")
    splits = split_clips(load_protocol(protocol), learner, False)
    tested = np.concatenate([split.test for split in splits])
    left_out = len(load_protocol("p1").left_out) if protocol == "p1" else 0
    assert len(tested) == len(set(tested.tolist())) == 1440 - left_out - 1
    assert cross_validation._notes([learner], False) == "1 files could not be read and were left out."


def test_song_is_whole_without_the_actor_who_did_not_sing():
    learner = known("ravdess", song_names())
    assert len(learner.names) == 1012
    splits = split_clips(load_protocol("p2"), learner, False)
    assert sum(len(split.test) for split in splits) == 1012
    assert sorted(set(learner.actors[splits[4].test].tolist())) == [17, 19, 20]
    silent = known("ravdess", [name for name in song_names() if not name.endswith("-05")])
    with pytest.raises(CorpusError, match=r"no clip of 1 of 23 actors \(5\)"):
        split_clips(load_protocol("p2"), silent, False)


def test_a_part_of_the_added_data_is_refused_unless_allowed(task, folders, tmp_path, monkeypatch):
    whole = Corpus.check_whole
    monkeypatch.setattr(Corpus, "check_whole", lambda corpus: whole(corpus) if corpus.name == "emodb" else None)
    task = dataclasses.replace(task, added=str(folders / "emodb"))
    learner = create_learner(task)
    for call in (
        lambda: split_clips(load_protocol("p2"), learner, False),
        lambda: cross_validate(task, "p2", tmp_path / "o", 1),
        lambda: search(task, "p2", tmp_path / "o", 1, jobs=1),
        lambda: train_model(task, tmp_path / "o"),
    ):
        with pytest.raises(
            CorpusError, match=r"emodb: emodb is not whole: found 12 of \d+ clips and no clip of 8 of 10"
        ):
            call()
    assert not (tmp_path / "o").exists()
    assert len(split_clips(load_protocol("p2"), learner, True)) == 2
    missing = sum(one.corpus.missing.clips for one in (learner, learner.added))
    assert learner.added.corpus.missing.clips > 500
    assert cross_validation._notes(sources(learner), True).startswith(f"Partial data: {missing} clips are missing")


def test_a_part_of_the_corpus_that_is_tested_is_refused(task, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(Corpus, "check_whole", lambda corpus: check(corpus))

    def check(corpus):
        if corpus.name == "emodb":
            raise CorpusError("emodb is not whole")

    with pytest.raises(CorpusError, match="emodb is not whole"):
        cross_validate(task, "p4", tmp_path / "o", 1, test_data=str(folders / "emodb"))
    assert not (tmp_path / "o").exists()
