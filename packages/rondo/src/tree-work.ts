import type { LauncherRequest } from '@rondo/operate/internal';
import type { RunContext } from './command.js';
import { UsageError } from './errors.js';
import type { Completion } from './help.js';
import { findRunning, requestLauncher } from './launcher.js';
import { DEFAULT_REGISTRY } from './options.js';
import type { Progress, Tree } from './scaffold/index.js';
import { createPaint } from './terminal/terminal.js';
import { codeOf, messageOf } from './workspace/errors.js';
import { withTree } from './workspace/lock.js';
import { quoted } from './workspace/options.js';
import { excerpt } from './workspace/steps.js';

/**
 * Loads what reads and writes the repository. Only commands that need it load it: the images don't have it.
 *
 * @throws Error in an image; it says what is needed.
 */
export async function loadScaffold(command: string) {
  try {
    return await import('./scaffold/index.js');
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw needsClone(command, error);
  }
}

/** The error of a command that works on a repository and finds none. */
export const needsClone = (command: string, cause?: unknown): Error =>
  new Error(`rondo ${command} needs a workspace that is built (npm run build): run ./rondo ${command} there`, {
    cause,
  });

/**
 * The name in the arguments `service <name>` of `rondo new` and `rondo remove`.
 *
 * @throws UsageError if there is none.
 */
export function serviceNamed([kind, name]: readonly (string | undefined)[], command: 'new' | 'remove'): string {
  if (kind !== 'service') {
    const found = kind === undefined ? '' : `, and not "${kind}"`;
    const kinds =
      command === 'new' ? '"service", "resource", "job", "workflow", "topic" or "subscription"' : '"service"';
    const plugin = command === 'new' ? '' : ', or a plugin: rondo remove registry-consul';
    throw new UsageError(`say ${kinds}${found}: rondo ${command} service <name>${plugin}`);
  }
  if (name === undefined) throw new UsageError(`name the service: rondo ${command} service greeter`);
  return name;
}

interface TreeWork {
  readonly command: string;
  /** Whether to go on if git has no copy of everything. */
  readonly force: boolean;
  /** Whether to say nothing of that. */
  readonly quiet?: boolean;
}

/** Does `work` on the tree, while `rondo dev` builds nothing of it. Standard error has a line for each step. */
export async function workOnTree<T>(
  { command, force, quiet = false }: TreeWork,
  context: RunContext,
  work: (tree: Tree) => Promise<T>,
): Promise<T> {
  const { repository: root, tool, signal, stderr, json } = context;
  const { onTree } = await loadScaffold(command);
  const say = async (line: string) => (json || quiet ? undefined : stderr.write(`${line}\n`));
  const options = { root, tool, signal, progress: createStepProgress(context), force, say };
  return withTree(`rondo ${command}`, () => onTree(options, work), signal);
}

/** Completes the arguments of `rondo new` and `rondo remove`: `service`, then the name of one. */
export async function completeService(positionals: readonly string[], repository: string): Promise<Completion> {
  if (positionals.length === 0) return [{ word: 'service' }];
  const { removableServices } = await loadScaffold('new service');
  return positionals.length === 1 ? removableServices(repository).map((word) => ({ word })) : [];
}

const NAME_WIDTH = 12;

/** Reports progress on standard error: a line for each step with its time, and the output of a program that failed. */
function createStepProgress({ json, stderr, clock, signal }: RunContext): Progress {
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
        const output = typeof error === 'object' && error !== null && 'output' in error ? error.output : undefined;
        if (typeof output === 'string') await stderr.write(`${excerpt(output)}\n`);
        throw error;
      }
    },
  };
}

/** How what is printed reaches the system that runs, or else the one that `npm start` would start. */
export interface Reach {
  /** Of the first public port: `host:port`. */
  readonly gateway: string;
  /** The option by which a command finds the system; '' if it does without. */
  readonly registry: string;
  readonly portBase: number;
  /** The command that restarts a service in the system that runs, or starts it there; undefined if none runs. */
  readonly restart: ((service: string) => string) | undefined;
}

/** @param data The option by which the user named the system's folder. */
export async function reach(
  data: string | undefined,
  context: Pick<RunContext, 'dataDirectory' | 'signal'>,
): Promise<Reach> {
  const running = await findRunning(context);
  const isNamed = running !== undefined && (data !== undefined || running.data !== context.dataDirectory);
  const dataFlag = isNamed ? ` --data ${quoted(running.data)}` : '';
  return {
    gateway: running?.public ?? '127.0.0.1:8080',
    registry: isNamed ? ` --registry ${running.registry}` : '',
    portBase: Number(/^[\w.]+:(\d+)$/.exec(running?.registry ?? DEFAULT_REGISTRY)?.[1] ?? 50_050),
    restart: running && ((service) => `./rondo restart ${service}${dataFlag}`),
  };
}

export const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');

/** The files that are left to their owner, each with its lines. */
export const pasted = (paste: readonly { readonly file: string; readonly lines: string }[]): readonly string[] =>
  paste.flatMap((one) => ['', `Put into ${one.file}:`, ...one.lines.split('\n').map((line) => `  ${line}`)]);

/** Runs the test of a service that is made, unless the user skips it. @throws Error if it fails. */
export async function test(name: string, isSkipped: boolean, tree: Tree): Promise<void> {
  if (isSkipped || !tree.isCommitted) return;
  const { testService } = await loadScaffold('new');
  try {
    await tree.progress.step('test', () => testService(tree, name));
  } catch (error) {
    const message = `services/${name} is made, but its test fails; run it again: npm test -- services/${name}`;
    throw new Error(message, { cause: error });
  }
}

/** Starts a service that was created, or restarts another one. If that fails, the error says why. */
export async function startInto(
  { kind, service }: { readonly kind: string; readonly service: string },
  context: RunContext,
): Promise<void> {
  const { json, dataDirectory, stderr, signal } = context;
  const onLog = (line: string) => void stderr.write(`${line}\n`);
  // Another service may run: its processes still serve the old contract.
  const request: LauncherRequest =
    kind === 'created' ? { command: 'start', service } : { command: 'restart', name: service };
  const begin = () => requestLauncher({ dataDirectory, request, signal, ...(!json && { onLog }) });
  const { rows } = await createStepProgress(context)
    .step('start', begin)
    .catch((error) => {
      const message = messageOf(error);
      const [reason, ...lastWords] = json ? [message] : message.split('\n');
      if (lastWords.length > 0) onLog(lastWords.join('\n'));
      throw new Error(`services/${service} is in order, but doesn't start: ${reason}`, { cause: error });
    });
  const running = rows.map(({ name, address, services }) => `${name} runs at ${address}: ${services.join(', ')}`);
  await context.print({ json: { instances: rows }, text: lines(running) });
}

/** Prints what was made or changed; the faults of a build that it leaves behind go to standard error. */
export async function printMade(made: object, text: string, { json, print, stderr }: RunContext): Promise<void> {
  await print({ json: made, text });
  const complaints = 'complaints' in made ? made.complaints : undefined;
  if (!json && typeof complaints === 'string') await stderr.write(`${excerpt(complaints)}\n`);
}
