/**
 * Rules for values. Each function returns what is wrong and how to correct it, or undefined if the value is valid. The
 * CHECK constraints in the migrations have the same bounds.
 */
import { rangeFault } from '@rondo/resources/domain';
import { currencyDigits } from './money.js';

/** The largest stock of one product. */
export const MAX_STOCK = 1_000_000_000n;

const MAX_LINES = 100;
const MAX_QUANTITY = 1_000_000n;
const MAX_DELIVERY_EFFORT_MINUTES = 1_000_000n;

/** Checks a SKU. */
export function skuFault(sku: string): string | undefined {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(sku)) return undefined;
  return 'must be 1 to 64 characters of A-Z a-z 0-9 . _ -, such as DESK-160';
}

/** Checks a currency code. */
export function currencyFault(code: string): string | undefined {
  return currencyDigits(code) === undefined ? 'must be a currency of ISO 4217 in capitals, such as EUR' : undefined;
}

/** Checks a stock. */
export function stockFault(stock: bigint): string | undefined {
  return rangeFault(stock, 0n, MAX_STOCK);
}

/** Checks the work to deliver one piece of a product. */
export function deliveryEffortFault(minutes: bigint): string | undefined {
  return rangeFault(minutes, 0n, MAX_DELIVERY_EFFORT_MINUTES);
}

/** Checks the number of lines. */
export function lineCountFault(count: number): string | undefined {
  return rangeFault(count, 1, MAX_LINES);
}

/** Checks the quantity of a line. */
export function quantityFault(quantity: bigint): string | undefined {
  return rangeFault(quantity, 1n, MAX_QUANTITY);
}
