import { Member, TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import type { Transaction } from '@rondo/database';
import { defineResource, type ResourceContext, standardMethods } from '@rondo/resources';
import { MoreReserved, StillReserved } from './domain/capacity-errors.js';
import { mondayAt } from './domain/planning/days.js';
import { closeWeeksBefore, lockCapacity, weeksWithMoreThan } from './member-weeks.js';

/** Members: the people of the teams. */
export const members = defineResource(Member, {
  table: 'members',
  filter: ['displayName', 'email', 'weeklyCapacityMinutes', 'createTime'],
  sort: ['createTime', 'displayName'],
  unique: { members_email_key: { email: 'e-mail address' }, members_subject_key: 'subject' },
  whenMissing: 'list the members with ListMembers',
  whenDeleted: 'bring it back with UndeleteMember first',
});

/** What the methods of members and of their time work with. */
export interface TeamContext extends ResourceContext {
  readonly now: () => Date;
}

/** The methods of members. Their reserved time keeps them, and as much of their capacity. */
export function memberMethods({ now, ...context }: TeamContext) {
  const reservedMoreThan = (tx: Transaction, member: string, minutes: bigint) => {
    const [memberId = ''] = members.idsIn(member);
    return weeksWithMoreThan(tx, { memberId, minutes, from: mondayAt(now()) });
  };
  return standardMethods(TeamServiceDefinition, members, {
    ...context,
    async beforeUpdate({ name, weeklyCapacityMinutes: present }, { weeklyCapacityMinutes: minutes = present }, { tx }) {
      if (minutes === present) return undefined;
      await lockCapacity(tx, 'exclusive');
      const weeks = await reservedMoreThan(tx, name, minutes);
      if (weeks.length > 0) throw new MoreReserved(name, minutes, weeks);
      const [memberId = ''] = members.idsIn(name);
      await closeWeeksBefore(tx, memberId, mondayAt(now()));
      return undefined;
    },
    async beforeDelete({ name }, { tx }) {
      await lockCapacity(tx, 'exclusive');
      const weeks = await reservedMoreThan(tx, name, 0n);
      if (weeks.length > 0) throw new StillReserved(name, weeks);
    },
  });
}
