import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type ReflectMap, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';

/** Texts that are of a format, or nearly. */
const TEXTS = [
  ...[
    '',
    'a',
    'b',
    'ab',
    'abc',
    'aab',
    'ba',
    'nab',
    'é',
    '😀',
    '😀😀',
    'k s',
    'K-s',
    'ſ s',
    'Κ',
    'α',
    'a\nb',
    'a\r',
    'x\ty',
    '\u2028',
  ],
  ...[
    'a-12',
    'abc-1',
    'c-12-34',
    'ada@example.com',
    'a@b',
    '@b',
    'a@-b.c',
    'x@a..b',
    'example.com',
    'example.com.',
    'a.b.1',
  ],
  ...[
    `${'x'.repeat(64)}.com`,
    `${'x'.repeat(63)}.com`,
    '1.2.3.4',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.',
    '::',
    '::1',
    '1::2',
  ],
  ...[
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::ffff:1.2.3.4',
    'fe80::a%en1',
    'fe80::%',
    '1:2:3:4:5:6:1.2.3.4',
    '1.2.3.4/8',
    '1.0.0.0/8',
  ],
  ...[
    '1.0.0.0/33',
    '1.0.0.0/08',
    '::/0',
    '1::/16',
    '1::1/64',
    'fe80::%a/64',
    '1::1/128',
    '1::1/129',
    'a:80',
    '[::1]:80',
    'a:',
    ':80',
  ],
  ...[
    '1.2.3.4:65535',
    'a:65536',
    'a:080',
    '[::1]',
    '[a]:1',
    'http://a.b/c?d#e',
    'urn:x:y',
    'a:b',
    '//a/b',
    '/a',
    'a/b:c',
    './a:b',
  ],
  ...[
    'http://[::1]:80/',
    'http://[::1%25en]/',
    'http://[v1.a]/',
    'http://a%20b/',
    'http://a%FF/',
    'http://u:p@h:80',
    'http://h:8x',
  ],
  ...[
    'http://a b',
    '?q',
    '#f',
    '%',
    '%zz',
    'http://[::1',
    'x://',
    'x:///',
    'x:////a',
    'http:#/a?c#e',
    '.a.b',
    'a.b_c',
    'a..b',
    ':path',
  ],
  ...[
    '01234567-89ab-cdef-0123-456789abcdef',
    '01234567-89AB-CDEF-0123-456789ABCDEG',
    '0123456789abcdef0123456789abcdef',
    'x y',
    'x\u007f',
  ],
  ...[
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    '81ARZ3NDEKTSV4RRFFQ69G5FAV',
    'type.googleapis.com/a.A',
    'type.googleapis.com/a.B',
    'b.c.d',
    'a.d.e',
  ],
];
const LETTERS = [...'abc-.:/102%[]@?#é😀ks f\nAF_'];
const BYTES = ['', 'a', 'b', 'ab', 'xab', 'aba', '1234', '0123456789abcdef', 'abc'];
const NUMBERS = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101];
const FLOATS = [0, -0, 0.5, 1, -1, 1.5, -1.5, 2, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const NANOS = [0, 1, 4, 5, 6, 999_999, 1_000_000, 1_000_001, 999_999_999];
const FROM_NOW_MS = [-4_000_000, -3_000_000, 3_000_000, 4_000_000];
const SIZES = [0, 1, 2, 3, 5, 20];
const MAX_DEPTH = 3;

/** Random messages, whose values lie about the bounds of the rules in `rondo/conformance/v1/validation.proto`. */
export class RandomMessages {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  message(schema: DescMessage, depth = 0): Message {
    if (schema.typeName === TimestampSchema.typeName) return this.#timestamp();
    if (schema.typeName === DurationSchema.typeName) return this.#duration();
    const view = reflect(schema);
    for (const field of schema.fields) {
      if (this.#below(4) > 0 && (field.message === undefined || depth < MAX_DEPTH)) this.#set(view, field, depth);
    }
    return view.message;
  }

  #set(view: ReflectMessage, field: DescField, depth: number): void {
    switch (field.fieldKind) {
      case 'list': {
        const list = view.get(field);
        const size = field.listKind === 'message' ? this.#below(3) : this.#pick(SIZES);
        for (let count = 0; count < size; count++) list.add(this.#value(field.listKind, field, depth));
        return;
      }
      case 'map': {
        const map: ReflectMap = view.get(field);
        for (let count = this.#below(4); count > 0; count--) {
          map.set(this.#scalar(field.mapKey) as string, this.#value(field.mapKind, field, depth));
        }
        return;
      }
      default:
        view.set(field, this.#value(field.fieldKind, field, depth));
    }
  }

  #value(kind: 'message' | 'enum' | 'scalar', { message, scalar }: DescField, depth: number): unknown {
    if (kind === 'message' && message !== undefined) return reflect(message, this.message(message, depth + 1));
    return kind === 'enum' ? this.#below(5) : this.#scalar(scalar ?? ScalarType.INT32);
  }

  #scalar(type: ScalarType): unknown {
    switch (type) {
      case ScalarType.STRING:
        return this.#text();
      case ScalarType.BYTES:
        return this.#below(2) === 0
          ? Uint8Array.from(Buffer.from(this.#pick(BYTES)))
          : Uint8Array.from({ length: this.#below(20) }, () => this.#below(256));
      case ScalarType.BOOL:
        return this.#below(2) === 0;
      case ScalarType.DOUBLE:
      case ScalarType.FLOAT:
        return this.#pick(FLOATS);
      case ScalarType.INT64:
      case ScalarType.SINT64:
      case ScalarType.SFIXED64:
        return BigInt(this.#pick(NUMBERS));
      case ScalarType.UINT64:
      case ScalarType.FIXED64:
        return BigInt(Math.abs(this.#pick(NUMBERS)));
      case ScalarType.UINT32:
      case ScalarType.FIXED32:
        return Math.abs(this.#pick(NUMBERS));
      default:
        return this.#pick(NUMBERS);
    }
  }

  #text(): string {
    const kind = this.#below(5);
    if (kind < 3) return this.#pick(TEXTS);
    if (kind === 3) return Array.from({ length: this.#below(8) }, () => this.#pick(LETTERS)).join('');
    const letters = [...this.#pick(TEXTS)];
    const replaced = this.#below(2);
    letters.splice(this.#below(letters.length + 1), replaced, ...(this.#below(3) === 0 ? [] : [this.#pick(LETTERS)]));
    return letters.join('');
  }

  #timestamp(): Message {
    const ms = Date.now() + this.#pick(FROM_NOW_MS);
    return this.#below(3) === 0
      ? create(TimestampSchema, { seconds: BigInt(Math.floor(ms / 1_000)) })
      : create(TimestampSchema, { seconds: BigInt(this.#below(6) - 2), nanos: this.#pick(NANOS) });
  }

  #duration(): Message {
    const seconds = this.#below(7) - 3;
    return create(DurationSchema, { seconds: BigInt(seconds), nanos: this.#pick(NANOS) * (seconds < 0 ? -1 : 1) });
  }

  #pick<T>(values: readonly T[]): T {
    const value = values[this.#below(values.length)];
    if (value === undefined) throw new RangeError('there is nothing to pick');
    return value;
  }

  /** A whole number from 0. Source: Mulberry32. */
  #below(end: number): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * end);
  }
}
