"""Version of the package; package.xml states the same, which a test checks."""

__version__ = "0.1.0"
