import { type Balancing, checkBalancing, DEFAULT_BALANCING } from './balancing.js';
import { formatPolicy, parsePolicy } from './policy-text.js';

/**
 * What is said of balancing beside the contracts, by fully qualified service; under `*` for every service that has no
 * entry of its own. What isn't said is as the contract has it.
 */
export type BalancingOverrides = Readonly<Record<string, Partial<Balancing>>>;

/** What reading a configuration gives: what it says, and all that is wrong with it. */
export interface ParsedBalancing {
  readonly overrides: BalancingOverrides;
  readonly faults: readonly string[];
}

/** Stands for every service without an entry of its own. */
export const EVERY_SERVICE = '*';

const SERVICE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;

/**
 * Reads `service=policy[?key=value[&key=value]]`, several with commas, such as
 * `sales.v1.OrderService=weighted_round_robin?weights=load&slow_start=30s,*=random`.
 */
export function parseBalancing(text: string): ParsedBalancing {
  const overrides = new Map<string, Partial<Balancing>>();
  const faults: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [, service = '', spec] = /^([^=]+?)\s*=(.*)$/s.exec(entry) ?? [];
    if (spec === undefined) {
      faults.push(`"${entry}" is not service=policy`);
      continue;
    }
    const { balancing, faults: inPolicy } = parsePolicy(spec);
    const inName = checkService(service, overrides.has(service));
    faults.push(...[...inName, ...inPolicy].map((fault) => `${service || '""'}: ${fault}`));
    overrides.set(service, balancing);
  }
  return { overrides: Object.fromEntries(overrides), faults };
}

/** What is wrong with overrides that code has made, each with its service. */
export function checkOverrides(overrides: BalancingOverrides): readonly string[] {
  return Object.entries(overrides).flatMap(([service, balancing]) => {
    // Where no policy is said, it is the contract's: one with which all else goes together.
    const fault = checkBalancing({ ...DEFAULT_BALANCING, policy: 'weighted_round_robin', ...balancing });
    return fault === undefined ? [] : [`${service}: ${fault}`];
  });
}

/** Overrides as {@link parseBalancing} reads them. */
export function formatBalancing(overrides: BalancingOverrides): string {
  return Object.entries(overrides)
    .map(([service, balancing]) => `${service}=${formatPolicy(balancing)}`)
    .join(',');
}

function checkService(service: string, twice: boolean): readonly string[] {
  if (service !== EVERY_SERVICE && !SERVICE.test(service)) {
    return ['a service is written in full, such as calculator.v1.CalculatorService, and * stands for all others'];
  }
  return twice ? ['it has an entry already'] : [];
}
