import type { Progress } from '@rondo/scaffold';
import type { CommandContext } from './command.js';
import { createPaint } from './terminal/index.js';

const MAX_LINES = 40;
const NAME_WIDTH = 12;

/** To whom a command tells how it goes. */
export interface Telling {
  /** Whether that is a program, which reads errors from standard error, and nothing else. */
  readonly json: boolean;
  readonly context: CommandContext;
}

/** Progress as lines on standard error, one a step with its time; of a step that fails also what its program said. */
export function createProgress({ json, context: { stderr, clock, signal } }: Telling): Progress {
  if (json) return { step: async (_name, work) => work() };
  const paint = createPaint(stderr.color);
  return {
    async step(name, work) {
      const startedAt = clock.now();
      const line = (mark: string) => {
        const seconds = ((clock.now() - startedAt) / 1_000).toFixed(1);
        return stderr.write(`${mark} ${name.padEnd(NAME_WIDTH)} ${seconds.padStart(6)} s\n`);
      };
      try {
        const result = await work();
        await line('ok     ');
        return result;
      } catch (error) {
        await line(signal.aborted ? 'ended  ' : paint('red', 'FAILED '));
        await stderr.write(outputOf(error));
        throw error;
      }
    },
  };
}

/** The first lines of what a failed program said, indented: they tell, its hundredth complaint doesn't. */
export function excerpt(output: string): string {
  const lines = output.trimEnd().split('\n');
  const more = lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more lines`] : [];
  return [...lines.slice(0, MAX_LINES), ...more].map((line) => `        ${line}\n`).join('');
}

function outputOf(error: unknown): string {
  const output = typeof error === 'object' && error !== null && 'output' in error ? error.output : undefined;
  return typeof output === 'string' ? excerpt(output) : '';
}
