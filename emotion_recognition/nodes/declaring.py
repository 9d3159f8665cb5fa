"""A node's parameters: declared and checked from the one file that lists them."""

import difflib
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from emotion_recognition.parameters import Declaration, ParameterError, all_declarations, checked, declarations


def declare_parameters(node: Node, name: str) -> dict[str, Any]:
    """Declare the parameters of the node called ``name`` in parameters.yaml and return their values.

    Raises:
        ParameterError: a value is of another type or out of range; the text names node, parameter and what is allowed.
    """
    found = {}
    for parameter, declaration in declarations(name).items():
        try:
            found[parameter] = node.declare_parameter(parameter, declaration.default, _descriptor(declaration)).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise ParameterError(f"{name}: {error}; parameter {parameter}: expected {declaration.allowed}") from error
    try:
        return checked(name, found)
    except ParameterError as error:
        raise ParameterError(f"{name}: {error}") from error


def name_unknown_parameters(node: Node, known: dict[str, Any]) -> None:
    """Warn of given parameters that no node has: a misspelt one would otherwise be left at its default unseen.

    It is no error, because a parameter file may address all nodes of a robot at once.
    """
    # rclpy has no public access to what was given; names it knows itself (use_sim_time) are declared by now.
    for name in getattr(node, "_parameter_overrides", {}):
        if node.has_parameter(name) or name in all_declarations() or name.startswith("qos_overrides."):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected some of {', '.join(known)}"
        node.get_logger().warning(f"there is no parameter {name}; it has no effect: {hint}")


def _descriptor(declaration: Declaration) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=declaration.description, additional_constraints=declaration.allowed, read_only=True
    )
    if declaration.minimum is None:
        return descriptor
    if declaration.type == "integer":
        low, high = int(declaration.minimum), int(declaration.maximum)
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=0)]
    else:
        low, high = float(declaration.minimum), float(declaration.maximum)
        descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
    return descriptor
