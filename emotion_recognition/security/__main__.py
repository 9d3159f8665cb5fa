"""Prints policy.xml: python -m emotion_recognition.security [--namespace /robot]."""

import argparse
import sys
from collections.abc import Sequence

from emotion_recognition.security.policy import policy


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the policy; return the exit code, 2 for a namespace that is none."""
    parser = argparse.ArgumentParser(prog="python -m emotion_recognition.security", description=__doc__)
    parser.add_argument("--namespace", default="/", help="namespace of the nodes (default /)")
    given = parser.parse_args(arguments)
    try:
        text = policy(given.namespace)
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
