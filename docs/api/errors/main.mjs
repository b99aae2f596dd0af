/** Prints the page of the errors: `node docs/api/errors/main.mjs [ROOT]`. It fails if there is something wrong with a table. */
import { fileURLToPath } from 'node:url';
import { readErrors } from './read.mjs';
import { renderPage } from './render.mjs';

const { errors, faults } = await readErrors(process.argv[2] ?? fileURLToPath(new URL('../../../', import.meta.url)));
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else process.stdout.write(renderPage(errors));
