import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { Metadata } from '@rondo/rpc/call';
import { addHeader, isBase64, toBase64 } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';

type Value = string | Buffer;

/**
 * The most bytes of all entries, each counted with 32 more: the same bound as in Rondo's clients, which fits every
 * peer's header block.
 */
const MAX_BYTES = 16 * 1024;
const MAX_ENTRIES = 100;
const ENTRY_BYTES = 32;

/** Header fields of one connection, of browsers and of the protocols. They never reach a service. */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'cookie',
  'date',
  'dnt',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'priority',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'upgrade-insecure-requests',
  'user-agent',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-grpc-web',
  'x-real-ip',
  '__proto__',
]);
const DROPPED_PREFIXES = /^(?:accept(?:-|$)|access-control-|connect-|content-|grpc-|mcp-|rondo-(?!trace$)|sec-|:)/;

/** The keys and values that gRPC can carry. */
const KEY = /^[0-9a-z_.-]+$/;
const TEXT = /^[\x20-\x7e]*$/;

/** The metadata about the client that a service gets. */
export interface Forwarded {
  readonly client: string;
}

/**
 * The metadata of a request, for a service: all headers that belong neither to the connection nor to a browser nor to a
 * protocol, and `x-forwarded-for`, `-host` and `-proto`, which replace those of the client. Bytes of `-bin` keys are
 * decoded. Fields that gRPC can't name, and text that it can't carry, are left out: HTTP also allows tabs and bytes from 0x80 on.
 *
 * @throws RpcError `INVALID_ARGUMENT` if bytes aren't base64, or over 16 KiB or 100 entries.
 */
export function metadataOf(exchange: HttpExchange, { client }: Forwarded): Metadata {
  const entries = new Map<string, readonly Value[]>();
  const named = connectionKeys(exchange.headers);
  let sizeBytes = 0;
  let count = 0;
  for (const key in exchange.headers) {
    const raw = exchange.headers[key];
    if (raw === undefined || isDropped(key) || named?.has(key) === true) continue;
    const values = valuesOf(key, raw);
    entries.set(key, values);
    count += values.length;
    sizeBytes += key.length + ENTRY_BYTES + (typeof raw === 'string' ? raw.length : raw.join().length);
  }
  if (count > MAX_ENTRIES || sizeBytes > MAX_BYTES)
    throw gatewayErrors.TOO_MUCH_METADATA({ count, sizeBytes, maxEntries: MAX_ENTRIES, maxBytes: MAX_BYTES });
  entries.set('x-forwarded-for', [client]);
  entries.set('x-forwarded-proto', [exchange.secure ? 'https' : 'http']);
  if (exchange.authority !== '' && TEXT.test(exchange.authority)) entries.set('x-forwarded-host', [exchange.authority]);
  return Metadata.over({
    getAll: (key) => entries.get(key) ?? [],
    forEach(visit) {
      for (const [key, values] of entries) for (const value of values) visit(key, value);
    },
  });
}

/** The fields that `Connection` names belong to the connection too. */
function connectionKeys({ connection }: IncomingHttpHeaders): ReadonlySet<string> | undefined {
  if (connection === undefined) return undefined;
  return new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
}

function isDropped(key: string): boolean {
  return DROPPED.has(key) || DROPPED_PREFIXES.test(key) || !KEY.test(key);
}

function valuesOf(key: string, raw: string | string[]): readonly Value[] {
  const values = typeof raw === 'string' ? [raw] : raw;
  if (key.endsWith('-bin'))
    return values.flatMap((value) => value.split(',')).map((value) => bytesOf(key, value.trim()));
  return values.every((value) => TEXT.test(value)) ? values : values.filter((value) => TEXT.test(value));
}

function bytesOf(key: string, value: string): Buffer {
  if (!isBase64(value)) throw gatewayErrors.HEADER_NOT_BASE64({ key });
  return Buffer.from(value, 'base64');
}

/** The key that names the instance which served a call. */
const SERVED_BY = 'rondo-served-by';
const KEPT_BACK =
  /^(?:access-control-|connection$|content-|date$|endpoint-load-metrics|grpc-|keep-alive$|proxy-|rondo-|te$|trailer|transfer-encoding$|upgrade$)/;
/** What a browser does with the page, or with all pages and data at this address: those of the console, too. */
const OF_THE_ADDRESS =
  /^(?:accept-ch|alt-svc|clear-site-data|critical-ch|location|nel|no-vary-search|refresh|report(?:-to|ing-endpoints)|sec-.*|service-worker-allowed|set-(?:cookie2?|login)|speculation-rules|strict-transport-security|use-as-dictionary|www-authenticate|x-content-type-options)$/;
/** What proxies in front do with an answer, and the id of the request, which is the gateway's. */
const OF_PROXIES = /^(?:surrogate-|x-accel-|x-request-id$|x-sendfile$)/;

/**
 * Adds the metadata of a reply to headers or trailers, each key after `prefix`. What belongs to HTTP, browsers, proxies, the
 * protocols or Rondo is left out, and so are reports of the instance's load, and what HTTP can't carry. `servedBy`: the client may learn which instance answered.
 */
export function addMetadata(
  target: OutgoingHttpHeaders,
  metadata: Metadata,
  { prefix = '', servedBy = false }: { readonly prefix?: string; readonly servedBy?: boolean } = {},
): void {
  metadata.forEach((key, value) => {
    if ((KEPT_BACK.test(key) && !(servedBy && key === SERVED_BY)) || OF_THE_ADDRESS.test(key)) return;
    if (OF_PROXIES.test(key)) return;
    const text = typeof value === 'string' ? value : toBase64(value);
    if (KEY.test(key) && TEXT.test(text)) addHeader(target, prefix + key, text);
  });
}
