import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { unacceptable, unknownName } from '../peers.mjs';
import { peersChart } from './chart.mjs';
import { peersReport, withSummaries } from './report.mjs';

const turns = (...rates: number[]) =>
  rates.map((perSecond) => ({
    perSecond,
    p50: 1,
    p99: 2,
    clientCpuUs: 60,
    serverCpuUs: 40,
    disturbed: perSecond === 7,
  }));
const contender = (name: string) => ({
  name,
  title: name.toUpperCase(),
  form: 'as it is',
  versions: { [name]: '1.2.3' },
});
const data = {
  measuredAt: '2026-01-02T03:04:05Z',
  machine: { processor: 'a processor', cores: 2, memoryGiB: 8, kernel: '6.1', node: 'v24' },
  pinned: true,
  settings: { rounds: 2, seconds: 2, whole: true },
  failures: 0,
  contenders: [
    contender('grpc-js'),
    contender('quick'),
    contender('rondo'),
    { ...contender('gone'), absent: 'it is gone' },
  ],
  workloads: [
    {
      name: 'tiny-1',
      title: 'unary tiny',
      operation: 'call',
      results: [
        { contender: 'grpc-js', turns: turns(10, 10) },
        { contender: 'quick', turns: turns(80, 90) },
        { contender: 'rondo', turns: turns(7, 11) },
        { contender: 'gone', reason: 'it is gone' },
      ],
    },
    {
      name: 'replicas',
      title: 'three replicas',
      operation: 'call',
      results: [
        { contender: 'grpc-js', turns: turns(10, 10) },
        { contender: 'quick', reason: 'it has no balancing' },
        { contender: 'rondo', turns: turns(12, 13) },
        { contender: 'gone', reason: 'it is gone' },
      ],
    },
  ],
};

describe('peersReport', () => {
  const report = peersReport(withSummaries(data));
  const row = (start: string) => report.split('\n').find((line) => line.startsWith(`| ${start}`)) ?? '';
  const cells = (start: string) =>
    row(start)
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1);

  it('marks noise, disturbed turns and what is missing', () => {
    expect(cells('unary tiny')).toEqual(['unary tiny', '1.00', '9.00', '~1.10*']);
    expect(cells('three replicas')).toEqual(['three replicas', '1.00', '–', '1.30']);
  });

  it('has each reason once, and the machine and versions', () => {
    expect(report).toContain('- GONE: it is gone.');
    expect(report).toContain('- QUICK, three replicas: it has no balancing.');
    expect(report.match(/it is gone/g)).toHaveLength(1);
    expect(report).toContain('Measured on 2026-01-02: a processor, 2 cores, 8 GiB, Linux 6.1, Node v24; 2 rounds');
    expect(report).toContain('rondo 1.2.3');
  });
});

describe('peersChart', () => {
  const drawn = peersChart(withSummaries(data));

  it('draws a bar for each figure but the base, the same each time, for light and dark pages', () => {
    expect(drawn.match(/<rect class="(?:bar|ours)"/g)).toHaveLength(3);
    expect(drawn.match(/<rect class="ours"/g)).toHaveLength(2);
    for (const text of ['>9.00<', '>≈ 1.10<', '>three replicas<']) expect(drawn).toContain(text);
    expect(peersChart(withSummaries(data))).toBe(drawn);
    expect(drawn).toContain('prefers-color-scheme:dark');
  });

  it('keeps everything within the picture', () => {
    const width = Number(/viewBox="0 0 (\d+)/.exec(drawn)?.[1]);
    const xs = [...drawn.matchAll(/ x[12]?="([^"]*)"/g)].map(([, x]) => Number(x));
    expect(xs.every((x) => x >= 0 && x <= width)).toBe(true);
    expect([...drawn.matchAll(/width="([^"]*)"/g)].every(([, of]) => Number(of) >= 0)).toBe(true);
  });
});

describe('arguments', () => {
  it('names what there is if a name is unknown', () => {
    const known = [{ name: 'one' }, { name: 'two' }];
    expect(unknownName('only', 'one,three', known)).toBe('--only: there is no "three"; there are one, two');
    expect(unknownName('only', 'two,one', known)).toBeUndefined();
    expect(unknownName('only', undefined, known)).toBeUndefined();
  });

  it('accepts only a whole run without failures', () => {
    expect(unacceptable(data)).toBeUndefined();
    expect(unacceptable({ ...data, settings: { ...data.settings, whole: false } })).toMatch('quick or partial');
    expect(unacceptable({ ...data, failures: 2 })).toMatch('2 contenders failed');
  });
});

describe('packages', () => {
  it('have the grpc-js of Rondo, so that no ratio comes from its versions', () => {
    const [peers, rondo] = ['./package.json', '../../packages/rpc/package.json'].map((file) =>
      JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')),
    );
    expect(peers.dependencies['@grpc/grpc-js']).toBe(rondo.dependencies['@grpc/grpc-js']);
  });
});
