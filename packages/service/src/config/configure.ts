import { editDistance } from '@rondo/rpc/internal';
import { removedIn } from './removed.js';
import { fileVariable } from './secrets.js';
import { type SharedConfig, sharedVariables } from './shared.js';
import {
  type Config,
  ConfigurationError,
  type Environment,
  readConfig,
  secretsIn,
  type Variables,
} from './variables.js';

/** The configuration of a process. */
interface ProcessConfig<V extends Variables> {
  readonly shared: SharedConfig;
  /** The service's own variables. */
  readonly own: Config<V>;
  /** Variables with a name close to that of a known one. */
  readonly misspellings: readonly Misspelling[];
  /** The values of the secret variables. */
  readonly secrets: readonly string[];
}

/** The variables that a process declares. */
interface ConfigureOptions<V extends Variables> {
  /** The default port of the service. */
  readonly port: number;
  readonly variables?: V;
}

/**
 * Reads the shared variables and the service's own.
 *
 * @throws ConfigurationError that lists the faults of both and the removed variables that are set, followed by names that look
 *   misspelt, which may be the cause.
 */
export function configure<V extends Variables>(
  { port, variables }: ConfigureOptions<V>,
  environment: Environment,
): ProcessConfig<V> {
  const shared = sharedVariables(port);
  const declared: Variables = variables ?? {};
  const known = [...namesOf(shared), ...namesOf(declared)];
  const misspellings = findMisspellings(environment, known);
  const [sharedValues, ownValues] = readBoth(
    () => readConfig(shared, environment),
    () => readConfig(declared, environment),
    { removed: removedIn(environment), hints: misspellings.map(describeMisspelling) },
  );
  // If no variables were declared, V has no keys.
  const own = ownValues as Config<V>;
  return { shared: sharedValues, own, misspellings, secrets: secretsOf({ port, variables: declared }, environment) };
}

/** The values of a process's secret variables, also if its configuration is wrong. */
export function secretsOf({ port, variables = {} }: ConfigureOptions<Variables>, environment: Environment) {
  return [...secretsIn(sharedVariables(port), environment), ...secretsIn(variables, environment)];
}

function namesOf(variables: Variables): readonly string[] {
  return Object.values(variables).flatMap(({ name, secret }) => (secret ? [name, fileVariable(name)] : [name]));
}

/** What an error lists besides the faults of variables: removed ones that are set, and hints. */
interface Also {
  readonly removed: readonly string[];
  readonly hints: readonly string[];
}

/** Reads the second even if the first has faults, so that the error lists all of them, followed by `hints`. */
function readBoth<A, B>(readFirst: () => A, readSecond: () => B, { removed, hints }: Also): [A, B] {
  const faults = [...removed];
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
  if (faults.length > 0 || first === undefined || second === undefined)
    throw new ConfigurationError([...faults, ...hints]);
  return [first, second];
}

const PREFIX = 'RONDO_';
/** Names that differ by more edits are unrelated. */
const MAX_EDITS = 2;

/** A variable that the process doesn't read, and the known one with the closest name. */
interface Misspelling {
  readonly name: string;
  readonly meant: string;
}

/** A log line about a misspelling. */
export function describeMisspelling({ name, meant }: Misspelling): string {
  return `${name} is not read: is ${meant} meant?`;
}

/**
 * The `RONDO_*` variables in `environment` whose names are close to a known one. Other unknown variables are ignored,
 * because a process may inherit variables of its neighbours.
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
