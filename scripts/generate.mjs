/** Contracts to typed stubs and the descriptor set (packages/contracts): of what has changed. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { native, root, run } from './process.mjs';
import { step } from './steps.mjs';

/** Relative: buf reads a "#" in a path as the beginning of its options. */
const descriptors = 'packages/contracts/descriptors.binpb';
/** Takes its place once the stubs are there, too: what the plugin refuses is no fault to `buf build`. */
const newDescriptors = 'packages/contracts/descriptors.new.binpb';
/** etcd's contract, for the registry's store alone: beside the others, and no part of the descriptor set. */
const etcd = {
  stub: path.join(root, 'packages/contracts/src/etcd-v3/rpc.ts'),
  args: ['--config', 'scripts/generate/etcd.buf.yaml', '--template', 'scripts/generate/etcd.buf.gen.yaml'],
};
/** Stands among the generated files: whoever removes them removes it too. */
const stamp = path.join(root, 'packages/contracts/src/.inputs');

/**
 * @typedef {object} Inputs What the generated files follow from, as digests.
 * @property {string} settings buf's, its plugin's, and by the lock file the versions of every tool and third-party contract.
 * @property {Record<string, string>} protos By path under proto/.
 */

/**
 * @returns {Promise<import('./steps.mjs').Outcome>}
 */
export async function generate() {
  const wanted = readInputs();
  const known = readStamp();
  const stale = staleProtos(known, wanted);
  if (stale?.length === 0) return { code: 0, note: 'nothing changed' };
  // What is under way is no longer vouched for, whatever becomes of it.
  if (stale === undefined) rmSync(stamp, { force: true });
  else writeStamp(without(wanted, stale));
  const [stubs, set] = await Promise.all([
    stubsOf(stale),
    run(native('buf'), ['build', '-o', newDescriptors, '--exclude-source-info']),
  ]);
  const failed = [set, stubs].find(({ code }) => code !== 0);
  if (failed) {
    // buf writes nothing before all is well, and of a part it removes nothing either: what stood there still stands.
    rmSync(path.join(root, newDescriptors), { force: true });
    if (stale !== undefined) writeStamp(known);
    return failed;
  }
  renameSync(path.join(root, newDescriptors), path.join(root, descriptors));
  writeStamp(wanted);
  return { code: 0 };
}

/** etcd's come after the others where those are all made anew, as what stood there is removed then. */
async function stubsOf(stale) {
  const stubs = await run(native('buf'), ['generate', ...only(stale)]);
  if (stubs.code !== 0 || stale !== undefined) return stubs;
  return run(native('buf'), ['generate', ...etcd.args]);
}

/** Whether what is generated follows from the contracts as they are. */
export const isGenerated = () => staleProtos(readStamp(), readInputs())?.length === 0;

/** The digests of the contracts, by path under proto/, that the generated files follow from. */
export const generatedFrom = () => readStamp()?.protos ?? {};

/** Those that have changed and those that import them; undefined where all is to be made anew, and the rest removed. */
function staleProtos(known, { settings, protos }) {
  if (known?.settings !== settings) return undefined;
  if (![path.join(root, descriptors), etcd.stub].every((file) => existsSync(file))) return undefined;
  if (Object.keys(known.protos).some((file) => !(file in protos))) return undefined;
  const changed = (file) => known.protos[file] !== protos[file] || !existsSync(stubOf(file));
  const stale = new Set(Object.keys(protos).filter(changed));
  // A set grows while it is gone through.
  for (const one of stale) {
    for (const file of Object.keys(protos)) if (importsOf(file).includes(one)) stale.add(file);
  }
  return [...stale];
}

const stubOf = (file) => path.join(root, 'packages/contracts/src', file.replace(/proto$/, 'ts'));

/** buf's arguments for some files alone: the others' stubs stay. */
function only(stale) {
  if (stale === undefined) return [];
  const template = readFileSync(path.join(root, 'buf.gen.yaml'), 'utf8').replace(/^clean: true$/m, 'clean: false');
  return ['--template', template, ...stale.flatMap((file) => ['--path', `proto/${file}`])];
}

function importsOf(file) {
  const text = readFileSync(path.join(root, 'proto', file), 'utf8');
  // What a comment imports is made anew too often, which does no harm.
  return [...text.matchAll(/\bimport\s+(?:\w+\s+)?["']([^"']+)["']/g)].map(([, imported]) => imported);
}

/** @returns {Inputs} */
function readInputs() {
  const protos = readdirSync(path.join(root, 'proto'), { recursive: true }).filter((file) => file.endsWith('.proto'));
  const plugin = readdirSync(path.join(root, 'scripts/generate')).map((file) => `scripts/generate/${file}`);
  return {
    settings: digest(['buf.gen.yaml', ...plugin.sort()], modules() + locked()),
    protos: Object.fromEntries(protos.sort().map((file) => [file, digest([`proto/${file}`])])),
  };
}

/** buf's configuration but for lint's, where a contract that was published elsewhere is exempted. */
const modules = () => readFileSync(path.join(root, 'buf.yaml'), 'utf8').replace(/^lint:\n(?: .*\n|\n)*/gm, '');

/** The lock file but for what each service depends on: nothing is generated with it, and a service comes or goes often. */
function locked() {
  const text = readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8');
  return text.replace(/^ {2}services\/.*:\n(?: {4}.*\n|\n)*/gm, '');
}

function digest(files, more = '') {
  const hash = createHash('sha256').update(more);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

const without = ({ settings, protos }, stale) => ({
  settings,
  protos: Object.fromEntries(Object.entries(protos).filter(([file]) => !stale.includes(file))),
});

/** @returns {Inputs | undefined} */
function readStamp() {
  if (!existsSync(stamp)) return undefined;
  try {
    return JSON.parse(readFileSync(stamp, 'utf8'));
  } catch {
    return undefined; // cut short, or of an earlier kind
  }
}

const writeStamp = (inputs) => writeFileSync(stamp, JSON.stringify(inputs));

/** `npm run generate` */
export async function main() {
  return (await step('generate', generate)).code;
}
