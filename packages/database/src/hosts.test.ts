import { describe, expect, it, jest } from '@jest/globals';
import { DatabaseUnavailable } from './errors.js';
import { Hosts, hostsOf } from './hosts.js';
import { createPool } from './pool.js';
import { describeUrl } from './readiness.js';

const URL_OF_TWO = 'postgres://sales:secret@a:5433,b/sales?target_session_attrs=read-write';

describe('the hosts of a database', () => {
  it('are tried in turn, from the last one that suited', () => {
    const hosts = new Hosts(URL_OF_TWO);
    const [a, b] = ['a:5433', 'b'].map(
      (host) => `postgres://sales:secret@${host}/sales?target_session_attrs=read-write`,
    );
    expect(hosts.url).toBe(a);
    hosts.leave(hosts.url);
    expect(hosts.url).toBe(b);
    hosts.leave(String(a)); // another connection's fault, of before
    expect(hosts.url).toBe(b);
    hosts.leave(hosts.url);
    expect(hosts.url).toBe(a);
  });

  it('are asked once, for all callers of the next 100 ms, if none suits', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    const hosts = new Hosts(URL_OF_TWO);
    const asked: string[] = [];
    const connect = async () => {
      asked.push(new URL(hosts.url).hostname);
      throw new DatabaseUnavailable(`${asked.at(-1)} is a standby`);
    };
    for (const at of [1_000, 1_050, 1_100]) {
      clock.mockReturnValue(at);
      await expect(hosts.first(connect)).rejects.toMatchObject({ message: 'a is a standby; b is a standby' });
      expect(asked).toHaveLength(at < 1_100 ? 2 : 4);
    }
    clock.mockRestore();
  });

  it("are known to all pools and listeners of a process, and aren't at fault if one of these is closed", async () => {
    const hosts = hostsOf(URL_OF_TWO);
    expect(hostsOf(URL_OF_TWO)).toBe(hosts);
    const closed = createPool({ url: URL_OF_TWO });
    await closed.close();
    await expect(closed.check()).rejects.toThrow('after calling end');
    await expect(hosts.first(async () => new URL(hosts.url).hostname)).resolves.toBe('a');
  });

  it.each(['standby', 'prefer-standby', 'read-only', 'readwrite', ''])(
    'are refused with target_session_attrs=%s',
    (target) => {
      const url = URL_OF_TWO.replace('read-write', target);
      expect(() => createPool({ url })).toThrow(
        `target_session_attrs=${target} in the URL of a database: Rondo writes to the database and reads what it has written, so give one of read-write, primary, any`,
      );
    },
  );

  it('are all in the loggable part of a URL, and the password is not', () => {
    expect(describeUrl(URL_OF_TWO)).toBe('database "sales" at a:5433,b:5432');
  });
});
