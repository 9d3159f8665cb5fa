"""The system's clock set back under a running node, as by a network's time or a battery's end: it goes on to speak."""

import shutil
import subprocess

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from emotion_recognition.msg import Emotion  # noqa: E402
from harness import stamps  # noqa: E402
from processes import Process, ros_args  # noqa: E402

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
# In front of the C library: the time of day is an hour less as soon as a file is there.
SET_BACK = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
  long failed = syscall(SYS_clock_gettime, clock, now);
  if (!failed && clock == CLOCK_REALTIME && !access(getenv("CLOCK_SET_BACK"), F_OK)) now->tv_sec -= 3600;
  return failed ? -1 : 0;
}
"""


@pytest.fixture
def set_back(tmp_path, monkeypatch):
    """Let processes that are started from now on have a clock that a call of what is returned sets back."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, library, switch = (tmp_path / name for name in ("clock.c", "clock.so", "set_back"))
    source.write_text(SET_BACK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_SET_BACK", str(switch))
    return switch.touch


@pytest.mark.parametrize("off", [False, True], ids=["nothing to say", "switched off"])
def test_a_node_whose_clock_is_set_back_says_what_it_says_at_the_new_time(bench, set_back, off):
    from std_srvs.srv import SetBool

    fusion = Process("fusion", *ros_args(bench.namespace, "-p", "idle_period:=0.1"))
    try:
        heard = bench.listen(Emotion, "emotion")
        bench.until(lambda: len(heard) >= 2, "the fusion says that there is nothing")
        if off:
            bench.call(SetBool, f"{bench.namespace}/fusion/enable", SetBool.Request(data=False), 5.0)
            bench.until(lambda: heard[-1].reasons == Emotion.REASON_DISABLED, "it says that it is off")
        set_back()
        earlier = bench.now_ns() - HOUR // 2
        bench.until(lambda: sum(stamp < earlier for stamp in stamps(heard)) >= 5, "it says so an hour earlier")
        nothing = Emotion.REASON_CAMERA_STALE | Emotion.REASON_MICROPHONE_STALE | Emotion.REASON_MODEL_MISSING
        expected = Emotion.REASON_DISABLED if off else nothing
        assert (heard[-1].status, heard[-1].reasons) == (Emotion.STATUS_NEITHER, expected)
    finally:
        fusion.close()
