import type { DescExtension, DescField, DescFile, DescMessage, DescService } from '@bufbuild/protobuf';
import { lineOf, withNested } from '../../generate/declarations.js';
import { fieldName, methodKey } from './names.js';

interface Unsupported {
  readonly line: number | undefined;
  readonly reason: string;
  readonly remedy: string;
}

/**
 * Finds declarations for which generated code is wrong although it compiles. The list was found by experiment with
 * ts-proto 2.18.
 */
export function findUnsupported(file: DescFile): Unsupported | undefined {
  return faults(file).next().value;
}

function* faults(file: DescFile): Generator<Unsupported, undefined> {
  const messages = [...withNested(file.messages)];
  for (const message of messages) yield* inMessage(message);
  for (const service of file.services) yield* inService(service);
  for (const extension of [...file.extensions, ...messages.flatMap(({ nestedExtensions }) => nestedExtensions)]) {
    yield* inExtension(extension);
  }
}

function* inMessage(message: DescMessage): Generator<Unsupported> {
  const { fields, name, proto } = message;
  for (const field of fields.filter(isTakenForInherited)) {
    const reason = `every JavaScript object has a ${fieldName(field.name)}, which would be sent if ${field.name} isn't set`;
    yield { line: lineOf(field), reason, remedy: `rename ${field.name}` };
  }
  if (proto.options?.messageSetWireFormat) {
    yield {
      line: lineOf(message),
      reason: `${name} is a message set, which generated code can't read`,
      remedy: 'give it fields instead',
    };
  }
}

/** If a message is made from an object without the field, generated code reads the inherited property of that name. */
const isTakenForInherited = (field: DescField) =>
  field.oneof === undefined && field.fieldKind !== 'map' && fieldName(field.name) in Object.prototype;

/** An object literal can't have a member `__proto__`, and `await` takes an object with a `then` for a promise. */
const UNFIT_METHODS = new Set(['__proto__', 'then']);

function* inService({ methods }: DescService): Generator<Unsupported> {
  for (const method of methods) {
    const twin = methods.find((one) => one !== method && methodKey(one) === methodKey(method));
    if (twin !== undefined) {
      const reason = `clients and handlers would have one member ${methodKey(method)} for ${method.name} and ${twin.name}`;
      yield { line: lineOf(method), reason, remedy: `rename ${method.name}` };
    }
    if (!UNFIT_METHODS.has(methodKey(method))) continue;
    const reason = `JavaScript gives ${methodKey(method)} a meaning of its own, so that no client can have a method of this name`;
    yield { line: lineOf(method), reason, remedy: `rename ${method.name}` };
  }
}

/** Refuses extensions. Options are extensions, too, but they are supported: the generated code doesn't need them. */
function* inExtension(extension: DescExtension): Generator<Unsupported> {
  const { extendee, name } = extension;
  if (extendee.file.name === 'google/protobuf/descriptor') return;
  const reason = `the code generated for ${extendee.typeName} drops extensions such as ${name}`;
  yield { line: lineOf(extension), reason, remedy: `make ${name} a field of ${extendee.name}` };
}
