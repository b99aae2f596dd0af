/**
 * The formats and patterns of strings, which only the generated contracts import that have such rules.
 *
 * ```ts
 * isFormat('email', 'ada@example.com'); // true
 * ```
 */
export { isFormat } from '../formats.js';
export { Pattern } from '../pattern.js';
