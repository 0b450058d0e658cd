"""Runs on a host of the lab: opens a new connection to an address all the time.

    python caller.py ADDRESS[:PORT] OUTPUT [SECONDS]

One JSON line a call: {"at": unix time, "pod": who answered} or {"at", "error"}. At most SECONDS
(default 2) a call, 10 ms between two.
"""

import json
import socket
import sys
import time

REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def call(host: str, port: int, patience: float) -> str:
    with socket.create_connection((host, port), timeout=patience) as sock:
        sock.sendall(REQUEST)
        answer = b""
        while chunk := sock.recv(4096):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise OSError(f"answered {answer[:100]!r}")
    return body.split()[0].decode()


def main() -> None:
    host, _, port = sys.argv[1].partition(":")
    patience = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    with open(sys.argv[2], "a", buffering=1) as output:
        while True:
            line: dict[str, object] = {"at": time.time()}
            try:
                line["pod"] = call(host, int(port or 80), patience)
            except (OSError, IndexError) as error:
                took = time.time() - float(str(line["at"]))
                line["error"] = f"{type(error).__name__}: {error} after {took:.3f} s"
            output.write(json.dumps(line) + "\n")
            time.sleep(0.01)


if __name__ == "__main__":
    main()
