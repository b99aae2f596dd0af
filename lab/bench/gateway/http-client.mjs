// A client of HTTP/1.1 on plain sockets, as a worker: it costs less than what it measures.
import { answerParent } from '@rondo/harness';
import { openConnection } from './http-connection.mjs';
import { inLanes } from './lanes.mjs';

answerParent({
  /** Calls `POST /add` for some seconds, one call after another on each connection. Gives the number of calls. */
  async call({ port, lanes, seconds }) {
    const connections = await Promise.all(Array.from({ length: lanes }, () => openConnection(port)));
    const calls = await inLanes({ lanes, seconds }, (index) => connections[index].call());
    for (const { close } of connections) close();
    return calls;
  },
});
