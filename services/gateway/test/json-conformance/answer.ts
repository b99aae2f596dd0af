import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonObject,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Metadata } from '@rondo/rpc/call';
import { methodOf, toDynamicMethod } from '@rondo/schema';
import { parseTemplate } from '@rondo/schema/http';
import type { PublicMethod } from '../../src/discovery/catalogue.js';
import { createHttpJson } from '../../src/http-json/http-json.js';
import type { Backend } from '../../src/protocols/backend.js';
import { ask1, listening } from '../support/listening.js';

const TESTED = ['proto3.TestAllTypesProto3', 'proto2.TestAllTypesProto2'].map(
  (name) => `protobuf_test_messages.${name}`,
);

/** The contracts of protobuf's conformance suite, and a service with a method for each tested message. */
const types: FileRegistry = createFileRegistry(withEcho(readContracts()));

/** One of the suite's two messages. */
export function suiteMessage(name: 'ConformanceRequest' | 'ConformanceResponse'): DescMessage {
  const desc = types.getMessage(`conformance.${name}`);
  if (desc === undefined) throw new Error(`no ${name}`);
  return desc;
}

function readContracts(): FileDescriptorSet {
  const file = new URL('contracts.binpb.gz', import.meta.url);
  return fromBinary(FileDescriptorSetSchema, gunzipSync(readFileSync(file)));
}

function withEcho({ file }: FileDescriptorSet): FileDescriptorSet {
  const method = TESTED.map((name, index) => ({ name: `Echo${index}`, inputType: `.${name}`, outputType: `.${name}` }));
  const dependency = ['proto3', 'proto2'].map((name) => `google/protobuf/test_messages_${name}.proto`);
  const echo = { name: 'echo.proto', package: 'echo', dependency, service: [{ name: 'EchoService', method }] };
  return create(FileDescriptorSetSchema, { file: [...file, fromJson(FileDescriptorProtoSchema, echo)] });
}

/** Answers a `ConformanceRequest` with a `ConformanceResponse`, both as JSON. */
export type Answer = (request: JsonObject) => Promise<JsonObject>;

/**
 * Starts a gateway that answers the suite's cases for JSON: JSON is sent to the gateway, and what a service gets is the
 * answer; a message is what a service replies, and the JSON that the gateway sends is the answer. Other cases are skipped.
 */
export async function startAnswering(): Promise<Answer> {
  const ask = await startGateway();
  return async ({ jsonPayload, protobufPayload, requestedOutputFormat: wanted, messageType, testCategory }) => {
    if (messageType === 'conformance.FailureSet') return { protobufPayload: '' };
    const target = targetOf(String(messageType));
    const fits = wanted === 'JSON' || (wanted === 'PROTOBUF' && jsonPayload !== undefined);
    const isJson = jsonPayload !== undefined || protobufPayload !== undefined;
    if (target === undefined || testCategory !== 'JSON_TEST' || !fits || !isJson) return { skipped: 'not HTTP/JSON' };
    const reply = protobufPayload === undefined ? undefined : Buffer.from(String(protobufPayload), 'base64');
    const { status, text, received } = await ask(target, { body: String(jsonPayload ?? '{}'), reply });
    if (received === undefined) return { parseError: `HTTP ${status}` };
    if (status !== 200) return { serializeError: `HTTP ${status}` };
    return wanted === 'JSON' ? { jsonPayload: text } : { protobufPayload: Buffer.from(received).toString('base64') };
  };
}

function targetOf(messageName: string): PublicMethod | undefined {
  const methods = types.getService('echo.EchoService')?.methods ?? [];
  const desc = methods.find(({ input }) => input.typeName === messageName);
  const method = desc && methodOf(toDynamicMethod(desc));
  return desc && method && { method, desc, descAt: () => desc, types, int64AsNumber: false };
}

interface Call {
  readonly target: PublicMethod;
  /** What the service replies; by default what it got. */
  readonly reply: Uint8Array | undefined;
  received?: Uint8Array;
}

/** A gateway in front of a service that remembers what it gets. */
async function startGateway() {
  let call: Call | undefined;
  const backend: Backend = async ({ request }) => {
    const sent = typeof request === 'function' ? request(undefined) : request;
    if (call === undefined || sent === undefined || sent.stream) throw new Error('one message is expected');
    call.received = sent.message;
    const response = { stream: false as const, message: call.reply ?? sent.message };
    return { header: new Metadata(), trailer: new Metadata(), response, from: undefined };
  };
  const serve = createHttpJson({ backend });
  const binding = { verb: 'POST', template: parseTemplate('/v1/echo'), body: '*', responseBody: '' };
  const { port } = await listening({
    handler(exchange) {
      if (call !== undefined) serve(exchange, { target: call.target, binding, variables: new Map() });
    },
  });
  return async (target: PublicMethod, { body, reply }: { readonly body: string; readonly reply: Call['reply'] }) => {
    const made: Call = { target, reply };
    call = made;
    const headers = { 'content-type': 'application/json' };
    const { status, body: text } = await ask1(port, { method: 'POST', path: '/v1/echo', headers, body });
    return { status, text, received: made.received };
  };
}
