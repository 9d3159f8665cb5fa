import json
from collections import Counter

import numpy as np
import pytest

from emotion_recognition.evaluation.protocols import FOLDER, PROTOCOLS, load_protocol


def ravdess_speech(prefix="03"):
    """Names and actors of the 1,439 different clips of RAVDESS speech, by the rules that its authors state."""
    names = [
        f"{prefix}-01-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor:02}"
        for actor in range(1, 25)
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    names.remove(f"{prefix}-01-03-01-02-02-07")
    return names, [int(name[-2:]) for name in names]


@pytest.mark.parametrize("name", ["p1", "p2"])
def test_every_clip_is_tested_once_and_never_learned_from_in_its_fold(name):
    names, actors = ravdess_speech()
    splits = load_protocol(name).indices(names, actors)
    assert sorted(np.concatenate([split.test for split in splits]).tolist()) == list(range(1439))
    for number, split in enumerate(splits):
        train, validation, test = split
        assert split.fold == number
        assert not set(train) & set(validation) and not set(split.learning) & set(test)
        assert len(train) and len(validation) and len(split.learning) + len(test) == 1439


def test_p1_is_stratified():
    names, actors = ravdess_speech()
    class_ids = np.array([int(name[6:8]) for name in names])
    splits = load_protocol("p1").indices(names, actors)
    assert len(splits) == 5
    for split in splits:
        assert len(split.test) in (287, 288)
        counts = Counter(class_ids[split.test].tolist())
        assert 19 <= counts[1] <= 20 and all(38 <= counts[number] <= 39 for number in range(2, 9))


def test_p1_single_split_is_a_stratified_fifth():
    names, actors = ravdess_speech()
    class_ids = np.array([int(name[6:8]) for name in names])
    (split,) = load_protocol("p1-split").indices(names, actors)
    assert (len(split.learning), len(split.test)) == (1151, 288)
    counts = Counter(class_ids[split.test].tolist())
    assert 19 <= counts[1] <= 20 and all(38 <= counts[number] <= 39 for number in range(2, 9))


def test_p2_has_two_men_and_two_women_in_every_fold_and_chooses_on_other_actors():
    protocol = load_protocol("p2")
    assert [fold.test for fold in protocol.folds] == [tuple(range(first, first + 4)) for first in range(1, 25, 4)]
    names, actors = ravdess_speech()
    for split in protocol.indices(names, actors):
        parts = [set(np.array(actors)[part]) for part in split]
        assert [len(part) for part in parts] == [16, 4, 4] and len(set.union(*parts)) == 24
        assert sum(actor % 2 for actor in parts[2]) == 2


def test_p1_takes_pictures_and_sound_of_the_same_performances_and_leaves_the_copy_out():
    names, actors = ravdess_speech("01")
    names.append("01-01-03-01-02-02-07")
    actors.append(7)
    sound = load_protocol("p1").indices(*ravdess_speech())
    pictures = load_protocol("p1").indices(names, actors)
    assert all((a.test == b.test).all() and (a.train == b.train).all() for a, b in zip(sound, pictures, strict=True))


def test_p3_groups_all_actors_of_cremad():
    protocol = load_protocol("p3")
    actors = list(range(1001, 1092)) * 2
    splits = protocol.indices([f"clip {row}" for row in range(182)], actors)
    assert sorted(len(set(np.array(actors)[split.test])) for split in splits) == [18, 18, 18, 18, 19]
    assert sorted(actor for fold in protocol.folds for actor in fold.test) == list(range(1001, 1092))
    assert protocol.class_ids == (1, 3, 4, 5, 6, 7)


def test_p4_learns_from_one_corpus_and_tests_on_another():
    protocol = load_protocol("p4")
    names, actors = ravdess_speech()
    (split,) = protocol.indices(names, actors)
    assert len(split.learning) == 1439 and len(split.test) == 0
    speakers = [3, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    assert protocol.across_corpora and protocol.test_corpus == "emodb"
    assert protocol.test_indices([f"{speaker:02}a01Fa" for speaker in speakers], speakers).tolist() == list(range(10))
    with pytest.raises(ValueError, match=r"does not know 1 actor \(17\)"):
        protocol.test_indices(["17a01Fa"], [17])


def test_p5_has_the_folds_of_p2():
    assert load_protocol("p5").folds == load_protocol("p2").folds
    assert {"clips", "windows"} < set(load_protocol("p5").conditions)


def test_unknown_and_missing_clips():
    names, actors = ravdess_speech()
    for name in ("p1", "p1-split"):
        with pytest.raises(ValueError, match=r"lacks 2 clips \(01-01-01-01-01-01, 01-01-01-01-02-01\)"):
            load_protocol(name).indices(names[2:], actors[2:])
        with pytest.raises(ValueError, match=r"does not know 1 clip \(1001_DFA_ANG_XX\)"):
            load_protocol(name).indices([*names, "1001_DFA_ANG_XX"], [*actors, 1001])
    with pytest.raises(ValueError, match=r"lacks 4 actors \(21, 22, 23, 24\)"):
        load_protocol("p2").indices(names[:1199], actors[:1199])
    with pytest.raises(ValueError, match=r"does not know 1 actor \(1001\)"):
        load_protocol("p2").indices(["a"], [1001])
    with pytest.raises(ValueError, match="2 names, 1 actors"):
        load_protocol("p2").indices(["a", "b"], [1])


def test_partial_data_drops_the_folds_without_clips():
    names, actors = ravdess_speech()
    keep = [row for row, actor in enumerate(actors) if actor in (1, 2, 9)]
    splits = load_protocol("p2").indices([names[row] for row in keep], [actors[row] for row in keep], True)
    assert [(split.fold, split.name) for split in splits] == [(0, "actors 1-4"), (2, "actors 9-12")]
    with pytest.raises(ValueError, match="no fold with both"):
        load_protocol("p2").indices(names[:60], actors[:60], allow_partial=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not a fold file"),
        ('{"title": "x"}', "KeyError"),
        ({"folds": [{"name": "a", "train": [1], "validation": [1], "test": [2]}]}, "two of train"),
        (
            {"folds": [{"name": "a", "train": [1], "test": [2]}, {"name": "b", "train": [1], "test": [2]}]},
            "another fold",
        ),
    ],
)
def test_damaged_fold_files(tmp_path, content, reason):
    if isinstance(content, dict):
        content = json.dumps({"title": "x", "corpus": "ravdess", "by": "actor", **content})
    (tmp_path / "p2.json").write_text(content)
    with pytest.raises(ValueError, match=reason):
        load_protocol("p2", tmp_path)


def test_unknown_protocol():
    with pytest.raises(ValueError, match="'p9' is not known; expected one of p1, p1-split"):
        load_protocol("p9")


def test_committed_files_are_what_the_generator_writes(data_folder, tmp_path):
    pytest.importorskip("sklearn")
    from emotion_recognition.evaluation.make_folds import make_folds

    folder = data_folder / "ravdess_speech"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    make_folds(folder, tmp_path)
    for name in PROTOCOLS:
        assert (tmp_path / f"{name}.json").read_text() == (FOLDER / f"{name}.json").read_text()
