"""The parameters as a ROS parameter file and as a table for people, both written from the declarations."""

import json

from emotion_recognition.parameters.declarations import NODES, Declaration, Value, all_declarations, declarations

FILE_HEADER = """\
# Every parameter of every node with its default. Written by `emotion-recognition parameters --format yaml`
# from emotion_recognition/parameters/parameters.yaml. Copy it, change the copy, pass it as params_file.
"""


def _literal(value: Value) -> str:
    return json.dumps(value)


def parameter_file() -> str:
    """Return a ROS parameter file with every parameter at its default, each with its meaning and limits."""
    lines = [FILE_HEADER]
    for node in NODES:
        lines += [f"/**/{node}:", "  ros__parameters:"]
        for found in declarations(node).values():
            lines += [f"    # {found.description}", f"    # Allowed: {found.allowed}."]
            lines.append(f"    {found.name}: {_literal(found.default)}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(found: Declaration) -> str:
    nodes = "all" if found.nodes == NODES else ", ".join(found.nodes)
    return f"| `{found.name}` | {nodes} | `{_literal(found.default)}` | {found.allowed} | {found.description} |"


def markdown_table() -> str:
    """Return the table of parameters in Markdown."""
    head = ["| parameter | nodes | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    return "\n".join(head + [_row(found) for found in all_declarations().values()]) + "\n"
