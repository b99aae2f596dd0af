/**
 * Prints the page of the errors: `node scripts/api/errors/main.mjs [ROOT]`. It fails if an error has no cause or remedy, with the
 * place of each.
 */
import { fileURLToPath } from 'node:url';
import { readErrors } from './read.mjs';
import { renderPage } from './render.mjs';
import { readTables } from './tables.mjs';

const root = process.argv[2] ?? fileURLToPath(new URL('../../../', import.meta.url));
const commented = readErrors(root);
const tables = await readTables(root);
const sites = [...tables.sites, ...commented.sites];
const faults = [...tables.faults, ...commented.faults];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else process.stdout.write(renderPage(sites));
