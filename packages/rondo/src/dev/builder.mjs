/** The builds of `rondo dev`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { compile } from '../build/build.js';
import { install } from '../build/install.js';
import { generate } from '../generate/generate.mjs';
import { ownServices } from '../launch/manifests.mjs';
import { isInstalled, root } from '../workspace/paths.js';
import { parseFaults } from './faults.mjs';

/**
 * @typedef {object} Built
 * @property {import('./faults.mjs').Fault[]} faults All of them.
 * @property {import('./faults.mjs').Fault[]} ofCode Those of the compiler: a service with one must not be started.
 */

/** Runs `work` under the lock of the tree. Before the first build nothing but builds changes the tree, and they have a lock. */
export async function withTree({ signal, tell }, work) {
  if (!isInstalled && !existsSync(path.join(root, 'packages/create/dist/exports/index.js'))) return await work();
  const { withTreeLock } = await import('../scaffold/index.js');
  const onWait = (holder) => tell(`Waiting for ${holder} …`);
  return await withTreeLock(root, { purpose: 'rondo dev', signal, timeoutMs: WAIT_MS, onWait }, work);
}

const WAIT_MS = 600_000;

/**
 * Installs packages if a changed file asks for it, then builds the services and their dependencies.
 * @param {string[]} changed
 * @param {AbortSignal} signal Ends the build between two steps by throwing its reason.
 * @returns {Promise<Built>}
 */
export async function buildServices(changed, signal) {
  if (changed.some((file) => /(?:^|\/)package\.json$|^pnpm-/.test(file)) && !(await install({ signal }))) {
    return { faults: [{ text: 'Packages could not be installed: see above.' }], ofCode: [] };
  }
  const projects = ownServices()
    .map((service) => `services/${service}`)
    .filter((folder) => existsSync(path.join(root, folder, 'tsconfig.json')));
  return await buildProjects(projects, signal);
}

/**
 * Builds everything.
 * @param {AbortSignal} signal As that of {@link buildServices}.
 * @returns {Promise<Built>}
 */
export const buildAll = (signal) => buildProjects([], signal);

async function buildProjects(projects, signal) {
  const generated = await generate(signal);
  signal.throwIfAborted();
  const compiled = await compile(projects, signal);
  signal.throwIfAborted();
  const ofCode = compiled.code === 0 ? [] : parseFaults(compiled.output);
  return { faults: [...(generated.code === 0 ? [] : parseFaults(generated.output)), ...ofCode], ofCode };
}
