"""A helloworld client as grpc's Python example is one: the same contract, the same address built in, the same call.

Theirs is in no package; `run.sh FILE` runs a copy of it.
"""

import grpc
from helloworld_pb2 import HelloRequest
from helloworld_pb2_grpc import GreeterStub

ADDRESS = "localhost:50051"
TIMEOUT_SECONDS = 5

with grpc.insecure_channel(ADDRESS) as channel:
    reply = GreeterStub(channel).SayHello(HelloRequest(name="Python"), timeout=TIMEOUT_SECONDS)
print(f"Python: {reply.message}")
