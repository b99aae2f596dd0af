import { create, type DescMessage, fromBinary, isMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { type CallOptions, type Channel, createClient } from '@rondo/rpc/client';
import { type MessageType, type Method, methodsOf, type ServicePolicy, servicePolicyOf } from '@rondo/rpc/contract';
import type { DynamicMethod, Schema } from './schema.js';

/** Makes one call: the messages of its request in, those of its reply out. A failure is an RpcError. */
export type Invoke = (requests: AsyncIterable<Message>, options: CallOptions) => AsyncIterable<Message>;

/** A method bound to a channel: every call takes the way that calls between services take. */
export function bindMethod(method: DynamicMethod, channel: Channel): Invoke {
  const { requestStream, responseStream } = method;
  if (requestStream && responseStream) {
    const client = createClient(define(method, true, true), { channel });
    return (requests, options) => client.call(requests, options);
  }
  if (requestStream) {
    const client = createClient(define(method, true, false), { channel });
    return (requests, options) => once(() => client.call(requests, options));
  }
  if (responseStream) {
    const client = createClient(define(method, false, true), { channel });
    return async function* (requests, options) {
      yield* client.call(await first(requests, method.input), options);
    };
  }
  const client = createClient(define(method, false, false), { channel });
  return (requests, options) => once(async () => client.call(await first(requests, method.input), options));
}

/** A method as a channel calls it, with the policy that the contract gives it. */
export function methodOf(method: DynamicMethod): Method | undefined {
  return methodsOf(define(method, method.requestStream, method.responseStream)).get('call');
}

/** How the service is called, as its contract says. */
export function servicePolicy({ service, methods, method }: Schema): ServicePolicy {
  const defined = methods.map((name) => {
    const found = method(name);
    return [name, define(found, found.requestStream, found.responseStream).methods.call] as const;
  });
  return servicePolicyOf({ name: shortName(service), fullName: service, methods: Object.fromEntries(defined) });
}

const shortName = (service: string) => service.slice(service.lastIndexOf('.') + 1);

/** The shape of a method is in its type, as in a generated definition, so that a client knows it. */
function define<Q extends boolean, S extends boolean>(method: DynamicMethod, requestStream: Q, responseStream: S) {
  const { service, name, input, output, options } = method;
  const requestType = messageType(input);
  const responseType = messageType(output);
  const call = { name, requestType, requestStream, responseType, responseStream, options };
  return { name: shortName(service), fullName: service, methods: { call } };
}

function messageType(desc: DescMessage): MessageType<Message> {
  return {
    encode: (message) => ({ finish: () => toBinary(desc, message) }),
    decode: (bytes) => fromBinary(desc, bytes),
    fromPartial(partial) {
      if (isMessage(partial, desc)) return partial;
      throw new TypeError(`a message of ${desc.typeName} is needed`);
    },
  };
}

async function* once(call: () => Promise<Message>): AsyncIterable<Message> {
  yield await call();
}

async function first(messages: AsyncIterable<Message>, desc: DescMessage): Promise<Message> {
  for await (const message of messages) return message;
  return create(desc);
}
