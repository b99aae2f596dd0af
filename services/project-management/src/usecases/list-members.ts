import type { Member } from '../domain/member.js';
import type { ListQuery, Page } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';

/** A page of the team, the newest first. */
export function listMembers({ members }: Pick<Ports, 'members'>, query: ListQuery): Promise<Page<Member>> {
  return members.list(query);
}
