import type { Money as MoneyMessage } from '@rondo/contracts/google/type/money';
import type { FieldAt } from '@rondo/rpc/status';
import { currencyDigits, digitsOf, type Money, minorPerUnit } from '../domain/money.js';

/** `google.type.Money` counts the fraction of a unit in billionths. */
const NANOS_PER_UNIT = 1_000_000_000n;

/** The value of a missing or invalid price; the request is refused then. */
const NO_PRICE: Money = { currency: '', minorUnits: 0n };

/** The message of an amount. */
export function toMoneyMessage({ currency, minorUnits }: Money): MoneyMessage {
  const perUnit = minorPerUnit(currency);
  const nanos = Number((minorUnits % perUnit) * (NANOS_PER_UNIT / perUnit));
  return { currencyCode: currency, units: minorUnits / perUnit, nanos };
}

/** Reads the price at `path`: an amount that isn't negative, in whole minor units of its currency. */
export function readPrice(field: FieldAt, path: string, price: MoneyMessage | undefined): Money {
  if (price === undefined) {
    field(path)('is required: an amount in a currency, such as 19.99 EUR');
    return NO_PRICE;
  }
  const known = currencyDigits(price.currencyCode) !== undefined;
  if (!known)
    field(`${path}.currency_code`)(
      `must be a currency of ISO 4217 in capitals, such as EUR; it is "${price.currencyCode}"`,
    );
  const ofSign = signFault(price);
  if (ofSign !== undefined) field(path)(ofSign);
  const ofNanos = ofSign === undefined ? nanosFault(price) : undefined;
  if (ofNanos !== undefined) field(`${path}.nanos`)(ofNanos);
  return known ? toMoney(price) : NO_PRICE;
}

function toMoney({ currencyCode, units, nanos }: MoneyMessage): Money {
  const perUnit = minorPerUnit(currencyCode);
  return { currency: currencyCode, minorUnits: units * perUnit + BigInt(nanos) / (NANOS_PER_UNIT / perUnit) };
}

function signFault({ units, nanos }: MoneyMessage): string | undefined {
  if ((units > 0n && nanos < 0) || (units < 0n && nanos > 0)) {
    return `units and nanos must have the same sign; they are ${units} and ${nanos}`;
  }
  return units < 0n || nanos < 0 ? `must not be negative; it is ${units} units and ${nanos} nanos` : undefined;
}

/** Checks `nanos`, which aren't negative here. */
function nanosFault({ currencyCode, nanos }: MoneyMessage): string | undefined {
  if (nanos >= NANOS_PER_UNIT) return `must be at most ${NANOS_PER_UNIT - 1n}; it is ${nanos}`;
  if (currencyDigits(currencyCode) === undefined) return undefined;
  if (BigInt(nanos) % (NANOS_PER_UNIT / minorPerUnit(currencyCode)) === 0n) return undefined;
  return `must be whole minor units: ${currencyCode} has ${digitsOf(currencyCode)} digits after the point; it is ${nanos}`;
}
