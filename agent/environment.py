"""What a container finds around it: variables, command line, names and name servers. Pure.

Rules are Kubernetes': $(NAME) is replaced by a variable defined before, $$ is one $, what
cannot be resolved stays as it is; env overrides envFrom, and that the services'; later overrides
earlier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.amounts import resource_value
from agent.lifecycle.runs import container_named
from agent.runtime.errors import CreateContainerConfigError
from agent.runtime.specs import Dns
from agent.servicelinks import service_variables
from agent.volumes.contract import Sources
from protos.core_v1_pb2 import ConfigMap, Container, EnvFromSource, EnvVar, Pod, Secret

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_FIELD = re.compile(r"metadata\.(annotations|labels)\['([^']+)'\]")
HOSTNAME_LIMIT = 63
SEARCH_LIMIT = 32
NAMESERVER_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Node:
    """What a pod may know of its node and cluster. allocatable: in units of resource names
    ("cpu" in thousandths, others in bytes), for containers without limits."""

    name: str
    host_ips: tuple[str, ...]
    cluster_domain: str
    dns_address: str
    nameservers: tuple[str, ...] = ()  # the node's own, for dnsPolicy Default
    searches: tuple[str, ...] = ()
    allocatable: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one container's run is: its node and the pod's address there."""

    node: Node
    pod_ip: str


def variables(
    pod: Pod, container: Container, sources: Sources, place: Place
) -> tuple[tuple[str, str], ...]:
    """The environment in order of definition. CreateContainerConfigError names what a
    variable refers to that does not exist."""
    found: dict[str, str] = service_variables(pod, sources)
    for origin in container.env_from:
        found.update(_imported(origin, pod.metadata.namespace, sources))
    for variable in container.env:
        value = _value(variable, found, pod, container, sources, place)
        if value is not None:
            found[variable.name] = value
    return tuple(found.items())


def expand(text: str, known: Mapping[str, str]) -> str:
    """Replace $(NAME) where it is known; "$$(NAME)" is a literal "$(NAME)".

    >>> expand("$(A)-$(B)-$$(A)", {"A": "1"})
    '1-$(B)-$(A)'
    """

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else known.get(name, match.group(0))

    return _REFERENCE.sub(replacement, text)


def expand_all(texts: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """As expand, for a command line."""
    return tuple(expand(text, known) for text in texts)


def _imported(origin: EnvFromSource, namespace: str, sources: Sources) -> Iterable[tuple[str, str]]:
    if origin.HasField("config_map_ref"):
        reference = origin.config_map_ref
        name = reference.local_object_reference.name
        data = _config_map_data(sources.config_map(namespace, name))
        what = f'configmap "{name}" not found'
        optional = reference.optional
    else:
        secret_reference = origin.secret_ref
        name = secret_reference.local_object_reference.name
        data = _secret_data(sources.secret(namespace, name))
        what = f'secret "{name}" not found'
        optional = secret_reference.optional
    if data is None:
        if optional:
            return
        raise CreateContainerConfigError(what)
    for key in sorted(data):
        yield origin.prefix + key, data[key]


def _config_map_data(found: ConfigMap | None) -> Mapping[str, str] | None:
    return None if found is None else found.data


def _secret_data(found: Secret | None) -> Mapping[str, str] | None:
    if found is None:
        return None
    return {key: value.decode(errors="replace") for key, value in found.data.items()}


def _value(
    variable: EnvVar,
    known: Mapping[str, str],
    pod: Pod,
    container: Container,
    sources: Sources,
    place: Place,
) -> str | None:
    origin = variable.value_from
    if not variable.HasField("value_from"):
        return expand(variable.value, known)
    if origin.HasField("field_ref"):
        return field_value(pod, origin.field_ref.field_path, place)
    if origin.HasField("resource_field_ref"):
        return _resource(pod, container, variable, place.node)
    namespace = pod.metadata.namespace
    if origin.HasField("config_map_key_ref"):
        key = origin.config_map_key_ref
        name = key.local_object_reference.name
        return _picked(
            _config_map_data(sources.config_map(namespace, name)),
            key.key,
            f'configmap "{name}"',
            f"ConfigMap {namespace}/{name}",
            optional=key.optional,
        )
    if origin.HasField("secret_key_ref"):
        secret_key = origin.secret_key_ref
        name = secret_key.local_object_reference.name
        return _picked(
            _secret_data(sources.secret(namespace, name)),
            secret_key.key,
            f'secret "{name}"',
            f"Secret {namespace}/{name}",
            optional=secret_key.optional,
        )
    return ""


def _picked(
    data: Mapping[str, str] | None, key: str, missing: str, holder: str, *, optional: bool
) -> str | None:
    if data is not None and key in data:
        return data[key]
    if optional:
        return None
    if data is None:
        raise CreateContainerConfigError(f"{missing} not found")
    raise CreateContainerConfigError(f"couldn't find key {key} in {holder}")


def field_value(pod: Pod, path: str, place: Place) -> str:
    """A field reference's value. CreateContainerConfigError: no such field."""
    selected = _FIELD.fullmatch(path)
    meta = pod.metadata
    if selected:
        table = meta.annotations if selected.group(1) == "annotations" else meta.labels
        return table.get(selected.group(2), "")
    host_ips = place.node.host_ips
    values = {
        "metadata.name": meta.name,
        "metadata.namespace": meta.namespace,
        "metadata.uid": meta.uid,
        "metadata.labels": _listing(meta.labels),
        "metadata.annotations": _listing(meta.annotations),
        "spec.nodeName": pod.spec.node_name or place.node.name,
        "spec.serviceAccountName": pod.spec.service_account_name,
        "status.hostIP": host_ips[0] if host_ips else "",
        "status.hostIPs": ",".join(host_ips),
        "status.podIP": place.pod_ip,
        "status.podIPs": place.pod_ip,
    }
    if path not in values:
        raise CreateContainerConfigError(f"unsupported field path {path!r}")
    return values[path]


def _listing(table: Mapping[str, str]) -> str:
    def quoted(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "\n".join(f'{key}="{quoted(table[key])}"' for key in sorted(table))


def _resource(pod: Pod, container: Container, variable: EnvVar, node: Node) -> str:
    reference = variable.value_from.resource_field_ref
    name = reference.container_name
    target = container
    if name and name != container.name:
        try:
            target = container_named(pod, name)
        except KeyError:
            raise CreateContainerConfigError(f"no container {name!r} in the pod") from None
    try:
        return resource_value(
            target.resources, reference.resource, reference.divisor.string, node.allocatable or {}
        )
    except ValueError as error:
        raise CreateContainerConfigError(str(error)) from error


def hostname(pod: Pod) -> str:
    """The pod's host name: spec.hostname or its own name, cut to what a host name may be."""
    name = pod.spec.hostname or pod.metadata.name
    return name[:HOSTNAME_LIMIT].rstrip("-.")


def fqdn(pod: Pod, cluster_domain: str) -> str:
    """HOSTNAME.SUBDOMAIN.NAMESPACE.svc.DOMAIN where a subdomain is set, else ""."""
    if not pod.spec.subdomain:
        return ""
    name = hostname(pod)
    return f"{name}.{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{cluster_domain}"


def dns(pod: Pod, node: Node) -> Dns:
    """The pod's resolv.conf by its dnsPolicy and dnsConfig."""
    policy = pod.spec.dns_policy or "ClusterFirst"
    if policy == "ClusterFirst" and pod.spec.host_network:
        policy = "Default"
    servers: Sequence[str] = ()
    searches: Sequence[str] = ()
    options: dict[str, str] = {}
    if policy == "Default":
        servers, searches = node.nameservers, node.searches
    elif policy != "None":
        domain = node.cluster_domain
        servers = (node.dns_address,)
        own = (f"{pod.metadata.namespace}.svc.{domain}", f"svc.{domain}", domain)
        searches = (*own, *node.searches)
        options["ndots"] = "5"
    config = pod.spec.dns_config
    for option in config.options:
        options[option.name] = option.value
    return Dns(
        nameservers=_distinct((*servers, *config.nameservers))[:NAMESERVER_LIMIT],
        searches=_distinct((*searches, *config.searches))[:SEARCH_LIMIT],
        options=tuple(f"{name}:{value}" if value else name for name, value in options.items()),
    )


def _distinct(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
