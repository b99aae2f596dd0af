import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventually, root, start } from '@rondo/harness';
import { readGuide } from '../docs.js';
import { plannedInstances } from '../planned-instances.js';
import { examplesOf } from '../readme.js';
import { system } from './system.js';

const ADD = 'calculator.v1.CalculatorService/Add';
const TWO_AND_THREE = '{"a": 2, "b": 3}';

/** The registry isn't registered with itself. */
const SERVING = plannedInstances().filter((name) => name !== 'registry');

const shell = (command: string) => start('/bin/sh', ['-c', command]).ended;

const isInstalled = async (program: string) => (await shell(`command -v ${program}`)).code === 0;

describe('journey 1: a newcomer', () => {
  it('sees where everything is and what to try', () => {
    for (const text of ['calculator-1', 'sales.v1.QuoteService', 'projects.v1.ProjectService', './rondo ps']) {
      expect(system.banner).toContain(text);
    }
  });

  it('reaches the gateway at the address that is printed', async () => {
    const [, url] = /^All public services, .*: (http:\S+)$/m.exec(system.banner) ?? [];
    expect(url).toBe(`http://${system.address(20)}`);
    expect(system.banner).toContain(`curl -d '{"a":1,"b":2}' ${url}/add`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('sees every instance in the registry', async () => {
    const { code, stdout } = await system.rondo('ps', '--json');
    expect(code).toBe(0);
    const { instances } = JSON.parse(stdout);
    expect(instances.map(({ instanceId }: { instanceId: string }) => instanceId).sort()).toEqual(SERVING);
    expect(SERVING).toEqual(expect.arrayContaining(['calculator-3', 'project-management-1', 'sales-1']));
  });

  it('hears from the doctor that the system is healthy', async () => {
    // On a busy machine the doctor may find that something answers late.
    await eventually(async () => {
      const { findings } = JSON.parse((await system.rondo('doctor', '--json')).stdout);
      const named = Object.fromEntries(findings.map((one: { name: string }) => [one.name, one]));
      expect(named).toMatchObject({
        // A note in the first seconds, while the registry may not know every instance.
        registry: { state: expect.stringMatching(/^(ok|note)$/), detail: expect.stringContaining(system.registry) },
        instances: { state: 'ok', detail: `${SERVING.length} of ${SERVING.length} are SERVING` },
        health: { state: 'ok' },
        clock: { state: 'ok', detail: expect.stringContaining("the registry's is within") },
      });
    });
  });

  it('calls Add on both contracts', async () => {
    const versioned = await system.rondo('call', ADD, TWO_AND_THREE);
    expect(JSON.parse(versioned.stdout)).toEqual({ result: '5' });
    const published = await system.rondo('call', 'calculator.Calculator/Add', TWO_AND_THREE);
    expect(JSON.parse(published.stdout)).toEqual({ result: '5' });
  });

  it('calls a server of plain grpc-js by its address, as the guide says', async () => {
    const script = join(root, 'e2e/.guide-by-address.mjs');
    writeFileSync(script, readGuide('call-a-service.md').code('by-address.mjs'));
    const foreign = start(process.execPath, [join(root, 'e2e/foreign-calculator.mjs')]);
    const [, address = ''] = await foreign.printed(/^listening at (\S+)$/m);
    await eventually(async () => {
      const { code, stdout } = await start(process.execPath, [script, address]).ended;
      expect({ code, stdout }).toEqual({ code: 0, stdout: '2 + 3 = 5\n' });
    });
    await foreign.stop();
    rmSync(script);
  });

  it('gets from curl what README.md shows', async () => {
    if (!(await isInstalled('curl'))) {
      process.stdout.write('curl is not installed here: this part of journey 1 was left out\n');
      return;
    }
    const examples = examplesOf('curl');
    expect(examples).toHaveLength(1);
    for (const { command, output } of examples) {
      const { stdout } = await shell(command.replace('127.0.0.1:8080', system.address(20)));
      expect(stdout).toBe(output.trimEnd());
    }
  });

  it('gets from grpcurl what README.md shows, without a proto file', async () => {
    if (!(await isInstalled('grpcurl'))) {
      process.stdout.write('grpcurl is not installed here: this part of journey 1 was left out\n');
      return;
    }
    const examples = examplesOf('grpcurl');
    expect(examples).toHaveLength(2);
    for (const { command, output } of examples) {
      const { stdout, stderr } = await shell(command.replace('localhost:50051', system.address(1)));
      expect(stdout + stderr).toBe(output);
    }
    const { stdout } = await shell(`grpcurl -plaintext ${system.address(1)} describe calculator.v1.CalculatorService`);
    expect(stdout).toContain('rpc Add');
  });
});
