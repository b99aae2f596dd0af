/**
 * JSON of each kind of value, through each door of the gateway and through the reader of `rondo call`, against the answers of
 * Go's protojson, which `json-values/main.go` recorded.
 */

import { readFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { isDeepStrictEqual } from 'node:util';
import { createFileRegistry, type DescMethod, fromBinary, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Metadata } from '@rondo/rpc/call';
import { RpcError } from '@rondo/rpc/status';
import { jsonText, methodOf, readMessage, toDynamicMethod, writeMessage } from '@rondo/schema';
import { parseTemplate } from '@rondo/schema/http';
import type { PublicMethod } from '../src/discovery/catalogue.js';
import { createHttpJson } from '../src/http-json/http-json.js';
import { toText } from '../src/protocols/json-text.js';
import { echoBackend, frame, frames, gateway, send2 } from './support/calling.js';
import { closeAll } from './support/listening.js';

interface Recorded {
  readonly line: string;
  /** In base64; undefined if protojson refuses the line. */
  readonly message?: string;
  readonly text?: JsonValue;
  readonly error?: string;
}

const file = new URL('json-values/answers.json', import.meta.url);
const { descriptors, answers }: { readonly descriptors: string; readonly answers: readonly Recorded[] } = JSON.parse(
  readFileSync(file, 'utf8'),
);
const types = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(descriptors, 'base64')));
const echo: DescMethod | undefined = types.getService('values.v1.ValuesService')?.methods[0];
if (echo === undefined) throw new Error('no Echo');
const { input } = echo;

/** What a door makes of JSON: the message as the service got it, and the JSON that the client got back; or the error's text. */
type Outcome = { readonly bytes: Buffer; readonly json: string } | { readonly error: string };
type Door = (json: Buffer) => Promise<Outcome>;

const doors = new Map<string, Door>();
let session: ClientHttp2Session;

beforeAll(async () => {
  const { backend, calls } = echoBackend();
  const method = methodOf(toDynamicMethod(echo));
  if (method === undefined) throw new Error('no method');
  const target: PublicMethod = { method, desc: echo, descAt: () => echo, types, int64AsNumber: false };
  const binding = { verb: 'POST', template: parseTemplate('/v1/echo'), body: '*', responseBody: '' };
  const { session: connected } = await gateway({
    backend,
    catalogue: {
      method: (path) => (path === METHOD ? target : 'unknown'),
      route: () => ({ target, binding, variables: new Map() }),
    },
    httpJson: createHttpJson({ backend, metadataOf: () => new Metadata(), addMetadata() {} }),
  });
  session = await connected();
  /** The request as the service got it. */
  const received = () => {
    const { request } = calls.at(-1) ?? {};
    const sent = typeof request === 'function' ? request(undefined) : request;
    if (sent === undefined || sent.stream) throw new Error('one message is expected');
    return Buffer.from(sent.message);
  };
  const unary = (path: string): Door => {
    return async (json) => {
      const answer = await send2(session, { path, headers: { 'content-type': 'application/json' }, chunks: [json] });
      const text = String(answer.body);
      return answer.status === 200 ? { bytes: received(), json: text } : { error: `${answer.status} ${text}` };
    };
  };
  const enveloped = (contentType: string): Door => {
    return async (json) => {
      const headers = { 'content-type': contentType, te: 'trailers' };
      const { body, trailers } = await send2(session, { path: METHOD, headers, chunks: [frame(json)] });
      const parts = frames(body);
      const text = parts.find(({ flags }) => flags === 0)?.data;
      const status = trailers['grpc-status'] ?? /grpc-status: ?(\d+)/.exec(String(parts.at(-1)?.data))?.[1];
      if (status === '0' && text !== undefined) return { bytes: received(), json: String(text) };
      return { error: `${status} ${decodeURIComponent(String(trailers['grpc-message'] ?? parts.at(-1)?.data))}` };
    };
  };
  doors.set('HTTP/JSON', unary('/v1/echo'));
  doors.set('Connect', unary(METHOD));
  doors.set('gRPC-Web', enveloped('application/grpc-web+json'));
  doors.set('gRPC with JSON', enveloped('application/grpc+json'));
  doors.set('rondo call', async (json) => {
    try {
      const message = readMessage(input, toText(json), types);
      return { bytes: Buffer.from(toBinary(input, message)), json: jsonText(writeMessage(input, message, types)) };
    } catch (error) {
      if (error instanceof RpcError || error instanceof SyntaxError) return { error: `3 ${error.message}` };
      throw error;
    }
  });
});
afterAll(closeAll);

const METHOD = '/values.v1.ValuesService/Echo';

/** Why an answer differs from that of protojson. */
const DIFFERENT: readonly (readonly [why: string, lines: readonly string[]])[] = [
  [
    'RFC 3339 has no such time: an hour of one digit, a comma, an offset of a day; the package time of Go takes them',
    ['T0:00:00Z"', ',5Z"', '+24:00"', '+23:60"'].map(
      (end) => `{"time":"2026-01-01${end.startsWith('T') ? '' : 'T00:00:00'}${end}}`,
    ),
  ],
  [
    'messages are read up to 100 levels deep, as by C++ and Java',
    [`${'{"child":'.repeat(100)}{}${'}'.repeat(100)}`, `{"value":${'['.repeat(100)}${']'.repeat(100)}}`],
  ],
];

const different = new Map(DIFFERENT.flatMap(([why, lines]) => lines.map((line) => [line, why] as const)));

describe('each value of JSON', () => {
  it('is in the table once, as are those that Rondo refuses and Go takes', () => {
    const lines = answers.map(({ line }) => line);
    expect(lines.length).toBeGreaterThan(600);
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines).toEqual(expect.arrayContaining([...different.keys()]));
  });

  it.each(['HTTP/JSON', 'Connect', 'gRPC-Web', 'gRPC with JSON', 'rondo call'])(
    'is answered as by protojson: %s',
    async (name) => {
      const door = doors.get(name);
      const wrong = [];
      for (const one of answers) {
        const { line, error } = one;
        const outcome = await door?.(bytesOf(line));
        const taken = error === undefined && !different.has(line);
        const fits =
          outcome && ('error' in outcome ? !taken && FAULT.test(outcome.error) : taken && isSame(outcome, one));
        if (!fits) wrong.push({ ...one, outcome });
      }
      expect(wrong).toEqual([]);
    },
  );

  it('is the same in the answer of Connect, but for the digits of a float', async () => {
    const differing = [];
    for (const { line, text } of answers.filter((one) => one.text !== undefined && !different.has(one.line))) {
      const outcome = await doors.get('Connect')?.(bytesOf(line));
      if (outcome === undefined || 'error' in outcome) throw new Error(line);
      if (!isDeepStrictEqual(inFloats(JSON.parse(outcome.json)), inFloats(text)))
        differing.push(`${line} ${outcome.json} ${JSON.stringify(text)}`);
    }
    expect(differing).toEqual([]);
  });

  it('passes a call of gRPC as it is', async () => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers' };
    for (const { message, error } of answers.filter((one) => one.error === undefined)) {
      const sent = Buffer.from(message ?? '', 'base64');
      const { body } = await send2(session, { path: METHOD, headers, chunks: [frame(sent)] });
      expect(error).toBeUndefined();
      expect(frames(body).map(({ data }) => data)).toEqual([sent]);
    }
  });
});

/** An error is the caller's, and has a field, or the body, and what is wrong with it. */
const FAULT = /^(?:3|400) .*(?:: (?:must|is|has)|"@type\\?" must|not JSON)/s;

/** Whether the service got the message that Go reads, and the client reads from the answer what it reads from Go's. */
function isSame({ bytes, json }: { readonly bytes: Buffer; readonly json: string }, { message = '', text }: Recorded) {
  const reread = (written: string) => canonical(toBinary(input, readMessage(input, written, types)));
  return (
    canonical(bytes) === canonical(Buffer.from(message, 'base64')) && reread(json) === reread(jsonText(text ?? null))
  );
}

/** A message with its fields in the order of their numbers, and NaN with the bits that JavaScript gives it, not Go. */
function canonical(bytes: Uint8Array): string {
  const ordered = toBinary(input, fromBinary(input, bytes));
  return Buffer.from(ordered).toString('latin1').replaceAll('\x01\0\0\0\0\0\xf8\x7f', '\0\0\0\0\0\0\xf8\x7f');
}

/** Go writes as few digits as tell a float from its neighbours; Rondo writes those of the double that it is. */
function inFloats(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  const round = (key: string, value: unknown) => (/float$/i.test(key) ? Math.fround(Number(value)) : value);
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, round(key, value)]));
}

/** The bytes of a line, in which \xHH stands for a byte. */
function bytesOf(line: string): Buffer {
  const latin = Buffer.from(line).toString('latin1');
  const bytes = latin.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}
