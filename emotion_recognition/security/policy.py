"""The SROS2 policy: each node may use its documented topics and services, and no others.

Schema: https://github.com/ros2/sros2/blob/rolling/sros2/sros2/policy/schemas/policy.xsd, version 0.2.0. What a policy
does not allow, SROS2 denies.
"""

import re
import xml.etree.ElementTree as ET

from emotion_recognition.security.endpoints import ENCLAVES, ENDPOINTS

VERSION = "0.2.0"
HEADER = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- What each node may publish, hear and answer. Written by `python -m emotion_recognition.security`, which writes
     it for nodes in a namespace, too: docs/SECURITY.md. -->
"""


def policy(namespace: str = "/") -> str:
    """Return policy.xml, with an enclave for each process.

    Args:
        namespace: of the nodes, such as ``/`` or ``/robot``.

    Raises:
        ValueError: it is no namespace.
    """
    if not re.fullmatch(r"/|(/[A-Za-z_][A-Za-z0-9_]*)+", namespace):
        raise ValueError(f"namespace {namespace!r}: expected / or names after slashes, such as /robot")
    root = ET.Element("policy", version=VERSION)
    enclaves = ET.SubElement(root, "enclaves")
    for path, nodes in ENCLAVES.items():
        enclave = ET.SubElement(enclaves, "enclave", path=path)
        profiles = ET.SubElement(enclave, "profiles")
        for node in nodes:
            _add_profile(profiles, namespace, node)
    ET.indent(root)
    return HEADER + ET.tostring(root, encoding="unicode") + "\n"


def _add_profile(profiles: ET.Element, namespace: str, node: str) -> None:
    profile = ET.SubElement(profiles, "profile", ns=namespace, node=node)
    endpoints = ENDPOINTS[node]
    for kind, action, names in (
        ("topic", "publish", endpoints.publishes),
        ("topic", "subscribe", endpoints.hears),
        ("service", "reply", endpoints.answers),
    ):
        listed = ET.SubElement(profile, f"{kind}s", {action: "ALLOW"})
        for name in names:
            ET.SubElement(listed, kind).text = name
