#!/usr/bin/env node
/** `rondo` of this repository: installs and builds what is missing, then runs packages/cli. */
import { existsSync } from 'node:fs';

const cli = new URL('../packages/cli/dist/main.js', import.meta.url);
if (!existsSync(cli)) {
  const { install } = await import('./install.mjs');
  const { build } = await import('./build.mjs');
  if (!(await install()) || !(await build())) process.exit(1);
}
await import(cli.href);
