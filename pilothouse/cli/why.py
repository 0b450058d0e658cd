"""pilot why: how the scheduler decided, node by node."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.cli import completing
from pilothouse.cli.ages import age
from pilothouse.cli.columns import aligned
from pilothouse.cli.command import Config, Namespace, run, say
from pilothouse.cli.targets import parse_one, pods_of
from pilothouse.client.aio import Client
from protos.core_v1_pb2 import Pod
from protos.resources_pb2 import WhyResponse

app = typer.Typer(add_completion=False)


@app.command()
def why(
    resource: Annotated[list[str], typer.Argument(metavar="POD", autocompletion=completing.pods)],
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Tell for each node why a pod is there, or why it is not."""

    async def act(client: Client) -> None:
        pods = await pods_of(client, parse_one(resource, "pod"), namespace)
        # Of several, the question is about one that has no node.
        pod = min(pods, key=lambda pod: (pod.spec.node_name != "", pod.metadata.name))
        answer = await client.why(Pod, pod.metadata.name, pod.metadata.namespace)
        for line in lines(f"pod/{pod.metadata.name}", answer):
            say(line)

    run(config, act)


def lines(name: str, answer: WhyResponse) -> list[str]:
    """The answer for people: the outcome, then a line per node, the best first."""
    when = answer.decided.last_transition_time
    since = f", {age(when)} ago" if when.seconds else ""
    source = "replayed from the history" if answer.replayed else "as seen now"
    found = [f"{name}: {answer.outcome}{since}", answer.message]
    if not answer.nodes:
        return found
    found += [f"Nodes at revision {answer.revision} ({source}):", ""]
    rows = [["NODE", "VERDICT", "SCORE", "WHY"]]
    order = sorted(answer.nodes, key=lambda n: (not n.chosen, not n.feasible, -n.total, n.node))
    for node in order:
        if node.feasible:
            parts = [f"{key} {value:.1f}" for key, value in sorted(node.scores.items())]
            verdict = "chosen" if node.chosen else "fits"
            rows.append([node.node, verdict, f"{node.total:.1f}", ", ".join(parts)])
        else:
            rows.append([node.node, "refused", "-", f"{node.filter}: {node.reason}"])
    return found + aligned(rows)
