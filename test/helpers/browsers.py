"""What the tests of the page need to know about the browser."""

import os

import pytest

SWITCH = "EMOTION_RECOGNITION_BROWSER"
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def no_browser(reason):
    """Skip the test, or fail it where the environment says that a browser is required."""
    if os.environ.get(SWITCH) == "required":
        pytest.fail(f"{SWITCH}=required: {reason}")
    pytest.skip(f"{reason}: install Debian's chromium-headless-shell and requirements/train.txt")
