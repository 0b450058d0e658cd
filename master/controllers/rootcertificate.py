"""Keeps the cluster's CA certificate in every namespace, where pods can mount it.

In: namespaces and the config maps named kube-root-ca.crt. Out: that config map in each
namespace which is not ending, with the certificate under "ca.crt", as in Kubernetes. What
somebody changes or deletes of it comes back.
"""

from __future__ import annotations

from typing import Any, Final

from master.controllers.ownership import copy_of
from master.controllers.reconciling import Key, ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import AlreadyExists
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import ConfigMap, Namespace

NAME: Final = "kube-root-ca.crt"
FILE: Final = "ca.crt"


class RootCertificateController:
    """`certificate`: of the cluster's CA, PEM. run() until cancelled."""

    def __init__(
        self,
        client: ResourceClient,
        namespaces: Informer[Namespace],
        config_maps: Informer[ConfigMap],
        certificate: bytes,
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._config_maps = config_maps
        self._certificate = certificate.decode()
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "rootcertificate", self._reconcile, (namespaces, config_maps)
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._namespaces.subscribe(self._namespace_changed)
        self._config_maps.subscribe(self._config_map_changed)
        await self._loop.run()

    def _namespace_changed(self, old: Namespace | None, new: Namespace | None) -> None:
        if new is not None:
            self._loop.queue.add(key_of(new))

    def _config_map_changed(self, old: ConfigMap | None, new: ConfigMap | None) -> None:
        changed: Any = new if new is not None else old
        if changed.metadata.name == NAME:
            self._loop.queue.add(("", changed.metadata.namespace))

    async def _reconcile(self, key: Key) -> None:
        namespace = self._namespaces.get(*key)
        if namespace is None or namespace.metadata.HasField("deletion_timestamp"):
            return
        present = self._config_maps.get(key[1], NAME)
        wanted = config_map_of(present, key[1], self._certificate)
        if present is None:
            try:
                await self._client.create(wanted)
            except AlreadyExists:
                return
        elif wanted != present and not present.metadata.HasField("deletion_timestamp"):
            await self._client.update(wanted)


def config_map_of(present: ConfigMap | None, namespace: str, certificate: str) -> ConfigMap:
    """The config map as it must be; labels and annotations of `present` stay."""
    made: ConfigMap = ConfigMap() if present is None else copy_of(present)
    made.metadata.name, made.metadata.namespace = NAME, namespace
    made.ClearField("binary_data")
    made.ClearField("data")
    made.data[FILE] = certificate
    return made
