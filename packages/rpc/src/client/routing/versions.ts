import { canaryPercent, type Endpoint } from '../../resolver/index.js';
import type { WireCall } from '../../transport/index.js';

/** The metadata key by which a call asks for instances of one version. */
const VERSION_KEY = 'rondo-version';

/** The version that a call asks for; undefined where it takes any. */
export function askedVersion({ metadata }: Pick<WireCall, 'metadata'>): string | undefined {
  return metadata.get(VERSION_KEY) || undefined;
}

/** Whether an instance may get calls that ask for `version`; for undefined, those that ask for none. */
export function isMeantFor(endpoint: Endpoint, version: string | undefined): boolean {
  return version === undefined ? canaryPercent(endpoint) !== 0 : endpoint.version === version;
}

/** So many versions are named, and so much of each. */
const NAMED = 10;
const NAMED_LENGTH = 128;

/** The versions there are, as they stand in a sentence. */
export function describeVersions(endpoints: readonly Endpoint[]): string {
  const versions = [...new Set(endpoints.map(({ version }) => version))].sort();
  const named = versions.filter((version) => version !== '').map((version) => version.slice(0, NAMED_LENGTH));
  const more = named.length > NAMED ? [`${named.length - NAMED} more`] : [];
  if (named.length === 0) return 'no instance says its version (RONDO_VERSION)';
  const none = versions.includes('') ? ['and instances that say none'] : [];
  return `the versions there are: ${[...named.slice(0, NAMED), ...more, ...none].join(', ')}`;
}

/** A version that a call asked for, as a message quotes it. */
export function quoteVersion(version: string): string {
  return version.slice(0, NAMED_LENGTH);
}
