#!/usr/bin/env node
/** `rondo` of this repository: installs and builds what is missing, then runs packages/cli. */
import { existsSync } from 'node:fs';
import { BUNDLE, isBundleFresh, MODULES } from './rondo-bundle.mjs';

const [command, ...rest] = process.argv.slice(2);
if (!existsSync(MODULES)) {
  // The doctor changes nothing: what is missing is what it tells.
  if (command === 'doctor') await withoutCli('not built yet');
  // What it says goes to standard error: the other one is for what the command prints.
  const { run } = await import('./process.mjs');
  const { code } = await run(process.execPath, ['scripts/run.mjs', 'build'], { show: 'stderr' });
  if (code !== 0) process.exit(1);
}
try {
  await import((isBundleFresh() ? BUNDLE : MODULES).href);
} catch (error) {
  // rondo tells its own faults: what comes here is one of its parts missing.
  const reason = `can't be loaded (${error.message.split('\n')[0]})`;
  if (command === 'doctor') await withoutCli(reason);
  console.error(`rondo: ${reason}. Build it: npm run build; or see what is wrong: ./rondo doctor`);
  process.exit(1);
}

async function withoutCli(reason) {
  const { examineWithoutCli } = await import('./doctor/checks.mjs');
  process.exit(await examineWithoutCli(rest, reason));
}
