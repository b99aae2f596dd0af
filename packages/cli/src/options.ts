import path from 'node:path';
import type { CommandContext } from './command.js';
import { parseDurationMs } from './terminal/text.js';
import { UsageError, messageOf } from './errors.js';
import { Metadata } from '@rondo/rpc/call';

/** The option that every command which prints data has. */
export const jsonOption = {
  json: { type: 'boolean', description: 'Print JSON for programs, errors included.' },
} as const;

/** The option of commands that can ask a server without a registry. */
export const addressOption = {
  address: {
    type: 'string',
    placeholder: 'HOST:PORT',
    description: 'Call this server, or these with commas, without a registry.',
  },
} as const;

/** The option of commands that send metadata. */
export const metadataOption = {
  metadata: {
    type: 'string',
    short: 'H',
    multiple: true,
    placeholder: 'KEY=VALUE',
    description: 'Metadata to send; again for more. A key that ends in -bin takes base64.',
  },
} as const;

/** The option of every command that works on what `npm start` runs and keeps. */
export const dataOption = {
  data: {
    type: 'string',
    placeholder: 'DIR',
    complete: 'folders',
    description: "The folder given to npm start; else the repository's .rondo.",
  },
} as const;

/** The folder that {@link dataOption} names. */
export const dataDirectoryOf = (data: string | undefined, { directory, dataDirectory }: CommandContext): string =>
  data === undefined ? dataDirectory : path.resolve(directory, data);

/** Reads a whole number from 1 to `limit`; undefined where none was given. */
export function positiveInteger(option: string, text: string | undefined, limit?: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > (limit ?? Number.MAX_SAFE_INTEGER)) {
    const range = limit === undefined ? 'from 1' : `from 1 to ${limit}`;
    throw new UsageError(`--${option} ${text}: must be a whole number ${range}, such as 9`);
  }
  return value;
}

/** Reads a number above zero; undefined where none was given. */
export function positiveNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) {
    throw new UsageError(`--${option} ${text}: must be a number above 0, such as 200`);
  }
  return value;
}

/** Reads a duration as milliseconds; undefined where none was given. */
export function durationMs(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseDurationMs(text);
  if (value === undefined) throw new UsageError(`--${option} ${text}: must be a duration, such as 500ms, 2s or 5m`);
  return value;
}

const ADDRESS = /^(?:\[[\da-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/;

/** Reads `host:port[,…]`; `source` is the option or variable, for messages. */
export function parseAddresses(source: string, text: string): readonly string[] {
  const addresses = text
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  const wrong = addresses.find((address) => !isAddress(address));
  if (addresses.length === 0 || wrong !== undefined) {
    throw new UsageError(
      `${source} "${wrong ?? text}": must be host:port, or several with commas, such as 127.0.0.1:50050`,
    );
  }
  return addresses;
}

function isAddress(address: string): boolean {
  if (address.startsWith('unix:')) return address.length > 'unix:'.length;
  const port = Number(ADDRESS.exec(address)?.[1]);
  return port >= 1 && port <= 65_535;
}

/** Where a registry is looked for that nobody named. */
const DEFAULT_REGISTRY = '127.0.0.1:50050';

/** The option of every command that asks the registry. */
export const registryOption = {
  registry: {
    type: 'string',
    placeholder: 'HOST:PORT',
    description: `The registry's addresses, with commas; else RONDO_REGISTRY, else ${DEFAULT_REGISTRY}.`,
  },
} as const;

/** The registry's addresses: the option's, else the environment's, else the default. */
export function registryAddresses(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (option !== undefined) return parseAddresses('--registry', option);
  const variable = environment['RONDO_REGISTRY']?.trim() ?? '';
  return parseAddresses('RONDO_REGISTRY', variable === '' ? DEFAULT_REGISTRY : variable);
}

/** The option of every command that takes an instance out. */
export const reasonOption = {
  reason: {
    type: 'string',
    placeholder: 'TEXT',
    description: 'Why, for those who look: at most 256 characters; by default who did it.',
  },
} as const;

/** The option that has a command do what leaves nobody to serve a service. */
export const forceOption = {
  force: { type: 'boolean', description: 'Also where nobody is left to serve some service.' },
} as const;

/** What stands for a reason where none was given. */
export const defaultReason = ({ environment }: CommandContext): string => {
  const user = environment['USER'] ?? environment['USERNAME'] ?? '';
  return user === '' ? '' : `by ${user}`;
};

/** Reads `key=value` pairs as metadata; under a key that ends in `-bin` the value is bytes in base64. */
export function parseMetadata(pairs: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const pair of pairs) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      throw new UsageError(`--metadata "${pair}": must be key=value, such as request-id=42`);
    }
    append(metadata, key, value);
  }
  return metadata;
}

function append(metadata: Metadata, key: string, value: string): void {
  const binary = key.toLowerCase().endsWith('-bin');
  if (binary && !/^[\w+/-]*={0,2}$/.test(value)) {
    throw new UsageError(`--metadata "${key}": a key that ends in -bin takes bytes in base64`);
  }
  try {
    metadata.append(key, binary ? Buffer.from(value, 'base64') : value);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
