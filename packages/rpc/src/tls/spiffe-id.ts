import type { X509Certificate } from 'node:crypto';

/**
 * A SPIFFE id: the identity of a process, `spiffe://<trust domain>/<name>`.
 *
 * Source: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md
 */
export interface SpiffeId {
  /** The whole id. */
  readonly uri: string;
  /** The trust domain: `example.org`. */
  readonly trustDomain: string;
  /** The path without its first slash: the name of the process, such as `sales`. */
  readonly name: string;
}

const MAX_URI_LENGTH = 2_048;
const URI = /^spiffe:\/\/(?<trustDomain>[a-z0-9._-]{1,255})\/(?<name>[\w.-]+(?:\/[\w.-]+)*)$/;

/** Parses a SPIFFE id; undefined if `uri` is none. */
export function parseSpiffeId(uri: string): SpiffeId | undefined {
  if (uri.length > MAX_URI_LENGTH) return undefined;
  const { trustDomain, name } = URI.exec(uri)?.groups ?? {};
  if (trustDomain === undefined || name === undefined) return undefined;
  if (name.split('/').some((segment) => segment === '.' || segment === '..')) return undefined;
  return { uri, trustDomain, name };
}

/** One entry of a subject alternative name, as Node prints it: in quotes, as JSON, if it has a comma or a quote itself. */
const ENTRY = /(?:^|, )(?<type>[A-Za-z ]+):(?<value>"(?:[^"\\]|\\.)*"|[^,]*)/g;

/**
 * The SPIFFE id of a certificate. Undefined if it has none, or more than one URI: which one counts is not defined then.
 *
 * Source: https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
 */
export function spiffeIdOf({ subjectAltName }: Pick<X509Certificate, 'subjectAltName'>): SpiffeId | undefined {
  const entries = [...(subjectAltName ?? '').matchAll(ENTRY)].map(({ groups }) => groups);
  const uris = entries.flatMap((entry) => (entry?.['type'] === 'URI' ? [entry['value'] ?? ''] : []));
  const [uri] = uris;
  return uri === undefined || uris.length > 1 ? undefined : parseSpiffeId(uri);
}

/** The ids of those who operate a system. */
const OPERATOR = /^spiffe:\/\/[^/]+\/(?:person|operator)\//;

/** Whether a SPIFFE id is that of a person or an operator. */
export const isOperatorId = (identity: string): boolean => OPERATOR.test(identity);

/** The version at the end of a package's name: `.v1`, `.v1beta2`. */
const VERSION = /\.v\d+(?:(?:alpha|beta)\d*)?$/;

/** The name of the process that is named like the package of a service: `sales` for `sales.v1.OrderService`. */
export function namedLike(service: string): string {
  const packageName = service.slice(0, Math.max(service.lastIndexOf('.'), 0)).replace(VERSION, '');
  return packageName.replace(/^rondo\./, '').replaceAll('_', '-');
}
