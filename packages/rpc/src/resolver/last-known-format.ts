import { isAddress } from './endpoint.js';
import type { Endpoint, Standing } from './resolver.js';

/** What an earlier process knew of a service. */
export interface LastKnown {
  readonly endpoints: readonly Endpoint[];
  /** When the registry last said so, in milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
}

/** What a kept text is about. */
export interface LastKnownSubject {
  readonly service: string;
  /** The registry's addresses. */
  readonly registry: readonly string[];
}

const FORMAT = 'rondo-last-known';
const VERSION = 2;
/** More aren't kept: so many carry a client until the registry is back. */
const MAX_ENDPOINTS = 1_000;
const MAX_LENGTH = 1024 * 1024;

/**
 * The text that is kept: JSON, the same on every machine, of at most {@link MAX_ENDPOINTS} instances.
 *
 * @throws Error where it would be too large to be read again.
 */
export function formatLastKnown(
  endpoints: readonly Endpoint[],
  { service, registry, savedAtMs }: LastKnownSubject & { readonly savedAtMs: number },
): string {
  const kept = endpoints.filter(({ standing }) => isKept(standing)).slice(0, MAX_ENDPOINTS);
  const savedAt = new Date(savedAtMs).toISOString();
  const text = `${JSON.stringify({ format: FORMAT, version: VERSION, service, registry, savedAt, endpoints: kept })}\n`;
  if (text.length > MAX_LENGTH) throw tooLarge();
  return text;
}

/**
 * Reads a kept text.
 *
 * @throws Error that says why it can't be used: it is damaged, of another version, service or registry.
 */
export function parseLastKnown(text: string, { service, registry }: LastKnownSubject): LastKnown {
  if (text.length > MAX_LENGTH) throw tooLarge();
  const file = parseObject(text);
  if (file['format'] !== FORMAT) throw new Error('the file is none of last known instances');
  if (file['version'] !== VERSION) throw new Error(`the file is of version ${file['version']}, not ${VERSION}`);
  if (file['service'] !== service) throw new Error(`the file is of ${file['service']}`);
  const asked = listOf(file['registry'], isText, 'registry');
  // A registry that has moved, or grown, is still the same where one of its addresses is.
  if (!asked.some((address) => registry.includes(address)))
    throw new Error(`the file is of another registry, at ${asked.join(', ')}`);
  const savedAtMs = Date.parse(String(file['savedAt']));
  if (Number.isNaN(savedAtMs)) throw damaged('savedAt');
  return { endpoints: listOf(file['endpoints'], isEndpoint, 'endpoints').slice(0, MAX_ENDPOINTS), savedAtMs };
}

/** One that starts or drains is another by the time the text is read. */
function isKept(standing: unknown): standing is Standing {
  return standing === 'serving' || standing === 'cordoned';
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new Error('the file is damaged: it is no JSON', { cause });
  }
  throw new Error('the file is damaged: it is no JSON object');
}

function listOf<T>(value: unknown, isItem: (item: unknown) => item is T, field: string): readonly T[] {
  if (Array.isArray(value) && value.every(isItem)) return value;
  throw damaged(field);
}

function isEndpoint(value: unknown): value is Endpoint {
  if (!isObject(value)) return false;
  const { instanceId, address, zone, standing, weight, version, metadata, incarnation, minPingIntervalMs } = value;
  const known = isCount(weight) && weight > 0 && isText(version) && isLabels(metadata) && isCount(incarnation);
  const pingable = minPingIntervalMs === undefined || (typeof minPingIntervalMs === 'number' && minPingIntervalMs > 0);
  return (
    isText(instanceId) && isText(address) && isAddress(address) && isText(zone) && isKept(standing) && known && pingable
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isLabels(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function tooLarge(): Error {
  return new Error(`it is larger than ${MAX_LENGTH} characters`);
}

function damaged(field: string): Error {
  return new Error(`the file is damaged: ${field} isn't what it should be`);
}
