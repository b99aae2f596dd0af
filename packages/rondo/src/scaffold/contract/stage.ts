import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Ended, native } from '../../workspace/process.js';
import { runProgram } from '../../workspace/program.js';
import { BUF } from '../workspace-files/buf-exemptions.js';
import type { ContractFile } from './contract.js';
import { packageFolders } from './platform.js';

/** The files that generation and compilation need besides the contracts. */
const SETTINGS = [
  BUF,
  'buf.gen.yaml',
  'package.json',
  'tsconfig.base.json',
  'packages/contracts/package.json',
  'packages/contracts/tsconfig.json',
];

/** The options of Rondo, by which the tree's plugin checks contracts. */
const OPTIONS = 'proto/rondo/options';
/** Generated code imports it, and it has the contract of `buf.validate`. */
const VALIDATION = 'packages/validation';

/** The limit of a program, with what each file may take of it. */
const TIMEOUT_MS = 60_000;
const FILE_MS = 500;
/** buf's remarks about a thousand files are far less. */
const MAX_OUTPUT_CHARACTERS = 200_000_000;

/** A temporary copy of the tree's settings with the files of one contract, in which the tree's own tools can be run. */
export interface Stage {
  readonly folder: string;
  /** Runs a program of the workspace in {@link folder}. */
  run(program: 'buf' | 'tsc', ...args: readonly string[]): Promise<Ended>;
}

/** The options of a stage. */
export interface StageOptions {
  readonly root: string;
  readonly files: readonly ContractFile[];
  readonly signal: AbortSignal;
}

/** Creates a stage, does `work` on it, and always removes it. */
export async function withStage<T>(options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T> {
  const { files, signal } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'rondo-contract-'));
  const timeoutMs = TIMEOUT_MS + files.length * FILE_MS;
  const limits = { cwd: folder, signal, timeoutMs, maxOutputCharacters: MAX_OUTPUT_CHARACTERS };
  const run: Stage['run'] = (program, ...args) => runProgram(native(program), args, limits);
  try {
    await populate(folder, options);
    return await work({ folder, run });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function populate(folder: string, { root, files }: StageOptions): Promise<void> {
  // An app takes them from a package.
  if (existsSync(path.join(root, OPTIONS)))
    await cp(path.join(root, OPTIONS), path.join(folder, OPTIONS), { recursive: true });
  await Promise.all(files.map((file) => write(folder, file)));
  for (const file of SETTINGS) await cp(path.join(root, file), path.join(folder, file));
  for (const installed of linkedPaths(root)) {
    await mkdir(path.join(folder, path.dirname(installed)), { recursive: true });
    await symlink(path.join(root, installed), path.join(folder, installed), 'junction');
  }
}

async function write(folder: string, { path: name, bytes }: Pick<ContractFile, 'path' | 'bytes'>): Promise<void> {
  const file = path.join(folder, 'proto', name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

/**
 * The paths that are linked instead of copied: contracts of third parties, the tools and the imports of generated code.
 */
function linkedPaths(root: string): ReadonlySet<string> {
  const ofContracts = packageFolders(root)
    .filter((folder) => !folder.startsWith(`${VALIDATION}/`))
    .map((folder) => folder.replace(/(node_modules)\/.*$/, '$1'));
  const all = ['node_modules', 'packages/contracts/node_modules', 'packages/rondo', VALIDATION, ...ofContracts];
  return new Set(all.filter((linked) => existsSync(path.join(root, linked))));
}
