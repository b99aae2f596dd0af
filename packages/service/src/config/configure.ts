import { type Config, type Variables, ConfigurationError, type Environment, readConfig } from './variables.js';
import { type SharedConfig, sharedVariables } from './shared.js';
import { editDistance } from '@rondo/rpc/contract';

/** What a process reads from its environment. */
interface ProcessConfig<V extends Variables> {
  readonly shared: SharedConfig;
  /** The service's own. */
  readonly own: Config<V>;
  /** Variables that were probably meant to be others. */
  readonly misspellings: readonly Misspelling[];
}

/** What a process declares. */
interface ConfigureOptions<V extends Variables> {
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

const PREFIX = 'RONDO_';
/** More edits than this in a name are another name, not a slip. */
const MAX_EDITS = 2;

/** A variable that nobody reads, and the one that was probably meant. */
interface Misspelling {
  readonly name: string;
  readonly meant: string;
}

/** A misspelling in words. */
export function describeMisspelling({ name, meant }: Misspelling): string {
  return `${name} is not read: is ${meant} meant?`;
}

/**
 * The `RONDO_*` variables in `environment` that are near to a known name without being one. Others stay unsaid: a
 * process legitimately inherits what is meant for its neighbours.
 */
export function findMisspellings(environment: object, known: readonly string[]): readonly Misspelling[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .flatMap((name) => {
      const meant = nearest(name, known);
      return meant === undefined ? [] : [{ name, meant }];
    });
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
    .filter(({ edits }) => edits <= MAX_EDITS)
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
}
