// The contenders' packages are a project of their own: no peer is a dependency of the workspace.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '@rondo/tool/workspace';
import { show } from '../report/figures.mjs';

const fileOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const STAMP = fileOf('node_modules/.rondo-installed');

/**
 * Installs what the committed lock file names, if it isn't installed yet. No install script runs.
 *
 * @returns what went wrong, in words for the terminal; undefined if all is there.
 */
export async function installPeers() {
  const wanted = readFileSync(fileOf('package-lock.json'), 'utf8');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return undefined;
  show('installing the peers in lab/bench/peers (npm ci) …');
  const { code, output } = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: fileOf('.'),
    env: { npm_config_fetch_retries: '1' },
  });
  if (code !== 0) return `npm couldn’t install the peers of lab/bench/peers/package-lock.json:\n${output.trim()}`;
  writeFileSync(STAMP, wanted);
  return undefined;
}

/** The installed version of a package; undefined if there is none. */
export function versionOf(name) {
  const files = [`node_modules/${name}`, `dubbo/node_modules/${name}`, `../../node_modules/${name}`];
  const file = files.map((folder) => fileOf(`${folder}/package.json`)).find((one) => existsSync(one));
  return file && JSON.parse(readFileSync(file, 'utf8')).version;
}
