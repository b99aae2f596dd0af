import { type BalancingOverrides, formatBalancing, parseBalancing } from '@rondo/rpc/contract';

/** What reading a variable's text gives: its value, or what is wrong with it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string };

/** Reads the text of an environment variable. */
export interface Parser<T> {
  /** The rule that a value keeps, as it stands in a sentence: `an integer from 1 to 10`. */
  readonly rule: string;
  /** A value that keeps it. */
  readonly example: string;
  parse(text: string): Parsed<T>;
  /** A value as it would be written, for the reference and for defaults. */
  format(value: T): string;
}

/** Where something listens or is reached. */
export interface HostPort {
  /** A name or an address; an IPv6 address stands without its brackets. */
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A parsed value. */
export function valid<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** A fault, as it follows the variable's name: `is not an integer`. */
export function invalid(fault: string): Parsed<never> {
  return { ok: false, fault };
}

/** Any text. */
export const text: Parser<string> = { rule: 'any text', example: 'text', parse: valid, format: String };

/** Text that matches `pattern`; `rule` says in words what that means. */
export function matching(pattern: RegExp, rule: string, example: string): Parser<string> {
  return {
    rule,
    example,
    parse: (value) => (pattern.test(value) ? valid(value) : invalid(`is not ${rule}`)),
    format: String,
  };
}

/** A whole number within bounds, both included. */
export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): Parser<number> {
  const rule = max === Number.MAX_SAFE_INTEGER ? `an integer of ${min} or more` : `an integer from ${min} to ${max}`;
  return {
    rule,
    example: String(min),
    parse(value) {
      const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (Number.isNaN(number)) return invalid('is not an integer');
      if (number < min) return invalid(`is less than ${min}`);
      return number > max ? invalid(`is more than ${max}`) : valid(number);
    },
    format: String,
  };
}

/** One of the words given. */
export function oneOf<const T extends string>(words: readonly [T, ...T[]]): Parser<T> {
  return {
    rule: `one of ${words.join(', ')}`,
    example: words[0],
    parse(value) {
      const word = words.find((candidate) => candidate === value);
      return word === undefined ? invalid('is unknown') : valid(word);
    },
    format: String,
  };
}

/** A list of at least one, separated by commas. */
export function list<T>(item: Parser<T>): Parser<readonly T[]> {
  return {
    rule: `a comma-separated list, each ${item.rule}`,
    example: item.example,
    parse(value) {
      const parts = value.split(',').map((part) => part.trim());
      const items: T[] = [];
      for (const [index, part] of parts.entries()) {
        const parsed = part === '' ? invalid('is empty') : item.parse(part);
        if (!parsed.ok) return invalid(parts.length === 1 ? parsed.fault : `item ${index + 1} ${parsed.fault}`);
        items.push(parsed.value);
      }
      return valid(items);
    },
    format: (values) => values.map(item.format).join(','),
  };
}

/** A URL of one of the protocols given, such as `postgres:`; of any where none is. */
export function url({ protocols = [], example = 'https://example.com/' }: UrlOptions = {}): Parser<string> {
  return {
    rule: protocols.length === 0 ? 'a URL' : `a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    example,
    parse(value) {
      if (!URL.canParse(value)) return invalid('is not a URL');
      const { protocol } = new URL(value);
      if (protocols.length === 0 || protocols.includes(protocol)) return valid(value);
      return invalid(`begins with ${protocol}`);
    },
    format: String,
  };
}

/** What a URL is held to. */
export interface UrlOptions {
  /** With their colon: `postgres:`. */
  readonly protocols?: readonly string[];
  readonly example?: string;
}

/** An address to call: `host:port`, `[v6]:port`. */
export const hostPort: Parser<HostPort> = {
  rule: 'host:port, an IPv6 address in brackets',
  example: '127.0.0.1:50050',
  parse: (value) => parseHostPort(value, 1),
  format: formatHostPort,
};

/** An address to listen at: as {@link hostPort}, and port 0 is any free one. */
export const listenAddress: Parser<HostPort> = {
  ...hostPort,
  rule: 'host:port, an IPv6 address in brackets, port 0 for any free one',
  parse: (value) => parseHostPort(value, 0),
};

/** How an instance is reached, where that is not what it is bound to: without a port, the port is the bound one. */
export const reachableAt: Parser<ReachableAt> = {
  rule: 'host or host:port, an IPv6 address in brackets',
  example: 'sales-1:50053',
  parse(value) {
    const { v6, host = v6, port } = HOST_PORT.exec(value)?.groups ?? {};
    if (host === undefined) return invalid('is not host or host:port');
    return port === undefined ? valid({ host, port: undefined }) : parseHostPort(value, 1);
  },
  format: ({ host, port }) => (port === undefined ? host : formatHostPort({ host, port })),
};

/** How services are balanced, beside what their contracts say. */
export const balancingOverrides: Parser<BalancingOverrides> = {
  rule: 'service=policy[?key=value&…], several with commas, * for every other service',
  example: 'sales.v1.OrderService=least_request,*=weighted_round_robin?weights=load&slow_start=30s',
  parse(value) {
    const { overrides, faults } = parseBalancing(value);
    return faults.length === 0 ? valid(overrides) : invalid(`is wrong: ${faults.join('; ')}`);
  },
  format: formatBalancing,
};

/** A host, and a port where it was said. */
export interface ReachableAt {
  readonly host: string;
  readonly port: number | undefined;
}

const HOST_PORT = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^\s:/[\]]+))(?::(?<port>\d{1,5}))?$/;

function parseHostPort(value: string, minPort: number): Parsed<HostPort> {
  const { v6, host = v6, port: digits } = HOST_PORT.exec(value)?.groups ?? {};
  if (host === undefined || digits === undefined) return invalid('is not host:port');
  const port = Number(digits);
  if (port < minPort || port > 65535) return invalid(`has port ${port}, which is not from ${minPort} to 65535`);
  return valid({ host, port });
}
