import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { native } from '../../rondo/src/workspace/process.js';

const buf = native('buf');

/**
 * Compiles contracts to the bytes of a `google.protobuf.FileDescriptorSet`.
 *
 * @param sources file contents by file name.
 */
export async function compile(sources: Readonly<Record<string, string>>, ...flags: string[]): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-contract-'));
  try {
    await Promise.all(Object.entries(sources).map(([name, source]) => writeFile(join(folder, name), source)));
    const args = ['build', '-o', '-#format=binpb', ...flags];
    return (await promisify(execFile)(buf, args, { cwd: folder, encoding: 'buffer' })).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}
