import type { Endpoint } from './resolver.js';

/** The label by which an instance says that it is a canary: what percent of the calls all like it are to get. */
export const CANARY_LABEL = 'canary';

/** What {@link CANARY_LABEL} may be, as it stands in a sentence. */
export const CANARY_RULE = 'a number from 0 to 100, without a percent sign';

const PERCENT = /^\d{1,3}(?:\.\d{1,6})?$/;

/** A canary's percent; undefined where `text` isn't one. */
export function parseCanaryPercent(text: string): number | undefined {
  const percent = PERCENT.test(text) ? Number(text) : Number.NaN;
  return percent <= 100 ? percent : undefined;
}

/**
 * The percent of a service's calls that an instance gets together with all like it; undefined where it is no canary. One
 * whose label can't be read gets none: whoever wrote it meant to hold it back.
 */
export function canaryPercent({ metadata }: Pick<Endpoint, 'metadata'>): number | undefined {
  const label = metadata[CANARY_LABEL];
  return label === undefined ? undefined : (parseCanaryPercent(label) ?? 0);
}

/** Why calls that don't ask for its version pass an instance over; undefined where that isn't so. */
export function whyNoShare({ metadata }: Pick<Endpoint, 'metadata'>): string | undefined {
  if (canaryPercent({ metadata }) !== 0) return undefined;
  const label = metadata[CANARY_LABEL] ?? '';
  const fault = parseCanaryPercent(label) === undefined ? `, which is not ${CANARY_RULE}` : '';
  return `takes only calls that ask for its version: its label is ${CANARY_LABEL}=${label}${fault}`;
}
