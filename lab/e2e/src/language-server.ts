/** The compiler's language server, as an editor runs it: LSP over stdio. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { spawnServer } from './json-rpc.js';

/** A place in a file; both count from 0. */
interface Position {
  readonly line: number;
  readonly character: number;
}

/** A language server with a folder open. */
export type LanguageServer = Awaited<ReturnType<typeof startLanguageServer>>;

/** LSP's severity of an error. */
const ERROR = 1;

interface Diagnostic {
  readonly severity: number;
  readonly message: string;
  readonly range: { readonly start: Position };
}

/** Starts the server that is installed in a folder, and opens that folder. */
export async function startLanguageServer(folder: string) {
  const server = spawnServer(folder, ['node_modules/typescript/bin/tsc', '--lsp', '--stdio']);
  const url = (file: string) => pathToFileURL(join(folder, file)).href;
  const rootUri = pathToFileURL(folder).href;
  const textDocument = { diagnostic: {}, definition: { linkSupport: false } };
  await server.request('initialize', {
    processId: process.pid,
    rootUri,
    workspaceFolders: [{ uri: rootUri, name: 'rondo' }],
    capabilities: { textDocument },
  });
  server.notify('initialized', {});
  const shown = new Set<string>();
  return {
    /** Opens a file of the folder, if it isn't open yet. */
    open(file: string) {
      if (shown.has(file)) return;
      shown.add(file);
      const languageId = file.endsWith('ts') ? 'typescript' : 'javascript';
      const text = readFileSync(join(folder, file), 'utf8');
      server.notify('textDocument/didOpen', { textDocument: { uri: url(file), languageId, version: 1, text } });
    },
    /** The errors in an open file, as `line: message`. */
    async errors(file: string): Promise<readonly string[]> {
      const report = await server.request('textDocument/diagnostic', { textDocument: { uri: url(file) } });
      const { items } = report as { readonly items: readonly Diagnostic[] };
      const errors = items.filter(({ severity }) => severity === ERROR);
      return errors.map(({ message, range }) => `${range.start.line + 1}: ${message}`);
    },
    /** The URLs of the files that define what `word` names at its first place in an open file. */
    async definitions(file: string, word: string): Promise<readonly string[]> {
      const position = positionOf(readFileSync(join(folder, file), 'utf8'), word);
      const found = await server.request('textDocument/definition', { textDocument: { uri: url(file) }, position });
      return (found as readonly { readonly uri: string }[]).map(({ uri }) => uri);
    },
    /** Ends it as editors do, and resolves once it has ended. */
    async close() {
      await server.request('shutdown');
      server.notify('exit');
      await server.ended;
    },
  };
}

function positionOf(text: string, word: string): Position {
  const at = text.indexOf(word);
  if (at === -1) throw new Error(`there is no ${word}`);
  const before = text.slice(0, at).split('\n');
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}
