export { wantsColor } from './color.js';
export { formatAge, formatTime, parseDurationMs } from './duration.js';
export { didYouMean } from './nearest.js';
export { createPaint, type Paint, paintJson, type Style } from './paint.js';
export { printable } from './printable.js';
export { formatTable } from './table.js';
export { type Input, type Look, lookOf, type Terminal } from './terminal.js';
