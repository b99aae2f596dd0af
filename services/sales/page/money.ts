import type { Json } from '@rondo/console/page';
import type { Money } from '@rondo/contracts/google/type/money';

/** An amount as a person reads it; empty for none. */
export function moneyText(money: Json<Money> | undefined): string {
  if (money === undefined) return '';
  const { currencyCode: currency = 'EUR', units = '0', nanos = 0 } = money;
  return new Intl.NumberFormat('en', { style: 'currency', currency }).format(Number(units) + nanos / 1e9);
}

/** @throws Error if the text isn't an amount such as 12.50. */
export function moneyOf(text: string, currencyCode: string): Json<Money> {
  const { units, decimals = '' } = /^(?<units>\d{1,15})(?:\.(?<decimals>\d{1,3}))?$/.exec(text.trim())?.groups ?? {};
  if (units === undefined) throw new Error('The price must be an amount such as 12.50.');
  return { currencyCode, units, nanos: Number(decimals.padEnd(9, '0')) };
}
