import { defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import { jsonOption, registryOption } from '../options.js';
import { listInstances, type RegistryConnection, unreachable, withRegistry } from '../registry/connection.js';
import type { InstanceView } from '../registry/instance-view.js';
import { registryAddresses } from '../registry/locate.js';
import { matchService, notRegistered } from '../registry/service-name.js';
import { type WatchedChange, watchRegistry } from '../registry/watch.js';
import { CORDONED } from '../registry/watched-state.js';
import { createPaint, type Paint } from '../terminal/terminal.js';
import { formatTime, printable } from '../terminal/text.js';

/** `rondo watch`: prints the registry's changes as they happen. */
export const watch = defineCommand({
  name: 'watch',
  summary: "Shows the registry's present state, then its changes as they happen.",
  usage: '[service] [--json]',
  details: [
    'Each line has the time (UTC) and = present, + joined, ~ changed (what), or - left (why). If the registry fails or',
    'restarts, it goes on at another address of the registry if there is one, and prints a line with !. Ctrl-C ends it.',
    '',
    'With --json, type is present, joined, changed (with changes), left (with reason), lost, back or moved (with the address',
    'of the registry), warming or warm; cordonReason says why an instance is cordoned, if that is known.',
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  maxPositionals: 1,
  examples: [
    ['watch', 'All services.'],
    ['watch CalculatorService', 'One service.'],
    ['watch --json | jq -c \'select(.type == "left")\'', 'One JSON object on each line, for a script.'],
  ],
  complete: completeService,
  exitCodes: { OK: 'Ctrl-C ended it.' },
  async run({ values, positionals: [name] }, context) {
    const { stdout, clock, wallClock, signal } = context;
    const addresses = await registryAddresses(values.registry, context);
    const paint = createPaint(stdout.color);
    const service =
      name === undefined ? '' : await withRegistry(addresses, (registry) => resolve(registry, name, signal));
    for await (const change of watchRegistry(addresses, { service, clock, signal })) {
      const time = wallClock.now();
      const line = values.json
        ? toJson(change, time)
        : `${paint('dim', formatTime(time.getTime()))} ${describe(change, addresses, paint)}`;
      await stdout.write(`${line}\n`);
    }
    return 0;
  },
});

/** A name with a dot may be the full name of a service that isn't registered yet: its first instance can be awaited. */
async function resolve(registry: RegistryConnection, name: string, signal: AbortSignal): Promise<string> {
  const { instances, warming } = await listInstances(registry, { signal });
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services) ?? (name.includes('.') ? name : undefined);
  if (service === undefined) throw notRegistered(name, services, warming);
  return service;
}

function toJson(change: WatchedChange, time: Date): string {
  const { error, ...rest } = change;
  const reason = error === undefined ? {} : { reason: unreachable([change.address ?? ''], error) };
  return JSON.stringify({ time: time.toISOString(), ...rest, ...reason });
}

function describe(change: WatchedChange, addresses: readonly string[], paint: Paint): string {
  switch (change.type) {
    case 'present':
      return `= ${describeInstance(change.instance, change.cordonReason)}`;
    case 'joined':
      return paint('green', `+ ${describeInstance(change.instance, change.cordonReason)}`);
    case 'changed':
      return paint(
        'yellow',
        `~ ${change.instance.instanceId} (${printable(describeChanges(change.changes, change.cordonReason))})`,
      );
    case 'left':
      return paint('red', `- ${change.instance.instanceId} (${change.reason})`);
    case 'lost':
      return paint('red', `! ${describeLoss(change, addresses)}`);
    case 'back':
      return paint('green', `! the registry at ${change.address} is back`);
    case 'moved':
      return paint('green', `! watching goes on with the registry at ${change.address}`);
    case 'warming':
      return paint('yellow', "! the registry has just started empty: what it doesn't list may still come back");
    case 'warm':
      return paint('green', '! the registry is complete again');
  }
}

function describeLoss({ error, address = '' }: WatchedChange, addresses: readonly string[]): string {
  const why =
    error === undefined
      ? `the registry at ${address} ended the watch`
      : unreachable(addresses.length > 1 ? [address] : addresses, error);
  return `${why}; ${addresses.length > 1 ? 'asking at its other addresses' : 'watching goes on when it is back'}`;
}

function describeChanges(changes: readonly string[], reason: string | undefined): string {
  const cordoned = reason === undefined ? CORDONED : `${CORDONED}: ${reason}`;
  return changes.map((change) => (change === CORDONED ? cordoned : change)).join('; ');
}

function describeInstance(
  { instanceId, status, operatorState, endpoints, zone, services }: InstanceView,
  reason = '',
): string {
  const address = endpoints.map((endpoint) => endpoint.address).join(',');
  const standing =
    operatorState === 'NONE' ? status : [operatorState, ...(reason === '' ? [] : [`(${reason})`])].join(' ');
  return printable([instanceId, standing, address, zone, services.join(', ')].filter((part) => part !== '').join('  '));
}
