"""Unmodified kubectl against a real master: what it makes of the OpenAPI documents."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from master.identity.files import ADMINISTRATOR
from tests import kubectls
from tests.master.http.conftest import Api
from tests.master.running import Running, pair_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A kubectl with its own home directory, as the administrator of a master."""

    program: Path
    home: Path
    master: Running

    async def run(self, *arguments: str, given: Any = None) -> tuple[int, str]:
        """Exit status and all output. `given` is what -f - reads."""
        process = await asyncio.create_subprocess_exec(
            str(self.program),
            *self._access(),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"HOME": str(self.home), "PATH": os.environ["PATH"]},
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate(json.dumps(given).encode())
        assert process.returncode is not None
        return process.returncode, output.decode()

    def _access(self) -> list[str]:
        return [
            f"--server=https://127.0.0.1:{self.master.ports.https}",
            f"--certificate-authority={self.home}/ca.crt",
            f"--client-certificate={self.home}/user.crt",
            f"--client-key={self.home}/user.key",
        ]

    async def version(self) -> tuple[int, int]:
        _, output = await self.run("version", "--client", "-o", "json")
        told = json.loads(output)["clientVersion"]
        return int(told["major"]), int(told["minor"].rstrip("+"))


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=kubectls.VERSIONS)
async def kubectl(
    request: Any, master: Running, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kubectl]:
    home = tmp_path_factory.mktemp("home")
    pair = pair_of(master.authority, ADMINISTRATOR)
    (home / "ca.crt").write_bytes(master.authority.pem)
    (home / "user.crt").write_bytes(pair.certificate)
    (home / "user.key").write_bytes(pair.key)
    yield Kubectl(kubectls.program(request.param), home, master)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def namespace(kubectl: Kubectl, api: Api) -> str:
    name = f"of-{kubectl.home.name}"
    await api.namespace(name)
    return name


def deployment(image: str = "web:1", **spec: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    container = {
        "name": "web",
        "image": image,
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": 1, "memory": "64Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


async def test_explain_describes_fields(kubectl: Kubectl) -> None:
    status, output = await kubectl.run("explain", "deployments.spec.strategy")
    assert status == 0, output
    words = " ".join(output.split())
    assert "RollingUpdate (if empty): a few at a time" in words
    assert "rollingUpdate" in words


async def test_explain_knows_all_fields_of_a_pod(kubectl: Kubectl) -> None:
    status, output = await kubectl.run("explain", "pods", "--recursive")
    assert status == 0, output
    assert {"livenessProbe", "emptyDir", "containerStatuses"} <= set(output.split())


async def test_explain_knows_fields_by_the_older_document(kubectl: Kubectl) -> None:
    if await kubectl.version() < (1, 27):
        pytest.skip("it has no other way")
    arguments = ("explain", "services.spec.ports", "--output=plaintext-openapiv2")
    status, output = await kubectl.run(*arguments)
    assert status == 0, output
    assert "targetPort" in output


async def test_an_unknown_field_is_refused_by_name(kubectl: Kubectl, namespace: str) -> None:
    wrong = deployment(replica=3)
    status, output = await kubectl.run("create", "-n", namespace, "-f", "-", given=wrong)
    assert status == 1
    assert "unknown field" in output
    assert "replica" in output


async def test_a_missing_field_is_refused_by_name(kubectl: Kubectl, namespace: str) -> None:
    wrong = deployment()
    del wrong["spec"]["selector"]
    status, output = await kubectl.run("create", "-n", namespace, "-f", "-", given=wrong)
    assert status == 1
    assert "selector" in output


async def test_a_dry_run_stores_nothing(kubectl: Kubectl, namespace: str, api: Api) -> None:
    create = ("create", "-n", namespace, "--dry-run=server", "-f", "-")
    status, output = await kubectl.run(*create, given=deployment())
    assert status == 0, output
    assert "(server dry run)" in output
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    assert (await api.get(path)).status == 404


async def test_apply_merges_lists_by_their_keys(kubectl: Kubectl, namespace: str, api: Api) -> None:
    apply = ("apply", "-n", namespace, "-f", "-")
    status, output = await kubectl.run(*apply, given=deployment())
    assert status == 0, output
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    beside = {"spec": {"template": {"spec": {"containers": [{"name": "log", "image": "log:1"}]}}}}
    patch = "application/strategic-merge-patch+json"
    assert (await api.ask("PATCH", path, beside, content_type=patch)).status == 200

    status, output = await kubectl.run(*apply, given=deployment("web:2"))
    assert status == 0, output
    containers = (await api.get(path)).json["spec"]["template"]["spec"]["containers"]
    assert {c["name"]: c["image"] for c in containers} == {"web": "web:2", "log": "log:1"}


@pytest.mark.skipif(shutil.which("diff") is None, reason="kubectl diff runs diff")
async def test_diff_shows_what_apply_would_change(kubectl: Kubectl, namespace: str) -> None:
    made = deployment()
    made["metadata"]["name"] = "other"
    status, output = await kubectl.run("apply", "-n", namespace, "-f", "-", given=made)
    assert status == 0, output
    same, output = await kubectl.run("diff", "-n", namespace, "-f", "-", given=made)
    assert (same, output) == (0, "")
    made["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"
    different, output = await kubectl.run("diff", "-n", namespace, "-f", "-", given=made)
    assert different == 1
    assert any(line.startswith("+") and "web:2" in line for line in output.splitlines())
