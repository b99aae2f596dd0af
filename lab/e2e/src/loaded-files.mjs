// Loaded by `--import` into a process with an IPC channel. Answers each message with the files whose code the process has
// loaded by then, one a line: ES modules and CommonJS alike. It doesn't name itself.
import { Session } from 'node:inspector';

const files = [];
const session = new Session();
session.connect();
session.on('Debugger.scriptParsed', ({ params: { url } }) => {
  if ((url.startsWith('file:') || url.startsWith('/')) && url !== import.meta.url) files.push(url);
});
session.post('Debugger.enable');
process.on('message', () => process.send(files.join('\n')));
