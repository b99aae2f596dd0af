import { canaryPercent } from '../resolver/canary.js';
import type { Endpoint } from '../resolver/resolver.js';
import type { WireCall } from '../transport/transport.js';

/** The group of the instances that are no canaries. */
export const STABLE = '';

/** The traffic group of an instance: stable, or the canaries with the same percentage and version. */
export function trafficGroupOf(endpoint: Endpoint): string {
  const percent = canaryPercent(endpoint);
  return percent === undefined ? STABLE : `canary=${percent} ${endpoint.version}`;
}

/** The group of the instances of one version, for calls that ask for that version. */
export function versionGroup(version: string): string {
  return `version ${version}`;
}

/**
 * The portion of all calls, 0 to 1, that each group gets: canaries get their percentages, the stable instances the rest. If
 * the percentages exceed 100, or if there are no stable instances, all portions are scaled to a sum of 1.
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

/** Portions of calls, 0 to 1, by traffic group. */
type Portions = ReadonlyMap<string, number>;

/** The metadata key by which a call asks for instances of one version. */
const VERSION_KEY = 'rondo-version';

/** The version that a call asks for; undefined if it takes any. */
export function requestedVersion({ metadata }: Pick<WireCall, 'metadata'>): string | undefined {
  return metadata.get(VERSION_KEY) || undefined;
}

/** Whether an instance may serve calls that ask for `version`, or for none if `version` is undefined. */
export function mayServe(endpoint: Endpoint, version: string | undefined): boolean {
  return version === undefined ? canaryPercent(endpoint) !== 0 : endpoint.version === version;
}

/** How many versions a message names, and how many characters of each. */
const NAMED = 10;
const NAMED_LENGTH = 128;

/** The known versions, as part of a sentence. */
export function describeVersions(endpoints: readonly Endpoint[]): string {
  const versions = [...new Set(endpoints.map(({ version }) => version))].sort();
  const named = versions.filter((version) => version !== '').map((version) => version.slice(0, NAMED_LENGTH));
  const more = named.length > NAMED ? [`${named.length - NAMED} more`] : [];
  if (named.length === 0) return 'no instance says its version (RONDO_VERSION)';
  const none = versions.includes('') ? ['and instances that say none'] : [];
  return `the versions there are: ${[...named.slice(0, NAMED), ...more, ...none].join(', ')}`;
}

/** A requested version as messages quote it. */
export function quoteVersion(version: string): string {
  return version.slice(0, NAMED_LENGTH);
}
