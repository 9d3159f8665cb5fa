"""The nodes publish, hear and answer what the policy and the documentation list, and nothing else."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from emotion_recognition.demo import RECORDING  # noqa: E402
from emotion_recognition.nodes.composed import PERCEPTION  # noqa: E402
from emotion_recognition.nodes.media_source import MediaSourceNode  # noqa: E402
from emotion_recognition.security import ENDPOINTS, resolved  # noqa: E402

# Parameters that between them make a node use all that it may.
VARIANTS = {
    "face_detector": ({"image_transport": "compressed"},),
    "mfcc_extractor": ({"audio_transport": "plain"},),
}
NODES = {node.NAME: node for node in (*PERCEPTION, MediaSourceNode)}


def found(bench, node) -> dict[str, set[str]]:
    """Return the names of a node's endpoints, as another node sees them."""
    where = (node.get_name(), node.get_namespace())
    return {
        "publishes": {name for name, _ in bench.node.get_publisher_names_and_types_by_node(*where)},
        "hears": {name for name, _ in bench.node.get_subscriber_names_and_types_by_node(*where)},
        "answers": {name for name, _ in bench.node.get_service_names_and_types_by_node(*where)},
        "asks": {name for name, _ in bench.node.get_client_names_and_types_by_node(*where)},
    }


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_node_has_the_endpoints_that_are_listed_and_no_others(bench, name):
    if name == "media_source":
        pytest.importorskip("av", reason="the recording is read with PyAV")
    common = {"media": str(RECORDING), "wait_for_subscriber": True} if name == "media_source" else {}
    unused = {kind: set(getattr(ENDPOINTS[name], kind)) for kind in ("publishes", "hears", "answers")}
    for number, parameters in enumerate(({}, *VARIANTS.get(name, ()))):
        node = bench.add(NODES[name], "-r", f"__node:={name}_{number}", use_sim_time=True, **common, **parameters)
        listed = {
            kind: {resolved(one, bench.namespace, node.get_name()): one for one in getattr(ENDPOINTS[name], kind)}
            for kind in unused
        }
        bench.until(lambda node=node: found(bench, node)["hears"], f"{name} is seen")
        bench.settle()
        seen = found(bench, node)
        assert seen.pop("asks") == set()
        for kind, names in seen.items():
            assert names <= set(listed[kind]), f"{name} {kind} {names - set(listed[kind])}, which is not listed"
            unused[kind] -= {listed[kind][one] for one in names}
    assert unused == {"publishes": set(), "hears": set(), "answers": set()}, "listed, and not used"
