import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.evaluation.records import (
    RecordError,
    RunRecord,
    join,
    library_versions,
    load_record,
    load_records,
)


def made(count=4, **changed):
    rows = np.arange(count)
    values = {
        "name": "a-run",
        "model": "speech-resnet",
        "protocol": "p2",
        "corpus": "ravdess",
        "names": [f'clip {row}, "quoted"' for row in rows],
        "actors": rows % 24 + 1,
        "folds": rows % 2,
        "truth": rows % 8 + 1,
        "logits": np.eye(8)[rows % 8] * 3.14159,
        "conditions": ["clips" if row % 2 else "windows" for row in rows],
        "parameters": 1234,
        "recipe": {"epochs": 3, "rate": np.float32(0.5)},
        "seed": 7,
        "versions": library_versions(),
        "command": "emotion-recognition cross-validate speech-resnet --data FOLDER",
    }
    return RunRecord(**{**values, **changed})


def test_a_record_comes_back_as_it_was(tmp_path):
    record = made(notes="ä note")
    path = record.save(tmp_path / "runs")
    found = load_record(path)
    assert path.name == "a-run.json"
    assert found.names == record.names and found.conditions == record.conditions
    for key in ("actors", "folds", "truth"):
        assert (getattr(found, key) == getattr(record, key)).all()
    assert np.abs(found.logits - record.logits).max() <= 5e-5
    assert (found.model, found.parameters, found.seed, found.notes) == ("speech-resnet", 1234, 7, "ä note")
    assert found.recipe == {"epochs": 3, "rate": 0.5}
    assert found.versions["numpy"] == np.__version__
    assert load_records(tmp_path / "runs")[0].names == record.names


def test_classes_that_cannot_be_named_count_for_nothing(tmp_path):
    logits = np.tile([0.0, 9.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0], (2, 1))
    record = made(2, class_ids=(1, 3, 8), truth=[1, 3], logits=logits)
    assert record.predicted.tolist() == [8, 8]
    assert record.probabilities.shape == (2, 3)
    assert record.probabilities[0] == pytest.approx(np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum())
    found = load_record(record.save(tmp_path))
    assert np.isnan(found.logits[:, [1, 3, 4, 5, 6]]).all() and found.predicted.tolist() == [8, 8]
    assert logits[0, 1] == 9.0  # the caller's array stays


def test_select_and_join():
    record = made(6)
    clips = record.select("clips")
    assert clips.names == record.names[1::2] and clips.truth.tolist() == [2, 4, 6]
    again = join("both", [record.select(fold=0), record.select(fold=1)])
    assert again.name == "both" and again.folds.tolist() == [0, 0, 0, 1, 1, 1]
    assert again.truth.tolist() == [1, 3, 5, 2, 4, 6]
    with pytest.raises(RecordError, match="no predictions of condition noise"):
        record.select("noise")
    with pytest.raises(RecordError, match="seed 7, .* 8"):
        join("two", [record, made(seed=8)])
    with pytest.raises(RecordError, match="no records"):
        join("none", [])


def test_folds_from_before_a_setting_are_joined_with_those_of_its_default():
    before, after = made(recipe={"seed": 1}), made(recipe={"seed": 1, "readings": {}})
    assert join("both", [before, after]).recipe == {"seed": 1}
    with pytest.raises(RecordError, match="only the folds of one run"):
        join("both", [before, made(recipe={"seed": 1, "readings": {"prelu": "channel"}})])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"names": ["one"]}, "1 names"),
        ({"logits": np.zeros((4, 7))}, r"\(4, 7\), expected \(4, 8\)"),
        ({"logits": np.full((4, 8), np.nan)}, "not finite"),
        ({"truth": [1, 2, 3, 9]}, r"true classes \[9\]"),
        ({"class_ids": (1, 2, 3)}, r"true classes \[4\]"),
        ({"name": "../escape"}, "letters, digits"),
        ({"folds": [-1, 0, 0, 0]}, "below 0"),
        ({"class_ids": (0, 1)}, "expected some of"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changed, reason):
    with pytest.raises(RecordError, match=reason):
        made(**changed)


def test_truncated_changed_and_foreign_files_are_refused(tmp_path):
    path = made().save(tmp_path)
    rows = path.with_suffix(".csv")
    content = rows.read_bytes()
    rows.write_bytes(content[:-20])
    with pytest.raises(RecordError, match="cut off or changed"):
        load_record(path)
    rows.unlink()
    with pytest.raises(RecordError, match=r"a-run\.csv: cannot be read"):
        load_record(path)
    header = json.loads(path.read_text())
    path.write_text(json.dumps({**header, "format": "another"}))
    with pytest.raises(RecordError, match="'another', expected"):
        load_record(path)
    del header["seed"]
    path.write_text(json.dumps(header))
    with pytest.raises(RecordError, match="lacks seed"):
        load_record(path)
    path.write_text("[1, 2]")
    with pytest.raises(RecordError, match="format 'list'"):
        load_record(path)
    path.write_text(json.dumps(header)[:30])
    with pytest.raises(RecordError, match="not the header"):
        load_record(path)
    with pytest.raises(RecordError, match="no such folder"):
        load_records(tmp_path / "nowhere")


def test_long_records_are_packed_and_the_same_record_is_the_same_file(tmp_path):
    many = 6000
    record = made(many, logits=np.random.default_rng(0).standard_normal((many, 8)))
    made().save(tmp_path)
    path = record.save(tmp_path)
    packed = tmp_path / "a-run.csv.gz"
    assert not (tmp_path / "a-run.csv").exists()
    found = load_record(path)
    assert found.names == record.names and np.abs(found.logits - record.logits).max() <= 5.1e-5
    content = packed.read_bytes()
    found.save(tmp_path)
    assert packed.read_bytes() == content
    for damaged in (content[:-100], b"plain text", content[:-8] + bytes(8)):
        packed.write_bytes(damaged)
        with pytest.raises(RecordError, match=r"a-run\.csv\.gz: cannot be read"):
            load_record(path)


@given(st.lists(st.lists(st.floats(-50, 50), min_size=8, max_size=8), min_size=1, max_size=8))
def test_probabilities_are_distributions_and_agree_with_the_prediction(rows):
    record = made(len(rows), logits=np.array(rows))
    assert record.probabilities.sum(axis=1) == pytest.approx(1)
    best = record.probabilities[np.arange(len(rows)), record.predicted - 1]
    assert best == pytest.approx(record.probabilities.max(axis=1))
