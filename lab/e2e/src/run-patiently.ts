import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Ended, type RunningProcess, root, start } from '@rondo/harness';

const PATIENT = pathToFileURL(join(root, 'lab/e2e/src/patient.mjs')).href;

/** Starts a program of Node's with a clock on which a busy machine reaches no limit of time. */
export const startPatiently = (args: readonly string[], options?: Parameters<typeof start>[2]): RunningProcess =>
  start(process.execPath, ['--import', PATIENT, ...args], options);

/** Runs it to its end. */
export const runPatiently = (args: readonly string[], options?: Parameters<typeof start>[2]): Promise<Ended> =>
  startPatiently(args, options).ended;
