"""The distributions' releases that the machines can be of, and where their packages are."""

from __future__ import annotations

import hashlib
import os
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

UBUNTU = "http://archive.ubuntu.com/ubuntu"
# Debian does not package the keys that Ubuntu's archive is signed with.
_UBUNTU_KEYS = f"{UBUNTU}/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb"
_UBUNTU_KEYS_SUM = "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8"


@dataclass(frozen=True, slots=True)
class Release:
    """suites begins with the release itself; python is the version that its python3 is."""

    suites: tuple[str, ...]
    mirror: str
    components: tuple[str, ...]
    python: str
    script: str  # debootstrap's, which need not know a release by name

    @property
    def name(self) -> str:
        return self.suites[0]

    def source_lines(self) -> str:
        """The lines for apt."""
        parts = " ".join(self.components)
        return "".join(f"deb {self.mirror} {suite} {parts}\n" for suite in self.suites)

    def keyring(self, place: Path) -> Path:
        """What the archive is signed with; fetched into the place where Debian has it not."""
        if self.mirror != UBUNTU:
            return Path("/usr/share/keyrings/debian-archive-keyring.gpg")
        unpacked = place / "ubuntu-keyring"
        if not unpacked.exists():
            _fetch_keys(unpacked)
        return unpacked / "usr/share/keyrings/ubuntu-archive-keyring.gpg"


_DEBIAN = "http://deb.debian.org/debian"
RELEASES = {
    release.name: release
    for release in (
        Release(("bookworm",), _DEBIAN, ("main",), "3.11", "sid"),
        Release(("trixie",), _DEBIAN, ("main",), "3.13", "sid"),
        # The release's own Podman may not stop containers under AppArmor; the updates' may.
        Release(("noble", "noble-updates"), UBUNTU, ("main", "universe"), "3.12", "jammy"),
    )
}


def chosen(count: int) -> tuple[Release, ...]:
    """The releases of the machines: the names in PILOT_VMS_RELEASES, over and over."""
    names = os.environ.get("PILOT_VMS_RELEASES", "bookworm trixie noble bookworm").split()
    return tuple(RELEASES[names[number % len(names)]] for number in range(count))


def _fetch_keys(target: Path) -> None:
    with urllib.request.urlopen(_UBUNTU_KEYS, timeout=60) as answer:
        package = answer.read()
    found = hashlib.sha256(package).hexdigest()
    if found != _UBUNTU_KEYS_SUM:
        raise AssertionError(f"{_UBUNTU_KEYS} has the sum {found}, not {_UBUNTU_KEYS_SUM}")
    file = target.with_name(target.name + ".deb")
    file.write_bytes(package)
    subprocess.run(["dpkg", "-x", str(file), str(target)], check=True)
    file.unlink()
