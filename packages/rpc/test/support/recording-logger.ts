import type { Logger } from '../../src/exports/call.js';

/** One line of a log. */
export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** A logger that records its lines. */
export function recordingLogger(): { logger: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const bind = (bound: object): Logger => {
    const log = (level: Line['level']) => (fields: object, message: string) => {
      lines.push({ level, fields: { ...bound, ...fields }, message });
    };
    const child = (fields: object) => bind({ ...bound, ...fields });
    return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'), child };
  };
  return { logger: bind({}), lines };
}

/** The texts of its warnings. */
export const warningsIn = (lines: readonly Line[]): readonly string[] =>
  lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
