/** What a contract says of a workflow, and what contradicts itself in it: at the start of a service, and when contracts are generated. */
import type { Workflow } from '@rondo/contracts/rondo/options/v1/options';
import { toMs } from '../declared.js';

/** A workflow as its contract declares it, with defaults filled in. */
export interface DeclaredWorkflow {
  readonly maxAttempts: number;
  readonly retentionMs: number;
}

/** What else the contract says of the method. */
interface DeclaredStart {
  readonly isUnary: boolean;
  /** Whether it returns an operation, and names the type of its result. */
  readonly startsOperation: boolean;
  /** Whether its calls have idempotency keys. */
  readonly hasKey: boolean;
  readonly isJob: boolean;
}

const [DEFAULT_ATTEMPTS, DAY_MS] = [12, 86_400_000];

export const declaredWorkflow = ({ maxAttempts, retention }: Workflow): DeclaredWorkflow => ({
  maxAttempts: maxAttempts || DEFAULT_ATTEMPTS,
  retentionMs: retention === undefined ? 30 * DAY_MS : toMs(retention),
});

/** What is wrong with it, as the end of a sentence that begins with `workflow`; undefined if nothing is. */
export function faultOfWorkflow(
  { maxAttempts, retentionMs }: DeclaredWorkflow,
  { isUnary, startsOperation, hasKey, isJob }: DeclaredStart,
): string | undefined {
  if (!isUnary) return ' is for a method with one request and one reply; leave it out';
  if (!startsOperation)
    return ' starts an operation: return google.longrunning.Operation, and name its result in google.longrunning.operation_info';
  if (!hasKey) return ' starts once for each key: give the method idempotency: {metadata: "idempotency-key"}';
  if (isJob) return ' is no job: leave job out; a run may be enqueued as well';
  if (maxAttempts < 1 || maxAttempts > 100) return `.max_attempts is ${maxAttempts}; it must be from 1 to 100`;
  if (retentionMs < 60_000 || retentionMs > 365 * DAY_MS)
    return `.retention is ${retentionMs} ms; it must be from 1 minute to 1 year`;
  return undefined;
}
