#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArguments, USAGE } from './arguments.js';
import { createApp } from './create-app.js';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const given = parseArguments(process.argv.slice(2), process.env['INIT_CWD'] ?? process.cwd());
  if (given === undefined) print(USAGE);
  else {
    const versions = JSON.parse(readFileSync(new URL('../versions.json', import.meta.url), 'utf8'));
    createApp({ ...given, versions, samples: fileURLToPath(new URL('../samples/', import.meta.url)), tell: print });
    print(`\n  cd ${given.folder}\n  npm start`);
  }
} catch (error) {
  process.stderr.write(`create-rondo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
