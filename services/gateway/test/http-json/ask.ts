import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { Metadata } from '@rondo/rpc/call';
import { RpcError } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import type { HttpBinding } from '@rondo/schema/http';
import type { PublicMethod } from '../../src/discovery/catalogue.js';
import { createHttpJson } from '../../src/http-json/http-json.js';
import type { Backend } from '../../src/protocols/backend.js';
import { ENDPOINT } from '../support/calling.js';
import { types } from './contract.js';
import { type FakeRequest, fakeExchange } from './exchange.js';

/** One request, and what the backend answers. */
export interface Setting extends FakeRequest {
  readonly target: PublicMethod;
  readonly binding: HttpBinding;
  readonly variables?: Readonly<Record<string, string>>;
  /** The reply in JSON, or the request itself. */
  readonly reply?: JsonValue | RpcError;
  readonly replyBytes?: Uint8Array;
  readonly maxMessageBytes?: number;
}

/** Makes one request. `seen` is the request message that the backend got, in canonical JSON. */
export async function ask(setting: Setting) {
  const { desc } = setting.target;
  let bytes: Uint8Array | undefined;
  let timeoutMs: number | undefined;
  const backend: Backend = async (call) => {
    timeoutMs = call.timeoutMs;
    const request = typeof call.request === 'function' ? call.request(ENDPOINT) : call.request;
    if (request === undefined || request.stream) throw new Error('one message is expected');
    bytes = request.message;
    if (setting.reply instanceof RpcError) throw setting.reply;
    const message =
      setting.replyBytes ??
      (setting.reply === undefined
        ? bytes
        : toBinary(desc.output, fromJson(desc.output, setting.reply, { registry: types })));
    return { header: new Metadata(), trailer: new Metadata(), response: { stream: false, message }, from: ENDPOINT };
  };
  const serve = createHttpJson({
    backend,
    maxMessageBytes: setting.maxMessageBytes ?? 2_000,
    clock: new ManualClock(),
  });
  const { exchange, answer } = fakeExchange({ method: setting.binding.verb, ...setting });
  serve(exchange, {
    target: setting.target,
    binding: setting.binding,
    variables: new Map(Object.entries(setting.variables ?? {})),
  });
  const { status, headers, text } = await answer();
  return {
    status,
    headers,
    text,
    json: text === '' ? undefined : tryJson(text),
    bytes,
    timeoutMs,
    // Not every mask has JSON.
    get seen(): JsonValue | undefined {
      return bytes && toJson(desc.input, fromBinary(desc.input, bytes), { registry: types });
    },
  };
}

const tryJson = (text: string): JsonValue | undefined => (/^[[{"]/.test(text) ? JSON.parse(text) : undefined);
