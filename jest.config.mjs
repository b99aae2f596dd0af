import { existsSync, readdirSync } from 'node:fs';
import { journeysFirst, project, run, typescriptSpecifiers } from './packages/rondo/dist/jest.mjs';

/** The roots that this tree has: a fork may have deleted the laboratory. */
const roots = (...folders) => folders.filter((folder) => existsSync(folder)).map((folder) => `<rootDir>/${folder}`);

/** The packages of a folder, as an alternative of a regular expression. */
const plugins = existsSync('plugins') ? readdirSync('plugins').join('|') : '-';

/** Packages are taken from their sources: a test sees a change without a build. */
const code = {
  ...project,
  displayName: 'code',
  roots: roots('packages', 'plugins', 'services'),
  moduleNameMapper: {
    '^@rondo/contracts/(.*)$': '<rootDir>/packages/contracts/src/$1.ts',
    [`^@rondo/(${plugins})$`]: '<rootDir>/plugins/$1/src/exports/index.ts',
    [`^@rondo/(${plugins})/(?!package[.]json)(.*)$`]: '<rootDir>/plugins/$1/src/exports/$2.ts',
    '^@rondo/([a-z-]+)$': '<rootDir>/packages/$1/src/exports/index.ts',
    '^@rondo/([a-z-]+)/(?!package[.]json)(.*)$': '<rootDir>/packages/$1/src/exports/$2.ts',
    ...typescriptSpecifiers,
  },
};

/** Journeys and the laboratory take what was built, as the processes that they start do. */
const e2e = {
  ...project,
  displayName: 'e2e',
  roots: roots('e2e', 'lab'),
  moduleNameMapper: typescriptSpecifiers,
};

/** @type {import('jest').Config} */
export default {
  projects: [code, e2e].filter((one) => one.roots.length > 0),
  ...run,
  testSequencer: journeysFirst,
};
