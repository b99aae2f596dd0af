/** Prints the page of the API: `node scripts/api/main.mjs`, once the packages are compiled. */
import { readEntries } from './read.mjs';
import { renderPage } from './render.mjs';

process.stdout.write(renderPage(await readEntries()));
