"""Every level, its reason, and every value with its unit."""

from dataclasses import replace

import pytest

from emotion_recognition.diagnostics import (
    ERROR_HOLD_S,
    InputCounts,
    Level,
    NodeFacts,
    OutputCounts,
    input_status,
    node_status,
)

GOOD = InputCounts(
    listening=True,
    received=1000,
    left_out=20,
    skipped=3,
    recently_left_out=0,
    recently_skipped=0,
    rate=29.96,
    silent_s=0.04,
    heard=True,
    stamp_ns=99_958_000_000,
    frame_id="left_eye",
    problem="",
)
OUTPUTS = OutputCounts(published=42, rate=4.99, latencies_ms=(12.34, 15.55, 20.04))


def judged(counts, **more):
    found = input_status("n", counts, now_ns=100_000_000_000, **more)
    return found.level, found.message


@pytest.mark.parametrize(
    ("changes", "more", "expected"),
    [
        ({}, {}, (Level.OK, "receiving")),
        ({"heard": False, "silent_s": 0.5}, {}, (Level.STALE, "no message yet, publishers: 0")),
        ({"heard": False}, {"publishers": 2}, (Level.STALE, "no message yet, publishers: 2")),
        ({"silent_s": 4.99}, {}, (Level.OK, "receiving")),
        ({"silent_s": 5.0}, {"publishers": 1}, (Level.STALE, "no message for 5 s, publishers: 1")),
        ({"silent_s": 5.0}, {"stale_after_s": 60.0}, (Level.OK, "receiving")),
        ({"problem": "too dark", "recently_left_out": 1}, {}, (Level.WARN, "too dark")),
        ({"problem": "frozen"}, {}, (Level.WARN, "frozen")),
        ({"recently_left_out": 4}, {}, (Level.WARN, "4 messages left out of late")),
        (
            {"recently_skipped": 7},
            {},
            (Level.WARN, "7 messages skipped of late: the processor is too busy"),
        ),
        ({}, {"mismatches": 2}, (Level.WARN, "2 publishers whose quality of service does not fit")),
        # What is at rest is neither silent nor wrong.
        (
            {"listening": False, "silent_s": 900.0, "problem": "too dark"},
            {"rest": "at rest: nobody listens", "mismatches": 2},
            (Level.OK, "at rest: nobody listens"),
        ),
        ({"listening": False, "heard": False}, {}, (Level.OK, "not listened to")),
        # Silence is more than what was wrong before it.
        ({"silent_s": 6.0, "problem": "too dark"}, {}, (Level.STALE, "no message for 6 s, publishers: 0")),
    ],
)
def test_levels_of_an_input(changes, more, expected):
    assert judged(replace(GOOD, **changes), **more) == expected


def test_values_of_an_input():
    found = input_status("n: image", GOOD, now_ns=100_000_000_000, publishers=1, mismatches=5)
    assert (found.name, found.hardware_id) == ("n: image", "left_eye")
    assert dict(found.values) == {
        "rate (Hz)": "30.0",
        "age (s)": "0.042",
        "last message (s)": "0.0",
        "received": "1000",
        "left out": "20",
        "skipped": "3",
        "publishers": "1",
        "qos mismatches": "5",
    }


def test_ages_are_told_where_there_are_any():
    values = dict(input_status("n", replace(GOOD, heard=False)).values)
    assert "age (s)" not in values and "last message (s)" not in values
    values = dict(input_status("n", replace(GOOD, stamp_ns=None, silent_s=1.26)).values)
    assert "age (s)" not in values and values["last message (s)"] == "1.3"
    values = dict(input_status("n", GOOD, now_ns=99_000_000_000).values)
    assert values["age (s)"] == "-0.958"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"working": True}, (Level.OK, "at work")),
        ({"demanded": False}, (Level.OK, "at rest: nobody listens")),
        # It works anyway, but does not.
        ({}, (Level.ERROR, "cannot begin to work")),
        (
            {"errors": 1, "error": "unexpected MediaError: /dev/video0", "error_age_s": 61.0},
            (Level.ERROR, "cannot begin to work: unexpected MediaError: /dev/video0"),
        ),
        ({"state": "inactive"}, (Level.OK, "inactive")),
        ({"state": "unconfigured"}, (Level.OK, "unconfigured")),
        ({"enabled": False}, (Level.OK, "perception is switched off")),
        ({"enabled": False, "state": "inactive"}, (Level.OK, "perception is switched off")),
        (
            {"working": True, "mismatches": {"/emotion": 2, "/emotion/raw": 0}},
            (Level.WARN, "listeners whose quality of service does not fit: /emotion"),
        ),
        (
            {"working": True, "errors": 1, "error": "unexpected KeyError: 'a'"},
            (Level.ERROR, "unexpected KeyError: 'a'"),
        ),
        ({"working": True, "errors": 1, "error": "x", "error_age_s": ERROR_HOLD_S}, (Level.OK, "at work")),
        ({"state": "unconfigured", "failure": "cannot configure: no file"}, (Level.ERROR, "cannot configure: no file")),
        (
            {"errors": 1, "error": "x", "failure": "cannot activate: y", "mismatches": {"/emotion": 2}},
            (Level.ERROR, "cannot activate: y"),
        ),
    ],
)
def test_levels_of_a_node(facts, expected):
    found = node_status("n", NodeFacts(**{"state": "active", **facts}), OUTPUTS)
    assert (found.level, found.message) == expected


def test_values_of_a_node():
    facts = NodeFacts(
        state="active",
        working=True,
        demanded=True,
        errors=3,
        error_age_s=1e6,
        mismatches={"/emotion": 2, "/emotion/raw": 1},
        about={"model": "resnet-fan", "weights sha256": "ab12"},
        notes={"faces": "2"},
        memory_mib=150.96,
    )
    found = node_status("emotion_recognition: fusion", facts, OUTPUTS)
    assert (found.name, found.hardware_id) == ("emotion_recognition: fusion", "")
    assert dict(found.values) == {
        "state": "active",
        "perception": "on",
        "demanded": "yes",
        "model": "resnet-fan",
        "weights sha256": "ab12",
        "published": "42",
        "publish rate (Hz)": "5.0",
        "latency p50 (ms)": "12.3",
        "latency p95 (ms)": "15.6",
        "latency max (ms)": "20.0",
        "faces": "2",
        "unexpected errors": "3",
        "qos mismatches": "3",
        "resident memory (MiB)": "151.0",
    }
    assert len(found.values) == len(dict(found.values))


def test_values_that_are_not_known_are_not_told():
    values = dict(
        node_status("n", NodeFacts(state="inactive", enabled=False, demanded=False), OutputCounts(0, 0.0, None)).values
    )
    assert (values["perception"], values["demanded"]) == ("off", "no")
    assert not [key for key in values if key.startswith(("latency", "resident"))]
    assert dict(node_status("n", NodeFacts(state="active"), OUTPUTS).values)["demanded"] == "always"
