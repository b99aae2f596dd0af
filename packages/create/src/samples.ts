import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow } from './files.js';

/** The sample applications: their folders below `services/`, and those of their contracts below `proto/`. */
export interface Samples {
  readonly services: readonly string[];
  readonly contracts: readonly string[];
}

/** The samples of this package, once it is packed. */
export const publishedSamples = fileURLToPath(new URL('../samples/', import.meta.url));

/** Finds the samples: the services that aren't published. */
export function samplesIn(root: string): Samples {
  // What was built for a service that is removed leaves its folder behind.
  const names = readdirSync(path.join(root, 'services')).filter((name) => existsSync(manifestOf(root, name)));
  const all = names.map((name) => ({ name, ...readManifest(root, name) }));
  const samples = all.filter(({ isPrivate }) => isPrivate);
  const folders = samples.flatMap(({ contracts }) => contracts.map((file) => file.replace(/\/.*/, '')));
  return { services: samples.map(({ name }) => name), contracts: [...new Set(folders)] };
}

interface Manifest {
  readonly isPrivate: boolean;
  readonly contracts: readonly string[];
}

const manifestOf = (root: string, service: string) => path.join(root, 'services', service, 'package.json');

function readManifest(root: string, service: string): Manifest {
  const { private: isPrivate = false, rondo } = JSON.parse(readFileSync(manifestOf(root, service), 'utf8'));
  return { isPrivate, contracts: rondo.contracts };
}

/** What is installed, built, or a test of Rondo itself. */
const LEFT_OUT = /(?:^|\/)(?:node_modules|dist)(?:\/|$)|\.(?:ci|long)\.test\.ts$/;

/** The app that the samples are copied into. */
export interface SampleOptions {
  readonly folder: string;
  readonly name: string;
  /** The version of Rondo's packages. */
  readonly version: string;
  /** The folder that has the samples as Rondo's repository has them: `services/`, `proto/`, `infra/`, `docker-compose.yml`, `buf.yaml`. */
  readonly from: string;
}

const SEED = 'node rondo build && node services/sales/dist/seed/main.js';

/** Copies the samples into an app, as services of its own: their contracts are in the app's package of contracts. */
export function copySamples({ folder, name, version, from }: SampleOptions): void {
  const { services, contracts } = samplesIn(from);
  const own = new RegExp(`@rondo/contracts/(?=(?:${contracts.join('|')})/)`, 'g');
  for (const contract of contracts)
    cpSync(path.join(from, 'proto', contract), path.join(folder, 'proto', contract), { recursive: true });
  for (const service of services) {
    const files = filesBelow(path.join(from, 'services', service)).map((name) => `services/${service}/${name}`);
    for (const file of files.filter((one) => !LEFT_OUT.test(one))) {
      const text = readFileSync(path.join(from, file), 'utf8').replaceAll(own, `@${name}/contracts/`);
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), adapted(file, text, { name, version }));
    }
  }
  const compose = readFileSync(path.join(from, 'docker-compose.yml'), 'utf8');
  const named = compose.replaceAll('image: rondo-', `image: ${name}-`).replace('SYSTEM: rondo', `SYSTEM: ${name}`);
  writeFileSync(path.join(folder, 'docker-compose.yml'), named);
  edit(folder, 'tsconfig.build.json', (text) =>
    text.replace(/\n {2}\]/, `${services.map((service) => `,\n    { "path": "services/${service}" }`).join('')}\n  ]`),
  );
  edit(folder, 'package.json', (text) => text.replace(/^( *)"test": /m, `$1"seed": "${SEED}",\n$1"test": `));
  // A contract that was published before the rules of style.
  const [, exempt = ''] =
    /^ {2}# sample: calculator\n([\s\S]*?) {2}# \/sample\n/m.exec(readFileSync(path.join(from, 'buf.yaml'), 'utf8')) ??
    [];
  edit(folder, 'buf.yaml', (text) => text.replace(/^breaking:/m, `${exempt}breaking:`));
}

/** The files that observe a system, by their paths in an app with or without the samples. */
export function observeFiles(from: string, withSamples: boolean): Readonly<Record<string, string>> {
  const observe = 'infra/observe';
  const left = ['alerts.test.yml', ...(withSamples ? [] : ['dashboards/transactions.json'])];
  const names = new RegExp(`^ +- (?:${samplesIn(from).services.join('|')})(?:-replica)?\\n`, 'gm');
  const files = filesBelow(path.join(from, observe)).filter((file) => !left.includes(file));
  const read = (file: string) => {
    const text = readFileSync(path.join(from, observe, file), 'utf8');
    return file === 'prometheus.yml' && !withSamples ? text.replace(names, '') : text;
  };
  return Object.fromEntries(files.map((file) => [`${observe}/${file}`, read(file)]));
}

interface TypeScriptConfig {
  readonly references: readonly { readonly path: string }[];
}

function adapted(file: string, text: string, { name, version }: Pick<SampleOptions, 'name' | 'version'>): string {
  if (path.basename(file) === 'tsconfig.json') {
    const { references, ...config }: TypeScriptConfig = JSON.parse(text);
    const own = references.filter(({ path: to }) => !/\/(?:packages|plugins)\/(?!contracts$)/.test(to));
    return `${JSON.stringify({ ...config, references: own }, undefined, 2)}\n`;
  }
  if (path.basename(file) !== 'package.json') return text;
  const { name: given, dependencies, devDependencies, ...rest } = JSON.parse(text);
  const released = (all: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(all).map(([one, range]) => [one, range === 'workspace:*' ? version : range]));
  const manifest = {
    name: given.replace('@rondo/', `@${name}/`),
    ...rest,
    dependencies: { [`@${name}/contracts`]: 'workspace:*', ...released(dependencies) },
    ...(devDependencies && { devDependencies: released(devDependencies) }),
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function edit(folder: string, file: string, change: (text: string) => string): void {
  writeFileSync(path.join(folder, file), change(readFileSync(path.join(folder, file), 'utf8')));
}
