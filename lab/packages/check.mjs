/** `npm run pack -- --check`: what must hold for each tarball, whatever installs it, and for the public types. */
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { apiChanges } from './api-changes.mjs';

// The agent of `rondo join` is one file with all that it needs, so that it takes little memory.
const MAX_BYTES = { '@rondo/contracts': 3_100_000, '@rondo/tool': 2_700_000 };
const MAX_BYTES_OF_OTHERS = 1_500_000;
/** How Node takes modules for `require`, and what took them before `exports`: the packages are ES modules. */
const OTHER_RESOLUTIONS = ['node10', 'node16-cjs'];
/** What `create-rondo` copies into an app is that app's code. */
const OF_AN_APP = /^(?:overlay|samples|template)\//;
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

/**
 * Prints the faults.
 * @returns {Promise<boolean>} Whether there is none.
 */
export async function isFaultless(packed) {
  const api = await apiChanges();
  console.log(api.note);
  const faults = [...(await Promise.all(packed.map(faultsOf))).flat(), ...api.faults];
  console.log(faults.length === 0 ? 'No package has a fault.' : faults.join('\n'));
  return faults.length === 0;
}

async function faultsOf({ name, file, sizeBytes }) {
  const tarball = readFileSync(file);
  const unpacked = createPackageFromTarballData(tarball);
  const files = unpacked.listFiles().map((one) => one.slice(`/node_modules/${name}/`.length));
  const read = (one) => unpacked.readFile(`/node_modules/${name}/${one}`);
  const manifest = JSON.parse(read('package.json'));
  const faults = [
    ...inManifest(manifest),
    ...inFiles(name, files, sizeBytes),
    ...(await linted(tarball, manifest)),
    ...(await typed(unpacked)),
    ...(await unnamed(files, read, manifest)),
  ];
  return faults.map((fault) => `${name}: ${fault}`);
}

function* inManifest({ scripts = {}, license, description, engines, exports }) {
  for (const script of INSTALL_SCRIPTS) if (script in scripts) yield `runs a script at its installation: ${script}`;
  if (!license || !description || !engines?.node) yield 'has no license, description or engines.node';
  if (exports === undefined) yield 'has no exports, so every file of it can be imported';
}

function* inFiles(name, files, sizeBytes) {
  const max = MAX_BYTES[name] ?? MAX_BYTES_OF_OTHERS;
  if (sizeBytes > max) yield `has ${sizeBytes} bytes of files; ${max} are the most`;
  for (const file of ['LICENSE', 'README.md']) if (!files.includes(file)) yield `has no ${file}`;
  for (const file of files) {
    if (/\.(?:test\.|spec\.|map$|tsbuildinfo$)/.test(file) && !OF_AN_APP.test(file))
      yield `has ${file}, which only development needs`;
  }
}

async function linted(tarball, manifest) {
  const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
  const { messages } = await publint({ pack: { tarball: bytes }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, manifest, { color: false })}`);
}

/** What are-the-types-wrong finds. It knows no pattern in `exports`, such as the one for all stubs. */
async function typed(unpacked) {
  const { problems = [] } = await checkPackage(unpacked, { excludeEntrypoints: ['./*', /\.(?:binpb|css|json)$/] });
  return problems
    .filter(({ resolutionKind }) => !OTHER_RESOLUTIONS.includes(resolutionKind))
    .map(({ kind, ...where }) => `are the types wrong? ${kind} ${JSON.stringify({ ...where, trace: undefined })}`);
}

/** Imports of packages that the manifest doesn't name, and of files that the package doesn't have. */
async function unnamed(files, read, manifest) {
  const { name, dependencies, optionalDependencies, peerDependencies, imports: own } = manifest;
  const named = [{ [name]: '' }, dependencies, optionalDependencies, peerDependencies, own].flatMap((some) =>
    Object.keys(some ?? {}),
  );
  const code = files.filter((file) => /\.(?:m?js|css)$/.test(file) && !OF_AN_APP.test(file));
  const types = files.filter((file) => file.endsWith('.d.ts'));
  const isNamed = ({ file, imported }) =>
    imported.startsWith('.')
      ? files.includes(fileOf(file, imported))
      : isBuiltin(imported) || named.includes(packageOf(imported));
  return [...(await importsOfCode(code, read)), ...types.flatMap((file) => importsOfTypes(file, read(file)))]
    .filter((one) => !isNamed(one))
    .map(({ file, imported }) => `${file} imports ${imported}, which the package neither has nor names`);
}

const packageOf = (imported) => /^(?:@[^/]+\/)?[^/]+/.exec(imported)?.[0];

function fileOf(file, imported) {
  const target = path.posix.join(path.posix.dirname(file), imported);
  return file.endsWith('.d.ts') ? target.replace(/js$/, 'd.ts') : target;
}

async function importsOfCode(entryPoints, read) {
  const tarball = {
    name: 'tarball',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /./ }, ({ kind, path: asked }) =>
        kind === 'entry-point' ? { path: asked, namespace: 'tarball' } : { path: asked, external: true },
      );
      onLoad({ filter: /./, namespace: 'tarball' }, ({ path: file }) => ({
        contents: read(file),
        loader: file.endsWith('.css') ? 'css' : 'js',
      }));
    },
  };
  const options = { bundle: true, platform: 'node', format: 'esm', outdir: '.', write: false, metafile: true };
  const { metafile } = await build({ ...options, entryPoints, plugins: [tarball], logLevel: 'silent' });
  return Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
    imports.map(({ path: imported }) => ({ file: file.replace('tarball:', ''), imported })),
  );
}

function importsOfTypes(file, text) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, ''); // the examples in comments import, too
  return [...code.matchAll(/(?:\bfrom |\bimport |\bimport\()['"]([^'"\s]+)['"]/g)].map(([, imported]) => ({
    file,
    imported,
  }));
}
