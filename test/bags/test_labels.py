"""Labels of bags: CSV files, topics and names."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition import emotions
from emotion_recognition.bags.labels import (
    Change,
    LabelError,
    change_of_text,
    emotion_of_name,
    from_changes,
    from_name,
    read_labels,
    write_labels,
)
from emotion_recognition.bags.results import Interval


def written(tmp_path, *lines, header="start,end,person,emotion"):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_labels_are_read_by_start_with_synonyms_and_clipped_at_the_end(tmp_path):
    path = written(tmp_path, "5.5,99,,Anger", "", "0,1.5,face_1,happy", "0, 1.5 ,face_2,JOY", "120,130,,sad")
    assert read_labels(path, 10.0) == (
        Interval(0.0, 1.5, "face_1", emotions.HAPPY),
        Interval(0.0, 1.5, "face_2", emotions.HAPPY),
        Interval(5.5, 10.0, "", emotions.ANGRY),
    )


def test_a_file_of_the_header_alone_labels_nothing(tmp_path):
    assert read_labels(written(tmp_path)) == ()


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["0,1,,bored"], r"labels.csv, line 2: emotion 'bored' is not known; expected one of neutral"),
        (["0,1,,sad", "0.5,2,,happy"], r"line 3: 0.5 to 2 s happy of anyone overlaps line 2: 0 to 1 s sad of anyone"),
        (["0,9,face_1,sad", "1,2,face_2,sad", "3,4,,sad"], r"line 4: 3 to 4 s sad of anyone overlaps line 2"),
        (["0,9,,sad", "1,2,face_2,sad"], r"line 3: .* of face_2 overlaps line 2: .* of anyone"),
        (["2,1,,sad"], r"line 2: end 1 is not after start 2"),
        (["-1,1,,sad"], r"line 2: start '-1', expected seconds"),
        (["0,nan,,sad"], r"line 2: end 'nan', expected seconds"),
        (["0,later,,sad"], r"line 2: end 'later', expected seconds"),
        (["0,1,sad"], r"line 2: 3 values"),
    ],
)
def test_wrong_labels_are_named_with_line_and_value(tmp_path, lines, text):
    with pytest.raises(LabelError, match=text):
        read_labels(written(tmp_path, *lines))


def test_with_a_listener_wrong_lines_are_left_out(tmp_path):
    told = []
    path = written(tmp_path, "0,1,,sad", "0.5,2,,happy", "3,x,,sad", "nine,10,,sad", "5,6,,calm")
    found = read_labels(path, 10.0, lambda offset, text: told.append((offset, text.split(":")[0])))
    assert [(one.start_s, one.class_id) for one in found] == [(0.0, emotions.SAD), (5.0, emotions.CALM)]
    assert told == [(3.0, "line 4"), (0.0, "line 5"), (0.5, "line 3")]


@pytest.mark.parametrize("header", ["", "start;end;person;emotion", "start,end,emotion", "0,1,,sad"])
def test_another_header_is_refused(tmp_path, header):
    with pytest.raises(LabelError, match="line 1: header .* expected 'start,end,person,emotion'"):
        read_labels(written(tmp_path, "0,1,,sad", header=header))


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"start,end,person,emotion\n0,1,\xff\xfe,sad\n")
    with pytest.raises(LabelError, match="UTF-8"):
        read_labels(path)


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0, 3), st.sampled_from(emotions.CLASS_IDS)), max_size=6))
def test_what_is_written_is_read_again(tmp_path_factory, pieces):
    labels, at = [], 0.0
    for length, gap, number in pieces:
        start = round(at + gap, 6)
        at = round(start + length, 6)
        labels.append(Interval(start, at, "", number))
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_labels(path, labels)
    assert read_labels(path) == tuple(labels)


def test_changes_hold_until_the_next_of_the_same_person_or_the_end():
    changes = [
        Change(1.0, "", emotions.SAD), Change(2.0, "face_1", emotions.HAPPY), Change(3.0, "", emotions.UNKNOWN),
        Change(4.0, "", emotions.CALM),
    ]  # fmt: skip
    assert from_changes(changes, 6.0) == (
        Interval(1.0, 3.0, "", emotions.SAD),
        Interval(2.0, 6.0, "face_1", emotions.HAPPY),
        Interval(4.0, 6.0, "", emotions.CALM),
    )


def test_texts_of_a_topic():
    assert change_of_text(" Happiness ", 1.0) == Change(1.0, "", emotions.HAPPY)
    assert change_of_text("face_2 sad", 1.0) == Change(1.0, "face_2", emotions.SAD)
    assert change_of_text("", 1.0) == change_of_text("none", 1.0) == Change(1.0, "", emotions.UNKNOWN)
    assert change_of_text("face_2 none", 1.0) == Change(1.0, "face_2", emotions.UNKNOWN)
    for text in ("bored", "face_1 bored", "a b sad"):
        with pytest.raises(LabelError, match="label"):
            change_of_text(text, 1.0)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("03-01-05-01-02-01-12", emotions.ANGRY), ("01-01-08-01-02-01-12", emotions.SURPRISED),
        ("1001_DFA_ANG_XX", emotions.ANGRY), ("03-01-09-01-02-01-12", None), ("kitchen", None),
    ],
)  # fmt: skip
def test_names_of_ravdess_and_cremad_tell_the_emotion(name, number):
    assert emotion_of_name(name) == number
    assert from_name(name, 2.0) == (() if number is None else (Interval(0.0, 2.0, "", number),))


def test_without_a_duration_nothing_is_clipped(tmp_path):
    assert read_labels(written(tmp_path, "0,1e6,,sad"), math.inf)[0].end_s == 1e6
