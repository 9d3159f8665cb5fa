"""Sessions and their scores by hand, and the committed records' figures as docs/STEADINESS.md has them."""

from pathlib import Path

import numpy as np
import pytest

from emotion_recognition.estimates import Modality, Status
from emotion_recognition.evaluation import steadiness
from emotion_recognition.evaluation.records import RunRecord
from emotion_recognition.evaluation.steadiness import Session, Setting, clip_sessions, score, still_sessions
from emotion_recognition.fusion import decide
from emotion_recognition.parameters import defaults
from emotion_recognition.stamps import SECOND_NS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "STEADINESS.md"
TABLE = (3, 4)  # happy, sad
NO_CHANGE = {"voice": [1.0] * 2, "face": [1.0] * 2, "fused": [1.0] * 2}


def session(shares, truth, step_s=1.0):
    """Return a session of decisions one step apart, given the share of happy in each."""
    decisions = tuple(
        decide(
            (share, 1 - share), TABLE, modality=Modality.FUSED, status=Status.FACE_ONLY,
            stamp_ns=round((10 + step_s * number) * SECOND_NS), window_start_ns=0, window_end_ns=0, frame_id="",
            person_id="face_1",
        )
        for number, share in enumerate(shares)
    )  # fmt: skip
    return Session(decisions, tuple(truth))


def test_a_score_by_hand():
    """Seven decisions in six seconds: happy, then sad from the fourth on, named late and with two errors between."""
    one = session([0.9, 0.9, 0.4, 0.9, 0.1, 0.6, 0.1], [3, 3, 3, 4, 4, 4, 4])
    found = score([one], Setting())
    assert (found.changes, found.true_changes) == (pytest.approx(50), pytest.approx(10))
    assert (found.accuracy, found.coverage) == (pytest.approx(4 / 7), 1)
    assert (found.delay_s, found.found) == (1.0, 1.0)
    held = score([one], Setting(hysteresis=0.3))
    assert (held.changes, held.accuracy) == (pytest.approx(10), pytest.approx(6 / 7))
    shy = score([one], Setting(min_confidence=0.7))
    assert (shy.coverage, shy.accuracy) == (pytest.approx(5 / 7), pytest.approx(4 / 5))


def test_an_emotion_that_is_never_named_is_not_found():
    missed = session([0.9, 0.9, 0.9, 0.1, 0.1], [3, 3, 4, 3, 4])
    found = score([missed], Setting())
    assert (found.found, found.delay_s) == (pytest.approx(1 / 3), 0.0)
    with pytest.raises(ValueError, match="0 changes of emotion"):
        score([session([0.9, 0.9], [3, 3])], Setting())


def record(modality, rows):
    """Return a record with rows of (emotion, actor, fold), the true class's logit at 5."""
    truth = np.array([row[0] for row in rows])
    logits = np.zeros((len(rows), 8))
    logits[np.arange(len(rows)), truth - 1] = 5
    return RunRecord(
        name="made", model="made", protocol="p2", corpus="ravdess", truth=truth, logits=logits,
        names=[f"0{modality}-01-0{emotion}-01-01-01-{actor:02}" for emotion, actor, _ in rows],
        actors=np.array([row[1] for row in rows]), folds=np.array([row[2] for row in rows]),
    )  # fmt: skip


def test_sessions_of_clips_are_in_order_and_fused():
    clips = [(emotion, actor, actor - 1) for actor in (1, 2) for emotion in (3, 4, 5)]
    voice = record(3, [clip for clip in clips for _ in range(4)])
    alone, both = (clip_sessions(voice, face, NO_CHANGE) for face in (None, record(1, clips)))
    assert len(alone) == len(both) == 2
    for heard, fused in zip(alone, both, strict=True):
        stamps = [one.stamp_ns for one in heard.decisions]
        assert len(stamps) == 12 and np.ptp(np.diff(stamps)) == 0 and stamps[1] - stamps[0] == SECOND_NS // 2
        assert [one.class_id for one in heard.decisions] == list(heard.truth) and set(heard.truth) == {3, 4, 5}
        assert {one.status for one in heard.decisions} == {Status.SPEECH_ONLY}
        # Four windows of half a second and ten frames a clip; the first window comes before there is a face.
        assert len(fused.decisions) == 3 * (4 + 10)
        assert [one.status for one in fused.decisions] == [Status.SPEECH_ONLY] + [Status.BOTH] * 41
        assert [one.stamp_ns for one in fused.decisions] == sorted(one.stamp_ns for one in fused.decisions)
    again = clip_sessions(voice, None, NO_CHANGE)
    assert [one.truth for one in again] == [one.truth for one in alone]


def test_sessions_of_stills_show_each_for_its_time():
    pytest.importorskip("torch", reason="frames are degraded with torch")
    seen = []

    def classify(picture, stamp_ns):
        seen.append(picture)
        happy = float(picture.mean() > 100)
        return np.array([0.1 + 0.8 * happy, 0.9 - 0.8 * happy])

    images = np.stack([np.full((48, 48), value, np.uint8) for value in (200, 20)])
    (one,) = still_sessions(images, (3, 4), classify, TABLE, 4)
    assert len(seen) == len(one.decisions) == 4 * 50
    assert [one.truth[start] for start in range(0, 200, 50)] in ([3, 4, 3, 4], [4, 3, 4, 3])
    right = np.mean([decision.class_id == true for decision, true in zip(one.decisions, one.truth, strict=True)])
    assert 0.8 < right < 1  # degraded frames are wrong at times
    assert {picture.shape for picture in seen} == {(48, 48, 3)}


def test_the_page_has_the_figures_of_the_shipped_defaults():
    """The voice's row, computed anew from the committed records; the others are by the same code."""
    p = defaults("fusion")
    shipped = Setting(p["smoothing"], p["hysteresis"], p["min_confidence"])
    voice = steadiness.recorded_sessions(streams=["voice"])["voice"]
    page = PAGE.read_text(encoding="utf-8")
    (row,) = steadiness.table([("voice", shipped, score(voice, shipped))]).splitlines()[2:]
    assert row in page
    for stream in steadiness.STREAMS:
        assert (
            page.count(f"| {stream} | {shipped.smoothing:g} | {shipped.hysteresis:g} | {shipped.min_confidence:g} |")
            == 1
        )


def test_the_command_prints_the_rows_asked_for(monkeypatch, capsys):
    made = {"voice": [session([0.9, 0.4, 0.1], [3, 3, 4])]}
    monkeypatch.setattr(steadiness, "recorded_sessions", lambda runs: made)
    rows = steadiness.main(["--setting", "0", "0.3", "0.2"])
    assert [(stream, one) for stream, one, _ in rows] == [("voice", Setting(0.0, 0.3, 0.2))]
    assert "| voice | 0 | 0.3 | 0.2 | 30.0 (30.0) | 1.000 | 1.000 | 0.0, 0.0 | 1.00 |" in capsys.readouterr().out
