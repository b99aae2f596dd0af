/** What a check comes to: `note` is a thing that nobody asked for yet, `warn` one that works for now. */
export const states = ['ok', 'note', 'warn', 'fail'] as const;

/** One of {@link states}. */
export type State = (typeof states)[number];

/** What one check found. */
export interface Finding {
  readonly name: string;
  readonly state: State;
  /** What is so; of a fault also why it matters. */
  readonly detail: string;
  /** What to run or change. */
  readonly remedy?: string;
}

/**
 * Reads a finding that a script of the repository made.
 *
 * @throws Error where it is none.
 */
export function parseFinding(value: unknown): Finding {
  const { name, state, detail, remedy }: Partial<Record<keyof Finding, unknown>> = Object(value);
  const known = states.find((one) => one === state);
  if (typeof name !== 'string' || typeof detail !== 'string' || known === undefined) {
    throw new Error(`scripts/doctor found what is no finding: ${JSON.stringify(value)}`);
  }
  return { name, state: known, detail, ...(typeof remedy === 'string' && { remedy }) };
}
