"""What the end-to-end tests apply, as a user would write it."""

from __future__ import annotations

from pilothouse.lab import demo_image

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  strategy: {{rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 20
      tolerations:
      - {{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute,
         tolerationSeconds: {toleration}}}
      - {{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute,
         tolerationSeconds: {toleration}}}
      containers:
      - name: httpd
        image: {image}
        ports: [{{containerPort: 8080}}]
        readinessProbe: {{httpGet: {{path: /, port: 8080}}, periodSeconds: 1}}
        lifecycle: {{preStop: {{exec: {{command: [sleep, "{drain}"]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
"""

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: {image}
    command: {command}
"""


def web(namespace: str, replicas: int, *, toleration: int = 300, drain: int = 2) -> str:
    """A deployment "web" of the demo's web server, with a service of the same name."""
    return DEPLOYMENT.format(
        name="web",
        namespace=namespace,
        replicas=replicas,
        image=demo_image.name(1),
        toleration=toleration,
        drain=drain,
    )


def pod(namespace: str, name: str, *command: str) -> str:
    """A pod that runs one command in the demo's image."""
    quoted = "[" + ", ".join(f"'{word}'" for word in command) + "]"
    image = demo_image.name(1)
    return POD.format(name=name, namespace=namespace, image=image, command=quoted)
