"""README's reliability table: written from what the runs print, refused where that is something else."""

import json
from pathlib import Path

import pytest

from emotion_recognition.reliability import table

README = Path(__file__).parents[2] / "README.md"
MACHINE = {"processor": "Xeon", "cores": 2, "commit": "0123456789abcdef"}
FUZZ = {
    "messages": 100_000, "crashes": 1, "unhandled": 2, "bad_emotions": 3, "not_recovered": 0, "emotions": 50_000,
    "wall_s": 300.0, "machine": MACHINE,
}  # fmt: skip
SOAK = {
    "simulated_hours": 24.0, "crashes": 0, "bad_emotions": 4, "rss_growth_percent": 5.05, "unhandled": 5,
    "not_recovered": 6, "emotions": 700_000, "faults": {"dark": 1400, "nobody": 30},
    "memory": [
        {
            "as_it_was": {
                "after_10_minutes_mib": 210.0, "at_most_mib": 220.6, "at_the_end_mib": 215.0, "growth_percent": 5.05,
            },
            "given_back": {
                "after_10_minutes_mib": 200.0, "at_most_mib": 204.5, "at_the_end_mib": 203.0, "growth_percent": 2.25,
            },
        },
        {
            "as_it_was": {
                "after_10_minutes_mib": 100.0, "at_most_mib": 101.0, "at_the_end_mib": 100.0, "growth_percent": 1.0,
            },
            "given_back": {
                "after_10_minutes_mib": 90.0, "at_most_mib": 90.0, "at_the_end_mib": 89.0, "growth_percent": 0.0,
            },
        },
    ],
    "wall_s": 1200.0, "machine": MACHINE,
}  # fmt: skip


def test_every_figure_of_the_runs_is_in_the_table():
    found = table.reliability_table({"fuzz": FUZZ, "soak": SOAK})
    rows = dict(line.strip("| ").rsplit(" | ", 1) for line in found.splitlines()[2:] if line.startswith("|"))
    assert [value for name, value in rows.items() if "malformed" in name] == ["100,000"]
    assert [value for name, value in rows.items() if "simulated time" in name] == ["24 h"]
    assert [value for name, value in rows.items() if name.startswith("faults; kinds")] == ["1,430; 2"]
    assert [value for name, value in rows.items() if "no decision on face and voice" in name] == ["6"]
    assert [value for name, value in rows.items() if "resident memory" in name] == [
        "+5.0 %, +1.0 % (210 to at most 221, at the end 215; 100 to at most 101, at the end 100 MiB)",
    ]  # fmt: skip
    assert [value for name, value in rows.items() if "has gone back" in name] == [
        "+2.2 %, +0.0 % (200 to at most 204, at the end 203; 90 to at most 90, at the end 89 MiB)",
    ]  # fmt: skip
    assert [value for name, value in rows.items() if "finite" in name] == [
        "3 of 50,000 (fuzz); 4 of 700,000 (soak)",
    ]  # fmt: skip
    assert [line.split(" | ")[2].strip(" |") for line in found.splitlines() if "crashes;" in line] == ["1; 2", "0; 5"]
    assert "5.0 min; 20.0 min" in found and "Xeon, 2 cores, commit 0123456789ab." in found


def test_a_run_that_is_missing_is_said_to_be():
    found = table.reliability_table({"fuzz": FUZZ})
    assert found.count(table.NOT_RUN) == 8 and "100,000 |" in found


def test_what_the_runs_printed_is_kept_and_written(tmp_path, capsys):
    records, readme = tmp_path / "reliability.json", tmp_path / "README.md"
    readme.write_text("a\n<!-- reliability -->\nold\n<!-- /reliability -->\nz\n")
    for run, found in (("fuzz", FUZZ), ("soak", SOAK)):
        file = tmp_path / run
        file.write_text(f"make: something\n{json.dumps(found)}\n")
        assert table.main([f"--{run}", str(file), "--records", str(records)]) == 0
    assert json.loads(records.read_text()) == {"fuzz": FUZZ, "soak": SOAK}
    capsys.readouterr()
    assert table.main(["--records", str(records), "--write", str(readme)]) == 0
    written = table.reliability_table({"fuzz": FUZZ, "soak": SOAK})
    assert readme.read_text() == f"a\n<!-- reliability -->\n{written}\n<!-- /reliability -->\nz\n"
    assert capsys.readouterr().out == f"{written}\n"


def test_memory_as_it_was_weighed_before_is_refused(tmp_path, capsys):
    file, records = tmp_path / "printed", tmp_path / "kept.json"
    file.write_text(json.dumps({**SOAK, "memory": [{"after_10_minutes_mib": 200.0}]}))
    assert table.main(["--soak", str(file), "--records", str(records)]) == 2
    assert "printed: memory has no as_it_was and given_back" in capsys.readouterr().err and not records.exists()


@pytest.mark.parametrize("text", ["", "no json", json.dumps(SOAK), "[1]"])
def test_another_file_is_refused(tmp_path, capsys, text):
    file = tmp_path / "printed"
    file.write_text(text)
    assert table.main(["--fuzz", str(file), "--records", str(tmp_path / "kept.json")]) == 2
    assert "printed: last line" in (said := capsys.readouterr().err) and "expected that of `make fuzz`" in said
    assert not (tmp_path / "kept.json").exists()


def test_the_readme_has_the_table_of_the_records():
    records = README.parent / table.RECORDS
    kept = json.loads(records.read_text()) if records.is_file() else {}
    assert f"<!-- reliability -->\n{table.reliability_table(kept)}\n<!-- /reliability -->" in README.read_text()
