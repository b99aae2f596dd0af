import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@rondo/harness';
import { build } from 'esbuild';

const TOOL = 'packages/rondo';

/**
 * Compiles a module of packages/rondo, such as `launch/plan.ts`, for a process of its own, and returns the file.
 *
 * @param clone The folder that the module works on.
 */
export async function toolModule(module: string, clone: string = root): Promise<string> {
  const outdir = join(clone, TOOL, 'dist/tests');
  const name = module.replaceAll('/', '-').replace(/\.m?[jt]s$/, '');
  const { esbuild } = JSON.parse(readFileSync(join(root, TOOL, 'programs.json'), 'utf8'));
  const entryPoints = { [name]: join(root, TOOL, 'src', module) };
  await build({ ...esbuild, absWorkingDir: root, outdir, logLevel: 'silent', entryPoints });
  if (clone !== root) cpSync(join(root, TOOL, 'package.json'), join(clone, TOOL, 'package.json'));
  return join(outdir, `${name}.mjs`);
}

/** Makes a clone of which no more is there than `rondo`, compiled, with some of its programs replaced. */
export function writeTool(clone: string, programs: Readonly<Record<string, string>> = {}): void {
  const filter = (file: string) => !/\/types$|\/tests$|\.map$/.test(file);
  cpSync(join(root, 'scripts'), join(clone, 'scripts'), { recursive: true });
  cpSync(join(root, TOOL, 'dist'), join(clone, TOOL, 'dist'), { recursive: true, filter });
  cpSync(join(root, TOOL, 'package.json'), join(clone, TOOL, 'package.json'));
  writeFileSync(join(clone, 'package.json'), '{"type": "module"}');
  writeFileSync(join(clone, TOOL, 'dist/sources.json'), '[]');
  mkdirSync(join(clone, 'node_modules/@rondo'), { recursive: true });
  symlinkSync(join(clone, TOOL), join(clone, 'node_modules/@rondo/tool'), 'junction');
  writeFileSync(join(clone, 'node_modules/.rondo-installed'), 'by hand');
  // The last of what its commands import.
  for (const folder of [`${TOOL}/node_modules/esbuild`, 'packages/schema/dist'])
    mkdirSync(join(clone, folder), { recursive: true });
  for (const [name, code] of Object.entries(programs)) writeFileSync(join(clone, TOOL, `dist/${name}.mjs`), code);
}
