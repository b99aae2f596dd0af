import { types } from 'node:util';
import { pino } from 'pino';

/** What every line of a process's log says, and which lines there are. */
interface LogOptions {
  readonly service: string;
  readonly instanceId: string;
  readonly level: pino.LevelWithSilent;
  /** Where lines go; standard output by default. */
  readonly destination?: pino.DestinationStream;
}

/**
 * Makes a process's log: JSON lines, one an event. They are written as they come, in this thread. Pino's default writes
 * in the background and may put the last lines of a process that exits out of order; its worker transports don't
 * survive bundling.
 */
export function createLog({ service, instanceId, level, destination }: LogOptions): pino.Logger {
  const options = {
    level,
    base: { service, instance: instanceId },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: serializeError },
  };
  return pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
}

/** As pino does it, but for the message: the text of a cause that an error has repeated stands there once. */
function serializeError(error: Error): object {
  if (!types.isNativeError(error)) return error;
  return Object.assign(pino.stdSerializers.err(error), { message: messageWithCauses(error) });
}

function messageWithCauses(error: Error): string {
  let message = error.message;
  const seen = new Set<unknown>([error]);
  for (let { cause } = error; types.isNativeError(cause) && !seen.has(cause); { cause } = cause) {
    seen.add(cause);
    if (!message.includes(cause.message)) message += `: ${cause.message}`;
  }
  return message;
}

/** Where lines go: to people as they read them, where standard output is a terminal and pino-pretty is installed. */
export async function consoleDestination(): Promise<pino.DestinationStream | undefined> {
  if (!process.stdout.isTTY) return undefined;
  try {
    const { build } = await import('pino-pretty');
    return build({ sync: true, ignore: 'pid,hostname,service' });
  } catch {
    return undefined; // an image leaves it out: JSON then, as everywhere else
  }
}
