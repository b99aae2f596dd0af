import type { Progress } from '@rondo/scaffold';
import type { Completion } from './command.js';
import { createProgress, type Telling } from './progress.js';
import { codeOf } from './thrown.js';
import { UsageError } from './usage-error.js';

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
export async function workOnTree<T>(purpose: string, telling: Telling, work: (on: TreeWork) => Promise<T>): Promise<T> {
  const { repository: root, signal, stderr } = telling.context;
  const { withTreeLock } = await loadScaffold(purpose);
  const onWait = (holder: string) => void stderr.write(`Waiting for ${holder} …\n`);
  const onHealed = () => void stderr.write('An earlier run was killed: what it had changed is undone.\n');
  const progress = createProgress(telling);
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
