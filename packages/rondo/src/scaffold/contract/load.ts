import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createFileRegistry, type DescFile, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { faultsOf } from '../../generate/faults.js';
import { ownServices, readManifests } from '../../workspace/manifests.js';
import { Refusal } from '../errors.js';
import { refuseConflicts } from './conflicts.js';
import { type Contract, compiledIn, servicesOf } from './contract.js';
import { readImportGraph } from './imports.js';
import { packageImports } from './platform.js';
import { type ContractSource, findSource, type Placed, type PlacedFile } from './source.js';
import { type Stage, withStage } from './stage.js';
import { findUnsupported } from './unsupported.js';

export interface LoadOptions {
  /** The repository's folder. */
  readonly root: string;
  readonly source: ContractSource;
  /**
   * The service, by its folder under `services/`, that the contract is for. Contracts in its manifest don't count as
   * another service's.
   */
  readonly for?: string;
  readonly signal: AbortSignal;
}

/**
 * Loads a contract, and checks it with a copy of the tree's contracts.
 *
 * @throws Refusal with file, line and remedy if the contract can't be used; the signal's reason if the signal aborts.
 */
export async function loadContract({ root: given, source, for: owner, signal }: LoadOptions): Promise<Contract> {
  const root = path.resolve(given);
  const manifests = readManifests(ownServices(root), root);
  const own = manifests.filter(({ service }) => service === owner).flatMap(({ contracts }) => contracts);
  const placed = findSource(root, source, own);
  const others = manifests.filter(({ service }) => service !== owner);
  const served = new Map(others.flatMap(({ service, contracts }) => contracts.map((one) => [one, service])));
  refuseConflicts(placed, { imports: readImportGraph(root), served, provides: packageImports(root) });
  return withStage({ root, files: placed.files, signal }, (stage) => checkOnStage({ ...placed, stage }, root));
}

async function checkOnStage(staged: Staged, root: string): Promise<Contract> {
  const { asked, files, shown } = staged;
  const registry = await compile(staged);
  for (const file of files) {
    const unfit = findUnsupported(described(registry, file));
    if (unfit === undefined) continue;
    const { reason, line, remedy } = unfit;
    throw new Refusal(reason, { place: { file: shown(file.file), ...(line && { line }) }, remedy });
  }
  refuseFaults(registry, staged);
  const services = servicesOf(described(registry, asked), await compiledIn(root, registry));
  if (services.length === 0)
    throw new Refusal('declares no service', {
      place: { file: shown(asked.file) },
      remedy: 'name the file that declares one',
    });
  const tree = path.join(root, 'proto', path.sep);
  const isForeign = (file: PlacedFile) => file.state !== 'same' && !file.file.startsWith(tree);
  return { file: asked.path, files, services, foreign: files.filter(isForeign).map((file) => file.path) };
}

function described(registry: FileRegistry, { path: name }: PlacedFile): DescFile {
  const file = registry.getFile(name);
  if (file === undefined) throw new TypeError(`buf compiled everything but proto/${name}`);
  return file;
}

const IMAGE = 'image.binpb';
/** More errors of buf aren't shown. */
const MAX_FINDINGS = 10;

interface Staged extends Placed {
  readonly stage: Stage;
}

/**
 * Compiles all contracts of the stage together.
 *
 * @throws Refusal with buf's errors, those of the contract first.
 */
export async function compile({ stage, asked, files, shown }: Staged): Promise<FileRegistry> {
  const { code, output } = await stage.buf('build', '-o', IMAGE, '--error-format', 'json');
  const image = path.join(stage.folder, IMAGE);
  if (code === 0) return createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(image)));
  const findings = parseFindings(output);
  const ours = (found: Finding) => files.find((one) => `proto/${one.path}` === found.path);
  const first = findings.find(ours) ?? findings[0];
  if (first === undefined)
    throw new Refusal(output.trim(), { place: { file: shown(asked.file) }, remedy: 'run buf build to see more' });
  const reasons = [first, ...findings.filter((one) => one !== first)].slice(0, MAX_FINDINGS).map((one) => {
    const file = ours(one)?.file;
    return `${file === undefined ? one.path : shown(file)}:${one.line}: ${one.message}`;
  });
  throw new Refusal(reasons.join('\n'), {
    remedy: / declared multiple times/.test(first.message)
      ? 'give the contract a package of its own, or import the file that has it'
      : 'correct it',
  });
}

/**
 * Checks a contract as generation does.
 *
 * @throws Refusal with the first fault of what it says to Rondo, such as contradictory policies.
 */
function refuseFaults(registry: FileRegistry, { files, shown }: Staged): void {
  const described = files.flatMap(({ path: name }) => registry.getFile(name) ?? []);
  const [fault] = faultsOf({ registry, files: described });
  const [, name, line, reason] = /^proto\/(\S+):(\d+|\?): (.*)$/s.exec(fault ?? '') ?? [];
  const found = files.find((file) => file.path === name);
  if (fault === undefined) return;
  if (found === undefined || reason === undefined) throw new Refusal(fault, { remedy: 'correct it' });
  throw new Refusal(reason, { place: { file: shown(found.file), line: Number(line) || 1 }, remedy: 'correct it' });
}

/** A finding of buf at a place in a file. */
interface Finding {
  /** The path that was given to buf: `proto/helloworld/helloworld.proto`. */
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Parses the output of buf with `--error-format json`: one finding a line, among other lines. */
function parseFindings(output: string): readonly Finding[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const found = JSON.parse(line);
    if (typeof found.path !== 'string') return [];
    return [{ path: found.path, line: found.start_line, message: found.message }];
  });
}
