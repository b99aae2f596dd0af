// Sets a breakpoint as an editor does: in a line of a TypeScript source, of a process that runs under `node --inspect`.
// Prints `set` when it stands there, and `hit FILE:LINE` when the process has come there; then the process goes on.
// Arguments: the inspector's WebSocket URL, the built file, the line's text, and for how many milliseconds to stand there.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [inspector = '', built = '', text = '', standMs = '0'] = process.argv.slice(2);
const url = pathToFileURL(built).href;
const socket = new WebSocket(inspector);
const waiting = new Map();
let map;

function send(method, params = {}) {
  const id = waiting.size + 1;
  socket.send(JSON.stringify({ id, method, params }));
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

socket.addEventListener('message', ({ data }) => {
  const { id, result, error, method, params } = JSON.parse(data);
  if (error !== undefined) waiting.get(id).reject(new Error(error.message));
  else if (id !== undefined) waiting.get(id).resolve(result);
  else if (method === 'Debugger.scriptParsed' && params.url === url) map = new URL(params.sourceMapURL, url);
  else if (method === 'Debugger.paused') void hit(params.callFrames[0].location);
});

/** The source, its lines, and where each place of the built file stands in it. */
function readMap() {
  const payload = JSON.parse(readFileSync(map, 'utf8'));
  const source = new URL(payload.sources[0], map);
  return { source, lines: readFileSync(source, 'utf8').split('\n'), sourceMap: new SourceMap(payload) };
}

/** The first place of the built file that comes from a line of the source. */
function placeOf(line, sourceMap) {
  for (const [lineNumber, code] of readFileSync(built, 'utf8').split('\n').entries()) {
    for (let columnNumber = 0; columnNumber < code.length; columnNumber += 1) {
      const { originalLine, generatedLine, generatedColumn } = sourceMap.findEntry(lineNumber, columnNumber);
      if (originalLine === line && generatedLine === lineNumber && generatedColumn === columnNumber) {
        return { lineNumber, columnNumber };
      }
    }
  }
  throw new Error(`nothing of ${built} comes from line ${line + 1}`);
}

async function hit({ lineNumber, columnNumber }) {
  const { source, sourceMap } = readMap();
  const { originalLine } = sourceMap.findEntry(lineNumber, columnNumber);
  process.stdout.write(`hit ${fileURLToPath(source)}:${originalLine + 1}\n`);
  await new Promise((resolve) => setTimeout(resolve, Number(standMs)));
  await send('Debugger.resume');
  socket.close();
}

socket.addEventListener('open', async () => {
  await send('Debugger.enable');
  const { lines, sourceMap } = readMap();
  const line = lines.findIndex((code) => code.includes(text));
  const { locations } = await send('Debugger.setBreakpointByUrl', { url, ...placeOf(line, sourceMap) });
  process.stdout.write(locations.length === 1 ? 'set\n' : 'not set\n');
});
