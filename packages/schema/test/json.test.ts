import { createFileRegistry, type DescMessage, fromBinary, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { RpcError, Status } from '@rondo/rpc/status';
import { readMessage, writeMessage } from '../src/json/message.js';
import { parseJson } from '../src/json/parse.js';
import { readJson } from '../src/json/read.js';
import { Nothing, Sample, sampleRegistry } from './sample-schema.js';

/** Parses `text` as a message, and returns its JSON with only the fields that are set. */
function reread(text: string): JsonValue | undefined {
  const written = writeMessage(Sample, readMessage(Sample, text, sampleRegistry), sampleRegistry);
  const [key = ''] = Object.keys(Object(JSON.parse(text)));
  const camel = key.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
  return typeof written === 'object' && written !== null && !Array.isArray(written) ? written[camel] : undefined;
}

function faults(text: string, desc: DescMessage = Sample): readonly string[] {
  try {
    readMessage(desc, text, sampleRegistry);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    expect(error.code).toBe(Status.INVALID_ARGUMENT);
    return error.detail(BadRequest)?.fieldViolations.map(({ field, description }) => `${field}: ${description}`) ?? [];
  }
  return [];
}

it('makes messages of no more than 2,000,000 fields', () => {
  const field = (name: string, number: number) => ({
    name,
    jsonName: name,
    number,
    type: 'TYPE_STRING',
    label: 'LABEL_OPTIONAL',
  });
  const self = { ...field('all', 1), type: 'TYPE_MESSAGE', typeName: '.a.Wide', label: 'LABEL_REPEATED' };
  const wide = { name: 'Wide', field: [self, ...Array.from({ length: 9_999 }, (_, at) => field(`f${at}`, at + 2))] };
  const file = [{ name: 'a.proto', package: 'a', syntax: 'proto3', messageType: [wide] }];
  const desc = createFileRegistry(fromJson(FileDescriptorSetSchema, { file })).getMessage('a.Wide');
  if (desc === undefined) throw new Error('there is one');
  const text = (count: number) => `{"all": [${Array.from({ length: count }, () => '{}').join()}]}`;
  expect(faults(text(10), desc)).toEqual([]);
  expect(faults(text(100_000), desc)).toEqual([
    'all[199]: makes messages with more than 2000000 fields in all; send less',
  ]);
});

describe('JSON that is read', () => {
  it.each<[string, JsonValue]>([
    ['{"small": -2147483648}', -2147483648],
    ['{"large": 9223372036854775807}', '9223372036854775807'],
    // A JavaScript number would round it.
    ['{"large": 9007199254740993}', '9007199254740993'],
    ['{"numbers": [9007199254740993, 1]}', ['9007199254740993', '1']],
    ['{"wrapped": 9007199254740993}', '9007199254740993'],
    ['{"huge": 18446744073709551615}', '18446744073709551615'],
    ['{"ratio": 1e300}', 1e300],
    ['{"ratio": 18446744073709551615}', 18446744073709552000],
    ['{"free": {"n": 1e300, "s": "1"}}', { n: 1e300, s: '1' }],
    ['{"some_text": "9007199254740993 {\\"a\\": 9007199254740993}"}', '9007199254740993 {"a": 9007199254740993}'],
    ['{"someText": "by its JSON name"}', 'by its JSON name'],
    ['{"data": "3q2-7w"}', '3q2+7w=='],
    ['{"lasts": "-315576000000.999999999s"}', '-315576000000.999999999s'],
    [
      '{"anything": {"@type": "x.y/google.protobuf.Any", "value": {"@type": "x.y/google.protobuf.Duration", "value": "3s"}}}',
      {
        '@type': 'x.y/google.protobuf.Any',
        value: { '@type': 'x.y/google.protobuf.Duration', value: '3s' },
      },
    ],
    ['{"right": 9007199254740993}', '9007199254740993'],
    [
      '{"anything": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"}}',
      { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '3s' },
    ],
  ])('%s is exact', (text, expected) => {
    expect(faults(text)).toEqual([]);
    expect(reread(text)).toEqual(expected);
  });

  it.each(['0.1', '16777217', '-3.4028235e+38', '1e-45', '"NaN"', '-0', '123456790000', '0.30000004'])(
    'writes four bytes of a fraction with the fewest digits: %s',
    (text) => {
      const all = `{"single": ${text}, "anything": {"@type": "x.y/sample.v1.Sample", "single": ${text}}}`;
      const written = Object(writeMessage(Sample, readMessage(Sample, all, sampleRegistry), sampleRegistry));
      const value: unknown = text === '16777217' ? 16777216 : JSON.parse(text);
      expect([written.single, written.anything.single]).toEqual([value, value]);
    },
  );

  it('writes an Empty in an Any as other runtimes do, without a value, and reads it with one, too', () => {
    const empty = { '@type': 'type.googleapis.com/google.protobuf.Empty' };
    for (const anything of [empty, { ...empty, value: {} }])
      expect(reread(JSON.stringify({ anything }))).toEqual(empty);
  });

  it('prints fields that are not set, so that a zero can be seen', () => {
    const written = writeMessage(Sample, readMessage(Sample, '{}', sampleRegistry), sampleRegistry);
    expect(written).toMatchObject({
      small: 0,
      large: '0',
      flag: false,
      someText: '',
      color: 'COLOR_UNSPECIFIED',
      numbers: [],
    });
  });
});

describe('a reply that has no JSON', () => {
  it.each<[string, number[], string]>([
    ['a time in the year 10000', [0x7a, 7, 0x08, 0x80, 0x83, 0xd1, 0xff, 0xaf, 0x07], 'at of the reply'],
    ['a Value without a kind', [0x8a, 0x01, 0x00], 'free of the reply'],
    ['one in a list', [0x62, 5, 0x5a, 3, 0x8a, 0x01, 0x00], 'children[0].child.free of the reply'],
  ])('is refused by field: %s', (_what, bytes, expected) => {
    const reply = fromBinary(Sample, Uint8Array.from(bytes));
    const written = () => writeMessage(Sample, reply, sampleRegistry);
    expect(written).toThrow(expected);
    expect(written).toThrow(/must (?:be from 0001-01-01|have a value).*; correct the service, or call it by gRPC$/);
  });
});

describe('JSON that is refused', () => {
  it.each([
    ['{"small": 2147483648}', 'small: must be a whole number from -2147483648 to 2147483647, not 2147483648'],
    [
      '{"large": 9223372036854775808}',
      'large: must be a whole number from -9223372036854775808 to 9223372036854775807, not 9223372036854775808',
    ],
    [
      '{"large": "9223372036854775808"}',
      'large: must be a whole number from -9223372036854775808 to 9223372036854775807, not "9223372036854775808"',
    ],
    ['{"some_text": 12345678901234567890}', 'some_text: must be text in quotes, not 12345678901234567890'],
    ['{"flag": "true"}', 'flag: must be true or false, not "true"'],
    ['{"data": "not base64!"}', 'data: must be bytes in base64, in quotes, not "not base64!"'],
    [
      '{"color": "COLOR_RAD"}',
      'color: must be one of COLOR_UNSPECIFIED, COLOR_RED, not "COLOR_RAD". Did you mean "COLOR_RED"?',
    ],
    [
      '{"at": "2026-02-30T00:00:00Z"}',
      'at: must be a time by RFC 3339 in quotes, such as "2026-11-20T08:30:00Z", from year 1 to 9999 in UTC, not "2026-02-30T00:00:00Z"',
    ],
    [
      '{"at": 5}',
      'at: must be a time by RFC 3339 in quotes, such as "2026-11-20T08:30:00Z", from year 1 to 9999 in UTC, not 5',
    ],
    ['{"lasts": "5sec"}', 'lasts: must be seconds with an s in quotes, such as "1.5s", up to 315576000000, not "5sec"'],
    ['{"numbers": 5}', 'numbers: must be a list […], not 5'],
    ['{"counts": {"a": "x"}}', 'counts["a"]: must be a whole number from -2147483648 to 2147483647, not "x"'],
    ['{"child": []}', 'child: must be an object {…} of sample.v1.Sample, not []'],
    [
      '{"children": [{}, {"child": {"small": "x"}}]}',
      'children[1].child.small: must be a whole number from -2147483648 to 2147483647, not "x"',
    ],
    ['{"left": "a", "right": 1}', 'right: is in the oneof choice, as is left; set only one of them'],
    ['[]', 'the request: must be an object {…} of sample.v1.Sample, not []'],
  ])('%s names the field and what is allowed', (text, expected) => {
    expect(faults(text)).toEqual([expected]);
  });

  it.each(['1e400', '-1e400'])('a double of %s, which is none', (text) => {
    expect(faults(`{"ratio": ${text}}`)).toHaveLength(1);
    expect(faults(`{"single": 1e39}`)).toHaveLength(1);
  });

  it('a misspelt field is answered with a similar one and the list of fields', () => {
    expect(faults('{"child": {"lagre": 1}}')).toEqual([
      expect.stringMatching(
        /^child\.lagre: is not a field of sample\.v1\.Sample; it has small, .*\. Did you mean "large"\?$/,
      ),
    ]);
    expect(faults('{"a": 1}', Nothing)).toEqual(['a: is not a field of sample.v1.Nothing, which has none']);
  });

  it('lists all faults at once', () => {
    expect(faults('{"small": "x", "nothing": 1, "flag": 0}')).toHaveLength(3);
  });

  it.each([
    ['{"a": 1', 'the request is not JSON'],
    ['{"a": 1, "a": 2}', 'duplicate object key "a"'],
    ["{'a': 1}", 'the request is not JSON'],
  ])('%s is not JSON', (text, expected) => {
    expect(() => readMessage(Sample, text, sampleRegistry)).toThrow(expected);
  });
});

describe('JSON that is made to cost time', () => {
  const names = Array.from({ length: 150 }, (_, index) => `n${index}`);

  it.each([
    ['many unknown fields', `{${names.map((name) => `"${name}": 1`).join()}}`],
    ['a list of many faults', `{"numbers": [${names.map(() => '"x"').join()}]}`],
  ])('is read no further than its hundredth fault: %s', (_which, text) => {
    expect(readJson(Sample, parseJson(text), sampleRegistry).violations).toHaveLength(100);
  });

  it('is not read beyond the violations that are told', () => {
    const unknown = Array.from({ length: 100 }, (_, index) => [`unknown${index}`, 1]);
    const json = Object.defineProperty(Object.fromEntries(unknown), 'late', {
      enumerable: true,
      get: () => expect(undefined).toBe('not read'),
    });
    expect(readJson(Sample, json, sampleRegistry).violations).toHaveLength(100);
  });

  it('is refused if its masks have too many paths in all', () => {
    const masks = (count: number) => `{"mask": "a", "child": {"mask": "${'a,'.repeat(count - 2)}a"}}`;
    expect(faults(masks(100_000))).toEqual([]);
    expect(faults(masks(100_001))).toEqual([
      expect.stringMatching(/^child\.mask: has too many paths.*100000; send fewer$/),
    ]);
  });

  it('is refused if a number has more digits than any that makes sense', () => {
    const digits = '0'.repeat(1_000);
    expect(faults(`{"large": "${digits}7"}`)).toEqual([expect.stringContaining('large: must be a whole number')]);
    expect(reread(`{"large": "7.${digits.slice(2)}"}`)).toBe('7');
  });

  it.each(['[', '{"a":'])('is refused if it is nested too deep: %s', (opening) => {
    const nested = (depth: number) => {
      const closing = opening === '[' ? ']' : '}';
      return `${opening.repeat(depth - 1)}${opening === '[' ? '[' : '{'}${closing.repeat(depth)}`;
    };
    expect(() => parseJson(nested(101))).toThrow('it is nested more than 100 deep');
    expect(parseJson(nested(100))).toBeDefined();
    expect(parseJson(`[${'[],'.repeat(200)}{"[": "[[[{{{"}]`)).toHaveLength(201);
  });

  it.each(['{"a": 1, "\\u0061": 2}', '[{"a": {"b": 1, "c": "\\\\", "b": 2}}]', '{"\\"": 1, "\\"": 2}'])(
    'is refused if a key is repeated: %s',
    (text) => expect(() => parseJson(text)).toThrow('duplicate object key'),
  );

  it('may have a key in many objects, and a value like a key', () => {
    const text = '[{"a": "a", "b": {"a": 1}}, {"a": ["a", {"a": "\\""}]}]';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it('has no text that is taken for a number', () => {
    expect(faults('{"large": "\ue00012"}')).toEqual([expect.stringContaining('large: must be a whole number')]);
    expect(reread('{"some_text": "\ue00012"}')).toBe('\ue00012');
  });
});
