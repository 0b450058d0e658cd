from __future__ import annotations

from master.dispatch.references import Name, named_by
from protos.core_v1_pb2 import Pod


def test_everything_that_a_pod_names_is_found_once() -> None:
    pod = Pod()
    pod.metadata.namespace = "team"
    spec = pod.spec
    spec.image_pull_secrets.add(name="pull")
    main = spec.containers.add(name="main")
    main.env.add(name="A", value="plain")
    key = main.env.add(name="B").value_from
    key.config_map_key_ref.local_object_reference.name = "env-map"
    key = main.env.add(name="C").value_from
    key.secret_key_ref.local_object_reference.name = "env-secret"
    init = spec.init_containers.add(name="init")
    init.env_from.add().config_map_ref.local_object_reference.name = "from-map"
    init.env_from.add().secret_ref.local_object_reference.name = "from-secret"
    debug = spec.ephemeral_containers.add().ephemeral_container_common
    debug.env_from.add().secret_ref.local_object_reference.name = "debug-secret"
    spec.volumes.add(name="a").volume_source.secret.secret_name = "volume-secret"
    volume = spec.volumes.add(name="b").volume_source
    volume.config_map.local_object_reference.name = "volume-map"
    projected = spec.volumes.add(name="c").volume_source.projected
    projected.sources.add().secret.local_object_reference.name = "projected-secret"
    projected.sources.add().config_map.local_object_reference.name = "projected-map"
    projected.sources.add().config_map.local_object_reference.name = "volume-map"

    assert named_by(pod) == {
        *(
            Name("configmaps", "team", name)
            for name in ("env-map", "from-map", "volume-map", "projected-map")
        ),
        *(
            Name("secrets", "team", name)
            for name in (
                "pull",
                "env-secret",
                "from-secret",
                "debug-secret",
                "volume-secret",
                "projected-secret",
            )
        ),
    }


def test_empty_names_are_none() -> None:
    pod = Pod()
    pod.spec.volumes.add(name="a").volume_source.secret.SetInParent()
    assert named_by(pod) == frozenset()
