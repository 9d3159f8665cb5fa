"""README's reliability table, from what full runs printed: ``python -m emotion_recognition.reliability.table``.

``--fuzz`` and ``--soak`` take files whose last line is the JSON of ``make fuzz`` and ``make soak``; they are kept in
``bench/reliability.json``, from which the table is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from emotion_recognition.evaluation.tables import write_between_markers
from emotion_recognition.reliability.faults import NODE_FAULTS, SENSOR_FAULTS

RECORDS = Path("bench/reliability.json")
MARKER = "reliability"
NOT_RUN, WITHIN = "not run", "within 5 %"
# What a line of JSON must hold to be one of the run's.
KEYS = {
    "fuzz": ("messages", "crashes", "unhandled", "bad_emotions", "not_recovered", "emotions", "wall_s"),
    "soak": (
        "simulated_hours", "crashes", "bad_emotions", "rss_growth_percent", "unhandled", "not_recovered", "emotions",
        "faults", "memory", "wall_s",
    ),
}  # fmt: skip
# Series of a robot's memory.
MEMORY = ("as_it_was", "given_back")
# A node of the matrix is killed, and hung.
_NODE_WAYS = 2


def read_last_line(path: Path, run: str) -> dict[str, Any]:
    """Return the JSON object on the last line of a file.

    Raises:
        ValueError: it is not what ``make fuzz`` or ``make soak`` (``run``) print last.
        OSError: the file cannot be read.
    """
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    try:
        found = json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: last line is no JSON ({error}): expected that of `make {run}`") from error
    missing = [key for key in KEYS[run] if not isinstance(found, dict) or key not in found]
    if missing:
        raise ValueError(f"{path}: last line has no {', '.join(missing)}: expected that of `make {run}`")
    if any(kind not in one for one in found.get("memory", ()) for kind in MEMORY):
        raise ValueError(f"{path}: memory has no {' and '.join(MEMORY)}: expected what `make {run}` prints now")
    return found


def reliability_table(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table as Markdown.

    Args:
        records: what ``fuzz`` and ``soak`` printed; a run that is missing is said to be.
    """
    fuzz, soak = records.get("fuzz"), records.get("soak")
    rows = [
        ("malformed messages that reached the nodes (`make fuzz`)", "100,000", _of(fuzz, _messages)),
        ("of these: crashes; exceptions nobody had thought of", "0; 0", _of(fuzz, _crashes)),
        ("simulated time, a fault every minute (`make soak`)", "24 h", _of(soak, _hours)),
        ("faults; kinds of them", "", _of(soak, _faults)),
        ("of these: crashes; exceptions nobody had thought of", "0; 0", _of(soak, _crashes)),
        ("faults after which no decision on face and voice came", "0", _of(soak, _not_recovered)),
        (
            "resident memory after 10 simulated minutes, at the end of each, medians of ten minutes",
            WITHIN,
            _of(soak, partial(_growth, kind="as_it_was")),
        ),
        ("the same when free memory has gone back", WITHIN, _of(soak, partial(_growth, kind="given_back"))),
        (
            "published Emotions that are not finite, do not sum to 1, or carry a stamp that no sensor sent",
            "0",
            f"{_of(fuzz, _bad)} (fuzz); {_of(soak, _bad)} (soak)",
        ),
        (
            "[fault matrix](docs/FAULTS.md): cells whose behaviour is asserted by the tests",
            "every",
            f"{len(SENSOR_FAULTS) + _NODE_WAYS * len(NODE_FAULTS)}",
        ),
        ("time of the runs", "25 min each", f"{_of(fuzz, _minutes)}; {_of(soak, _minutes)}"),
    ]  # fmt: skip
    lines = ["| | to reach | found |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]
    machines = {_machine(one["machine"]) for one in (fuzz, soak) if one and one.get("machine")}
    return "\n".join([*lines, *(["", f"Measured on {'; '.join(sorted(machines))}."] if machines else [])])


def _of(record: Mapping[str, Any] | None, tell: Any) -> str:
    return NOT_RUN if record is None else tell(record)


def _messages(record: Mapping[str, Any]) -> str:
    return f"{record['messages']:,}"


def _hours(record: Mapping[str, Any]) -> str:
    return f"{record['simulated_hours']:g} h"


def _faults(record: Mapping[str, Any]) -> str:
    return f"{sum(record['faults'].values()):,}; {len(record['faults'])}"


def _not_recovered(record: Mapping[str, Any]) -> str:
    return str(record["not_recovered"])


def _crashes(record: Mapping[str, Any]) -> str:
    return f"{record['crashes']}; {record['unhandled']}"


def _bad(record: Mapping[str, Any]) -> str:
    return f"{record['bad_emotions']} of {record['emotions']:,}"


def _growth(record: Mapping[str, Any], kind: str) -> str:
    robots = [one[kind] for one in record["memory"]]
    sizes = [
        f"{one['after_10_minutes_mib']:.0f} to at most {one['at_most_mib']:.0f}, at the end {one['at_the_end_mib']:.0f}"
        for one in robots
    ]
    growth = ", ".join(f"{one['growth_percent']:+.1f} %" for one in robots)
    return f"{growth} ({'; '.join(sizes)} MiB)"


def _minutes(record: Mapping[str, Any]) -> str:
    return f"{record['wall_s'] / 60:.1f} min"


def _machine(found: Mapping[str, Any]) -> str:
    return f"{found['processor']}, {found['cores']} cores, commit {str(found['commit'])[:12]}"


def main(args: list[str] | None = None) -> int:
    """Keep what runs printed, write the table; return 2 where a file is not what is expected of it."""
    parser = argparse.ArgumentParser(prog="reliability.table", description=__doc__)
    parser.add_argument("--fuzz", type=Path, help="file whose last line `make fuzz` printed")
    parser.add_argument("--soak", type=Path, help="file whose last line `make soak` printed")
    parser.add_argument("--records", type=Path, default=RECORDS, help=f"where they are kept, {RECORDS}")
    parser.add_argument("--write", type=Path, help="a markdown file whose reliability table is brought up to date")
    options = parser.parse_args(args)
    try:
        records = json.loads(options.records.read_text(encoding="utf-8")) if options.records.is_file() else {}
        given = {run: path for run in KEYS if (path := getattr(options, run)) is not None}
        records |= {run: read_last_line(path, run) for run, path in given.items()}
        if given:
            options.records.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
        table = reliability_table(records)
        if options.write is not None:
            write_between_markers(options.write, table, MARKER)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
