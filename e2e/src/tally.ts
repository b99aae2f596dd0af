/** The last line of `rondo call --json` under load. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly instances: Readonly<Record<string, number>>;
}

/** Reads the tally at the end of the output of `rondo call --json`. */
export function toTally(stdout: string): Tally {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
