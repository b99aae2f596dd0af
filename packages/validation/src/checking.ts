import { isUtf8 } from 'node:buffer';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { add, fault, MAX_VIOLATIONS, type Violation, type Violations, within } from './violations.js';

/** The generated type of a message. */
export interface MessageType<T> {
  readonly $type: string;
  decode(input: TextReader): T;
}

/** The compiled rules of a message; undefined if it has none, and no message in it has. */
export type Rules = (message: never) => Violations;

/** What a server checks in each message of a type. */
export interface Checking<T = unknown> {
  /** The fields that have text. */
  readonly texts: () => TextFields;
  /** The violations of the contract's rules. */
  readonly rules: Rules | undefined;
  /** Decodes a message; `violations` then checks its text and its rules. Call {@link load} before. */
  decode(bytes: Uint8Array): { readonly message: T; violations(): readonly Violation[] };
  /** Loads what {@link decode} needs besides; undefined if that is nothing, or loaded. */
  load?(): Promise<void> | undefined;
}

/** The checks of a message whose rules are compiled. */
export function checking<T>(type: MessageType<T>, texts: () => TextFields, rules?: Rules): Checking<T> {
  return {
    texts,
    rules,
    decode(bytes) {
      const reader = new TextReader(bytes);
      const message = type.decode(reader);
      return {
        message,
        violations() {
          const inText = reader.valid ? undefined : checkText(bytes, texts());
          return [...(rules?.(message as never) ?? []), ...(inText ?? [])];
        },
      };
    },
  };
}

/** The file descriptors of a contract, which rules in CEL need: `FileDescriptorProto`s in base64, each after its imports. */
export interface Descriptors {
  readonly files: readonly string[];
}

/** The checks of a message that has rules in CEL, or that has a message with such rules. */
export function checkingByCel<T>(
  type: MessageType<T>,
  texts: () => TextFields,
  descriptors: () => Promise<Descriptors>,
): Checking<T> {
  let validate: ((bytes: Uint8Array) => readonly Violation[]) | undefined;
  let loading: Promise<void> | undefined;
  return {
    texts,
    rules: undefined,
    decode(bytes) {
      const reader = new TextReader(bytes);
      const message = type.decode(reader);
      return {
        message,
        violations() {
          if (validate === undefined) throw new Error(`the rules of ${type.$type} aren't loaded yet`);
          const inText = reader.valid ? undefined : checkText(bytes, texts());
          return [...validate(bytes), ...(inText ?? [])];
        },
      };
    },
    load() {
      if (validate !== undefined) return undefined;
      loading ??= Promise.all([import('./protovalidate.js'), descriptors()]).then(([{ validatorOf }, { files }]) => {
        validate = validatorOf(type.$type, files);
      });
      return loading;
    },
  };
}

/** A field that has text, or a message with text: its number, its name, and what it is. */
export type TextField =
  | readonly [number: number, name: string, kind: 'text' | 'texts']
  | readonly [number: number, name: string, kind: 'message' | 'messages' | 'map', () => TextFields];

/** The fields of a message that have text. A map is the message of its entries, with `key` and `value`. */
export type TextFields = readonly TextField[];

const RULE = ['string.text', 'must be valid UTF-8 without NUL (U+0000); leave that character out'] as const;

/** Reads an encoded message, and notices text that isn't valid. */
export class TextReader extends BinaryReader {
  /** Whether all text so far is valid UTF-8 without NUL. */
  valid = true;

  override string(): string {
    const text = super.string();
    if (this.valid && SUSPICIOUS.test(text)) this.valid = false;
    return text;
  }
}

/** NUL, and the character that a decoder puts in place of bytes that aren't UTF-8. A text may also contain it on purpose. */
const SUSPICIOUS = /[\0\uFFFD]/;

/** The violations of text in an encoded message: each field that has NUL or isn't UTF-8. */
function checkText(message: Uint8Array, fields: TextFields): Violations {
  const reader = new BinaryReader(message);
  const counts = new Map<number, number>();
  let violations: Violations;
  while (reader.pos < reader.len && (violations?.length ?? 0) < MAX_VIOLATIONS) {
    const [number, wireType] = reader.tag();
    const field = wireType === WireType.LengthDelimited ? fields.find(([known]) => known === number) : undefined;
    if (field === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const index = counts.get(number) ?? 0;
    counts.set(number, index + 1);
    violations = inField(violations, field, { bytes: reader.bytes(), index });
  }
  return violations;
}

function inField(
  violations: Violations,
  [, name, kind, fields]: TextField,
  { bytes, index }: { bytes: Uint8Array; index: number },
): Violations {
  switch (kind) {
    case 'text':
      return isText(bytes) ? violations : fault(violations, name, RULE);
    case 'texts':
      return isText(bytes) ? violations : fault(violations, `${name}[${index}]`, RULE);
    case 'map': {
      const inEntry = checkText(bytes, fields()) ?? [];
      return inEntry.reduce((all: Violations, one) => add(all, ofEntry(name, index, one)), violations);
    }
    default:
      return within(violations, kind === 'messages' ? `${name}[${index}]` : name, checkText(bytes, fields()));
  }
}

/** Names an entry by its position, as its key may be what isn't valid. */
function ofEntry(name: string, index: number, { field, ...rest }: Violation): Violation {
  return { ...rest, field: `${name}[${index}].${field}` };
}

const isText = (bytes: Uint8Array) => isUtf8(bytes) && !bytes.includes(0);
