/** The program of `rondo join`, as one file: it runs as long as a server, and takes a quarter less memory than its packages. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../workspace/errors.js';
import { dist, isInstalled, joinProgram } from '../workspace/paths.js';
import type { StepResult } from '../workspace/steps.js';
import { bundleFile } from './bundle-file.js';
import { isFresh } from './pages.js';

const bundle = { out: joinProgram, inputs: path.join(dist, 'join.json') };

/** Whether it is newer than its sources. An installed tool has it. */
export const isJoinFresh = (): boolean => isInstalled || isFresh(bundle);

/** Bundles it from what is compiled. */
export async function bundleJoin(): Promise<StepResult> {
  try {
    writeFileSync(bundle.inputs, JSON.stringify(await writeJoin(bundle.out)));
    return { code: 0 };
  } catch (error) {
    return { code: 1, output: messageOf(error) };
  }
}

/** Writes it to a file. Returns the files that it is made of. */
export const writeJoin = (file: string): Promise<readonly string[]> =>
  bundleFile(fileURLToPath(import.meta.resolve('@rondo/service/join-main')), file);
