export { wantsColor } from './color.js';
export { formatAge, formatTime, parseDurationMs } from './duration.js';
export { paintJson } from './json.js';
export { didYouMean } from './nearest.js';
export { createPaint, type Paint, type Style } from './paint.js';
export { printable } from './printable.js';
export { formatTable } from './table.js';
export type { Input, Terminal } from './terminal.js';
