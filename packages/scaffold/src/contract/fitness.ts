import type { DescExtension, DescField, DescFile, DescMessage, DescService } from '@bufbuild/protobuf';
import { memberName, methodKey, typeName, typesOf } from './code-names.js';
import { linesOf } from './lines.js';

/** Why a file can't be taken. */
export interface Unfit {
  readonly line: number | undefined;
  readonly reason: string;
  readonly remedy: string;
}

/** What may have a name of its own in generated code, or may not. */
type Declared = Parameters<ReturnType<typeof linesOf>>[0];

interface Named {
  /** As the contract has it. */
  readonly name: string;
  /** As generated code has it. */
  readonly code: string;
  readonly proto: Declared;
}

/**
 * What generated code would get wrong although it compiles, or would fail to compile for a reason that is plain here:
 * found by experiment with ts-proto 2.18.
 */
export function findUnfit(file: DescFile): Unfit | undefined {
  const lineOf = linesOf(file);
  for (const { proto, ...unfit } of faults(file)) return { ...unfit, line: lineOf(proto) };
  return undefined;
}

interface Fault extends Omit<Unfit, 'line'> {
  readonly proto: Declared;
}

function* faults(file: DescFile): Generator<Fault> {
  const types = typesOf(file);
  const messages = types.filter((type) => type.kind === 'message');
  yield* sharedNames([
    ...types.map((type) => ({ name: type.name, code: typeName(type), proto: type.proto })),
    ...file.services.map(({ name, proto }) => ({ name, code: `${name}Definition`, proto })),
  ]);
  for (const message of messages) yield* inMessage(message);
  for (const service of file.services) yield* inService(service);
  for (const extension of [...file.extensions, ...messages.flatMap(({ nestedExtensions }) => nestedExtensions)]) {
    yield* inExtension(extension);
  }
}

function* inMessage({ members, oneofs, fields, name, proto }: DescMessage): Generator<Fault> {
  for (const together of [members, ...oneofs.map((oneof) => oneof.fields)]) {
    yield* sharedNames(
      together.map((member) => ({ name: member.name, code: memberName(member), proto: member.proto })),
    );
  }
  for (const field of fields.filter(isTakenForInherited)) {
    const reason = `every JavaScript object has a ${memberName(field)}, which would be sent where ${field.name} isn't set`;
    yield { proto: field.proto, reason, remedy: `rename ${field.name}` };
  }
  for (const { name: field, oneof, message, proto: declared } of fields) {
    if (oneof === undefined || message?.typeName !== 'google.protobuf.FieldMask') continue;
    const reason = `${field} is a FieldMask in a oneof, for which the generated code doesn't compile`;
    yield { proto: declared, reason, remedy: `take ${field} out of ${oneof.name}, or wrap it in a message` };
  }
  if (proto.options?.messageSetWireFormat) {
    yield {
      proto,
      reason: `${name} is a message set, which generated code can't read`,
      remedy: 'give it fields instead',
    };
  }
}

/** Where a message is made of an object that lacks a field, generated code looks the field up all the same. */
const isTakenForInherited = (field: DescField) =>
  field.oneof === undefined && field.fieldKind !== 'map' && memberName(field) in Object.prototype;

/** Of a `__proto__` an object literal makes no member; what has a `then`, `await` takes for a promise. */
const UNFIT_METHODS = new Set(['__proto__', 'then']);

function* inService({ methods }: DescService): Generator<Fault> {
  yield* sharedNames(methods.map((method) => ({ name: method.name, code: methodKey(method), proto: method.proto })));
  for (const method of methods) {
    if (!UNFIT_METHODS.has(methodKey(method))) continue;
    const reason = `JavaScript gives ${methodKey(method)} a meaning of its own, so that no client can have a method of this name`;
    yield { proto: method.proto, reason, remedy: `rename ${method.name}` };
  }
}

/** Options are extensions too, and are taken: they are read by others than the generated code. */
function* inExtension({ extendee, name, proto }: DescExtension): Generator<Fault> {
  if (extendee.file.name === 'google/protobuf/descriptor') return;
  const reason = `the code that is generated for ${extendee.typeName} drops extensions, and ${name} is one`;
  yield { proto, reason, remedy: `make ${name} a field of ${extendee.name}` };
}

function* sharedNames(named: readonly Named[]): Generator<Fault> {
  const seen = new Map<string, string>();
  for (const { name, code, proto } of named) {
    const other = seen.get(code);
    if (other !== undefined) {
      const both = other === name ? `two things called ${name}` : `both ${other} and ${name}`;
      yield { proto, reason: `generated code has one name, ${code}, for ${both}`, remedy: `rename ${name}` };
    }
    seen.set(code, name);
  }
}
