"""What a bench could have measured."""

from emotion_recognition.bench.summary import summarise

MACHINE = {
    "processor": "a processor", "cores": 2, "memory_mib": 4000, "system": "a system", "load_before": 0.1,
    "emotion_recognition": "0.1.0", "commit": "abc", "ros_distribution": None, "versions": {"numpy": "2.0"},
}  # fmt: skip


def spread(median):
    return summarise([median - 1, median, median + 2], [median - 1.5]).to_json()


def timings(**changes):
    scaled = {"search": spread(20), "frame": spread(5)}
    engines = {"onnxruntime": spread(4), "ncnn": {"left_out": "ncnn is not installed"}}
    return {
        "stages": {name: {"what": "it", **spread(ms)} for name, ms in (("backbone", 2), ("decision", 7.5))},
        "paper": {"paper_way": spread(240), "face_decision": spread(3), "face_decision_paper": spread(6)},
        "backbones": {
            "plain_96": spread(3), "shipped_96": spread(2), "plain_224": spread(10), "shipped_224": spread(5),
        },
        "engines": [{"model": "default", "architecture": "net", "part": "fan", "shape": [1, 2], "engines": engines}],
        "faces": [{"faces": 8, **scaled}],
        "frame_sizes": [{"size": "320x240", **scaled}],
        "timings_cpu_share": 1.0,
        **changes,
    }  # fmt: skip


def run(p95, processes=1, **changes):
    return {
        "processes": processes, "rate": 30.0, "seconds": 30.0,
        "latency_ms": {"p50": 10.0, "p95": p95, "p99": 60.0, "max": 70.0, "n": 150}, "voice_latency_ms": None,
        "decisions_per_s": 5.0, "cpu_share": 0.2, "cpu_share_by_process": {"fusion": 0.2},
        "rss_mib": {"start": 100.0, "end": 101.0}, "pss_mib": {"start": 80.0, "end": 81.0}, "sampled": 150,
        "skipped": 3, "source": {"images_per_s": 30.0, "missed": 0, "late_p95_ms": 0.1}, "others_share": 0.0, "log": [],
        **changes,
    }  # fmt: skip


def live(**changes):
    return {"one_process": run(35.0), "five_processes": run(45.0, 5), "overload": run(50.0), **changes}
