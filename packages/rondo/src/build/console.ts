/** The page of the gateway's console, bundled for browsers. An app has it in the installed package. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../workspace/errors.js';
import { readJson } from '../workspace/files.js';
import { root } from '../workspace/paths.js';
import type { StepResult } from '../workspace/steps.js';

const folder = path.join(root, 'packages/console');
const page = path.join(folder, 'dist/page');
/** The files that the page is made of, from the root. */
const INPUTS = path.join(folder, 'dist/inputs.json');

const modifiedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;

/** Whether the page is newer than its sources, or there are none here: an app has none. */
export function isConsoleFresh(): boolean {
  if (!existsSync(folder)) return true;
  if (!existsSync(INPUTS)) return false;
  const madeAt = modifiedAt(INPUTS);
  return readJson(INPUTS).every((file: string) => modifiedAt(path.join(root, file)) <= madeAt);
}

/** The files that the page is made of, for its bill of materials. */
export const consoleInputs = (): readonly string[] => (existsSync(INPUTS) ? readJson(INPUTS) : []);

/** Bundles the page. What it imports on demand gets files of its own. */
export async function bundleConsole(): Promise<StepResult> {
  try {
    const esbuild = await import('esbuild');
    const { metafile } = await esbuild.build({
      absWorkingDir: root,
      entryPoints: ['index.html', 'icon.svg', 'style.css', 'main.tsx'].map((name) => path.join(folder, 'src', name)),
      outdir: page,
      bundle: true,
      splitting: true,
      minify: true,
      metafile: true,
      format: 'esm',
      target: 'es2022',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      loader: { '.html': 'copy', '.svg': 'copy' },
      legalComments: 'eof',
      logLevel: 'silent',
    });
    const made = new Set(Object.keys(metafile.outputs).map((file) => path.basename(file)));
    for (const name of readdirSync(page)) if (!made.has(name)) rmSync(path.join(page, name));
    writeFileSync(INPUTS, JSON.stringify(Object.keys(metafile.inputs)));
    return { code: 0 };
  } catch (error) {
    return { code: 1, output: messageOf(error) };
  }
}
