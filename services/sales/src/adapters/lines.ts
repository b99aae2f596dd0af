import { type Percent, parsePercent } from '../domain/percent.js';

/** The percentage in a numeric column. */
export function toPercent(numeric: string): Percent {
  const percent = parsePercent(numeric);
  if (percent === undefined) throw new RangeError(`${numeric} is stored where a percentage belongs`);
  return percent;
}
