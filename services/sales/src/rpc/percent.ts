import type { Decimal } from '@rondo/contracts/google/type/decimal';
import type { ReportFault } from '@rondo/rpc/status';
import { formatPercent, type Percent, parsePercent, ZERO_PERCENT } from '../domain/percent.js';

/** A percentage as the contracts have it: none at all is a missing one. */
export function toPercentMessage(percent: Percent): Decimal | undefined {
  return percent.tenThousandths === 0n ? undefined : { value: formatPercent(percent) };
}

/** A percentage; a missing one is none at all. */
export function readPercent(report: ReportFault, message: Decimal | undefined): Percent {
  if (message === undefined) return ZERO_PERCENT;
  const percent = parsePercent(message.value);
  if (percent === undefined)
    report(`must be from 0 to 100 with at most 4 decimals, such as 12.5; it is "${message.value}"`);
  return percent ?? ZERO_PERCENT;
}
