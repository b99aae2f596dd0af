#!/usr/bin/env node
import { readArguments, USAGE } from './arguments.js';
import { createApp } from './create-app.js';
import { publishedSamples } from './samples.js';
import { publishedVersions } from './template.js';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const given = await readArguments(process.argv.slice(2));
  if (given === undefined) print(USAGE);
  else createApp({ ...given, versions: publishedVersions(), samples: publishedSamples, tell: print });
} catch (error) {
  process.stderr.write(`create-rondo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
