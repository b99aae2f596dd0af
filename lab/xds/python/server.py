"""A server of calculator.Calculator at PORT whose sums tell which server answered: NUMBER."""

import os
import signal
from concurrent import futures

import grpc
from google.protobuf.wrappers_pb2 import Int64Value
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

NUMBER = int(os.environ["NUMBER"])
add = grpc.unary_unary_rpc_method_handler(
    lambda request, context: Int64Value(value=NUMBER), response_serializer=Int64Value.SerializeToString
)
server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("calculator.Calculator", {"Add": add}),))
state = health.HealthServicer()
state.set("", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(state, server)
server.add_insecure_port(f"127.0.0.1:{os.environ['PORT']}")
server.start()
print(f"pid {os.getpid()} at 127.0.0.1:{os.environ['PORT']}", flush=True)
signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=5))
server.wait_for_termination()
