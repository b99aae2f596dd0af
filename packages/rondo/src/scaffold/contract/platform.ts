import { existsSync } from 'node:fs';
import path from 'node:path';
import { BUF } from '../workspace-files/buf-exemptions.js';
import { readYaml } from '../workspace-files/yaml-file.js';

/** A module of buf.yaml: a folder of contracts that other files import. */
interface Module {
  readonly path: string;
  readonly includes?: readonly string[];
  readonly excludes?: readonly string[];
}

/** Whether an import is provided, so that it needn't be copied to `proto/`. */
export type Provides = (importPath: string) => boolean;

/** The files that every installation of protoc includes; they are built into buf. */
const BUILT_IN = /^google\/protobuf\/(?:\w+|compiler\/plugin)\.proto$/;

/** The imports that packages provide to the repository at `root`: those of buf.yaml's modules other than `proto`. */
export function packageImports(root: string): Provides {
  const modules = modulesOf(root).filter((module) => module.path !== 'proto');
  return (importPath) => BUILT_IN.test(importPath) || modules.some((one) => has(one, importPath));

  function has({ path: folder, includes = [folder], excludes = [] }: Module, importPath: string): boolean {
    const file = path.posix.join(folder, importPath);
    const lies = (parent: string) => file.startsWith(`${parent}/`);
    return includes.some(lies) && !excludes.some(lies) && existsSync(path.join(root, file));
  }
}

/** The folders other than `proto/` from which buf.yaml takes contracts, relative to `root`. */
export function packageFolders(root: string): readonly string[] {
  return modulesOf(root)
    .map((module) => module.path)
    .filter((folder) => folder !== 'proto');
}

function modulesOf(root: string): readonly Module[] {
  const modules = readYaml(root, BUF)['modules'];
  return Array.isArray(modules) ? modules : [];
}
