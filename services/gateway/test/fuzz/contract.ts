import type { DescService } from '@bufbuild/protobuf';
import type { MessageType } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { indexFiles, readDescriptorFile, serveReflection } from '@rondo/service/built-in';
import { SERVICE, types } from '../http-json/contract.js';
import { bytesOf } from '../support/contracts.js';

function serviceDesc(): DescService {
  const desc = types.getService(SERVICE);
  if (desc === undefined) throw new Error(`no service ${SERVICE}`);
  return desc;
}

const bytes: MessageType<Uint8Array> = {
  encode: (message) => ({ finish: () => message }),
  decode: (message) => message,
  fromPartial: (message) => (message instanceof Uint8Array ? message : new Uint8Array()),
};

/** What the service answers: each message comes back. A stream of replies to one request has it three times. */
export function createServices(): readonly ServiceImplementation[] {
  const methods: Record<string, object> = {};
  const handlers: Record<string, unknown> = {};
  for (const { name, localName, methodKind } of serviceDesc().methods) {
    const [requestStream, responseStream] = [/client|bidi/.test(methodKind), /server|bidi/.test(methodKind)];
    methods[localName] = { name, requestType: bytes, responseType: bytes, requestStream, responseStream, options: {} };
    handlers[localName] =
      requestStream && !responseStream
        ? lastOf
        : responseStream
          ? requestStream
            ? (all: unknown) => all
            : thrice
          : (message: unknown) => message;
  }
  const index = indexFiles([...types.files].map(({ proto }) => readDescriptorFile(bytesOf(proto))));
  const definition = { name: 'TestService', fullName: SERVICE, methods };
  return [
    implement(definition as never, handlers as never),
    ...serveReflection({ services: () => [SERVICE], files: () => index }),
  ];
}

async function lastOf(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let last: Uint8Array = Buffer.alloc(0);
  for await (const message of messages) last = message;
  return last;
}

async function* thrice(message: Uint8Array): AsyncIterable<Uint8Array> {
  for (let count = 0; count < 3; count += 1) yield message;
}
