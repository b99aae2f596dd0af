/** Runs the whole system and rebuilds it when files are saved: `npm run dev`. */
import { existsSync } from 'node:fs';
import { compile } from '../build/build.js';
import { install } from '../build/install.js';
import { arePagesFresh, bundlePages } from '../build/pages.js';
import { generate } from '../generate/generate.js';
import type { Session } from '../launch/commands.js';
import { runLauncher } from '../launch/launcher.js';
import { summary } from '../launch/summary.js';
import { console } from '../terminal/console.js';
import { messageOf } from '../workspace/errors.js';
import { withTree } from '../workspace/lock.js';
import { entryOf, REGISTRY } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import { colored } from '../workspace/steps.js';
import { createReport, type Fault, parseFaults } from './faults.js';
import { type Reconciled, reconcile, versionOf } from './reconcile.js';
import { type Tree, watchTree } from './tree.js';

/** Short drains: the clients are on this machine, and learn of a drain within milliseconds. */
const env = {
  RONDO_DRAIN_WAIT_MS: process.env.RONDO_DRAIN_WAIT_MS ?? '50',
  RONDO_DRAIN_GRACE_MS: process.env.RONDO_DRAIN_GRACE_MS ?? '3000',
};

/** What `rondo dev` knows between two rounds. */
interface State {
  readonly tree: Tree;
  built: Built;
}

/** Print faults: of builds, and of starts. */
const reports = { built: createReport(), failed: createReport() };

/** Resolves to the exit code, once everything has stopped. */
export async function main(args: readonly string[]): Promise<number> {
  const command = process.env.npm_lifecycle_event === 'dev' ? 'npm run dev' : 'rondo dev';
  let state: State | undefined;
  const begun = (): State => {
    if (state === undefined) throw new Error('nothing is built yet');
    return state;
  };
  try {
    return await runLauncher({
      command,
      args,
      settings: { env, versionOf },
      async build({ signal }) {
        // The watch begins before the build: files that are saved during the build are built again.
        state = { tree: watchTree(root), built: { faults: [], ofCode: [] } };
        return await buildFirst(state, signal);
      },
      async bringUp(session) {
        const { failed } = await session.exclusively(() => reconcileUntilChanged(begun(), session));
        reports.failed(failed);
      },
      attend: (session) => attend(begun(), session, command),
    });
  } finally {
    state?.tree.close();
  }
}

/** Builds everything. Services that don't compile are reported; the others start. */
async function buildFirst(state: State, signal: AbortSignal): Promise<boolean> {
  console.log('Building …');
  state.built = await withTree('rondo dev', () => buildChanged([], signal), signal);
  reports.built(state.built.faults);
  if (existsSync(entryOf(REGISTRY))) return true;
  console.error('The registry is not built, so nothing can be started: fix the faults above first.');
  return false;
}

async function attend(state: State, session: Session, command: string): Promise<void> {
  const { signal } = session.stop;
  const rows = await session.system.rows().catch(() => []); // failed services have been reported
  console.log(`${await summary(rows, session)}\n\nWatching proto, packages and services: what is saved is served.`);
  while (!signal.aborted) {
    try {
      await state.tree.changed(signal);
      await followChange(state, session);
    } catch (error) {
      if (!signal.aborted) console.error(`${command}: ${messageOf(error)}`);
    }
  }
}

async function followChange(state: State, session: Session): Promise<void> {
  const { tree } = state;
  const { signal } = session.stop;
  const startedAt = performance.now();
  const build = async () => {
    const taken = tree.takeChanges();
    if (taken.length > 0) state.built = await buildChanged(taken, signal);
    return taken;
  };
  const changed = await withTree('rondo dev', build, signal); // what `rondo new` writes is built once it is done
  if (changed.length === 0) return;
  const { faults } = state.built;
  reports.built(faults);
  const outcome = await session.exclusively(() => reconcileUntilChanged(state, session));
  if (signal.aborted) return; // what the stop cut off is no outcome
  reports.failed(outcome.failed);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${describeRound(changed, outcome, faults.length)} (${seconds} s)`);
}

/** Reconciles until the next change: a service that doesn't become ready must not delay the change that fixes it. */
async function reconcileUntilChanged({ tree, built: { ofCode } }: State, session: Session): Promise<Reconciled> {
  const changed = new AbortController();
  const over = new AbortController();
  const watching = tree.changed(over.signal).then(
    () => changed.abort('the tree has changed'),
    () => undefined, // no change
  );
  try {
    return await reconcile(session, ofCode, AbortSignal.any([session.stop.signal, changed.signal]));
  } finally {
    over.abort();
    await watching;
  }
}

function describeRound(
  [first, ...others]: readonly string[],
  { restarted, started, stopped, failed }: Reconciled,
  faults: number,
): string {
  const files = others.length === 0 ? first : `${first} and ${others.length} more`;
  const outcomes = Object.entries({ restarted, started, stopped })
    .filter(([, services]) => services.length > 0)
    .map(([what, services]) => `${what} ${services.join(', ')}`);
  if (faults > 0) outcomes.push(`${faults} ${faults === 1 ? 'fault' : 'faults'}: the previous version keeps running`);
  if (failed.length > 0) outcomes.push(`${failed.length} can't be started`);
  const mark = faults + failed.length === 0 ? colored('green', 'ok    ') : colored('red', 'FAILED');
  return `${mark}  ${files} → ${outcomes.join('; ') || 'nothing to restart'}`;
}

/** The faults that a build has found, and of them those of the compiler: a service with one must not be started. */
type Built = Readonly<Record<'faults' | 'ofCode', readonly Fault[]>>;

/**
 * Installs packages if a changed file asks for it, then builds what has changed.
 *
 * @param signal Ends the build between two steps by throwing its reason.
 */
async function buildChanged(changed: readonly string[], signal: AbortSignal): Promise<Built> {
  if (changed.some((file) => /(?:^|\/)package\.json$|^pnpm-/.test(file)) && !(await install({ signal })))
    return { faults: [{ text: 'Packages could not be installed: see above.' }], ofCode: [] };
  const generated = await generate(signal);
  signal.throwIfAborted();
  const compiled = await compile([], signal);
  signal.throwIfAborted();
  const bundled = arePagesFresh() ? { code: 0 } : await bundlePages();
  const faultsOf = (step: { readonly code: number; readonly output?: string }) =>
    step.code === 0 ? [] : parseFaults(step.output ?? '');
  const ofCode = faultsOf(compiled);
  return { faults: [...faultsOf(generated), ...ofCode, ...faultsOf(bundled)], ofCode };
}
