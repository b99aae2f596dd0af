import { backoffMs } from '@rondo/base';
import type { Database } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Random } from '@rondo/rpc/clock';
import { MAX_BACKOFF_MS, moveSaga, recordFailure, SAGA_CLAIM_MS, type SagaMove, type SagaRow } from './store.js';

/** The context of a step. */
export interface StepContext<Input> {
  /** The saga's id. */
  readonly sagaId: string;
  /** Unique to this step and the same for each try. Pass it as `request_id` to the calls of the step. */
  readonly key: string;
  /** The saga's input, after a round trip through JSON. */
  readonly input: Input;
  /** Results of the earlier steps by name, after a round trip through JSON. */
  readonly results: Readonly<Record<string, unknown>>;
  /** Aborts at the step's time-out, or if the process stops. */
  readonly signal: AbortSignal;
}

/** A step of a saga. */
export interface SagaStep<Input> {
  /** Unique in its saga. */
  readonly name: string;
  /**
   * Does the step. It may run more than once, even after a success. Its result goes through JSON. It throws
   * `StepRefused` if it can never succeed; any other error is retried.
   */
  run(context: StepContext<Input>): Promise<unknown>;
  /** When the signals of `run` and of `compensate` abort, in milliseconds; 8,000 by default and at most. */
  readonly timeoutMs?: number;
  /** Undoes the step, whether it was done or not. Without it there is nothing to undo. */
  compensate?(context: StepContext<Input>): Promise<void>;
}

/** Long-running work in steps. If a step is refused, it and the steps before it are compensated, the last first. */
export interface SagaDefinition<Input> {
  /** A permanent name, such as `cancel-order`. */
  readonly kind: string;
  /**
   * A saga stores the names of its steps when it starts; only processes with the same names in the same order run it. To change
   * steps, define another kind, and keep this one until its sagas are finished.
   */
  readonly steps: readonly SagaStep<Input>[];
}

/** Thrown by a step that can never succeed: the saga is compensated. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused';
}

interface SagaDependencies {
  readonly database: Database;
  readonly log: Logger;
  readonly random: Random;
  /** The number of failures of one step after which the saga waits for an operator. */
  readonly maxAttempts: number;
}

/** A step must end before another process may claim its saga. */
const STEP_TIMEOUT_MS = SAGA_CLAIM_MS * 0.8;

/**
 * The names of the steps.
 *
 * @throws TypeError if two steps have the same name, or a step may take too long.
 */
export function namesOfSteps({ kind, steps }: Pick<SagaDefinition<never>, 'kind' | 'steps'>): readonly string[] {
  for (const [index, { name, timeoutMs = STEP_TIMEOUT_MS }] of steps.entries()) {
    if (steps.findIndex((step) => step.name === name) !== index)
      throw new TypeError(`saga "${kind}": two steps have the name "${name}"; name each step differently`);
    if (!(timeoutMs >= 1 && timeoutMs <= STEP_TIMEOUT_MS))
      throw new TypeError(
        `saga "${kind}", step "${name}": timeoutMs must be from 1 to ${STEP_TIMEOUT_MS}, and is ${timeoutMs}; split longer work into several steps`,
      );
  }
  return steps.map(({ name }) => name);
}

const BACKOFF = { baseMs: 200, maxMs: MAX_BACKOFF_MS };
const MAX_ERROR_LENGTH = 500;
/** PostgreSQL doesn't accept NUL in a text. */
const storedText = (error: string): string => error.slice(0, MAX_ERROR_LENGTH).replaceAll('\0', '\ufffd');

/** Runs the steps of a saga until it is finished, a step fails, or another process has the saga. */
export async function advance(
  dependencies: SagaDependencies,
  { saga, definition }: { readonly saga: SagaRow; readonly definition: SagaDefinition<unknown> },
  closing: AbortSignal,
): Promise<void> {
  let current: SagaRow | undefined = saga;
  while (current !== undefined && !isFinished(current) && !closing.aborted) {
    const row: SagaRow = current;
    const step = definition.steps[row.step];
    try {
      const move = await next(row, { step, count: definition.steps.length }, closing);
      current = await moveSaga(dependencies.database, row, move);
    } catch (error) {
      if (closing.aborted) return;
      await fail(dependencies, { row, step }, error);
      return;
    }
  }
}

const isFinished = ({ state }: SagaRow): boolean => state === 'done' || state === 'compensated';

interface Position {
  readonly step: SagaStep<unknown> | undefined;
  readonly count: number;
}

async function next(row: SagaRow, position: Position, closing: AbortSignal): Promise<SagaMove> {
  return row.state === 'running' ? await forward(row, position, closing) : await backward(row, position, closing);
}

async function forward(row: SagaRow, { step, count }: Position, closing: AbortSignal): Promise<SagaMove> {
  const { results } = row;
  if (step === undefined) return { state: 'done', step: count, results, error: '' };
  try {
    const result = (await step.run(contextOf(row, step, closing))) ?? null;
    const at = row.step + 1;
    return {
      state: at < count ? 'running' : 'done',
      step: at,
      results: { ...results, [step.name]: result },
      error: '',
    };
  } catch (error) {
    if (!(error instanceof StepRefused)) throw error;
    // The refused step is compensated, too: it may have had effects before it refused.
    return { state: 'compensating', step: row.step, results, error: storedText(`${step.name}: ${error.message}`) };
  }
}

async function backward(row: SagaRow, { step }: Position, closing: AbortSignal): Promise<SagaMove> {
  const { results, error } = row;
  if (step !== undefined) await step.compensate?.(contextOf(row, step, closing));
  const at = row.step - 1;
  return at < 0
    ? { state: 'compensated', step: 0, results, error }
    : { state: 'compensating', step: at, results, error };
}

function contextOf(row: SagaRow, step: SagaStep<unknown>, closing: AbortSignal) {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(step.timeoutMs ?? STEP_TIMEOUT_MS)]);
  return { sagaId: row.id, key: `${row.id}/${step.name}`, input: row.input, results: row.results, signal };
}

interface Failed {
  readonly row: SagaRow;
  readonly step: SagaStep<unknown> | undefined;
}

async function fail({ database, log, random, maxAttempts }: SagaDependencies, { row, step }: Failed, fault: unknown) {
  const parked = row.attempts + 1 >= maxAttempts;
  const fields = { err: fault, saga: row.id, kind: row.kind, subject: row.subject, step: step?.name };
  if (parked)
    log.error(
      fields,
      `a saga has failed ${row.attempts + 1} times: remove the cause, then run rondo tx resolve ${row.id} --retry`,
    );
  else log.debug(fields, 'a step of a saga failed; it is retried');
  const error = storedText(fault instanceof Error ? fault.message : String(fault));
  const delayMs = backoffMs(row.attempts, { ...BACKOFF, random });
  await recordFailure(database, row, { error, parked, backoffMs: delayMs });
}
