import { type CordonResult, cordonAll, readSnapshot, uncordonAll } from '@rondo/operate/internal';
import { type CommandContext, defineCommand } from '../command.js';
import { completeInstances } from '../completion/registered.js';
import { UsageError } from '../errors.js';
import { defaultReason, forceOption, jsonOption, reasonOption, registryOption } from '../options.js';
import { onRegistry } from '../registry/locate.js';
import { printable } from '../terminal/text.js';

/** The end of a refusal that can be overridden. */
export const OR_FORCE = ', or use --force';

/** `rondo cordon`: takes instances out of the balancing, so that they get no new calls. */
export const cordon = defineCommand({
  name: 'cordon',
  summary: 'Takes instances out of the balancing: they get no new calls until rondo uncordon.',
  usage: '<instance> … [--reason TEXT] [--force] [--json]',
  details: [
    'The instance goes on running and finishes the calls that it has; clients learn of it within two seconds. It stays',
    'cordoned until rondo uncordon, even if it restarts. To stop an instance without failing a call: rondo drain.',
    '',
    'The command is refused, and nothing changes, if an id is unknown or if no instance would be left that serves some',
    'service. Cordoning an instance again is no error; a new --reason replaces the old one.',
    '',
    'With --json a line for each instance: {"instanceId":…,"state":"CORDONED","changed":…,"reason":…}; rondo uncordon has',
    '"state":"NONE". A refusal has the code NOT_FOUND (no instance has the id), FAILED_PRECONDITION (a service would be left',
    'without instances) or RESOURCE_EXHAUSTED (the registry holds as many as it may).',
  ].join('\n'),
  options: { ...reasonOption, ...forceOption, ...registryOption, ...jsonOption },
  maxPositionals: Number.POSITIVE_INFINITY,
  examples: [
    [
      'cordon calculator-2 --reason "odd answers, looking into it"',
      'One instance, with a reason that others can read.',
    ],
    ['cordon calculator-2 calculator-3', 'Two at once.'],
    ['cordon sales-1 --force', 'The only instance of a service, on purpose: all calls of the service fail.'],
  ],
  complete: completeInstances('uncordoned'),
  exitCodes: { FAILED: 'Refused or failed; standard error says why.' },
  async run({ values, positionals: ids }, context) {
    if (ids.length === 0) throw new UsageError('name the instances to cordon; rondo ps lists them');
    const { signal } = context;
    await onRegistry(values.registry, context, async (registry) => {
      const { reason, force = false } = values;
      const options = { reason, force, orForce: OR_FORCE, defaultReason: defaultReason(context), signal };
      const snapshot = await readSnapshot(registry, signal);
      for await (const outcome of cordonAll(registry, { ids, snapshot }, options))
        await report(outcome, values.json, context);
    });
  },
});

async function report(outcome: CordonResult, json: boolean | undefined, { stdout }: CommandContext): Promise<void> {
  const { instanceId, changed, reason } = outcome;
  const why = reason === '' ? '' : ` (${printable(reason)})`;
  const text = changed
    ? `${instanceId} is cordoned${why}: it gets no new calls. To put it back: rondo uncordon ${instanceId}`
    : `${instanceId} is cordoned already${why}`;
  await stdout.write(json ? `${JSON.stringify(outcome)}\n` : `${text}\n`);
}

/** `rondo uncordon`: puts cordoned instances back into the balancing. */
export const uncordon = defineCommand({
  name: 'uncordon',
  summary: 'Puts instances back into the balancing after rondo cordon or rondo drain.',
  usage: '<instance> … [--json]',
  details: 'Uncordoning an instance that is not cordoned is no error. The instance need not run.',
  options: { ...registryOption, ...jsonOption },
  maxPositionals: Number.POSITIVE_INFINITY,
  examples: [
    ['uncordon calculator-2', 'The instance gets calls again, as soon as it is SERVING.'],
    ["uncordon $(rondo ps --json | jq -r '.cordoned[].instanceId')", 'All cordoned instances.'],
  ],
  complete: completeInstances('cordoned'),
  exitCodes: { FAILED: 'Refused or failed; standard error says why.' },
  async run({ values, positionals: ids }, context) {
    const { stdout, signal } = context;
    if (ids.length === 0) throw new UsageError('name the instances to put back; rondo ps lists the cordoned ones');
    await onRegistry(values.registry, context, async (registry) => {
      const snapshot = await readSnapshot(registry, signal);
      for await (const outcome of uncordonAll(registry, { ids, snapshot }, signal)) {
        const { instanceId, changed } = outcome;
        const text = changed ? `${instanceId} is put back` : `${instanceId} is not cordoned`;
        await stdout.write(values.json ? `${JSON.stringify(outcome)}\n` : `${text}\n`);
      }
    });
  },
});
