import { maskUrl } from '@rondo/rpc/internal';
import type { Parsed, Parser } from './parsers.js';
import { readSecret } from './secrets.js';

/** One environment variable: its name, its parser, and its documentation. */
export interface Variable<T> {
  readonly name: string;
  readonly parser: Parser<T>;
  /** The value if the variable is unset or empty; undefined if there is no default. */
  readonly default: T | undefined;
  /** Whether the process starts if the variable is unset and has no default. */
  readonly optional: boolean;
  /** A valid value. */
  readonly example: string;
  /**
   * Whether its value is hidden in messages and logs, and may be in the file that `<name>_FILE` names. The faults of its parser
   * must not quote the value.
   */
  readonly secret: boolean;
  /** One sentence for the reference. */
  readonly description: string;
}

/** Optional properties of a {@link Variable}. */
export interface VariableOptions<T> {
  readonly default?: T;
  readonly example?: string;
  readonly secret?: boolean;
  readonly description?: string;
}

/** The variables of a process, by their names in code. */
export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The values of the variables `V`. */
export type Config<V extends Variables> = { readonly [K in keyof V]: V[K] extends Variable<infer T> ? T : never };

/**
 * Declares an environment variable. The process doesn't start if it is unset and has no default.
 *
 * ```ts
 * variable('DATABASE_URL', url({ protocols: ['postgres:'] }), { secret: true });
 * ```
 */
export function variable<T>(name: string, parser: Parser<T>, options: VariableOptions<NoInfer<T>> = {}): Variable<T> {
  return { ...described(name, parser, options), default: options.default, optional: false };
}

/** Declares an environment variable whose value is undefined if it is unset. */
export function optionalVariable<T>(
  name: string,
  parser: Parser<T>,
  options: Omit<VariableOptions<T>, 'default'> = {},
): Variable<T | undefined> {
  const format = (value: T | undefined) => (value === undefined ? '' : parser.format(value));
  return { ...described(name, { ...parser, format }, options), default: undefined, optional: true };
}

function described<T>(name: string, parser: Parser<T>, options: Omit<VariableOptions<T>, 'default'>) {
  const { example = parser.example, secret = false, description = '' } = options;
  return { name, parser, example, secret, description };
}

/** The environment to read: `process.env`, or a test's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every fault of a process's configuration. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** One line per fault: the variable, what is wrong with it, the rule and an example. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in the configuration:\n${faults.join('\n')}`);
    this.faults = faults;
  }
}

/**
 * Reads `variables` from `environment`. An empty variable counts as unset, because compose files express it so.
 *
 * @throws ConfigurationError that lists every fault.
 */
export function readConfig<const V extends Variables>(variables: V, environment: Environment): Config<V> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, variable] of Object.entries(variables)) {
    const text = textOf(variable, environment);
    if (!text.ok) {
      faults.push(text.fault);
      continue;
    }
    const parsed = text.value === '' ? absent(variable) : variable.parser.parse(text.value);
    if (parsed.ok) values[key] = parsed.value;
    else faults.push(explain(variable, text.value, parsed.fault));
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  // Each key of V has a value of its own parser; the compiler can't infer that from a loop.
  return values as Config<V>;
}

/** The texts of the secret variables that can be read, for `createMask`. */
export function secretsIn(variables: Variables, environment: Environment): readonly string[] {
  return Object.values(variables).flatMap((variable) => {
    const text = variable.secret ? textOf(variable, environment) : undefined;
    return text?.ok ? [text.value] : [];
  });
}

function textOf({ name, secret }: Variable<unknown>, environment: Environment): Parsed<string> {
  return secret ? readSecret(name, environment) : { ok: true, value: environment[name]?.trim() ?? '' };
}

function absent<T>(variable: Variable<T>) {
  if (variable.default !== undefined || variable.optional) return { ok: true, value: variable.default } as const;
  return { ok: false, fault: 'is not set' } as const;
}

function explain({ name, parser, example, secret }: Variable<unknown>, text: string, fault: string): string {
  const shown = text === '' ? name : `${name}=${secret ? '(hidden)' : maskUrl(text)}`;
  return `${shown} ${fault}: give ${parser.rule}, such as ${name}=${example}`;
}
