import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedEndpoint } from '@rondo/rpc/resolver';

/** Nothing listens there: a service starts by what an earlier process knew. */
export const NO_REGISTRY = '127.0.0.1:1';

/** Makes a folder in which an earlier process kept that the calculator `one` is at `address`. */
export async function knownCalculator(address: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-registry-'));
  const endpoints = [fixedEndpoint(address, { instanceId: 'one' })];
  const about = { format: 'rondo-last-known', version: 2, service: 'calculator.Calculator' };
  const file = { ...about, registry: [NO_REGISTRY], savedAt: '2026-01-01T00:00:00Z', endpoints };
  await writeFile(join(folder, 'calculator.Calculator.json'), JSON.stringify(file));
  return folder;
}
