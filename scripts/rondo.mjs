#!/usr/bin/env node
/** `rondo` of this workspace: runs a task as npm does; or installs and builds what is missing, then runs packages/cli. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import './environment.mjs';
import { root, run, tool } from './process.mjs';
import { BUNDLE, isBundleFresh, MODULES } from './rondo-bundle.mjs';

/** The npm scripts that have the same name as a command. */
const TASKS = ['backup', 'build', 'bundle', 'check', 'generate', 'restore', 'seed', 'start', 'test'];

const [command, ...rest] = process.argv.slice(2);
process.env.RONDO_WORKSPACE = root;
process.env.RONDO_TOOL = tool;
if (TASKS.includes(command)) await import('./run.mjs');
else await runCommand();

async function runCommand() {
  if (!existsSync(MODULES)) await buildCli();
  try {
    // Modules that another command is compiling don't fit together.
    if (command !== 'doctor' && !isBundleFresh())
      await (await import('./build-lock.mjs')).withBuild('load', async () => undefined);
    await import((isBundleFresh() ? BUNDLE : MODULES).href);
  } catch (error) {
    // rondo handles its own errors: an error here means that a module is missing.
    const reason = `can't be loaded (${error.message.split('\n')[0]})`;
    if (command === 'doctor') await withoutCli(reason);
    console.error(`rondo: ${reason}. Build it: npm run build; or see what is wrong: ./rondo doctor`);
    process.exit(1);
  }
}

async function buildCli() {
  // The doctor changes nothing: it reports what is missing.
  if (command === 'doctor') await withoutCli('not built yet');
  // The build prints to standard error, as standard output is for the command.
  const { code } = await run(process.execPath, [path.join(tool, 'run.mjs'), 'build'], { show: 'stderr' });
  if (code !== 0) process.exit(1);
}

async function withoutCli(reason) {
  const { examineWithoutCli } = await import('./doctor/checks.mjs');
  process.exit(await examineWithoutCli(rest, reason));
}
