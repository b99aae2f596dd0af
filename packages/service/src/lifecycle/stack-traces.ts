import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

/** By the URL of a compiled file. Undefined for a file that has no source map. */
const sourceMaps = new Map<string, SourceMap | undefined>();

/**
 * Makes stack traces name the sources, by the source maps next to the compiled files. A map is loaded when a trace first names its
 * file. Node's `--enable-source-maps` would load all maps at the start, which costs a service 3 to 9 MiB. See ADR 0001.
 *
 * Source: https://v8.dev/docs/stack-trace-api#customizing-stack-traces
 */
export function mapStackTraces(): void {
  Error.prepareStackTrace = (error, sites) =>
    [headOf(error), ...sites.map((site) => `    at ${placeOf(site)}`)].join('\n');
}

/** As V8 writes it. */
function headOf(error: Error): string {
  try {
    return String(error);
  } catch {
    return '<error>';
  }
}

/** A call site as V8 writes it, with its place in the source if that is known. */
function placeOf(site: NodeJS.CallSite): string {
  const [file, line, column] = [site.getFileName(), site.getLineNumber(), site.getColumnNumber()];
  const place = String(site);
  if (!file?.startsWith('file:') || line === null || column === null) return place;
  const source = sourceOf(file, line, column);
  return source === undefined ? place : place.replace(`${file}:${line}:${column}`, () => source);
}

/** The place in the source that a place in a compiled file comes from; undefined if no source map tells. */
function sourceOf(file: string, line: number, column: number): string | undefined {
  // Node counts from 0 here, and from 1 in traces.
  const entry = sourceMapOf(file)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !('originalSource' in entry)) return undefined;
  const { originalSource, originalLine, originalColumn } = entry;
  if (!URL.canParse(originalSource, file)) return undefined;
  return `${new URL(originalSource, file).href}:${originalLine + 1}:${originalColumn + 1}`;
}

function sourceMapOf(file: string): SourceMap | undefined {
  if (!sourceMaps.has(file)) sourceMaps.set(file, readSourceMap(file));
  return sourceMaps.get(file);
}

function readSourceMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(`${file}.map`), 'utf8')));
  } catch {
    // A trace without sources is better than none.
    return undefined;
  }
}
