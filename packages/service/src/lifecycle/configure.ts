import type { Config, Variables } from '../config/variable.js';
import { ConfigurationError, type Environment, readConfig } from '../config/read.js';
import { describeMisspelling, findMisspellings, type Misspelling } from '../config/nearest.js';
import { type SharedConfig, sharedVariables } from '../config/shared.js';

/** What a process reads from its environment. */
export interface ProcessConfig<V extends Variables> {
  readonly shared: SharedConfig;
  /** The service's own. */
  readonly own: Config<V>;
  /** Variables that were probably meant to be others. */
  readonly misspellings: readonly Misspelling[];
}

/** What a process declares. */
export interface ConfigureOptions<V extends Variables> {
  /** Where it listens by default. */
  readonly port: number;
  readonly variables?: V;
}

/**
 * Reads the shared variables and the service's own.
 *
 * @throws ConfigurationError that lists the faults of both, and misspellings with them: they may be why something lacks.
 */
export function configure<V extends Variables>(
  { port, variables }: ConfigureOptions<V>,
  environment: Environment,
): ProcessConfig<V> {
  const shared = sharedVariables(port);
  const declared: Variables = variables ?? {};
  const known = [...Object.values(shared), ...Object.values(declared)].map(({ name }) => name);
  const misspellings = findMisspellings(environment, known);
  const [sharedValues, ownValues] = readBoth(
    () => readConfig(shared, environment),
    () => readConfig(declared, environment),
    misspellings.map(describeMisspelling),
  );
  // Where nothing was declared, V has no keys either.
  const own = ownValues as Config<V>;
  return { shared: sharedValues, own, misspellings };
}

/** Reads the second even where the first has faults, so that all are listed; `hints` stand behind them. */
function readBoth<A, B>(readFirst: () => A, readSecond: () => B, hints: readonly string[]): [A, B] {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const first = attempt(readFirst);
  const second = attempt(readSecond);
  if (first === undefined || second === undefined) throw new ConfigurationError([...faults, ...hints]);
  return [first, second];
}
