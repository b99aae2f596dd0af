import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Place, Refusal } from '../errors.js';
import type { Placed, PlacedFile } from './place.js';
import { type PackageFile, packageFiles } from './platform.js';
import { fullNameIn, scan } from './scan.js';
import type { Stage } from './stage.js';

const IMAGE = 'image.binpb';

/** A contract on a stage. */
export interface Staged extends Placed {
  readonly stage: Stage;
  /** The path of a file as the user would write it. */
  readonly shown: (file: string) => string;
}

/**
 * Compiles all contracts of the stage together.
 *
 * @throws Refusal with buf's first error.
 */
export async function compile(staged: Staged): Promise<FileRegistry> {
  const { stage, files } = staged;
  const { code, output } = await stage.run('buf', 'build', '-o', IMAGE, '--error-format', 'json');
  if (code === 0) {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(path.join(stage.folder, IMAGE))));
  }
  const findings = parseFindings(output);
  const ours = findings.find(({ path: file }) => files.some((one) => `proto/${one.path}` === file));
  const first = ours ?? findings[0];
  if (first !== undefined) throw compileRefusal(first, staged);
  throw new Refusal(output.trim(), { place: placeOf(staged.asked, staged), remedy: 'run buf build to see more' });
}

function compileRefusal({ path: file, line, message }: Finding, { files, stage, shown }: Staged): Refusal {
  const ours = files.find((one) => `proto/${one.path}` === file);
  const place = { file: ours === undefined ? file : shown(ours.source.file), line };
  const origin = originOf(message, { files, folder: stage.folder });
  if (origin === undefined) return new Refusal(message, { place, remedy: 'correct it' });
  const [imported, provided] = origin;
  return new Refusal(`${message}, and "${imported}" comes from ${provided.file}`, {
    place,
    remedy: 'correct it, or use what that version has',
  });
}

/** The import whose types a message of the compiler names, with the file of a package that it means. */
function originOf(
  message: string,
  { files, folder }: { readonly files: readonly PlacedFile[]; readonly folder: string },
): readonly [string, PackageFile] | undefined {
  const find = packageFiles(folder);
  const imports = new Set(files.flatMap(({ source }) => source.scan.imports.map((wanted) => wanted.path)));
  for (const imported of imports) {
    const provided = find(imported);
    if (provided === undefined) continue;
    const scanned = scan(readFileSync(path.join(folder, provided.file), 'utf8'));
    const names = scanned.declarations.map(({ name }) => fullNameIn(scanned, name));
    if (names.some((name) => message.includes(`\`${name}\``) || message.includes(`\`${name}.`)))
      return [imported, provided];
  }
  return undefined;
}

/**
 * Generates the code of the contract and compiles it as in the tree.
 *
 * @throws Refusal if it doesn't compile.
 */
export async function checkGeneratedCode(staged: Staged): Promise<void> {
  const { stage, files } = staged;
  const generated = await stage.run('buf', 'generate', IMAGE, ...files.flatMap((file) => ['--path', file.path]));
  if (generated.code !== 0) throw generateRefusal(generated.output, staged);
  const compiled = await stage.run('tsc', '-p', 'packages/contracts', '--noEmit', '--pretty', 'false');
  if (compiled.code === 0) return;
  const [, module, message] = COMPLAINT.exec(compiled.output) ?? [];
  if (message === undefined) throw new Error(`tsc: ${compiled.output.trim()}`);
  const file = files.find((one) => one.path === `${module}.proto`) ?? staged.asked;
  // Without the paths of the stage, which is gone when the message is read.
  const complaint = message.replaceAll(/import\("[^"]*"\)\./g, '');
  throw new Refusal(`the code generated for it doesn't compile (${complaint})`, {
    place: placeOf(file, staged),
    remedy: 'rename what that is about',
  });
}

/** The first error of `tsc --pretty false`. */
const COMPLAINT = /^packages\/contracts\/src\/(.+)\.ts\(\d+,\d+\): error TS\d+: (.*?)\.?$/m;

/**
 * Explains why no code could be generated. The tree's plugin reports each contradiction with its line. protoc's library, which buf
 * generates with, names what it doesn't support.
 */
function generateRefusal(output: string, staged: Staged): Refusal {
  const text = output.trim().replace(/^Failure: /, '');
  const [, path, line, reason] = /^proto\/(\S+):(\d+): (.*)$/m.exec(text) ?? [];
  const contradictory = staged.files.find((file) => file.path === path);
  if (contradictory !== undefined && reason !== undefined) {
    return new Refusal(reason, { place: placeOf(contradictory, staged, Number(line)), remedy: 'correct it' });
  }
  return new Refusal(text, { place: placeOf(staged.asked, staged), remedy: 'correct it' });
}

/** A place in a contract's file, as the user would write it. */
export function placeOf(file: PlacedFile, { shown }: Staged, line?: number): Place {
  return { file: shown(file.source.file), ...(line === undefined ? {} : { line }) };
}

/** The exit code of buf if a contract breaks a rule, as opposed to an error of buf itself. */
const FOUND_SOMETHING = 100;

/**
 * Checks contracts with `buf lint` under the tree's rules, and with `buf format`. Returns one remark a line.
 *
 * @param files The import paths of the contracts.
 */
export async function styleRemarks(stage: Stage, files: readonly string[]): Promise<readonly string[]> {
  const paths = files.flatMap((file) => ['--path', `proto/${file}`]);
  const lint = await stage.run('buf', 'lint', '--error-format', 'json', ...paths);
  if (lint.code !== 0 && lint.code !== FOUND_SOMETHING) throw new Error(`buf lint: ${lint.output.trim()}`);
  const format = await stage.run('buf', 'format', '--diff', ...paths);
  const unformatted = format.output.matchAll(/^\+\+\+ (.+?\.proto)\t/gm);
  return [
    ...parseFindings(lint.output).map(({ path: file, line, message }) => `${file}:${line}: ${message}`),
    ...[...unformatted].map(([, file]) => `${file}: isn't formatted as buf format does it.`),
  ];
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
    if (!line.startsWith('{') || !line.endsWith('}')) return []; // the last line may be cut off
    const found = JSON.parse(line);
    if (typeof found.path !== 'string') return [];
    return [{ path: found.path, line: found.start_line, message: found.message }];
  });
}
