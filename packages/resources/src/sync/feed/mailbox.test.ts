import { describe, expect, it } from '@jest/globals';
import { WatchAborted } from '../errors.js';
import type { Change } from '../history.js';
import { createMailbox } from './mailbox.js';

function change(position: number): Change {
  const fields = { mark: 'm', outboxId: 0n, topic: 't', payload: null, createTime: new Date(0) };
  return { ...fields, position: BigInt(position) };
}

describe('a mailbox', () => {
  it('gives any number of changes in order while its reader keeps up', async () => {
    const mailbox = createMailbox(4);
    for (let position = 0; position < 3; position += 1) mailbox.put(change(position));
    for (let position = 3; position < 1_000; position += 1) {
      mailbox.put(change(position)); // never empty, never full
      expect((await mailbox.take()).position).toBe(BigInt(position - 3));
    }
  });

  it('wakes a waiting reader', async () => {
    const mailbox = createMailbox(1);
    const taking = mailbox.take();
    await Promise.resolve();
    mailbox.put(change(7));
    expect((await taking).position).toBe(7n);
  });

  it('fails a slow reader, and drops its queue', async () => {
    const mailbox = createMailbox(2);
    for (let position = 0; position < 5; position += 1) mailbox.put(change(position));
    await expect(mailbox.take()).rejects.toBeInstanceOf(WatchAborted);
    await expect(mailbox.take()).rejects.toBeInstanceOf(WatchAborted);
  });

  it('fails its reader with the first reason', async () => {
    const mailbox = createMailbox(2);
    const taking = mailbox.take();
    mailbox.fail(new Error('first'));
    mailbox.fail(new Error('second'));
    await expect(taking).rejects.toThrow('first');
  });
});
