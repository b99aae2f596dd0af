import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { native } from '../src/workspace/process.js';

const buf = native('buf');
const exec = promisify(execFile);

/** The sources of contracts by file name. */
export type Sources = Readonly<Record<string, string>>;

/** Compiles contracts to the bytes of a `google.protobuf.FileDescriptorSet`. */
export async function compile(sources: Sources): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-contract-'));
  try {
    for (const [name, source] of Object.entries(sources)) {
      const file = join(folder, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, source);
    }
    const args = ['build', '.', '-o', '-#format=binpb', '--exclude-source-info'];
    return (await exec(buf, args, { cwd: folder, encoding: 'buffer' })).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}
