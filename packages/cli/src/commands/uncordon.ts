import { defineCommand } from '../command.js';
import { completeInstances } from '../completion/index.js';
import { ExitCode } from '../exit-code.js';
import { readRoster, uncordonAll } from '../operate/index.js';
import { jsonOption } from '../options.js';
import { registryAddresses, registryOption, withRegistry } from '../registry/index.js';
import { UsageError } from '../usage-error.js';

/** `rondo uncordon`: puts instances back. */
export const uncordon = defineCommand({
  name: 'uncordon',
  summary: 'Puts back what rondo cordon or rondo drain took out.',
  usage: '<instance> … [--json]',
  details: 'One that is not cordoned is left as it is, which is no fault. An instance need not run for it.',
  options: { ...registryOption, ...jsonOption },
  maxPositionals: Number.POSITIVE_INFINITY,
  examples: [
    ['uncordon calculator-2', 'It gets calls again, as soon as it serves.'],
    ["uncordon $(rondo ps --json | jq -r '.cordoned[].instanceId')", 'All that are cordoned.'],
  ],
  complete: completeInstances('cordoned'),
  exitCodes: { FAILED: 'Refused, or failed: standard error says why.' },
  async run({ values, positionals: ids }, { environment, stdout, signal }) {
    if (ids.length === 0)
      throw new UsageError('name the instances to put back; rondo ps lists those that are cordoned');
    await withRegistry(registryAddresses(values.registry, environment), async (registry) => {
      const roster = await readRoster(registry, signal);
      for await (const outcome of uncordonAll(registry, { ids, roster }, signal)) {
        const { instanceId, changed } = outcome;
        const text = changed ? `${instanceId} is put back` : `${instanceId} is not cordoned`;
        await stdout.write(values.json ? `${JSON.stringify(outcome)}\n` : `${text}\n`);
      }
    });
    return ExitCode.OK;
  },
});
