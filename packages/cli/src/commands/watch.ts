import { defineCommand } from '../command.js';
import { completeService } from '../completion/index.js';
import { jsonOption } from '../options.js';
import {
  type FollowedChange,
  follow,
  type InstanceView,
  knownServices,
  listInstances,
  matchService,
  type RegistryConnection,
  registryAddresses,
  registryOption,
  unreachable,
  withRegistry,
} from '../registry/index.js';
import { createPaint, formatTime, type Paint } from '../terminal/index.js';
import { UsageError } from '../usage-error.js';

/** `rondo watch`: the registry's changes as they happen. */
export const watch = defineCommand({
  name: 'watch',
  summary: "Shows the registry's changes as they happen, after the present state.",
  usage: '[service] [--json]',
  details: [
    'A line each: the time (UTC), then = present, + joined, ~ changed (what), - left (why). It goes on when the registry',
    'restarts, and says so. Ctrl-C ends it.',
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  maxPositionals: 1,
  examples: [
    ['watch', 'Everything that comes, changes and goes.'],
    ['watch CalculatorService', 'One service.'],
    ['watch --json | jq -c \'select(.type == "left")\'', 'One JSON object a line, for a script.'],
  ],
  complete: completeService,
  exitCodes: { OK: 'Ctrl-C ended it.' },
  async run({ values, positionals: [name] }, { environment, stdout, clock, signal }) {
    const addresses = registryAddresses(values.registry, environment);
    const paint = createPaint(stdout.color);
    await withRegistry(addresses, async (registry) => {
      const service = name === undefined ? '' : await resolve(registry, name, signal);
      for await (const change of follow(registry, { service, clock, signal })) {
        const line = values.json
          ? toJson(change, clock.now(), addresses)
          : `${paint('dim', formatTime(clock.now()))} ${describe(change, addresses, paint)}`;
        await stdout.write(`${line}\n`);
      }
    });
    return 0;
  },
});

/** A name with a dot that nobody serves yet may be in full: it can be waited for. */
async function resolve(registry: RegistryConnection, name: string, signal: AbortSignal): Promise<string> {
  const { instances } = await listInstances(registry, { signal });
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services) ?? (name.includes('.') ? name : undefined);
  if (service === undefined) throw new UsageError(`no instance serves "${name}". ${knownServices(name, services)}`);
  return service;
}

function toJson(change: FollowedChange, nowMs: number, addresses: readonly string[]): string {
  const { error, ...rest } = change;
  const reason = error === undefined ? {} : { reason: unreachable(addresses, error) };
  return JSON.stringify({ time: new Date(nowMs).toISOString(), ...rest, ...reason });
}

function describe(change: FollowedChange, addresses: readonly string[], paint: Paint): string {
  const registry = `the registry at ${addresses.join(', ')}`;
  switch (change.type) {
    case 'present':
      return `= ${describeInstance(change.instance)}`;
    case 'joined':
      return paint('green', `+ ${describeInstance(change.instance)}`);
    case 'changed':
      return paint('yellow', `~ ${change.instance.instanceId} (${change.changes.join('; ')})`);
    case 'left':
      return paint('red', `- ${change.instance.instanceId} (${change.reason})`);
    case 'lost': {
      const why = change.error === undefined ? `${registry} ended the watch` : unreachable(addresses, change.error);
      return paint('red', `! ${why}; watching goes on when it is back`);
    }
    case 'back':
      return paint('green', `! ${registry} is back`);
    case 'warming':
      return paint('yellow', `! ${registry} has just started empty: what it doesn't name may still come back`);
    case 'warm':
      return paint('green', `! ${registry} is whole again`);
  }
}

function describeInstance({ instanceId, status, endpoints, zone, services }: InstanceView): string {
  const address = endpoints.map((endpoint) => endpoint.address).join(',');
  return [instanceId, status, address, zone, services.join(', ')].filter((part) => part !== '').join('  ');
}
