import { existsSync } from 'node:fs';
import path from 'node:path';
import { readText } from './repository.js';

/** The packages that a service depends on, as the workspace has them: its own, or those that it installs. */
export type WorkspacePackages = ReturnType<typeof packagesOf>;

const CONTRACTS = 'packages/contracts/package.json';
/** All packages of Rondo have the version of this one. */
const TOOL = '@rondo/tool';

export function packagesOf(root: string) {
  const { name: contracts }: { name: string } = JSON.parse(readText(root, CONTRACTS));
  const { devDependencies = {} } = JSON.parse(readText(root, 'package.json'));
  const compiles = (folder: string) =>
    ['packages', 'plugins'].some((parent) => existsSync(path.join(root, parent, folder, 'tsconfig.json')));
  return {
    /** The package of the generated code, such as `@rondo/contracts`. */
    contracts,
    /** The scope of the workspace's own packages, such as `@rondo`. */
    scope: path.posix.dirname(contracts),
    /** What a manifest says of a package of Rondo, by its folder: `workspace:*`, or the version of the installed ones. */
    versionOf: (folder: string): string => (compiles(folder) ? 'workspace:*' : devDependencies[TOOL]),
    compiles,
  };
}

/** The module of the code that is generated for a contract: `@rondo/contracts/helloworld/helloworld`. */
export const moduleOf = (file: string, contracts: string): string => `${contracts}/${file.replace(/\.proto$/, '')}`;
