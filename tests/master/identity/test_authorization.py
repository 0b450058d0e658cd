from __future__ import annotations

import pytest

from master.identity.authorization import Action, Authorizer, change_refusal, refusal
from master.identity.user import ANONYMOUS, User, component, netproxy_user, node_user
from pilothouse.objects import kinds
from pilothouse.objects.errors import Forbidden
from pilothouse.objects.kinds import Kind
from protos.core_v1_pb2 import Event, Node, Pod, Taint

LEASES = "leases.coordination.k8s.io"
N1 = node_user("n1")
ANNA = User("anna", ("people",))


class Relations:
    """n1 runs pod default/web, which names secret default/password."""

    def is_bound(self, node: str, namespace: str, pod: str) -> bool:
        return (node, namespace, pod) == ("n1", "default", "web")

    def names(self, node: str, resource: str, namespace: str, name: str) -> bool:
        return (node, resource, namespace, name) == ("n1", "secrets", "default", "password")


def allowed(user: User, action: Action) -> bool:
    return refusal(user, action, Relations()) is None


@pytest.mark.parametrize("user", [User(""), ANONYMOUS], ids=["nameless", "anonymous"])
def test_who_proves_nothing_may_do_nothing(user: User) -> None:
    assert not allowed(user, Action("get", "namespaces", name="default"))
    assert not allowed(user, Action("get", "pods", "default", "web"))


@pytest.mark.parametrize(
    "action",
    [
        Action("get", "nodes", name="n1"),
        Action("update", "nodes", name="n1", subresource="status"),
        Action("watch", "nodes", field_selector="metadata.name=n1"),
        Action("update", LEASES, "kube-node-lease", "n1"),
        Action("get", "pods", "default", "web"),
        Action("list", "pods", field_selector="spec.nodeName=n1"),
        Action("update", "pods", "default", "web", "status"),
        Action("delete", "pods", "default", "web"),
        Action("get", "secrets", "default", "password"),
        Action("create", "events", "default", "web.1"),
    ],
    ids=str,
)
def test_node_may(action: Action) -> None:
    assert allowed(N1, action)


@pytest.mark.parametrize(
    "action",
    [
        Action("get", "nodes", name="n2"),
        Action("list", "nodes"),
        Action("list", "nodes", field_selector="metadata.name=n2"),
        Action("delete", "nodes", name="n1"),
        Action("update", "nodes", name="n2", subresource="status"),
        Action("update", LEASES, "kube-node-lease", "n2"),
        Action("update", LEASES, "default", "n1"),
        Action("list", LEASES, "kube-node-lease"),
        Action("get", "pods", "default", "other"),
        Action("get", "pods", "other", "web"),
        Action("list", "pods"),
        Action("list", "pods", "default"),
        Action("list", "pods", field_selector="spec.nodeName=n2"),
        Action("list", "pods", field_selector="spec.nodeName!=n1"),
        Action("list", "pods", field_selector="xspec.nodeName=n1"),
        Action("update", "pods", "default", "web"),
        Action("patch", "pods", "default", "web"),
        Action("create", "pods", "default", "new"),
        Action("create", "pods", "default", "web", "binding"),
        Action("create", "pods", "default", "web", "exec"),
        Action("get", "pods", "default", "web", "log"),
        Action("update", "pods", "default", "other", "status"),
        Action("delete", "pods", "default", "other"),
        Action("deletecollection", "pods", "default"),
        Action("get", "secrets", "default", "other"),
        Action("list", "secrets", "default"),
        Action("watch", "secrets", "default"),
        Action("update", "secrets", "default", "password"),
        Action("get", "configmaps", "default", "password"),
        Action("list", "services"),
        Action("get", "namespaces", name="default"),
        Action("list", "events"),
        Action("create", "deployments.apps", "default", "web"),
    ],
    ids=str,
)
def test_node_may_not(action: Action) -> None:
    assert not allowed(N1, action)


@pytest.mark.parametrize(
    ("user", "action", "may"),
    [
        (netproxy_user("n1"), Action("watch", "services"), True),
        (netproxy_user("n1"), Action("list", "endpointslices.discovery.k8s.io"), True),
        (netproxy_user("n1"), Action("get", "nodes", name="n2"), True),
        (netproxy_user("n1"), Action("list", "pods"), False),
        (netproxy_user("n1"), Action("list", "secrets"), False),
        (netproxy_user("n1"), Action("update", "services", "default", "web"), False),
        (component("scheduler"), Action("delete", "namespaces", name="default"), True),
        (User(""), Action("get", "pods", "default", "web"), False),
        (User("", ("system:masters",)), Action("get", "pods", "default", "web"), False),
        (User("system:node:n1"), Action("get", "pods", "default", "web"), False),
        (User("anna", ("system:nodes",)), Action("create", "pods", "default", "web"), False),
        (User("system:node:", ("system:nodes",)), Action("get", "nodes"), False),
    ],
)
def test_machines_and_nobody(user: User, action: Action, may: bool) -> None:
    assert allowed(user, action) is may


@pytest.mark.parametrize(
    ("action", "may"),
    [
        (Action("create", "deployments.apps", "default", "web"), True),
        (Action("delete", "secrets", "team", "password"), True),
        (Action("create", "pods", "default", "web", "exec"), True),
        (Action("get", "pods", "default", "web", "log"), True),
        (Action("update", "deployments.apps", "default", "web", "scale"), True),
        (Action("create", "pods", "default", "web", "binding"), False),
        (Action("update", "pods", "default", "web", "status"), False),
        (Action("create", "pods", "kube-system", "web"), False),
        (Action("list", "secrets", "kube-system"), False),
        (Action("list", "secrets"), False),
        (Action("get", "configmaps", "kube-public", "info"), True),
        (Action("create", "configmaps", "kube-public", "info"), False),
        (Action("update", LEASES, "kube-node-lease", "n1"), False),
        (Action("list", "nodes"), True),
        (Action("update", "nodes", name="n1"), False),
        (Action("get", "namespaces", name="default"), True),
        (Action("create", "namespaces", name="team"), False),
    ],
    ids=str,
)
def test_person(action: Action, may: bool) -> None:
    assert allowed(ANNA, action) is may


def _node(**labels: str) -> Node:
    node = Node()
    node.metadata.name = "n1"
    for name, value in labels.items():
        node.metadata.labels[name.replace("__", "/").replace("_", ".")] = value
    return node


def _tainted() -> Node:
    node = _node()
    node.spec.taints.append(Taint(key="dedicated", effect="NoSchedule"))
    return node


def _ranged() -> Node:
    node = _node()
    node.spec.pod_cidr = "10.244.7.0/24"
    return node


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        pytest.param(_node(), _node(kubernetes_io__hostname="x"), True, id="own label"),
        pytest.param(_node(), _node(role="database"), False, id="draws pods to itself"),
        pytest.param(_node(role="database"), _node(), False, id="drops a user's label"),
        pytest.param(_node(role="a"), _node(role="b"), False, id="changes a user's label"),
        pytest.param(_node(role="a"), _node(role="a"), True, id="leaves a user's label"),
        pytest.param(_tainted(), _node(), False, id="removes a taint"),
        pytest.param(_node(), _tainted(), False, id="adds a taint later"),
        pytest.param(None, _tainted(), True, id="begins with a taint"),
        pytest.param(None, _ranged(), False, id="chooses its range"),
        pytest.param(None, _node(role="database"), False, id="begins with a label"),
    ],
)
def test_node_changes_of_itself(old: Node | None, new: Node, may: bool) -> None:
    assert (change_refusal(N1, new, old, Relations()) is None) is may
    assert change_refusal(component("x"), new, old, Relations()) is None


@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_node_leaves_labels_and_annotations_of_its_pods_alone(part: str) -> None:
    old, new = Pod(), Pod()
    new.status.phase = "Running"
    assert change_refusal(N1, new, old, Relations()) is None
    getattr(new.metadata, part)["app"] = "database"
    assert "labels and annotations" in (change_refusal(N1, new, old, Relations()) or "")
    assert change_refusal(component("x"), new, old, Relations()) is None


def _event(kind: str, name: str, namespace: str = "default", involved: str = "default") -> Event:
    event = Event()
    event.metadata.namespace = namespace
    event.involved_object.kind = kind
    event.involved_object.name = name
    event.involved_object.namespace = involved if kind == "Pod" else ""
    return event


@pytest.mark.parametrize(
    ("event", "may"),
    [
        pytest.param(_event("Pod", "web"), True, id="its pod"),
        pytest.param(_event("Node", "n1"), True, id="itself"),
        pytest.param(_event("Pod", "other"), False, id="another pod"),
        pytest.param(_event("Pod", "web", namespace="kube-system"), False, id="elsewhere"),
        pytest.param(_event("Node", "n2"), False, id="another node"),
        pytest.param(_event("Deployment", "web"), False, id="another kind"),
    ],
)
def test_node_reports_events_about_its_own(event: Event, may: bool) -> None:
    assert (change_refusal(N1, event, None, Relations()) is None) is may


def test_refusal_says_who_what_and_why() -> None:
    action = Action("get", "secrets", "default", "other")
    with pytest.raises(Forbidden) as caught:
        Authorizer(Relations()).require(N1, action)
    assert caught.value.message == (
        'user "system:node:n1" cannot get secrets "other" in namespace default: '
        "no pod bound to the node names it"
    )


GOVERNING = [
    *("limitranges", "resourcequotas"),
    *("roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io"),
]


@pytest.mark.parametrize("resource", GOVERNING)
def test_people_read_what_they_are_bound_by_and_do_not_write_it(resource: str) -> None:
    assert allowed(ANNA, Action("list", resource, "default"))
    for verb in ("create", "update", "patch", "delete", "deletecollection"):
        assert not allowed(ANNA, Action(verb, resource, "default", "x"))


CLUSTER_WIDE = [k.resource for k in kinds.every() if not k.namespaced]


@pytest.mark.parametrize("resource", CLUSTER_WIDE)
def test_only_administrators_change_the_cluster(resource: str) -> None:
    for verb in ("create", "update", "patch", "delete", "deletecollection"):
        for user in (ANNA, netproxy_user("n1")):
            assert not allowed(user, Action(verb, resource, name="x"))


@pytest.mark.parametrize("kind", list(kinds.every()), ids=lambda kind: kind.resource)
def test_machines_have_no_business_with_other_kinds(kind: Kind) -> None:
    action = Action("list", kind.resource, "default" if kind.namespaced else "")
    assert not allowed(N1, action)
    reads = {"services", "endpointslices.discovery.k8s.io", "nodes"}
    assert allowed(netproxy_user("n1"), action) == (kind.resource in reads)
