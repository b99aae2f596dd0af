/** What a service is made of, as one digest: it changes when a restart would make a difference. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { generatedFrom } from '../generate.mjs';
import { entryOf } from '../launch/children.mjs';
import { envFileOf } from '../launch/environment.mjs';
import { root } from '../process.mjs';

const IMPORTS = /(?:\bfrom|\bimport)\s*\(?\s*["']((?:\.{1,2}\/|@rondo\/)[^"']+)["']/g;

/**
 * The modules that it loads of this repository, as they are built; its contracts, from which reflection answers; its
 * migrations, its manifest and its `.env`.
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
  // A set grows while it is gone through.
  for (const file of found) {
    if (!existsSync(file)) continue;
    const { resolve } = createRequire(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(IMPORTS)) found.add(resolved(resolve, specifier));
  }
  found.delete(undefined);
  return [...found].sort();
}

/** Undefined for what isn't built: whoever imports it doesn't start. */
function resolved(resolve, specifier) {
  try {
    return resolve(specifier);
  } catch (error) {
    if (/^(?:MODULE_NOT_FOUND|ERR_PACKAGE_PATH_NOT_EXPORTED)$/.test(error.code)) return undefined;
    throw error;
  }
}

function migrationsOf(service) {
  const folder = path.join(root, 'services', service, 'migrations');
  return existsSync(folder)
    ? readdirSync(folder)
        .sort()
        .map((name) => path.join(folder, name))
    : [];
}
