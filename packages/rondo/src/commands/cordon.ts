import { cordonAll, readSnapshot, uncordonAll } from '@rondo/operate/internal';
import { defineCommand } from '../command.js';
import { completeInstances } from '../completion/registered.js';
import { defaultReason, forceOption, jsonOption, reasonOption, registryOption } from '../options.js';
import { onRegistry } from '../registry/locate.js';
import { printable } from '../terminal/text.js';

/** The end of a refusal that can be overridden. */
export const OR_FORCE = ', or use --force';

export const cordon = defineCommand({
  name: 'cordon',
  summary: 'Takes instances out of the balancing: they get no new calls until rondo uncordon.',
  details: [
    'The instance goes on running and finishes the calls that it has; clients learn of it within two seconds. It stays cordoned',
    'until rondo uncordon, even if it restarts. To stop an instance without failing a call: rondo drain. The command is',
    'refused, and nothing changes, if an id is unknown or if no instance would be left that serves some service. Cordoning an',
    'instance again is no error; a new --reason replaces the old one.',
  ].join('\n'),
  options: { ...reasonOption, ...forceOption, ...registryOption, ...jsonOption },
  args: { ids: '<instance> …' },
  missing: 'name the instances to cordon; rondo ps lists them',
  examples: [
    ['cordon calculator-2 --reason "odd answers"', 'One instance, with a reason that others can read.'],
    ['cordon sales-1 --force', 'The only instance of a service, on purpose: all calls of the service fail.'],
  ],
  complete: completeInstances('uncordoned'),
  async run({ ids, reason, force }, context) {
    await onRegistry(context, async (registry) => {
      const { signal } = context;
      const options = { reason, force, orForce: OR_FORCE, defaultReason: defaultReason(context), signal };
      const snapshot = await readSnapshot(registry, signal);
      for await (const outcome of cordonAll(registry, { ids, snapshot }, options)) {
        const { instanceId, changed, reason: given } = outcome;
        const why = given === '' ? '' : ` (${printable(given)})`;
        const end = changed
          ? `${why}: it gets no new calls. To put it back: rondo uncordon ${instanceId}`
          : ` already${why}`;
        await context.print({ json: outcome, text: `${instanceId} is cordoned${end}\n` });
      }
    });
    return undefined;
  },
});

export const uncordon = defineCommand({
  name: 'uncordon',
  summary: 'Puts instances back into the balancing after rondo cordon or rondo drain.',
  details: 'Uncordoning an instance that is not cordoned is no error. The instance need not run.',
  options: { ...registryOption, ...jsonOption },
  args: { ids: '<instance> …' },
  missing: 'name the instances to put back; rondo ps lists the cordoned ones',
  examples: [
    ['uncordon calculator-2', 'The instance gets calls again, as soon as it is SERVING.'],
    ["uncordon $(rondo ps --json | jq -r '.cordoned[].instanceId')", 'All cordoned instances.'],
  ],
  complete: completeInstances('cordoned'),
  async run({ ids }, context) {
    await onRegistry(context, async (registry) => {
      const snapshot = await readSnapshot(registry, context.signal);
      for await (const outcome of uncordonAll(registry, { ids, snapshot }, context.signal)) {
        const text = outcome.changed ? 'is put back' : 'is not cordoned';
        await context.print({ json: outcome, text: `${outcome.instanceId} ${text}\n` });
      }
    });
    return undefined;
  },
});
