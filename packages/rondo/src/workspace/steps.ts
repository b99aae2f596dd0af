/** Prints a line for each step with its time, and the output of steps that fail. A terminal shows the running step, a file a slow one. */
import { styleText } from 'node:util';
import { console } from '../terminal/console.js';
import { messageOf } from './errors.js';

const MAX_LINES = 60;
const SLOW_MS = 5_000;

export interface StepResult {
  /** 0 if it passed. */
  readonly code: number;
  readonly output?: string;
  /** Stands on the step's line. */
  readonly note?: string;
  /** The step neither passed nor failed; `note` says why. */
  readonly skipped?: boolean;
}

export type Step = readonly [name: string, work: () => Promise<StepResult>];

/** What work comes to as a step: an error is its failure. */
export const orFailed = (work: () => Promise<StepResult | undefined>): Promise<StepResult> =>
  work().then(
    (result) => result ?? { code: 0 },
    (error) => ({ code: 1, output: messageOf(error) }),
  );

/** Runs one step and prints its line. */
export async function step<Result extends StepResult>(name: string, work: () => Promise<Result>): Promise<Result> {
  const startedAt = performance.now();
  const line = `…       ${name}`;
  const { isTTY } = process.stdout;
  // A warning overwrites it.
  if (isTTY) console.status(line);
  const slow = setTimeout(() => isTTY || console.log(line), SLOW_MS);
  const outcome = await work().finally(() => {
    clearTimeout(slow);
    if (isTTY) console.status('');
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { code, skipped, note = '' } = outcome;
  const end = code === 0 ? colored('green', 'ok     ') : colored('red', 'FAILED ');
  const mark = skipped ? colored('yellow', 'SKIPPED') : end;
  console.log(`${mark} ${name.padEnd(20)} ${seconds.padStart(6)} s  ${note}`.trimEnd());
  if (code !== 0) console.log(excerpt(outcome.output ?? ''));
  return outcome;
}

/** Colours text if the terminal shows colours. NO_COLOR, FORCE_COLOR and TERM have the same meaning as for Node. */
export const colored = (color: 'red' | 'green' | 'yellow', text: string): string =>
  process.stdout.hasColors?.() ? styleText(color, text, { validateStream: false }) : text;

/** The first lines of a failed tool's output. Later lines seldom help. */
export function excerpt(text: string): string {
  const lines = text.trimEnd().split('\n');
  const more = lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more lines`] : [];
  return [...lines.slice(0, MAX_LINES), ...more].map((line) => `        ${line}`).join('\n');
}
