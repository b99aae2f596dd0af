import { pino } from 'pino';

/** What every line of a process's log says, and which lines there are. */
export interface LogOptions {
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
  };
  return pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
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
