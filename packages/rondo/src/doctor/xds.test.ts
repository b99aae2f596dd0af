import { expect, it } from '@jest/globals';
import { judgeRefusals } from './running.js';

it('names the xDS clients that refuse what the registry sends', () => {
  const client = { node: 'shop-1', userAgent: 'grpc-go 1.85.0', peer: '10.0.0.1:5', time: undefined };
  expect(judgeRefusals([])).toEqual([]);
  expect(judgeRefusals([{ ...client, type: 'Cluster', reason: 'no such field' }])).toEqual([
    expect.objectContaining({
      detail: expect.stringContaining('shop-1 (grpc-go 1.85.0 at 10.0.0.1:5) refuses a Cluster: no such field'),
    }),
  ]);
});
