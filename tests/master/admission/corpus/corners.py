"""Broken corners of pods: what few manifests use."""

from tests.master.admission.corpus.case import (
    DUPLICATE,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    REQUIRED,
    UNSUPPORTED,
    Broken,
)
from tests.master.admission.manifests import amount

C, I = "spec.containers[0]", "spec.init_containers[0]"  # noqa: E741
J, V = "spec.initContainers[0]", "spec.volumes[0]"
S = f"{V}.volume_source"
EXEC = {"probe_handler": {"exec": {"command": ["true"]}}}
RESIZE = {"resource_name": "cpu", "restart_policy": "RestartContainer"}
SPREAD = {"max_skew": 1, "topology_key": "zone", "when_unsatisfiable": "DoNotSchedule"}
REQ = "required_during_scheduling_ignored_during_execution"
PREF = "preferred_during_scheduling_ignored_during_execution"
NODE_REQ = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
NODE_PREF = "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution"
POD_REQ = "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution"
POD_PREF = "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution"
LABELS = {"match_labels": {"a": "b"}}
SOURCES_AT = f"{V}.projected.sources"


def term(**it: object) -> dict[str, object]:
    return {f"spec.affinity.pod_affinity.{REQ}": [{"topology_key": "z", **it}]}


def node_field(**it: object) -> dict[str, object]:
    terms = f"spec.affinity.node_affinity.{REQ}.node_selector_terms"
    return {terms: [{"match_fields": [{"key": "metadata.name", **it}]}]}


def projected(**it: object) -> dict[str, object]:
    return {S: {"projected": {"sources": [it]}}}


def ephemeral(**it: object) -> dict[str, object]:
    common = {"name": "debug", "image": "i", **it}
    return {
        "spec.template.spec.ephemeral_containers": [{"ephemeral_container_common": common}],
    }


CONTAINERS = [
    Broken("init liveness", "Pod", {f"{I}.liveness_probe": EXEC}, f"{J}.livenessProbe", FORBIDDEN),
    Broken("init startup", "Pod", {f"{I}.startup_probe": EXEC}, f"{J}.startupProbe", FORBIDDEN),
    Broken("init image padded", "Pod", {f"{I}.image": "\ti"}, f"{J}.image", INVALID),
    Broken("resized twice", "Pod", {f"{C}.resize_policy": [RESIZE, RESIZE]},
           f"{C}.resizePolicy[1]", DUPLICATE),
    Broken("resized disk", "Pod", {f"{C}.resize_policy": [{**RESIZE, "resource_name": "disk"}]},
           f"{C}.resizePolicy[0].resourceName", UNSUPPORTED, '"cpu", "memory"'),
    Broken("resized by a restart that never comes", "Pod",
           {f"{C}.resize_policy": [RESIZE], "spec.restart_policy": "Never"},
           f"{C}.resizePolicy[0].restartPolicy", INVALID, "must be 'NotRequired'"),
    Broken("post-start", "Pod", {f"{C}.lifecycle": {"post_start": {"exec": {}}}},
           f"{C}.lifecycle.postStart.exec.command", REQUIRED),
    Broken("port of no type", "Pod",
           {f"{C}.liveness_probe": {"probe_handler": {"tcp_socket": {"port": {"type": 7}}}}},
           f"{C}.livenessProbe.tcpSocket.port", INVALID, "must be a number or a string"),
    Broken("envFrom secret", "Pod",
           {f"{C}.env_from": [{"secret_ref": {"local_object_reference": {"name": "A"}}}]},
           f"{C}.envFrom[0].secretRef.name", INVALID),
    Broken("divisor no quantity", "Pod",
           {f"{C}.env": [{"name": "A", "value_from": {
               "resource_field_ref": {"resource": "limits.cpu", "divisor": amount("x")}}}]},
           f"{C}.env[0].valueFrom.resourceFieldRef.divisor", INVALID, "quantities must match"),
    Broken("resource grammar", "Pod",
           {f"{C}.resources.requests": {"a b": amount("1")}},
           f"{C}.resources.requests[a b]", INVALID, "name part must consist of"),
    Broken("extended in parts", "Deployment",
           {f"spec.template.{C}.resources.limits": {"example.com/gpu": amount("1500m")}},
           f"spec.template.{C}.resources.limits[example.com/gpu]", INVALID, "must be an integer"),
    Broken("claim without name", "Pod", {f"{C}.resources.claims": [{}]},
           f"{C}.resources.claims[0].name", REQUIRED),
    Broken("claim twice", "Pod",
           {"spec.resource_claims": [{"name": "g", "resource_claim_name": "g"}],
            f"{C}.resources.claims": [{"name": "g"}, {"name": "g"}]},
           f"{C}.resources.claims[1]", DUPLICATE),
    Broken("claim request", "Pod",
           {"spec.resource_claims": [{"name": "g", "resource_claim_name": "g"}],
            f"{C}.resources.claims": [{"name": "g", "request": "A"}]},
           f"{C}.resources.claims[0].request", INVALID),
    Broken("subPathExpr up", "Pod", {f"{C}.volume_mounts[0].sub_path_expr": "../a"},
           f"{C}.volumeMounts[0].subPathExpr", INVALID, "must not contain '..'"),
    Broken("recursive read-only", "Pod", {f"{C}.volume_mounts[0].recursive_read_only": "Maybe"},
           f"{C}.volumeMounts[0].recursiveReadOnly", UNSUPPORTED),
    Broken("recursive read-only, propagated", "Pod",
           {f"{C}.volume_mounts[0].read_only": True,
            f"{C}.volume_mounts[0].recursive_read_only": "Enabled",
            f"{C}.volume_mounts[0].mount_propagation": "HostToContainer"},
           f"{C}.volumeMounts[0].recursiveReadOnly", FORBIDDEN, "when mountPropagation is None"),
    Broken("group", "Pod", {f"{C}.security_context.run_as_group": -1},
           f"{C}.securityContext.runAsGroup", INVALID),
    Broken("host process", "Pod",
           {f"{C}.security_context.windows_options": {"host_process": True}},
           f"{C}.securityContext.windowsOptions.hostProcess", FORBIDDEN),
    Broken("unmasked", "Pod", {f"{C}.security_context.proc_mount": "Unmasked"},
           f"{C}.securityContext.procMount", INVALID, "`hostUsers` must be false"),
    Broken("seccomp without type", "Pod", {f"{C}.security_context.seccomp_profile": {}},
           f"{C}.securityContext.seccompProfile.type", REQUIRED),
    Broken("apparmor padded", "Pod",
           {f"{C}.security_context.app_armor_profile":
            {"type": "Localhost", "localhost_profile": "x "}},
           f"{C}.securityContext.appArmorProfile.localhostProfile", INVALID, "not be padded"),
    Broken("apparmor long", "Pod",
           {f"{C}.security_context.app_armor_profile":
            {"type": "Localhost", "localhost_profile": "x" * 4096}},
           f"{C}.securityContext.appArmorProfile.localhostProfile", INVALID, "4095"),
]  # fmt: skip
DEVICE_VOLUME = {"name": "d", "volume_source": {"persistent_volume_claim": {"claim_name": "c"}}}
D, DEVICES = f"{C}.volume_devices", f"{C}.volumeDevices"


def devices(*listed: dict[str, str]) -> dict[str, object]:
    return {"spec.volumes[1]": DEVICE_VOLUME, D: list(listed)}


MOUNTS = [
    Broken("device of no volume", "Pod", devices({"name": "x", "device_path": "/dev/x"}),
           f"{DEVICES}[0].name", NOT_FOUND),
    Broken("device without path", "Pod", devices({"name": "d"}), f"{DEVICES}[0].devicePath",
           REQUIRED),
    Broken("device up", "Pod", devices({"name": "d", "device_path": "/dev/../x"}),
           f"{DEVICES}[0].devicePath", INVALID, "must not contain '..'"),
    Broken("device twice", "Pod",
           devices({"name": "d", "device_path": "/a"}, {"name": "d", "device_path": "/b"}),
           f"{DEVICES}[1].name", INVALID, "must be unique"),
    Broken("device path twice", "Pod",
           {"spec.volumes[1]": DEVICE_VOLUME, "spec.volumes[2]": {**DEVICE_VOLUME, "name": "e"},
            D: [{"name": "d", "device_path": "/a"}, {"name": "e", "device_path": "/a"}]},
           f"{DEVICES}[1].devicePath", INVALID, "must be unique"),
    Broken("device where a volume is mounted", "Pod",
           devices({"name": "d", "device_path": "/cache"}), f"{DEVICES}[0].devicePath", INVALID,
           "must not already exist as a path in volumeMounts"),
]  # fmt: skip
EPHEMERAL = [
    Broken("in a template", "Deployment", ephemeral(), "spec.template.spec.ephemeralContainers",
           FORBIDDEN, "not allowed in pod template"),
]  # fmt: skip
VOLUMES = [
    Broken("host path mode of a config map", "Pod",
           {S: {"config_map": {"local_object_reference": {"name": "c"}, "default_mode": -1}}},
           f"{V}.configMap.defaultMode", INVALID, "0777"),
    Broken("item mode", "Pod",
           {S: {"secret": {"secret_name": "s",
                           "items": [{"key": "k", "path": "p", "mode": 0o1777}]}}},
           f"{V}.secret.items[0].mode", INVALID, "0777"),
    Broken("item without path", "Pod",
           {S: {"secret": {"secret_name": "s", "items": [{"key": "k"}]}}},
           f"{V}.secret.items[0].path", REQUIRED),
    Broken("downward mode", "Pod", {S: {"downward_api": {"default_mode": -1}}},
           f"{V}.downwardAPI.defaultMode", INVALID),
    Broken("downward file without path", "Pod",
           {S: {"downward_api": {"items": [{"field_ref": {"field_path": "metadata.name"}}]}}},
           f"{V}.downwardAPI.items[0].path", REQUIRED),
    Broken("downward file up", "Pod",
           {S: {"downward_api": {"items": [
               {"path": "../a", "field_ref": {"field_path": "metadata.name"}}]}}},
           f"{V}.downwardAPI.items[0].path", INVALID),
    Broken("downward file mode", "Pod",
           {S: {"downward_api": {"items": [
               {"path": "a", "mode": -1, "field_ref": {"field_path": "metadata.name"}}]}}},
           f"{V}.downwardAPI.items[0].mode", INVALID),
    Broken("downward file of two", "Pod",
           {S: {"downward_api": {"items": [
               {"path": "a", "field_ref": {"field_path": "metadata.name"},
                "resource_field_ref": {"resource": "limits.cpu", "container_name": "main"}}]}}},
           f"{V}.downwardAPI.items[0]", INVALID, "can not be specified simultaneously"),
    Broken("projection mode", "Pod", {S: {"projected": {"default_mode": -1}}},
           f"{V}.projected.defaultMode", INVALID),
    Broken("projection of nothing", "Pod", projected(), f"{SOURCES_AT}[0]", REQUIRED),
    Broken("projection of two", "Pod",
           projected(secret={"local_object_reference": {"name": "s"}},
                     service_account_token={"path": "t"}),
           f"{SOURCES_AT}[0].serviceAccountToken", FORBIDDEN, "more than 1 volume type"),
    Broken("projected secret", "Pod", projected(secret={}), f"{SOURCES_AT}[0].secret.name",
           REQUIRED),
    Broken("projected item", "Pod",
           projected(config_map={"local_object_reference": {"name": "c"},
                                 "items": [{"path": "p"}]}),
           f"{SOURCES_AT}[0].configMap.items[0].key", REQUIRED),
    Broken("projected file", "Pod", projected(downward_api={"items": [{"path": "p"}]}),
           f"{SOURCES_AT}[0].downwardAPI.items[0]", REQUIRED),
    Broken("projected bundle", "Pod", projected(cluster_trust_bundle={"name": "b"}),
           f"{SOURCES_AT}[0].clusterTrustBundle.path", REQUIRED),
    Broken("token without path", "Pod", projected(service_account_token={}),
           f"{SOURCES_AT}[0].serviceAccountToken.path", REQUIRED),
    Broken("token path", "Pod", projected(service_account_token={"path": "/t"}),
           f"{SOURCES_AT}[0].serviceAccountToken.path", INVALID, "must be a relative path"),
    Broken("token for centuries", "Pod",
           projected(service_account_token={"path": "t", "expiration_seconds": 2**33}),
           f"{SOURCES_AT}[0].serviceAccountToken.expirationSeconds", INVALID, "2^32 seconds"),
    Broken("claim grammar", "Pod", {S: {"persistent_volume_claim": {"claim_name": "A"}}},
           f"{V}.persistentVolumeClaim.claimName", INVALID),
    Broken("nfs server", "Pod", {S: {"nfs": {"path": "/a"}}}, f"{V}.nfs.server", REQUIRED),
    Broken("repository", "Pod", {S: {"git_repo": {"directory": "a"}}}, f"{V}.gitRepo.repository",
           REQUIRED),
    Broken("repository directory", "Pod",
           {S: {"git_repo": {"repository": "r", "directory": "/a"}}}, f"{V}.gitRepo.directory",
           INVALID),
    Broken("ephemeral volume", "Pod", {S: {"ephemeral": {}}},
           f"{V}.ephemeral.volumeClaimTemplate", REQUIRED),
    Broken("ephemeral volume modes", "Pod",
           {S: {"ephemeral": {"volume_claim_template": {
               "spec": {"resources": {"requests": {"storage": amount("1")}}}}}}},
           f"{V}.ephemeral.volumeClaimTemplate.spec.accessModes", REQUIRED),
    Broken("image volume", "Pod", {S: {"image": {"pull_policy": "Never"}}}, f"{V}.image.reference",
           REQUIRED),
    Broken("csi driver", "Pod", {S: {"csi": {}}}, f"{V}.csi.driver", REQUIRED),
]  # fmt: skip
SCHEDULING = [
    Broken("toleration value", "Pod", {"spec.tolerations": [{"key": "a", "value": "b c"}]},
           "spec.tolerations[0].operator", INVALID, "a valid label must"),
    Broken("gate name", "Pod", {"spec.scheduling_gates": [{"name": "a b"}]},
           "spec.schedulingGates[0]", INVALID),
    Broken("min domains", "Pod",
           {"spec.topology_spread_constraints": [{**SPREAD, "min_domains": 0}]},
           "spec.topologySpreadConstraints[0].minDomains", INVALID, "greater than zero"),
    Broken("spread selector", "Pod",
           {"spec.topology_spread_constraints": [
               {**SPREAD, "label_selector": {"match_labels": {"a": "b c"}}}]},
           "spec.topologySpreadConstraints[0].labelSelector.matchLabels", INVALID),
    Broken("spread key selected too", "Pod",
           {"spec.topology_spread_constraints": [
               {**SPREAD, "label_selector": LABELS, "match_label_keys": ["a"]}]},
           "spec.topologySpreadConstraints[0].matchLabelKeys[0]", INVALID,
           "exists in both matchLabelKeys and labelSelector"),
    Broken("spread key grammar", "Pod",
           {"spec.topology_spread_constraints": [
               {**SPREAD, "label_selector": LABELS, "match_label_keys": ["a b"]}]},
           "spec.topologySpreadConstraints[0].matchLabelKeys[0]", INVALID),
    Broken("spread topology grammar", "Pod",
           {"spec.topology_spread_constraints": [{**SPREAD, "topology_key": "a b"}]},
           "spec.topologySpreadConstraints[0].topologyKey", INVALID),
    Broken("preferred expression", "Pod",
           {f"spec.affinity.node_affinity.{PREF}": [
               {"weight": 1, "preference": {"match_expressions": [{"key": "a b",
                                                                   "operator": "Exists"}]}}]},
           f"{NODE_PREF}[0].preference.matchExpressions[0].key", INVALID),
    Broken("required value", "Pod",
           {f"spec.affinity.node_affinity.{REQ}.node_selector_terms": [
               {"match_expressions": [{"key": "a", "operator": "In", "values": ["b c"]}]}]},
           f"{NODE_REQ}.nodeSelectorTerms[0].matchExpressions[0].values[0]", INVALID),
    Broken("node field operator", "Pod", node_field(operator="Exists"),
           f"{NODE_REQ}.nodeSelectorTerms[0].matchFields[0].operator", INVALID),
    Broken("node field values", "Pod", node_field(operator="In"),
           f"{NODE_REQ}.nodeSelectorTerms[0].matchFields[0].values", REQUIRED, "only one value"),
    Broken("node field name", "Pod", node_field(operator="In", values=["A"]),
           f"{NODE_REQ}.nodeSelectorTerms[0].matchFields[0].values[0]", INVALID),
    Broken("preferred pods", "Pod",
           {f"spec.affinity.pod_affinity.{PREF}": [{"weight": 1, "pod_affinity_term": {}}]},
           f"{POD_PREF}[0].podAffinityTerm.topologyKey", REQUIRED),
    Broken("namespace selector", "Pod", term(namespace_selector={"match_labels": {"a b": ""}}),
           f"{POD_REQ}[0].namespaceSelector.matchLabels", INVALID),
    Broken("match keys without selector", "Pod", term(match_label_keys=["a"]),
           f"{POD_REQ}[0].matchLabelKeys[0]", FORBIDDEN),
    Broken("mismatch keys without selector", "Pod", term(mismatch_label_keys=["a"]),
           f"{POD_REQ}[0].mismatchLabelKeys[0]", FORBIDDEN),
    Broken("key matched and mismatched", "Pod",
           term(label_selector=LABELS, match_label_keys=["c"], mismatch_label_keys=["c"]),
           f"{POD_REQ}[0].matchLabelKeys[0]", INVALID, "both matchLabelKeys and mismatchLabelKeys"),
    Broken("selector In without values", "Pod",
           term(label_selector={"match_expressions": [{"key": "a", "operator": "In"}]}),
           f"{POD_REQ}[0].labelSelector.matchExpressions[0].values", REQUIRED),
    Broken("selector Exists with values", "Pod",
           term(label_selector={"match_expressions": [
               {"key": "a", "operator": "Exists", "values": ["b"]}]}),
           f"{POD_REQ}[0].labelSelector.matchExpressions[0].values", FORBIDDEN),
    Broken("selector key", "Pod",
           term(label_selector={"match_expressions": [{"key": "a b", "operator": "Exists"}]}),
           f"{POD_REQ}[0].labelSelector.matchExpressions[0].key", INVALID),
    Broken("selector value", "Pod",
           term(label_selector={"match_expressions": [
               {"key": "a", "operator": "In", "values": ["b", "c d"]}]}),
           f"{POD_REQ}[0].labelSelector.matchExpressions[0].values[1]", INVALID),
]  # fmt: skip
SPECS = [
    Broken("long search list", "Pod",
           {"spec.dns_config.searches": [f"{'a' * 60}.{'b' * 60}.{n}x" for n in range(20)]},
           "spec.dnsConfig.searches", INVALID, "2048 characters"),
    Broken("class grammar", "Deployment", {"spec.template.spec.priority_class_name": "A"},
           "spec.template.spec.priorityClassName", INVALID),
    Broken("os without name", "Pod", {"spec.os": {}}, "spec.os.name", REQUIRED, "cannot be empty"),
    Broken("overhead amount", "Pod", {"spec.overhead": {"cpu": amount("-1")}},
           "spec.overhead[cpu]", INVALID),
    Broken("pod seccomp", "Pod", {"spec.security_context.seccomp_profile": {"type": "No"}},
           "spec.securityContext.seccompProfile.type", UNSUPPORTED),
    Broken("pod apparmor", "Pod", {"spec.security_context.app_armor_profile": {"type": "No"}},
           "spec.securityContext.appArmorProfile.type", UNSUPPORTED),
    Broken("ipc sysctl", "Pod",
           {"spec.host_ipc": True, "spec.security_context.sysctls": [{"name": "kernel.shmmax"}]},
           "spec.securityContext.sysctls[0].name", INVALID, "'hostIPC' is true"),
    Broken("resource claim name", "Pod", {"spec.resource_claims": [{"resource_claim_name": "a"}]},
           "spec.resourceClaims[0].name", REQUIRED),
    Broken("resource claim grammar", "Pod",
           {"spec.resource_claims": [{"name": "A", "resource_claim_name": "a"}]},
           "spec.resourceClaims[0].name", INVALID),
    Broken("resource claim twice", "Pod",
           {"spec.resource_claims": [{"name": "a", "resource_claim_name": "a"}] * 2},
           "spec.resourceClaims[1].name", DUPLICATE),
    Broken("resource claim template", "Pod",
           {"spec.resource_claims": [{"name": "a", "resource_claim_template_name": "A"}]},
           "spec.resourceClaims[0].resourceClaimTemplateName", INVALID),
    Broken("resource claim of two", "Pod",
           {"spec.resource_claims": [
               {"name": "a", "resource_claim_name": "a", "resource_claim_template_name": "a"}]},
           "spec.resourceClaims[0]", INVALID, "may be specified"),
    Broken("windows with shared processes", "Pod",
           {"spec.os.name": "windows", "spec.share_process_namespace": True},
           "spec.shareProcessNamespace", FORBIDDEN),
    Broken("windows with sysctls", "Pod",
           {"spec.os.name": "windows", "spec.security_context.sysctls": [{"name": "a.b"}]},
           "spec.securityContext.sysctls", FORBIDDEN),
    Broken("linux with windows options", "Pod",
           {"spec.os.name": "linux", "spec.security_context.windows_options": {}},
           "spec.securityContext.windowsOptions", FORBIDDEN),
]  # fmt: skip
CASES = [*CONTAINERS, *MOUNTS, *EPHEMERAL, *VOLUMES, *SCHEDULING, *SPECS]
