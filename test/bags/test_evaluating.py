"""Bags evaluated offline and as recorded, with labels from everywhere, many at a time."""

import dataclasses
import io
import json

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")
pytest.importorskip("sklearn", reason="needs requirements/train.txt")
pytest.importorskip("av", reason="needs PyAV")

from demo_bags import LABELS, demo_bag  # noqa: E402
from PIL import Image  # noqa: E402
from small_bags import copied, cut, storage_file  # noqa: E402

from emotion_recognition import emotions  # noqa: E402
from emotion_recognition.bags.evaluating import Evaluation, evaluate_bag, evaluate_bags  # noqa: E402
from emotion_recognition.bags.reading import Bag  # noqa: E402
from emotion_recognition.bags.results import Interval, from_json, to_json  # noqa: E402
from emotion_recognition.bags.writing import EMOTION, TEXT, BagWriter  # noqa: E402
from emotion_recognition.estimates import Status  # noqa: E402
from emotion_recognition.stamps import SECOND_NS  # noqa: E402


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def bag(made, tmp_path):
    """Six seconds of the bundled recording."""
    return demo_bag(made, tmp_path / "bag")


@pytest.fixture(scope="module")
def result(made, tmp_path_factory):
    """The evaluation of six seconds of the bundled recording."""
    folder = tmp_path_factory.mktemp("result")
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    return evaluate_bag(demo_bag(made, folder / "bag"), Evaluation(labels=folder / "labels.csv"))


def of(result, stream):
    return [one for one in result.decisions if one.stream == stream]


def test_every_stream_decides_with_stamps_in_bag_time(result):
    assert (result.mode, result.problems, result.duration_s) == ("offline", (), pytest.approx(6.0, abs=0.1))
    face, speech, fused = (of(result, stream) for stream in ("face", "speech", "fused"))
    assert 28 <= len(face) <= 31  # 15 frames in 3 s
    seen = [one for one in face if one.status == "FACE_ONLY"]
    assert len(seen) > 20 and all(one.person == "face_1" and one.face_box for one in seen)
    assert all(one.status == "NEITHER" and not one.face_box for one in face if one not in seen)
    assert np.diff([one.time_s for one in face]) == pytest.approx(0.2, abs=0.05)
    assert len(speech) >= 8 and any(one.status == "SPEECH_ONLY" for one in speech)
    assert {"FACE_ONLY", "BOTH"} <= {one.status for one in fused}
    assert all(one.latency_s is None and abs(sum(one.probabilities) - 1) < 1e-5 for one in result.decisions)
    assert all(one.window_start_s <= one.window_end_s for one in result.decisions)
    assert set(result.models) == {"face", "speech"} and result.parameters["image_topic"] == "/image/compressed"
    assert (
        result.coverage["face"] == pytest.approx(0.8, abs=0.05)
        and 0 < result.coverage["voice"] <= 1
        and result.coverage["decision"] > 0.7
    )


def test_decisions_have_the_truth_of_the_labels(result):
    assert result.labels == (
        Interval(0.0, 3.0, "", emotions.HAPPY), Interval(3.0, result.duration_s, "", emotions.NEUTRAL),
    )  # fmt: skip
    assert {one.truth for one in result.decisions if one.time_s < 3.0} == {emotions.HAPPY}
    assert {one.truth for one in result.decisions if one.time_s >= 3.0} == {emotions.NEUTRAL, None} - {
        None if result.decisions[-1].time_s < result.duration_s else 0
    }


def test_the_same_bag_gives_the_same_json_but_for_its_timing(bag, result, tmp_path):
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    again = to_json([evaluate_bag(bag, Evaluation(labels=tmp_path / "labels.csv"))])
    first = to_json([result])
    timing = again.pop("timing")
    assert timing["realtime_factor"] > 0 and timing["versions"]["rosbags"]
    del first["timing"]
    assert json.dumps(again) == json.dumps(first)
    assert again["judged"] > 20 and again["confusion"]["labels"][0] == "neutral"


@pytest.mark.parametrize("how", [{"images": "raw", "storage": "sqlite3"}, {"compression": "chunk"}])
def test_raw_and_compressed_bags_decide_alike(made, tmp_path, result, how):
    found = evaluate_bag(demo_bag(made, tmp_path / "bag", **how))
    same = [(one.time_s, one.person) for one in of(found, "fused")]
    assert same == [(one.time_s, one.person) for one in of(result, "fused")]
    labels = zip(of(found, "fused"), of(result, "fused"), strict=True)
    assert np.mean([one.class_id == two.class_id for one, two in labels]) > 0.9  # JPEG changes pixels


def test_parameters_reach_the_chain(bag, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(
        "/**: {ros__parameters: {frames: 3, window: 3.0, smoothing: 0.0}}\n"
        "fusion: {ros__parameters: {min_confidence: 1.0}}\n",
        encoding="utf-8",
    )
    found = evaluate_bag(bag, Evaluation(parameters=file))
    assert 5 <= len(of(found, "face")) <= 7 and found.parameters["frames"] == 3
    assert {one.class_id for one in of(found, "fused")} == {0}
    assert found.coverage["decision"] == 0


def test_one_sensor_alone_is_enough(bag):
    blind = evaluate_bag(bag, Evaluation(topics={"image": ""}))
    assert set(blind.models) == {"speech"} and not of(blind, "face")
    assert {one.person for one in of(blind, "fused") if one.class_id} == {"voice"}
    deaf = evaluate_bag(bag, Evaluation(topics={"audio": ""}))
    assert set(deaf.models) == {"face"} and {one.status for one in of(deaf, "fused") if one.person} == {"FACE_ONLY"}


def test_without_anyone_it_is_said_once_a_second(tmp_path):
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/image/compressed", "sensor_msgs/msg/CompressedImage")
        rng = np.random.default_rng(0)
        for number in range(40):
            time_ns = (10 + number // 10) * SECOND_NS + number % 10 * 100_000_000
            file = io.BytesIO()
            Image.fromarray(rng.integers(100, 110, (120, 160, 3), np.uint8)).save(file, "JPEG")
            bag.write("/image/compressed", time_ns, bag.compressed_image(time_ns, "cam", file.getvalue()))
    found = evaluate_bag(tmp_path / "bag")
    fused = of(found, "fused")
    assert [one.time_s for one in fused] == [0.0, 1.0, 2.0, 3.0] and {one.status for one in fused} == {"NEITHER"}
    assert found.coverage == {"face": 0.0, "voice": 0.0, "decision": 0.0}


def test_wrong_stamps_are_told_with_topic_and_offset_and_the_rest_is_used(bag, tmp_path):
    def zero_stamps(topic, time_ns, data):
        late = time_ns - first[0] > 2 * SECOND_NS
        if topic == "/image/compressed" and late:
            data = data[:4] + bytes(8) + data[12:]
        yield time_ns, data

    with Bag(bag) as opened:
        first = [opened.start_ns]
    found = evaluate_bag(copied(bag, tmp_path / "changed", zero_stamps))
    (line,) = found.problems
    assert line.startswith("bag changed, topic /image/compressed, offset 2.0") and "is not set" in line
    assert "more like this, the last at offset 6.000 s" in line
    assert max(one.time_s for one in of(found, "face")) <= 2.1 and of(found, "speech")[-1].time_s > 4


def test_messages_that_are_cut_off_are_told(bag, tmp_path):
    count = {"/image/compressed": 0, "/audio_stamped": 0}

    def cut_some(topic, time_ns, data):
        count[topic] = count.get(topic, 0) + 1
        if topic in ("/image/compressed", "/audio_stamped") and count[topic] in (20, 21, 22):
            data = data[:60]
        yield time_ns, data

    found = evaluate_bag(copied(bag, tmp_path / "changed", cut_some))
    assert any("topic /audio_stamped, offset" in line and "are no audio_common_msgs" in line for line in found.problems)
    assert len(of(found, "face")) >= 25


def test_sound_without_a_format_is_told(bag, tmp_path):
    def no_info(topic, time_ns, data):
        if topic != "/audio_info":
            yield time_ns, data

    found = evaluate_bag(copied(bag, tmp_path / "changed", no_info))
    (line,) = found.problems
    assert "topic /audio_stamped" in line and "its format is not known" in line and not of(found, "speech")


def test_a_bag_that_is_cut_off_gives_what_was_there(bag):
    cut(storage_file(bag), 0.6)
    found = evaluate_bag(bag)
    assert found.problems and 2 < found.duration_s < 5.5
    assert len(of(found, "face")) > 10


@pytest.mark.parametrize(
    ("place", "expected"),
    [("file", emotions.SAD), ("folder", emotions.SAD), ("bag", emotions.CALM), ("name", emotions.ANGRY)],
)
def test_labels_come_from_a_file_a_folder_the_bag_or_its_name(made, tmp_path, place, expected):
    name = "03-01-05-01-01-01-01"
    path = demo_bag(made, tmp_path / name)
    sad, calm = (f"start,end,person,emotion\n0,99,,{word}\n" for word in ("sad", "calm"))
    (tmp_path / f"{name}.csv").write_text(sad, encoding="utf-8")
    if place == "bag":
        (path / "labels.csv").write_text(calm, encoding="utf-8")
    labels = {"file": tmp_path / f"{name}.csv", "folder": tmp_path}.get(place)
    found = evaluate_bag(path, Evaluation(labels=labels, topics={"image": ""}))
    assert {one.truth for one in found.decisions if one.time_s < found.duration_s} == {expected}


def test_a_topic_labels_and_its_unknown_words_are_told(tmp_path, bag):
    with Bag(bag) as opened:
        start_ns = opened.start_ns
    target = tmp_path / "labelled"
    with Bag(bag) as old, BagWriter(target) as new:
        for topic in old.topics.values():
            new.add_topic(topic.name, topic.type)
        new.add_topic("/labels", TEXT)
        texts = [(0.5, "happy"), (2.0, "bored"), (3.0, "face_1 sad"), (3.0, "none")]
        for second, text in texts:
            new.write("/labels", start_ns + round(second * SECOND_NS), new.text(text))
        for message in old.messages():
            new.write(message.topic.name, message.time_ns, message.data)
    found = evaluate_bag(target, Evaluation(topics={"image": ""}))
    assert found.labels[0] == Interval(0.5, 3.0, "", emotions.HAPPY) and found.labels[1].person == "face_1"
    (line,) = found.problems
    assert line.startswith("bag labelled, topic /labels, offset 2.000 s: label 'bored': emotion 'bored' is not known")


def test_a_recording_of_emotions_is_judged_as_it_is(tmp_path, result):
    write_emotions(tmp_path / "bag", of(result, "fused"), broken=2)
    labels = tmp_path / "labels.csv"
    labels.write_text(LABELS, encoding="utf-8")
    found = evaluate_bag(tmp_path / "bag", Evaluation(labels=labels))
    assert found.mode == "recorded"
    (line,) = found.problems
    assert "topic /emotion, offset" in line and "1 more like this" in line
    assert len(found.decisions) == len(of(result, "fused"))
    for one, two in zip(found.decisions, of(result, "fused"), strict=True):
        assert (one.person, one.status, one.class_id) == (two.person, two.status, two.class_id)
        assert one.probabilities == pytest.approx(two.probabilities, abs=1e-6)
        assert one.latency_s == pytest.approx(0.05, abs=1e-6)
    data = to_json([found])
    assert data["timing"]["latency_s"]["p50"] == pytest.approx(0.05, abs=1e-6)
    assert from_json(json.loads(json.dumps(data))) == [found]


def write_emotions(path, decisions, broken=0):
    """Write decisions as a recording of /emotion, each received 50 ms after its stamp."""
    base = 1_600_000_000 * SECOND_NS
    with BagWriter(path) as bag:
        bag.add_topic("/emotion", EMOTION)
        bag.add_topic("/clock", TEXT)
        bag.write("/clock", base, bag.text("the first message"))
        for number, one in enumerate(decisions):
            stamp_ns = base + round(one.time_s * SECOND_NS)
            times = [base + round(at * SECOND_NS) for at in (one.window_start_s, one.window_end_s)]
            stamps = [
                bag.types.make("builtin_interfaces/msg/Time", sec=t // SECOND_NS, nanosec=t % SECOND_NS) for t in times
            ]
            fields = dict(
                header=bag.header(stamp_ns, "camera"), window_start=stamps[0], window_end=stamps[1],
                person_id=one.person, modality=3, status=int(Status[one.status]),
                reasons=one.reasons, class_id=one.class_id, label=emotions.label_of(one.class_id),
                confidence=one.confidence, class_ids=np.array(one.class_ids, np.uint8),
                labels=[emotions.LABELS[n] for n in one.class_ids],
                probabilities=np.array(one.probabilities, np.float32), valence=0.0, arousal=0.0,
                face_box=np.array(one.face_box or (0, 0, 0, 0), np.float32), image_width=0, image_height=0, face_rank=0,
                faces_in_view=0, face_frames=0, voice_activity=0.0, face_weights="f", speech_weights="", extra=[],
            )  # fmt: skip
            data = bytes(bag.types.encode(bag.types.make(EMOTION, **fields), EMOTION))
            bag.write("/emotion", stamp_ns + 50_000_000, data)
            if number < broken:
                fields["probabilities"] = np.full(len(one.class_ids), 0.9, np.float32)
                wrong = bag.types.encode(bag.types.make(EMOTION, **fields), EMOTION)
                bag.write("/emotion", stamp_ns + 50_000_000, bytes(wrong))


def test_the_faces_of_the_worst_moments_are_kept_only_if_asked_for(bag, tmp_path, result):
    (tmp_path / "labels.csv").write_text("start,end,person,emotion\n0,99,,disgust\n", encoding="utf-8")
    assert result.faces == {}
    found = evaluate_bag(bag, Evaluation(labels=tmp_path / "labels.csv", with_faces=True))
    assert found.faces
    for index, data in found.faces.items():
        wrong = found.decisions[index]
        assert wrong.truth == emotions.DISGUST != wrong.class_id and wrong.face_box
        assert Image.open(io.BytesIO(data)).size == (96, 96)


def test_one_bad_bag_does_not_stop_the_rest(bag, tmp_path, made):
    other = demo_bag(made, tmp_path / "other")
    reports = []
    how = Evaluation(topics={"image": ""})
    found = evaluate_bags([tmp_path / "missing", bag, other], how, report=reports.append)
    assert [one.bag for one in found] == ["missing", "bag", "other"]
    assert "no such folder" in found[0].problems[0] and not found[0].decisions
    assert found[1].decisions and not found[1].problems
    assert [one["done"] for one in reports] == [1, 2, 3]
    parallel = evaluate_bags([bag, other], how, jobs=2)
    for one, two in zip(parallel, found[1:], strict=True):
        assert dataclasses.replace(one, timing={}) == dataclasses.replace(two, timing={})


def test_bags_without_anything_to_evaluate_say_so(tmp_path, bag):
    with BagWriter(tmp_path / "text") as writer:
        writer.add_topic("/chatter", TEXT)
        writer.write("/chatter", 5, writer.text("hello"))
    with pytest.raises(
        ValueError, match=r"bag text, topic \*, offset 0.000 s: holds /chatter .*expected a topic of Image"
    ):
        evaluate_bag(tmp_path / "text")
    with pytest.raises(ValueError, match="expected a topic of Emotion"):
        evaluate_bag(bag, Evaluation(way="recorded"))
    with BagWriter(tmp_path / "zero") as writer:
        writer.add_topic("/image", "sensor_msgs/msg/Image")
    (line,) = evaluate_bag(tmp_path / "zero").problems
    assert line.startswith("bag zero, topic *, offset 0.000 s: holds no message")
    with pytest.raises(ValueError, match="way sideways"):
        evaluate_bag(bag, Evaluation(way="sideways"))


@pytest.mark.parametrize(
    ("text", "problem", "labels"),
    [
        ("start,end,person,emotion\n0,2,,sad\n1,3,,happy\n4,5,,calm\n",
         "topic labels.csv, offset 1.000 s: line 3: 1 to 3 s happy of anyone overlaps line 2: 0 to 2 s sad",
         [emotions.SAD, emotions.CALM]),
        ("start,end,person,emotion\n0,2,,sad\n2,3,,bored\n", "offset 2.000 s: line 3: emotion 'bored' is not known",
         [emotions.SAD]),
        ("from,to\n", "offset 0.000 s: ", []),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_used_are_told_and_the_others_are_used(tmp_path, bag, text, problem, labels):
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    found = evaluate_bag(bag, Evaluation(labels=tmp_path / "labels.csv", topics={"image": ""}))
    (line,) = found.problems
    assert line.startswith("bag bag, topic labels.csv, ") and problem in line
    assert [one.class_id for one in found.labels] == labels and found.decisions


def test_a_folder_without_the_bags_labels_is_told(tmp_path, bag):
    (tmp_path / "folder").mkdir()
    found = evaluate_bag(bag, Evaluation(labels=tmp_path / "folder", topics={"image": ""}))
    assert found.decisions and "topic bag.csv, offset 0.000 s: " in found.problems[0] and "bag.csv" in found.problems[0]
