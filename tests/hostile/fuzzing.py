"""Requests that schemathesis draws from the documents which a master serves of itself.

    python -m tests.hostile.fuzzing --seconds 60 --seed 1

fuzzes every group and version for so long each, against a master of its own, and ends with an
error where an answer says that the server is at fault. Left out are streams and proxies, which
have no schema, and watches, which do not end: by path, and by the parameter of lists.
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from master.identity.files import ADMINISTRATOR
from tests.hostile.victim import Victim, victim

ENDLESS = r"(proxy|watch|exec|attach|portforward|/log)"
SETTINGS = """\
[parameters]
"query.watch" = "false"
"""


def fuzzed(
    master: Victim, directory: Path, document: str, *, seconds: int, examples: int, seed: int
) -> str:
    """What schemathesis says that the server did wrong with requests of that document
    ("api/v1"); "": nothing."""
    _write_credentials(master, directory)
    (directory / "schemathesis.toml").write_text(SETTINGS)
    options = {
        "--tls-verify": "ca",
        "--request-cert": "crt",
        "--request-cert-key": "key",
        "--checks": "not_a_server_error",
        "--phases": "fuzzing",
        "--exclude-path-regex": ENDLESS,
        "--suppress-health-check": "all",
        "--seed": str(seed),
        "--max-examples": str(examples),
        "--max-time": str(seconds),
        "--request-timeout": "20",
        "--warnings": "off",
    }
    program = str(Path(sys.executable).with_name("schemathesis"))
    address = f"https://127.0.0.1:{master.https}/openapi/v3/{document}"
    words = [word for option in options.items() for word in option]
    done = subprocess.run(
        [program, "run", address, "--no-color", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def documents(master: Victim, directory: Path) -> list[str]:
    """Of every group and version that has resources, as the index of documents lists them."""
    _write_credentials(master, directory)
    context = ssl.create_default_context(cafile=directory / "ca")
    context.load_cert_chain(directory / "crt", directory / "key")
    index = f"https://127.0.0.1:{master.https}/openapi/v3"
    with urllib.request.urlopen(index, context=context, timeout=20) as answer:
        paths: dict[str, object] = json.load(answer)["paths"]
    return [path for path in paths if path.count("/") == (2 if path.startswith("apis/") else 1)]


def _write_credentials(master: Victim, directory: Path) -> None:
    pair = master.users[ADMINISTRATOR.name]
    for name, content in (("ca", pair.ca), ("crt", pair.certificate), ("key", pair.key)):
        (directory / name).write_bytes(content)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with victim(directory / "victim", (ADMINISTRATOR,)) as master:
            for document in documents(master, directory):
                said = fuzzed(
                    master,
                    directory,
                    document,
                    seconds=asked.seconds,
                    examples=10_000,
                    seed=asked.seed,
                )
                faults += bool(said)
                print(document, said or "ok", f"{master.figures().rss >> 20} MiB", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
