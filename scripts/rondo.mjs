#!/usr/bin/env node
/** Installs the packages of this clone if there are none, compiles packages/rondo if a source of it has changed, and runs it. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Rondo needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (file) => path.join(root, file);
const readJson = (file) => JSON.parse(fs.readFileSync(inRoot(file), 'utf8'));
const modifiedAt = (file) => fs.statSync(inRoot(file), { throwIfNoEntry: false })?.mtimeMs;
const [INSTALLED, DIST, LOCK] = ['node_modules/.rondo-installed', 'packages/rondo/dist', '.rondo/build.lock'];
/** The files that the programs in DIST are compiled from. Its own time is when that began. */
const SOURCES = `${DIST}/sources.json`;
const exists = (...files) => files.every((file) => fs.existsSync(inRoot(file)));
/** packages/rondo itself installs what a changed manifest asks for, once it can be compiled. */
const isInstalled = () => exists(INSTALLED, 'packages/rondo/node_modules/esbuild');
const isCompiled = () => exists(SOURCES) && readJson(SOURCES).every((file) => modifiedAt(file) <= modifiedAt(SOURCES));
if (!isInstalled() || !isCompiled()) await prepare();
await import(pathToFileURL(inRoot(`${DIST}/main.mjs`)).href);

/** Installs and compiles under the lock of builds, that of packages/rondo/src/workspace/lock.ts. */
async function prepare() {
  const draft = inRoot(`${LOCK}.${process.pid}`);
  fs.mkdirSync(path.dirname(draft), { recursive: true });
  fs.writeFileSync(draft, JSON.stringify({ pid: process.pid, purpose: 'another command\'s step "compile rondo"' }));
  for (let waits = 1; !take(LOCK, draft); waits += 1) {
    if (waits === 100) console.error(`Waiting for the process that ${LOCK} names …`);
    // One process at a time, or the slower of two would remove the lock that the faster one has taken meanwhile.
    if (!isHeld() && take(`${LOCK}.removal`, draft)) {
      if (!isHeld()) fs.rmSync(inRoot(LOCK), { force: true });
      fs.rmSync(inRoot(`${LOCK}.removal`));
    }
    await sleep(50);
  }
  fs.rmSync(draft);
  if (!isInstalled()) install();
  if (!isCompiled()) await compile().catch(() => process.exit(1)); // esbuild has printed why
  fs.rmSync(inRoot(LOCK));
}

function take(lock, draft) {
  try {
    fs.linkSync(draft, inRoot(lock));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

function isHeld() {
  try {
    return process.kill(readJson(LOCK).pid, 0);
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/** By the pinned pnpm. packages/rondo finds it again by the PATH of npx. */
function install() {
  console.error('Installing packages …');
  const env = { ...process.env, CI: 'true', NODE_OPTIONS: '' };
  try {
    fs.accessSync(homedir(), fs.constants.W_OK);
  } catch {
    // In a container an account may have no home.
    for (const name of ['npm_config_cache', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'])
      env[name] = inRoot(`.rondo/caches/${name}`);
  }
  const line = 'node -p process.env.PATH > .rondo/pnpm && pnpm install --frozen-lockfile';
  const npx = `npx --yes --package=${readJson('package.json').packageManager} --call "${line}"`;
  const { status } = spawnSync(npx, { cwd: root, env, stdio: ['ignore', 2, 2], shell: true });
  if (status !== 0) process.exit(1);
  fs.writeFileSync(inRoot(INSTALLED), ''); // packages/rondo fills it in
}

async function compile() {
  const startedAt = new Date();
  const { build } = createRequire(inRoot('packages/rondo/package.json'))('esbuild');
  const { programs, esbuild } = readJson('packages/rondo/programs.json');
  const into = { outdir: inRoot(DIST), absWorkingDir: root, sourcemap: true, write: false, metafile: true };
  const { outputFiles, metafile } = await build({ ...esbuild, ...into, entryPoints: programs });
  fs.mkdirSync(inRoot(DIST), { recursive: true });
  for (const { path: file, contents } of outputFiles) {
    fs.writeFileSync(`${file}.${process.pid}`, contents);
    fs.renameSync(`${file}.${process.pid}`, file); // another process may load it
  }
  fs.writeFileSync(inRoot(SOURCES), JSON.stringify([...Object.keys(metafile.inputs), 'packages/rondo/programs.json']));
  fs.utimesSync(inRoot(SOURCES), startedAt, startedAt);
}
