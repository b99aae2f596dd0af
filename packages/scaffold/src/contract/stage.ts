import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Outcome, runProgram } from '../program.js';
import type { ContractFile } from './contract.js';
import { packageFolders } from './platform.js';

/** What generation and compilation read, beside the contracts. */
const SETTINGS = [
  'buf.yaml',
  'buf.gen.yaml',
  'tsconfig.base.json',
  'packages/contracts/package.json',
  'packages/contracts/tsconfig.json',
];

const TIMEOUT_MS = 60_000;

/** A copy of the tree's contracts with others among them, where the tree's own tools can be tried. */
export interface Stage {
  readonly folder: string;
  /** Runs a program of the workspace's `node_modules/.bin` in {@link folder}. */
  run(program: string, ...args: readonly string[]): Promise<Outcome>;
}

/** What a stage is made from. */
export interface StageOptions {
  readonly root: string;
  readonly files: readonly ContractFile[];
  readonly signal: AbortSignal;
}

/** Makes a stage, works on it, and removes it whatever happened. */
export async function onStage<T>(options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T> {
  const { root, signal } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'rondo-contract-'));
  const run: Stage['run'] = (program, ...args) =>
    runProgram(path.join(root, 'node_modules/.bin', program), args, { cwd: folder, signal, timeoutMs: TIMEOUT_MS });
  try {
    await furnish(folder, options);
    return await work({ folder, run });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function furnish(folder: string, { root, files }: StageOptions): Promise<void> {
  await cp(path.join(root, 'proto'), path.join(folder, 'proto'), { recursive: true });
  await Promise.all(files.filter(({ state }) => state !== 'same').map((file) => write(folder, file)));
  for (const file of SETTINGS) await cp(path.join(root, file), path.join(folder, file));
  for (const installed of borrowed(root)) {
    await mkdir(path.join(folder, path.dirname(installed)), { recursive: true });
    await symlink(path.join(root, installed), path.join(folder, installed));
  }
}

async function write(folder: string, { path: name, bytes }: ContractFile): Promise<void> {
  const file = path.join(folder, 'proto', name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

/** Third parties' contracts, the tools and what generated code imports are taken from where they stand. */
function borrowed(root: string): ReadonlySet<string> {
  const ofContracts = packageFolders(root).map((folder) => folder.replace(/(node_modules)\/.*$/, '$1'));
  return new Set(['node_modules', 'packages/contracts/node_modules', 'scripts/generate', ...ofContracts]);
}
