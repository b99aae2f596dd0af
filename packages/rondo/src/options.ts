import { Metadata } from '@rondo/rpc/call';
import { dnsResolver, type Resolver, staticResolver } from '@rondo/rpc/client';
import { maskUrl } from '@rondo/rpc/internal';
import type { CommandContext } from './command.js';
import { asUsage, UsageError } from './errors.js';
import { flag, valued } from './help.js';
import { userIn } from './launch/security.js';
import { parseDurationMs } from './terminal/text.js';

export const jsonOption = {
  json: flag('Print JSON for programs, errors included.'),
} as const;

export const addressOption = {
  address: valued(
    'HOST:PORT',
    'Call this server without a registry; several with commas, or a DNS name: dns:///HOST:PORT.',
  ),
} as const;

export const metadataOption = {
  metadata: {
    ...valued('KEY=VALUE', 'Metadata to send; may be repeated. A key that ends in -bin takes base64.'),
    short: 'H',
    multiple: true,
  },
} as const;

/** The option of commands that work on the processes and data of `npm start`. */
export const dataOption = {
  data: { ...valued('DIR', "The data folder of npm start; by default the workspace's .rondo."), complete: 'folders' },
} as const;

/** The options of a token and of an API key. */
export const principalOptions = {
  as: valued('NAME', 'The person or program that gets it.'),
  scopes: {
    ...valued('LIST', 'What it may do, such as sales.read,sales.write; nothing by default.'),
    read: scopeList,
  },
} as const;

/** Parses `--as`, the subject of a token or an API key. */
export function checkSubject(text: string | undefined): string {
  if (text !== undefined && /^[\x20-\x7e]{1,255}$/.test(text) && text.trim() !== '') return text;
  throw new UsageError(
    '--as must name a person or program by 1 to 255 printable characters of ASCII, such as --as ada',
  );
}

/** Parses scopes, which commas or spaces separate, each as RFC 6749 has it, section 3.3. */
function scopeList(text: string): readonly string[] {
  const scopes = text.split(/[\s,]+/).filter((scope) => scope !== '');
  const wrong = scopes.find((scope) => !/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,255}$/.test(scope));
  if (wrong === undefined) return scopes;
  throw new UsageError(`--scopes: ${JSON.stringify(wrong)} is no scope; write them such as sales.read,sales.write`);
}

/** An option with a whole number from 1 to `most`, which help names. */
export const whole = (placeholder: string, description: string, most = Number.MAX_SAFE_INTEGER) => ({
  ...valued(
    placeholder,
    most === Number.MAX_SAFE_INTEGER ? description : `${description.slice(0, -1)}, up to ${most}.`,
  ),
  read(text: string, option: string): number {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? 'from 1' : `from 1 to ${most}`;
    throw new UsageError(`--${option} ${text}: must be a whole number ${range}, such as 9`);
  },
});

/** An option with a number above zero. */
export const rate = (placeholder: string, description: string, most = Number.POSITIVE_INFINITY) => ({
  ...valued(placeholder, description),
  read(text: string, option: string): number {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value <= 0)
      throw new UsageError(`--${option} ${text}: must be a number above 0, such as 200`);
    if (value > most) throw new UsageError(`--${option} ${text}: must be at most ${most}`);
    return value;
  },
});

export function durationMs(text: string, option: string): number {
  const value = parseDurationMs(text);
  if (value !== undefined) return value;
  throw new UsageError(`--${option} ${text}: must be a duration, such as 500ms, 2s or 5m`);
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly words: string;
}

const ANY: Range = { least: 0, most: Number.POSITIVE_INFINITY, words: '' };

/** An option with a duration, which is read into milliseconds. */
export const duration = (placeholder: string, description: string, { least, most, words }: Range = ANY) => ({
  ...valued(placeholder, description),
  read(text: string, option: string): number {
    const ms = durationMs(text, option);
    if (ms >= least && ms <= most) return ms;
    throw new UsageError(`--${option} ${text}: must be ${words}`);
  },
});

const ADDRESS = /^(?:\[[\da-fA-F:.]+\]|[^\s:[\]/?#@]+):(\d{1,5})$/;

/** Parses `host:port[,…]`. `source` is the option or variable, for error messages. */
export function parseAddresses(source: string, text: string): readonly string[] {
  const addresses = text
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  const wrong = addresses.find((address) => !isAddress(address));
  if (addresses.length === 0 || wrong !== undefined) {
    throw new UsageError(
      `${source} "${maskUrl(text.includes('@') ? text : (wrong ?? text))}": must be host:port, or several with commas, such as 127.0.0.1:50050`,
    );
  }
  return addresses;
}

/** Parses the value of `--address`: `host:port[,…]`, or one target of a DNS resolver. */
export function parseTarget(text: string): readonly string[] {
  if (!text.startsWith('dns:')) return parseAddresses('--address', text);
  asUsage(
    () => dnsResolver(text),
    (reason) => `--address ${reason}`,
  );
  return [text];
}

/** Finds the servers that {@link parseTarget} has read, or others at fixed addresses. */
export function resolverAt(addresses: readonly string[]): Resolver {
  const [target = ''] = addresses;
  return target.startsWith('dns:') ? dnsResolver(target) : staticResolver(addresses);
}

function isAddress(address: string): boolean {
  if (address.startsWith('unix:')) return address.length > 'unix:'.length;
  const port = Number(ADDRESS.exec(address)?.[1]);
  return port >= 1 && port <= 65_535;
}

/** The registry's address if neither an option nor the environment names one. */
export const DEFAULT_REGISTRY = '127.0.0.1:50050';

export const registryOption = {
  registry: valued(
    'HOST:PORT',
    "The registry's addresses, with commas; else RONDO_REGISTRY, else the system that runs here.",
  ),
} as const;

export const reasonOption = {
  reason: valued('TEXT', 'The reason, which rondo ps shows: at most 256 characters; by default the name of the user.'),
} as const;

/** The option that lets a command leave a service without an instance. */
export const forceOption = {
  force: flag('Cordon it even if no instance is left that serves some service.'),
} as const;

export const defaultReason = ({ environment }: CommandContext): string => {
  const user = userIn(environment);
  return user === '' ? '' : `by ${user}`;
};

/** Parses `key=value` pairs, or `key: value` as curl has them, into metadata. The value of a key that ends in `-bin` is bytes in base64. */
export function parseMetadata(pairs: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const pair of pairs) {
    const [, key, value] = /^([^=:\s]+)(?:=|:\s*)(.*)$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      // The value may be a secret, such as a token.
      throw new UsageError('--metadata must be key=value or "key: value", such as request-id=42');
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
  asUsage(() => metadata.append(key, binary ? Buffer.from(value, 'base64') : value));
}
