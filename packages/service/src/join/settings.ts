import { parseArgs } from 'node:util';
import { hostPort, listenAddress } from '../config/parsers.js';
import { sharedVariables } from '../config/shared.js';
import { ConfigurationError, type Environment, readConfig } from '../config/variables.js';
import { registriesOf } from '../lifecycle/directory.js';

/** Ports that aren't given. */
const ANY_PORT = 0;

/**
 * What joins a server: the arguments name it, and the variables that each service reads say the rest.
 *
 * @throws ConfigurationError that lists what is wrong.
 */
export function readSettings(args: readonly string[], environment: Environment) {
  const { services, address, command, handover } = readArguments(args);
  const { registry, instanceId, zone, version, weight, metadata, tls, drainWaitMs, drainGraceMs, logLevel } =
    sharedVariables(ANY_PORT);
  const variables = { registry, instanceId, zone, version, weight, metadata, tls, drainWaitMs, drainGraceMs, logLevel };
  const config = readConfig(variables, environment);
  const registries = registriesOf(config);
  if (registries.length === 0)
    throw new ConfigurationError([
      "RONDO_REGISTRY is a registry of another kind: register there by the registry's own means",
    ]);
  return { ...config, registries, services, address, command, handover };
}

function readArguments(args: readonly string[]) {
  const { values, positionals: command } = parse(args);
  const faults: string[] = [];
  const { service: services = [], address: text = '', handover = false } = values;
  // With a command any free port will do: the server gets it in a variable.
  const address = (command.length > 0 ? listenAddress : hostPort).parse(text);
  if (services.length === 0)
    faults.push('--service is missing: name what the server serves, such as helloworld.Greeter');
  if (!address.ok)
    faults.push(`--address ${text} ${address.fault}: give ${hostPort.rule}, at which clients reach the server`);
  if (!address.ok || faults.length > 0) throw new ConfigurationError(faults);
  return { services, address: address.value, command, handover };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        service: { type: 'string', multiple: true },
        address: { type: 'string' },
        handover: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)]);
  }
}
