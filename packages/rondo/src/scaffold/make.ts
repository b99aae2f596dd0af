import type { Contract } from './contract/contract.js';
import { readText } from './repository.js';
import { type Files, type Paste, type Tree, writeAll } from './tree.js';
import { build, install } from './workspace.js';
import { BUF, exempt } from './workspace-files/buf-exemptions.js';

export interface Made {
  readonly service: string;
  /** The files that were written, as paths from the repository's root. */
  readonly files: readonly string[];
  /** What belongs into files that were left alone, as git has no copy of them. Nothing is installed or built then. */
  readonly paste: readonly Paste[];
  /** Contracts that are exempt from the style rules from now on. */
  readonly exempt: readonly string[];
}

/** Writes files of services, installs their packages and builds them; without a copy in git it only writes. */
export async function make(
  tree: Tree,
  services: readonly string[],
  files: Files,
): Promise<Pick<Made, 'files' | 'paste'>> {
  const { progress, isCommitted } = tree;
  const paste = await progress.step('write', () => writeAll(tree, files));
  if (isCommitted) {
    await progress.step('install', () => install(tree));
    await progress.step('build', () => build(tree, services));
  }
  return { files: [...tree.written.keys()], paste };
}

/** The files of a contract that are new or different, and buf.yaml, which leaves the style of those from elsewhere to them. */
export function contractFiles(root: string, { files, foreign }: Contract): Files {
  const taken = files
    .filter(({ state }) => state !== 'same')
    .map(({ path, bytes }) => [`proto/${path}`, bytes] as const);
  const [before, after] = [readText(root, BUF), exempt(readText(root, BUF), foreign)];
  return new Map<string, string | Uint8Array>([...taken, ...(before === after ? [] : [[BUF, after] as const])]);
}
