"""Functions that worker processes of the tests import."""

import os
import time


def late_square(number):
    """Return the square; small numbers are done first."""
    time.sleep(number / 10)
    return number * number


def process_and_threads(seconds):
    """Return this process's id and the threads its libraries may use."""
    time.sleep(seconds)
    return os.getpid(), os.environ.get("OMP_NUM_THREADS")


def write_inverse(path, number):
    """Write 1 / number."""
    path.write_text(str(1 / number))


def die():
    """End this process without a word."""
    os._exit(9)
