// One connection to the registry on plain grpc-js, as the load must cost less than the registry.
import * as grpc from '@grpc/grpc-js';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';

const { methods, fullName } = RegistryServiceDefinition;
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
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), OPTIONS);
  const unary = ({ name, requestType, responseType }) => {
    const encode = (message) => Buffer.from(requestType.encode(requestType.fromPartial(message)).finish());
    const decode = (bytes) => responseType.decode(bytes);
    return (request) =>
      new Promise((resolve, reject) => {
        const done = (error, reply) => (error === null ? resolve(reply) : reject(error));
        const deadline = Date.now() + CALL_TIMEOUT_MS;
        client.makeUnaryRequest(`/${fullName}/${name}`, encode, decode, request, { deadline }, done);
      });
  };
  return {
    register: unary(methods.register),
    renew: unary(methods.renew),
    update: unary(methods.update),
    listServices: unary(methods.listServices),
    watch(request) {
      const { name, requestType, responseType } = methods.watch;
      const encode = (message) => Buffer.from(requestType.encode(requestType.fromPartial(message)).finish());
      const decode = (bytes) => responseType.decode(bytes);
      return client.makeServerStreamRequest(`/${fullName}/${name}`, encode, decode, request);
    },
    close: () => client.close(),
  };
}
