import type { Endpoint, Resolution } from './resolver.js';

/**
 * The label that marks an instance as a canary. Its value is the percentage of calls that all instances with this label
 * get together.
 */
export const CANARY_LABEL = 'canary';

/** The rule for the value of {@link CANARY_LABEL}, as the end of a sentence. */
export const CANARY_RULE = 'a number from 0 to 100, without a percent sign';

const PERCENT = /^\d{1,3}(?:\.\d{1,6})?$/;

/** The percentage in `text`; undefined if it isn't a valid one. */
export function parseCanaryPercent(text: string): number | undefined {
  const percent = PERCENT.test(text) ? Number(text) : Number.NaN;
  return percent <= 100 ? percent : undefined;
}

/**
 * The percentage of a service's calls that an instance gets together with all others of the same label; undefined if it is no
 * canary. An unreadable label counts as 0, because a label shows that the operator meant to limit the instance's calls.
 */
export function canaryPercent({ metadata }: Pick<Endpoint, 'metadata'>): number | undefined {
  const label = metadata[CANARY_LABEL];
  return label === undefined ? undefined : (parseCanaryPercent(label) ?? 0);
}

/** `resolution` with another percentage for all canaries; undefined: their own. An instance that is no canary stays as it is. */
export function withCanaries(resolution: Resolution, percent: number | undefined): Resolution {
  if (percent === undefined) return resolution;
  const endpoints = resolution.endpoints.map((endpoint) => {
    if (endpoint.metadata[CANARY_LABEL] === undefined) return endpoint;
    return { ...endpoint, metadata: { ...endpoint.metadata, [CANARY_LABEL]: String(percent) } };
  });
  return { ...resolution, endpoints };
}

/** Why an instance gets only calls that ask for its version; undefined if that isn't so. */
export function canaryReason({ metadata }: Pick<Endpoint, 'metadata'>): string | undefined {
  if (canaryPercent({ metadata }) !== 0) return undefined;
  const label = metadata[CANARY_LABEL] ?? '';
  const fault = parseCanaryPercent(label) === undefined ? `, which is not ${CANARY_RULE}` : '';
  return `takes only calls that ask for its version: its label is ${CANARY_LABEL}=${label}${fault}`;
}
