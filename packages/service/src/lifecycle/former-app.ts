import type { Part } from '@rondo/rpc/server';

/**
 * Something that a service can't serve without.
 *
 * @deprecated Since 0.3: write a `Part`.
 */
export interface Dependency extends Pick<Part, 'name' | 'graceMs'> {
  /** Prepares the dependency before its first check. */
  prepare?(signal: AbortSignal): Promise<void>;
  /** Resolves if the dependency answers. */
  check(signal: AbortSignal): Promise<void>;
}

/** What an app of 0.2 has in fields of its own. Since 0.3 an app has `parts`. */
export interface FormerApp {
  /** @deprecated Since 0.3: write parts with `start` and `check`. */
  readonly dependencies?: readonly Dependency[];
  /** @deprecated Since 0.3: write a part with `listeners`. */
  readonly listeners?: NonNullable<Part['listeners']>;
  /** @deprecated Since 0.3: write a part with `observers`. */
  readonly observers?: NonNullable<Part['observers']>;
  /** @deprecated Since 0.3: the database that `openDatabase` of `@rondo/resources` opens is a part with them. */
  readonly outcomes?: NonNullable<Part['outcomes']>;
  /** @deprecated Since 0.3: write a part with `stop`. */
  stop?(): Promise<void> | void;
}

/** The parts of an app; what an app of 0.2 has in fields of its own becomes parts. */
export function partsOf(app: FormerApp & { readonly parts?: readonly Part[] }): readonly Part[] {
  const { dependencies = [], listeners = [], observers = [], outcomes, parts = [] } = app;
  return [
    { name: 'the app', listeners, observers, ...(outcomes && { outcomes }), stop: () => app.stop?.() },
    ...dependencies.map(
      (dependency): Part => ({
        ...dependency,
        start: async ({ signal }) => dependency.prepare?.(signal),
        check: ({ signal }) => dependency.check(signal),
      }),
    ),
    ...parts,
  ];
}
