import type { DescExtension, DescField, DescFile, DescMessage, DescService } from '@bufbuild/protobuf';
import { typesOf } from './contract.js';
import { linesOf } from './lines.js';
import { memberName, methodKey, typeName } from './names.js';

/** Why a file isn't supported. */
interface Unsupported {
  readonly line: number | undefined;
  readonly reason: string;
  readonly remedy: string;
}

/** A declaration that gets a name in generated code. */
type Declared = Parameters<ReturnType<typeof linesOf>>[0];

interface Named {
  /** Its name in the contract. */
  readonly name: string;
  /** Its name in generated code. */
  readonly code: string;
  readonly proto: Declared;
}

/**
 * Finds declarations for which generated code is wrong although it compiles, or fails to compile for a reason that is
 * known here. The list was found by experiment with ts-proto 2.18.
 */
export function findUnsupported(file: DescFile): Unsupported | undefined {
  const lineOf = linesOf(file);
  for (const { proto, ...unfit } of faults(file)) return { ...unfit, line: lineOf(proto) };
  return undefined;
}

interface Fault extends Omit<Unsupported, 'line'> {
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
    const reason = `every JavaScript object has a ${memberName(field)}, which would be sent if ${field.name} isn't set`;
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

/** If a message is made from an object without the field, generated code reads the inherited property of that name. */
const isTakenForInherited = (field: DescField) =>
  field.oneof === undefined && field.fieldKind !== 'map' && memberName(field) in Object.prototype;

/** An object literal can't have a member `__proto__`, and `await` takes an object with a `then` for a promise. */
const UNFIT_METHODS = new Set(['__proto__', 'then']);

function* inService({ methods }: DescService): Generator<Fault> {
  yield* sharedNames(methods.map((method) => ({ name: method.name, code: methodKey(method), proto: method.proto })));
  for (const method of methods) {
    if (!UNFIT_METHODS.has(methodKey(method))) continue;
    const reason = `JavaScript gives ${methodKey(method)} a meaning of its own, so that no client can have a method of this name`;
    yield { proto: method.proto, reason, remedy: `rename ${method.name}` };
  }
}

/** Refuses extensions. Options are extensions, too, but they are supported: the generated code doesn't need them. */
function* inExtension({ extendee, name, proto }: DescExtension): Generator<Fault> {
  if (extendee.file.name === 'google/protobuf/descriptor') return;
  const reason = `the code generated for ${extendee.typeName} drops extensions such as ${name}`;
  yield { proto, reason, remedy: `make ${name} a field of ${extendee.name}` };
}

function* sharedNames(named: readonly Named[]): Generator<Fault> {
  const seen = new Map<string, string>();
  for (const { name, code, proto } of named) {
    const other = seen.get(code);
    if (other !== undefined) {
      const both = other === name ? `two declarations named ${name}` : `both ${other} and ${name}`;
      yield { proto, reason: `generated code has one name, ${code}, for ${both}`, remedy: `rename ${name}` };
    }
    seen.set(code, name);
  }
}
