import { type BalancingOverrides, parseBalancing } from '@rondo/rpc/contract';
import { UsageError } from '../usage-error.js';

/** How services are balanced beside what their contracts say: what `RONDO_BALANCING` tells every client. */
export function balancingOverrides(environment: Readonly<Record<string, string | undefined>>): BalancingOverrides {
  const text = environment['RONDO_BALANCING']?.trim() ?? '';
  if (text === '') return {};
  const { overrides, faults } = parseBalancing(text);
  if (faults.length > 0) throw new UsageError(`RONDO_BALANCING "${text}": ${faults.join('; ')}`);
  return overrides;
}
