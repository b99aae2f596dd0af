import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Place, Refusal } from '../refusal.js';
import { firstCodeFault } from './code-faults.js';
import { type Finding, parseFindings } from './findings.js';
import { linesOf } from './lines.js';
import type { Placed, PlacedFile } from './place.js';
import type { Stage } from './stage.js';

const IMAGE = 'image.binpb';

/** A contract on a stage. */
export interface Staged extends Placed {
  readonly stage: Stage;
  /** A file as the user would write it. */
  readonly shown: (file: string) => string;
}

/**
 * Compiles all contracts of the stage together.
 *
 * @throws Refusal with buf's first complaint.
 */
export async function compile(staged: Staged): Promise<FileRegistry> {
  const { stage, files } = staged;
  const { code, output } = await stage.run('buf', 'build', '-o', IMAGE, '--error-format', 'json');
  if (code === 0) {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(path.join(stage.folder, IMAGE))));
  }
  const findings = parseFindings(output);
  const ours = findings.find(({ path: file }) => files.some((one) => `proto/${one.path}` === file));
  const [first] = findings;
  if (ours !== undefined) throw uncompiled(ours, staged);
  if (first !== undefined) throw declaredTwice(first, staged) ?? uncompiled(first, staged);
  throw new Refusal(output.trim(), { place: placeOf(staged.asked, staged), remedy: 'see what buf makes of it' });
}

function uncompiled({ path: file, line, message }: Finding, { files, shown }: Staged): Refusal {
  const ours = files.find((one) => `proto/${one.path}` === file);
  const place = { file: ours === undefined ? file : shown(ours.source.file), line };
  return new Refusal(message, { place, remedy: 'correct it' });
}

/** buf names the other place where a symbol is declared: the one that was there. */
function declaredTwice({ path: file, line, message }: Finding, staged: Staged): Refusal | undefined {
  const symbol = /^`(\w+)` declared multiple times$/.exec(message)?.[1];
  for (const ours of staged.files) {
    const declared = ours.source.scan.declarations.find(({ name }) => name === symbol);
    if (declared === undefined) continue;
    const name = [ours.source.scan.package, symbol].filter((part) => part !== '').join('.');
    return new Refusal(`${name} is declared at ${file}:${line} already`, {
      place: placeOf(ours, staged, declared.line),
      remedy: 'give the contract a package of its own, or start from the file that is there',
    });
  }
  return undefined;
}

/**
 * Generates the code of the contract, and compiles it as it will be compiled in the tree.
 *
 * @throws Refusal where it doesn't compile.
 */
export async function tryGeneratedCode(registry: FileRegistry, staged: Staged): Promise<void> {
  const { stage, files } = staged;
  const generated = await stage.run('buf', 'generate', IMAGE, ...files.flatMap((file) => ['--path', file.path]));
  if (generated.code !== 0) throw ungenerated(generated.output, registry, staged);
  const compiled = await stage.run('tsc', '-p', 'packages/contracts', '--noEmit', '--pretty', 'false');
  if (compiled.code === 0) return;
  const read = (module: string) =>
    readFileSync(path.join(stage.folder, 'packages/contracts/src', `${module}.ts`), 'utf8');
  const fault = firstCodeFault(compiled.output, { registry, read });
  if (fault === undefined) throw new Error(`tsc: ${compiled.output.trim()}`);
  const { file, line, declaration = 'it', message } = fault;
  throw new Refusal(`the code that is generated for ${declaration} doesn't compile (${message})`, {
    place: placeOf(files.find((one) => one.path === file) ?? staged.asked, staged, line),
    remedy: 'rename what TypeScript keeps for itself',
  });
}

/**
 * The tree's plugin tells of each contradiction where it stands; protoc's library, which buf generates with, names what
 * it can't take by its full name, in quotes.
 */
function ungenerated(output: string, registry: FileRegistry, staged: Staged): Refusal {
  const text = output.trim().replace(/^Failure: /, '');
  const [, path, line, reason] = /^proto\/(\S+):(\d+): (.*)$/m.exec(text) ?? [];
  const contradictory = staged.files.find((file) => file.path === path);
  if (contradictory !== undefined && reason !== undefined) {
    return new Refusal(reason, { place: placeOf(contradictory, staged, Number(line)), remedy: 'correct it' });
  }
  for (const [, name = ''] of text.matchAll(/"([\w.]+)"/g)) {
    const desc = registry.getMessage(name) ?? fieldNamed(registry, name) ?? registry.getEnum(name);
    const file = desc?.kind === 'field' ? desc.parent.file : desc?.file;
    const ours = staged.files.find((one) => one.path === `${file?.name}.proto`);
    if (desc === undefined || file === undefined || ours === undefined) continue;
    return new Refusal(text, { place: placeOf(ours, staged, linesOf(file)(desc.proto)), remedy: 'correct it' });
  }
  return new Refusal(text, { place: placeOf(staged.asked, staged), remedy: 'correct it' });
}

function fieldNamed(registry: FileRegistry, fullName: string) {
  const dot = fullName.lastIndexOf('.');
  return registry.getMessage(fullName.slice(0, dot))?.fields.find(({ name }) => name === fullName.slice(dot + 1));
}

/** A place in a contract's file, as the user would write it. */
export function placeOf(file: PlacedFile, { shown }: Staged, line?: number): Place {
  return { file: shown(file.source.file), ...(line === undefined ? {} : { line }) };
}
