"""Brings up the five nodes, as five processes or as one.

ros2 launch emotion_recognition emotion_recognition.launch.py composed:=true camera:=/dev/video0 microphone:=default
"""

from collections.abc import Sequence
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from emotion_recognition.nodes.boards import NO_BOARD, boards, parameter_files
from emotion_recognition.nodes.running import middleware_profile
from emotion_recognition.parameters import PERCEPTION

PACKAGE = "emotion_recognition"
RESPAWN_DELAY_S = 1.0
# Launch argument: (topic as the nodes name it, what it carries).
TOPICS = {
    "image_topic": ("image", "sensor_msgs/Image from the camera"),
    "compressed_image_topic": ("image/compressed", "sensor_msgs/CompressedImage, with image_transport: compressed"),
    "audio_topic": ("audio_stamped", "audio_common_msgs/AudioDataStamped from the microphone"),
    "plain_audio_topic": ("audio", "audio_common_msgs/AudioData, with audio_transport: plain"),
    "audio_info_topic": ("audio_info", "audio_common_msgs/AudioInfo: rate, channels and format of the sound"),
    "emotion_topic": ("emotion", "emotion_recognition/Emotion, smoothed: the output"),
}
SOURCES = {
    "media": "media file to play through the nodes",
    "camera": "camera device to open, for example /dev/video0",
    "microphone": "ALSA microphone device to open, for example default",
}


def _defaults() -> str:
    return str(Path(get_package_share_directory(PACKAGE)) / "config" / "emotion_recognition.yaml")


def _arguments() -> list[DeclareLaunchArgument]:
    arguments = [
        DeclareLaunchArgument("namespace", default_value="", description="namespace of nodes and topics"),
        DeclareLaunchArgument(
            "params_file",
            default_value=_defaults(),
            description="ROS parameter file of the nodes; one of your own wins over the board",
        ),
        DeclareLaunchArgument(
            "board",
            default_value=NO_BOARD,
            choices=[NO_BOARD, *boards()],
            description="profile of a board, laid over the defaults",
        ),
        DeclareLaunchArgument(
            "use_sim_time", default_value="false", choices=["true", "false"], description="take time from /clock"
        ),
        DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal"),
        DeclareLaunchArgument(
            "composed", default_value="false", choices=["true", "false"], description="all nodes in one process"
        ),
        DeclareLaunchArgument(
            "respawn",
            default_value="true",
            choices=["true", "false"],
            description="start a process of the perception nodes that has ended again, unless it plays a media file",
        ),
    ]
    arguments += [
        DeclareLaunchArgument(name, default_value=topic, description=meaning)
        for name, (topic, meaning) in TOPICS.items()
    ]
    arguments += [
        DeclareLaunchArgument(name, default_value="", description=f"{meaning}; empty for none")
        for name, meaning in SOURCES.items()
    ]
    return arguments


def _nodes(context) -> list[Node]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    common = {
        "package": PACKAGE,
        "namespace": value("namespace"),
        "output": "screen",
        "parameters": [
            *parameter_files(value("board"), value("params_file"), _defaults()),
            {"use_sim_time": value("use_sim_time") == "true"},
        ],
        "remappings": [(topic, value(name)) for name, (topic, _) in TOPICS.items() if value(name) != topic],
    }

    def process(executable: str, parameters: Sequence = (), **own) -> Node:
        # The enclave counts where security is on (SROS2): docs/SECURITY.md.
        ros_arguments = ["--log-level", value("log_level"), "--enclave", f"/{PACKAGE}/{executable}"]
        parameters = [*common["parameters"], *parameters]
        return Node(executable=executable, ros_arguments=ros_arguments, **{**common, "parameters": parameters}, **own)

    sources = {name: value(name) for name in SOURCES if value(name)}
    again = {"respawn": value("respawn") == "true", "respawn_delay": RESPAWN_DELAY_S}
    # A process that plays a file ends with it.
    plays = {**again, "respawn": again["respawn"] and "media" not in sources}
    if value("composed") == "true":
        # No name: a name given here would rename every node of the process.
        arguments = [f"--{name}={given}" for name, given in sources.items()]
        return [process("composed", arguments=arguments, **plays)]
    nodes = [process(name, name=name, **again) for name in PERCEPTION]
    if sources:
        nodes.append(process("media_source", [sources], name="media_source", **plays))
    return nodes


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the middleware's profile and the nodes."""
    environment = [SetEnvironmentVariable(name, path) for name, path in middleware_profile().items()]
    return LaunchDescription([*_arguments(), *environment, OpaqueFunction(function=_nodes)])
