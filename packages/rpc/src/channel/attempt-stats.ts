import { Durations, toMicros } from '../call/durations.js';
import { RpcError } from '../status/rpc-error.js';
import type { AttemptOutcome } from './method-candidate.js';
import { isServerFault } from './outlier-detection/criteria.js';

/** Counts the attempts that a process makes at the instances of a service, or at one of them. To count allocates nothing. */
export class AttemptStats extends Durations {
  begun = 0;
  /** The attempts that failed by a fault of the instance or of the way to it. */
  failed = 0;

  /** An attempt has ended. Only `unary` ones count by their durations: how long a stream lasts, its caller decides. */
  end({ error, elapsedMs, endedBy }: AttemptOutcome, unary: boolean): void {
    if (endedBy === 'caller' || endedBy === 'hedge') return;
    if (error instanceof RpcError && isServerFault(error.code)) this.failed += 1;
    if (unary) this.took(toMicros(elapsedMs));
  }
}
