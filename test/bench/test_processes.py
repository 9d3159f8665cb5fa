import pytest
from children import READY, starter, wait_for

from emotion_recognition.bench.processes import MeasuredProcess

BUSY = READY + "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ntime.sleep(60)"
MEMORY = "import time\nheld = bytearray(b'x') * (64 << 20)\n" + READY + "time.sleep(60)"


@pytest.fixture
def start():
    yield from starter(MeasuredProcess)


def test_processor_time_is_that_of_the_child(start):
    process = start(BUSY)
    wait_for(process, "done")
    assert 0.28 <= process.cpu_s() < 3


def test_memory_is_that_of_the_child(start):
    process = start(MEMORY)
    wait_for(process, "ready")
    rss, pss = process.rss_mib(), process.pss_mib()
    assert 64 < pss <= rss < 200
