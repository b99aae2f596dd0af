import type { Logger } from '@rondo/rpc/call';

/** A logger that records its lines as `level: message`, and their fields separately. It ignores debug lines. */
export function recordingLogger(): { readonly log: Logger; readonly lines: string[]; readonly fields: object[] } {
  const lines: string[] = [];
  const fields: object[] = [];
  const at = (level: string) => (more: object, message: string) => {
    lines.push(`${level}: ${message}`);
    fields.push({ ...more, message });
  };
  const log: Logger = {
    debug: () => undefined,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return { log, lines, fields };
}
