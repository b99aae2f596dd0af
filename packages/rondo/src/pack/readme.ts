/** README.md of a package: what it is for, its smallest example, and where its documentation is. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Staged } from './stage.js';

/** The entry that tells what a package is for; by default the one with the package's own name. */
const FIRST_ENTRY: Readonly<Record<string, string>> = { '@rondo/rpc': 'client' };

/** A folder with a README.md of its own is asked first, then the head of its first entry. */
export function readmeOf({ source, manifest }: Staged): string {
  const { name, description, version, homepage } = manifest;
  const own = path.join(source, 'README.md');
  const text = existsSync(own)
    ? readFileSync(own, 'utf8').trim()
    : `# ${name}\n\n${description}\n\n${headOf(source, name)}`;
  const docs = homepage === undefined ? "`docs/` of Rondo's repository" : `[the documentation](${homepage})`;
  const others = name.startsWith('@rondo/')
    ? ` All packages of Rondo have one version, and work together at \`${version}\`.`
    : '';
  return `${text}\n\n## More\n\nGuides and the reference of the API are in ${docs}.${others}\n`;
}

/** The docstring at the head of the package's first entry, as Markdown. */
function headOf(source: string, name: string): string {
  const entry = path.join(source, 'src/exports', `${FIRST_ENTRY[name] ?? 'index'}.ts`);
  const [, text = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(entry, 'utf8')) ?? [];
  return text.replace(/^ *\* ?/gm, '').trim();
}
