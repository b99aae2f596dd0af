import {
  type CreateMemberRequest,
  type DeleteMemberRequest,
  Member as MemberMessage,
  type UpdateMemberRequest,
  type WatchMembersResponse,
} from '@rondo/contracts/projects/v1/team';
import { type Etagged, etagOf, type List, readEtag, readUpdateMask, required } from '@rondo/resources';
import type { ResourceEvent } from '@rondo/resources/domain';
import type { FieldAt } from '@rondo/rpc/status';
import type { Member, MemberChange, MemberFields } from '../domain/member.js';
import { memberName } from '../domain/names.js';
import type { DeleteMember } from '../usecases/members.js';
import { readMemberName } from './names.js';

/** The fields by which members can be filtered and sorted. */
export const MEMBERS: List = {
  collection: 'members',
  fields: {
    display_name: { kind: 'text' },
    email: { kind: 'text' },
    weekly_capacity_minutes: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  },
  sortable: ['create_time', 'display_name'],
};

const EMPTY = MemberMessage.fromPartial({});

export function readCreateMember({ member = EMPTY }: CreateMemberRequest, field: FieldAt): MemberFields {
  return {
    displayName: required(field('member.display_name'), member.displayName),
    email: required(field('member.email'), member.email),
    weeklyCapacityMinutes: member.weeklyCapacityMinutes,
    subject: member.subject,
    team: member.team,
  };
}

export function readUpdateMember({ member = EMPTY, updateMask }: UpdateMemberRequest, field: FieldAt): MemberChange {
  const { name, displayName, email, weeklyCapacityMinutes, subject, team, etag } = member;
  const changes = readUpdateMask(field('update_mask'), updateMask, {
    display_name: displayName !== '',
    email: email !== '',
    weekly_capacity_minutes: weeklyCapacityMinutes !== 0n,
    subject: subject !== '',
    team: team !== '',
  });
  const fields: Partial<MemberFields> = {
    ...(changes('display_name') && { displayName: required(field('member.display_name'), displayName) }),
    ...(changes('email') && { email: required(field('member.email'), email) }),
    ...(changes('weekly_capacity_minutes') && { weeklyCapacityMinutes }),
    ...(changes('subject') && { subject }),
    ...(changes('team') && { team }),
  };
  return {
    id: readMemberName(field('member.name'), name),
    fields,
    changedSince: readEtag(field('member.etag'), etag, etaggedMember),
  };
}

export function readDeleteMember({ name, etag }: DeleteMemberRequest, field: FieldAt): DeleteMember {
  return {
    id: readMemberName(field('name'), name),
    changedSince: readEtag(field('etag'), etag, etaggedMember),
  };
}

export function toMemberMessage(member: Member): MemberMessage {
  const { id, version: _version, ...fields } = member;
  return { name: memberName(id), ...fields, etag: etagOf(etaggedMember(member)) };
}

export function toMembersEventMessage(event: ResourceEvent<Member>): WatchMembersResponse {
  const { resumeToken } = event;
  if (event.kind !== 'snapshot') {
    return { event: { $case: 'memberChanged', value: toMemberMessage(event.item) }, resumeToken };
  }
  const { items, first, more } = event;
  return { event: { $case: 'snapshot', value: { members: items.map(toMemberMessage), first, more } }, resumeToken };
}

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedMember({
  id,
  version,
  createTime,
  updateTime,
  displayName,
  email,
  weeklyCapacityMinutes,
  deleteTime,
  subject,
  team,
}: Member): Etagged {
  const fields = {
    display_name: displayName,
    email,
    weekly_capacity_minutes: weeklyCapacityMinutes,
    delete_time: deleteTime,
    subject,
    team,
  };
  return { name: memberName(id), version, createTime, updateTime, fields };
}
