import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, type DescField, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Schema } from '@rondo/schema';
import { fieldBehavior, REQUIRED } from '../generate/options.js';
import { native, run } from '../workspace/process.js';

export interface Difference {
  /**
   * `incompatible`: callers and servers of the two versions misread each other, on the wire or in JSON, or one refuses what
   * the other's callers send. `added`, `removed`: only one version has it, and the other ignores it.
   */
  readonly kind: 'incompatible' | 'added' | 'removed';
  /** buf's sentence, such as `Field "2" on message "AddRequest" changed name from "b" to "c"`; else a name, such as `field AddRequest.b`. */
  readonly text: string;
}

/** buf's category without the rules on deletions, of reservations too: what only one version has, the other doesn't rely on. */
const SETTINGS = JSON.stringify({
  version: 'v2',
  breaking: {
    use: ['WIRE_JSON'],
    except: [
      'ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED',
      'ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED',
      'FIELD_NO_DELETE_UNLESS_NAME_RESERVED',
      'FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED',
      'RESERVED_ENUM_NO_DELETE',
      'RESERVED_MESSAGE_NO_DELETE',
    ],
  },
});
const TIMEOUT_MS = 10_000;
/** buf's exit code if it refuses a contract, and that of a program that isn't there. */
const CODES = { refused: 100, missing: 127 } as const;

interface Comparing {
  readonly signal: AbortSignal;
  /** The path of the program. */
  readonly buf?: string;
}

/**
 * Compares two versions of a service's contract, by buf.
 *
 * @throws Error if buf isn't there, as in an image, or fails.
 */
export async function compareContracts(
  before: Schema,
  after: Schema,
  comparing: Comparing,
): Promise<readonly Difference[]> {
  const [had, has] = [namesIn(before), namesIn(after)];
  return [
    ...(await incompatibilities(before, after, comparing)).map((text) => ({ kind: 'incompatible' as const, text })),
    ...requiredInOne(before, after).map((text) => ({ kind: 'incompatible' as const, text })),
    ...has.filter((name) => !had.includes(name)).map((text) => ({ kind: 'added' as const, text })),
    ...had.filter((name) => !has.includes(name)).map((text) => ({ kind: 'removed' as const, text })),
  ];
}

async function incompatibilities(
  before: Schema,
  after: Schema,
  { signal, buf = native('buf') }: Comparing,
): Promise<readonly string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rondo-versions-'));
  try {
    await writeImage(path.join(folder, 'before.binpb'), before);
    await writeImage(path.join(folder, 'after.binpb'), after);
    const images = ['after.binpb', '--against', 'before.binpb'];
    const args = ['breaking', ...images, '--config', SETTINGS, '--error-format', 'json'];
    const { code, output } = await run(buf, args, { cwd: folder, signal, timeoutMs: TIMEOUT_MS });
    if (code === CODES.missing) throw new Error('buf compares contracts, which a workspace has: run rondo there');
    if (code !== 0 && code !== CODES.refused) throw new Error(`buf: ${output.trim()}`);
    const said = output.split('\n').filter(Boolean);
    // Without its references and the last stop.
    return [...new Set(said.map((line) => String(JSON.parse(line).message).replace(/(?:\. See http.*|\.)$/s, '')))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Fields that one version asks for, in messages that both have. buf doesn't compare `google.api.field_behavior`. */
function requiredInOne(before: Schema, after: Schema): readonly string[] {
  const [had, has] = [requiredIn(before), requiredIn(after)];
  const differ = (one: Schema, required: readonly DescField[], others: readonly DescField[]) =>
    required.filter(
      ({ name, parent }) =>
        one.registry.getMessage(parent.typeName) !== undefined &&
        !others.some((other) => other.name === name && other.parent.typeName === parent.typeName),
    );
  return [
    ...differ(before, has, had).map((field) => `${field} is REQUIRED now, and earlier callers may leave it out`),
    ...differ(after, had, has).map((field) => `${field} was REQUIRED, and earlier servers refuse calls without it`),
  ];
}

function requiredIn({ registry }: Schema): readonly DescField[] {
  const behavior = fieldBehavior(registry);
  const fields = [...registry].flatMap((type) => (type.kind === 'message' ? type.fields : []));
  return fields.filter((field) => behavior.of(field)?.includes(REQUIRED));
}

const writeImage = (file: string, { registry }: Schema) =>
  writeFile(
    file,
    toBinary(
      FileDescriptorSetSchema,
      create(FileDescriptorSetSchema, { file: [...registry.files].map((one) => one.proto) }),
    ),
  );

/** The service's methods, and the fields and enum values of its files, without the name of its package. */
function namesIn({ desc, registry }: Schema): readonly string[] {
  const prefix = `${desc.file.proto.package}.`;
  const short = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const members = [...registry].flatMap((type) => {
    if (type.kind === 'message') return type.fields.map(({ name }) => `field ${short(type.typeName)}.${name}`);
    return type.kind === 'enum' ? type.values.map(({ name }) => `value ${short(type.typeName)}.${name}`) : [];
  });
  return [...desc.methods.map(({ name }) => `method ${name}`), ...members];
}
