"""Everything the doctor looks at, gathered."""

from __future__ import annotations

import os

from agent.config import AgentConfig
from agent.doctor import machine, network
from agent.doctor.facts import Facts


def examine(config: AgentConfig, master: str) -> Facts:
    """Takes a second or two; longer where the master does not answer."""
    return Facts(
        root=os.geteuid() == 0,
        kernel=machine.kernel(),
        cgroups=machine.cgroups(),
        programs=machine.programs(),
        names=machine.names(),
        space=machine.space(config.data_dir),
        ports=network.ports(config),
        master=network.master(master),
        firewall=network.firewall(),
    )
