import os

import pytest

pytest.importorskip("joblib")

import job_functions  # noqa: E402

from emotion_recognition.training.jobs import JobsFailed, run_jobs  # noqa: E402

pytestmark = pytest.mark.usefixtures("importable")


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_arguments(jobs):
    reports = []
    assert run_jobs(job_functions.late_square, [(3,), (2,), (0,)], jobs, report=reports.append) == [9, 4, 0]
    assert [(item["done"], item["of"]) for item in reports] == [(1, 3), (2, 3), (3, 3)]
    assert sorted(item["name"] for item in reports) == ["job 1", "job 2", "job 3"]


def test_several_jobs_run_in_processes_of_their_own_with_one_thread():
    found = run_jobs(job_functions.process_and_threads, [(0.5,), (0.5,)], 2)
    assert os.getpid() not in {process for process, _ in found}
    assert {threads for _, threads in found} == {"1"}


def test_one_job_runs_here():
    assert run_jobs(job_functions.process_and_threads, [(0,)], 1)[0][0] == os.getpid()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failed_job_is_named_and_the_others_are_done(tmp_path, jobs):
    arguments = [(tmp_path / "a", 1), (tmp_path / "b", 0), (tmp_path / "c", 2)]
    with pytest.raises(
        JobsFailed, match=r"1 of 3 jobs failed.*fold-2: ZeroDivisionError: .*job_functions.py"
    ) as failed:
        run_jobs(job_functions.write_inverse, arguments, jobs, names=["fold-1", "fold-2", "fold-3"])
    assert list(failed.value.failures) == ["fold-2"]
    assert (tmp_path / "a").read_text() == "1.0" and (tmp_path / "c").read_text() == "0.5"
    assert not (tmp_path / "b").exists()


def test_a_worker_that_dies_is_told():
    with pytest.raises(RuntimeError, match="worker process died"):
        run_jobs(job_functions.die, [(), ()], 2)


@pytest.mark.parametrize(("jobs", "names", "text"), [(0, None, "jobs 0"), (1, ["one"], "1 names for 2")])
def test_impossible_calls_are_refused(jobs, names, text):
    with pytest.raises(ValueError, match=text):
        run_jobs(job_functions.late_square, [(1,), (2,)], jobs, names=names)


def test_nothing_to_do_is_done():
    assert run_jobs(job_functions.late_square, []) == []


def test_a_cluster_of_two_workers_shares_the_jobs(cluster):
    reports = []
    found = run_jobs(job_functions.process_and_threads, [(0.5,)] * 4, scheduler=cluster, report=reports.append)
    assert len({process for process, _ in found}) == 2 and os.getpid() not in {process for process, _ in found}
    assert run_jobs(job_functions.late_square, [(3,), (2,), (0,)], scheduler=cluster) == [9, 4, 0]
    assert [item["done"] for item in reports] == [1, 2, 3, 4]


def test_a_failed_job_of_a_cluster_is_named(cluster, tmp_path):
    arguments = [(tmp_path / "a", 1), (tmp_path / "b", 0)]
    with pytest.raises(JobsFailed, match="job 2: ZeroDivisionError"):
        run_jobs(job_functions.write_inverse, arguments, scheduler=cluster)
    assert (tmp_path / "a").read_text() == "1.0"


def test_no_scheduler_is_told(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("emotion_recognition.training.jobs.CONNECT_S", 1)
    with pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 .*dask scheduler"):
        run_jobs(job_functions.late_square, [(1,)], scheduler="tcp://127.0.0.1:1")
