/** Generates typed stubs and the descriptor set (packages/contracts) of the contracts that have changed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readImportGraph } from '../scaffold/contract/imports.js';
import { filesBelow } from '../workspace/files.js';
import { withBuild } from '../workspace/lock.js';
import { isInstalled, root } from '../workspace/paths.js';
import { native, run } from '../workspace/process.js';
import { type StepResult, step } from '../workspace/steps.js';

/** A relative path: buf reads a "#" in a path as the start of options. */
const descriptors = 'packages/contracts/descriptors.binpb';
/** Replaces the descriptor set when the contracts are checked and the stubs are generated. */
const newDescriptors = 'packages/contracts/descriptors.new.binpb';
/** etcd's contract, which only the registry's store uses, so an app has none. It isn't part of the descriptor set. */
const etcd = {
  stub: path.join(root, 'packages/contracts/src/etcd-v3/rpc.ts'),
  /** The folder in which buf writes these stubs, as it begins by removing all stubs in packages/contracts/src. */
  made: path.join(root, '.rondo/etcd-stubs'),
  args: ['--config', 'packages/rondo/buf/etcd.buf.yaml', '--template', 'packages/rondo/buf/etcd.buf.gen.yaml'],
};
/** A package has the stubs of the contracts that an app imports. */
const OWN = isInstalled ? ['proto'] : [];
/** The digests of the inputs. The stamp is among the generated files, so that removing them removes it too. */
const stamp = path.join(root, 'packages/contracts/src/.inputs');

/** The digests of contracts, by path under proto/. */
type Protos = Readonly<Record<string, string>>;

/** The digests of what the generated files follow from. */
type Inputs = ReturnType<typeof readInputs>;

/** Generates what has changed. `signal` ends the wait for another command's build. */
export const generate = (signal?: AbortSignal): Promise<StepResult> => withBuild('generate', generateNow, signal);

async function generateNow(): Promise<StepResult> {
  if (!isInstalled) await writeValidateProto();
  const wanted = readInputs();
  if (Object.keys(wanted.protos).length === 0) return describeNone();
  const known = readStamp();
  const stale = staleProtos(known, wanted);
  if (stale?.length === 0) return { code: 0, note: 'nothing changed' };
  // The stamp must not cover files that are being generated, in case this is interrupted.
  if (stale === undefined) rmSync(stamp, { force: true });
  else writeStamp({ ...wanted, protos: without({ ...known?.protos, ...wanted.protos }, stale) });
  const described = await describe(wanted, stale);
  const made = described.code === 0 ? await stubsOf(stale) : described;
  if (made.code !== 0) {
    // buf writes nothing if it fails. With `--path` it removes nothing either, so the old stamp is still right.
    rmSync(path.join(root, newDescriptors), { force: true });
    if (known !== undefined && stale !== undefined) writeStamp(known);
    return made;
  }
  renameSync(path.join(root, newDescriptors), path.join(root, descriptors));
  // buf has removed the stub of a contract that is gone.
  for (const file of Object.keys(known?.protos ?? {}).filter((one) => !(one in wanted.protos))) {
    const compiled = path.join(root, 'packages/contracts/dist', file.replace(/proto$/, ''));
    for (const ending of ['js', 'd.ts']) rmSync(compiled + ending, { force: true });
  }
  // A contract that has no more rules in CEL has stopped to import its descriptors.
  for (const stub of (stale ?? []).map(stubOf)) {
    const imported = `${path.basename(stub, '.ts')}.descriptors.js`;
    if (!readFileSync(stub, 'utf8').includes(imported)) rmSync(stub.replace(/ts$/, 'descriptors.ts'), { force: true });
  }
  writeStamp(wanted);
  return { code: 0 };
}

/** buf takes it for a fault. The stubs of the last contract are removed with the next one. */
function describeNone(): StepResult {
  writeFileSync(path.join(root, descriptors), '');
  return { code: 0, note: 'there are no contracts' };
}

/** The contract of `buf.validate`, which its package has in compiled form only. */
async function writeValidateProto(): Promise<void> {
  const file = path.join(root, 'packages/validation/proto/buf/validate/validate.proto');
  const { file_buf_validate_validate: descriptor } = await import(
    '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js'
  );
  const { printProto } = await import('./print-proto.js');
  const text = printProto(descriptor);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Checks the contracts that have changed, and writes the new descriptor set, with the comments of the contracts under proto/: the gateway documents services by them. */
async function describe({ protos }: Inputs, stale: readonly string[] = Object.keys(protos)): Promise<StepResult> {
  const built = await run(native('buf'), ['build', '-o', newDescriptors]);
  if (built.code !== 0) return built;
  const { checkSet } = await import('./faults.js'); // it needs packages, and the doctor looks before there are any
  const file = path.join(root, newDescriptors);
  const { faults, set } = checkSet(readFileSync(file), stale, new Set(Object.keys(protos)));
  writeFileSync(file, set);
  return { code: faults.length, output: `contradictory contracts:\n${faults.join('\n')}` };
}

async function stubsOf(stale: readonly string[] | undefined): Promise<StepResult> {
  if (stale?.length === 0) return { code: 0 };
  const stubs = run(native('buf'), ['generate', ...OWN, ...only(stale)]);
  if (stale !== undefined || isInstalled) return await stubs;
  const ended = await Promise.all([stubs, run(native('buf'), ['generate', ...etcd.args, '-o', etcd.made])]);
  const failed = ended.find(({ code }) => code !== 0);
  const folder = path.dirname(etcd.stub);
  if (failed === undefined) renameSync(path.join(etcd.made, path.relative(root, folder)), folder);
  rmSync(etcd.made, { recursive: true, force: true });
  return failed ?? { code: 0 };
}

export function isGenerated(): boolean {
  return staleProtos(readStamp(), readInputs())?.length === 0;
}

/** The digests of the contracts that the generated files were made from, by path under proto/. */
export const generatedFrom = (): Protos => readStamp()?.protos ?? {};

/** The contracts that have changed, and those that import them; undefined if all stubs must be generated anew, as when one is gone. */
function staleProtos(known: Inputs | undefined, { settings, protos }: Inputs): readonly string[] | undefined {
  if (known?.settings !== settings) return undefined;
  const whole = [path.join(root, descriptors), ...(isInstalled ? [] : [etcd.stub])];
  if (!whole.every((file) => existsSync(file)) || Object.keys(known.protos).some((file) => !(file in protos)))
    return undefined;
  const changed = (file: string) => known.protos[file] !== protos[file] || !existsSync(stubOf(file));
  const stale = new Set(Object.keys(protos).filter(changed));
  // The set grows during the iteration, which then visits the new entries too.
  const graph = stale.size === 0 ? [] : [...readImportGraph(root)];
  for (const one of stale) for (const [file, imports] of graph) if (imports.includes(one)) stale.add(file);
  return [...stale];
}

const stubOf = (file: string) => path.join(root, 'packages/contracts/src', file.replace(/proto$/, 'ts'));

/** buf's arguments to generate only some files and keep the others' stubs. */
function only(stale: readonly string[] | undefined): readonly string[] {
  if (stale === undefined) return [];
  const template = readFileSync(path.join(root, 'buf.gen.yaml'), 'utf8').replace(/^clean: true$/m, 'clean: false');
  return ['--template', template, ...stale.flatMap((file) => ['--path', `proto/${file}`])];
}

function readInputs() {
  const files = filesBelow(path.join(root, 'proto')).filter((file) => file.endsWith('.proto'));
  const protos: Protos = Object.fromEntries(files.map((file) => [file, digest([`proto/${file}`])]));
  // Of buf's configuration, its plugin, and the lock file with the versions of tools, third-party contracts, and a plugin that is installed.
  const settings = digest(['buf.gen.yaml', ...(isInstalled ? [] : pluginFiles())], modules() + locked());
  return { settings, protos };
}

const PLUGIN = ['packages/rondo/src/generate', 'packages/rondo/templates/stubs'];
const pluginFiles = () =>
  PLUGIN.flatMap((folder) => filesBelow(path.join(root, folder)).map((file) => `${folder}/${file}`));

/** buf's configuration without its lint section, which generation doesn't depend on. */
const modules = () => readFileSync(path.join(root, 'buf.yaml'), 'utf8').replace(/^lint:\n(?: .*\n|\n)*/gm, '');

/** The lock file without the dependencies of services: generation doesn't depend on them, and services come and go. */
function locked(): string {
  const text = readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8');
  return text.replace(/^ {2}services\/.*:\n(?: {4}.*\n|\n)*/gm, '');
}

function digest(files: readonly string[], more = ''): string {
  const hash = createHash('sha256').update(more);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

const without = (protos: Protos, stale: readonly string[]): Protos =>
  Object.fromEntries(Object.entries(protos).filter(([file]) => !stale.includes(file)));

function readStamp(): Inputs | undefined {
  if (!existsSync(stamp)) return undefined;
  try {
    return JSON.parse(readFileSync(stamp, 'utf8'));
  } catch {
    return undefined; // the stamp is incomplete or of an old format
  }
}

const writeStamp = (inputs: Inputs) => writeFileSync(stamp, JSON.stringify(inputs));

export async function main(): Promise<number> {
  return (await step('generate', () => generate())).code;
}
