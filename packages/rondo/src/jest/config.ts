/** Parts of jest's configuration that each workspace has: how tests are compiled, and how a run is set up and ended. */
import { url } from 'node:inspector';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dist } from '../workspace/paths.js';

const program = (name: string) => path.join(dist, `${name}.mjs`);

export const project = {
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  testEnvironment: program('jest-environment'),
  globalSetup: program('jest-setup'),
  globalTeardown: program('jest-teardown'),
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      fileURLToPath(import.meta.resolve('@swc/jest')),
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        // A debugger reads the map from the code. It doubles what a test file loads.
        sourceMaps: url() === undefined ? true : 'inline',
      },
    ],
  },
};

/** Relative imports of TypeScript name the compiled file. */
export const typescriptSpecifiers = { '^(\\.{1,2}/.*)\\.js$': '$1' };

/** The sequencer of a workspace whose journeys over processes are the project `e2e`. */
export const journeysFirst = program('jest-order');

export const run = {
  // Random tests take it from jest.getSeed(), and --seed repeats them.
  showSeed: true,
  // A bound on what hangs, and no measure of anything: a machine may be busy.
  testTimeout: 600_000,
  // Node never frees the modules of a test file, and a large heap slows down all files that follow.
  workerIdleMemoryLimit: '250MB',
  // What would hold a worker has failed its test file. One of half a gigabyte takes its time to end on a busy machine.
  workerGracefulExitTimeout: 10_000,
  // More than two cores: a component test waits more than it computes.
  maxWorkers: Math.max(4, availableParallelism()),
};

/** The configuration of a workspace that installs Rondo: it tests its services. */
export const app = {
  projects: [
    { ...project, displayName: 'code', roots: ['<rootDir>/services'], moduleNameMapper: typescriptSpecifiers },
  ],
  ...run,
};
