import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, start } from '@rondo/harness';

/** Outside git, and kept: what was fetched once is there the next time. */
const FETCHED = join(root, '.rondo/foreign');

/**
 * The folder of an npm package, `name@version`: where it is installed, else where its files have been unpacked to, without
 * what it depends on and without running anything of it.
 *
 * @throws Error where the registry doesn't have it, or can't be reached.
 */
export async function packageFolder(spec: string): Promise<string> {
  const at = spec.lastIndexOf('@');
  const [name, version] = [spec.slice(0, at), spec.slice(at + 1)];
  const installed = ['', 'packages/rpc'].map((workspace) => join(root, workspace, 'node_modules', name));
  const fetched = join(FETCHED, spec);
  const found = [...installed, fetched].find((folder) => versionOf(folder) === version);
  if (found !== undefined) return found;
  await unpack(spec, fetched);
  return fetched;
}

function versionOf(folder: string): string | undefined {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/** Renamed into its place when it is whole: a fetch that was broken off leaves nothing that is taken for one. */
async function unpack(spec: string, to: string): Promise<void> {
  mkdirSync(FETCHED, { recursive: true });
  const folder = mkdtempSync(join(FETCHED, '.under-way-'));
  try {
    const archive = (await output(folder, 'npm', ['pack', spec, '--silent', '--ignore-scripts'])).trim();
    await output(folder, 'tar', ['-xzf', archive]);
    mkdirSync(dirname(to), { recursive: true });
    rmSync(to, { recursive: true, force: true });
    renameSync(join(folder, 'package'), to);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function output(cwd: string, command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start(command, args, { cwd }).ended;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
