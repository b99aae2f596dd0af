import { createHash } from 'node:crypto';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import { encodeMessage } from '@rondo/rpc/internal';
import { type RpcError, Status, statusFromCode } from '@rondo/rpc/status';
import { type Outcome, RunBlocked } from './store.js';
import { days, RunFailed, type Workflow } from './workflow.js';

/** Beyond these a run waits for an operator. */
export const LIMITS = { steps: 10_000, resultBytes: 1024 * 1024, bytes: 64 * 1024 * 1024, ms: days(365), name: 200 };

/** An error as an outcome. */
export const statusOf = ({ code, message, details }: Pick<RpcError, 'code' | 'message' | 'details'>): Outcome => ({
  code,
  bytes: RichStatus.encode({ code, message, details: [...details] }).finish(),
});

/** The error that an outcome is, the same at the first time and at each replay. */
export function failureIn({ code, bytes }: Outcome): RunFailed {
  const { message, details } = RichStatus.decode(bytes ?? new Uint8Array());
  return new RunFailed(message, { code: statusFromCode(code), details });
}

/** The outcome of a run that was cancelled. */
export const CANCELLED = statusOf({ code: Status.CANCELLED, message: 'the run was cancelled', details: [] });

/** A key of a run and one of its steps. */
export const keyOfStep = (id: string, step: string): string =>
  createHash('sha256').update(`${id}\n${step}`).digest('hex');

export const readJson = (bytes: Uint8Array | null): unknown =>
  bytes === null ? undefined : JSON.parse(Buffer.from(bytes).toString());

/** @throws RunBlocked for what JSON doesn't have. */
export function writeJson(step: string, value: unknown): Outcome {
  try {
    const text = JSON.stringify(value);
    return { code: 0, bytes: text === undefined ? null : Buffer.from(text) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunBlocked(
      `the result of ${step} can't be stored as JSON (${why}): return strings, numbers and plain objects`,
    );
  }
}

/** Why an outcome can't be recorded: it is too large, or the run's outcomes are with it. */
export const tooLarge = (step: string, size: number): RunBlocked =>
  new RunBlocked(
    size > LIMITS.resultBytes
      ? `the result of ${step} has ${size} bytes, and 1 MiB is the most: store it elsewhere, and return its name`
      : `the results of the run have more than 64 MiB with that of ${step}: store them elsewhere, and return their names`,
  );

/** Whether a stored request has fields that this version's contract lacks, or has in another type: they would be lost. */
export function isMisread({ method: { requestType } }: Workflow, request: Uint8Array): boolean {
  try {
    const read = encodeMessage(requestType, requestType.decode(request));
    // A contract that declares its fields in another order writes the same bytes in another order.
    return Buffer.compare(read, request) !== 0 && Buffer.compare(read.toSorted(), request.toSorted()) !== 0;
  } catch {
    return true; // what was a text is a message now
  }
}
