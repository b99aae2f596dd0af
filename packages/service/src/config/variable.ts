import type { Parser } from './parser.js';

/** One environment variable: its name, how it is read, and what the reference says of it. */
export interface Variable<T> {
  readonly name: string;
  readonly parser: Parser<T>;
  /** What stands for a variable that isn't set, or is empty; undefined for nothing. */
  readonly default: T | undefined;
  /** Whether a process starts without it and without a default. */
  readonly optional: boolean;
  /** A value that keeps the rule. */
  readonly example: string;
  /** Never shown in a message. */
  readonly secret: boolean;
  /** One sentence for the reference. */
  readonly description: string;
}

/** What a variable may say of itself. */
export interface VariableOptions<T> {
  readonly default?: T;
  readonly example?: string;
  readonly secret?: boolean;
  readonly description?: string;
}

/** The variables of a process, by the names they have in code. */
export type Variables = Readonly<Record<string, Variable<unknown>>>;

/** The values of `V`. */
export type Config<V extends Variables> = { readonly [K in keyof V]: V[K] extends Variable<infer T> ? T : never };

/**
 * Declares an environment variable. Without a default a process doesn't start where it is missing.
 *
 * ```ts
 * variable('DATABASE_URL', url({ protocols: ['postgres:'] }), { secret: true });
 * ```
 */
export function variable<T>(name: string, parser: Parser<T>, options: VariableOptions<NoInfer<T>> = {}): Variable<T> {
  return { ...described(name, parser, options), default: options.default, optional: false };
}

/** Declares an environment variable whose absence means something: undefined is its value then. */
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
