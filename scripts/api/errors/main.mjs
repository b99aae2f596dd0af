/**
 * Prints the page of the errors: `node scripts/api/errors/main.mjs [ROOT]`. It fails if an error has no cause or remedy, with the
 * place of each.
 */
import { fileURLToPath } from 'node:url';
import { readErrors } from './read.mjs';
import { renderPage } from './render.mjs';

const root = process.argv[2] ?? fileURLToPath(new URL('../../../', import.meta.url));
const { sites, faults } = readErrors(root);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else process.stdout.write(renderPage(sites));
