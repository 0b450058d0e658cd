"""How long a typical pod takes between message, JSON, YAML and protobuf, in microseconds.

    python -m benchmarks.codec

The aim, on two cores: to JSON at most 60 µs, from JSON at most 100 µs.
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable

from pilothouse.objects import manifest
from pilothouse.objects.checking import check
from pilothouse.objects.codec import decode_json, encode_json, from_json, to_json
from pilothouse.objects.patch import merge_patch, strategic_patch, three_way
from protos.core_v1_pb2 import Pod

REPEATS = 5
SECONDS = 0.2  # for one repeat

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web-7d5b7c9f4-x2x7q
  namespace: default
  creationTimestamp: "2024-05-01T10:00:00Z"
  generateName: web-7d5b7c9f4-
  uid: 9e1f6b0a-0f0e-4c58-8b8e-3d5d2d3f3c55
  resourceVersion: "12345"
  labels: {app: web, pod-template-hash: 7d5b7c9f4}
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: web-7d5b7c9f4,
     uid: 0a8e2b38-7c9b-4f5c-8f5d-0e0f5b8f8f11, controller: true, blockOwnerDeletion: true}
spec:
  containers:
  - name: web
    image: registry.example/web:1.2
    ports: [{name: http, containerPort: 8080, protocol: TCP}]
    env:
    - {name: MODE, value: fast}
    - {name: IP, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: status.podIP}}}
    resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: "1", memory: 128Mi}}
    readinessProbe: {httpGet: {path: /ready, port: http, scheme: HTTP}, periodSeconds: 5}
    volumeMounts: [{name: data, mountPath: /data}, {name: conf, mountPath: /conf, readOnly: true}]
    imagePullPolicy: IfNotPresent
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: File
  volumes:
  - {name: data, emptyDir: {}}
  - {name: conf, configMap: {name: conf, defaultMode: 420}}
  restartPolicy: Always
  terminationGracePeriodSeconds: 30
  dnsPolicy: ClusterFirst
  serviceAccountName: default
  nodeName: n1
  schedulerName: default-scheduler
  securityContext: {}
  tolerations:
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute,
     tolerationSeconds: 300}
  priority: 0
  enableServiceLinks: true
status:
  phase: Running
  podIP: 10.244.1.5
  podIPs: [{ip: 10.244.1.5}]
  hostIP: 192.168.1.2
  startTime: "2024-05-01T10:00:01Z"
  qosClass: Burstable
  conditions:
  - {type: Ready, status: "True", lastTransitionTime: "2024-05-01T10:00:05Z"}
  - {type: PodScheduled, status: "True", lastTransitionTime: "2024-05-01T10:00:00Z"}
  containerStatuses:
  - {name: web, ready: true, restartCount: 0, image: "registry.example/web:1.2",
     imageID: "sha256:a", containerID: "podman://a", started: true, lastState: {},
     state: {running: {startedAt: "2024-05-01T10:00:02Z"}}}
"""


def microseconds(action: Callable[[], object]) -> float:
    """The best of some repeats, per call."""
    timer = timeit.Timer(action)
    count, taken = timer.autorange()
    count = max(1, int(count * SECONDS / taken))
    return min(timer.repeat(REPEATS, count)) / count * 1e6


def main() -> None:
    """Print the table."""
    pod = from_json(Pod, manifest.load(POD)[0].value)
    value, text, yaml = to_json(pod), encode_json(pod), manifest.dump_yaml(pod)
    raw = pod.SerializeToString()
    patch = {"spec": {"containers": [{"name": "web", "image": "registry.example/web:1.3"}]}}
    changed = strategic_patch(value, patch, Pod)
    actions: dict[str, Callable[[], object]] = {
        "message to JSON value": lambda: to_json(pod),
        "message to JSON text": lambda: encode_json(pod),
        "JSON value to message": lambda: from_json(Pod, value),
        "JSON text to message": lambda: decode_json(Pod, text),
        "json.loads alone": lambda: json.loads(text),
        "protobuf parse": lambda: Pod.FromString(raw),
        "protobuf serialize": pod.SerializeToString,
        "check a message from the wire": lambda: check(pod),
        "YAML text to message": lambda: manifest.load(yaml)[0].decode(),
        "message to YAML text": lambda: manifest.dump_yaml(pod),
        "merge patch": lambda: merge_patch(value, patch),
        "strategic merge patch": lambda: strategic_patch(value, patch, Pod),
        "three-way patch": lambda: three_way(value, changed, value, Pod),
    }
    print(f"a pod of {len(text)} bytes of JSON, {len(raw)} of protobuf")
    for name, action in actions.items():
        print(f"{name:32} {microseconds(action):8.1f} µs")


if __name__ == "__main__":
    main()
