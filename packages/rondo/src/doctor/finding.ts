/** What the doctor finds: the form of a finding, the order of the checks, and the printed text. */

/** `note`: not a fault, such as something that isn't installed yet; `warn`: it works for now; `fail`: it doesn't work. */
export type State = 'ok' | 'note' | 'warn' | 'fail';

export interface Outcome {
  readonly state: State;
  /** What the check saw; for a fault also why it matters. */
  readonly detail: string;
  /** What to run or change. */
  readonly remedy?: string | undefined;
}

/** The outcome of the check called `name`. */
export interface Finding extends Outcome {
  readonly name: string;
}

export interface Subject {
  /** The data folder, absolute. */
  readonly data: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Examines one thing. If it throws, the error's message is a fault. */
export type Check = (subject: Subject) => Outcome | Promise<Outcome>;

export const ok = (detail: string): Outcome => ({ state: 'ok', detail });
export const note = (detail: string, remedy?: string): Outcome => ({ state: 'note', detail, remedy });
export const warn = (detail: string, remedy?: string): Outcome => ({ state: 'warn', detail, remedy });
export const fail = (detail: string, remedy?: string): Outcome => ({ state: 'fail', detail, remedy });

const LABELS: Readonly<Record<State, string>> = { ok: 'ok  ', note: 'note', warn: 'warn', fail: 'FAIL' };
const NAME_WIDTH = 'generated code'.length;

/** A finding as one line, and a second line for its remedy. `paint` sets off the label of its state. */
export function formatFinding(
  { name, state, detail, remedy }: Finding,
  paint: (state: State, label: string) => string = (_state, label) => label,
): string {
  const line = `${paint(state, LABELS[state])}  ${name.padEnd(NAME_WIDTH)}  ${detail}\n`;
  return remedy === undefined ? line : `${line}      → ${remedy}\n`;
}

export const isHealthy = (findings: readonly Finding[]): boolean => findings.every(({ state }) => state !== 'fail');
