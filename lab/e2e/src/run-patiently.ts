import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runNode } from '@rondo/harness';

const PATIENT = pathToFileURL(join(root, 'lab/e2e/src/patient.mjs')).href;

/** Runs a program of Node's to its end, with a clock on which a busy machine reaches no limit of time. */
export const runPatiently: typeof runNode = (args, options) => runNode(['--import', PATIENT, ...args], options);
