/** The program of `rondo join`, as one file: it runs as long as a server, and takes a quarter less memory than its packages. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dist, isInstalled, joinProgram } from '../workspace/paths.js';
import { orFailed, type StepResult } from '../workspace/steps.js';
import { bundleFile } from './bundle-file.js';
import { isFresh } from './pages.js';

const bundle = { out: joinProgram, inputs: path.join(dist, 'join.json') };

/** Whether it is newer than its sources. An installed tool has it. */
export const isJoinFresh = (): boolean => isInstalled || isFresh(bundle);

/** Bundles it from what is compiled. */
export const bundleJoin = (): Promise<StepResult> =>
  orFailed(async () => void writeFileSync(bundle.inputs, JSON.stringify(await writeJoin(bundle.out))));

/** Writes it to a file. Returns the files that it is made of. */
export const writeJoin = (file: string): Promise<readonly string[]> =>
  bundleFile(fileURLToPath(import.meta.resolve('@rondo/service/join-main')), file);
