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

/** What a load last told of itself, as `--progress` has it; undefined before the first time. */
export function toProgress(stderr: string): Tally | undefined {
  const complete = stderr.split('\n').slice(0, -1);
  const last = complete.filter((line) => line.startsWith('{"progress":')).at(-1);
  return last === undefined ? undefined : JSON.parse(last).progress;
}
