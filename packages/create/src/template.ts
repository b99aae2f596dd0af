import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PackageManager } from './choices.js';
import { filesBelow } from './files.js';
import { fill } from './fill.js';

/** What a template is filled with. */
export interface TemplateOptions {
  /** The name of the app. */
  readonly name: string;
  readonly withDatabase: boolean;
  /** The program whose commands README.md has. */
  readonly packageManager: PackageManager;
  /** What the app pins, by the name that the template has for it: packages, `version` of Rondo's, and `pnpm`. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The files that an app is made of, by their paths in it. The files in `overlay` replace those of the first service. */
export function renderTemplate(
  { name, withDatabase, packageManager, versions }: TemplateOptions,
  from: 'template' | 'overlay' = 'template',
): Readonly<Record<string, string>> {
  const source = fileURLToPath(new URL(`../${from}/`, import.meta.url));
  const values = { ...versions, name, packageManager };
  const rendered = filesBelow(source).map((file) => {
    const text = fill(readFileSync(path.join(source, file), 'utf8'), { values, withDatabase });
    // A suffix keeps npm, and the tools of this repository, from taking a file as theirs.
    return [file.replace(/\.tmpl$/, ''), text];
  });
  return Object.fromEntries(rendered);
}

/** The versions that this package was published with. */
export const publishedVersions = (): TemplateOptions['versions'] =>
  JSON.parse(readFileSync(new URL('../versions.json', import.meta.url), 'utf8'));

/** Where pnpm-workspace.yaml says from which files pnpm takes packages. */
const OVERRIDES = 'overrides:\n';
const NOTE = '  # Until a registry has them. Then ./rondo upgrade removes these lines and the folder.\n';

/**
 * The text of pnpm-workspace.yaml with Rondo's packages from the app's folder `vendor/`.
 *
 * @param tarballs The names of the files in it, such as `rondo-rpc-0.1.0.tgz`; none if a registry has the packages.
 */
export function withVendored(text: string, tarballs: readonly string[]): string {
  const rest = text.replace(NOTE, '').replaceAll(/^ {2}"(?:@rondo\/[a-z-]+|create-rondo)": file:vendor\/.*\n/gm, '');
  if (tarballs.length === 0) return rest;
  const lines = tarballs.map((file) => `  "${packageIn(file)}": file:vendor/${file}\n`).toSorted();
  const whole = rest.includes(OVERRIDES) ? rest : `${rest}${OVERRIDES}`;
  return whole.replace(OVERRIDES, `${OVERRIDES}${NOTE}${lines.join('')}`);
}

/** The package in a file that `pnpm pack` has named. */
const packageIn = (file: string) => file.replace(/-\d+\.\d+\.\d+.*$/, '').replace(/^rondo-/, '@rondo/');
