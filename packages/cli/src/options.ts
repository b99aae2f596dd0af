import path from 'node:path';
import type { CommandContext } from './command.js';
import { parseDurationMs } from './terminal/index.js';
import { UsageError } from './usage-error.js';

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
