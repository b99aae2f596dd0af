import type { Call } from '../call/index.js';
import type { Attempt } from '../status/index.js';

/** A call as its caller's side sees it. */
export interface ClientCall extends Call {
  /** When it began, by the channel's clock. */
  readonly startedAt: number;
  /** Where it was tried so far; the channel fills it. */
  readonly attempts: Attempt[];
}
