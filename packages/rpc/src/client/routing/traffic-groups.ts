import { canaryPercent, type Endpoint } from '../../resolver/index.js';

/** The group of those that are no canaries. */
export const STABLE = '';

/** The group that an instance is in where a call asks for no version: canaries of one label and one version are one. */
export function groupOf(endpoint: Endpoint): string {
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
export type Portions = ReadonlyMap<string, number>;
