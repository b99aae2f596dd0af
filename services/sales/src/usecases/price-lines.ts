import { TotalOutOfRange } from '../domain/errors.js';
import { digitsOf, fromDecimal, isRepresentable } from '../domain/money.js';
import type { Price, PricedLine, PricedLines } from '../domain/offer.js';
import type { Calculator } from '../domain/ports.js';
import { priceExpressions, subtotalExpressions } from '../domain/pricing.js';

/**
 * What lines cost, computed by the calculator: net and total are each rounded once, from the exact value.
 *
 * @throws TotalOutOfRange, Unavailable
 */
export async function priceLines(calculator: Calculator, { lines, ...percents }: PricedLines): Promise<Price> {
  const currency = lines[0]?.unitPrice.currency ?? '';
  const digits = digitsOf(currency);
  const { net, total } = priceExpressions(await subtotalOf(calculator, lines), percents);
  // Without tax the two are one.
  const asked = percents.taxRate.tenThousandths === 0n ? [net] : [net, total];
  const [netText = '', totalText = netText] = await Promise.all(asked.map((one) => calculator.evaluate(one, digits)));
  const price = { net: fromDecimal(currency, netText), total: fromDecimal(currency, totalText) };
  if (!isRepresentable(price.total)) throw new TotalOutOfRange(`${totalText} ${currency}`);
  return price;
}

/** One expression as it is; the parts of a longer one are evaluated first, exactly. */
async function subtotalOf(calculator: Calculator, lines: readonly PricedLine[]): Promise<string> {
  const parts = subtotalExpressions(lines);
  const values = parts.length === 1 ? parts : await Promise.all(parts.map((part) => calculator.evaluate(part)));
  return values.join('+');
}
