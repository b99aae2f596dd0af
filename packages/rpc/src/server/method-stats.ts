import { Durations } from '../call/durations.js';
import { Status } from '../status/code.js';

/**
 * Counts the calls of one method since the router was created. All figures are whole numbers in plain arrays and fields: to
 * count a call allocates nothing.
 */
export class MethodStats extends Durations {
  begun = 0;
  requestBytes = 0;
  replyBytes = 0;
  readonly ended: number[] = new Array(Object.keys(Status).length).fill(0);
}
