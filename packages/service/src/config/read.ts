import type { Config, Variable, Variables } from './variable.js';

/** Where variables are read from: `process.env`, or a test's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is wrong with a process's configuration. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** One line each: the variable, what is wrong with it, the rule and an example. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in the configuration:\n${faults.join('\n')}`);
    this.faults = faults;
  }
}

/**
 * Reads `variables` from `environment`. One that is empty counts as not set: that is how compose files say so.
 *
 * @throws ConfigurationError that lists every fault.
 */
export function readConfig<const V extends Variables>(variables: V, environment: Environment): Config<V> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, variable] of Object.entries(variables)) {
    const text = environment[variable.name]?.trim() ?? '';
    const parsed = text === '' ? absent(variable) : variable.parser.parse(text);
    if (parsed.ok) values[key] = parsed.value;
    else faults.push(explain(variable, text, parsed.fault));
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  // Each key of V holds what its own parser made; a loop over keys can't show that to the compiler.
  return values as Config<V>;
}

function absent<T>(variable: Variable<T>) {
  if (variable.default !== undefined || variable.optional) return { ok: true, value: variable.default } as const;
  return { ok: false, fault: 'is not set' } as const;
}

function explain({ name, parser, example, secret }: Variable<unknown>, text: string, fault: string): string {
  const shown = text === '' ? name : `${name}=${secret ? '(hidden)' : text}`;
  return `${shown} ${fault}: give ${parser.rule}, such as ${name}=${example}`;
}
