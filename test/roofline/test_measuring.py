import subprocess

import pytest

from emotion_recognition.roofline import measuring


def test_figures_of_small_sizes_are_positive_and_name_the_processor():
    found = measuring.measure_here(side=64, array_bytes=2**16, runs=3)
    assert found.gflops > 0 and found.copy_gbs > 0 and found.triad_gbs > 0 and found.cpu_share > 0
    assert found.processor == measuring.processor() != ""
    assert found.board.gbs == max(found.copy_gbs, found.triad_gbs) and found.board.name == "this machine"


def test_what_is_counted(monkeypatch):
    """With a clock by which every run takes a second."""
    monkeypatch.setattr(measuring, "_seconds", lambda run, runs: run() is not None or 1.0)
    found = measuring.measure_here(side=100, array_bytes=4000, runs=1)
    assert found.gflops == pytest.approx(2 * 100**3 / 1e9)
    assert found.copy_gbs == pytest.approx(2 * 4000 / 1e9) and found.triad_gbs == pytest.approx(5 * 4000 / 1e9)


def test_the_median_leaves_out_the_first_run_and_outliers(monkeypatch):
    ticks = iter([0, 1, 10, 12, 20, 119])  # 1, 2 and 99 s
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: next(ticks))
    runs = []
    assert measuring._seconds(lambda: runs.append(1), 3) == 2
    assert len(runs) == 4


def test_the_process_that_measures_has_one_thread(monkeypatch):
    def run(words, **options):
        threads = {name: value for name, value in options["env"].items() if name.endswith("_THREADS")}
        assert threads["OPENBLAS_NUM_THREADS"] == threads["OMP_NUM_THREADS"] == threads["MKL_NUM_THREADS"] == "1"
        figures = '{"gflops": 9, "copy_gbs": 1, "triad_gbs": 2, "cpu_share": 1, "processor": "p", "numpy": "2"}'
        return subprocess.CompletedProcess(words, 0, f"hello\n{figures}\n", "")

    monkeypatch.setattr(measuring.subprocess, "run", run)
    found = measuring.measure()
    assert (found.board.gflops, found.board.gbs) == (9, 2)
    assert "one thread" in found.words and "copy of 64 MiB 1.0 GB/s" in found.words


def test_a_process_that_fails_is_named(monkeypatch):
    monkeypatch.setattr(
        measuring.subprocess, "run", lambda words, **_: subprocess.CompletedProcess(words, 1, "", "a\nMemoryError\n")
    )
    with pytest.raises(RuntimeError, match="exit code 1: MemoryError"):
        measuring.measure()
