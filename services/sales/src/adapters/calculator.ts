import { CalculatorServiceDefinition, type EvaluatePartResponse, RoundingMode } from '@rondo/contracts/calculator/v1/calculator';
import { currentScope, runOutsideScope } from '@rondo/rpc/call';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status, toStatus } from '@rondo/rpc/status';
import { Unavailable } from '../domain/errors.js';
import type { Calculator } from '../domain/ports.js';
import { ask } from './peers.js';

/** As long as `Evaluate` may take: nobody waits for a part of a batch longer than for one of its expressions. */
const TIMEOUT_MS = 2_000;
/** The contract has 128 KiB a call, as encoded. */
const MAX_CHARACTERS = 100_000;
const MAX_WAITING = 5_000;

/** The calculator service: expressions that are asked for at the same time share its calls. */
export function createCalculator(channel: Channel): Calculator {
  const client = createClient(CalculatorServiceDefinition, { channel });
  // By scale, as a call has one for all: a currency has at most three digits, so they are few.
  const byScale = new Map<number | undefined, (expression: string) => Promise<string>>();
  const batchesOf = (scale: number | undefined) => {
    const batches = byScale.get(scale) ?? createBatches(client, scale);
    byScale.set(scale, batches);
    return batches;
  };
  return { evaluate: (expression, scale) => ask('the calculator', untilLeft(batchesOf(scale)(expression))) };
}

function createBatches(client: Client<typeof CalculatorServiceDefinition>, scale: number | undefined) {
  const rounding = RoundingMode.ROUNDING_MODE_HALF_EVEN;
  return createExpressionBatches({
    maxCharacters: MAX_CHARACTERS,
    maxWaiting: MAX_WAITING,
    tooMany: () => new Unavailable('the calculator', new Error(`${MAX_WAITING} expressions wait for it already`)),
    async evaluate(expressions) {
      const request = { expressions: [...expressions], rounding, ...(scale !== undefined && { scale }) };
      // It serves many calls, and ends with none of them.
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
    return Promise.reject(new RpcError(toStatus(status?.code ?? Status.UNKNOWN), status?.message ?? ''));
  });
}

/** What is waited for no longer than its caller is there. */
function untilLeft(value: Promise<string>): Promise<string> {
  const signal = currentScope()?.signal;
  if (signal === undefined) return value;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** An expression that waits for its value. */
interface Waiting {
  readonly expression: string;
  readonly settle: (outcome: Promise<string>) => void;
}

/** What computes, and how much at once. */
interface BatchOptions {
  /** The values of expressions, in their order; each may fail for itself, or all together. */
  readonly evaluate: (expressions: readonly string[]) => Promise<readonly Promise<string>[]>;
  /** What a call can carry. */
  readonly maxCharacters: number;
  /** How many may wait for a call. */
  readonly maxWaiting: number;
  /** What to fail with where more would. */
  readonly tooMany: () => Error;
}

/** With a second, one that hangs doesn't hold up everybody. */
const MAX_CALLS = 2;

/**
 * Evaluates what is asked for at the same time in one call: what comes in one turn of the event loop goes together, and
 * what comes while calls are under way goes with the next. So a caller by itself never waits for company, and a thousand
 * share a few calls.
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
      const answer = evaluate(batch.map(({ expression }) => expression));
      void send(); // what didn't fit
      const values = await answer;
      for (const [index, { settle }] of batch.entries()) settle(values[index] ?? missing());
    } catch (error) {
      for (const { settle } of batch) settle(Promise.reject(error));
    } finally {
      calls -= 1;
      void send();
    }
  };
  // Once all that arrived with it is read: a turn brings what several connections have to say.
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

/** How many of them go into one call: one at least. */
function fitting(waiting: readonly Waiting[], maxCharacters: number): number {
  let characters = 0;
  const index = waiting.findIndex(({ expression }) => {
    characters += expression.length;
    return characters > maxCharacters;
  });
  return index < 0 ? waiting.length : Math.max(1, index);
}

function missing(): Promise<string> {
  return Promise.reject(new Error('the calculator left an expression out'));
}
