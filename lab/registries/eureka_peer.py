"""Finds and registers the calculator by py_eureka_client, at the server HOST PORT."""

import sys

from py_eureka_client import eureka_client

from peer import SERVICE, run

server = f"http://{sys.argv[1]}:{sys.argv[2]}/eureka/"


def find() -> dict[str, str]:
    found = eureka_client.get_client().applications.get_application(SERVICE).up_instances
    return {instance.instanceId: f"{instance.ipAddr}:{instance.port.port}" for instance in found}


def register(port: int):
    eureka_client.init(
        eureka_server=server,
        app_name=SERVICE,
        vip_adr=SERVICE,
        instance_id="peer-1",
        instance_host="127.0.0.1",
        instance_ip="127.0.0.1",
        instance_port=port,
        renewal_interval_in_secs=1,
        duration_in_secs=3,
    )
    return lambda: None


run(find, register)
