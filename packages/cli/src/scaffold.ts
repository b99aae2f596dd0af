import type { Progress } from '@rondo/scaffold';
import type { Completion, CommandContext } from './command.js';
import { codeOf, UsageError } from './errors.js';
import { createPaint } from './terminal/terminal.js';

/**
 * What works on the repository itself. It is loaded where a command needs it, as it isn't in the images.
 *
 * @throws Error in an image, saying what is needed.
 */
export async function loadScaffold(command: string) {
  try {
    return await import('@rondo/scaffold');
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw needsClone(command, error);
  }
}

/** That a command works on a repository, and what to do where there is none. */
export const needsClone = (command: string, cause?: unknown): Error =>
  new Error(
    `rondo ${command} needs a clone of the repository that is built (npm run build): run ./rondo ${command} there`,
    { cause },
  );

/**
 * The name that a command is given behind `service`, the one kind of thing that is made and removed.
 *
 * @throws UsageError where there is none.
 */
export function serviceNamed([kind, name]: readonly string[], command: 'new' | 'remove'): string {
  if (kind !== 'service') {
    const found = kind === undefined ? '' : `, and not "${kind}"`;
    throw new UsageError(`say "service"${found}: rondo ${command} service <name>`);
  }
  if (name === undefined) throw new UsageError(`name the service: rondo ${command} service greeter`);
  return name;
}

/** What a command works on, and how it tells of it. */
interface TreeWork {
  readonly root: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Does `work` on the tree while nobody else does, and tells on standard error whom it waits for and how it goes. */
export async function workOnTree<T>(purpose: string, telling: Output, work: (on: TreeWork) => Promise<T>): Promise<T> {
  const { repository: root, signal, stderr } = telling.context;
  const { withTreeLock } = await loadScaffold(purpose);
  const onWait = (holder: string) => void stderr.write(`Waiting for ${holder} …\n`);
  const onHealed = () => void stderr.write('An earlier run was killed: what it had changed is undone.\n');
  const progress = createStepProgress(telling);
  return withTreeLock(root, { purpose: `rondo ${purpose}`, signal, onWait, onHealed }, () =>
    work({ root, signal, progress }),
  );
}

/** What may stand behind `rondo new` and `rondo remove`: `service`, then the name of one. */
export async function completeService(positionals: readonly string[], repository: string): Promise<Completion> {
  if (positionals.length === 0) return [{ word: 'service' }];
  const { removableServices } = await loadScaffold('new service');
  return positionals.length === 1 ? removableServices(repository).map((word) => ({ word })) : [];
}

const MAX_LINES = 40;
const NAME_WIDTH = 12;

/** To whom a command tells how it goes. */
export interface Output {
  /** Whether that is a program, which reads errors from standard error, and nothing else. */
  readonly json: boolean;
  readonly context: CommandContext;
}

/** Progress as lines on standard error, one a step with its time; of a step that fails also what its program said. */
export function createStepProgress({ json, context: { stderr, clock, signal } }: Output): Progress {
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
export function firstLines(output: string): string {
  const lines = output.trimEnd().split('\n');
  const more = lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more lines`] : [];
  return [...lines.slice(0, MAX_LINES), ...more].map((line) => `        ${line}\n`).join('');
}

function outputOf(error: unknown): string {
  const output = typeof error === 'object' && error !== null && 'output' in error ? error.output : undefined;
  return typeof output === 'string' ? firstLines(output) : '';
}
