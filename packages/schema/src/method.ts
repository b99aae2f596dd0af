import { create, type DescMessage, type DescService, isMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { type CallOptions, type Channel, createClient } from '@rondo/rpc/client';
import { type MessageType, type Method, methodsOf, servicePolicyOf } from '@rondo/rpc/internal';
import { type DynamicMethod, toDynamicMethod } from './contract.js';
import { decodeReply } from './json/message.js';
import { policyFieldsOf } from './policy-fields.js';

/** Makes one call with a stream of request messages, and yields the reply messages. It throws an RpcError if the call fails. */
export type Invoke = (requests: AsyncIterable<Message>, options: CallOptions) => AsyncIterable<Message>;

/** Binds a method to a channel. Its calls have the same policies as calls between services. */
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

/**
 * The method as a channel calls it, with the policy of its contract.
 *
 * @throws TypeError if the contract contradicts itself.
 */
export function methodOf(method: DynamicMethod): Method | undefined {
  const known = methodsOf(define(method, method.requestStream, method.responseStream)).get('call');
  return known && { ...known, policyFields: policyFieldsOf(known.policy, method) };
}

/**
 * The service policy in the contract.
 *
 * @throws TypeError if the contract contradicts itself.
 */
export function servicePolicy({ name, typeName, methods }: DescService): ReturnType<typeof servicePolicyOf> {
  const defined = methods.map(toDynamicMethod).map((method) => {
    return [method.name, define(method, method.requestStream, method.responseStream).methods.call] as const;
  });
  return servicePolicyOf({ name, fullName: typeName, methods: Object.fromEntries(defined) });
}

const shortName = (service: string) => service.slice(service.lastIndexOf('.') + 1);

/** The streams are type parameters, as in a generated definition, so that the client's type follows from them. */
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
    decode: (bytes) => decodeReply(desc, bytes),
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
