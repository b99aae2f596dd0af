import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { type Channel, type ClientCall, createClient } from '@rondo/rpc/client';
import { type Attempt, POLICY_TAG } from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError } from '@rondo/rpc/status';
import { now } from '../time.js';
import type { CallRecord, LoadOptions } from './protocol.js';

/**
 * The calculator without the timeouts of its contract, as a load has its own; with the load's hedge. The contract doesn't say
 * that `Subtract` can be repeated.
 */
function calculatorOf({ hedgeMs }: LoadOptions) {
  const { add, subtract } = CalculatorServiceDefinition.methods;
  const hedge = hedgeMs === undefined ? undefined : { delay: { seconds: 0n, nanos: hedgeMs * 1_000_000 } };
  const policy = MethodPolicy.encode(MethodPolicy.fromPartial({ hedge })).finish();
  const options = {
    idempotencyLevel: 'NO_SIDE_EFFECTS' as const,
    _unknownFields: { [POLICY_TAG]: [Buffer.from([policy.length, ...policy])] },
  };
  return {
    ...CalculatorServiceDefinition,
    methods: { add: { ...add, options }, subtract: { ...subtract, options: {} } },
  };
}

/** Makes one call and gives its record; it never rejects. */
export type Caller = () => Promise<CallRecord>;

/** A caller of one method. */
export function createCaller(channel: Channel, options: LoadOptions): Caller {
  const { method, timeoutMs, addresses, without } = options;
  // The middleware runs before the call's function returns: afterwards these are the attempts of that call.
  let begun: readonly Attempt[] = [];
  const noteAttempts: Middleware<ClientCall> = (call, next) => {
    begun = call.attempts;
    return next(call);
  };
  const calculator = createClient(calculatorOf(options), { channel, middleware: [noteAttempts] });
  let count = 0;

  return async () => {
    let instance = '';
    const onTrailer = (trailer: { get(key: string): string | undefined }) => {
      instance = trailer.get('rondo-served-by') ?? '';
    };
    const at = now();
    const given = { timeoutMs, onTrailer, waitForReady: without === 'fail-fast' };
    count += 1;
    const reply =
      method === 'add'
        ? calculator.add({ a: 2n, b: 3n }, given)
        : calculator.subtract({ a: BigInt(process.pid), b: BigInt(count) }, given);
    const attempts = begun;
    try {
      await reply;
      const gateway = addresses && attempts.at(-1)?.address;
      const record = { at, ms: now() - at, code: 'OK', instance, ...(gateway && { gateway }) };
      return attempts.length > 1 ? { ...record, tries: attempts.map(toTry) } : record;
    } catch (error) {
      const code = error instanceof RpcError ? error.codeName : 'THROWN';
      return { at, ms: now() - at, code, instance, message: String(error), tries: attempts.map(toTry) };
    }
  };
}

function toTry({ instance, address, code, elapsedMs }: Attempt) {
  return { instance, address, code, ms: elapsedMs };
}
