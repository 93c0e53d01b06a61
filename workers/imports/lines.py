"""Lines of a stream, each with the place where it ends, without ever holding one that is too long."""

from collections import deque

MAX_LINE = 1024 * 1024

_MARK = b"\xef\xbb\xbf"


class Starved(Exception):  # noqa: N818  # tells a state
    """All lines fed so far are taken; feed more and take the record's lines again."""


class TooLong(Exception):  # noqa: N818  # tells a fact about the input
    """This line has more than MAX_LINE bytes; it was skipped."""


class Lines:
    """An iterator for csv.reader that is fed from outside. `end` is the place after the last line taken.

    A line is too long when its end has not come after MAX_LINE bytes; the rest of it is dropped as it comes.
    """

    def __init__(self, start: int) -> None:
        self.end = start
        self._fed = start
        self._at_beginning = start == 0
        self._rest = b""
        self._skipping = False
        self._ended = False
        self._waiting: deque[tuple[bytes | None, int]] = deque()
        self._taken: list[tuple[bytes | None, int]] = []

    def feed(self, chunk: bytes) -> None:
        """Adds what was read next; an empty chunk is the end of the file."""
        self._ended = not chunk
        if self._at_beginning and chunk.startswith(_MARK):
            self._fed, chunk = len(_MARK), chunk[len(_MARK) :]
        self._at_beginning = False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._add(line + b"\n")
        if len(self._rest) > MAX_LINE:
            self._skipping = True
            self._fed += len(self._rest)
            self._rest = b""
        if self._ended and (self._rest or self._skipping):
            self._add(self._rest)
            self._rest = b""

    def begin_record(self) -> None:
        """What was taken before is done with."""
        self._taken.clear()

    def give_back(self) -> None:
        """The record is not complete: its lines will be taken again."""
        self._waiting.extendleft(reversed(self._taken))
        self._taken.clear()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if not self._waiting:
            raise StopIteration if self._ended else Starved
        taken = self._waiting.popleft()
        self._taken.append(taken)
        line, self.end = taken
        if line is None:
            raise TooLong
        return line.decode()

    def _add(self, line: bytes) -> None:
        self._fed += len(line)
        too_long = self._skipping or len(line) > MAX_LINE
        self._waiting.append((None if too_long else line, self._fed))
        self._skipping = False
