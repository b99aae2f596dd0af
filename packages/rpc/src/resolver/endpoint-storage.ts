/** The one file here that touches the disk. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../clock/index.js';
import { isAddress } from './endpoint.js';
import type { Endpoint, Standing } from './resolver.js';

/** Keeps texts under names, beyond the life of a process. */
export interface EndpointStorage {
  /** The text kept under `name`; undefined where there is none. */
  read(name: string): Promise<string | undefined>;
  /** Keeps `text` in place of what was kept: wholly, or not at all. */
  write(name: string, text: string): Promise<void>;
  /** Where `name` is kept, for messages. */
  locate(name: string): string;
}

/** Read as a whole: what is larger is none of ours. */
const MAX_SIZE_BYTES = 4 * 1024 * 1024;

/**
 * Keeps each text in a file of its own in `folder`, which is made where it is missing. Several processes may share it: a
 * file is replaced as a whole. Files can be read by their owner alone.
 */
export function folderStorage(folder: string, random: Random): EndpointStorage {
  const locate = (name: string) => join(folder, encodeURIComponent(name));
  return {
    locate,
    read: (name) => readText(locate(name)),
    async write(name, text) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = locate(name);
      const draft = `${path}.${random.hex(6)}.tmp`;
      const file = await open(draft, 'wx', 0o600);
      try {
        await writeWhole(file, text);
        await rename(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
  };
}

async function writeWhole(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    // On the disk before it takes the other's place: a crash leaves one of the two.
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readText(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size > MAX_SIZE_BYTES) throw new Error(`the file is larger than ${MAX_SIZE_BYTES} bytes`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** What an earlier process knew of a service. */
interface ParsedEndpoints {
  readonly endpoints: readonly Endpoint[];
  /** When the registry last said so, in milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
}

/** What a kept text is about. */
interface SavedFor {
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
export function formatSaved(
  endpoints: readonly Endpoint[],
  { service, registry, savedAtMs }: SavedFor & { readonly savedAtMs: number },
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
export function parseSaved(text: string, { service, registry }: SavedFor): ParsedEndpoints {
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
