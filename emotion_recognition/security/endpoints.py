"""The topics and services of every node, and nothing else: a test compares them with the nodes as they run.

Names are as the nodes give them: relative to the namespace, from the root with ``/``, private to the node with ``~/``
(https://design.ros2.org/articles/topic_and_service_names.html).
"""

from dataclasses import dataclass

from emotion_recognition.parameters import NODES

# Every node publishes and hears these; /clock with use_sim_time.
COMMON_PUBLISHED = ("/diagnostics", "/parameter_events", "/rosout", "perception_state", "~/transition_event")
COMMON_HEARD = ("/clock", "perception_state")
COMMON_SERVICES = (
    "~/change_state",
    "~/describe_parameters",
    "~/enable",
    "~/get_available_states",
    "~/get_available_transitions",
    "~/get_parameter_types",
    "~/get_parameters",
    "~/get_state",
    "~/get_transition_graph",
    "~/get_type_description",
    "~/list_parameters",
    "~/set_parameters",
    "~/set_parameters_atomically",
)

# Besides these, of each node: (published, heard). Which sensor topics are heard depends on the parameters
# image_transport, audio_transport and sample_rate.
OWN_TOPICS = {
    "face_detector": (("face_samples",), ("image", "image/compressed")),
    "mfcc_extractor": (("mfcc",), ("audio", "audio_info", "audio_stamped")),
    "visual_classifier": (("emotion/face",), ("face_samples",)),
    "speech_classifier": (("emotion/speech",), ("mfcc",)),
    "fusion": (("emotion", "emotion/raw"), ("emotion/face", "emotion/speech")),
    "media_source": (("audio_info", "audio_stamped", "image"), ()),
}

# Topics that carry a face, a voice, or what is computed of them before it is an emotion.
SENSITIVE_TOPICS = ("audio", "audio_stamped", "face_samples", "image", "image/compressed", "mfcc")


@dataclass(frozen=True)
class Endpoints:
    """Names of what a node publishes, hears and answers, each sorted; it asks nobody anything."""

    publishes: tuple[str, ...]
    hears: tuple[str, ...]
    answers: tuple[str, ...]


ENDPOINTS = {
    node: Endpoints(
        publishes=tuple(sorted((*published, *COMMON_PUBLISHED))),
        hears=tuple(sorted((*heard, *COMMON_HEARD))),
        answers=COMMON_SERVICES,
    )
    for node, (published, heard) in OWN_TOPICS.items()
}
# Security is given to a process, by the name of its enclave: nodes of each process.
ENCLAVES = {
    **{f"/emotion_recognition/{node}": (node,) for node in NODES},
    "/emotion_recognition/composed": NODES,
}


def resolved(name: str, namespace: str, node: str) -> str:
    """Return the full name of a topic or service of a node.

    Args:
        name: as in :class:`Endpoints`.
        namespace: the node's, with its leading slash.
        node: its name.
    """
    base = namespace.rstrip("/")
    if name.startswith("/"):
        return name
    if name.startswith("~/"):
        return f"{base}/{node}/{name[2:]}"
    return f"{base}/{name}"
