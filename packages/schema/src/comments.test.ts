import { createFileRegistry, fromJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { commentOf, splitComment } from './comments.js';

/** A file in which every kind of thing has a comment. */
const registry = createFileRegistry(
  fromJson(FileDescriptorSetSchema, {
    file: [
      {
        name: 'a.proto',
        package: 'a',
        syntax: 'proto3',
        messageType: [
          { name: 'Other' },
          {
            name: 'Outer',
            field: [
              { name: 'one', jsonName: 'one', number: 1, type: 'TYPE_STRING', label: 'LABEL_OPTIONAL' },
              { name: 'two', jsonName: 'two', number: 2, type: 'TYPE_STRING', label: 'LABEL_OPTIONAL' },
            ],
            nestedType: [{ name: 'Inner' }],
            enumType: [{ name: 'Kind', value: [{ name: 'KIND_UNSPECIFIED', number: 0 }] }],
          },
        ],
        enumType: [{ name: 'Top', value: [{ name: 'TOP_UNSPECIFIED', number: 0 }] }],
        service: [{ name: 'S', method: [{ name: 'Get', inputType: '.a.Outer', outputType: '.a.Outer' }] }],
        sourceCodeInfo: {
          location: [
            { path: [4, 1], span: [], leadingComments: ' Outer.\n' },
            { path: [4, 1, 2, 0], span: [], leadingComments: ' (-- In. --)One.\n', trailingComments: ' Ignored.\n' },
            { path: [4, 1, 2, 1], span: [], trailingComments: ' Two.\n' },
            { path: [4, 1, 3, 0], span: [], leadingComments: ' Inner.\n' },
            { path: [4, 1, 4, 0], span: [], leadingComments: ' Kind.\n' },
            { path: [4, 1, 4, 0, 2, 0], span: [], leadingComments: ' Unspecified.\n' },
            { path: [5, 0], span: [], leadingComments: ' Top.\n' },
            {
              path: [6, 0],
              span: [],
              leadingComments: ' The\n service.\n\n - a list\n - of two\n buf:lint:ignore X\n',
            },
            { path: [6, 0, 2, 0], span: [], leadingComments: '* Get. (-- api-linter: off --)\n' },
          ],
        },
      },
    ],
  }),
);

describe('commentOf', () => {
  it('finds the comment of each kind of thing, before or behind it', () => {
    const outer = registry.getMessage('a.Outer');
    const kind = registry.getEnum('a.Outer.Kind');
    const found = [
      outer,
      ...(outer?.fields ?? []),
      registry.getMessage('a.Outer.Inner'),
      kind,
      ...(kind?.values ?? []),
      registry.getEnum('a.Top'),
    ];
    expect(found.map((desc) => desc && commentOf(desc))).toEqual([
      'Outer.',
      'One.',
      'Two.',
      'Inner.',
      'Kind.',
      'Unspecified.',
      'Top.',
    ]);
  });

  it('joins the lines of a paragraph, keeps lists, and leaves directives out', () => {
    const service = registry.getService('a.S');
    expect(service && commentOf(service)).toBe('The service.\n\n- a list\n- of two');
  });

  it('is empty for what has no comment', () => {
    const other = registry.getMessage('a.Other');
    expect(other && commentOf(other)).toBe('');
  });
});

describe('splitComment', () => {
  it.each([
    ['Returns a + b. `OUT_OF_RANGE`: too large.', 'Returns a + b.', '`OUT_OF_RANGE`: too large.'],
    ['Rounds 1.5 to 2, e.g. upwards. Then stops.', 'Rounds 1.5 to 2, e.g. upwards.', 'Then stops.'],
    ['Reads google.aip.dev/160 filters', 'Reads google.aip.dev/160 filters', ''],
    ['Reads `a`. Then stops.', 'Reads a.', 'Then stops.'],
    ['Is it there? Yes.', 'Is it there?', 'Yes.'],
    ['A title\n\nA paragraph.', 'A title', 'A paragraph.'],
    ['', '', ''],
  ])('%j', (comment, summary, description) => {
    expect(splitComment(comment)).toEqual({ summary, description });
  });
});
