import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Outcome, runProgram } from '../program.js';
import type { ContractFile } from './contract.js';
import { packageFolders } from './platform.js';

/** The files that generation and compilation need besides the contracts. */
const SETTINGS = [
  'buf.yaml',
  'buf.gen.yaml',
  'tsconfig.base.json',
  'packages/contracts/package.json',
  'packages/contracts/tsconfig.json',
];

const TIMEOUT_MS = 60_000;

/** A temporary copy of the tree's contracts together with new ones, in which the tree's own tools can be run. */
export interface Stage {
  readonly folder: string;
  /** Runs a program of the workspace's `node_modules/.bin` in {@link folder}. */
  run(program: string, ...args: readonly string[]): Promise<Outcome>;
}

/** The options of a stage. */
export interface StageOptions {
  readonly root: string;
  readonly files: readonly ContractFile[];
  readonly signal: AbortSignal;
}

/** Creates a stage, does `work` on it, and always removes it. */
export async function withStage<T>(options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T> {
  const { root, signal } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'rondo-contract-'));
  const run: Stage['run'] = (program, ...args) =>
    runProgram(path.join(root, 'node_modules/.bin', program), args, { cwd: folder, signal, timeoutMs: TIMEOUT_MS });
  try {
    await populate(folder, options);
    return await work({ folder, run });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function populate(folder: string, { root, files }: StageOptions): Promise<void> {
  await cp(path.join(root, 'proto'), path.join(folder, 'proto'), { recursive: true });
  await Promise.all(files.filter(({ state }) => state !== 'same').map((file) => write(folder, file)));
  for (const file of SETTINGS) await cp(path.join(root, file), path.join(folder, file));
  for (const installed of linkedPaths(root)) {
    await mkdir(path.join(folder, path.dirname(installed)), { recursive: true });
    await symlink(path.join(root, installed), path.join(folder, installed));
  }
}

async function write(folder: string, { path: name, bytes }: ContractFile): Promise<void> {
  const file = path.join(folder, 'proto', name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

/**
 * The paths that are linked instead of copied: contracts of third parties, the tools and the imports of generated code.
 */
function linkedPaths(root: string): ReadonlySet<string> {
  const ofContracts = packageFolders(root).map((folder) => folder.replace(/(node_modules)\/.*$/, '$1'));
  return new Set(['node_modules', 'packages/contracts/node_modules', 'scripts/generate', ...ofContracts]);
}
