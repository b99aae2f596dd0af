import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';

const nothing = () => undefined;

/**
 * Opens an exporter. If a variable is wrong it goes on with a default, and the log says so. Later it would write a line for each batch that
 * is lost.
 */
export async function withWarnings<T>(log: Logger, open: () => Promise<T>): Promise<T> {
  const warn = (message: string) => log.warn({}, message);
  const logger = { error: warn, warn, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  try {
    return await open();
  } finally {
    diag.disable();
  }
}
