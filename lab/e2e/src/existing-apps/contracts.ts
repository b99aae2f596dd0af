import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '@rondo/harness';
import { runIn } from './apps.js';

const template = (file: string) => readFileSync(join(root, 'packages/create/template', file), 'utf8');
const program = (name: string) => join(root, 'node_modules/.bin', name);

/**
 * Makes the contracts package of an app in a folder of its own, as the app's build does: stubs and descriptors of contracts that
 * import nothing.
 *
 * @throws Error with the output of the program that failed.
 */
export async function makeContracts(
  folder: string,
  { name, protos }: { readonly name: string; readonly protos: Readonly<Record<string, string>> },
): Promise<void> {
  const plugin = template('buf.gen.yaml')
    .replace('node_modules/@rondo/tool/dist/plugin.mjs', JSON.stringify(join(root, 'packages/rondo/dist/plugin.mjs')))
    .replace('packages/contracts/src', 'src');
  const manifest = template('packages/contracts/package.json.tmpl').replace('{{name}}', name);
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    declaration: true,
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'dist',
  };
  const files = {
    ...Object.fromEntries(Object.entries(protos).map(([file, text]) => [`proto/${file}`, text])),
    'package.json': manifest,
    'buf.yaml': 'version: v2\nmodules: [{ path: proto }]\n',
    'buf.gen.yaml': plugin,
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src'] }),
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  await Promise.all([
    runIn(folder, program('buf'), 'generate'),
    runIn(folder, program('buf'), 'build', '-o', 'descriptors.binpb'),
  ]);
  await runIn(folder, program('tsc'));
}
