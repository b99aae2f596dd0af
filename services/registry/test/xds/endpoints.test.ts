import { describe, expect, it } from '@jest/globals';
import { Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Instance } from '../../src/domain/instance.js';
import { assignmentOf, type ClientKind } from '../../src/xds/endpoints.js';
import { instanceAt } from './instance.js';

/** The localities, as `priority zone/sub-zone weight: addresses`. */
function localities(instances: readonly Instance[], client: Partial<ClientKind> = {}): readonly string[] | undefined {
  const assignment = assignmentOf('c', instances, { zone: '', tls: false, ...client });
  return assignment?.endpoints.map(({ locality, lbEndpoints, loadBalancingWeight, priority }) => {
    const hosts = lbEndpoints.map(({ endpoint }) => endpoint?.address?.socketAddress);
    const addresses = hosts.map((at) => `${at?.address}:${at?.portValue}`).join(' ');
    return `${priority} ${locality?.region}/${locality?.zone}/${locality?.subZone} ${loadBalancingWeight}: ${addresses}`;
  });
}

const [A, B, C] = ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'] as const;

describe('the endpoints of a cluster', () => {
  it('prefer the zone of the client, then its region, then all others', () => {
    const fleet = [instanceAt(A, { zone: 'eu/a' }), instanceAt(B, { zone: 'eu/b' }), instanceAt(C, { zone: 'us/a' })];
    const [a, b, c] = [`eu/a/weight-100 100: ${A}`, `eu/b/weight-100 100: ${B}`, `us/a/weight-100 100: ${C}`];
    expect(localities(fleet, { zone: 'eu/a' })).toEqual([`0 ${a}`, `1 ${b}`, `2 ${c}`]);
    expect(localities(fleet, { zone: 'us/b' })).toEqual([`1 ${a}`, `1 ${b}`, `0 ${c}`]);
    expect(localities(fleet)).toEqual([`0 ${a}`, `0 ${b}`, `0 ${c}`]);
  });

  it('have a locality for each weight, as clients ignore the weights of endpoints', () => {
    const fleet = [instanceAt(A), instanceAt(B, { weight: 50 }), instanceAt(C)];
    expect(localities(fleet)).toEqual([`0 //weight-100 200: ${A} ${C}`, `0 //weight-50 50: ${B}`]);
  });

  it('are those of the security that the client has', () => {
    const both = [Security.SECURITY_TLS, Security.SECURITY_PLAINTEXT];
    const endpoints = both.map((security, index) => ({ address: `10.0.0.4:${index + 1}`, protocols: [], security }));
    const fleet = [instanceAt(A), instanceAt('mixed', { endpoints })];
    expect(localities(fleet)).toEqual([`0 //weight-100 200: ${A} 10.0.0.4:2`]);
    expect(localities(fleet, { tls: true })).toEqual(['0 //weight-100 100: 10.0.0.4:1']);
  });

  it('have IP addresses alone, each once', () => {
    const fleet = ['sales:1', 'unix:/run/sales', 'localhost:1', '[::1]:2', A].map((address) => instanceAt(address));
    const restarted = instanceAt(A, { instanceId: 'later', incarnation: 2n, weight: 50 });
    expect(localities([restarted, ...fleet])).toEqual([
      '0 //weight-100 200: 127.0.0.1:1 ::1:2',
      `0 //weight-50 50: ${A}`,
    ]);
  });

  it('are undefined instead of empty', () => {
    expect(localities([])).toBeUndefined();
    expect(localities([instanceAt('sales:1')])).toBeUndefined();
  });
});
