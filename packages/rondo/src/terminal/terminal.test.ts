import { describe, expect, it } from '@jest/globals';
import { didYouMean, nearest } from '@rondo/rpc/internal';
import { formatTable } from './table.js';
import { createPaint, paintJson, rendered, wantsColor } from './terminal.js';
import { formatAge, parseDurationMs, printable } from './text.js';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['2s', 2_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
  ])('reads %s', (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(['', '2', 's', '0s', '-1s', '2 s', '1d', 'NaNs'])('refuses "%s"', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  it.each([
    [-5_000, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [7_200_000, '2h'],
    [172_800_000, '2d'],
  ])('shows an age of %d ms as %s', (ageMs, expected) => {
    expect(formatAge(ageMs)).toBe(expected);
  });
});

describe('names that were probably meant', () => {
  it('finds the nearest, whatever its case', () => {
    expect(nearest('wtach', ['ps', 'watch', 'call'])).toBe('watch');
    expect(nearest('A', ['b', 'a'])).toBe('a');
    expect(didYouMean('--cuont', ['--count', '--rate'])).toBe(' Did you mean "--count"?');
  });

  it('suggests nothing if no name is near', () => {
    expect(nearest('x', ['a', 'b'])).toBeUndefined();
    expect(didYouMean('frob', ['ps', 'call'])).toBe('');
  });
});

describe('text', () => {
  it('stands in columns without spaces at the end of a line', () => {
    expect(
      formatTable([
        ['A', 'LONGER', 'C'],
        ['wide one', 'x', ''],
      ]),
    ).toBe('A         LONGER  C\nwide one  x\n');
  });

  it('has its last column wrapped if a terminal is too narrow', () => {
    const table = [
      ['A', 'LIST'],
      ['x', 'one.Service, another.Service, third.Service'],
    ];
    expect(formatTable(table, { width: 34 })).toBe('A  LIST\nx  one.Service, another.Service,\n   third.Service\n');
    expect(formatTable(table, { width: 12 })).toContain('x  one.Service, another.Service, third.Service\n');
  });

  it('sets cells off without moving the others', () => {
    const style = (cell: string, { column }: { column: number }) => (column === 1 && cell === 'b' ? 'red' : undefined);
    const paint = (styled: string, cell: string) => `<${styled} ${cell}>`;
    expect(
      formatTable(
        [
          ['A', 'B'],
          ['long', 'b'],
        ],
        { style, paint },
      ),
    ).toBe('<bold A>     <bold B>\nlong  <red b>\n');
  });

  it('is JSON with its keys and values set off', () => {
    const text = '{"a": "b: \\"1\\"", "c": [-1.5e3, true, null]}';
    expect(paintJson(text, (style, part) => `<${style} ${part}>`)).toBe(
      '{<cyan "a">: <green "b: \\"1\\"">, <cyan "c">: [<yellow -1.5e3>, <yellow true>, <yellow null>]}',
    );
    expect(paintJson(text, createPaint(false))).toBe(text);
  });

  it('cannot command the terminal', () => {
    expect(printable('a\u001b[2J\nb\u0007\u009bc')).toBe('a\\u001b[2J\\nb\\u0007\\u009bc');
    expect(printable('a\u202eb\u2066c\u2028d')).toBe('a\\u202eb\\u2066c\\u2028d');
    expect(formatTable([['a\nb', '\u001b[31mc']])).toBe('a\\nb  \\u001b[31mc\n');
  });

  it('passes the writer with line breaks, tabs and our own styles alone', () => {
    const paint = createPaint(true);
    const own = `${paint('bold', 'a')}\t${paint('dim', 'b')}\n${paint('red', 'c')}${paint('cyan', 'd')}`;
    const foreign = '\u001b[8m\u001b[H\u001b]0;x\u0007\r\u009bK\u202e';
    const escaped = '\\u001b[8m\\u001b[H\\u001b]0;x\\u0007\\r\\u009bK\\u202e';
    expect(rendered(own + foreign, { color: true })).toBe(own + escaped);
    expect(rendered('\u001b[31mx', { color: false })).toBe('\\u001b[31mx');
    expect(rendered(foreign, { color: true }, 'line')).toBe(`\r\u001b[K${escaped}`);
    const json = JSON.stringify({ a: foreign });
    expect(JSON.parse(rendered(json, { color: false }))).toEqual({ a: foreign });
  });

  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ])('with %j, on a terminal: %s, is coloured: %s', (environment, interactive, expected) => {
    expect(wantsColor({ environment, interactive })).toBe(expected);
  });

  it('is coloured only if colours are allowed', () => {
    expect(createPaint(false)('red', 'x')).toBe('x');
    expect(createPaint(true)('red', 'x')).toBe('\u001b[31mx\u001b[39m');
  });
});
