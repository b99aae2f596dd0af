import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createFileRegistry, type DescFile, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { native } from '../../workspace/process.js';
import { runProgram } from '../../workspace/program.js';
import { typesOf } from './contract.js';
import { isAlone, packageFiles } from './platform.js';
import { scan, wordsOf } from './scan.js';
import type { Copy, SourceFile } from './source.js';

/** What becomes of the copies of files that packages provide. */
export interface Settled {
  /** Copies that declare what the package's file lacks, and take its place in the tree. */
  readonly replacing: readonly Replacing[];
  /** Types that differ from the package's, each with the copy that declares it. The package's are used. */
  readonly differing: ReadonlyMap<string, Copy>;
}

/** A file that takes the place of a package's. */
export interface Replacing {
  readonly source: SourceFile;
  /** The path of the package's module in buf.yaml. It has no other file. */
  readonly module: string;
}

interface SettleOptions {
  readonly root: string;
  readonly signal: AbortSignal;
}

/**
 * Compares copies with the files that packages provide under the same import path. A copy that declares nothing else than
 * the package's file, such as an older version, isn't needed. Any other takes the place of the package's file, if that is the only
 * one of its module in buf.yaml: buf can leave out modules and folders, but not single files.
 */
export async function settleCopies(copies: readonly Copy[], options: SettleOptions): Promise<Settled> {
  const { root } = options;
  const find = packageFiles(root);
  const unlike = copies.filter(({ found }) => {
    const provided = find(found.path);
    return provided !== undefined && textOf(found.bytes) !== textOf(readFileSync(path.join(root, provided.file)));
  });
  const replacing: Replacing[] = [];
  const differing = new Map<string, Copy>();
  for (const copy of unlike) {
    const provided = find(copy.found.path);
    const types = await findDifferences(copy.found, options);
    if (provided === undefined || types.length === 0) continue;
    if (isAlone(root, provided)) replacing.push({ source: copy.found, module: provided.module });
    else for (const type of types) differing.set(type, copy);
  }
  return { replacing, differing };
}

/** The text without comments, line breaks and indentation. */
const textOf = (bytes: Uint8Array) => wordsOf(new TextDecoder().decode(bytes)).join(' ');

/** The names of the types, and of the messages with extensions, in which a copy has what the package's file lacks. */
async function findDifferences(copy: SourceFile, options: SettleOptions): Promise<readonly string[]> {
  const [theirs, provided] = await Promise.all([
    compileAlone(copy.path, { ...options, own: copy.bytes }),
    compileAlone(copy.path, options),
  ]);
  const file = theirs?.getFile(copy.path);
  // A copy with imports of its own can't be compiled alone. Then nothing is known of it but its text.
  return file === undefined || provided === undefined ? [copy.path] : differences(file, provided);
}

function differences(file: DescFile, provided: FileRegistry): readonly string[] {
  const types = typesOf(file).filter((type) => {
    const known = type.kind === 'enum' ? provided.getEnum(type.typeName) : provided.getMessage(type.typeName);
    const has = new Set(known && membersOf(known));
    return known === undefined || membersOf(type).some((member) => !has.has(member));
  });
  const extensions = file.extensions.filter(({ typeName }) => provided.getExtension(typeName) === undefined);
  return [...types.map((type) => type.typeName), ...extensions.map(({ extendee }) => extendee.typeName)];
}

/** What decides how a message or an enum is written and read, one text for each member. */
function membersOf(type: ReturnType<typeof typesOf>[number]): readonly string[] {
  if (type.kind === 'enum') return type.values.map(({ name, number }) => `${number} ${name}`);
  return type.fields.map(({ proto, presence }) =>
    [proto.number, proto.name, proto.type, proto.typeName, proto.label, presence].join(' '),
  );
}

/** Compiles a file of `root`'s packages, or a version of `own`, with the packages' versions of what it imports. */
async function compileAlone(
  name: string,
  { root, signal, own }: SettleOptions & { readonly own?: Uint8Array },
): Promise<FileRegistry | undefined> {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-copy-'));
  try {
    const find = packageFiles(root);
    const names = new Set([name]);
    for (const one of names) {
      const provided = find(one);
      const bytes = one === name && own !== undefined ? own : provided && readFileSync(path.join(root, provided.file));
      if (bytes === undefined) continue;
      const file = path.join(folder, 'proto', one);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes);
      for (const wanted of scan(new TextDecoder().decode(bytes)).imports) names.add(wanted.path);
    }
    const settings = '{"version":"v2","modules":[{"path":"proto"}]}';
    const args = ['build', '--config', settings, '--exclude-source-info', '-o', 'image.binpb'];
    const { code } = await runProgram(native('buf'), args, { cwd: folder, signal });
    if (code !== 0) return undefined;
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(path.join(folder, 'image.binpb'))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
