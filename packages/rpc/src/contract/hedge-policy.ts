import type { Hedge as HedgeOption } from '@rondo/contracts/rondo/options/v1/options';
import { checkMs, toMs } from './duration.js';

/** When another instance is asked for an answer that is late. */
export interface HedgePolicy {
  /** How long a call waits for an answer. Milliseconds; undefined: as long as 95 % of the latest calls took. */
  readonly delayMs: number | undefined;
}

const DELAY_RANGE = [1, 3_600_000] as const;

/** The policy that a contract declares. */
export function hedgeOf({ delay }: HedgeOption): HedgePolicy {
  return { delayMs: delay && toMs(delay) };
}

/** What is wrong with the policy, as the end of a sentence; undefined if nothing is. */
export function checkHedge({ delayMs }: HedgePolicy, streaming: boolean): string | undefined {
  if (streaming) return ' is for unary methods: of two streams, neither is the whole answer; leave it out';
  const fault = delayMs === undefined ? undefined : checkMs(delayMs, DELAY_RANGE);
  return fault === undefined ? undefined : `.delay ${fault}`;
}
