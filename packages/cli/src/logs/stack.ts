const MAX_FRAMES = 8;
const MAX_ERRORS = 6;
const CAUSED_BY = 'caused by: ';

/**
 * The lines of a stack as pino writes it, each error's frames behind `caused by:`. It leaves out what `message`, which
 * stands above, has said already, and all but the first frames and errors.
 */
export function formatStack(message: string, stack: string): readonly string[] {
  const errors = stack.split(`\n${CAUSED_BY}`);
  const shown = errors.slice(0, MAX_ERRORS).flatMap((error, index) => formatError(message, error, index > 0));
  return errors.length > MAX_ERRORS ? [...shown, `… and ${errors.length - MAX_ERRORS} more causes`] : shown;
}

function formatError(message: string, error: string, isCause: boolean): readonly string[] {
  const lines = error.split('\n').map((line) => line.trim());
  const frames = lines.filter((line) => line.startsWith('at '));
  const first = lines.findIndex((line) => line.startsWith('at '));
  const title = lines.slice(0, first === -1 ? lines.length : first).join(' ');
  const more = frames.length - MAX_FRAMES;
  return [
    ...(isCause ? [`${CAUSED_BY}${untold(title, message)}`] : []),
    ...frames.slice(0, MAX_FRAMES),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
}

/** Of `Error: what happened` the type alone, where what happened was said. */
function untold(title: string, message: string): string {
  const [, type, text] = /^([\w$.]+): (.*)$/s.exec(title) ?? [];
  return type !== undefined && text !== undefined && message.includes(text) ? type : title;
}
