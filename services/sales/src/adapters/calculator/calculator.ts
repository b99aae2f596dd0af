import {
  CalculatorServiceDefinition,
  type EvaluatePartResponse,
  RoundingMode,
} from '@rondo/contracts/calculator/v1/calculator';
import { currentScope, runOutsideScope } from '@rondo/rpc/call';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status, toStatus } from '@rondo/rpc/status';
import { Unavailable } from '../../domain/errors.js';
import type { Calculator } from '../../domain/ports.js';
import { ask } from '../peers.js';
import { createExpressionBatches } from './expression-batches.js';

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
