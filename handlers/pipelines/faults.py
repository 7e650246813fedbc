"""What is wrong, and whose words it is told in; nothing heavy is loaded with it."""

from __future__ import annotations


class Refused(Exception):
    """What was sent cannot be worked with; the words are for whoever sent it."""

    def __init__(self, words: str, place: str = "") -> None:
        """Tell *words*, and where in the request it is: the name of an input, or a JSON pointer into the body."""
        super().__init__(words)
        self.place = place


class Unusable(Exception):
    """A configuration, or a file that it names, cannot be used; the words are for whoever wrote it."""

    def __init__(self, words: str, place: str = "") -> None:
        """Tell *words*, and where in the configuration it is, as a JSON pointer."""
        super().__init__(f"{place}: {words}" if place else words)
        self.place = place
