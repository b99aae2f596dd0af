import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Ended, type RunningProcess, root } from '@rondo/harness';
import type { Guide } from '../../../e2e/src/docs.js';
import { startPatiently } from './run-patiently.js';

/** Starts a guide's file unchanged in the folder where its reader saves it. It has another name there, as the reader's own may exist. */
export function startFile(guide: Guide, file: string, ...args: readonly string[]): RunningProcess {
  const place = join(root, dirname(guide.placeOf(file)), `.guide-${file}`);
  writeFileSync(place, guide.code(file));
  const started = startPatiently([place, ...args]);
  started.process.once('close', () => rmSync(place));
  return started;
}

/** Runs a guide's file as {@link startFile} does, to its end. */
export const runFile = (guide: Guide, file: string, ...args: readonly string[]): Promise<Ended> =>
  startFile(guide, file, ...args).ended;
