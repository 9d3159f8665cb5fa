"""Fusion says where no classifier runs."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from emotion_recognition.msg import Emotion  # noqa: E402
from harness import stamps  # noqa: E402

from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402

STALE = Emotion.REASON_CAMERA_STALE | Emotion.REASON_MICROPHONE_STALE
MISSING = Emotion.REASON_MODEL_MISSING


def test_streams_that_nobody_publishes_have_no_model(bench):
    bench.add(FusionNode, "-r", "emotion/speech:=ears/speech", idle_period=0.1, silence_report=60.0)
    heard, raw = bench.listen(Emotion, "emotion"), bench.listen(Emotion, "emotion/raw")

    def told(reasons):
        bench.until(
            lambda: heard and raw and heard[-1].reasons == raw[-1].reasons == reasons,
            f"reasons {reasons}: {heard[-1:]}",
        )
        assert heard[-1].status == Emotion.STATUS_NEITHER

    told(STALE | MISSING)
    face = bench.publisher(Emotion, "emotion/face")
    told(STALE | MISSING)
    # A decision by the face alone says so, too.
    face.publish(make.emotion(first := bench.now_ns()))
    bench.until(lambda: first in stamps(heard), "a decision by the face")
    by_face = next(message for message in heard if message.status == Emotion.STATUS_FACE_ONLY)
    assert by_face.reasons == Emotion.REASON_MICROPHONE_STALE | MISSING
    bench.publisher(Emotion, "ears/speech")
    told(STALE)
    bench.node.destroy_publisher(face)
    told(STALE | MISSING)
