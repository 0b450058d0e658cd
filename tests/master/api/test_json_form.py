"""Messages that no JSON document could be do not get past the door."""

import pytest

from master.api.registry import Registry
from pilothouse.objects.errors import BadRequest
from protos.core_v1_pb2 import Pod
from tests.master.api.conftest import served


async def test_a_pod_whose_times_no_text_can_show_is_refused(registry: Registry) -> None:
    pod = Pod(metadata={"name": "web", "namespace": "default"})
    pod.spec.containers.add(name="main", image="registry.local/web:1")
    pod.status.conditions.add(type="Ready", status="True").last_probe_time.seconds = 1 << 62
    async with served(registry) as client:
        with pytest.raises(BadRequest) as caught:
            await client.create(pod)
    assert [cause.field for cause in caught.value.causes] == ["status.conditions[0].lastProbeTime"]
