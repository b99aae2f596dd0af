/**
 * What only `@rondo/topics` needs, whose deliveries are stored calls too. It may change with any commit.
 *
 * ```ts
 * import { Worker } from '@rondo/jobs/internal';
 *
 * const worker = (options: ConstructorParameters<typeof Worker>[0]) => new Worker(options);
 * ```
 */

export {
  codeOf,
  encodedCall,
  storedCaller,
} from '../caller.js';
export { declaredMethod, type StoredMethod } from '../contract.js';
export { declaredJob, faultOf } from '../declared.js';
export { awayMs, failureOf, isAway } from '../failure.js';
export { claimHeads, unblock } from '../lanes.js';
export type { JobMeter } from '../metrics.js';
export { countJobs, discardJob, listJobs, listRetried, retryJob } from '../store.js';
export { Worker } from '../worker.js';
