import { createClient } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { KEY, keyedCalculator } from './keyed-calculator.mjs';

const Calculator = keyedCalculator();

/** The time, comparable across the processes of this machine. Milliseconds. */
export const now = () => performance.timeOrigin + performance.now();

/**
 * Makes calls over one channel. Each is told of as `{ at, tookMs, method, instance, code, key }`, and never rejects; its time
 * counts from when it was due.
 */
export function createCaller(channel) {
  const client = createClient(Calculator, { channel });
  return async ({ method, key, dueAt = now() }) => {
    let instance = '';
    const onTrailer = (trailer) => {
      instance = trailer.get('rondo-served-by') ?? '';
    };
    const done = (code) => ({ at: dueAt, tookMs: now() - dueAt, method, instance, code, key });
    try {
      await client[method]({ a: 2n, b: 3n }, { onTrailer, ...(key && { metadata: { [KEY]: key } }) });
      return done('OK');
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      instance ||= error.report?.attempts.at(-1)?.instance ?? '';
      return done(error.codeName);
    }
  };
}
