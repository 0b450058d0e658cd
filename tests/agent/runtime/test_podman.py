"""The Podman runtime on real containers: the contract."""

import pytest

from tests import hosts
from tests.contract.runtime_contract import RuntimeContract

pytestmark = [
    pytest.mark.podman,
    pytest.mark.root,
    pytest.mark.skipif(not hosts.usable(), reason="needs root, podman, crun, nft"),
]


class TestPodmanRuntime(RuntimeContract):
    pass
