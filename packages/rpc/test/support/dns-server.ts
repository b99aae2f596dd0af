import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';

/** A DNS server on UDP, for one test. */
export interface DnsServer {
  /** `address:port`. */
  readonly address: string;
  /** How many questions it was asked. */
  readonly questions: () => number;
  /** What it answers from now on: addresses of both kinds, none for a name without records, or a response code. */
  answer(records: readonly string[] | number): void;
  stop(): void;
}

const [A, AAAA] = [1, 28];
const HEADER_BYTES = 12;
/** A response to a standard query, by a server that recurses. */
const RESPONSE = 0x8180;
/** A pointer to the name in the question. */
const SAME_NAME = 0xc00c;

/**
 * Starts a DNS server that gives the same answer for every name.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc1035 section 4
 */
export async function startDnsServer(records: readonly string[]): Promise<DnsServer> {
  const socket = createSocket('udp4');
  let current: readonly string[] | number = records;
  let questions = 0;
  socket.on('message', (query, { port, address }) => {
    questions += 1;
    socket.send(respond(query, current), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions: () => questions,
    answer(next) {
      current = next;
    },
    stop: () => socket.close(),
  };
}

function respond(query: Buffer, records: readonly string[] | number): Buffer {
  const question = query.subarray(HEADER_BYTES, query.indexOf(0, HEADER_BYTES) + 5);
  const type = question.readUInt16BE(question.length - 4);
  const ofType = typeof records === 'number' ? [] : records.filter((ip) => (isIP(ip) === 6 ? AAAA : A) === type);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(RESPONSE | (typeof records === 'number' ? records : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(ofType.length, 6);
  return Buffer.concat([header, question, ...ofType.map((ip) => record(ip, type))]);
}

function record(ip: string, type: number): Buffer {
  const data = type === A ? Buffer.from(ip.split('.').map(Number)) : v6Bytes(ip);
  const fields = Buffer.alloc(12);
  fields.writeUInt16BE(SAME_NAME, 0);
  fields.writeUInt16BE(type, 2);
  fields.writeUInt16BE(1, 4); // the class IN; the TTL stays 0
  fields.writeUInt16BE(data.length, 10);
  return Buffer.concat([fields, data]);
}

/** The bytes of an address with `::` in it. */
function v6Bytes(ip: string): Buffer {
  const [head = '', tail = ''] = ip.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
