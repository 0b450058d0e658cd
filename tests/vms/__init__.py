"""Machines with systemd as their first process, and the playbooks run on them.

`make test-vms`, or `python -m tests.vms STEP…`: see __main__.py.
"""
