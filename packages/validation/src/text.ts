import { isUtf8 } from 'node:buffer';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { fault, type Violation, type Violations, within } from './violations.js';

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
export function checkText(message: Uint8Array, fields: TextFields): Violations {
  const reader = new BinaryReader(message);
  const counts = new Map<number, number>();
  let violations: Violations;
  while (reader.pos < reader.len) {
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
      return inEntry.reduce((all: Violations, one) => [...(all ?? []), ofEntry(name, index, one)], violations);
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
