/** `npm run lab [-- NAME …]`: the laboratory only proves Rondo, so a tree without the folder `lab/` is whole. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { console } from './terminal/console.js';
import { laboratory } from './workspace/paths.js';

export async function main(args: readonly string[]): Promise<number> {
  if (existsSync(laboratory)) return (await import(pathToFileURL(laboratory).href)).main(args);
  console.error('npm run lab: there is no lab/ in this tree');
  return 1;
}
