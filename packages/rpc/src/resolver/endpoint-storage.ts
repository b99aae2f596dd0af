/** Storage for endpoints, the only file here that touches the disk, and the format of what is stored. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '@rondo/base';
import { isAddress } from './endpoint.js';
import type { Endpoint, InstanceState } from './resolver.js';

/** Stores texts by name, beyond the life of a process. */
export interface EndpointStorage {
  /** The text stored under `name`; undefined if there is none. */
  read(name: string): Promise<string | undefined>;
  /** Replaces the text under `name`, atomically. */
  write(name: string, text: string): Promise<void>;
  /** The location of `name`, for messages. */
  locate(name: string): string;
}

/** Files are read as a whole, and this process writes none that is larger. */
const MAX_SIZE_BYTES = 4 * 1024 * 1024;

/**
 * Stores each text in a file of its own in `folder`, which is created if it is missing. Several processes may share the
 * folder: a file is replaced atomically. Only the owner can read the files.
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
    // Synced before the rename: after a crash, the old or the new file is there.
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

/** Endpoints read from a saved text. */
interface ParsedEndpoints {
  readonly endpoints: readonly Endpoint[];
  /** When the registry last confirmed them, in milliseconds since the Unix epoch. */
  readonly savedAtMs: number;
}

/** The service and the registry that a saved text is for. */
interface SavedFor {
  readonly service: string;
  /** The registry's addresses. */
  readonly registry: readonly string[];
}

const FORMAT = 'rondo-last-known';
const VERSION = 2;
/** The most endpoints saved: they carry a client's calls until the registry is back. */
const MAX_ENDPOINTS = 1_000;
const MAX_LENGTH = 1024 * 1024;

/**
 * Formats endpoints as JSON, the same on every machine, with at most {@link MAX_ENDPOINTS} instances.
 *
 * @throws Error if the text would be too large to be read again.
 */
export function formatSaved(
  endpoints: readonly Endpoint[],
  { service, registry, savedAtMs }: SavedFor & { readonly savedAtMs: number },
): string {
  const kept = endpoints
    .filter(({ state }) => isKept(state))
    .slice(0, MAX_ENDPOINTS)
    .map(toSaved);
  const savedAt = new Date(savedAtMs).toISOString();
  const text = `${JSON.stringify({ format: FORMAT, version: VERSION, service, registry, savedAt, endpoints: kept })}\n`;
  if (text.length > MAX_LENGTH) throw tooLarge();
  return text;
}

/**
 * Parses a saved text.
 *
 * @throws Error that says why it can't be used: it is damaged, or of another version, service or registry.
 */
export function parseSaved(text: string, { service, registry }: SavedFor): ParsedEndpoints {
  if (text.length > MAX_LENGTH) throw tooLarge();
  const file = parseObject(text);
  if (file['format'] !== FORMAT) throw new Error('the file is none of last known instances');
  if (file['version'] !== VERSION) throw new Error(`the file is of version ${file['version']}, not ${VERSION}`);
  if (file['service'] !== service) throw new Error(`the file is of ${file['service']}`);
  const asked = listOf(file['registry'], isText, 'registry');
  // A registry that has moved or grown is still the same if one of its addresses is.
  if (!asked.some((address) => registry.includes(address)))
    throw new Error(`the file is of another registry, at ${asked.join(', ')}`);
  const savedAtMs = Date.parse(String(file['savedAt']));
  if (Number.isNaN(savedAtMs)) throw damaged('savedAt');
  return {
    endpoints: listOf(file['endpoints'], isSaved, 'endpoints').slice(0, MAX_ENDPOINTS).map(toEndpoint),
    savedAtMs,
  };
}

/** A starting or draining instance has another state by the time the text is read. */
function isKept(state: unknown): state is InstanceState {
  return state === 'serving' || state === 'cordoned';
}

/** An endpoint in the file. Its key `standing` is older than the name `state`, and other versions read it. */
type SavedEndpoint = Omit<Endpoint, 'state'> & { readonly standing: InstanceState };

const toSaved = ({ state, ...endpoint }: Endpoint): SavedEndpoint => ({ ...endpoint, standing: state });

const toEndpoint = ({ standing, ...endpoint }: SavedEndpoint): Endpoint => ({ ...endpoint, state: standing });

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

function isSaved(value: unknown): value is SavedEndpoint {
  if (!isObject(value)) return false;
  const { instanceId, address, zone, standing, weight, version, metadata, incarnation, minPingIntervalMs } = value;
  const { services = [], fingerprints = {}, secure, registerTimeMs = 0, serviceTimesMs = {} } = value;
  const contracts = Array.isArray(services) && services.every(isText) && isLabels(fingerprints);
  const known = isCount(weight) && weight > 0 && isText(version) && isLabels(metadata) && isCount(incarnation);
  const pingable = minPingIntervalMs === undefined || (typeof minPingIntervalMs === 'number' && minPingIntervalMs > 0);
  const secured = secure === undefined || typeof secure === 'boolean';
  const dated = isCount(registerTimeMs) && isObject(serviceTimesMs) && Object.values(serviceTimesMs).every(isCount);
  const located = isText(instanceId) && isText(address) && isAddress(address) && isText(zone);
  return located && isKept(standing) && known && pingable && secured && contracts && dated;
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
