"""Install of the Python package without ROS, for training boxes: ``pip install -e .``; setup.cfg holds the metadata."""

from setuptools import setup

setup()
