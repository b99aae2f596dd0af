// One connection to the registry on plain grpc-js, as the load must cost less than the registry.
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { connectPlain, unaryOf } from '../plain/client.mjs';

const { methods } = RegistryServiceDefinition;
const CALL_TIMEOUT_MS = 3000;
const OPTIONS = {
  'grpc.enable_channelz': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
};

/** A connection to `address` that no other client shares. It connects with its first call. */
export function connect(address) {
  const client = connectPlain(RegistryServiceDefinition, address, OPTIONS);
  const whole = (method, request) => methods[method].requestType.fromPartial(request);
  const unary = (method) => {
    const call = unaryOf(client, method);
    return (request) => call(whole(method, request), { deadline: Date.now() + CALL_TIMEOUT_MS });
  };
  return {
    register: unary('register'),
    renew: unary('renew'),
    update: unary('update'),
    listServices: unary('listServices'),
    watch: (request) => client.watch(whole('watch', request)),
    close: () => client.close(),
  };
}
