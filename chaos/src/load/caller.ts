import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { type Channel, type ClientCall, createClient } from '@rondo/rpc/client';
import type { Attempt } from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError } from '@rondo/rpc/status';
import { now } from '../time.js';
import type { CallRecord, LoadOptions } from './protocol.js';

/** The calculator without the timeout that its contract has for `Add`, as a load has its own. */
const Calculator = {
  ...CalculatorServiceDefinition,
  methods: {
    add: { ...CalculatorServiceDefinition.methods.add, options: { idempotencyLevel: 'NO_SIDE_EFFECTS' } },
  },
};

/** Makes one call and gives its record; it never rejects. */
export type Caller = () => Promise<CallRecord>;

/** A caller of one method. */
export function createCaller(channel: Channel, { method, timeoutMs, addresses }: LoadOptions): Caller {
  // The middleware runs before the call's function returns: afterwards these are the attempts of that call.
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
