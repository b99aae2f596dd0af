import { type CommandContext, defineCommand } from '../command.js';
import { completeInstances } from '../completion/registered.js';
import { ExitCode } from '../exit-code.js';
import { cordonAll, type CordonResult, readSnapshot, uncordonAll } from '../operate/cordon.js';
import { defaultReason, forceOption, reasonOption, jsonOption, registryAddresses, registryOption } from '../options.js';
import { withRegistry } from '../registry/connection.js';
import { printable } from '../terminal/text.js';
import { UsageError } from '../errors.js';

/** `rondo cordon`: takes instances out, so that no new call is made of them. */
export const cordon = defineCommand({
  name: 'cordon',
  summary: 'Takes instances out: no new call is made of them until they are put back.',
  usage: '<instance> … [--reason TEXT] [--force] [--json]',
  details: [
    'The instance goes on, with the calls that it has; clients hear of it within two seconds. It stays so whatever the',
    'instance says, also when it starts again, until rondo uncordon. To stop it without failing a call: rondo drain.',
    '',
    'Refused, with nothing done, where an id is not known, or where nobody would be left to serve some service.',
    'One that is cordoned already is no fault; a new --reason replaces the old.',
  ].join('\n'),
  options: { ...reasonOption, ...forceOption, ...registryOption, ...jsonOption },
  maxPositionals: Number.POSITIVE_INFINITY,
  examples: [
    ['cordon calculator-2 --reason "odd answers, looking into it"', 'One, for others to read why.'],
    ['cordon calculator-2 calculator-3', 'Two at once.'],
    ['cordon sales-1 --force', 'The only one, on purpose: all calls of it fail.'],
  ],
  complete: completeInstances('uncordoned'),
  exitCodes: { FAILED: 'Refused, or failed: standard error says why.' },
  async run({ values, positionals: ids }, context) {
    if (ids.length === 0) throw new UsageError('name the instances to cordon; rondo ps lists them');
    const { environment, signal } = context;
    await withRegistry(registryAddresses(values.registry, environment), async (registry) => {
      const { reason, force = false } = values;
      const options = { reason, force, defaultReason: defaultReason(context), signal };
      const roster = await readSnapshot(registry, signal);
      for await (const outcome of cordonAll(registry, { ids, roster }, options))
        await report(outcome, values.json, context);
    });
    return ExitCode.OK;
  },
});

async function report(outcome: CordonResult, json: boolean | undefined, { stdout }: CommandContext): Promise<void> {
  const { instanceId, changed, reason } = outcome;
  const why = reason === '' ? '' : ` (${printable(reason)})`;
  const text = changed
    ? `${instanceId} is cordoned${why}: no new call is made of it. To put it back: rondo uncordon ${instanceId}`
    : `${instanceId} is cordoned already${why}`;
  await stdout.write(json ? `${JSON.stringify(outcome)}\n` : `${text}\n`);
}

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
      const roster = await readSnapshot(registry, signal);
      for await (const outcome of uncordonAll(registry, { ids, roster }, signal)) {
        const { instanceId, changed } = outcome;
        const text = changed ? `${instanceId} is put back` : `${instanceId} is not cordoned`;
        await stdout.write(values.json ? `${JSON.stringify(outcome)}\n` : `${text}\n`);
      }
    });
    return ExitCode.OK;
  },
});
