/** Runs the whole system and rebuilds it when files are saved: `npm run dev -- [--data DIR] [--port-base N]`. */
import { existsSync } from 'node:fs';
import { refreshBundle } from '../build/build.js';
import { runLauncher } from '../launch/launcher.mjs';
import { entryOf, REGISTRY } from '../launch/manifests.mjs';
import { summary } from '../launch/summary.mjs';
import { root } from '../workspace/paths.js';
import { colored } from '../workspace/steps.js';
import { buildAll, buildServices, withTree } from './builder.mjs';
import { createReport } from './faults.mjs';
import { reconcile, versionOf } from './reconcile.mjs';
import { watchTree } from './tree.mjs';

/** Short drains: the clients are on this machine, and learn of a drain within milliseconds. */
const env = {
  RONDO_DRAIN_WAIT_MS: process.env.RONDO_DRAIN_WAIT_MS ?? '50',
  RONDO_DRAIN_GRACE_MS: process.env.RONDO_DRAIN_GRACE_MS ?? '3000',
};
/** Files that other projects than services depend on. */
const SHARED = /^(?:packages|proto)\/|^[^/]+$/;
/** `rondo` is bundled when no file has been saved for this long, so that a save that follows soon isn't slowed down. */
const BUNDLE_DELAY_MS = 3_000;
const tell = (text) => console.log(text);

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code, once everything has stopped.
 */
export async function main(args) {
  const command = process.env.npm_lifecycle_event === 'dev' ? 'npm run dev' : 'rondo dev';
  const reports = { services: createReport(tell), rest: createReport(tell), failed: createReport(tell) };
  const state = { command, reports };
  try {
    return await runLauncher({
      command,
      args,
      settings: { env, versionOf },
      build: ({ signal }) => buildFirst(state, signal),
      bringUp: (session) => bringUp(state, session),
      attend: (session) => attend(state, session),
    });
  } finally {
    state.tree?.close();
  }
}

/** Builds everything. Services that don't compile are reported; the others start. */
async function buildFirst(state, signal) {
  // The watch begins before the build: files that are saved during the build are built again.
  state.tree = watchTree(root);
  console.log('Building …');
  state.built = await withTree({ signal, tell }, () => buildAll(signal));
  state.reports.services(state.built.faults);
  if (existsSync(entryOf(REGISTRY))) return true;
  console.error('The registry is not built, so nothing can be started: fix the faults above first.');
  return false;
}

async function bringUp(state, session) {
  const { failed } = await session.exclusively(() => reconcileUntilChanged(state, session));
  state.reports.failed(failed);
}

async function attend(state, session) {
  const { command, tree } = state;
  const { signal } = session.stop;
  const rows = await session.system.rows().catch(() => []); // failed services have been reported
  console.log(`${summary(rows, session)}\n\nWatching proto, packages and services: what is saved is served.`);
  while (!signal.aborted) {
    try {
      await tree.changed(signal);
      await round(state, session);
    } catch (error) {
      if (!signal.aborted) console.error(`${command}: ${error.message}`);
    }
  }
}

async function round(state, session) {
  const { tree, reports } = state;
  const { signal } = session.stop;
  const startedAt = performance.now();
  clearTimeout(state.bundling);
  const changed = await withTree({ signal, tell }, async () => {
    const files = tree.takeChanges();
    if (files.length > 0) state.built = await buildServices(files, signal);
    return files;
  });
  if (changed.length === 0) return;
  const { faults } = state.built;
  reports.services(faults);
  const outcome = await session.exclusively(() => reconcileUntilChanged(state, session));
  if (signal.aborted) return; // what the stop cut off is no outcome
  reports.failed(outcome.failed);
  tell(describeRound({ changed, outcome, faults: faults.length, startedAt }));
  state.isRestDue ||= changed.some((file) => SHARED.test(file));
  if (!state.isRestDue) return;
  const rest = await withTree({ signal, tell }, () => buildAll(signal));
  // The next round reports the faults of what was saved during this build.
  if (tree.isChanged()) return;
  state.isRestDue = false;
  if (rest.faults.length === 0) state.bundling = setTimeout(refreshBundle, BUNDLE_DELAY_MS).unref();
  reports.rest(rest.faults.filter(({ text }) => !faults.some((one) => one.text === text)));
}

/** Reconciles until the next change: a service that doesn't become ready must not delay the change that fixes it. */
async function reconcileUntilChanged({ tree, built: { ofCode } }, session) {
  const changed = new AbortController();
  const over = new AbortController();
  const watching = tree.changed(over.signal).then(
    () => changed.abort('the tree has changed'),
    () => undefined, // no change
  );
  try {
    const signal = AbortSignal.any([session.stop.signal, changed.signal]);
    return await reconcile(session, { ofCode, signal });
  } finally {
    over.abort();
    await watching;
  }
}

/**
 * @param {{ changed: string[], outcome: import('./reconcile.mjs').Reconciled, faults: number, startedAt: number }} round
 *   `faults` is the number of faults of the build.
 */
function describeRound({ changed, outcome: { restarted, started, stopped, failed }, faults, startedAt }) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const done = [
    ...said('restarted', restarted),
    ...said('started', started),
    ...said('stopped', stopped),
    ...(faults === 0 ? [] : [`${faults} ${faults === 1 ? 'fault' : 'faults'}: what has one goes on as it was`]),
    ...(failed.length === 0 ? [] : [`${failed.length} can't be started`]),
  ];
  const mark = faults + failed.length === 0 ? colored('green', 'ok    ') : colored('red', 'FAILED');
  return `${mark}  ${describeFiles(changed)} → ${done.join('; ') || 'nothing to restart'} (${seconds} s)`;
}

const said = (what, services) => (services.length === 0 ? [] : [`${what} ${services.join(', ')}`]);

function describeFiles([first, ...others]) {
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
