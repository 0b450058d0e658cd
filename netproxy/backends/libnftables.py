"""libnftables in this process: runs nft commands in one transaction, without a new process."""

from __future__ import annotations

import ctypes

from netproxy.table import BackendError

LIBRARY = "libnftables.so.1"
QUOTED = 200  # characters of a command in an error
LARGE = 100_000  # characters, from which on the memory used for a transaction is handed back


class LibNftables:
    """One context; not thread-safe, and bound to the network namespace of the thread that made
    it. Close it when done."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._lib = library
        # The C library keeps what libnftables has freed, 100 MB for 10,000 services; not every
        # C library has the function.
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._context: ctypes.c_void_p | None = None

    @classmethod
    def open(cls) -> LibNftables:
        """Load the library. BackendError: it is not installed."""
        try:
            library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise BackendError(
                f"cannot load {LIBRARY}: {error}; install the package libnftables1"
            ) from error
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        library.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
        opened = cls(library)
        opened._context = ctypes.c_void_p(library.nft_ctx_new(0))
        library.nft_ctx_buffer_error(opened._context)
        library.nft_ctx_buffer_output(opened._context)
        return opened

    def close(self) -> None:
        """Let go of the kernel socket; safe to call again."""
        context, self._context = self._context, None
        if context is not None:
            self._lib.nft_ctx_free(context)

    def run(self, commands: str) -> str:
        """All or nothing; the output. BackendError with the kernel's or parser's message."""
        if self._context is None:
            raise BackendError("libnftables is closed")
        code = self._lib.nft_run_cmd_from_buffer(self._context, commands.encode())
        # The buffers live until the next read, so they are copied here.
        errors: bytes = self._lib.nft_ctx_get_error_buffer(self._context) or b""
        output: bytes = self._lib.nft_ctx_get_output_buffer(self._context) or b""
        if len(commands) >= LARGE and self._trim is not None:
            self._trim(0)
        if code:
            raise BackendError(_summary(errors) or f"nft failed with {code}")
        return output.decode(errors="replace")


def _summary(errors: bytes) -> str:
    """The first message; the command that it quotes may have megabytes."""
    first = errors.decode(errors="replace").strip().splitlines()[:2]
    return "; ".join(line if len(line) <= QUOTED else f"{line[:QUOTED]}…" for line in first)
