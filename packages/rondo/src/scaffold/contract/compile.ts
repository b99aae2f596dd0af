import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createFileRegistry, type DescFile, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { lineOf } from '../../generate/told.js';
import { type Place, Refusal } from '../errors.js';
import { typesOf } from './contract.js';
import { duplicateRefusal } from './duplicates.js';
import { typeName } from './names.js';
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
  if (first !== undefined) {
    throw duplicateRefusal(first, { ...staged, folder: stage.folder }) ?? compileRefusal(first, staged);
  }
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
export async function checkGeneratedCode(registry: FileRegistry, staged: Staged): Promise<void> {
  const { stage, files } = staged;
  const generated = await stage.run('buf', 'generate', IMAGE, ...files.flatMap((file) => ['--path', file.path]));
  if (generated.code !== 0) throw generateRefusal(generated.output, registry, staged);
  const compiled = await stage.run('tsc', '-p', 'packages/contracts', '--noEmit', '--pretty', 'false');
  if (compiled.code === 0) return;
  const read = (module: string) =>
    readFileSync(path.join(stage.folder, 'packages/contracts/src', `${module}.ts`), 'utf8');
  const fault = firstCodeFault(compiled.output, { registry, read });
  if (fault === undefined) throw new Error(`tsc: ${compiled.output.trim()}`);
  const { file, line, declaration = 'it', message } = fault;
  throw new Refusal(`the code generated for ${declaration} doesn't compile (${message})`, {
    place: placeOf(files.find((one) => one.path === file) ?? staged.asked, staged, line),
    remedy: 'rename it',
  });
}

/**
 * Explains why no code could be generated. The tree's plugin reports each contradiction with its line. protoc's
 * library, which buf generates with, quotes the full name of what it doesn't support.
 */
function generateRefusal(output: string, registry: FileRegistry, staged: Staged): Refusal {
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
    return new Refusal(text, { place: placeOf(ours, staged, lineOf(desc)), remedy: 'correct it' });
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

/** A compiler error in generated code, with the declaration that the code was generated for. */
interface CodeFault {
  /** The import path of the contract. */
  readonly file: string;
  readonly line: number | undefined;
  /** `message Map`; undefined if the code belongs to no single declaration. */
  readonly declaration: string | undefined;
  /** The compiler's message. */
  readonly message: string;
}

const COMPLAINT = /^packages\/contracts\/src\/(.+)\.ts\((\d+),\d+\): error TS\d+: (.*)$/m;
const EXPORT = /^(?:export (?:const|enum|interface|type) |function createBase)(\w+)/;

/**
 * Traces the compiler's first error back to the contract.
 *
 * @param output The output of `tsc --pretty false`.
 * @param read Reads the generated code of a contract.
 */
function firstCodeFault(
  output: string,
  { registry, read }: { readonly registry: FileRegistry; readonly read: (module: string) => string },
): CodeFault | undefined {
  const [, module, line, message] = COMPLAINT.exec(output) ?? [];
  if (module === undefined || line === undefined || message === undefined) return undefined;
  const file = `${module}.proto`;
  const desc = registry.getFile(file);
  const declared = desc === undefined ? undefined : declaredAs(desc, exportAround(read(module), Number(line)));
  return { file, line: declared?.line, declaration: declared?.declaration, message: withoutPaths(message) };
}

/** Removes the paths of the stage, which no longer exists when the user reads the message. */
const withoutPaths = (message: string) => message.replace(/import\("[^"]*"\)\./g, '').replace(/\.$/, '');

/** The last export at or before a line. */
function exportAround(code: string, line: number): string | undefined {
  const before = code.split('\n').slice(0, line).reverse();
  return before.map((text) => EXPORT.exec(text)?.[1]).find((name) => name !== undefined);
}

function declaredAs(
  desc: DescFile,
  code: string | undefined,
): { readonly line: number | undefined; readonly declaration: string } | undefined {
  const type = typesOf(desc).find((one) => typeName(one) === code);
  if (type !== undefined) return { line: lineOf(type), declaration: `${type.kind} ${type.name}` };
  const service = desc.services.find(({ name }) => `${name}Definition` === code);
  return service && { line: lineOf(service), declaration: `service ${service.name}` };
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
export interface Finding {
  /** The path that was given to buf: `proto/helloworld/helloworld.proto`. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** The broken rule, such as `PACKAGE_VERSION_SUFFIX`; `COMPILE` for a compile error. */
  readonly type: string;
  readonly message: string;
}

/** Parses the output of buf with `--error-format json`: one finding a line, among other lines. */
function parseFindings(output: string): readonly Finding[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{') || !line.endsWith('}')) return []; // the last line may be cut off
    const found = JSON.parse(line);
    if (typeof found.path !== 'string') return [];
    return [
      {
        path: found.path,
        line: found.start_line,
        column: found.start_column,
        type: found.type,
        message: found.message,
      },
    ];
  });
}
