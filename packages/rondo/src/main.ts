#!/usr/bin/env node
/** `rondo`: runs a task of the workspace, or a command that inspects and operates what runs. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { install } from './build/install.js';
import { type Task, type TaskName, tasks } from './commands/tasks.js';
import { formatHelp, wantsHelp } from './help.js';
import { console } from './terminal/console.js';
import { cleanEnvironment } from './workspace/environment.js';
import { messageOf } from './workspace/errors.js';
import { readJson } from './workspace/files.js';
import { withBuild } from './workspace/lock.js';
import { commands, isInstalled, joinProgram, laboratory, program, root, tool } from './workspace/paths.js';
import { run } from './workspace/process.js';

/** A module that runs a task, and resolves to the exit code. */
interface TaskModule {
  main(args: string[]): Promise<number>;
}

type Load = () => Promise<TaskModule>;

/**
 * What runs each task, loaded after the installation. `migrate` is what one version of Rondo runs of another, and `first` what
 * create-rondo runs of the new app, of which git has no copy yet.
 */
const MODULE_OF: Readonly<Record<TaskName | 'migrate' | 'first', Load>> = {
  start: () => import('./launch/start.js'),
  dev: () => import('./dev/dev.js'),
  backup: async () => ({ main: (await import('./launch/backup.js')).backUp }),
  restore: async () => ({ main: (await import('./launch/backup.js')).restore }),
  build: async () => ({ main: (await import('./build/build.js')).main }),
  generate: () => import('./generate/generate.js'),
  test: () => import('./jest/test.js'),
  check: () => import('./check/check.js'),
  breaking: () => import('./check/breaking.js'),
  bundle: () => import('./build/bundle.js'),
  install: async () => ({ main: async () => 0 }),
  migrate: async () => {
    const { writeMigration } = await import('./scaffold/upgrade/migration.js');
    return { main: () => writeMigration(root).then(() => 0) };
  },
  first: async () => {
    const { changePlugins, createService } = await import('./scaffold/index.js');
    const { signal } = new AbortController();
    const progress = { step: async <T>(_: string, work: () => T | Promise<T>) => work() };
    const tree = { root, tool, signal, progress, isCommitted: true, written: new Map() };
    return {
      async main([service = '', ...names]) {
        await createService({ ...tree, name: service, source: undefined, withDatabase: false, port: undefined });
        if (names.length > 0) await changePlugins({ ...tree, change: 'add', names, services: [service] });
        return 0;
      },
    };
  },
};

/** Has a `--help` of its own. */
const EXPLAINS_ITSELF = 'test';
/** Runs as long as the server that it joins, so it loads nothing else. */
const JOIN = 'join';
/** What the commands import is compiled in a clone, and this last of all. */
const IMPORTED = path.join(root, 'packages/schema/dist');

requireNode();
cleanEnvironment();
process.env['RONDO_WORKSPACE'] = root;
const [name, ...args] = process.argv.slice(2);
const load = name === JOIN ? undefined : moduleOf(name);
if (name === JOIN && !wantsHelp(args)) await runJoin();
else if (load === undefined) await runCommand(name);
else process.exitCode = await runTask(String(name), load);

/** Installed, this program is the first that runs; in a clone, `scripts/rondo.mjs` has looked. */
function requireNode(): void {
  const needed = readJson(path.join(tool, 'package.json')).engines.node.replace('>=', '');
  if (process.versions.node.localeCompare(needed, 'en', { numeric: true }) >= 0) return;
  console.error(`Rondo needs Node ${needed} or newer; this is ${process.version}.`);
  process.exit(1);
}

function moduleOf(name = ''): Load | undefined {
  if (name === 'lab' && !isInstalled) return loadLaboratory;
  return new Map<string, Load>(Object.entries(MODULE_OF)).get(name);
}

/** The laboratory's tasks. A fork may have deleted it. */
async function loadLaboratory(): Promise<TaskModule> {
  if (existsSync(laboratory)) return import(pathToFileURL(laboratory).href);
  const fault = 'there is no lab/ in this tree, and npm run lab, pack and create need it: copy it from Rondo';
  console.error(fault);
  return { main: async () => 1 };
}

async function runJoin(): Promise<void> {
  if (!existsSync(joinProgram)) await buildCommands(JOIN);
  await import(pathToFileURL(joinProgram).href);
}

async function runTask(name: string, load: Load): Promise<number> {
  const task = new Map<string, Task>(Object.entries(tasks)).get(name);
  if (args.includes('--help') && task !== undefined && name !== EXPLAINS_ITSELF) {
    console.log(formatHelp({ name, ...task }).trimEnd());
    return 0;
  }
  if (!(await install({ relock: name === 'install' }))) return 1;
  return await (await load()).main(args);
}

/** Builds the commands that inspect and operate if they never were, and runs one: the process ends in there. */
async function runCommand(name: string | undefined): Promise<void> {
  if (!isInstalled && !existsSync(IMPORTED)) await buildCommands(name);
  try {
    // Modules that another command is compiling don't fit together.
    if (!isInstalled && name !== 'doctor') await withBuild('load', async () => undefined);
    await import(pathToFileURL(commands).href);
  } catch (error) {
    // The commands handle their errors: an error here means that a module is missing.
    const reason = `can't be loaded (${messageOf(error).split('\n')[0]})`;
    if (name === 'doctor') await examineAlone(reason);
    console.error(`rondo: ${reason}. Build it: npm run build; or see what is wrong: ./rondo doctor`);
    process.exit(1);
  }
}

async function buildCommands(name: string | undefined): Promise<void> {
  // The doctor changes nothing: it reports what is missing.
  if (name === 'doctor') await examineAlone('not built yet');
  // The build prints to standard error, as standard output is for the command.
  const { code } = await run(process.execPath, [program, 'build'], { show: 'stderr' });
  if (code !== 0) process.exit(1);
}

/** `rondo doctor` without the packages: the checks of the workspace alone. */
async function examineAlone(reason: string): Promise<never> {
  const { examineWithoutCli } = await import('./doctor/checks.js');
  process.exit(await examineWithoutCli(args, reason));
}
