import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import type { Comparator, Condition } from './domain/list.js';
import { type FilterField, readFilter } from './filter.js';

const FIELDS: Readonly<Record<string, FilterField>> = {
  title: { kind: 'text' },
  owner: { kind: 'name', pattern: 'members/{member}', read: (name) => /^members\/([a-z0-9]+)$/.exec(name)?.[1] },
  state: { kind: 'enum', values: ['ACTIVE', 'DONE'], prefix: 'TASK_STATE_' },
  stock: { kind: 'integer' },
  order_date: { kind: 'date' },
  create_time: { kind: 'timestamp' },
};

/** The conditions and faults of `text`. */
function read(text: string): { readonly conditions: readonly Condition[]; readonly faults: readonly string[] } {
  const faults: string[] = [];
  return { conditions: readFilter((fault) => faults.push(fault), text, FIELDS), faults };
}

describe('a filter', () => {
  it('consists of comparisons, each with a value of its field', () => {
    expect(read('state = ACTIVE AND owner != "members/a1" AND title = "a \\"b\\" \\\\ AND c"')).toEqual({
      faults: [],
      conditions: [
        { field: 'state', comparator: '=', value: 'ACTIVE' },
        { field: 'owner', comparator: '!=', value: 'a1' },
        { field: 'title', comparator: '=', value: 'a "b" \\ AND c' },
      ],
    });
    expect(
      read('stock<-5 AND order_date>="2026-02-28" AND create_time < "2026-01-01T01:00:00+01:00"').conditions,
    ).toEqual([
      { field: 'stock', comparator: '<', value: -5n },
      { field: 'order_date', comparator: '>=', value: '2026-02-28' },
      { field: 'create_time', comparator: '<', value: new Date('2026-01-01T00:00:00Z') },
    ]);
    expect(read('  ')).toEqual({ conditions: [], faults: [] });
  });

  it.each([
    ['state = TASK_STATE_DONE', 'DONE'],
    ['state != "TASK_STATE_DONE"', 'DONE'],
    ['title = "a*b"', 'a*b'],
    ['title = "\\*a\\*"', '*a*'],
    ['title > "a*"', 'a*'],
  ])('reads %s', (text, value) => {
    expect(read(text)).toMatchObject({ conditions: [{ value }], faults: [] });
  });

  it.each([
    'stock = 1 OR state = DONE OR stock > 9 AND title = "a"',
    '(stock = 1 OR state = DONE OR stock > 9)AND( title = "a" )',
  ])('has alternatives, joined by OR, which binds tighter than AND: %s', (text) => {
    const state = { field: 'state', comparator: '=', value: 'DONE' };
    expect(read(text)).toEqual({
      faults: [],
      conditions: [
        { field: 'stock', comparator: '=', value: 1n, or: [state, { field: 'stock', comparator: '>', value: 9n }] },
        { field: 'title', comparator: '=', value: 'a' },
      ],
    });
  });

  const isDone = { field: 'state', comparator: '=', value: 'DONE' };
  const isNotDone = { ...isDone, comparator: '!=' };
  const one = { field: 'stock', comparator: '=', value: 1n };
  it.each([
    ['NOT state = DONE', [isNotDone]],
    ['-state != DONE AND -stock!=1', [isDone, one]],
    ['stock = 1 AND -state = DONE', [one, isNotDone]],
    ['NOT state = DONE OR stock = 1', [{ ...isNotDone, or: [one] }]],
    ['(stock = 1 OR NOT state = DONE)', [{ ...one, or: [isNotDone] }]],
    ['NOT (state = DONE OR -stock = 1) AND state = DONE', [isNotDone, one, isDone]],
  ])('negates by NOT and by a minus sign: %s', (text, conditions) => {
    expect(read(text)).toEqual({ faults: [], conditions });
  });

  it.each([
    ['title = "t*"', 'must compare title with a whole text: a * at an end of it is no wildcard here; write "\\*"'],
    ['title = *t', 'must compare title with a whole text'],
    ['title != "*"', 'must compare title with a whole text'],
    ['title = "a\\\\*"', 'must compare title with a whole text'],
    ['state = TASK_STATE_GONE', 'must compare state with one of ACTIVE, DONE; it has TASK_STATE_GONE'],
    ['NOT stock < 5', 'must negate only = and !=, as stock may have no value; write stock >= 5'],
    ['NOT NOT state = ACTIVE', 'at character 4 there is " NOT state = ACTIVE"'],
    ['NOTstate = ACTIVE', 'it names "NOTstate"'],
    ['((state = ACTIVE))', 'there is "(" at character 2'],
    ['(state = ACTIVE AND stock = 1)', 'at character 17 there is "AND stock = 1)", where a comparison, AND or OR is'],
    ['(state = ACTIVE', 'at character 16 it ends, where'],
    ['state = ACTIVE OR', 'at character 16 there is "OR", where'],
    ['state = ACTIVE OR (stock = 1)', 'there is "(" at character 19'],
    ['state = ACTIVE)', 'there is ")" at character 15'],
    ['state = ACTIVE AND', 'at character 16 there is "AND", where a comparison, AND or OR is expected'],
    ['state = ACTIVE AND ', 'at character 20 it ends, where a comparison, AND or OR is expected'],
    ['state', 'at character 1 there is "state", where a comparison is expected'],
    ['title : "open"', 'must compare title by =, !=, <, <=, > or >=; it has :'],
    ['createTime > "x"', 'it names "createTime"'],
    ['title = "open', 'at character 1 there is "title = \\"open"'],
    ['price = 1', 'must compare title, owner, state, stock, order_date, create_time; it names "price"'],
    ['constructor = 1', 'it names "constructor"'],
    ['state = GONE', 'must compare state with one of ACTIVE, DONE; it has GONE'],
    ['state > ACTIVE', 'must compare state by = or !=; it has >'],
    ['owner = "Ada"', 'must compare owner with a name such as "members/{member}"; it has "Ada"'],
    ['stock = 9223372036854775808', 'must compare stock with a whole number of 64 bits; it has 9223372036854775808'],
    ['stock = 1.5', 'a whole number of 64 bits'],
    ['order_date = "2026-02-29"', 'a day such as "2026-01-31"'],
    ['create_time = "2026-02-30T00:00:00Z"', 'a time to the millisecond, such as "2026-01-31T12:00:00.000Z"'],
    ['create_time < "2026-01-31T12:00:00.0005Z"', 'a time to the millisecond, such as "2026-01-31T12:00:00.000Z"'],
    ['create_time = "2026-01-31"', 'a time to the millisecond'],
    ['create_time = "2026-01-31T24:00:00Z"', 'a time to the millisecond'],
    ['title = "a\0b"', 'a text in double quotes without NUL'],
  ])('refuses %s, and names the fault', (text, fault) => {
    const { conditions, faults } = read(text);
    expect(conditions).toEqual([]);
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  it('has a bounded length and number of conditions', () => {
    expect(read(`title = "${'x'.repeat(2000)}"`).faults).toEqual(['must have at most 2000 characters; it has 2010']);
    const many = Array.from({ length: 17 }, () => 'stock = 1').join(' AND ');
    expect(read(many).faults).toEqual(['must have at most 16 conditions; it has 17']);
  });

  it('is parsed as it was written, for random conditions', () => {
    for (let run = 0; run < 500; run += 1) {
      const written = Array.from({ length: 1 + below(6) }, anyCondition);
      const text = written.map(({ text: one }) => one).join(oneOf(' AND ', '  AND\n'));
      expect(read(text)).toEqual({ faults: [], conditions: written.map(({ condition }) => condition) });
    }
  });

  it('never throws, and has conditions or one fault, for random text', () => {
    const pieces = [
      'state',
      'stock',
      '=',
      '<',
      '!',
      '"',
      '\\',
      ' ',
      'AND',
      'OR',
      'NOT',
      '(',
      'ACTIVE',
      '5',
      '-',
      'é',
      '\0',
    ];
    for (let run = 0; run < 3000; run += 1) {
      const text = Array.from({ length: 1 + below(9) }, () => oneOf(...pieces)).join(oneOf('', ' '));
      const { conditions, faults } = read(text);
      expect(faults.length).toBe(conditions.length > 0 || text.trim() === '' ? 0 : 1);
    }
  });
});

const { next } = seededRandom(20_261_120);
const below = (limit: number) => Math.floor(next() * limit);
function oneOf<T>(...values: readonly T[]): T {
  const value = values[below(values.length)];
  if (value === undefined) throw new RangeError('none to choose from');
  return value;
}

/** A random condition, and one way to write it. */
function anyCondition(): { readonly condition: Condition; readonly text: string } {
  const comparator = oneOf<Comparator>('=', '!=', '<', '<=', '>', '>=');
  const space = oneOf('', ' ');
  const of = (field: string, value: Condition['value'], literal: string) => ({
    condition: { field, comparator, value },
    text: `${field}${space}${comparator}${space}${literal}`,
  });
  switch (below(4)) {
    case 0: {
      const value = Array.from({ length: below(12) }, () =>
        oneOf('a', ' ', '"', '\\', 'AND', '=', '(', '🦊', "'"),
      ).join('');
      return of('title', value, `"${value.replace(/(["\\])/g, '\\$1')}"`);
    }
    case 1: {
      const value = BigInt(below(2 ** 40)) - 2n ** 39n;
      return of('stock', value, `${value}`);
    }
    case 2: {
      const day = new Date(below(4_000_000_000) * 1000).toISOString().slice(0, 10);
      return of('order_date', day, `"${day}"`);
    }
    default: {
      const time = new Date(below(4_000_000_000) * 1000 + below(1000));
      return of('create_time', time, `"${time.toISOString()}"`);
    }
  }
}
