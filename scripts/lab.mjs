/** `npm run lab [-- NAME …]`: the laboratory only proves Rondo, so a tree without the folder `lab/` is whole. */
import { existsSync } from 'node:fs';

const LAB = new URL('../lab/main.mjs', import.meta.url);

/** @param {string[]} args */
export async function main(args) {
  if (existsSync(LAB)) return (await import(LAB.href)).main(args);
  console.error('npm run lab: there is no lab/ in this tree');
  return 1;
}
