import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type RunningProcess, start } from '@rondo/harness';
import { runIn } from '../existing-apps/apps.js';

/** Verdaccio needs node-fetch and doesn't name it. */
const PACKAGES = ['verdaccio@6.8.0', 'node-fetch@2.7.0'];

/** Installs a registry of packages in a folder that doesn't exist, and starts it on the loopback. It has those of npm's own configured registry too. */
export async function startPackageRegistry(folder: string) {
  mkdirSync(folder);
  await runIn(folder, 'npm', 'install', '--no-save', '--no-package-lock', '--prefix', folder, ...PACKAGES);
  const upstream = (await runIn(folder, 'npm', 'config', 'get', 'registry')).trim();
  const own = { access: '$all', publish: '$all' };
  const config = {
    storage: join(folder, 'storage'),
    uplinks: { upstream: { url: upstream } },
    packages: { '@rondo/*': own, 'create-rondo': own, '**': { access: '$all', proxy: 'upstream' } },
    log: { type: 'stdout', level: 'warn' },
  };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  const host = `127.0.0.1:${await freePort()}`;
  const args = ['--config', join(folder, 'config.yaml'), '--listen', host];
  const server: RunningProcess = start(process.execPath, [
    join(folder, 'node_modules/verdaccio/bin/verdaccio'),
    ...args,
  ]);
  await server.printed(/http address/);
  writeFileSync(join(folder, 'npmrc'), `registry=http://${host}/\n//${host}/:_authToken=anyone\n`);
  // The names by which npm run hands its own on. npm and pnpm use it by them, with no cache of another registry.
  const env = {
    npm_config_userconfig: join(folder, 'npmrc'),
    npm_config_cache: join(folder, 'npm-cache'),
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  return { env, stop: () => server.stop() };
}
