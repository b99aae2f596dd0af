import type * as grpc from '@grpc/grpc-js';
import type { ServerCall } from '@rondo/rpc/call';
import type { MessageType, MethodDefinition, ServiceDefinition } from '@rondo/rpc/internal';
import { type ServiceImplementation, unimplemented } from '@rondo/rpc/server';
import { ServedCall } from './served-call.js';
import { toBuffer } from './translate.js';

/** Options of {@link implementGrpcJs}. */
export interface ImplementGrpcJsOptions {
  /**
   * The service's definition in the generated contracts of Rondo. With it, the server keeps the contract's policies, such as
   * timeouts and who may call, and its rules for requests. Without it, a method has no policy and no rules.
   */
  readonly contract?: ServiceDefinition;
}

/**
 * Makes a service of what `addService` of grpc-js's `Server` takes: a service definition by `@grpc/proto-loader` or generated
 * code, and its handlers, with callbacks and streams.
 *
 * A call has what the public types of grpc-js promise, except that `getHost()`, `getAuthContext()` and `getMetricsRecorder()`
 * throw. An error with a gRPC code is sent as it is, with the `google.rpc` details in its metadata. Any other error, thrown or
 * called back, is logged and becomes `INTERNAL` with a fixed text; grpc-js sends `UNKNOWN`.
 *
 * @throws TypeError if the definition has no method, or `contract` is another service's.
 */
export function implementGrpcJs(
  service: grpc.ServiceDefinition,
  implementation: grpc.UntypedServiceImplementation,
  { contract }: ImplementGrpcJsOptions = {},
): ServiceImplementation {
  const [first] = Object.values(service);
  if (first === undefined) throw new TypeError('the service definition has no method');
  const { fullName } = namesIn(first);
  if (contract !== undefined && contract.fullName !== fullName)
    throw new TypeError(`the contract is that of ${contract.fullName}, and the service is ${fullName}`);
  const known = new Map(Object.values(contract?.methods ?? {}).map((method) => [method.name, method]));
  const entries = Object.entries(service);
  const methods = entries.map(([key, method]) => [key, define(method, known.get(namesIn(method).name))]);
  const handlers = entries.map(([key, method]) => [key, handlerOf([key, method.originalName ?? key], implementation)]);
  const name = fullName.slice(fullName.lastIndexOf('.') + 1);
  return {
    definition: { name, fullName, methods: Object.fromEntries(methods) },
    handlers: Object.fromEntries(handlers),
  };
}

type GrpcMethod = grpc.MethodDefinition<unknown, unknown>;

function namesIn({ path }: Pick<GrpcMethod, 'path'>): { readonly fullName: string; readonly name: string } {
  const [, fullName = '', name = ''] = path.split('/');
  return { fullName, name };
}

/** The handler of the first name that the implementation has. */
function handlerOf(names: readonly string[], implementation: grpc.UntypedServiceImplementation) {
  const [handle] = names.flatMap((name) => implementation[name]?.bind(implementation) ?? []);
  if (handle === undefined) return unimplemented('what implementGrpcJs is given');
  return (_request: unknown, call: ServerCall) => {
    const served = new ServedCall(call);
    return call.method.responseStream ? served.replies(handle) : served.reply(handle);
  };
}

/** The method as a router reads it: with the codec of grpc-js, and with the policy and the rules of the contract. */
function define(method: GrpcMethod, contract: MethodDefinition | undefined): MethodDefinition {
  const { requestStream, responseStream, requestSerialize, requestDeserialize } = method;
  const requestType = messageType(requestSerialize, requestDeserialize);
  const checks = contract?.requestType.checked;
  return {
    name: namesIn(method).name,
    requestStream,
    responseStream,
    requestType: checks === undefined ? requestType : withChecks(requestType, checks),
    responseType: messageType(method.responseSerialize, method.responseDeserialize),
    options: contract?.options ?? {},
  };
}

function messageType(serialize: grpc.serialize<unknown>, deserialize: grpc.deserialize<unknown>): MessageType {
  return {
    encode: (message) => ({ finish: () => serialize(message) }),
    decode: (bytes) => deserialize(toBuffer(bytes)),
    fromPartial: (message) => message,
  };
}

/** A message type whose messages the contract decodes as well, to check its rules. */
function withChecks(type: MessageType, checks: NonNullable<MessageType['checked']>): MessageType {
  const decode = (bytes: Uint8Array) => {
    const checked = checks.decode(bytes);
    return { message: type.decode(bytes), violations: () => checked.violations() };
  };
  return { ...type, checked: { decode, load: () => checks.load?.() } };
}
