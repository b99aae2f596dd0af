import { Durations } from '../call/durations.js';
import { Status } from '../status/code.js';

/**
 * Counts the calls of one method since the router was created. All figures are whole numbers in plain arrays and fields: to
 * count a call allocates nothing.
 */
export class MethodStats extends Durations {
  /** Calls that have begun. */
  begun = 0;
  /** Bytes of the messages received. */
  requestBytes = 0;
  /** Bytes of the messages sent. */
  replyBytes = 0;
  /** Calls that have ended, by status code. */
  readonly ended: number[] = new Array(Object.keys(Status).length).fill(0);
}
