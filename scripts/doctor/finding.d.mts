/** `note`: not a fault, such as something that isn't installed yet; `warn`: it works for now; `fail`: it doesn't work. */
export type State = 'ok' | 'note' | 'warn' | 'fail';

/** What a check returns. */
export interface Outcome {
  readonly state: State;
  /** What the check saw; for a fault also why it matters. */
  readonly detail: string;
  /** What to run or change. */
  readonly remedy?: string | undefined;
}

/** The outcome of the check called `name`, one of {@link CHECKS}. */
export interface Finding extends Outcome {
  readonly name: string;
}

/** What is examined. */
export interface Subject {
  /** The data folder, absolute. */
  readonly data: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Examines one thing. If it throws, the error's message is a fault. */
export type Check = (subject: Subject) => Outcome | Promise<Outcome>;

export declare const CHECKS: readonly string[];
export declare const ok: (detail: string) => Outcome;
export declare const note: (detail: string, remedy?: string) => Outcome;
export declare const warn: (detail: string, remedy?: string) => Outcome;
export declare const fail: (detail: string, remedy?: string) => Outcome;

/** A finding as one line, and a second line for its remedy. `paint` sets off the label of its state. */
export declare function formatFinding(finding: Finding, paint?: (state: State, label: string) => string): string;

/** Whether no finding is a fault. */
export declare function isHealthy(findings: readonly Finding[]): boolean;

/**
 * Checks the shape of a finding that another file of the repository returned.
 *
 * @throws Error if it is not a finding.
 */
export declare function parseFinding(value: unknown): Finding;
