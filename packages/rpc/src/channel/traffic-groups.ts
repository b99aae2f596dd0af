import { canaryPercent, type Endpoint } from '../resolver/index.js';
import type { WireCall } from '../transport/index.js';

/** The group of those that are no canaries. */
export const STABLE = '';

/** The group that an instance is in where a call asks for no version: canaries of one label and one version are one. */
export function trafficGroupOf(endpoint: Endpoint): string {
  const percent = canaryPercent(endpoint);
  return percent === undefined ? STABLE : `canary=${percent} ${endpoint.version}`;
}

/** The group of those of one version, for calls that ask for it. */
export function versionGroup(version: string): string {
  return `version ${version}`;
}

/**
 * The portion of all calls that each of `groups` gets, 0 to 1: canaries have their percent, the stable ones the rest.
 * Where the percentages add up to more than there is, or nobody else is there, each changes in the same proportion.
 */
export function portionsOf(groups: ReadonlyMap<string, readonly { readonly endpoint: Endpoint }[]>): Portions {
  const percents = [...groups].flatMap(([name, [first]]) => {
    const percent = name === STABLE || first === undefined ? undefined : canaryPercent(first.endpoint);
    return percent === undefined ? [] : [{ name, percent }];
  });
  const canaries = percents.reduce((total, { percent }) => total + percent, 0);
  const whole = groups.has(STABLE) ? Math.max(100, canaries) : canaries;
  const portion = (percent: number) => (whole === 0 ? 0 : percent / whole);
  const portions = new Map(percents.map(({ name, percent }) => [name, portion(percent)]));
  return groups.has(STABLE) ? portions.set(STABLE, portion(whole - canaries)) : portions;
}

/** By group. */
type Portions = ReadonlyMap<string, number>;

/** The metadata key by which a call asks for instances of one version. */
const VERSION_KEY = 'rondo-version';

/** The version that a call asks for; undefined where it takes any. */
export function requestedVersion({ metadata }: Pick<WireCall, 'metadata'>): string | undefined {
  return metadata.get(VERSION_KEY) || undefined;
}

/** Whether an instance may get calls that ask for `version`; for undefined, those that ask for none. */
export function mayServe(endpoint: Endpoint, version: string | undefined): boolean {
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
