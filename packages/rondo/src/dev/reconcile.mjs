/** Makes the running services match the tree. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { generatedFrom } from '../generate/generate.mjs';
import { entryOf, folderOf, REGISTRY, tryManifests } from '../launch/manifests.mjs';
import { envFileOf } from '../launch/options.mjs';
import { root } from '../workspace/paths.js';
import { concerns } from './faults.mjs';

/**
 * @typedef {object} Reconciled
 * @property {string[]} restarted
 * @property {string[]} started
 * @property {string[]} stopped
 * @property {{ key: string, text: string }[]} failed The services that couldn't be started, and why. The key is the version.
 */

/**
 * Starts services that are new or couldn't be started, restarts those whose version has changed, and stops those whose folder
 * has gone. A service with a fault in its code stays as it is; so does a service that was stopped on request. Later exits of
 * processes are left to the supervisor, until the service's version changes.
 * @param {import('../launch/launcher.mjs').Session} session
 * @param {{ ofCode: import('./faults.mjs').Fault[], signal: AbortSignal }} options The signal ends the wait for services to
 *   become ready; they go on starting.
 * @returns {Promise<Reconciled>}
 */
export async function reconcile({ system, held }, { ofCode, signal }) {
  const { manifests, faults } = tryManifests();
  const failed = new Map([...faults].map(([service, text]) => [service, { key: text, text }]));
  for (const service of held) if (!manifests.has(service) && !faults.has(service)) held.delete(service);
  const running = system.running();
  const stopped = [...running.keys()].filter((service) => !manifests.has(service) && !faults.has(service));
  const wanted = [...manifests.values()].filter((manifest) => isDue(manifest, { running, held, ofCode }));
  const restarted = wanted.map(({ service }) => service).filter((service) => running.has(service));

  await Promise.all(stopped.map(system.stop));
  const start = async (manifest) => {
    try {
      await (restarted.includes(manifest.service) ? system.replace : system.start)(manifest, signal);
    } catch (error) {
      if (!signal.aborted)
        failed.set(manifest.service, { key: versionOf(manifest), text: `${manifest.service}: ${error.message}` });
    }
  };
  await Promise.all(wanted.filter(({ service }) => service === REGISTRY).map(start));
  await Promise.all(wanted.filter(({ service }) => service !== REGISTRY).map(start));
  const started = wanted.map(({ service }) => service).filter((service) => !failed.has(service));
  return {
    restarted: started.filter((service) => restarted.includes(service)),
    started: started.filter((service) => !restarted.includes(service)),
    stopped,
    failed: [...failed.values()],
  };
}

function isDue(manifest, { running, held, ofCode }) {
  const { service } = manifest;
  const entry = running.get(service);
  if (held.has(service) || !existsSync(entryOf(service))) return false;
  if (entry === undefined) return true;
  return entry.version !== versionOf(manifest) && !ofCode.some((fault) => concerns(fault, service));
}

const IMPORTS = /(?:\bfrom|\bimport)\s*\(?\s*["']((?:\.{1,2}\/|@rondo\/)[^"']+)["']/g;

/**
 * The version of a service: a digest that changes if a restart would make a difference. It covers the built modules of this
 * repository that the service loads, its contracts (for reflection), its migrations, its manifest and its `.env`.
 * @param {import('../launch/manifests.mjs').Manifest} manifest
 */
export function versionOf(manifest) {
  const generated = generatedFrom();
  const contracts = manifest.contracts.map((file) => generated[file]);
  const hash = createHash('sha256').update(JSON.stringify({ manifest, contracts }));
  const { service } = manifest;
  for (const file of [...modulesOf(entryOf(service)), ...migrationsOf(service), envFileOf(service)]) {
    hash.update(`\0${file}\0`).update(existsSync(file) ? readFileSync(file) : '');
  }
  return hash.digest('hex');
}

function modulesOf(entry) {
  const found = new Set([entry]);
  // The set grows during the iteration, which then visits the new entries too.
  for (const file of found) {
    if (!existsSync(file)) continue;
    const { resolve } = createRequire(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(IMPORTS)) found.add(resolved(resolve, specifier));
  }
  found.delete(undefined);
  return [...found].sort();
}

/** Undefined for a module that isn't built: a service that imports it doesn't start. */
function resolved(resolve, specifier) {
  try {
    return resolve(specifier);
  } catch (error) {
    if (/^(?:MODULE_NOT_FOUND|ERR_PACKAGE_PATH_NOT_EXPORTED)$/.test(error.code)) return undefined;
    throw error;
  }
}

function migrationsOf(service) {
  const folder = path.join(root, folderOf(service), 'migrations');
  return existsSync(folder)
    ? readdirSync(folder)
        .sort()
        .map((name) => path.join(folder, name))
    : [];
}
