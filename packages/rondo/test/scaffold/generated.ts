import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageFolders } from '../../src/scaffold/contract/platform.js';
import type { PlacedFile } from '../../src/scaffold/contract/source.js';
import { native, run as runProgram } from '../../src/workspace/process.js';
import { root } from './folder.js';

/** What generation and compilation need besides the contracts. */
const COPIED = [
  ...['buf.yaml', 'buf.gen.yaml', 'package.json', 'tsconfig.base.json', 'proto/rondo/options'],
  ...['packages/contracts/package.json', 'packages/contracts/tsconfig.json'],
];
const LINKED = ['node_modules', 'packages/contracts/node_modules', 'packages/rondo', 'packages/validation'];

/** Generates the code of contracts in a folder outside of the tree, compiles it, does `work` with it, and removes the folder. */
export async function withGenerated<T>(files: readonly PlacedFile[], work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rondo-generated-'));
  const run = async (program: 'buf' | 'tsc', ...args: readonly string[]) => {
    const { code, output } = await runProgram(native(program), args, { cwd: folder });
    if (code !== 0) throw new Error(`${program} ${args[0]}: ${output}`);
  };
  try {
    for (const file of COPIED) await cp(path.join(root, file), path.join(folder, file), { recursive: true });
    for (const { path: name, bytes } of files) {
      await mkdir(path.dirname(path.join(folder, 'proto', name)), { recursive: true });
      await writeFile(path.join(folder, 'proto', name), bytes);
    }
    const modules = packageFolders(root)
      .filter((one) => !one.startsWith('packages/validation/'))
      .map((one) => one.replace(/(node_modules)\/.*$/, '$1'));
    for (const linked of new Set([...LINKED, ...modules].filter((one) => existsSync(path.join(root, one))))) {
      await mkdir(path.join(folder, path.dirname(linked)), { recursive: true });
      await symlink(path.join(root, linked), path.join(folder, linked), 'junction');
    }
    await run('buf', 'build', '-o', 'image.binpb');
    await run('buf', 'generate', 'image.binpb', ...files.flatMap((file) => ['--path', file.path]));
    await run('tsc', '-p', 'packages/contracts');
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
