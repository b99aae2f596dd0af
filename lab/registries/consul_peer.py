"""Finds and registers the calculator by python-consul, at the agent HOST PORT."""

import sys

import consul

from peer import SERVICE, run

agent = consul.Consul(sys.argv[1], int(sys.argv[2]))


def find() -> dict[str, str]:
    _, entries = agent.health.service(SERVICE, passing=True)
    services = [entry["Service"] for entry in entries]
    return {service["ID"]: f"{service['Address']}:{service['Port']}" for service in services}


def register(port: int):
    agent.agent.service.register(SERVICE, "peer-1", "127.0.0.1", port, check=consul.Check.ttl("6s"))
    return lambda: agent.agent.check.ttl_pass("service:peer-1")


run(find, register)
