import { hostUrls } from '@rondo/base';
import { type BalancingOverrides, balancingText, type MaxCalls, maxCallsText } from '@rondo/rpc/internal';

/** A parsed value, or what is wrong with the text. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string };

/** Parses the text of an environment variable. */
export interface Parser<T> {
  /** The rule for values, as a noun phrase: `an integer from 1 to 10`. */
  readonly rule: string;
  /** A valid value. */
  readonly example: string;
  parse(text: string): Parsed<T>;
  /** The text of a value, for the reference and for defaults. */
  format(value: T): string;
}

/** An address to listen on or to call. */
export interface HostPort {
  /** A name or an IP address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `host:port`; an IPv6 address is in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function valid<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** A fault that follows the variable's name: `is not an integer`. */
export function invalid(fault: string): Parsed<never> {
  return { ok: false, fault };
}

/** Any text. */
export const text: Parser<string> = { rule: 'any text', example: 'text', parse: valid, format: String };

/** Text that matches `pattern`; `rule` describes the pattern for error messages. */
export function matching(pattern: RegExp, rule: string, example: string): Parser<string> {
  return {
    rule,
    example,
    parse: (value) => (pattern.test(value) ? valid(value) : invalid(`is not ${rule}`)),
    format: String,
  };
}

/** An integer from `min` to `max`, both inclusive; by default any that is not negative. */
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

/** One of the given words. */
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

/** A comma-separated list of at least one item. */
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

/** A URL with one of the given protocols; any protocol by default. A URL of PostgreSQL may have several hosts. */
export function url({
  protocols = [],
  example = 'https://example.com/',
  query = true,
}: UrlOptions = {}): Parser<string> {
  return {
    rule: protocols.length === 0 ? 'a URL' : `a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    example,
    parse(value) {
      const [one, ...others] = protocols.includes('postgres:') ? hostUrls(value) : [value];
      if (one === undefined || ![one, ...others].every((each) => URL.canParse(each))) return invalid('is not a URL');
      const { protocol, search } = new URL(one);
      if (!query && search !== '') return invalid('has keys behind a ?, and none has an effect');
      if (protocols.length === 0 || protocols.includes(protocol)) return valid(value);
      return invalid('begins with another scheme'); // which may be the first part of a password
    },
    format: String,
  };
}

/** Options of {@link url}. */
export interface UrlOptions {
  /** Allowed protocols with their colon: `postgres:`. */
  readonly protocols?: readonly string[];
  readonly example?: string;
  /** Whether it may have a query; true by default. */
  readonly query?: boolean;
}

/** An address to call: `host:port` or `[v6]:port`. */
export const hostPort: Parser<HostPort> = {
  rule: 'host:port, an IPv6 address in brackets',
  example: '127.0.0.1:50050',
  parse: (value) => parseHostPort(value, 1),
  format: formatHostPort,
};

/** Rondo's registry, by its addresses, or a registry of another kind, by its URL. */
export type RegistryLocation = readonly HostPort[] | string;

/** Where the registry is. */
export const registryLocation: Parser<RegistryLocation> = {
  rule: 'a comma-separated list of host:port, or the URL of a registry of another kind, such as consul://127.0.0.1:8500',
  example: '127.0.0.1:50050',
  parse: (value) => (/^[a-z][a-z0-9+.-]*:\/\//.test(value) ? valid(value) : list(hostPort).parse(value)),
  format: (location) => (typeof location === 'string' ? location : list(hostPort).format(location)),
};

/** An address to listen on: like {@link hostPort}, but port 0 means any free port. */
export const listenAddress: Parser<HostPort> = {
  ...hostPort,
  rule: 'host:port, an IPv6 address in brackets, port 0 for any free one',
  parse: (value) => parseHostPort(value, 0),
};

/**
 * The address that clients call, if it differs from the address that the process listens on. If it has no port, the
 * port that the process listens on is used.
 */
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

/** Overrides of the balancing that contracts specify, by service. */
export const balancingOverrides: Parser<BalancingOverrides> = {
  rule: 'service=policy[?key=value&…], several with commas, * for every other service',
  example: 'sales.v1.OrderService=least_request,*=weighted_round_robin?weights=load&slow_start=30s',
  parse(text) {
    const { value, faults } = balancingText.parse(text);
    return faults.length === 0 ? valid(value) : invalid(`is wrong: ${faults.join('; ')}`);
  },
  format: balancingText.format,
};

/** Bounds of the calls in flight: a number for the server, `caller=N` for each caller, `package.Service/Method=N`. */
export const maxCalls: Parser<MaxCalls> = {
  rule: maxCallsText.rule,
  example: maxCallsText.example,
  parse(text) {
    const { value, faults } = maxCallsText.parse(text);
    return faults.length > 0 ? invalid(faults.join('; ')) : valid(value);
  },
  format: maxCallsText.format,
};

/** A host with an optional port. */
export interface ReachableAt {
  readonly host: string;
  readonly port: number | undefined;
}

const HOST_PORT = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^\s:/?#@[\]]+))(?::(?<port>\d{1,5}))?$/;

function parseHostPort(value: string, minPort: number): Parsed<HostPort> {
  const { v6, host = v6, port: digits } = HOST_PORT.exec(value)?.groups ?? {};
  if (host === undefined || digits === undefined) return invalid('is not host:port');
  const port = Number(digits);
  if (port < minPort || port > 65535) return invalid(`has port ${port}, which is not from ${minPort} to 65535`);
  return valid({ host, port });
}
