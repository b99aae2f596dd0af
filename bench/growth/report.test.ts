import { describe, expect, it } from '@jest/globals';
import { growthChart, growthReport } from './report.mjs';

const row = (way: string, size: number, us: number) => ({
  way,
  size,
  perSecond: 1e6 / us,
  clientUs: us / 2,
  serverUs: us / 2,
  p50: 1,
  p99: 2,
});
const loaded = (way: string, load: number) => ({
  way,
  load,
  offered: load,
  perSecond: load,
  p50: 1,
  p99: load,
  failed: 0,
});
const data = {
  measuredAt: '2026-11-22T10:00:00Z',
  machine: { processor: 'P', cores: 2, memoryGiB: 8, kernel: '6', node: 'v20' },
  settings: { rounds: 1, seconds: 1, whole: false },
  parts: {
    methods: [row('tunnel', 1, 20), row('gRPC', 1, 200), row('tunnel', 1_000, 30), row('gRPC', 1_000, 200)],
    load: [loaded('tunnel', 10), loaded('tunnel', 120), loaded('gRPC', 10), loaded('gRPC', 120)],
  },
};

describe('the report of growth', () => {
  it('has the cost of each size beside the least, by either way, and no part that was not measured', () => {
    const report = growthReport(data);
    expect(report).toMatch(/\| +1,000 \| tunnel \| +33,333 .*\| +1\.50 × /);
    expect(report).toMatch(/\| +1,000 \| gRPC +\| +5,000 .*\| +1\.00 × /);
    expect(report).toContain('## Offered load');
    expect(report).not.toContain('## Replicas');
    expect(report).toContain('quick or partial');
  });

  it('has two panels a part, each with a line for either way', () => {
    const chart = growthChart(data);
    for (const title of ['Methods in a contract: calls a second', 'Offered load: p99, ms'])
      expect(chart).toContain(title);
    expect(chart.match(/<polyline/g)).toHaveLength(8);
    expect(chart).not.toContain('NaN');
  });
});
