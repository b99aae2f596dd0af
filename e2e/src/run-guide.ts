import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, root, runNode } from '@rondo/harness';

/** Runs a guide's file unchanged, in a folder from which the packages of the workspace resolve. */
export async function runFile(file: string, code: string, ...args: readonly string[]): Promise<Ended> {
  const folder = join(root, 'e2e/.guides');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), code);
  const ended = await runNode([join(folder, file), ...args]);
  rmSync(join(folder, file));
  return ended;
}
