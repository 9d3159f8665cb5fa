"""All nodes in one process, with the parameters of one by one: the bring-up where the launch library is missing."""

import argparse
import sys
from collections.abc import Sequence

from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.utilities import remove_ros_args

from emotion_recognition.nodes.face_detector import FaceDetector
from emotion_recognition.nodes.fusion import FusionNode
from emotion_recognition.nodes.media_source import MediaSourceNode
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor
from emotion_recognition.nodes.running import EXIT_FAILED, EXIT_OK, spin_nodes
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode

PERCEPTION = (FaceDetector, MfccExtractor, VisualClassifierNode, SpeechClassifierNode, FusionNode)
SOURCE_OPTIONS = ("media", "camera", "microphone")


def _parse(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="composed", description=__doc__)
    parser.add_argument("--media", default="", help="media file to play; the process ends with it")
    parser.add_argument("--camera", default="", help="camera device, for example /dev/video0")
    parser.add_argument("--microphone", default="", help="ALSA microphone device, for example default")
    parser.add_argument("--wait-for-subscriber", action="store_true", help="play once somebody listens to emotion")
    parser.add_argument(
        "--strict", action="store_true", help="end where a node cannot start, as with a file, instead of trying again"
    )
    return parser.parse_args(args)


def main(args: list[str] | None = None) -> int:
    """Run the five nodes, and a media source where one is asked for; return the exit code.

    Args:
        args: command line without the program's name; ROS arguments may follow ``--ros-args``.
    """
    command = [sys.argv[0], *(sys.argv[1:] if args is None else args)]
    options = _parse(remove_ros_args(command)[1:])
    makers = list(PERCEPTION)
    overrides = [Parameter(name, value=value) for name in SOURCE_OPTIONS if (value := getattr(options, name))]
    if overrides:
        overrides.append(Parameter("wait_for_subscriber", value=options.wait_for_subscriber))
        makers.append(lambda: MediaSourceNode(parameter_overrides=overrides))
    sources: list[MediaSourceNode] = []

    def ended(nodes: list[Node]) -> bool:
        sources[:] = [node for node in nodes if isinstance(node, MediaSourceNode)]
        return all(source.finished.is_set() for source in sources)

    until = ended if overrides else None
    strict = options.strict or bool(options.media)
    code = spin_nodes(makers, command, until=until, images=bool(overrides), strict=strict)
    if code == EXIT_OK and any(source.failed for source in sources):
        return EXIT_FAILED
    return code


if __name__ == "__main__":
    sys.exit(main())
