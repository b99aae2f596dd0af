#!/usr/bin/env node
import { parseArguments, USAGE } from './arguments.js';
import { createApp } from './create-app.js';
import { publishedSamples } from './samples.js';
import { publishedVersions } from './template.js';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const given = parseArguments(process.argv.slice(2), process.env['INIT_CWD'] ?? process.cwd());
  if (given === undefined) print(USAGE);
  else {
    createApp({ ...given, versions: publishedVersions(), samples: publishedSamples, tell: print });
    print(`\n  cd ${given.folder}\n  npm start`);
  }
} catch (error) {
  process.stderr.write(`create-rondo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
