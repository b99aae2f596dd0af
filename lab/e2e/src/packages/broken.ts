import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runNode, start } from '@rondo/harness';

interface Breakage {
  /** A part of what the check says. */
  readonly fault: string;
  /** Breaks @rondo/access in a folder. */
  readonly change: (folder: string) => void;
}

const appended = (file: string, code: string) => (folder: string) => appendFileSync(join(folder, file), code);

const TYPED = { types: './dist/exports/index.d.ts', default: './dist/exports/index.js' };

const manifest = (change: (manifest: Record<string, unknown>) => object) => (folder: string) => {
  const file = join(folder, 'package.json');
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')))));
};

function withoutTypes(folder: string): void {
  rmSync(join(folder, 'dist/rules.d.ts'));
  manifest((given) => ({ ...given, exports: { '.': TYPED, './rules': './dist/rules.js' } }))(folder);
}

const withTypesLast = manifest((given) => ({ ...given, exports: { default: TYPED.default, types: TYPED.types } }));

const RULES = 'dist/rules.js imports';

/** Faults that a package can have, each with a change that brings it. */
export const breakages: readonly Breakage[] = [
  { fault: `${RULES} left-pad,`, change: appended('dist/rules.js', "import 'left-pad';") },
  { fault: `${RULES} left-pad,`, change: appended('dist/rules.js', "export const pad = () => import('left-pad');") },
  {
    fault: `${RULES} ../../scripts/lock.mjs,`,
    change: appended('dist/rules.js', "import '../../scripts/lock.mjs';"),
  },
  { fault: 'dist/rules.d.ts imports pg,', change: appended('dist/rules.d.ts', "export type { Pool } from 'pg';") },
  { fault: 'InternalResolutionError', change: appended('dist/rules.d.ts', "export type * from './gone.js';") },
  {
    fault: 'dist/exports/index.d.ts but the file does not exist',
    change: (folder) => rmSync(join(folder, 'dist/exports/index.d.ts')),
  },
  { fault: 'UntypedResolution', change: withoutTypes },
  { fault: 'types should be the first', change: withTypesLast },
  { fault: 'has no exports', change: manifest(({ exports: _, ...others }) => others) },
  { fault: 'has no license', change: manifest(({ license: _, ...others }) => others) },
  { fault: 'runs a script', change: manifest((given) => ({ ...given, scripts: { postinstall: 'node x.js' } })) },
  { fault: 'has no README.md', change: (folder) => rmSync(join(folder, 'README.md')) },
  { fault: 'has no LICENSE', change: (folder) => rmSync(join(folder, 'LICENSE')) },
  { fault: 'has dist/rules.js.map', change: appended('dist/rules.js.map', '{}') },
  { fault: '1500000 are the most', change: appended('dist/rules.js', `//${'x'.repeat(1_500_000)}`) },
];

/** What the check says of @rondo/access with each of the {@link breakages}. */
export async function faultsOfBroken(folder: string, tarball: string): Promise<readonly string[]> {
  const whole = join(folder, 'whole');
  mkdirSync(whole);
  await start('tar', ['-xzf', tarball, '-C', whole]).ended;
  const files = await Promise.all(
    breakages.map(async ({ change }, index) => {
      const broken = join(folder, `broken-${index}`);
      cpSync(whole, broken, { recursive: true });
      change(join(broken, 'package'));
      await start('tar', ['-czf', `${broken}.tgz`, '-C', broken, 'package']).ended;
      return `${broken}.tgz`;
    }),
  );
  const script = `
    import { readFileSync } from 'node:fs';
    import { gunzipSync } from 'node:zlib';
    import { faultsOf } from ${JSON.stringify(pathToFileURL(join(root, 'lab/packages/check.mjs')))};
    const sizeOf = (file) => gunzipSync(readFileSync(file)).length;
    const faults = ${JSON.stringify(files)}.map((file) => faultsOf({ name: '@rondo/access', file, sizeBytes: sizeOf(file) }));
    console.log(JSON.stringify((await Promise.all(faults)).map((one) => one.join('\\n'))));`;
  const { code, stdout, stderr } = await runNode(['--input-type=module', '--eval', script]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
