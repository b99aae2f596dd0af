import { create, type DescService, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type FileDescriptorProto, FileDescriptorProtoSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt';
import { HttpRule } from '@rondo/contracts/google/api/http';
import type { MessageType } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { indexFiles, readDescriptorFile, serveReflection } from '@rondo/service/built-in';
import { types } from '../http-json/contract.js';

/** The service. */
export const SERVICE = 'test.v1.TestService';

/** The paths of HTTP/JSON: method, verb, path, and the body. */
const RULES = [
  ['EchoPlain', 'post', '/v1/plain', '*'],
  ['EchoAll', 'post', '/v1/all', '*'],
  ['GetBook', 'get', '/v1/{name=books/*}', ''],
  ['Watch', 'get', '/v1/{name=books/*}:watch', ''],
  ['Sum', 'post', '/v1/sum', '*'],
  ['Chat', 'post', '/v1/chat', '*'],
] as const;

/** The files of the test contract, with paths of HTTP/JSON. */
function files(): readonly FileDescriptorProto[] {
  const own = serviceDesc().file;
  for (const [name, verb, path, body] of RULES) {
    const method = own.proto.service[0]?.method.find((one) => one.name === name);
    if (method === undefined) throw new Error(`no method ${name}`);
    const other = {
      body,
      additionalBindings: name === 'EchoPlain' ? [{ pattern: { $case: 'get', value: path } as const }] : [],
    };
    const rule = HttpRule.encode(HttpRule.fromPartial({ pattern: { $case: verb, value: path }, ...other })).finish();
    method.options ??= create(MethodOptionsSchema);
    const known = method.options.$unknown ?? [];
    method.options.$unknown = [...known, { no: 72295728, wireType: 2, data: new BinaryWriter().bytes(rule).finish() }];
  }
  return [...types.files].map(({ proto }) => proto);
}

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
  const index = indexFiles(
    files().map((file) => readDescriptorFile(Buffer.from(toBinary(FileDescriptorProtoSchema, file)))),
  );
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
