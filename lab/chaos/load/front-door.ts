import http2, { type ClientHttp2Session } from 'node:http2';
import { text as textOf } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { now, pass } from '../time.js';
import type { Caller } from './caller.js';
import type { CallRecord, LoadOptions } from './protocol.js';

/** What a client behind a load balancer sends, and what it must get. */
const PATH = '/add';
const BODY = '{"a":2,"b":3}';
const HEADERS = { 'content-type': 'application/json' };
const EXPECTED = '{"result":5}';

/** How often the balancer asks each gateway whether it is ready, and how long it waits for the answer. */
const PROBE_MS = 250;
const PROBE_TIMEOUT_MS = 2_000;

/** How a gateway is called. */
type Scheme = 'http' | 'https';

/** Sends one request to a gateway; gives its answer. */
type Send = (
  address: string,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly instance: string; readonly text: string }>;

/**
 * A caller by HTTP/JSON, as one behind a load balancer: each request goes to the next gateway whose `/readyz` is 200. Nothing
 * is retried. Resolves once all of them are ready.
 */
export async function createFrontDoorCaller(
  { over, addresses = [], timeoutMs }: LoadOptions,
  scheme: Scheme,
): Promise<Caller> {
  const send = over === 'http2' ? overHttp2(scheme) : overHttp1(scheme);
  const ready = probe(addresses, scheme);
  while (ready().length < addresses.length) await pass(PROBE_MS);
  let turn = 0;
  return async () => {
    const at = now();
    const candidates = ready();
    turn += 1;
    const gateway = candidates[turn % candidates.length];
    const failed = (code: string, message: string): CallRecord => {
      return { at, ms: now() - at, code, instance: '', message, ...(gateway && { gateway }) };
    };
    if (gateway === undefined) return failed('NONE_READY', 'no gateway is ready');
    try {
      const { status, instance, text } = await send(gateway, AbortSignal.timeout(timeoutMs));
      if (status === 200 && text === EXPECTED) return { at, ms: now() - at, code: 'OK', instance, gateway };
      return failed(`HTTP_${status}`, text);
    } catch (error) {
      return failed('THROWN', `${gateway}: ${error}`);
    }
  };
}

/** Follows which gateways are ready. One that is too slow to say so stays what it was. */
function probe(addresses: readonly string[], scheme: Scheme): () => readonly string[] {
  const ready = new Set<string>();
  const asked = new Set<string>();
  const ask = async (address: string) => {
    if (asked.has(address)) return;
    asked.add(address);
    const isReady = await fetch(`${scheme}://${address}/readyz`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      (error: Error) => error.name === 'TimeoutError' && ready.has(address),
    );
    asked.delete(address);
    if (isReady) ready.add(address);
    else ready.delete(address);
  };
  setInterval(() => {
    for (const address of addresses) void ask(address);
  }, PROBE_MS).unref();
  return () => addresses.filter((address) => ready.has(address));
}

function overHttp1(scheme: Scheme): Send {
  return async (address, signal) => {
    const options = { method: 'POST', headers: HEADERS, body: BODY, signal };
    const response = await fetch(`${scheme}://${address}${PATH}`, options);
    const instance = response.headers.get('rondo-served-by') ?? '';
    return { status: response.status, instance, text: await response.text() };
  };
}

function overHttp2(scheme: Scheme): Send {
  const sessions = new Map<string, ClientHttp2Session>();
  const sessionTo = (address: string) => {
    const known = sessions.get(address);
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = http2.connect(`${scheme}://${address}`);
    session.on('error', () => session.destroy());
    sessions.set(address, session);
    return session;
  };
  return async (address, signal) => {
    const request = { ':method': 'POST', ':path': PATH, ...HEADERS };
    const stream = sessionTo(address).request(request, { signal });
    let status = 0;
    let instance = '';
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
      instance = String(headers['rondo-served-by'] ?? '');
    });
    stream.end(BODY);
    const [text] = await Promise.all([textOf(stream), finished(stream)]);
    if (status === 0) throw new Error(`the stream ended without an answer, with code ${stream.rstCode}`);
    return { status, instance, text };
  };
}
