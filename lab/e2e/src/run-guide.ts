import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Ended, root } from '@rondo/harness';
import type { Guide } from '../../../e2e/src/docs.js';
import { runPatiently } from './run-patiently.js';

/** Runs a guide's file unchanged in the folder where its reader saves it. It has another name there, as the reader's own may exist. */
export async function runFile(guide: Guide, file: string, ...args: readonly string[]): Promise<Ended> {
  const place = join(root, dirname(guide.placeOf(file)), `.guide-${file}`);
  writeFileSync(place, guide.code(file));
  const ended = await runPatiently([place, ...args]);
  rmSync(place);
  return ended;
}
