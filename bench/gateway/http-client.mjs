// A client of HTTP/1.1 on plain sockets, as a worker: it costs less than what it measures.
import { once } from 'node:events';
import { connect } from 'node:net';
import { answerParent } from '@rondo/harness';
import { inLanes } from './lanes.mjs';

const REQUEST_BODY = '{"a":2,"b":3}';
const REPLY_BODY = '{"result":5}';
const REQUEST = Buffer.from(
  [
    'POST /add HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${REQUEST_BODY.length}`,
    '',
    REQUEST_BODY,
  ].join('\r\n'),
);

answerParent({
  /** Calls `POST /add` for some seconds, one call after another on each connection. Gives the number of calls. */
  async call({ port, lanes, seconds }) {
    const connections = await Promise.all(Array.from({ length: lanes }, () => open(port)));
    const calls = await inLanes({ lanes, seconds }, (index) => connections[index].call());
    for (const { close } of connections) close();
    return calls;
  },
});

async function open(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let answered = { resolve: () => undefined, reject: () => undefined };
  let received = '';
  socket.setEncoding('latin1').on('data', (text) => {
    received += text;
    if (!isWhole(received)) return;
    const isRight = received.startsWith('HTTP/1.1 200 ') && received.endsWith(REPLY_BODY);
    if (isRight) answered.resolve();
    else answered.reject(new Error(`a wrong reply: ${received}`));
    received = '';
  });
  socket.on('close', () => answered.reject(new Error('the server closed a connection')));
  return {
    call: () =>
      new Promise((resolve, reject) => {
        answered = { resolve, reject };
        socket.write(REQUEST);
      }),
    close: () => socket.destroy(),
  };
}

const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;

function isWhole(received) {
  const bodyAt = received.indexOf('\r\n\r\n') + 4;
  return bodyAt >= 4 && received.length >= bodyAt + Number(LENGTH.exec(received)?.[1] ?? 0);
}
