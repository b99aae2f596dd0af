/** What `rondo call --json` ends with under load. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly instances: Readonly<Record<string, number>>;
}

/** The tally at the end of what `rondo call --json` printed. */
export function toTally(stdout: string): Tally {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
