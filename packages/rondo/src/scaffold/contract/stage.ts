import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Ended, native, run } from '../../workspace/process.js';
import { BUF } from '../workspace-files/buf-exemptions.js';
import type { ContractFile } from './contract.js';
import { packageFolders } from './platform.js';

/** The limit of a program, with what each file may take of it. */
const TIMEOUT_MS = 60_000;
const FILE_MS = 500;

/** A temporary copy of the tree's contracts with the files of a new one, on which buf can be run. */
export interface Stage {
  readonly folder: string;
  /** Runs buf in {@link folder}. */
  buf(...args: readonly string[]): Promise<Ended>;
}

interface StageOptions {
  readonly root: string;
  readonly files: readonly Pick<ContractFile, 'path' | 'bytes'>[];
  readonly signal: AbortSignal;
}

/** Creates a stage, does `work` on it, and always removes it. */
export async function withStage<T>(
  { root, files, signal }: StageOptions,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rondo-contract-'));
  const limits = { cwd: folder, signal, timeoutMs: TIMEOUT_MS + files.length * FILE_MS };
  try {
    for (const copied of [BUF, 'proto'])
      await cp(path.join(root, copied), path.join(folder, copied), { recursive: true });
    for (const { path: name, bytes } of files) {
      await mkdir(path.join(folder, 'proto', path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, 'proto', name), bytes);
    }
    await linkPackages(root, folder);
    return await work({ folder, buf: (...args) => run(native('buf'), args, limits) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Links the contracts of packages, which are installed at `root`, into a folder with contracts and their buf.yaml. */
export async function linkPackages(root: string, folder: string): Promise<void> {
  for (const linked of packageFolders(folder)) {
    await mkdir(path.join(folder, path.dirname(linked)), { recursive: true });
    await symlink(path.join(root, linked), path.join(folder, linked), 'junction');
  }
}
