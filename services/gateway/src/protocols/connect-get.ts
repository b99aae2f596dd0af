import { gatewayErrors } from '../errors.js';
import type { Codec } from './codec.js';
import { encodingOf, inflate } from './compression.js';
import { createUnaryFrontEnd, type ReadUnary } from './connect-unary.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';
import { connectTimeoutMs } from './timeout.js';

/** Whether a query is that of a Connect GET. */
export function isConnectGet(query: string): boolean {
  return /(?:^|&)encoding=/.test(query) && /(?:^|&)message=/.test(query);
}

/**
 * Serves Connect's unary calls by GET, for methods without side effects: the message is in the query. Source:
 * https://connectrpc.com/docs/protocol#unary-get-request
 */
export function createConnectGetFrontEnd(codec: Codec, options: FrontEndOptions): FrontEnd {
  const { maxMessageBytes } = options;
  const read: ReadUnary = async ({ exchange }) => {
    const query = queryOf(exchange.query);
    requireConnectParameter(text(query, 'connect'));
    const settings = { codec, timeoutMs: connectTimeoutMs(exchange.headers) };
    const encoding = encodingOf('compression', text(query, 'compression'));
    const sent = query.get('message') ?? Buffer.alloc(0);
    const bytes = text(query, 'base64') === '1' ? fromBase64(sent) : sent;
    if (bytes.length > maxMessageBytes) throw gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes: maxMessageBytes });
    return {
      ...settings,
      message: encoding === 'gzip' ? await inflate(bytes, { body: exchange.body, maxBytes: maxMessageBytes }) : bytes,
    };
  };
  return createUnaryFrontEnd(read, options);
}

/** The codec that a query names; undefined if the gateway lacks it. */
export function codecOfQuery(query: string): Codec | undefined {
  const encoding = text(queryOf(query), 'encoding');
  return encoding === 'proto' || encoding === 'json' ? encoding : undefined;
}

/** The first value of each parameter. They are bytes: a message of `proto` needn't be base64, nor valid UTF-8. */
function queryOf(query: string): ReadonlyMap<string, Buffer> {
  const parameters = new Map<string, Buffer>();
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (!parameters.has(key)) parameters.set(key, percentDecoded(equals < 0 ? '' : pair.slice(equals + 1)));
  }
  return parameters;
}

function percentDecoded(value: string): Buffer {
  const bytes = value
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}

function text(query: ReadonlyMap<string, Buffer>, key: string): string | undefined {
  return query.get(key)?.toString('latin1');
}

/** Base64 of either alphabet, with or without padding. A plus sign that wasn't escaped has become a space. */
function fromBase64(value: Buffer): Buffer {
  const base64 = value.toString('latin1').replaceAll(' ', '+');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(base64)) {
    throw gatewayErrors.MESSAGE_NOT_BASE64();
  }
  return Buffer.from(base64, 'base64');
}

function requireConnectParameter(version: string | undefined): void {
  if (version === undefined || version === 'v1') return;
  throw gatewayErrors.OTHER_CONNECT_PARAMETER();
}
