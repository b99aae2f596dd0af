/** The pages that the gateway serves, bundled for browsers: its console's, and those of services that have a folder `page/`. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, readJson } from '../workspace/files.js';
import { folderOf, ownServices, tryManifests } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import { orFailed, type StepResult } from '../workspace/steps.js';

interface Page {
  /** Where the gateway serves it: `board` is `/board`. Undefined for a library. */
  readonly name?: string;
  readonly source: string;
  readonly out: string;
  /** The file that lists the sources of the bundle, as paths from the root. */
  readonly inputs: string;
}

/** The folder of the pages of services: its folder `board` is what the gateway serves at `/board`. */
export const servicePages = path.join(root, '.rondo/pages');

const consoleFolder = path.join(root, 'packages/console');
const consolePage: Page = {
  name: 'console',
  source: path.join(consoleFolder, 'src'),
  out: path.join(consoleFolder, 'dist/page'),
  inputs: path.join(consoleFolder, 'dist/inputs.json'),
};
/** What pages of services take from the console's package. */
const library: Page = {
  source: path.join(consoleFolder, 'src'),
  out: path.join(consoleFolder, 'dist/lib'),
  inputs: path.join(consoleFolder, 'dist/lib.json'),
};

/** An app has the console in the installed package. */
const consolePages = (): readonly Page[] => (existsSync(consoleFolder) ? [consolePage, library] : []);

function pagesOfServices(): readonly Page[] {
  return [...tryManifests(ownServices()).manifests.values()].flatMap(({ service, page }) =>
    page === undefined
      ? []
      : [
          {
            name: page,
            source: path.join(root, folderOf(service), 'page'),
            out: path.join(servicePages, page),
            inputs: path.join(servicePages, `${page}.json`),
          },
        ],
  );
}

const modifiedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;

/** Whether a bundle is newer than the files that it is made of, which `inputs` lists. */
export function isFresh({ out, inputs }: Pick<Page, 'out' | 'inputs'>): boolean {
  if (!existsSync(inputs) || !existsSync(out)) return false;
  const madeAt = modifiedAt(inputs);
  return readJson(inputs).every((file: string) => modifiedAt(path.join(root, file)) <= madeAt);
}

/** Whether the pages are newer than their sources, and no page of a removed service is left. */
export const arePagesFresh = (): boolean =>
  [...consolePages(), ...pagesOfServices()].every(isFresh) && leftOver().length === 0;

/** What was made for pages that are gone. */
function leftOver(): readonly string[] {
  const names = new Set(pagesOfServices().flatMap(({ out, inputs }) => [path.basename(out), path.basename(inputs)]));
  return (existsSync(servicePages) ? readdirSync(servicePages) : []).filter((name) => !names.has(name));
}

/** The files that the pages of a service's image are made of, for its bill of materials. */
export const pageInputs = (of: 'console' | 'services'): readonly string[] =>
  (of === 'console' ? consolePages() : pagesOfServices()).flatMap(({ inputs }) =>
    existsSync(inputs) ? readJson(inputs) : [],
  );

/** Bundles the pages that aren't fresh, and removes those that are gone. */
export const bundlePages = (): Promise<StepResult> =>
  orFailed(async () => {
    // In this order: the pages of services are made of the others.
    for (const page of [...consolePages(), ...pagesOfServices()]) if (!isFresh(page)) await bundlePage(page);
    for (const name of leftOver()) rmSync(path.join(servicePages, name), { recursive: true });
    return undefined;
  });

/** Bundles a page. What it imports on demand gets files of its own. */
async function bundlePage(page: Page): Promise<void> {
  const { name: place, source, out, inputs } = page;
  const esbuild = await import('esbuild');
  const names = place === undefined ? ['exports/page.ts', 'page/style.css'] : ['icon.svg', 'style.css', 'main.tsx'];
  const files = names.map((name) => path.join(source, name));
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: files.filter((file) => existsSync(file)),
    outdir: out,
    outbase: source,
    bundle: true,
    splitting: true,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.svg': 'copy' },
    legalComments: 'eof',
    logLevel: 'silent',
    // A page bundles the library with the Preact that it has itself.
    ...(place === undefined ? { external: ['preact'] } : { minify: true }),
  });
  const made = new Set(Object.keys(metafile.outputs).map((file) => path.resolve(root, file)));
  for (const name of filesBelow(out)) if (!made.has(path.join(out, name))) rmSync(path.join(out, name));
  if (place !== undefined) writeFileSync(path.join(out, 'index.html'), htmlOf(place));
  writeFileSync(inputs, JSON.stringify(Object.keys(metafile.inputs)));
}

/** What loads a page. Its script says the title. A proxy may serve the page below a prefix: no path is absolute. */
const htmlOf = (place: string) => `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>${place}</title>
  <link rel="icon" href="${place}/icon.svg">
  <link rel="stylesheet" href="${place}/style.css">
  <div id="page"></div>
  <script type="module" src="${place}/main.js"></script>
</html>
`;
