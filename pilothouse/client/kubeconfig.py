"""kubeconfig files: what kubectl, Helm and Kubernetes' client libraries read.

An entry is what one user needs for one cluster: a cluster, a user and a context in which both
meet. merged() puts it into what a file holds already: entries of other names, and settings of
the same ones that we know nothing of, stay as they are. Pure but for save().
"""

from __future__ import annotations

import base64
import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from pilothouse.client.config import ClientConfig, ConfigError
from pilothouse.process.files import write_private

VARIABLE = "KUBECONFIG"
DEFAULT_FILE = Path("~/.kube/config")

Document = dict[str, Any]


class KubeconfigError(Exception):
    """A file that is no kubeconfig, or that has something else by our names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """See the module. Either certificate and key (PEM), or a token."""

    cluster: str
    context: str
    user: str
    server: str  # https://host:port
    ca: bytes
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    namespace: str = ""

    def cluster_settings(self) -> Document:
        """Where the cluster is and how it is known."""
        return {"server": self.server, "certificate-authority-data": _base64(self.ca)}

    def user_settings(self) -> Document:
        """What proves who we are."""
        if self.token:
            return {"token": self.token}
        return {
            "client-certificate-data": _base64(self.certificate),
            "client-key-data": _base64(self.key),
        }

    def context_settings(self) -> Document:
        """Who we are where."""
        settings = {"cluster": self.cluster, "user": self.user}
        return settings | ({"namespace": self.namespace} if self.namespace else {})


def own_entry(settings: ClientConfig, server: str, cluster: str) -> Entry:
    """Whoever the client's configuration says; ConfigError where it names no readable files."""
    certificate = key = b""
    token = ""
    if settings.certificate is None:
        token = settings.bearer_token()
        # The name matters to nobody but the reader of the file.
        user = token.partition(".")[0].replace("pilot_", "token-")
    else:
        pair = settings.key_pair()
        certificate, key, user = pair.certificate, pair.key, _common_name(pair.certificate)
    name = f"{user}@{cluster}"
    return Entry(cluster, name, name, server, settings.read_ca(), certificate, key, token)


def merged(present: Mapping[str, Any], entry: Entry) -> Document:
    """What the file shall hold; its current context is ours.

    KubeconfigError where it has another cluster by the same name.
    """
    document: Document = {"apiVersion": "v1", "kind": "Config", **copy.deepcopy(dict(present))}
    cluster = _settings(document, "clusters", "cluster", entry.cluster)
    if cluster and not _is_same(cluster, entry):
        where = cluster.get("server")
        raise KubeconfigError(
            f"cluster {entry.cluster!r} is another one there ({where}): choose a --cluster"
        )
    for name in ("certificate-authority", "insecure-skip-tls-verify"):
        cluster.pop(name, None)
    cluster.update(entry.cluster_settings())
    user = _settings(document, "users", "user", entry.user)
    user.clear()
    user.update(entry.user_settings())
    context = _settings(document, "contexts", "context", entry.context)
    if context and context.get("cluster") != entry.cluster:
        raise KubeconfigError(
            f"context {entry.context!r} is for another cluster there: choose a --context"
        )
    context.update(entry.context_settings())
    document["current-context"] = entry.context
    return document


def holds_more(present: Mapping[str, Any], entry: Entry) -> bool:
    """Whether the file has clusters, users or contexts that are not the entry's."""
    ours = {"clusters": entry.cluster, "users": entry.user, "contexts": entry.context}
    return any(
        item.get("name") != ours[section] for section in ours for item in present.get(section) or ()
    )


def default_file(environment: Mapping[str, str]) -> Path:
    """Where kubectl would write: the first file of $KUBECONFIG that exists, else its last."""
    listed = [Path(part) for part in environment.get(VARIABLE, "").split(os.pathsep) if part]
    if not listed:
        return DEFAULT_FILE.expanduser()
    return next((path for path in listed if path.exists()), listed[-1])


def read(path: Path) -> Document:
    """What the file holds, {} where there is none; KubeconfigError where it is something else."""
    try:
        document = yaml.safe_load(path.read_text()) or {}
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"{path} is not valid YAML") from error
    if not isinstance(document, dict) or document.get("kind", "Config") != "Config":
        raise KubeconfigError(f"{path} is not a kubeconfig")
    for section in ("clusters", "users", "contexts"):
        if not _is_named_list(document.get(section) or []):
            raise KubeconfigError(f"{path}: {section} must be a list of mappings with a name")
    return document


def written(document: Document) -> str:
    """The text of a file."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=2**31)
    return text


def save(path: Path, document: Document) -> None:
    """Replace the file, mode 0600, whole or not at all; behind a link, the file it leads to."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(target, written(document).encode())


def _settings(document: Document, section: str, kind: str, name: str) -> Document:
    """The settings of the item of that name, in the document itself; made if it is not there."""
    if not document.get(section):
        document[section] = []
    items: list[Document] = document[section]
    item = next((item for item in items if item.get("name") == name), None)
    if item is None:
        item = {"name": name}
        items.append(item)
    if not item.get(kind):
        item[kind] = {}
    settings: Document = item[kind]
    return settings


def _is_same(cluster: Document, entry: Entry) -> bool:
    """By the CA, which knows all its addresses, or by the address, when it was made anew."""
    same_ca = cluster.get("certificate-authority-data") == _base64(entry.ca)
    return same_ca or cluster.get("server") == entry.server


def _is_named_list(items: Any) -> bool:
    return isinstance(items, Sequence) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in items
    )


def _common_name(certificate: bytes) -> str:
    try:
        subject = x509.load_pem_x509_certificate(certificate).subject
    except ValueError as error:
        raise ConfigError("the configured certificate is not PEM") from error
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else "user"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
