import { describe, expect, it } from '@jest/globals';
import type { MethodFlow } from '@rondo/operate/internal';
import { sumUp } from '@rondo/operate/internal';
import { createPaint } from '../terminal/terminal.js';
import { formatBytes, formatMs, formatRate, formatView } from './format.js';
import type { Row, View } from './view.js';

const paint = createPaint(false);

function row(name: string, calls = 0, rest: Partial<Row> = {}): Row {
  const flow: MethodFlow = {
    service: 's',
    method: 'm',
    seconds: 1,
    calls,
    ended: new Map([[0, calls]]),
    durations: [],
    inFlight: 0,
    requestBytes: 0,
    replyBytes: 0,
  };
  return { name, counted: 1, instances: 1, ...sumUp([flow]), ...rest };
}

const view = (rows: readonly Row[], rest: Partial<View> = {}): View => ({
  by: 'service',
  rows,
  instances: [],
  ...rest,
});

describe('a table of figures', () => {
  it('has the load of a service in its last column, and none without an instance that may be picked', () => {
    const text = formatView(view([row('s.v1.S', 40, { load: 40 / 3 }), row('t.v1.T', 0, { load: null })]), { paint });
    expect(text).toMatch(/^SERVICE .* LB$/m);
    expect(text).toMatch(/^s\.v1\.S .* 13\.3$/m);
    expect(text).toMatch(/^t\.v1\.T .* -$/m);
  });

  it('has no figures of an instance that is unreachable, and says why', () => {
    const instances = [{ instanceId: 'a', address: '', state: 'unreachable', reason: 'no answer' } as const];
    const text = formatView(view([row('a', 0, { state: 'unreachable', counted: 0 })], { by: 'instance', instances }), {
      paint,
    });
    expect(text).toMatch(/^a +unreachable( +-){8}$/m);
    expect(text).toContain('a: unreachable: no answer\n');
  });

  it('fits the terminal, whatever there is to show, and says what it leaves out', () => {
    const rows = Array.from({ length: 5_000 }, (_, at) => row(`company.department.v1.Service${at}/Method`, at));
    const instances = rows
      .slice(0, 1_000)
      .map(({ name }) => ({ instanceId: name, address: '', state: 'unreachable', reason: 'it is gone' }) as const);
    const text = formatView(view(rows, { instances }), { paint, width: 100, maxLines: 30 });
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(30);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(text).toMatch(/\d+ more rows are left out/);
    expect(text).toContain('names are cut');
    expect(text).toContain('and 995 more instances without figures');
  });

  it('escapes names that could command the terminal', () => {
    expect(formatView(view([row('\u001b[2Jx')]), { paint })).toContain('\\u001b[2Jx');
  });
});

it('formats figures', () => {
  expect([0, 13.33, 99.94, 1_234.5].map(formatRate)).toEqual(['0', '13.3', '99.9', '1235']);
  expect([0.04, 1.25, 42.4, 1_250, 12_000].map(formatMs)).toEqual(['0.04 ms', '1.3 ms', '42 ms', '1.3 s', '12 s']);
  expect([0, 999, 1_500, 250_000, 3e6, 4.2e9].map(formatBytes)).toEqual(['0', '999', '1.5k', '250k', '3.0M', '4.2G']);
});
