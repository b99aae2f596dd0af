import type { Database } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Random } from '@rondo/rpc/clock';
import { type SagaRow, moveSaga, noteFailure, SAGA_CLAIM_MS, type SagaMove } from './store.js';

/** What a step is done with. */
export interface StepContext<Input> {
  /** The saga's id. */
  readonly sagaId: string;
  /** The same each time that the step is done, and no other step's: what it calls takes it as its `request_id`. */
  readonly key: string;
  /** What the saga was started with, as JSON has it. */
  readonly input: Input;
  /** What the steps before returned, by their names, as JSON has it. */
  readonly results: Readonly<Record<string, unknown>>;
  /** Aborts when the step takes too long, or the process stops. */
  readonly signal: AbortSignal;
}

/** A step of a saga. */
export interface SagaStep<Input> {
  /** Unique in its saga. */
  readonly name: string;
  /**
   * Does it; it may be done more than once, also after it has been done. What it returns goes through JSON. It throws
   * `StepRefused` where it will never do; anything else is tried again.
   */
  run(context: StepContext<Input>): Promise<unknown>;
  /** Undoes it, be it that it was done or not; where it can't, nothing has to be undone. */
  compensate?(context: StepContext<Input>): Promise<void>;
}

/** Long work in steps: each is done, or what was done before it is undone, the last first. */
export interface SagaDefinition<Input> {
  /** Names it for ever, such as `cancel-order`. */
  readonly kind: string;
  /** Steps may be added at the end where sagas of the kind are under way; not taken away, nor their order changed. */
  readonly steps: readonly SagaStep<Input>[];
}

/** A step that will never do: what was done before it is undone. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused';
}

/** What working on sagas takes. */
interface SagaDependencies {
  readonly database: Database;
  readonly log: Logger;
  readonly random: Random;
  /** After so many failures of one step, somebody has to look. */
  readonly maxAttempts: number;
}

/** A step must end before its saga may be taken by another. */
const STEP_TIMEOUT_MS = SAGA_CLAIM_MS * 0.8;
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 60_000;
const MAX_ERROR_LENGTH = 500;

/** Does the steps of a saga until it is finished, one fails, or somebody else has it. */
export async function advance(
  advancing: SagaDependencies,
  { saga, definition }: { readonly saga: SagaRow; readonly definition: SagaDefinition<unknown> },
  closing: AbortSignal,
): Promise<void> {
  let current: SagaRow | undefined = saga;
  while (current !== undefined && !isFinished(current) && !closing.aborted) {
    const row: SagaRow = current;
    const step = definition.steps[row.step];
    try {
      const move = await next(row, { step, count: definition.steps.length }, closing);
      current = await moveSaga(advancing.database, row, move);
    } catch (error) {
      if (closing.aborted) return;
      await fail(advancing, { row, step }, error);
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
    // The refused step, too: it may have done something before it refused.
    return { state: 'compensating', step: row.step, results, error: `${step.name}: ${error.message}` };
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
  const signal = AbortSignal.any([closing, AbortSignal.timeout(STEP_TIMEOUT_MS)]);
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
      `a saga has failed ${row.attempts + 1} times: see to it, then rondo tx resolve ${row.id} --retry`,
    );
  else log.debug(fields, 'a step of a saga failed; it is tried again');
  const error = (fault instanceof Error ? fault.message : String(fault)).slice(0, MAX_ERROR_LENGTH);
  const ceilingMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(row.attempts, 20));
  await noteFailure(database, row, { error, parked, backoffMs: (ceilingMs * (1 + random.next())) / 2 });
}
