"""What a pod on this node does next: pure decisions over what was observed.

    step(View, Memory) -> Step          actions to take, the full PodStatus, when to look again
    learn(Memory, Outcome, now) -> Memory   what an action's end teaches

No clock, no I/O, no tasks: agent.worker observes, calls step, performs the actions beside
each other, and calls learn as each one ends. Actions are named by a key; a key that is in
View.busy is not issued again, one that failed is issued again after its back-off.
"""
