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
  return inFolder({ contracts: sources }, async (folder) => {
    const args = ['build', 'contracts', '-o', '-#format=binpb', '--exclude-source-info'];
    return (await exec(buf, args, { cwd: folder, encoding: 'buffer' })).stdout;
  });
}

/** The `WIRE_JSON` rules of buf that the change from `before` to `after` breaks, by file name. */
export async function breaking(before: Sources, after: Sources): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const settings = { 'buf.yaml': 'version: v2\nbreaking:\n  use: [WIRE_JSON]\n' };
  return inFolder({ before: { ...settings, ...before }, after: { ...settings, ...after } }, async (folder) => {
    const args = ['breaking', 'after', '--against', 'before', '--error-format=json'];
    const report: string = await exec(buf, args, { cwd: folder }).then(
      ({ stdout }) => stdout,
      // buf exits with this code if it refuses a contract.
      (error) => error.stdout,
    );
    const found = new Map<string, Set<string>>();
    for (const line of report.split('\n').filter((text) => text !== '')) {
      const { path, type } = JSON.parse(line);
      const name = path.replace(/^after\//, '');
      found.set(name, (found.get(name) ?? new Set()).add(type));
    }
    return found;
  });
}

async function inFolder<T>(
  modules: Readonly<Record<string, Sources>>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-contract-'));
  try {
    for (const [module, sources] of Object.entries(modules)) {
      for (const [name, source] of Object.entries(sources)) {
        const file = join(folder, module, name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, source);
      }
    }
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
