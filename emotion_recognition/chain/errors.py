"""Input that cannot be used."""


class LeftOut(ValueError):  # noqa: N818 (bad input is normal)
    """A message is not used; the text says what was found and what was expected.

    Attributes:
        kind: short name of the kind of problem, the same for all problems that are alike.
    """

    def __init__(self, kind: str, problem: object):
        self.kind = kind
        super().__init__(str(problem))
