import {
  CalculatorServiceDefinition,
  type EvaluatePartResponse,
  RoundingMode,
} from '@rondo/contracts/calculator/v1/calculator';
import { currentScope, runOutsideScope } from '@rondo/rpc/call';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status, statusFromCode } from '@rondo/rpc/status';
import { PeerUnavailable } from './domain/errors.js';
import type { Calculator } from './domain/pricing.js';
import { ask } from './peers.js';

/** The deadline of `Evaluate`, so that a batch takes no longer than a single expression may. */
const TIMEOUT_MS = 2_000;
/** Keeps a call below the contract's limit of 128 KiB, as encoded. */
const MAX_CHARACTERS = 100_000;
const MAX_WAITING = 5_000;

/** A client of the calculator. Expressions that are evaluated at the same time share calls. */
export function createCalculator(channel: Channel): Calculator {
  const client = createClient(CalculatorServiceDefinition, { channel });
  // All expressions of a call have the same scale. There are few scales, as a currency has at most three digits.
  const byScale = new Map<number | undefined, (expression: string) => Promise<string>>();
  const batchesOf = (scale: number | undefined) => {
    const batches = byScale.get(scale) ?? createBatches(client, scale);
    byScale.set(scale, batches);
    return batches;
  };
  return { evaluate: (expression, scale) => ask('the calculator', untilAborted(batchesOf(scale)(expression))) };
}

function createBatches(client: Client<typeof CalculatorServiceDefinition>, scale: number | undefined) {
  const rounding = RoundingMode.ROUNDING_MODE_HALF_EVEN;
  return createExpressionBatches({
    maxCharacters: MAX_CHARACTERS,
    maxWaiting: MAX_WAITING,
    tooMany: () => new PeerUnavailable('the calculator', new Error(`${MAX_WAITING} expressions are already waiting`)),
    async evaluate(expressions) {
      const request = { expressions: [...expressions], rounding, ...(scale !== undefined && { scale }) };
      // The call serves many callers, so it mustn't end with the scope of one of them.
      const response = await runOutsideScope(() => client.evaluatePart(request, { timeoutMs: TIMEOUT_MS }));
      return valuesOf(response);
    },
  });
}

function valuesOf({ results, errors }: EvaluatePartResponse): readonly Promise<string>[] {
  const byIndex = new Map(errors.map(({ index, status }) => [index, status]));
  return results.map((result, index) => {
    const status = byIndex.get(index);
    if (status === undefined && !byIndex.has(index)) return Promise.resolve(result);
    return Promise.reject(new RpcError(statusFromCode(status?.code ?? Status.UNKNOWN), status?.message ?? ''));
  });
}

/** Waits for `value` until the signal of the current call aborts. */
function untilAborted(value: Promise<string>): Promise<string> {
  const signal = currentScope()?.signal;
  if (signal === undefined) return value;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** A waiting expression. */
interface Waiting {
  readonly expression: string;
  readonly settle: (outcome: Promise<string>) => void;
}

/** How batches are evaluated, and their limits. */
interface BatchOptions {
  /** The values of expressions, in their order. A single value may fail, or the whole batch. */
  readonly evaluate: (expressions: readonly string[]) => Promise<readonly Promise<string>[]>;
  /** The most characters in a call. */
  readonly maxCharacters: number;
  /** The most waiting expressions. */
  readonly maxWaiting: number;
  /** The error if more expressions than that would wait. */
  readonly tooMany: () => Error;
}

/** With two concurrent calls, a call that hangs doesn't block the other expressions. */
const MAX_CALLS = 2;

/**
 * Batches expressions into calls. The expressions of one iteration of the event loop share a call, and those that
 * arrive while all calls are in flight share the next call. So a single expression never waits for others, and a
 * thousand expressions need only a few calls.
 */
export function createExpressionBatches(options: BatchOptions): (expression: string) => Promise<string> {
  const { evaluate, maxCharacters, maxWaiting, tooMany } = options;
  const waiting: Waiting[] = [];
  let calls = 0;
  let scheduled = false;

  const send = async (): Promise<void> => {
    if (calls === MAX_CALLS || waiting.length === 0) return;
    calls += 1;
    const batch = waiting.splice(0, fitting(waiting, maxCharacters));
    try {
      const response = evaluate(batch.map(({ expression }) => expression));
      void send(); // the expressions that didn't fit
      const values = await response;
      for (const [index, { settle }] of batch.entries()) settle(values[index] ?? missing());
    } catch (error) {
      for (const { settle } of batch) settle(Promise.reject(error));
    } finally {
      calls -= 1;
      void send();
    }
  };
  // An iteration of the event loop may read requests from several connections; setImmediate runs after all of them.
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void send();
    });
  };

  return (expression) => {
    if (waiting.length >= maxWaiting) return Promise.reject(tooMany());
    return new Promise((resolve) => {
      waiting.push({ expression, settle: resolve });
      schedule();
    });
  };
}

/** How many expressions fit into one call, at least one. */
function fitting(waiting: readonly Waiting[], maxCharacters: number): number {
  let characters = 0;
  const index = waiting.findIndex(({ expression }) => {
    characters += expression.length;
    return characters > maxCharacters;
  });
  return index < 0 ? waiting.length : Math.max(1, index);
}

function missing(): Promise<string> {
  return Promise.reject(new Error("the calculator's response lacks an expression"));
}
