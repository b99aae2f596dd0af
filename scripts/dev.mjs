/** The whole system on this machine, following the tree: `npm run dev -- [--data DIR] [--port-base N]`. */
/** What `rondo dev` says of a change, on one line. */
import { existsSync } from 'node:fs';
import { refreshBundle } from './build.mjs';
import { buildAll, buildServices, withTree } from './dev/builder.mjs';
import { createReport } from './dev/faults.mjs';
import { reconcile, versionOf } from './dev/reconcile.mjs';
import { watchTree } from './dev/tree.mjs';
import { entryOf } from './launch/children.mjs';
import { runLauncher } from './launch/launcher.mjs';
import { REGISTRY } from './launch/manifests.mjs';
import { summary } from './launch/summary.mjs';
import { root } from './process.mjs';
import { colored } from './steps.mjs';

/** Nobody but the developer calls: what is restarted needn't wait until every client has heard of it. */
const env = {
  RONDO_DRAIN_WAIT_MS: process.env.RONDO_DRAIN_WAIT_MS ?? '0',
  RONDO_DRAIN_GRACE_MS: process.env.RONDO_DRAIN_GRACE_MS ?? '3000',
};
/** What others than the services are made of too. */
const SHARED = /^(?:packages|proto)\/|^[^/]+$/;
/** `rondo` is bundled when nothing has been saved for so long: a save that follows soon has the processor for itself. */
const BUNDLE_DELAY_MS = 3_000;
const tell = (text) => console.log(text);

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code, once everything has stopped.
 */
export async function main(args) {
  const command = process.env.npm_lifecycle_event === 'dev' ? 'npm run dev' : 'rondo dev';
  const reports = { services: createReport(tell), rest: createReport(tell), failed: createReport(tell) };
  const scene = { command, reports };
  try {
    return await runLauncher({
      command,
      args,
      settings: { env, versionOf },
      build: ({ signal }) => buildFirst(scene, signal),
      bringUp: (session) => bringUp(scene, session),
      attend: (session) => attend(scene, session),
    });
  } finally {
    scene.tree?.close();
  }
}

/** What doesn't compile is shown, and what there is comes up. */
async function buildFirst(scene, signal) {
  // From here on: what is saved while it builds is built again.
  scene.tree = watchTree(root);
  console.log('Building …');
  scene.built = await withTree({ signal, tell }, () => buildAll(signal));
  scene.reports.services(scene.built.faults);
  if (existsSync(entryOf(REGISTRY))) return true;
  console.error('There is nothing yet that could be started: mend what stands above first.');
  return false;
}

async function bringUp(scene, session) {
  const { failed } = await session.turn(() => reconcileUntilChanged(scene, session));
  scene.reports.failed(failed);
}

async function attend(scene, session) {
  const { command, tree } = scene;
  const { signal } = session.stop;
  const rows = await session.system.rows().catch(() => []); // what doesn't run was told
  console.log(`${summary(rows, session)}\n\nWatching proto, packages and services: what is saved is served.`);
  while (!signal.aborted) {
    try {
      await tree.changed(signal);
      await round(scene, session);
    } catch (error) {
      if (!signal.aborted) console.error(`${command}: ${error.message}`);
    }
  }
}

async function round(scene, session) {
  const { tree, reports } = scene;
  const { signal } = session.stop;
  const startedAt = performance.now();
  clearTimeout(scene.bundling);
  const changed = await withTree({ signal, tell }, async () => {
    const files = tree.takeChanges();
    if (files.length > 0) scene.built = await buildServices(files, signal);
    return files;
  });
  if (changed.length === 0) return;
  const { faults } = scene.built;
  reports.services(faults);
  const outcome = await session.turn(() => reconcileUntilChanged(scene, session));
  reports.failed(outcome.failed);
  tell(describeRound({ changed, outcome, faults: faults.length, startedAt }));
  if (!changed.some((file) => SHARED.test(file))) return;
  const rest = await withTree({ signal, tell }, () => buildAll(signal));
  if (rest.faults.length === 0) scene.bundling = setTimeout(refreshBundle, BUNDLE_DELAY_MS).unref();
  reports.rest(rest.faults.filter(({ text }) => !faults.some((one) => one.text === text)));
}

/** The next change doesn't wait for a service that doesn't come up: it may be what makes it. */
async function reconcileUntilChanged({ tree, built: { ofCode } }, session) {
  const changed = new AbortController();
  const over = new AbortController();
  const watching = tree.changed(over.signal).then(
    () => changed.abort('the tree has changed'),
    () => undefined, // nothing has changed
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
 * @param {{ changed: string[], outcome: import('./reconcile.mjs').Outcome, faults: number, startedAt: number }} round
 *   `faults` counts those of the tools.
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
