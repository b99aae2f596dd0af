import { existsSync } from 'node:fs';
import { project, run, typescriptSpecifiers } from './scripts/jest/config.mjs';

/** Packages are taken from their sources: a test sees a change without a build. */
const code = {
  ...project,
  displayName: 'code',
  roots: ['packages', 'services', 'lab/bench']
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
  ...run,
};
