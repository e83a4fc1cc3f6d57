"""Server-sent events: upstream bytes, cut anywhere, into the data of whole events.

Only `data` is of interest to the dialects spoken here; `event`, `id`, `retry` and comments are read over.
Lines may end with LF, CR or CRLF, in any mixture, and a byte order mark may come first.
"""

from seawall.core.errors import ProviderError

MOST_BYTES = 1024 * 1024
"""What one event may have. More is not an answer but an attack on memory, or no event stream at all."""

_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    """An incremental decoder for one response. The events do not depend on how the bytes were cut."""

    __slots__ = ("_after_cr", "_lines", "_overlong", "_partial", "_size", "_start", "between")

    def __init__(self) -> None:
        self._start: bytes | None = b""  # the first bytes, until it is clear whether they are a BOM
        self._after_cr = False
        self.between = False
        """Whether nothing is pending: the next byte begins an event."""
        self._partial: list[bytes] = []  # pieces of the line that is not over
        self._lines: list[bytes] = []  # data lines of the event that is not over
        self._size = 0  # of both
        self._overlong = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that *data* completes; several data lines are joined by a newline.

        An event without data, or with empty data, is not given. Raises `ProviderError` (`protocol_error`)
        for an event above `MOST_BYTES`; if *data* completes others before it, at the next call.
        """
        if (
            self.between
            and data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n")
            and data.find(b"\r") < 0
            and 8 < len(data) < MOST_BYTES
        ):
            return [data[6:-2]]  # one event written at once, as nearly all are: the rest would find no more
        if self._overlong:
            raise _overlong()
        if self._start is not None:
            data = self._without_bom(self._start + data)
        if self._after_cr or b"\r" in data:
            data = self._with_one_newline(data)
        if b"\n" not in data:
            self._keep(data)
            self._check([])
            self.between = False
            return []
        if self._partial:
            self._size -= sum(map(len, self._partial))
            data = b"".join((*self._partial, data))
            self._partial.clear()
        out: list[bytes] = []
        *blocks, rest = data.split(b"\n\n")
        for block in blocks:
            if len(block) > MOST_BYTES:
                self._overlong = True
                break
            if block[:6] == b"data: " and not self._lines and b"\n" not in block:
                if len(block) > 6:
                    out.append(block[6:])
            else:
                self._read(block.split(b"\n"), out)
                self._dispatch(out)
        if rest:
            *lines, partial = rest.split(b"\n")
            self._read(lines, out)
            self._keep(partial)
        self._check(out)
        self.between = not (rest or self._lines or self._after_cr or self._overlong)
        return out

    def end(self) -> list[bytes]:
        """The bytes are over: the event that was not ended by an empty line, if there is one."""
        if self._overlong:
            raise _overlong()
        out: list[bytes] = []
        self._read([b"".join(self._partial)], out)
        self._dispatch(out)
        return out

    def _without_bom(self, data: bytes) -> bytes:
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._start = data
            return b""
        self._start = None
        return data.removeprefix(_BOM)

    def _with_one_newline(self, data: bytes) -> bytes:
        # A CR at the very end is a newline at once; should an LF follow, it is the second half of that one.
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if data.endswith(b"\r"):
            self._after_cr = True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._partial.append(piece)
            self._size += len(piece)

    def _check(self, out: list[bytes]) -> None:
        if self._size > MOST_BYTES:
            self._overlong = True
        if self._overlong and not out:
            raise _overlong()

    def _read(self, lines: list[bytes], out: list[bytes]) -> None:
        for line in lines:
            if not line:
                self._dispatch(out)
            elif line[:5] == b"data:":
                self._lines.append(line[6:] if line[5:6] == b" " else line[5:])
                self._size += len(line)
            elif line == b"data":
                self._lines.append(b"")
                self._size += len(line)

    def _dispatch(self, out: list[bytes]) -> None:
        if self._lines:
            data = b"\n".join(self._lines)
            self._lines.clear()
            self._size = 0
            if data:
                out.append(data)


def _overlong() -> ProviderError:
    return ProviderError(
        "protocol_error",
        "the provider sent an event that is too large",
        hint=f"an event of the stream has more than {MOST_BYTES} bytes",
    )
