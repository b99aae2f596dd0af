import { once } from 'node:events';
import { connect } from 'node:net';

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

/** A connection of HTTP/1.1 on a plain socket, for one call of `POST /add` after another. */
export async function openConnection(port) {
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
