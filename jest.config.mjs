import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const project = {
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  testEnvironment: '<rootDir>/scripts/jest/leak-free-environment.mjs',
  globalSetup: '<rootDir>/scripts/jest/memory-folder.mjs',
  globalTeardown: '<rootDir>/scripts/jest/end-of-run.mjs',
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

const typescriptSpecifiers = { '^(\\.{1,2}/.*)\\.js$': '$1' };

/** Packages are taken from their sources: a test sees a change without a build. */
const code = {
  ...project,
  displayName: 'code',
  roots: ['packages', 'services', 'bench']
    .filter((folder) => existsSync(folder))
    .map((folder) => `<rootDir>/${folder}`),
  moduleNameMapper: {
    '^@rondo/contracts/(.*)$': '<rootDir>/packages/contracts/src/$1.ts',
    '^@rondo/([a-z]+)$': '<rootDir>/packages/$1/src/exports/index.ts',
    '^@rondo/([a-z]+)/(.*)$': '<rootDir>/packages/$1/src/exports/$2.ts',
    ...typescriptSpecifiers,
  },
};

/** Journeys take what was built, as the processes that they start do. */
const e2e = {
  ...project,
  displayName: 'e2e',
  roots: ['<rootDir>/e2e'],
  moduleNameMapper: typescriptSpecifiers,
};

/** @type {import('jest').Config} */
export default {
  projects: existsSync('e2e/package.json') ? [code, e2e] : [code],
  reporters: ['default', '<rootDir>/scripts/jest/report.mjs'],
  // A bound on what hangs, and no measure of anything: a machine may be busy.
  testTimeout: 600_000,
  // Node never frees the modules of a test file, and a large heap slows down all files that follow.
  workerIdleMemoryLimit: '250MB',
  // What would hold a worker has failed its test file. One of half a gigabyte takes its time to end on a busy machine.
  workerGracefulExitTimeout: 10_000,
  // More than two cores: a component test waits more than it computes.
  maxWorkers: Math.max(4, availableParallelism()),
};
