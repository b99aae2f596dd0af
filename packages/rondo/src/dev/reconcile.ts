/** Makes the running services match the tree. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { generatedFrom } from '../generate/generate.js';
import type { Session } from '../launch/commands.js';
import { envFileOf } from '../launch/options.js';
import { codeOf, messageOf } from '../workspace/errors.js';
import { filesBelow } from '../workspace/files.js';
import { entryOf, folderOf, isStartable, type Manifest, REGISTRY, tryManifests } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import { concerns, type Fault } from './faults.js';

/** What was done to services, by name. */
export type Reconciled = Awaited<ReturnType<typeof reconcile>>;

/**
 * Starts services that are new or couldn't be started, restarts those whose version has changed, and stops those whose folder
 * has gone. A service with a fault in its code stays as it is. Later exits of
 * processes are left to the supervisor, until the service's version changes.
 *
 * @param signal Ends the wait for services to become ready.
 */
export async function reconcile({ system }: Session, ofCode: readonly Fault[], signal: AbortSignal) {
  const { manifests, faults } = tryManifests();
  const failed = new Map([...faults].map(([service, text]) => [service, { key: text, text }]));
  const isGone = (service: string) => !manifests.has(service) && !faults.has(service);
  const running = system.running;
  const stopped = [...running.keys()].filter(isGone);
  const isDue = (manifest: Manifest) => {
    const { service } = manifest;
    const entry = running.get(service);
    const isFaulty = ofCode.some((fault) => concerns(fault, service));
    if (entry === undefined) return isStartable(manifest) || !isFaulty;
    return isStartable(manifest) && entry.version !== versionOf(manifest) && !isFaulty;
  };
  const due = [...manifests.values()].filter(isDue);
  const isRestart = new Set(due.map(({ service }) => service).filter((service) => running.has(service)));

  await Promise.all(stopped.map((service) => system.stop(service)));
  const start = async (manifest: Manifest, after?: Promise<unknown>) => {
    const { service } = manifest;
    try {
      await system.start(manifest, { signal, after });
    } catch (error) {
      if (!signal.aborted) failed.set(service, { key: versionOf(manifest), text: `${service}: ${messageOf(error)}` });
    }
  };
  const registry = due.find(({ service }) => service === REGISTRY);
  const after = registry && start(registry);
  await Promise.all(due.filter((one) => one !== registry).map((manifest) => start(manifest, after)));
  await after;
  const done = due.map(({ service }) => service).filter((service) => !failed.has(service));
  return {
    restarted: done.filter((service) => isRestart.has(service)),
    started: done.filter((service) => !isRestart.has(service)),
    stopped,
    /** Why services couldn't be started. The key is the version. */
    failed: [...failed.values()],
  };
}

const IMPORTS = /(?:\bfrom|\bimport)\s*\(?\s*["']([@.\w][^"':]*)["']/g;

/**
 * The version of a service: a digest that changes if a restart would make a difference. It covers the built modules of this
 * workspace that the service loads, its contracts (for reflection), its migrations, its manifest and its `.env`.
 */
export function versionOf(manifest: Manifest): string {
  const { service } = manifest;
  const generated: Readonly<Record<string, unknown>> = generatedFrom();
  const contracts = manifest.contracts.map((file) => generated[file]);
  const migrations = path.join(root, folderOf(service), 'migrations');
  const files = filesBelow(migrations).map((name) => path.join(migrations, name));
  const hash = createHash('sha256').update(JSON.stringify({ manifest, contracts }));
  for (const file of [...modulesOf(entryOf(service)), ...files, envFileOf(service)])
    hash.update(`\0${file}\0`).update(existsSync(file) ? readFileSync(file) : '');
  return hash.digest('hex');
}

/** The modules that a program loads, without those of third parties. In an app, the workspace's packages have a scope of their own. */
export function modulesOf(entry: string): readonly string[] {
  const found = new Set([entry]);
  const isForeign = (specifier: string, file: string) =>
    !/^(?:\.|@rondo\/)/.test(specifier) && (!path.isAbsolute(file) || file.split(path.sep).includes('node_modules'));
  // The set grows during the iteration, which then visits the new entries too.
  for (const file of found) {
    if (!existsSync(file)) continue;
    const { resolve } = createRequire(file);
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(IMPORTS)) {
      try {
        const imported = resolve(specifier);
        if (!isForeign(specifier, imported)) found.add(imported);
      } catch (error) {
        // It isn't built: a service that imports it doesn't start.
        if (!/^(?:MODULE_NOT_FOUND|ERR_PACKAGE_PATH_NOT_EXPORTED)$/.test(codeOf(error) ?? '')) throw error;
      }
    }
  }
  return [...found].sort();
}
