import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { type Channel, type ClientCall, createClient } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { type Attempt, RpcError } from '@rondo/rpc/status';
import { now } from '../time.js';
import type { CallRecord } from './call-record.js';
import type { LoadOptions } from './options.js';

/** The calculator without the deadline that its contract has for `Add`: a load has its own. */
const Calculator = {
  ...CalculatorServiceDefinition,
  methods: {
    add: { ...CalculatorServiceDefinition.methods.add, options: { idempotencyLevel: 'NO_SIDE_EFFECTS' } },
  },
};

/** Makes one call and tells how it went; it never rejects. */
export type Caller = () => Promise<CallRecord>;

/** A caller of one method. */
export function createCaller(channel: Channel, { method, timeoutMs }: LoadOptions): Caller {
  // A chain begins before its call returns: what stands here afterwards are that call's own attempts.
  let begun: readonly Attempt[] = [];
  const noteAttempts: Middleware<ClientCall> = (call, next) => {
    begun = call.attempts;
    return next(call);
  };
  const calculator = createClient(Calculator, { channel, middleware: [noteAttempts] });
  const products = createClient(ProductServiceDefinition, { channel, middleware: [noteAttempts] });
  let count = 0;

  return async () => {
    let instance = '';
    const onTrailer = (trailer: { get(key: string): string | undefined }) => {
      instance = trailer.get('rondo-served-by') ?? '';
    };
    const at = now();
    const options = { timeoutMs, onTrailer };
    count += 1;
    const reply =
      method === 'add'
        ? calculator.add({ a: 2n, b: 3n }, options)
        : products.createProduct({ product: { sku: `${process.pid}-${count}`, title: 'Chaos' } }, options);
    const attempts = begun;
    try {
      await reply;
      const record = { at, ms: now() - at, code: 'OK', instance };
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
